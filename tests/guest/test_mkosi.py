"""images/mkosi, built by the real mkosi of Debian 13; what comes out of it boots and answers."""

import os
import tarfile
from pathlib import Path

import pytest

from guest import Guest
from guest.sandbox import BASE, Sandbox
from guest.sanitizer import ALOUD
from guest.trees import Recipe, mirror, tree

EVERY_RUN = {"test_image_boots_answers_and_closes_tcp"}
EXAMPLE = Path(__file__).resolve().parents[2] / "images/mkosi"

BUILDER = Recipe("mkosi", "trixie", ("mkosi", "debian-archive-keyring", "libyaml-0-2",
                                     "libsystemd0", "tar"))

# mkosi wants to be at home: with a root folder of its own, which a chroot is not.
AT_HOME = f"""
set -eu
mount -t proc proc {BASE}/mkosi/proc
mount -t sysfs -o ro sysfs {BASE}/mkosi/sys
mount -t tmpfs -o mode=0755 dev {BASE}/mkosi/dev
mount -t tmpfs run {BASE}/mkosi/run
cd {BASE}/mkosi
for node in null:3 zero:5 full:7 random:8 urandom:9; do
        mknod -m 0666 dev/${{node%:*}} c 1 ${{node#*:}}
done
mknod -m 0666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
pivot_root . .
umount -l .
cd /a/images/mkosi
exec "$@"
"""


class Mkosi:
    """A machine with mkosi, the example and the program: installed, or where packaging/release puts it."""

    def __init__(self, program, path="usr/sbin/sshd-vsock"):
        builder = tree(BUILDER)
        self.sandbox = Sandbox()
        self.sandbox.overlay(builder, "mkosi")
        self._copy(program, path, 0o755)
        resolver = Path("/etc/resolv.conf")
        if resolver.exists():
            self._copy(resolver, "etc/resolv.conf", 0o644)
        for folder, _, files in os.walk(EXAMPLE):
            for name in files:
                source = Path(folder, name)
                self._copy(source, Path("a/images/mkosi") / source.relative_to(EXAMPLE),
                           source.stat().st_mode & 0o777)

    def _copy(self, source, target, mode):
        path = self.sandbox.path("mkosi") / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(Path(source).read_bytes())
        path.chmod(mode)

    def run(self, *argv):
        """Runs mkosi in the example's folder; returns its stdout."""
        return self.sandbox.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                 AT_HOME, "sh", "mkosi", f"--local-mirror={mirror()}",
                                 *(f"--environment={option}" for option in ALOUD[1:]), *argv])


@pytest.fixture(scope="module", name="image")
def build(native_program, tmp_path_factory):
    """The example as it stands, only in a form that can be handed over: a tar file."""
    mkosi = Mkosi(native_program, "a/dist/sshd-vsock.x86_64")
    try:
        mkosi.run("--format=tar", "--compress-output=none", "build")
        image = tmp_path_factory.mktemp("mkosi") / "image.tar"
        (built,) = mkosi.sandbox.path("mkosi/a/images/mkosi").glob("vsock-guest*.tar")
        image.write_bytes(built.read_bytes())
    finally:
        mkosi.sandbox.close()
    yield image
    image.unlink()


def test_image_holds_the_door_and_no_keys(image):
    with tarfile.open(image) as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
    assert "etc/systemd/system/sockets.target.wants/sshd-vsock.socket" in names
    assert "etc/systemd/system/ssh.service" not in names
    assert not [name for name in names if name.startswith("etc/ssh/ssh_host_")]


# No iproute2 in so small an image: the kernel's own table, sshd's port in hexadecimal.
TCP_LISTENERS = "awk '$4 == \"0A\" && $2 ~ /:0016$/' /proc/net/tcp /proc/net/tcp6"


def test_image_boots_answers_and_closes_tcp(image):
    with Guest("mkosi", tar=image) as guest:
        assert guest.state == "running"
        assert guest.ssh("exit 5").status == 5
        assert guest.check(TCP_LISTENERS) == ""
        said = guest.check("journalctl -b -o cat -u sshd-vsock-provision")
        assert "verified: SSH-2.0" in said and "systemctl stop ssh.service" in said
        guest.reboot()
        assert guest.check(TCP_LISTENERS) == ""
        assert guest.ssh("exit 5").status == 5


def test_ssh_of_mkosi_itself_is_taken_over_at_the_first_boot(native_program, tmp_path):
    """Its units come after our script, with a preset: both have the port."""
    mkosi = Mkosi(native_program)
    try:
        mkosi.run("--format=tar", "--compress-output=none", "--ssh=yes", "build")
        (built,) = mkosi.sandbox.path("mkosi/a/images/mkosi").glob("vsock-guest*.tar")
        (tmp_path / "image.tar").write_bytes(built.read_bytes())
    finally:
        mkosi.sandbox.close()
    with Guest("mkosi", tar=tmp_path / "image.tar") as guest:
        assert "Mkosi SSH Server" in guest.check("cat /usr/lib/systemd/system/ssh.socket")
        assert guest.check("readlink /etc/systemd/system/ssh.socket") == "/dev/null\n"
        assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
        assert guest.ssh("exit 5").status == 5
        assert guest.check(TCP_LISTENERS) == ""
        assert "nothing to do" in guest.run("sshd-vsock apply").stderr
        guest.reboot()
        assert guest.state == "running"
        assert guest.ssh("exit 5").status == 5
        guest.check("sshd-vsock remove")
        assert guest.check("systemctl is-active ssh.socket") == "active\n"
        assert guest.ssh("exit 5").status == 5


def test_profile_for_virtual_machines_is_understood(native_program):
    mkosi = Mkosi(native_program)
    try:
        summary = mkosi.run("--profile=vm", "summary").decode()
    finally:
        mkosi.sandbox.close()
    assert "linux-image-amd64" in summary
    assert "VSock Connection ID: 42" in summary
