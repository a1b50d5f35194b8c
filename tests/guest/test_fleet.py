"""doc/fleet.md: the unit that pulls the configuration at boot, as it stands there but for curl and the
URL, which no guest can reach."""

import re
from pathlib import Path

from guest import Guest

# A document's example breaks with a change to it, or to the provision unit's ordering: --full.
EVERY_RUN = 0

TEXT = (Path(__file__).resolve().parents[2] / "doc/fleet.md").read_text(encoding="utf-8")
NAME = "sshd-vsock-pull.service"


def unit():
    """The unit, fetching from a file of the guest."""
    (found,) = re.findall(rf"^```ini\n# /etc/systemd/system/{NAME}\n(.*?)^```", TEXT, re.M | re.S)
    found, count = re.subn(r"/usr/bin/curl -fsS -o (\S+) https://\S+", r"/usr/bin/cp /srv/config \1",
                           found)
    assert count == 1
    return found


def test_pulled_configuration_is_applied_in_the_same_boot(program):
    """And where nothing valid comes, the one that was there counts."""
    with Guest("trixie") as guest:
        guest.install(program)
        guest.put(f"/etc/systemd/system/{NAME}", unit())
        guest.put("/srv/config", "disable_tcp: true\n")
        guest.check(f"sshd-vsock apply && systemctl enable {NAME} && ss -ltnH | grep :22")
        guest.reboot()
        assert guest.state == "running"
        assert guest.check("ss -ltnH; stat -c %a /etc/sshd-vsock.yaml") == "600\n"

        guest.put("/srv/config", "disable_tpc: false\n")
        guest.reboot()
        assert guest.check(f"systemctl show -P Result {NAME}") == "exit-code\n"
        assert guest.check("ss -ltnH; cat /etc/sshd-vsock.yaml") == "disable_tcp: true\n"
        assert guest.ssh("exit 5").status == 5
