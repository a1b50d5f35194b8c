"""Units that an administrator wrote by hand, by the public recipe: ours take their place, and they
come back byte for byte."""

import pytest

from layouts import HAND_SOCKET, HAND_TEMPLATE, make, write_by_hand
from tree import MARKER, UNITS, Tree, changes

SOCKET = f"{UNITS}/sshd-vsock.socket"
TEMPLATE = f"{UNITS}/sshd-vsock@.service"
LINK = f"{UNITS}/sockets.target.wants/sshd-vsock.socket"
CLOSE = "disable_tcp: true\n"


@pytest.mark.parametrize("layout", ("debian12", "ubuntu2404"))
def test_taken_over_and_given_back_byte_for_byte(layout, folder):
    """TCP is ssh.service's, or ssh.socket's."""
    tree = write_by_hand(make(layout, Tree(folder / "tree")))
    before = tree.state()
    plan = tree.run("plan", config=CLOSE).stdout
    for unit in (SOCKET, TEMPLATE):
        assert f"take over {unit}, kept as {unit}.sshd-vsock-saved" in plan
    assert tree.state() == before
    for config in ("", CLOSE, "port: 2222\n"):
        tree.apply("--no-verify", config=config)
        assert tree.read(SOCKET).startswith(MARKER) and tree.read(TEMPLATE).startswith(MARKER)
        assert tree.state()[f"{SOCKET}.sshd-vsock-saved"] == before[SOCKET]
        assert tree.state()[LINK] == before[LINK]
    assert tree.run("status", config="port: 2222\n").returncode == 0
    assert tree.run("remove").returncode == 0
    # an empty directory may stay or go
    assert changes(before, tree.state()) <= {"/etc/modules-load.d", f"{UNITS}/multi-user.target.wants"}
    assert "nothing to do" in tree.run("remove").stderr


def test_it_is_the_way_in_that_is_left(debian):
    """An image without any other sshd: what comes back is one."""
    write_by_hand(debian)
    debian.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    debian.apply()
    assert debian.run("remove").returncode == 0
    assert debian.read(SOCKET).decode() == HAND_SOCKET


@pytest.mark.parametrize("template", (None, HAND_TEMPLATE.replace("/usr/sbin/sshd -i", "/usr/bin/login")),
                         ids=("gone", "another program"))
def test_socket_that_comes_back_without_an_sshd_is_no_way_in(template, debian):
    """Its template is ours, which goes; or none of sshd's."""
    debian.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    if template:
        write_by_hand(debian, template=template)
        debian.apply("--takeover")
    else:
        debian.apply()
        debian.put(SOCKET, HAND_SOCKET)
        assert f"take over {SOCKET}" in debian.apply().stderr
    before = debian.state()
    result = debian.run("remove")
    assert result.returncode == 4 and "the vsock listener is the only way in" in result.stderr, result.stderr
    assert debian.state() == before
    assert debian.run("remove", "--no-verify").returncode == 0


def test_what_was_put_there_since_stays(debian):
    write_by_hand(debian)
    debian.apply()
    debian.put(SOCKET, "[Socket]\nListenStream=vsock::22\nAccept=yes\n# mine\n")
    assert debian.run("remove").returncode == 0
    assert debian.read(SOCKET).endswith(b"# mine\n")
    assert debian.at(LINK).is_symlink()
    assert debian.read(f"{SOCKET}.sshd-vsock-saved").decode() == HAND_SOCKET


@pytest.mark.parametrize("socket, template, words", (
    (HAND_SOCKET.replace("::22", "::2222"), HAND_TEMPLATE,
     'sshd-vsock.socket is not managed by sshd-vsock, whose unit does not do what it does: '
     '"ListenStream=vsock::2222" (another port than the configuration\'s)'),
    (HAND_SOCKET, HAND_TEMPLATE.replace("sshd -i", "sshd -i -o PermitRootLogin=no"),
     'options that sshd-vsock does not pass: put them into sshd_config'),
    (HAND_SOCKET, HAND_TEMPLATE + "ProtectSystem=strict\n", '"ProtectSystem=strict"')))
def test_what_does_more_is_named_and_left_alone(socket, template, words, debian):
    write_by_hand(debian, socket, template)
    before = debian.state()
    assert words in debian.apply(status=1).stderr
    assert debian.state() == before


