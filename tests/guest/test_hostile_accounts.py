"""An account that means no good, looked at by root's search for who can log in: its process, its
time. The homes and files of other such users are in test_hostile.py."""

import base64

import pytest

from guest import Guest
from guest.steps import apply, listeners

CLOSE = "disable_tcp: true\n"
HOME = "/home/eve/.ssh"
SECRET = "$6$of.somebody.else$" + "n0b0dy" * 14

# Which of the words are anywhere in what a process can write to.
LOOK = r"""
my ($pid, @words) = @ARGV;
open my $maps, "<", "/proc/$pid/maps" or die "$!";
open my $memory, "<:raw", "/proc/$pid/mem" or die "$!";
for (<$maps>) {
        my ($from, $to) = map { hex } /^(\w+)-(\w+) rw/ or next;
        next if $to - $from > 1 << 26;
        sysseek $memory, $from, 0;
        sysread $memory, my $bytes, $to - $from or next;
        index($bytes, $_) >= 0 and print "$_\n" for @words;
}
"""

# The child that reads eve's keys is held where it opens them, and its parent where it waits for it.
HELD = f"""
sysctl -qw fs.suid_dumpable=1
ASAN_OPTIONS=detect_leaks=0 strace -f -b execve -o /root/trace -P {HOME}/authorized_keys -e trace=openat \
        -e inject=openat:delay_enter=60000000 sshd-vsock apply & strace=$!
until child=$(pgrep -x -u eve sshd-vsock); do sleep 0.02; done
parent=$(ps -o ppid= $child)
kill -STOP $parent; sleep 0.5
echo "owner $(stat -c %U /proc/$child/fd)"
ls -l /proc/$child/fd | sed 's/.* -> /fd /'
perl /root/look.pl $child '{SECRET}' {HOME}/authorized_keys
kill -CONT $parent; wait $strace; echo "exit $?"
"""


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up; useradd -m -s /bin/bash eve; useradd -m -s /bin/bash ana;"
                    f"usermod -p '{SECRET}' ana; install -d -m 0700 -o eve -g eve {HOME}")
        guest.put("/root/look.pl", LOOK)
        yield guest


def keys(count):
    """Lines of authorized_keys that a vsock client is not let in with."""
    for n in range(count):
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([n]) * 32
        yield f'from="10.0.0.1" ssh-ed25519 {base64.b64encode(blob).decode()}\n'


def test_a_process_of_the_account_has_nothing_of_roots(guest):
    """Neither what shadow says of others nor the lock, which it could keep for ever."""
    guest.put(f"{HOME}/authorized_keys", "".join(keys(1)))
    guest.put("/etc/sshd-vsock.yaml", CLOSE)
    said = guest.check(HELD, timeout=200).splitlines()
    assert f"{HOME}/authorized_keys" in said, "the memory was not looked at"
    assert SECRET not in said
    assert "owner root" in said, "the account could have its core"
    assert not [line for line in said if "sshd-vsock.lock" in line], said
    assert len([line for line in said if line.startswith("fd ") and
                line != "fd /dev/null" and "total" not in line]) == 1, said
    assert "exit 0" in said
    assert listeners(guest) == set()
    guest.check("sshd-vsock -q remove; rm /etc/sshd-vsock.yaml")


# A process that is dead, and that nobody can reap while who traces it stands still.
TRACED = """
until pid=$(pgrep -x -u eve sleep); do sleep 0.02; done
strace -qq -o /dev/null -p $pid & strace=$!
until grep -q 'TracerPid:.*[1-9]' /proc/$pid/status; do sleep 0.02; done
kill -STOP $strace; touch /tmp/traced
"""


def test_what_cannot_be_ended_is_said(guest):
    guest.check(f"install -m 0644 /root/.ssh/authorized_keys {HOME}; cp ~eve/.bashrc /root/rc")
    guest.put("/home/eve/.bashrc", "setsid sleep 1000 0<&- >/dev/null 2>&1 &\n"
              "until [ -e /tmp/traced ]; do read -t 0.1 <> <(:); done\n")
    guest.put("/etc/sshd-vsock.yaml", CLOSE + "require_login: [eve]\n")
    said = guest.check(f"({TRACED}) & sshd-vsock apply 2>&1; pkill -CONT -x strace; wait",
                       timeout=120)
    guest.check("cp /root/rc ~eve/.bashrc; rm /tmp/traced")
    assert "warning: a trial login left what cannot be ended: eve's process " in said
    assert "(sleep)" in said
    assert listeners(guest) == set()
    guest.check("sshd-vsock -q remove; rm /etc/sshd-vsock.yaml")


def test_an_account_that_is_slow_leaves_time_for_the_others(guest):
    """Its keys take longer than all the time there is, and root's was accepted before."""
    guest.put(f"{HOME}/authorized_keys", "".join(keys(100)))
    guest.put("/usr/local/bin/slowly", "#!/bin/sh\nsleep 2\n")
    guest.put("/etc/ssh/sshd_config.d/20-slow.conf",
              "Match User eve\n  AuthorizedKeysCommand /usr/local/bin/slowly\n"
              "  AuthorizedKeysCommandUser root\n")
    guest.check("chmod 0755 /usr/local/bin/slowly; systemctl reload ssh")
    assert "root can log in over vsock: its key" in apply(guest, CLOSE).stderr
    assert listeners(guest) == set()
    guest.check("sshd-vsock -q remove; rm /etc/sshd-vsock.yaml")
