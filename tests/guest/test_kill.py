"""Killed anywhere, every prefix of apply's work is a system that one can get into."""

import os
import random

import pytest

from guest import Guest
from guest.steps import apply, listeners

KILLS = 50 if os.environ.get("SSHD_VSOCK_FULL") else 14

# Turn and turn about: each has to undo what the other did.
TURNS = ("disable_tcp: true\nhushlogin: true\n",
         "port: 2222\nlisten_address: 127.0.0.1\nhosts_entry: false\n")


# systemd may still be at what it was asked for: that needs nobody who waits for it.
SETTLED = "while [ \"$(systemctl list-jobs --no-legend)\" ]; do sleep 0.05; done"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/local;"
                    "cat /root/.ssh/local.pub >>/root/.ssh/authorized_keys")
        yield guest


def gets_in(guest, tries=5):
    """Over vsock on either port, or over TCP. Where a reload was under way when its caller died,
    systemd is not to be asked for a moment, and has no jobs to show."""
    for _ in range(tries):
        if gets_in_now(guest):
            return True
        guest.check(f"sleep 1; {SETTLED}")
    return False


def gets_in_now(guest):
    return (guest.ssh("exit 5").status == 5 or guest.ssh("exit 5", port=2222).status == 5
            or guest.run("ssh -F none -i /root/.ssh/local -o StrictHostKeyChecking=no "
                         "-o BatchMode=yes root@127.0.0.1 exit 5").status == 5)


def test_killed_at_any_moment(guest):
    """Each run has all of its work to do, and is killed at a moment of its own."""
    chance = random.Random(22)
    for config in TURNS:
        apply(guest, config)
    whole = [apply(guest, config).seconds for config in TURNS]
    killed = 0
    for turn in range(KILLS):
        kind = turn % len(TURNS)
        moment = chance.uniform(0, whole[kind])
        guest.put("/etc/sshd-vsock.yaml", TURNS[kind])
        result = guest.run(f"timeout -s KILL {moment:.3f} sshd-vsock apply")
        killed += result.status == 137
        guest.check(SETTLED)
        assert gets_in(guest), f"killed after {moment:.3f} s of turn {turn}: {result.stderr}"
        apply(guest)
    assert killed > KILLS / 3, "hardly any run was killed: this proves nothing"
    assert "nothing to do" in apply(guest).stderr
    assert guest.ssh("exit 5", port=2222).status == 5
    assert listeners(guest) == {"127.0.0.1:22"}
    guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
    assert guest.check("find /etc /root -name '.*sshd-vsock*'") == ""


SLOWLY = """
rm -f /root/trace
strace -f -s 200 -o /root/trace -e trace=sendmsg -e inject=sendmsg:delay_exit=250000 sshd-vsock apply &
until grep -Eaq '(StartTransientUnit|.0Reload).0' /root/trace; do sleep 0.05; done
sleep 0.15; pkill -KILL -x sshd-vsock; wait
until [ "$(systemctl show -P NeedDaemonReload sshd-vsock.socket)" = no ]; do sleep 0.05; done
"""


def test_killed_while_the_port_moves(guest):
    """systemd has the time to be done with each call before the next comes: a daemon-reload closes
    the old port, and nobody is left to ask for the new one."""
    apply(guest, TURNS[0])
    guest.put("/etc/sshd-vsock.yaml", TURNS[0] + "port: 2222\n")
    guest.run(SLOWLY, timeout=120)
    guest.check(SETTLED)
    assert gets_in(guest)
    assert guest.ssh("exit 5", port=2222).status == 5
    apply(guest)
    guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
    assert guest.check("systemctl list-units --no-legend --all 'sshd-vsock-reload*'") == ""


# Calls of the run fail. A leak cannot be looked for beside strace.
INJECT = "ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null {} sshd-vsock apply {}"


@pytest.mark.parametrize("when", ("1", "1+"))
def test_disk_that_fails_after_the_mask_is_there(when, guest):
    """The mask is in place, and not durable; then neither is what takes it back."""
    apply(guest, "{}\n")
    before = guest.check("ls -A /etc/systemd/system-preset; ls -A /etc/systemd/system")
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    result = guest.run(INJECT.format("-P /etc/systemd/system -e trace=fsync "
                                     f"-e inject=fsync:error=EIO:when={when}", ""), timeout=120)
    assert result.status == 1 and "cannot write /etc/systemd/system/ssh.service" in result.stderr, result
    assert ("rolled back: TCP listeners restored" in result.stderr) == (when == "1")
    assert guest.run("test -e /etc/systemd/system/ssh.service").status == 1
    recorded = "10-sshd-vsock-ssh.service.preset\n"
    after = guest.check("ls -A /etc/systemd/system-preset; ls -A /etc/systemd/system")
    assert after.replace(recorded, "") == before and (recorded in after) == (when == "1+")
    assert listeners(guest)
    apply(guest)
    assert listeners(guest) == set()
    guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
    assert listeners(guest)


def test_port_that_moves_no_further_than_the_disk(guest):
    """With TCP closed; anybody's daemon-reload closes a port that no file names any more."""
    apply(guest, TURNS[0])
    guest.put("/root/other.yaml", TURNS[0] + "port: 2222\n")
    result = guest.run(INJECT.format("-e trace=renameat -e inject=renameat:error=ENOSPC:when=2",
                                     "--config=/root/other.yaml"), timeout=120)
    assert result.status == 1 and "write /etc/systemd/system/sshd-vsock.socket\n" in result.stderr, result
    assert "rolled back: sshd-vsock.socket restored" in result.stderr
    guest.check("systemctl daemon-reload")
    assert guest.ssh("exit 5").status == 5
    guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml /root/other.yaml")


@pytest.mark.parametrize("read", (False, True))
def test_remove_that_was_killed_before_the_socket_stopped(read, guest):
    apply(guest, "{}\n")
    guest.check("rm /etc/systemd/system/sshd-vsock.socket")
    if read:
        guest.check("systemctl daemon-reload")
    assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
    guest.check("sshd-vsock remove")
    assert guest.run("systemctl is-active -q sshd-vsock.socket").status
    assert guest.run("ss --vsock -Hln | grep ':22 '").status == 1
    assert "nothing to do" in guest.run("sshd-vsock remove").stderr


def test_two_at_once(guest):
    """One waits for the other; both end well, and the second has nothing left to do."""
    guest.put("/etc/sshd-vsock.yaml", TURNS[0])
    result = guest.run("""
        sshd-vsock apply 2>/root/one & one=$!
        sshd-vsock apply 2>/root/two & two=$!
        wait $one; first=$?; wait $two; second=$?
        cat /root/one /root/two >&2; rm /root/one /root/two
        echo $first $second""")
    assert result.stdout == "0 0\n", result.stderr
    assert result.stderr.count("waiting for another run of sshd-vsock") == 1
    assert result.stderr.count("nothing to do") == 1
    assert guest.ssh("exit 5").status == 5
    guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
