"""Images prepared offline finish the work by themselves, at their first boot.

The image is a tree on which `sshd-vsock --root=TREE apply` ran; nothing is done to the guest
afterwards but to boot it.
"""

import pytest

from guest import Guest
from guest.steps import apply

EVERY_RUN = 3
ALWAYS = ("test_unproven_door_leaves_tcp_open_and_says_why",
          "test_who_gets_in_is_asked_when_the_system_lets_users_in")

SQUATTER = """[Unit]
DefaultDependencies=no
Before=sshd-vsock.socket
After=systemd-modules-load.service

[Service]
Type=exec
ExecStart=/usr/bin/socat VSOCK-LISTEN:22,fork EXEC:cat
# systemd knows that a process runs, not that it listens.
ExecStartPost=/bin/sh -c 'until ss --vsock -lnH | grep -q :22; do sleep 0.1; done'
"""

EARLY = """[Unit]
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/usr/sbin/sshd-vsock apply

[Install]
WantedBy=sysinit.target
"""

# Exit status 0 where sshd, or anybody, listens there.
TCP = "ss -ltnH | grep ':22 '"

KEYS = "stat -c '%n %s' /etc/ssh/ssh_host_*_key"


def image(suite, program, config, change="", **options):
    """A guest of that image; `change` is a script for the tree."""
    def prepare(guest):
        guest.install(program)
        guest.put("/etc/sshd-vsock.yaml", config)
        guest.chroot(change)
        guest.offline(program, "apply")

    return Guest(suite, prepare=prepare, first_boot=True, **options)


def said(guest):
    """What the provision unit said in this boot."""
    return guest.check("journalctl -b -o cat -u sshd-vsock-provision")


@pytest.mark.parametrize("suite", ["bullseye", "trixie"])
def test_proves_the_door_closes_tcp_and_stays_closed(suite, program):
    with image(suite, program, "disable_tcp: true\n", host_keys=False) as guest:
        assert guest.state == "running"
        words = said(guest)
        assert words.index("verified: SSH-2.0") < words.index("systemctl stop ssh")
        assert guest.run(TCP).status == 1
        assert guest.ssh("exit 5").status == 5
        keys = guest.check(KEYS)
        assert keys.count("\n") >= 3

        guest.reboot()
        assert guest.state == "running"
        assert guest.run(TCP).status == 1
        # From the start: nothing of TCP was even tried in this boot.
        assert guest.check("journalctl -b -o cat -u ssh.service -u ssh.socket") == ""
        assert "nothing to do" in said(guest)
        assert guest.ssh("exit 5").status == 5
        assert guest.check(KEYS) == keys


EMPTY_KEYS = "for key in /etc/ssh/ssh_host_*_key; do : >$key; done"
NO_KEYS = "rm /etc/ssh/ssh_host_*"


@pytest.mark.parametrize("change", [EMPTY_KEYS, NO_KEYS], ids=["empty", "none"])
def test_host_keys_with_tcp_left_on(change, program):
    with image("bookworm", program, "", change) as guest:
        assert guest.state == "running", guest.check("systemctl --failed")
        assert guest.ssh("exit 5").status == 5
        sizes = [line.split()[1] for line in guest.check(KEYS).splitlines()]
        assert len(sizes) == 3 and "0" not in sizes
        assert guest.check("systemctl is-active ssh.service") == "active\n"


def test_unproven_door_leaves_tcp_open_and_says_why(program):
    """Port taken, then no way to a host; when both are mended, the next boot closes."""
    squat = ("ln -s ../squatter.service /etc/systemd/system/sysinit.target.wants/; "
             "cat >/etc/systemd/system/squatter.service <<'END'\n" + SQUATTER + "END\n")
    with image("bookworm", program, "disable_tcp: true\n", squat) as guest:
        assert guest.state == "degraded"
        assert guest.run("systemctl is-failed sshd-vsock-provision").status == 0
        assert "in use by another program" in said(guest)
        verify = guest.run("sshd-vsock verify")
        assert verify.status == 4 and "in use by another program" in verify.stderr
        guest.check(TCP)

        guest.check("rm /etc/systemd/system/sysinit.target.wants/squatter.service")
        guest.shutdown()
        guest.virtio = False
        guest.boot()
        assert guest.run("systemctl is-failed sshd-vsock-provision").status == 0
        assert "no host is known to come in over vsock" in said(guest)
        guest.check(TCP)

        guest.shutdown()
        guest.virtio = True
        guest.boot()
        assert guest.state == "running"
        assert guest.run(TCP).status == 1
        assert guest.ssh("exit 5").status == 5

        guest.shutdown()  # closed by now, and taken to a machine that no host reaches
        guest.virtio = False
        guest.boot()
        assert guest.run("systemctl is-failed sshd-vsock-provision").status == 0
        assert "no host is known to come in over vsock" in apply(guest, status=4).stderr
        assert guest.run(TCP).status == 1


LATE = """[Service]
ExecStartPre=/bin/sleep 12
"""


def test_who_gets_in_is_asked_when_the_system_lets_users_in(program):
    """pam_nologin, and homes on a network, are no reason to fail at each boot."""
    late = ("useradd -m -s /bin/bash ana; mkdir -p /home/ana/.ssh;"
            "mv /root/.ssh/authorized_keys /home/ana/.ssh/; chown -R ana: /home/ana/.ssh;"
            "mkdir -p /etc/systemd/system/systemd-user-sessions.service.d;"
            f"printf '%s' '{LATE}' >/etc/systemd/system/systemd-user-sessions.service.d/late.conf")
    with image("bookworm", program, "disable_tcp: true\n", late) as guest:
        assert guest.check("systemctl show -P ExecMainStatus sshd-vsock-provision") == "0\n"
        assert guest.run(TCP).status == 1


def test_port_that_moves_while_the_system_boots(program):
    """From bootcmd, say: until something waits for an answer the old port is the way in."""
    with Guest("bookworm") as guest:
        guest.install(program)
        apply(guest, "disable_tcp: true\n")
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\nport: 2222\nverify_timeout: 2\n")
        guest.put("/etc/systemd/system/squatter.service", SQUATTER.replace(":22", ":2222") + EARLY[EARLY.index("[Install]"):])
        guest.put("/etc/systemd/system/early.service", EARLY)
        guest.check("systemctl enable -q early.service squatter.service")
        guest.reboot()
        said = guest.check("journalctl -b -u early.service -o cat; systemctl show -P Result early.service")
        assert "another port is left to sshd-vsock-provision.service of this boot" in said
        assert guest.ssh("exit 5").status == 5
        assert guest.run("systemctl is-failed -q sshd-vsock-provision.service").status == 0
        guest.check("systemctl disable -q --now squatter.service; sshd-vsock apply")
        assert guest.ssh("exit 5", port=2222).status == 5
