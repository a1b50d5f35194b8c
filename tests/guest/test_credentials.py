"""What the machine was booted with: systemd's credentials, and the target that hosts wait for."""

import json

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners

EVERY_RUN = 3

TARGET = "ssh-access.target"


@pytest.mark.parametrize("suite", ["bullseye", "trixie", "forky"])
def test_hosts_that_wait_for_ssh_access_wait_for_the_listener(suite, program):
    """Reached behind the socket, in a boot too; on older systems the name is no fault."""
    with Guest(suite) as guest:
        guest.install(program)
        apply(guest, "")
        guest.reboot()
        assert guest.state == "running\n".strip()
        there = guest.run(f"systemctl cat {TARGET}").status == 0
        assert there == (suite != "bullseye")
        assert guest.run(f"systemctl is-active {TARGET}").status == (0 if there else 3)
        if there:
            order = guest.check("systemctl show -P ActiveEnterTimestampMonotonic "
                                f"sshd-vsock.socket {TARGET}").split()
            assert int(order[0]) <= int(order[1])
            assert TARGET in guest.check("systemctl show -P Before sshd-vsock.socket")
        assert guest.run("journalctl -b -p warning | grep -i ssh-access").status == 1
        assert guest.ssh("exit 5").status == 5
        assert "nothing to do" in apply(guest).stderr
