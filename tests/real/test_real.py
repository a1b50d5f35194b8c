"""Debian as its users have it: its own kernel, udev, AppArmor, auditd, a disk. One guest of each kind
goes the whole way; what each step does in every case is tested under user-mode Linux."""

import json

import pytest

from guest import Guest, arm64_in_builder
from guest.steps import ANYWHERE, apply, listeners, meanwhile

pytestmark = pytest.mark.usefixtures("program")

PATIENT = "verify_timeout: 60\n"
CLOSE = f"{PATIENT}disable_tcp: true\n"
DENIALS = "journalctl -q -b -o cat | grep -E 'apparmor=\"DENIED\"|avc: *denied' || :"
GUESTS = {"bookworm": ("bookworm", "distro"), "trixie": ("trixie", "distro"),
          "arm64": ("bookworm", "arm64")}

# All that sshd needs, but for the connection that it is started for.
PROFILE = """abi <abi/3.0>,
profile sshd /usr/sbin/sshd {
  file,
  capability,
  signal,
  ptrace,
  unix,
  network unix,
  network inet,
  network inet6,
  network netlink,
}
"""


@pytest.fixture(scope="module", name="guest", params=GUESTS)
def boot(request, program):
    suite, kernel = GUESTS[request.param]
    program = arm64_in_builder() if kernel == "arm64" else program

    def prepare(guest):
        guest.install(program)
        if kernel == "arm64":
            return  # without UEFI its kernel has no such strings
        guest.chroot("ssh-keygen -q -t ed25519 -N '' -C '' -f /root/ephemeral")
        key = guest.get("/root/ephemeral.pub").decode().strip()
        guest.smbios = [f"io.systemd.credential:ssh.ephemeral-authorized_keys-all={key}",
                        "io.systemd.credential:sshd-vsock.yaml={port: 222, verify_timeout: 60}"]

    with Guest(suite, kernel=kernel, prepare=prepare) as guest:
        yield guest


def test_distribution_is_as_its_users_have_it(guest):
    assert guest.state == "running"
    assert guest.check("cat /sys/module/apparmor/parameters/enabled") == "Y\n"
    guest.check("systemctl is-active systemd-udevd auditd; dpkg -S /boot/vmlinuz-$(uname -r)")
    assert guest.check("systemd-detect-virt").strip() in ("qemu", "kvm")


def test_configuration_that_the_host_hands_over_by_the_firmware_counts(guest):
    """As long as there is no file, which all that follows has."""
    if not guest.smbios:
        pytest.skip("without UEFI its kernel has no such strings")
    report = json.loads(guest.run("sshd-vsock --json plan").stdout)
    assert report["configuration"]["source"] == "credential", report
    assert any("\n+ListenStream=vsock::222\n" in operation["text"] for operation in report["operations"])


def test_door_opens_and_a_host_comes_in(guest):
    apply(guest, PATIENT)
    assert guest.ssh("exit 5").status == 5
    assert guest.run("sshd-vsock verify").status == 0
    assert listeners(guest) == ANYWHERE


def test_key_that_the_host_hands_over_by_the_firmware_is_accepted(guest):
    if not guest.smbios:
        pytest.skip("without UEFI its kernel has no such strings")
    login = ("ssh -i /root/ephemeral -o IdentitiesOnly=yes -o BatchMode=yes "
             "-o StrictHostKeyChecking=no -o ProxyCommand='socat - VSOCK-CONNECT:1:22' root@x exit 5")
    assert guest.run(login).status == 5
    guest.check("systemctl stop sshd-vsock-credential")
    assert "Permission denied" in guest.run(login).stderr
    guest.check("systemctl start sshd-vsock-credential")


def test_denial_of_apparmor_is_named_and_mended(guest):
    guest.put("/etc/apparmor.d/sshd", PROFILE)
    with meanwhile(guest, "apparmor_parser -r /etc/apparmor.d/sshd",
                   "apparmor_parser -R /etc/apparmor.d/sshd; rm /etc/apparmor.d/sshd"):
        report = json.loads(guest.run("sshd-vsock --json verify").stdout)["verification"]
        assert report["cause"] == "apparmor", report
        assert 'apparmor="DENIED"' in report["detail"] and 'family="vsock"' in report["detail"]
        line = report["fix"].split('"')[3]
        assert line in report["fix"] and line.endswith(",")
        guest.put("/etc/apparmor.d/sshd", PROFILE.replace("}", f"  {line}\n}}"))
        guest.check("systemctl reload apparmor")
        assert guest.run("sshd-vsock verify").status == 0
    guest.check("journalctl --rotate --vacuum-time=1s")


def test_tcp_closes_and_stays_closed_over_a_boot(guest):
    apply(guest, CLOSE)
    assert not listeners(guest)
    guest.reboot()
    assert guest.state == "running"
    assert not listeners(guest)
    assert guest.ssh("exit 5").status == 5
    assert guest.run("sshd-vsock status").status == 0
    assert guest.check(DENIALS) == ""


def test_all_of_it_comes_out_again(guest):
    guest.check("sshd-vsock remove")
    assert listeners(guest) == ANYWHERE
    assert guest.run("find /etc -name '*sshd-vsock*' -not -name sshd-vsock.yaml").stdout == ""


# The others are as slow as this one, and rarely break alone.
EVERY_RUN = {f"{test}[bookworm]" for test in dir() if test.startswith("test_")}