def test_one_that_is_not_enabled_is_no_door(debian):
    write_by_hand(debian)
    debian.remove(LINK)
    before = debian.state()
    assert "not enabled in sockets.target" in debian.apply(status=1).stderr
    assert debian.state() == before


@pytest.mark.parametrize("option", ((), ("--takeover",)))
@pytest.mark.parametrize("install, links", (
    ("WantedBy=multi-user.target", ("multi-user.target.wants",)),
    ("RequiredBy=multi-user.target", ("multi-user.target.requires",)),
    ("WantedBy=default.target", ("default.target.wants",)),
    ("RequiredBy=sockets.target", ("sockets.target.requires",)),
    ("WantedBy=multi-user.target sockets.target", ("multi-user.target.wants", "sockets.target.wants")),
    ("WantedBy=sockets.target\nRequiredBy=multi-user.target", ("multi-user.target.requires", "sockets.target.wants"))))
def test_whatever_target_enables_it(install, links, option, debian):
    """Ours is started early, too; that link goes again, and all of his stay."""
    write_by_hand(debian, "[X-Mine]\nA=b\n" + HAND_SOCKET.replace("WantedBy=sockets.target", f"X-Of=me\n{install}"))
    debian.remove(LINK)
    for link in links:
        debian.link(f"{UNITS}/{link}/sshd-vsock.socket", "../sshd-vsock.socket")
    before = debian.state()
    debian.apply(*option)
    assert debian.read(SOCKET).startswith(MARKER) and debian.at(LINK).is_symlink()
    assert "nothing to do" in debian.apply().stderr and debian.run("status").returncode == 0
    assert debian.run("remove").returncode == 0
    assert changes(before, debian.state()) <= {"/etc/modules-load.d", f"{UNITS}/sockets.target.wants"}
    assert "nothing to do" in debian.run("remove").stderr


@pytest.mark.parametrize("socket, template", (
    (HAND_SOCKET.replace("::22", "::2222"), HAND_TEMPLATE),
    (HAND_SOCKET.replace("Accept=yes", "Accept=no"), HAND_TEMPLATE),
    (HAND_SOCKET, HAND_TEMPLATE + "ProtectSystem=strict\n"),
    ("mine", "[Service]\nExecStart=/opt/sshd -i\n")))
def test_on_request_anything_is_taken_over_and_given_back(socket, template, debian):
    write_by_hand(debian, socket, template)
    before = debian.state()
    assert f"take over {SOCKET}, kept as" in debian.run("plan", "--takeover").stdout
    assert debian.state() == before
    debian.apply("--takeover")
    assert debian.read(SOCKET).startswith(MARKER) and debian.read(TEMPLATE).startswith(MARKER)
    assert debian.run("status").returncode == 0  # without the word, too
    debian.apply()
    assert debian.run("remove").returncode == 0
    after = debian.state()
    assert {path for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)} <= {"/etc/modules-load.d"}


ELSEWHERE = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
OWN_TEMPLATE = HAND_TEMPLATE.replace("sshd -i", "sshd -i -o PermitRootLogin=no")


@pytest.mark.parametrize("units", ELSEWHERE)
def test_recipe_in_another_directory_stays_enabled(units, debian):
    """Ours go before those by their directory: what enables them, and who they are, is not ours."""
    write_by_hand(debian, units=units)
    before = debian.state()
    debian.apply()
    assert debian.read(SOCKET).startswith(MARKER) and debian.read(TEMPLATE).startswith(MARKER)
    assert debian.state()[LINK] == before[LINK]
    assert "nothing to do" in debian.apply().stderr
    assert debian.run("remove").returncode == 0
    assert changes(before, debian.state()) <= {"/etc/modules-load.d"}
    assert "nothing to do" in debian.run("remove").stderr


@pytest.mark.parametrize("target, stays", (
    (SOCKET, False), ("../sshd-vsock.socket", False),
    ("/usr/lib/systemd/system/sshd-vsock.socket", True), ("../../../../opt/sshd-vsock.socket", True)))
