"""Other socket units on our vsock port: mkosi's Ssh= is masked, a stream of ssh.socket is taken out,
and both come back byte for byte."""

import re

import pytest

import layouts
from layouts import (HAND_TEMPLATE, MKOSI_SOCKET, MKOSI_TEMPLATE, STREAM, record, write_by_mkosi,
                     write_stream)
from tree import MARKER, UNITS, Tree

MASK = f"{UNITS}/ssh.socket"
DROPIN = f"{UNITS}/ssh.socket.d/10-vsock.conf"
CLOSE = "disable_tcp: true\n"
LISTEN = "listen_address: 127.0.0.1\n"


def differences(before, after):
    """The paths whose state differs, but for folders that may stay, or go once they are empty."""
    return {path for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)} - {
        "/etc/modules-load.d", f"{UNITS}/multi-user.target.wants"}


def settings(tree, path):
    """The lines of a file that say something."""
    return [line for line in tree.read(path).decode().splitlines() if line and line[0] != "#"]


@pytest.fixture(name="ubuntu")
def ubuntu_tree(folder):
    """The one whose ssh.socket is enabled."""
    return layouts.make("ubuntu2404", Tree(folder / "tree"))


# ---- a unit that has nothing else ------------------------------------------------------------------

@pytest.mark.parametrize("template", (None, "[Service]\nExecStart=/usr/bin/true\nStandardInput=socket\n"))
def test_unit_that_comes_back_without_sshd_is_no_way_in(template, debian):
    """Whatever is enabled and listens."""
    write_by_mkosi(debian)
    debian.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    debian.apply()
    debian.remove("/usr/lib/systemd/system/ssh@.service")
    if template:
        debian.put("/usr/lib/systemd/system/ssh@.service", template)
    before = debian.state()
    assert debian.run("remove").returncode == 4
    assert debian.state() == before
    debian.put("/usr/lib/systemd/system/ssh@.service", MKOSI_TEMPLATE)
    assert debian.run("remove").returncode == 0


@pytest.mark.parametrize("units", ("/usr/lib/systemd/system", UNITS))
@pytest.mark.parametrize("name", ("ssh", "vsock-ssh"))
def test_mkosi_units_are_masked_and_given_back(name, units, debian):
    debian.put("/dev/null")
    write_by_mkosi(debian, name, units)
    # Fedora's, which is as good for ours
    debian.put("/usr/lib/systemd/system/service.d/10-timeout-abort.conf",
               "[Service]\nTimeoutStopFailureMode=abort\n")
    path, own = f"{UNITS}/{name}.socket", units == UNITS
    before = debian.state()
    plan = debian.run("plan").stdout
    assert f"take over {name}.socket: link {path} -> /dev/null" in plan
    assert (f"take over {path}, kept as {path}.sshd-vsock-saved" in plan) == own
    assert debian.state() == before
    for config in ("", CLOSE, LISTEN, "port: 2222\n", ""):
        debian.apply("--no-verify", config=config)
        masked = debian.state().get(path, (None,))[-1] == "/dev/null"
        # where the vendor's is back on a port of its own, it is a unit like any other
        assert masked or (config.startswith("port") and name == "ssh" and not own)
        assert debian.run("status", config=config).returncode == 0, config
        assert "nothing to do" in debian.apply("--no-verify", config=config).stderr
        link = f"{UNITS}/sockets.target.wants/{name}.socket"
        assert debian.state()[link] == before[link]
    assert f"disable {name}.socket\n" in debian.read(record(f"{name}.socket")).decode()
    assert debian.run("remove").returncode == 0
    assert differences(before, debian.state()) == set()
    assert "nothing to do" in debian.run("remove").stderr


def test_status_says_for_what_a_unit_is_masked(debian):
    """mkosi's ssh.socket was never on TCP."""
    write_by_mkosi(debian)
    debian.apply("--no-verify", config=CLOSE)
    tcp = re.findall(r"(ssh\.\w+): (.*)", debian.run("status", config=CLOSE).stdout)
    assert sorted(tcp) == [("ssh.service", "closed (masked by sshd-vsock)"),
                           ("ssh.socket", "masked by sshd-vsock, for the vsock port")]


