"""Images that are small and made to cost much: whoever opens one gets an answer in time, and has
memory left."""

from tree import UNITS

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
