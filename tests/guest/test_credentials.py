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


def boot_with(name, text):
    """What the kernel's command line has to say for that. Quoted, since YAML needs blanks; 252 does
    not know systemd.set_credential_binary=."""
    return f'"systemd.set_credential={name}:{text}"'


def source(guest, verb="status"):
    """Where the verb has its configuration from."""
    return json.loads(guest.run(f"sshd-vsock --json {verb}").stdout)["configuration"]["source"]


PLACE = "/run/credentials/@system/sshd-vsock.yaml"


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_configuration_from_a_credential(suite, program):
    """The boot unit finds it, and so does each verb; a file wins; each boot brings another."""
    def bake(guest):
        guest.install(program)
        guest.offline(program, "apply")

    with Guest(suite, prepare=bake,
               cmdline=boot_with("sshd-vsock.yaml", "{disable_tcp: true, port: 222}")) as guest:
        assert guest.state == "running"
        assert listeners(guest) == set()
        assert guest.ssh("exit 5", port=222).status == 5
        assert f"this works with the credential {PLACE}" in guest.check(
            "journalctl -b -u sshd-vsock-provision")
        for verb in ("check", "plan", "status", "verify", "client"):
            assert source(guest, verb) == "credential"
        again = apply(guest)
        assert "nothing to do" in again.stderr
        assert "StandardInputText" not in guest.check("systemctl cat sshd-vsock-provision")

        result = apply(guest, "disable_tcp: false\n")
        assert f"the credential {PLACE} says otherwise and does not count" in result.stderr
        assert source(guest) == "file" and listeners(guest)
        assert guest.ssh("exit 5").status == 5
        guest.check("rm /etc/sshd-vsock.yaml")
        apply(guest)
        assert listeners(guest) == set()

        guest.cmdline = boot_with("sshd-vsock.yaml", "{hosts_entry: false, disable_tpc: true}")
        guest.reboot()
        result = guest.run("sshd-vsock check")
        assert result.status == 2
        assert f'{PLACE}:1:22: error: unknown key "disable_tpc"' in result.stderr
        assert guest.check("systemctl show -P ExecMainStatus sshd-vsock-provision") == "2\n"
        assert listeners(guest) == set()
        assert guest.ssh("exit 5", port=222).status == 5

        guest.cmdline = ""
        guest.reboot()
        assert source(guest) == "defaults" and listeners(guest)


def test_configuration_that_nobody_hands_over(program):
    """systemd 247 knows no such credentials: nothing comes of the words, and nothing breaks."""
    with Guest("bullseye", cmdline=boot_with("sshd-vsock.yaml", "{port: 222}")) as guest:
        guest.install(program)
        apply(guest)
        guest.reboot()
        assert guest.state == "running"
        assert source(guest) == "defaults"
        assert guest.ssh("exit 5").status == 5