@pytest.mark.parametrize("units", ("/usr/lib/systemd/system", UNITS))
@pytest.mark.parametrize("enabled", (True, False))
@pytest.mark.parametrize("name", ("ssh", "vsock-ssh"))
def test_what_comes_back_is_a_way_in(name, enabled, units, debian):
    """Without any other sshd `remove` has somebody to leave the port to, if that one is enabled. (ssh.socket
    is also one of the units of TCP.) The link that enables one of /etc leads to our mask until then."""
    write_by_mkosi(debian, name, units)
    debian.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    debian.apply()
    if not enabled:
        debian.remove(f"{UNITS}/sockets.target.wants/{name}.socket")
    assert debian.run("remove").returncode == (0 if enabled else 4)
    assert debian.at(f"{UNITS}/{name}.socket").is_symlink() == (not enabled)


@pytest.mark.parametrize("garbage", (b"\0" + b"A" * 5000, b"\n\0\n[Socket]\nBacklog=3\n" * 300),
                         ids=["tail", "lines"])
def test_a_drop_in_that_holds_nul_is_no_trap(ubuntu, garbage):
    """Whatever it is taken for, no more of it is read than there is; and it comes back as it was."""
    ubuntu.put(DROPIN, b"[Socket]\nListenStream=vsock::22\n" + garbage)
    before = ubuntu.state()
    for verb, status in ("plan", 10), ("apply", 0), ("status", 0), ("remove", 0):
        result = ubuntu.run(verb)
        assert result.returncode == status and "Sanitizer" not in result.stderr, result.stderr
    assert differences(before, ubuntu.state()) == set()


@pytest.mark.parametrize("change", ("its package is gone", "it names no vsock any more"))
def test_mask_goes_with_what_it_was_for(change, debian):
    """What was masked is another thing now: the mask, and its record, are ours all the same."""
    write_by_mkosi(debian, "vsock-ssh")
    vendor = "/usr/lib/systemd/system/vsock-ssh.socket"
    debian.apply()
    assert debian.at(f"{UNITS}/vsock-ssh.socket").is_symlink()
    if change == "its package is gone":
        debian.remove(vendor)
        debian.remove(f"{UNITS}/sockets.target.wants/vsock-ssh.socket")
    else:
        debian.put(vendor, "[Socket]\nListenStream=/run/other\n")
    debian.apply()
    assert debian.run("remove").returncode == 0
    assert not debian.at(f"{UNITS}/vsock-ssh.socket").is_symlink()
    assert not debian.at(record("vsock-ssh.socket")).exists()
    assert "nothing to do" in debian.run("remove").stderr


def test_a_unit_that_cannot_be_read_ends_no_run(debian):
    """It is somebody's, and has nothing to do with us: on a disk that fails, say."""
    debian.link(f"{UNITS}/other.socket", "a" * 300)  # ENAMETOOLONG for who opens it
    debian.link(f"{UNITS}/sockets.target.wants/other.socket", f"{UNITS}/other.socket")
    before = debian.state()
    debian.apply("--no-verify", config=CLOSE)
    assert "nothing to do" in debian.apply("--no-verify", config=CLOSE).stderr
    assert debian.run("remove").returncode == 0
    assert differences(before, debian.state()) == set()


@pytest.mark.parametrize("dropins, taken", (
    (("\ufeff[Socket]\nListenStream=\nListenStream=vsock::22\n",), True),
    (("[Socket]\nListenStream=\n", "\ufeff[Socket]\r\nListenStream=vsock::22\r\n"), True),
    (("[Socket]\nListenStream=\nListenStream=vsock::22\\", "[Socket]\nBacklog=5\n"), True),
    (("[Socket]\nListenStream=\n", "ListenStream=vsock::22\n"), False),
))
def test_each_file_is_read_on_its_own(dropins, taken, ubuntu):
    """As systemd does: a byte order mark, the end of a line and a section are those of one file."""
    for i, text in enumerate(dropins):
        write_stream(ubuntu, text, name=f"{i}.conf")
    ubuntu.apply("--takeover")
    masked = ubuntu.at(MASK).is_symlink()
    assert masked == taken


