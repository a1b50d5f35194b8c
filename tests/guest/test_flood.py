"""A flood from inside leaves the host's way in free; the numbers are in module/core/plan/render.c's comment.

The flood is a user's (nobody's) in the guest, against CID 1; the host's is the real ssh client.
"""

import threading
from contextlib import contextmanager

import pytest

from guest import Guest
from guest.steps import apply

EVERY_RUN = 2

# No modules: perl-base has this much everywhere.
FLOOD = r"""
use strict;
my ($mode, $n, $seconds) = @ARGV;
my $end = time + $seconds;
my ($done, $refused, @held) = (0, 0);
sub door {
        socket(my $s, 40, 1, 0) or die "socket: $!";
        return connect($s, pack("S S L L L", 40, 0, 22, 1, 0)) ? $s : undef;
}
sub alive {
        my $s = shift;
        vec(my $set = "", fileno $s, 1) = 1;
        return !select($set, undef, undef, 0) || sysread($s, my $data, 4096);
}
$SIG{PIPE} = "IGNORE";
if ($mode eq "drop") {
        for (1 .. $n) { door() ? $done++ : $refused++ }
} else {
        # What the door ends, for the share is full or the time is up, is taken anew at once.
        while (time < $end) {
                @held = grep { alive($_) } @held;
                while (@held < $n && time < $end) {
                        my $s = door() or $refused++, last;
                        syswrite($s, "SSH-2.0-slow") if $mode eq "half";
                        push @held, $s;
                        $done++;
                }
                select(undef, undef, undef, 0.05);
        }
}
print "$done connected, $refused refused\n";
"""

NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"

# mode, connections, seconds: eight times the share, so that the flood always has more in hand.
FLOODS = {
    "dropped": "drop 10000 0",
    "held": "hold 64 30",
    "half a banner": "half 64 10",
}


@pytest.fixture(scope="module", name="guest", params=["bookworm", "forky"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        guest.put("/opt/flood.pl", FLOOD, mode=0o755)
        apply(guest, "disable_tcp: true\n")
        yield guest


def state(guest):
    """What must be after a flood as it was before."""
    guest.check("until [ $(systemctl show -P NConnections sshd-vsock.socket) = 0 ] && "
                "! pgrep -f 'sshd.*-i' && "
                "[ -z \"$(systemctl list-units --all --no-legend 'sshd-vsock@*')\" ];"
                "do sleep 0.1; done", timeout=60)
    return guest.check("systemctl is-active sshd-vsock.socket; systemctl --failed --no-legend;"
                       "systemctl show -P Result sshd-vsock.socket;"
                       "systemctl is-system-running; ss --vsock -Ha | wc -l")


def descriptors(guest):
    """How many of them systemd has open."""
    return int(guest.check("ls /proc/1/fd | wc -l"))


def log_in(guest):
    """Logs in from the host, again where the queue was full; returns the seconds and how often it
    was. No limit on the time: that is the machine's as much as ours."""
    seconds = 0
    for refused in range(20):
        login = guest.ssh("exit 5", timeout=60)
        seconds += login.seconds
        if login.status == 5:
            return seconds, refused
        assert "refuses vsock port" in login.stderr, login.stderr
    raise AssertionError("the host cannot log in")


@contextmanager
def flooded(guest, kind):
    """The flood is on; yields what becomes of it, and whether it still is."""
    door = "systemctl show -P {} sshd-vsock.socket"
    seen = f"$(($({door.format('NAccepted')}) + $({door.format('NRefused')})))"
    before = int(guest.check(f"echo {seen}"))
    outcome = []
    flood = threading.Thread(target=lambda: outcome.append(guest.run(
        f"{NOBODY} perl /opt/flood.pl {FLOODS[kind]}", timeout=120)))
    flood.start()
    try:
        guest.check(f"until [ {seen} -gt {before + 5} ]; do sleep 0.01; done")
        yield outcome, flood.is_alive
    finally:
        flood.join()


@pytest.mark.parametrize("kind", FLOODS)
def test_host_logs_in_through_a_flood(kind, guest):
    assert guest.ssh("exit 5").status == 5
    before, open_before = state(guest), descriptors(guest)
    logins = []
    with flooded(guest, kind) as (outcome, going):
        while going() or not logins:
            logins.append(log_in(guest))
    assert outcome[0].status == 0, outcome[0].stderr
    after = guest.ssh("exit 5")
    assert after.status == 5
    assert state(guest) == before
    assert descriptors(guest) < open_before + 20, "systemd lost some, among thousands"
    print(f"{guest.suite}, {kind}: {outcome[0].stdout.strip()} in {outcome[0].seconds:.1f} s; "
          f"{len(logins)} logins, slowest {max(logins)[0]:.2f} s, {sum(n for _, n in logins)} "
          f"refused; afterwards {after.seconds:.2f} s")
