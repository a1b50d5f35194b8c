"""Dies, or fails with an errno, at any call of a live run: somebody still gets in, nothing listens more
widely than before or wanted, and the next run converges.

The calls are the C library's, by tests/fault/faults.c: files, the manager's bus, and memory. A fixed
sample is in every run, a larger one in `tests/run --full`.
"""

import errno
import os
import random

import pytest

from guest import Guest, build_in_builder, faults_in_builder
from guest.steps import ANYWHERE, apply, listeners

SAMPLE = 60 if os.environ.get("SSHD_VSOCK_FULL") else 8  # each kind of call
TURNS = {
    "disable_tcp: true\nhushlogin: true\n": set(),
    "listen_address: 127.0.0.1\nhosts_entry: false\n": {"127.0.0.1:22"},
}
FAILURES = ["before", errno.EIO, errno.ENOSPC, f"{errno.EIO}+", f"{errno.ENOSPC}+"]
CHANGING = ["before", "after", *FAILURES[1:]]
KINDS = {
    "create": CHANGING, "write": [*CHANGING, "short"], "own": CHANGING, "fsync": CHANGING,
    "rename": CHANGING, "symlink": CHANGING, "unlink": CHANGING,
    "open": ["before", errno.EIO, errno.EACCES, errno.EMFILE], "read": ["before", errno.EIO],
    "list": ["before", errno.EIO], "readlink": ["before", errno.EIO],
    "send": ["before", errno.EPIPE, f"{errno.ECONNRESET}+"],
    "alloc": ["before", errno.ENOMEM, f"{errno.ENOMEM}+"],
}
# About as many calls of the kind a run makes; early ones are as likely as all the late ones together.
MOST = {"create": 6, "write": 38, "own": 8, "fsync": 10, "rename": 5, "symlink": 2, "unlink": 5,
        "open": 400, "read": 200, "list": 2000, "readlink": 180, "send": 280,
        "alloc": 12000}
SETTLED = "while [ \"$(systemctl list-jobs --no-legend)\" ]; do sleep 0.05; done"
RUN = ("timeout 100 env LD_PRELOAD=/root/faults.so FAULT_CALL={} FAULT_AT={} FAULT_HOW={} "
       "FAULT_TRACE=/root/trace sshd-vsock apply")


@pytest.fixture(scope="module", name="guest")
def boot():
    with Guest("bookworm") as guest:
        guest.install(build_in_builder())
        guest.put("/root/faults.so", faults_in_builder().read_bytes())
        guest.check("ip link set lo up; useradd -m admin; ssh-keygen -q -t ed25519 -N '' -f "
                    "/root/.ssh/local; cat /root/.ssh/local.pub >>/root/.ssh/authorized_keys")
        for config in TURNS:
            apply(guest, config)
        yield guest


def gets_in(guest):
    return (guest.ssh("exit 5").status == 5 or guest.run(
        "ssh -F none -i /root/.ssh/local -o StrictHostKeyChecking=no -o BatchMode=yes root@127.0.0.1"
        " exit 5").status == 5)


def test_whatever_call_fails_somebody_gets_in_and_the_next_run_converges(guest):
    chance = random.Random(10)
    kinds, hits = list(KINDS), 0
    for turn in range(SAMPLE):
        config, wanted = list(TURNS.items())[turn % 2]
        kind = kinds[turn % len(kinds)]
        how = chance.choice(KINDS[kind])
        fresh = turn % 5 == 4
        if fresh:
            guest.check("rm /etc/sshd-vsock.yaml")
        before = listeners(guest)
        guest.put("/etc/sshd-vsock.yaml", config)
        at = round(MOST[kind] ** chance.random())
        result = guest.run(f"rm -f /root/trace; {RUN.format(kind, at, how)}", timeout=120)
        what = f"{config}{'fresh ' if fresh else ''}{kind} {at} {how}: exit {result.status}\n{result.stderr}"
        guest.check(SETTLED)
        traced = guest.run("tail -n 1 /root/trace").stdout.split()
        hits += traced[:1] != ["nothing"] or int(traced[1]) >= at
        assert result.status in (0, 1, 3, 4, 99), what
        assert gets_in(guest), what
        assert listeners(guest) <= before | wanted, what
        again = guest.run("sshd-vsock apply", timeout=120)
        assert again.status == 0, f"{what}\nthen {again.stderr}"
        assert listeners(guest) == wanted and guest.ssh("exit 5").status == 5, what
    assert hits > SAMPLE * 2 / 3, "hardly any fault was met: this proves little"
    guest.check("rm /etc/sshd-vsock.yaml; sshd-vsock -q remove; test ! -e /home/admin/.hushlogin")
    assert listeners(guest) == ANYWHERE
    assert guest.check("find /etc /root /home -name '.*sshd-vsock*'") == ""


@pytest.mark.parametrize("path,number", (
    ("etc/passwd", errno.EIO), ("etc/ssh/sshd_config", errno.EACCES), ("home/admin", errno.ENOTCONN)))
def test_what_nobody_can_read_costs_no_door(path, number, guest):
    """tests/offline/test_errnos.py has all errnos."""
    guest.check("sshd-vsock -q remove", timeout=120)
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\nhushlogin: true\n")
    result = guest.run(f"export FAULT_PATH={path}; {RUN.format('open', 1, f'{number}+')}",
                       timeout=120)
    assert result.status in (0, 1, 4) and "warning: " in result.stderr, result.stderr
    assert guest.ssh("exit 5").status == 5
    assert listeners(guest) == (set() if result.status == 0 else ANYWHERE)
    apply(guest)
    assert listeners(guest) == set() and guest.run("sshd-vsock status").status == 0
    guest.check("rm /etc/sshd-vsock.yaml")