def test_masks_of_others_stay(debian):
    write_by_mkosi(debian)
    debian.link(MASK, "/dev/null")
    debian.apply()
    assert not debian.at(record("ssh.socket")).exists()
    assert debian.run("remove").returncode == 0
    assert debian.at(MASK).is_symlink()


@pytest.mark.parametrize("socket, template, words", (
    (MKOSI_SOCKET.replace("Accept=yes", "Accept=no"), MKOSI_TEMPLATE,
     '"Accept=no" (one process for all connections); fix: '),
    (MKOSI_SOCKET, HAND_TEMPLATE.replace("sshd -i", "sshd -i -o PermitRootLogin=no"),
     "options that sshd-vsock does not pass: put them into sshd_config"),
    (MKOSI_SOCKET + "[Socket]\nIPAddressDeny=any\n", MKOSI_TEMPLATE + "ProtectSystem=strict\n",
     '"IPAddressDeny=any", "ProtectSystem=strict"; fix: '),
    (MKOSI_SOCKET.replace("vsock::", "vsock:3:"), MKOSI_TEMPLATE,
     '"ListenStream=vsock:3:22" (another address)')))
def test_what_does_more_is_named_and_taken_over_on_request(socket, template, words, debian):
    write_by_mkosi(debian)
    debian.put("/usr/lib/systemd/system/ssh.socket", socket)
    debian.put("/usr/lib/systemd/system/ssh@.service", template)
    before = debian.state()
    said = debian.apply(status=1).stderr
    assert f"{MASK} would mask ssh.socket, which has the vsock port and does" in said and words in said
    assert debian.state() == before
    debian.apply("--takeover")
    assert debian.at(MASK).is_symlink()
    assert "nothing to do" in debian.apply().stderr
    assert debian.run("remove").returncode == 0
    assert differences(before, debian.state()) == set()


@pytest.mark.parametrize("what", ("another port", "not enabled"))
def test_what_is_not_in_the_way_is_left_alone(what, debian):
    write_by_mkosi(debian)
    if what == "not enabled":
        debian.remove(f"{UNITS}/sockets.target.wants/ssh.socket")
    debian.apply(config="port: 2222\n" if what == "another port" else "")
    assert not debian.at(MASK).exists()


TURNED = "[Socket]\nListenStream=\nListenStream=vsock::22\n"


def test_sshds_own_socket_that_was_turned_to_vsock(ubuntu):
    """What closes TCP by hand: nothing opens it."""
    write_stream(ubuntu, TURNED)
    before = ubuntu.state()
    for config in ("", CLOSE, ""):
        ubuntu.apply("--no-verify", config=config)
        assert ubuntu.at(MASK).is_symlink()
        assert ubuntu.state()[DROPIN] == before[DROPIN]
        assert "nothing to do" in ubuntu.apply("--no-verify", config=config).stderr
    assert ubuntu.run("remove").returncode == 0
    assert differences(before, ubuntu.state()) == set()


@pytest.mark.parametrize("what", ("more settings", "a service that would open TCP"))
def test_sshds_own_socket_that_is_not_only_turned(what, ubuntu):
    write_stream(ubuntu, TURNED + ("MaxConnections=3\n" if what == "more settings" else ""))
    if what != "more settings":
        layouts.enable(ubuntu, "ssh.service", "/usr/lib/systemd/system", "multi-user.target.wants")
    before = ubuntu.state()
    assert '"Accept=no" (one process for all connections)' in ubuntu.apply(status=1).stderr
    assert ubuntu.state() == before


# ---- a stream beside others ------------------------------------------------------------------------

@pytest.mark.parametrize("stream", ("vsock::22", "vsock:4294967295:22", "vsock-stream::0x16",
                                    "vsock:3:22", "vsock::026"))
@pytest.mark.parametrize("rest", ("", "[Socket]\nListenStream=2200\nBacklog=5\n"
                                      "[Unit]\nDescription=mine \\\n  and yours\n"))
