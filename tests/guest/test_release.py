"""What a release has beyond the package for amd64. The one for arm64 is cross-built, and its
program is run under qemu-user: that it writes the same bytes as amd64's shows that it is right. And
amd64's is the same where a distribution's builder makes it."""

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from guest import Guest, build_in_builder, checked_package_in_builder, package_in_builder
from guest.build import CHECKOUT
from guest.sandbox import BASE, Sandbox
from guest.trees import CROSS_BUILDER, EMULATOR, tree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "offline"))
import layouts  # noqa: E402
from tree import Tree  # noqa: E402

EVERY_RUN = 0  # three trees that no other test has, and all unit tests built again
LAYOUTS = ("debian11", "ubuntu2404", "rhel9", "opensuse", "arch")
CONFIG = "disable_tcp: true\nport: 2222\nhushlogin: true\n"


class Emulated:
    """The libraries of arm64, and what runs its programs; the package is unpacked in /package."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        sandbox.overlay(tree(CROSS_BUILDER), "arm64")
        sandbox.mount("proc", "arm64/proc")
        emulator = self.path("/qemu")
        emulator.write_bytes((tree(EMULATOR) / "usr/bin/qemu-aarch64").read_bytes())
        self.path("/package.deb").write_bytes(package_in_builder(arch="arm64").read_bytes())
        emulator.chmod(0o755)
        self.run("dpkg-deb -x /package.deb /package")

    def path(self, inside):
        """Where the world outside finds a path of it."""
        return self.sandbox.path("arm64" + inside)

    def run(self, script, data=None, chroot="arm64"):
        """Runs a shell script there; returns its stdout."""
        return self.sandbox.run(["sh", "-euc", script], chroot, data and data.encode()).decode()

    def verbs(self, program, layout, root, chroot="arm64"):
        """What apply leaves in a fresh tree, and what each verb says of it."""
        layouts.make(layout, Tree(self.path(root)))
        place = root if chroot else f"{BASE}/arm64{root}"
        said = [self.run(f"{program} --config=- --root={place} {verb} 2>&1 || echo exit $?", CONFIG,
                         chroot).replace(place, "")
                for verb in ("check", "apply", "plan", "status", "client", "--json plan")]
        return said, self.run(f"cd {root}; find . -printf '%p %y %m %l\\n' | sort; "
                              "find . -type f -exec sha256sum {} + | sort -k 2")


@pytest.fixture(scope="module", name="emulated")
def libraries_and_emulator():
    """One for all tests."""
    with Sandbox() as sandbox:
        yield Emulated(sandbox)


def test_package_is_for_arm64_and_asks_for_the_same(emulated):
    def field(package, name):
        return subprocess.run(["dpkg-deb", "-f", package, name], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
    arm64 = emulated.path("/package.deb")
    assert field(arm64, "Architecture") == "arm64\n"
    assert field(arm64, "Depends") == field(package_in_builder(), "Depends")
    assert emulated.run("readelf -h /package/usr/sbin/sshd-vsock | grep AArch64")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_does_what_the_program_for_amd64_does(layout, emulated):
    arm64 = emulated.verbs("/qemu /package/usr/sbin/sshd-vsock", layout, f"/1-{layout}")
    amd64 = emulated.verbs(build_in_builder(), layout, f"/2-{layout}", chroot=None)
    assert arm64 == amd64
    assert "sshd-vsock.socket" in arm64[1] and "nothing to do" in arm64[0][2]


# Not those that build, read sources, measure time or load a library of amd64 into the program; of
# the rest what takes a minute under the emulator, and not five.
OFFLINE = ("cli", "settings", "takeover", "wayin")


def test_offline_tests_pass_with_it(tmp_path):
    """By its own loader, for `qemu-aarch64 -L` would open another / for the program, too."""
    libraries = tree(CROSS_BUILDER) / "usr/lib"
    subprocess.run(["dpkg-deb", "-x", package_in_builder(arch="arm64"), tmp_path], check=True)
    wrapper = tmp_path / "sshd-vsock"
    wrapper.write_text(
        f"#!/bin/sh\nexec {tree(EMULATOR)}/usr/bin/qemu-aarch64 {libraries}/ld-linux-aarch64.so.1 "
        f"--library-path {libraries}/aarch64-linux-gnu {tmp_path}/usr/sbin/sshd-vsock \"$@\"\n",
        encoding="ascii")
    wrapper.chmod(0o755)
    result = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "2",
                             "-p", "no:cacheprovider",
                             *(CHECKOUT / f"tests/offline/test_{name}.py" for name in OFFLINE)],
                            text=True, capture_output=True, check=False,
                            env={**os.environ, "SSHD_VSOCK_PROGRAM": str(wrapper)})
    assert result.returncode == 0, result.stdout[-8000:]


def test_autopkgtest_runs_its_tests_in_a_guest():
    """Which is a machine of its own, as the restrictions ask for, and need not be reverted."""
    source = io.BytesIO()
    with tarfile.open(fileobj=source, mode="w") as archive:
        archive.add(CHECKOUT / "debian", "source/debian")
    with Guest("trixie", packages=("autopkgtest", "dpkg-dev")) as guest:
        guest.put("/root/p.deb", package_in_builder().read_bytes())
        guest.put("/root/source.tar", source.getvalue())
        guest.check("tar -xf /root/source.tar -C /root")
        said = guest.check(
            "cd /root; autopkgtest --ignore-restrictions=isolation-machine,breaks-testbed "
            "--no-built-binaries p.deb source/ -- null 2>&1", timeout=300)
    assert re.findall(r"^(\S+) +PASS$", said.split("@ summary\n")[-1], re.M) == ["image", "way-in"]


def test_a_builder_without_rights_and_network_runs_the_tests_and_makes_the_same_package():
    assert checked_package_in_builder().read_bytes() == package_in_builder().read_bytes()
