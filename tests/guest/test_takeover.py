"""The public recipe, followed by hand, then the program: nobody loses the way in at any moment."""

import pytest

from guest import Guest
from guest.steps import UNITS, apply

EVERY_RUN = 1

HAND = r"""
cd /etc/systemd/system
printf "[Unit]\nDescription=OpenSSH vsock socket\n[Socket]\nListenStream=vsock::22\nAccept=yes\n[Install]\nWantedBy=sockets.target\n" > sshd-vsock.socket
printf "[Unit]\nDescription=OpenSSH per-connection server (vsock %%I)\n[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\nStandardOutput=socket\nStandardError=journal\nRuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n" > sshd-vsock@.service
systemctl daemon-reload; systemctl enable -q --now sshd-vsock.socket"""
STATE = r"find /etc -xdev ! -type d -printf '%p %y %m %U:%G %s %l\n' | sort; md5sum " + UNITS + "/sshd-vsock*"
SINCE = "systemctl show -P ActiveEnterTimestampMonotonic sshd-vsock.socket"


@pytest.mark.parametrize("suite", ("bullseye", "bookworm", "trixie", "forky"))
def test_recipe_is_taken_over_and_given_back(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        guest.check(HAND)
        before, since = guest.check(STATE), guest.check(SINCE)
        assert "take over" in apply(guest, "disable_tcp: true\n").stderr
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        assert guest.check(STATE) == before
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0
        assert guest.check("systemctl is-enabled sshd-vsock.socket").strip() == "enabled"