def test_link_that_leads_elsewhere_stays(target, stays, debian):
    """It enabled ours, too, by its name: whose it is its target tells, be it there or not."""
    debian.link(LINK, target)
    debian.apply()
    assert debian.run("remove").returncode == 0
    assert debian.at(LINK).is_symlink() == stays


@pytest.mark.parametrize("units", ELSEWHERE)
@pytest.mark.parametrize("socket, template, unit, words", (
    (HAND_SOCKET, OWN_TEMPLATE, "sshd-vsock@.service",
     "options that sshd-vsock does not pass: put them into sshd_config"),
    (HAND_SOCKET.replace("Accept=yes", "Accept=no"), HAND_TEMPLATE, "sshd-vsock.socket",
     '"Accept=no" (one process for all connections)')))
def test_what_does_more_in_another_directory_is_named(units, socket, template, unit, words, debian):
    """… and both fixes mend it; once ours are there, nothing asks again."""
    write_by_hand(debian, socket, template, units)
    before = debian.state()
    said = debian.apply(status=1).stderr
    assert f"{units}/{unit} is not managed by sshd-vsock, whose unit does not do what it does: " in said
    assert words in said and debian.state() == before
    debian.apply("--takeover")
    assert debian.read(SOCKET).startswith(MARKER) and debian.read(TEMPLATE).startswith(MARKER)
    assert "nothing to do" in debian.apply().stderr
    assert debian.run("remove").returncode == 0
    assert changes(before, debian.state()) <= {"/etc/modules-load.d"}
    debian.put(f"{units}/{unit}", HAND_SOCKET if unit.endswith(".socket") else HAND_TEMPLATE)
    debian.apply()


def test_what_a_unit_of_etc_goes_before_already_is_compared_with_nothing(debian):
    """It was in force at no time."""
    write_by_hand(debian, template=OWN_TEMPLATE, units=ELSEWHERE[1])
    debian.remove(LINK)
    write_by_hand(debian)
    debian.apply()
    debian.put(f"{ELSEWHERE[0]}/sshd-vsock@.service", OWN_TEMPLATE)
    assert "nothing to do" in debian.apply().stderr


@pytest.mark.parametrize("what, path", (
    ("of the last boot", "/run/systemd/system/sshd-vsock.socket"), ("empty", f"{ELSEWHERE[1]}/sshd-vsock.socket"),
    ("empty", f"{ELSEWHERE[0]}/sshd-vsock@.service")))
def test_what_starts_nothing_in_another_directory_is_no_unit(what, path, debian):
    """An empty file is a mask; and of an image's /run no boot has anything."""
    debian.put(path, "" if what == "empty" else HAND_SOCKET.replace("Accept=yes", "Accept=no"))
    debian.apply()
    assert debian.read(SOCKET).startswith(MARKER)
    assert debian.run("remove").returncode == 0


@pytest.mark.parametrize("what", ("mask", "link", "disabled"))
def test_request_is_about_files_that_are_enabled(what, debian):
    """A mask is a decision, and what starts at no boot would once ours had been there."""
    write_by_hand(debian)
    debian.remove(LINK if what == "disabled" else SOCKET)
    if what != "disabled":
        debian.link(SOCKET, "/dev/null" if what == "mask" else "/opt/mine")
    before = debian.state()
    assert debian.apply("--takeover", status=1).returncode == 1
    assert debian.state() == before


@pytest.mark.parametrize("verb", ("check", "status", "remove", "verify", "client"))
def test_request_is_for_plan_and_apply(verb, debian):
    result = debian.run(verb, "--takeover")
    assert result.returncode == 2 and f"--takeover is not for {verb};" in result.stderr


@pytest.mark.parametrize("place, counts", (
    ("sshd-vsock.socket.d", True), ("sshd-.socket.d", True), ("socket.d", True),
    ("sshd.socket.d", False), ("ssh-.socket.d", False), ("sshd-vsock-.socket.d", False)))
def test_drop_in_of_all_names_that_begin_so(place, counts, debian):
    """systemd reads those of a name cut at its dashes, too."""
    debian.put(f"{UNITS}/{place}/a.conf", "[Socket]\nListenStream=2222\n")
    said = debian.apply("--no-verify", config=CLOSE, status=1 if counts else 0).stderr
    assert (f"{place}/a.conf has sshd-vsock.socket listen on TCP, too" in said) == counts
