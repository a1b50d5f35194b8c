"""Images that are small and made to cost much: whoever opens one gets an answer in time, and has
memory left."""

import pytest

from tree import MARKER, UNITS

LISTEN = "listen_address: 127.0.0.1\n"


def holes(tree, path, size):
    """A file of that many bytes, which takes no room."""
    with open(tree.put(path), "r+b") as file:
        file.truncate(size)


def test_files_that_sshd_includes_do_not_fill_the_memory(debian):
    for n in range(1, 40):
        holes(debian, f"/etc/ssh/sshd_config.d/{n}.conf", 15 << 20)
    result = debian.run("plan", config=LISTEN)
    assert result.returncode == 1
    assert "sshd_config includes more than can be looked through" in result.stderr
    assert "some files are left out" in debian.apply().stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()
    assert debian.run("remove").returncode == 0


def sockets(tree, count, links, text):
    """So many sockets that one directory pulls in, which has so many other names."""
    for n in range(count):
        tree.put(f"{UNITS}/odd.wants/{n}.socket", text)
    for n in range(links):
        tree.link(f"{UNITS}/{n}.wants", "odd.wants")


def records(tree, count):
    """That many records which are one, of as many sockets."""
    lines = "".join(f"disable {n}.socket\n" for n in range(count))
    tree.put("/etc/record", MARKER.decode() + "\n" + lines)
    for n in range(count // 5):
        tree.link(f"/etc/systemd/system-preset/10-sshd-vsock-{n}.preset", "../../record")


ENDLESS = {
    "sockets": lambda tree: sockets(tree, 1500, 50, ""),
    "sockets of vsock": lambda tree: sockets(
        tree, 400, 1, "[Socket]\n" + "".join(f"ListenStream=vsock::{n}\n" for n in range(2000))),
    "records": lambda tree: records(tree, 2000),
    "host keys": lambda tree: tree.put(
        "/etc/ssh/sshd_config.d/1.conf", "".join(f"HostKey /k{n}\n" for n in range(60000))),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_nobody_has_so_many_of_is_looked_through_in_time(what, debian):
    ENDLESS[what](debian)
    result = debian.run("plan")
    assert result.returncode == 10, result.stderr


FOR_SSHD = {
    "addresses": lambda tree: tree.put(
        f"{UNITS}/ssh.socket.d/1.conf",
        "[Socket]\n" + "".join(f"ListenStream=/run/{n}\n" for n in range(50000))),
    "drop-ins": lambda tree: [tree.put(f"{UNITS}/ssh.socket.d/{n}.conf") for n in range(20000)],
    "names": lambda tree: [tree.put(f"{UNITS}/socket.d/{n}") for n in range(20000)],
    "bytes": lambda tree: [holes(tree, f"{UNITS}/ssh.socket.d/{n}.conf", 15 << 20)
                           for n in range(100)],
}


@pytest.mark.parametrize("what", FOR_SSHD)
def test_a_unit_of_sshds_that_has_too_much_is_named(what, debian):
    FOR_SSHD[what](debian)
    for verb in "plan", "apply":
        result = debian.run(verb, config=LISTEN)
        assert result.returncode == 1
        assert (f"error: ssh.socket has more files, or more in them, than can be looked through, "
                f"in {debian}\n") in result.stderr


def test_links_that_are_followed_too_often_are_named(debian):
    sockets(debian, 800, 160, "")
    assert f"{debian}{UNITS}: more names in .wants and .requires than" in debian.run("plan").stderr