def test_stream_is_taken_out_and_given_back(stream, rest, ubuntu):
    write_stream(ubuntu, STREAM.replace("vsock::22", stream) + rest)
    before = ubuntu.state()
    assert f"take over {DROPIN}, kept as {DROPIN}.sshd-vsock-saved" in ubuntu.run("plan").stdout
    assert ubuntu.state() == before
    for config in ("", LISTEN, CLOSE, "port: 2222\n", ""):
        ubuntu.apply("--no-verify", config=config)
        assert ubuntu.state()[f"{DROPIN}.sshd-vsock-saved"] == before[DROPIN]
        assert ubuntu.read(DROPIN).startswith(MARKER)
        assert settings(ubuntu, DROPIN) == (
            ["[Socket]", "ListenStream=2200", "Backlog=5", "[Unit]", "Description=mine  and yours"]
            if rest else [])
        if config == LISTEN:
            lines = settings(ubuntu, f"{UNITS}/ssh.socket.d/zz-sshd-vsock.conf")
            assert not [line for line in lines if "vsock" in line] and len(lines) > 3
        assert "nothing to do" in ubuntu.apply("--no-verify", config=config).stderr
    assert ubuntu.run("remove").returncode == 0
    assert differences(before, ubuntu.state()) == set()
    assert "nothing to do" in ubuntu.run("remove").stderr


@pytest.mark.parametrize("configs", (("",), (CLOSE,), ("", CLOSE, ""), (CLOSE, "", LISTEN)))
def test_stream_in_a_unit_of_the_administrators_own(configs, ubuntu):
    """In the way of a mask, too: TCP stays, and is not masked over what is kept beside."""
    text = ubuntu.read("/usr/lib/systemd/system/ssh.socket").decode()
    ubuntu.put(MASK, text.replace("Accept=", "ListenStream=vsock::22\nAccept="))
    before = ubuntu.state()
    for config in configs:
        for _ in range(2):
            ubuntu.apply("--no-verify", config=config, status=1 if config == CLOSE else 0)
            assert "ListenStream=22" in settings(ubuntu, MASK)
            assert "ListenStream=vsock::22" not in settings(ubuntu, MASK)
            assert ubuntu.read(f"{MASK}.sshd-vsock-saved") == before[MASK][-1]
    assert ubuntu.run("remove").returncode == 0
    assert differences(before, ubuntu.state()) == set()


def add_to_vendor(tree, what):
    """The stream is in a file that is not ours to write; its path, and the place where it were."""
    vendor = "/usr/lib/systemd/system"
    path, place = f"{vendor}/ssh.socket.d/x.conf", f"{UNITS}/ssh.socket.d/x.conf"
    if what == "the unit itself":
        path, place = f"{vendor}/ssh.socket", f"{UNITS}/ssh.socket"
        tree.put(path, tree.read(path) + STREAM.encode())
    else:
        tree.put(path, STREAM)
    if what == "a link":
        tree.link(place, path)
        path = place
    if what == "ahead":
        place = path = f"{UNITS}.control/ssh.socket.d/x.conf"
        tree.put(path, STREAM)
    return path, place


@pytest.mark.parametrize("what", ("a drop-in", "the unit itself", "a link", "ahead"))
def test_stream_that_is_not_ours_to_take_is_in_the_way(what, ubuntu):
    """Else two sockets were enabled for one port, and a boot could have TCP fail. What the fixes say, to the
    letter."""
    path, place = add_to_vendor(ubuntu, what)
    before = ubuntu.state()
    for config in "", CLOSE:
        said = ubuntu.apply(config=config, status=1).stderr
        assert f"{ubuntu.root}{path} " in said and "has ssh.socket listen on the vsock port, too; fix: " in said
        assert ubuntu.state() == before
    fix = said.split("; fix: ")[1].splitlines()[0]
    text = ubuntu.read(path) if what == "the unit itself" else STREAM
    if what == "ahead":
        assert fix == "take that stream out of it, and run this again"
        ubuntu.remove(path)
        ubuntu.remove("/usr/lib/systemd/system/ssh.socket.d/x.conf")
        ubuntu.apply()
        return
    assert fix == ("put a copy of what it leads to in its place, and run this again" if what == "a link" else
                   f"copy it to {place}, and run this again")
    if what == "a link":
        ubuntu.remove(place)
    ubuntu.put(place, text)
    before = ubuntu.state()
    ubuntu.apply()
    assert not [line for line in settings(ubuntu, place) if "vsock" in line]
    assert "nothing to do" in ubuntu.apply().stderr
    assert ubuntu.run("remove").returncode == 0
    assert differences(before, ubuntu.state()) == set()


