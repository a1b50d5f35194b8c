"""Whatever the kernel answers where homes, hosts, passwd and sshd's files are looked at and read: the
door is there afterwards, TCP is what it was or as wanted, and what is left out is said.
"""

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults import Fault, environment
from tree import UNITS, changes, hardened, program

# What is not there (ENOENT, ENOTDIR) is an answer. What a file system, a security module, NFS, FUSE, autofs, cgroups and quotas are known to answer.
ERRNOS = sorted({getattr(errno, name) for name in """
    EPERM EINTR ENOMEM EIO ENXIO EAGAIN EACCES EBUSY ENODEV EINVAL ENFILE EMFILE ETXTBSY
    ENOSPC EROFS EMLINK ENAMETOOLONG ENOSYS EOVERFLOW EBADMSG EUCLEAN EREMOTEIO ECOMM EPROTO
    ENOTCONN ECONNRESET ECONNREFUSED ETIMEDOUT EHOSTDOWN EHOSTUNREACH ESTALE EDQUOT EKEYEXPIRED ENOKEY
    EOPNOTSUPP ESRCH""".split()})
# Of a home and of hosts even these: elsewhere they are no file, for sshd too.
MORE = [errno.ELOOP, errno.EFBIG, errno.EISDIR]
CALLS = ("open", "stat", "read", "list", "readlink")
PLACES = {
    "homes": "home/admin",
    "root": "/root",
    "hosts": "etc/hosts",
    "passwd": "etc/passwd",
    "main": "etc/ssh/sshd_config",
    "dropins": "ssh/sshd_config.d/",
    "other": "etc/ssh/other.conf",
    "keys": "ssh_host_",
    "options": "etc/default/ssh",
}
DOOR = ("sshd-vsock.socket", "sshd-vsock@.service", "sockets.target.wants/sshd-vsock.socket",
        "sshd-vsock-provision.service")


@pytest.fixture(name="tree")
def furnished(debian):
    debian.put("/etc/ssh/sshd_config", debian.read("/etc/ssh/sshd_config") +
               b"Include /etc/ssh/other.conf\nListenAddress 192.0.2.1\n")
    debian.put("/etc/ssh/other.conf", "ListenAddress 192.0.2.2\n")
    debian.put("/etc/ssh/sshd_config.d/50-mine.conf", "X11Forwarding no\n")
    debian.put("/etc/ssh/ssh_host_ed25519_key", "a key\n", 0o600)
    return debian


@pytest.mark.parametrize("config", ("hushlogin: true\n", "hushlogin: [admin]\ndisable_tcp: true\n",
                                    "hushlogin: true\nlisten_address: 127.0.0.1\n"),
                         ids=("open", "close", "listen"))
@pytest.mark.parametrize("place", PLACES)
def test_the_door_opens_whatever_errno(place, config, tree, folder):
    before = tree.state()
    whole = tree.copy(folder / "whole")
    whole.apply("--no-verify", config=config)
    wanted = whole.state()

    def disturb(case, binary):
        call, number = case
        other = tree.copy(folder / f"{call}{number}")
        # an interrupted call is made again: for ever is no answer
        how = str(number) if number == errno.EINTR else f"{number}+"
        fault = Fault(call, 1, how, path=PLACES[place])
        result = other.run("apply", "--no-verify", config=config, env=environment(fault),
                           binary=binary)
        found, what = other.state(), f"{call} {errno.errorcode[number]}: {result.stderr}"
        for path in DOOR:
            assert found.get(f"{UNITS}/{path}") == wanted[f"{UNITS}/{path}"], what
        assert result.returncode in (0, 1), what
        for path in changes(found, wanted):  # nothing is half done, and what is not done is said
            assert found.get(path) == before.get(path), f"{path} {what}"
            name = re.escape(path)
            assert re.search(rf"(warning|error): .*({name}\b|left as it is)", what), what
        if result.returncode:
            assert "TCP stays as it was" in result.stderr, what
            assert changes(found, wanted), what
        again = other.run("apply", "--no-verify", config=config, binary=binary)
        assert again.returncode == 0, f"{what}\nthen {again.stderr}"
        assert changes(other.state(), wanted) == set(), what
        os.system(f"rm -rf {other}")

    errnos = ERRNOS + (MORE if place in ("homes", "root", "hosts") else [])
    cases = [(call, number) for call in CALLS for number in errnos]
    if not os.environ.get("SSHD_VSOCK_FULL"):  # each call and each errno, at some place
        cases = cases[list(PLACES).index(place)::31]
    binaries = [program(), *[hardened()] * (len(cases) - 1)]
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(disturb, cases, binaries):
            pass
