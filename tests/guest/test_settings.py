"""sshd's own settings on a running system: the keys it uses, and those that are made for it."""

import pytest

from guest import Guest
from guest.steps import apply

EVERY_RUN = 2
ALWAYS = ("test_keys_elsewhere",)

ASK = ("ssh -o BatchMode=yes -o UserKnownHostsFile=/root/known -o GlobalKnownHostsFile=/dev/null "
       "-o StrictHostKeyChecking=yes -o HostKeyAlias=guest.vsock "
       "-o ProxyCommand='socat - VSOCK-CONNECT:1:22' root@x true")


@pytest.fixture(name="guest", params=["bookworm", "trixie"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        yield guest


def trusted(guest):
    """What `client --known-hosts` prints is enough to trust the door; a key, none, is not asked
    for: the login itself is refused."""
    guest.check("sshd-vsock client --known-hosts >/root/known")
    error = guest.run(ASK).stderr
    assert "Permission denied" in error and "key" not in error.split("Permission denied")[0], error


def test_keys_elsewhere(guest):
    """By sshd_config, then gone, as /run is at each boot; by the options of the unit, last."""
    guest.check("""mkdir -p /run/ssh; rm -f /etc/ssh/ssh_host_*
        ssh-keygen -q -t ed25519 -N '' -f /run/ssh/ssh_host_ed25519_key
        printf 'HostKey /run/ssh/ssh_host_%s_key\\n' rsa ed25519 >/etc/ssh/sshd_config.d/10-keys.conf
        systemctl restart ssh; sshd-vsock client --known-hosts""")
    done = apply(guest, "verify_timeout: 60\n")  # making RSA keys takes its time
    assert "start sshd-vsock-keygen.service" not in done.stderr
    trusted(guest)
    guest.check("rm -r /run/ssh")
    assert "sshd-vsock-keygen" not in guest.run("sshd-vsock verify").stderr
    assert guest.check("ls /run/ssh").split() == [
        "ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "ssh_host_rsa_key",
        "ssh_host_rsa_key.pub"]
    trusted(guest)

    guest.check("""cd /run/ssh; : >ssh_host_rsa_key; cp ssh_host_ed25519_key /root/kept
        systemctl start sshd-vsock-keygen.service
        cmp ssh_host_ed25519_key /root/kept; test -s ssh_host_rsa_key; ls /etc/ssh >/root/ls""")
    assert "ssh_host" not in guest.check("cat /root/ls")
    guest.check("rm /etc/ssh/sshd_config.d/10-keys.conf; mkdir '/srv/a b'; "
                "cp /etc/ssh/sshd_config /etc/ssh/other; "
                "echo 'HostKey \"/srv/a b/50%\"' >>/etc/ssh/other; "
                "echo 'SSHD_OPTS=\"-f /etc/ssh/other\"' >/etc/default/ssh")
    assert "start sshd-vsock-keygen.service" in apply(guest).stderr
    assert guest.check("ls '/srv/a b'").splitlines() == ["50%", "50%.pub"]
    guest.check("rm '/srv/a b/50%.pub'")
    trusted(guest)


def test_type_deleted_on_purpose(guest):
    """The keys are looked at for each connection, however many come: no start limit counts them."""
    apply(guest)
    guest.check("""rm /etc/ssh/ssh_host_ecdsa_key*
        for i in 1 2 3 4 5 6 7 8; do sleep 0.4 | socat - VSOCK-CONNECT:1:22 >/dev/null; done""")
    assert "repeated too quickly" not in guest.check("journalctl -b -u sshd-vsock-keygen")
    guest.check("! systemctl is-failed -q sshd-vsock-keygen; systemctl start sshd-vsock-keygen")


def test_old_format_without_its_public_half(guest):
    guest.check("""rm /etc/ssh/ssh_host_*; ssh-keygen -q -t rsa -m PEM -N '' -f /etc/ssh/pem
        rm /etc/ssh/pem.pub; echo 'HostKey /etc/ssh/pem' >>/etc/ssh/sshd_config""")
    apply(guest)
    trusted(guest)


@pytest.mark.parametrize("stage", ["cloud-init", "cloud-init-network"])
def test_what_a_connection_waits_for(stage, guest):
    """Where there are no host keys yet they are cloud-init's to make: while its network stage hangs,
    that is the cause, and not a slow machine. With keys nothing waits for it."""
    guest.put(f"/etc/systemd/system/{stage}.service",
              "[Service]\nType=oneshot\nExecStart=/bin/sleep 500\nTimeoutSec=0\n")
    apply(guest)
    guest.check(f"systemctl start --no-block {stage}; "
                f"until [ $(systemctl is-active {stage}) = activating ]; do sleep 0.05; done")
    assert guest.run("sshd-vsock verify", timeout=60).status == 0
    guest.put("/etc/sshd-vsock.yaml", "verify_timeout: 2\n")
    guest.check("mkdir /root/keys; mv /etc/ssh/ssh_host_* /root/keys")
    failed = guest.run("sshd-vsock verify", timeout=60)
    assert failed.status == 4
    assert ("no SSH banner came in time (the connection waits for cloud-init's network stage: "
            f"{stage}.service)" in failed.stderr), failed.stderr
    guest.check(f"mv /root/keys/* /etc/ssh; systemctl stop {stage}")
    assert guest.run("sshd-vsock verify", timeout=60).status == 0
