"""images/packer as its users run it: Packer's own qemu builder boots an image, provisions it and
writes a disk; that disk boots by UEFI and systemd-boot, like a machine with an installed system, and
closes TCP by itself."""

import re

import pytest

from guest.installed import Installed
from guest.steps import ANYWHERE, listeners

# Packer boots it, and so does the test, which takes minutes: in --full, and by name.
EVERY_RUN = 0


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Installed("bookworm", program) as guest:
        yield guest


def test_packer_verifies_the_listener_in_the_machine_that_it_builds(guest):
    assert "verified: SSH-2.0" in guest.said and "the configuration is valid" in guest.said
    assert "The artifacts of successful builds are" in guest.said


def test_image_boots_by_uefi_and_systemd_boot(guest):
    assert guest.state == "running", guest.check("systemctl --failed")
    assert re.search(r"^ *Product: systemd-boot", guest.check("bootctl status"), re.M)
    assert "debian-" in guest.check("cat /sys/firmware/efi/efivars/LoaderEntrySelected-* | "
                                    "tr -d '\\0'")


def test_first_boot_closes_tcp_and_a_host_gets_in(guest):
    said = guest.check("journalctl -b -o cat -u sshd-vsock-provision")
    assert "verified: SSH-2.0" in said and "systemctl stop ssh.service" in said
    assert not listeners(guest)
    assert guest.ssh("exit 5").status == 5
    assert guest.run("sshd-vsock status").status == 0


def test_next_boot_is_the_same_and_all_of_it_comes_out_again(guest):
    guest.reboot()
    assert not listeners(guest)
    assert guest.ssh("exit 5").status == 5
    guest.check("sshd-vsock remove", timeout=120)
    assert listeners(guest) == ANYWHERE
    assert guest.run("find /etc -name '*sshd-vsock*' -not -name sshd-vsock.yaml").stdout == ""
