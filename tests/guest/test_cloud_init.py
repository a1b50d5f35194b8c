"""images/cloud-init, booted by the real cloud-init of two Debian releases."""

import json
import re
from pathlib import Path

import pytest

from guest import Guest

# runcmd, on the same release, is in every run of test_self_contained.py.
EVERY_RUN = 0  # test_self_contained has cloud-init in every run

EXAMPLES = Path(__file__).resolve().parents[2] / "images/cloud-init"
SEED = "/var/lib/cloud/seed/nocloud"
SUITES = ("bookworm", "trixie")

# What a cloud image has and a minimal tree lacks: cloud-init would end in errors of its own.
MINIMAL_TREE = """
locale: C.UTF-8
resize_rootfs: false
growpart: {mode: "off"}
apt: {preserve_sources_list: true}
"""

# All that is configured, with what a needless write would change; /etc/hosts is cloud-init's to
# write at every boot.
LISTING = (r"find /etc -xdev -type d -printf '%p %m\n' -o -path /etc/hosts -o "
           r"-printf '%p %y %m %U:%G %s %T@ %l\n' | sort; cat /etc/hosts")


def cloud(suite, program, example, system=""):
    """A guest that finds the example as its user-data; `system` is the image's own cloud.cfg.d."""
    def prepare(guest):
        user_data = (EXAMPLES / example).read_text(encoding="utf-8")
        user_data, keys = re.subn(r"ssh-ed25519 \S+ you@example", guest.public_key.strip(),
                                  user_data)
        assert keys == 1
        guest.install(program)
        guest.put(f"{SEED}/user-data", user_data)
        guest.put(f"{SEED}/meta-data", "instance-id: i-1\nlocal-hostname: cloud\n")
        guest.put("/etc/cloud/cloud.cfg.d/99-minimal-tree.cfg", MINIMAL_TREE + system)

    return Guest(suite, packages=["cloud-init"], host_keys=False, prepare=prepare,
                 boot_timeout=180)


def expect_done(guest):
    """cloud-init is content, down to its warnings."""
    done = guest.run("cloud-init status --wait --format json", timeout=120)
    status = json.loads(done.stdout)
    log = guest.check("grep -E 'WARNING|ERROR|Traceback' /var/log/cloud-init.log || :")
    output = guest.check("cat /var/log/cloud-init-output.log")
    assert (done.status, status["status"], log) == (0, "done", ""), output
    assert guest.check("cloud-init schema --system 2>&1 | grep -i valid")


def expect_door(guest):
    """One gets in over vsock, as the default user, and not over TCP; names resolve at once."""
    assert guest.ssh("id -un; exit 5", user="debian").stdout == "debian\n"
    assert guest.check("ss -ltnH") == ""
    assert guest.check("getent hosts UNKNOWN").split()[0] == "127.0.0.1"
    assert guest.check("systemctl is-system-running --wait") == "running\n"


@pytest.mark.parametrize("suite,hosts", zip(SUITES, ("true", "localhost")))
def test_runcmd(suite, hosts, program):
    """Also where cloud-init writes /etc/hosts anew at every boot, in both of its ways."""
    with cloud(suite, program, "user-data", f"manage_etc_hosts: {hosts}\n") as guest:
        expect_done(guest)
        expect_door(guest)
        assert "verified: SSH-2.0" in guest.check("cat /var/log/cloud-init-output.log")
        before = guest.check(LISTING)
        guest.reboot()
        expect_done(guest)
        expect_door(guest)
        assert guest.check(LISTING) == before
        provision = guest.check("journalctl -b -o cat -u sshd-vsock-provision")
        assert set(re.findall(r"^(?:write|systemctl) .*", provision, re.M)) <= {"write /etc/hosts"}


@pytest.mark.parametrize("suite", SUITES)
def test_bootcmd_does_not_lock_the_boot(suite, program):
    with cloud(suite, program, "user-data.bootcmd") as guest:
        expect_done(guest)
        expect_door(guest)
        assert "is left to sshd-vsock-provision" in guest.check(
            "cat /var/log/cloud-init-output.log")
        before = guest.check(LISTING)
        guest.reboot()
        expect_done(guest)
        expect_door(guest)
        assert guest.check(LISTING) == before
