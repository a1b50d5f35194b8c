"""systemd 256 and newer makes a door of its own, sometimes: left alone where it works, replaced by
ours where it does not."""

import json
import re

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners

EVERY_RUN = 1
ALWAYS = ("test_listener_that_this_boot_did_not_make_is_not_what_is_left",)
OURS = f"{UNITS}/sshd-vsock.socket"
GENERATED = "/run/systemd/generator/sshd-vsock.socket"
FRAGMENT = "systemctl show -P FragmentPath sshd-vsock.socket"


def door_is(guest, path, port=22):
    """It is the unit in that file which serves the door, and the door is good."""
    assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
    assert guest.check(FRAGMENT).strip() == path
    assert guest.ssh("exit 5", port=port).status == 5
    result = guest.run("sshd-vsock verify")
    assert result.status == 0, result.stderr


def settled(guest):
    """Another apply has nothing to do."""
    result = apply(guest)
    assert "nothing to do" in result.stderr, result.stderr


@pytest.mark.parametrize("suite", ["trixie", "forky", "sid"])
def test_generated_or_ours(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        # Booted without the transport: the generator is silent, so the door is ours.
        assert guest.run(f"ls {GENERATED}").status != 0
        assert "generator answers" not in apply(guest, "port: 22\n").stderr
        door_is(guest, OURS)
        # modules-load.d now brings the transports, but after generators ran; in any case ours wins.
        guest.reboot()
        door_is(guest, OURS)
        settled(guest)
        # A daemon-reload makes the generated unit, which ours in /etc hides.
        guest.check("systemctl daemon-reload")
        door_is(guest, OURS)
        settled(guest)
        # What ours hid is what a boot would start now.
        guest.check("sshd-vsock remove")
        door_is(guest, GENERATED)

        # The generated door works: it is left alone, and said to be.
        result = apply(guest)
        assert "systemd's generator answers and is left as it is" in result.stderr
        assert guest.run(f"ls {OURS}").status != 0
        door_is(guest, GENERATED)
        settled(guest)
        # At the next boot it may be silent again: then the provision unit puts ours there.
        guest.reboot()
        guest.check("until systemctl show -P ActiveState sshd-vsock-provision | grep -qx inactive;"
                    "do sleep 0.1; done")
        door_is(guest, GENERATED if guest.run(f"ls {OURS}").status else OURS)
        settled(guest)

        # Another port is ours alone, and what the generator listens on is not served beside it.
        apply(guest, "port: 2222\ndisable_tcp: true\n")
        door_is(guest, OURS, 2222)
        with pytest.raises(ConnectionError):
            guest.banner(22)
        guest.reboot()
        door_is(guest, OURS, 2222)
        assert listeners(guest) == set()
        settled(guest)
        apply(guest, "port: 22\ndisable_tcp: true\n")
        guest.reboot()
        door_is(guest, OURS)


def test_listener_that_this_boot_did_not_make_is_not_what_is_left(program):
    """The next boot may have none: ours is written, so that its run may end early and nobody is locked out."""
    with Guest("trixie") as guest:
        guest.install(program)
        guest.check("modprobe vmw_vsock_virtio_transport; modprobe vsock_loopback; systemctl daemon-reload;"
                    "systemctl start sshd-vsock.socket")
        assert "is left as it is" in apply(guest, "port: 22\n").stderr
        door_is(guest, GENERATED)
        apply(guest, "disable_tcp: true\n")
        door_is(guest, OURS)
        settled(guest)
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: perhaps\n")
        guest.reboot()
        assert guest.ssh("exit 5").status == 5 and listeners(guest) == set()


def test_generator_switched_off_on_the_command_line(program):
    with Guest("trixie", cmdline="systemd.ssh_auto=no") as guest:
        guest.install(program)
        guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload")
        assert guest.run(f"ls {GENERATED}").status != 0
        apply(guest, "disable_tcp: true\n")
        door_is(guest, OURS)
        guest.reboot()
        door_is(guest, OURS)
        settled(guest)


def test_host_keys_that_are_missing_before_any_apply(program):
    """What is printed does not name a unit that only apply writes, before apply was run."""
    with Guest("trixie") as guest:
        guest.install(program)
        guest.put("/etc/sshd-vsock.yaml", "verify_timeout: 60\nrequire_login: unchecked\n")
        guest.check("modprobe vsock_loopback; modprobe vmw_vsock_virtio_transport; systemctl daemon-reload;"
                    f"ls {GENERATED}; systemctl start sshd-vsock.socket; chmod 0644 /etc/ssh/ssh_host_*_key;"
                    "echo junk >/etc/ssh/ssh_host_ed25519_key")
        told = json.loads(guest.run("sshd-vsock --json verify", timeout=120).stdout)["verification"]
        assert told["cause"] == "no-host-keys"
        assert guest.run("ls /etc/systemd/system/sshd-vsock-keygen.service").status != 0
        chmod, _, _, *rest = re.findall('"([^"]+)"', told["fix"])
        guest.check(chmod)
        guest.check("rm /etc/ssh/ssh_host_*")
        for command in rest:
            assert command in ("sshd-vsock apply", "systemctl restart sshd-vsock-keygen.service")
            guest.check(command, timeout=120)
        assert guest.run("sshd-vsock verify", timeout=120).status == 0
