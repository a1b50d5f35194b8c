"""images/packer, run by a real Packer whose machine is the guest itself, over SSH on TCP.

The null builder takes the place of the qemu builder, which takes minutes without KVM and has a test
in tests/real; provisioners and scripts are the example's own. Debian's Packer is the last free one
(1.6).
"""

from pathlib import Path

import pytest

from guest import Guest

EVERY_RUN = 0  # a tree that no other test has; its scripts are in tests/offline
EXAMPLE = Path(__file__).resolve().parents[2] / "images/packer"

# Blocks that came with Packer 1.7.
TOO_NEW = {"plugins.pkr.hcl"}

NULL_BUILDER = """
source "null" "guest" {
  ssh_host             = "127.0.0.1"
  ssh_username         = "root"
  ssh_private_key_file = "/root/key"
}
"""

# Two provisioners after TCP is closed: a command and an upload, on the connection Packer has.
CLOSE_AND_GO_ON = NULL_BUILDER + """
build {
  sources = ["source.null.guest"]
  provisioner "shell" {
    inline = ["ss -ltnH | grep -q :22", "sshd-vsock apply 2>&1", "! ss -ltnH | grep -q :22"]
  }
  provisioner "file" {
    source      = "/etc/hostname"
    destination = "/root/uploaded"
  }
  provisioner "shell" {
    inline = ["test -s /root/uploaded", "echo still in"]
  }
}
"""

LET_PACKER_IN = """
ip link set lo up
ssh-keygen -q -t ed25519 -N '' -f /root/key
cat /root/key.pub >>/root/.ssh/authorized_keys
"""


@pytest.fixture(name="guest")
def boot(program):
    with Guest("bookworm", packages=["packer", "sudo"]) as guest:
        guest.install(program)
        guest.check(LET_PACKER_IN)
        yield guest


def packer(guest, arguments):
    """Runs Packer, which says to nobody that it is there."""
    return guest.check(f"cd /root/example && CHECKPOINT_DISABLE=1 packer {arguments}", timeout=300)


def test_example_builds_an_image_that_closes_tcp_by_itself(guest):
    for file in EXAMPLE.rglob("*"):
        if file.is_file() and file.name not in TOO_NEW:
            guest.put(f"/root/example/{file.relative_to(EXAMPLE)}", file.read_bytes(),
                      mode=file.stat().st_mode & 0o777)
    # where packaging/release puts it, beside images/
    guest.check("mkdir /dist; mv /usr/sbin/sshd-vsock /dist/sshd-vsock.x86_64")
    packer(guest, "fmt -check .")
    packer(guest, "validate -var ssh_key_file=/root/key -var image_checksum=none .")

    template = (EXAMPLE / "sshd-vsock.pkr.hcl").read_text(encoding="utf-8")
    assert template.count('"source.qemu.debian"') == 1
    guest.put("/root/example/sshd-vsock.pkr.hcl",
              template.replace('"source.qemu.debian"', '"source.null.guest"') + NULL_BUILDER)
    guest.check("cp -p /root/.ssh/authorized_keys /root/keys")
    said = packer(guest, "build -color=false .")
    assert "verified: SSH-2.0" in said and "the configuration is valid" in said
    guest.check("ss -ltnH | grep :22")
    assert guest.check("ls /etc/ssh/ssh_host_* 2>/dev/null || :") == ""
    # The key that Packer came in with is gone; cloud-init brings one to each machine made of the image.
    assert guest.run("test -e /root/.ssh/authorized_keys").status == 1
    guest.check("cp /root/keys /root/.ssh/authorized_keys")

    guest.reboot()
    assert guest.state == "running"
    assert guest.check("ss -ltnH") == ""
    assert guest.ssh("exit 5").status == 5
    guest.reboot()
    assert guest.check("ss -ltnH") == ""
    assert guest.ssh("exit 5").status == 5


def test_session_of_packer_outlives_closing_tcp_during_the_build(guest):
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    guest.put("/root/example/live.pkr.hcl", CLOSE_AND_GO_ON)
    said = packer(guest, "build -color=false live.pkr.hcl")
    assert "systemctl stop ssh.service" in said
    assert "this session came over SSH; it stays open" in said
    assert "still in" in said