def test_unit_that_the_vendor_enables_is_masked(debian):
    """mkosi.extra brings the link in /usr, too."""
    vendor = "/usr/lib/systemd/system"
    write_by_mkosi(debian, "vsock-ssh")
    debian.remove(f"{UNITS}/sockets.target.wants/vsock-ssh.socket")
    debian.at(f"{UNITS}/sockets.target.wants").rmdir()
    debian.link(f"{vendor}/sockets.target.wants/vsock-ssh.socket", "../vsock-ssh.socket")
    before = debian.state()
    debian.apply()
    assert debian.at(f"{UNITS}/vsock-ssh.socket").is_symlink()
    assert debian.run("remove").returncode == 0
    assert differences(before, debian.state()) == set()


@pytest.mark.parametrize("name, target", (("vsock-ssh.socket", "/opt/u/vsock-ssh.socket"),
                                          ("alias.socket", "vsock-ssh.socket")))
def test_unit_that_is_a_link_is_in_the_way(name, target, debian):
    """systemctl enable of a path or of an alias: two sockets were enabled for one port."""
    folder = "/opt/u" if target.startswith("/") else UNITS
    debian.put(f"{folder}/vsock-ssh.socket", MKOSI_SOCKET)
    debian.put(f"{folder}/vsock-ssh@.service", MKOSI_TEMPLATE)
    debian.link(f"{UNITS}/{name}", target)
    debian.link(f"{UNITS}/sockets.target.wants/{name}", f"{UNITS}/{name}")
    before = debian.state()
    said = debian.apply(status=1).stderr
    assert f"{UNITS}/{name} is a link, and has {name} listen on the vsock port, too; fix: put a copy" in said
    assert debian.state() == before
    debian.remove(f"{UNITS}/{name}")
    debian.put(f"{UNITS}/{name}", MKOSI_SOCKET)
    debian.put(f"{UNITS}/{name.replace('.socket', '@.service')}", MKOSI_TEMPLATE)
    debian.apply()
    assert debian.at(f"{UNITS}/{name}").is_symlink()


def test_stream_that_comes_with_a_package_once_tcp_is_closed(ubuntu):
    """Ours masks that unit: nothing of it listens at a boot. It would, where TCP opens."""
    ubuntu.apply("--no-verify", config=CLOSE)
    add_to_vendor(ubuntu, "a drop-in")
    assert "nothing to do" in ubuntu.apply("--no-verify", config=CLOSE).stderr
    assert "listen on the vsock port, too" in ubuntu.apply(config="", status=1).stderr


@pytest.mark.parametrize("what", ("another port", "not enabled"))
def test_stream_that_is_not_in_the_way(what, ubuntu):
    write_stream(ubuntu, STREAM.replace("::22", "::2222") if what == "another port" else STREAM)
    if what == "not enabled":
        ubuntu.remove(f"{UNITS}/sockets.target.wants/ssh.socket")
        ubuntu.remove(f"{UNITS}/ssh.service.requires/ssh.socket")
    before = ubuntu.state()
    ubuntu.apply()
    after = ubuntu.state()
    assert not [path for path in differences(before, after) if "ssh.socket" in path]


def test_stream_that_was_put_back_since_stays(ubuntu):
    write_stream(ubuntu)
    ubuntu.apply()
    ubuntu.put(DROPIN, STREAM + "# again\n")
    assert "take over" in ubuntu.apply().stderr  # somebody makes it anew, at each boot perhaps
    assert ubuntu.read(DROPIN).startswith(MARKER)
    ubuntu.put(DROPIN, "[Socket]\nBacklog=1\n")
    assert ubuntu.run("remove").returncode == 0
    assert ubuntu.read(DROPIN) == b"[Socket]\nBacklog=1\n"
