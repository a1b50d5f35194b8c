"""From one configuration to another, whatever is wrong: the real listeners, sampled meanwhile, are
never wider than before and wanted, and there is always a way in."""

import itertools
import os
import random

import pytest

from guest import Guest
from guest.steps import ANYWHERE, CONFIG, UNITS, listeners, meanwhile, served_by

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 10

CONFIGS = {
    "default": ("verify_timeout: 2\n", ANYWHERE),
    "loopback": ("verify_timeout: 2\nlisten_address: 127.0.0.1\n", {"127.0.0.1:22"}),
    "another": ("verify_timeout: 2\nlisten_address: 127.0.0.9\n", {"127.0.0.9:22"}),
    "closed": ("verify_timeout: 2\ndisable_tcp: true\n", set()),
    "port": ("verify_timeout: 2\nport: 222\n", ANYWHERE),
    "nothing": (None, ANYWHERE),
}
OWN = f"{UNITS}/ssh.service"
CONDITIONS = {
    "good": lambda g: meanwhile(g, "true", "true"),
    "dead": lambda g: served_by(g, "echo hello"),
    "own": lambda g: meanwhile(
        g, f"test -e {OWN} || cp /lib/systemd/system/ssh.service {OWN}; systemctl daemon-reload",
        f"test -L {OWN} || rm -f {OWN}; systemctl daemon-reload"),
}
ALL = list(itertools.product(CONDITIONS, CONFIGS, CONFIGS))
SPREAD = ALL if os.environ.get("SSHD_VSOCK_FULL") else random.Random(9).sample(ALL, 40)


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up")
        yield guest


def go(guest, name):
    config, _ = CONFIGS[name]
    if config is None:
        return guest.run(f"rm -f {CONFIG}; sshd-vsock remove", timeout=120)
    guest.put(CONFIG, config)
    return guest.run("sshd-vsock apply", timeout=120)


@pytest.mark.parametrize("condition,before,after", SPREAD)
def test_never_wider_than_before_and_wanted(condition, before, after, guest):
    guest.run(f"rm -f {CONFIG}; sshd-vsock remove --no-verify; systemctl reset-failed")
    assert go(guest, before).status == 0
    old, wanted = listeners(guest), CONFIGS[after][1]
    with CONDITIONS[condition](guest):
        guest.check("(while test ! -e /run/enough; do ss -Hltn; done >/run/samples) &")
        result = go(guest, after)
        guest.check("touch /run/enough; sleep 0.2; rm /run/enough")
        seen = {line.split()[3] for line in guest.check("cat /run/samples").splitlines()
                if len(line.split()) > 4}
        now = listeners(guest)
        assert seen <= old | wanted, result.stderr
        assert now or guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
        if condition == "good":
            assert (result.status, now) == (0, wanted), result.stderr
        else:
            assert now in (old, wanted), result.stderr
