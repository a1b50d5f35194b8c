"""Units that an administrator wrote by hand, by the public recipe: ours take their place, and they
come back byte for byte."""

import pytest

from layouts import HAND_SOCKET, HAND_TEMPLATE, write_by_hand
from tree import MARKER, UNITS

SOCKET = f"{UNITS}/sshd-vsock.socket"
TEMPLATE = f"{UNITS}/sshd-vsock@.service"
LINK = f"{UNITS}/sockets.target.wants/sshd-vsock.socket"
CLOSE = "disable_tcp: true\n"


def test_taken_over_and_given_back_byte_for_byte(debian):
    write_by_hand(debian)
    before = debian.state()
    plan = debian.run("plan", config=CLOSE).stdout
    for unit in (SOCKET, TEMPLATE):
        assert f"take over {unit}, kept as {unit}.sshd-vsock-saved" in plan
    assert debian.state() == before
    for config in ("", CLOSE, "port: 2222\n"):
        debian.apply("--no-verify", config=config)
        assert debian.read(SOCKET).startswith(MARKER) and debian.read(TEMPLATE).startswith(MARKER)
        assert debian.state()[f"{SOCKET}.sshd-vsock-saved"] == before[SOCKET]
        assert debian.state()[LINK] == before[LINK]
    assert debian.run("status", config="port: 2222\n").returncode == 0
    assert debian.run("remove").returncode == 0
    after = debian.state()
    assert {path for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)} <= {"/etc/modules-load.d"}
    assert "nothing to do" in debian.run("remove").stderr


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
