"""The Debian packages, built once on Debian 11, for all releases."""

import os
import re
import shutil
import subprocess

import pytest

from guest import SUITES, Guest, package_in_builder
from guest.build import CHECKOUT

# The rest builds more packages, or needs trees that no other test has.
EVERY_RUN = {"test_installs_works_and_is_purged_without_a_trace[trixie]",
             "test_package_stays_while_its_door_is_the_only_one",
             "test_builds_in_two_directories_give_the_same_bytes"}

# All that is on the system but what changes by itself.
LISTING = (r"find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /dev "
           r"-o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /root/p.deb "
           r"-o -path /var/lib/systemd \) -prune -o -printf '%p %y %m %l\n' | sort")


def read(path):
    return (CHECKOUT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module", name="package")
def build():
    return package_in_builder()


@pytest.mark.parametrize("suite", SUITES)
def test_installs_works_and_is_purged_without_a_trace(suite, package):
    with Guest(suite, generators=True) as guest:
        guest.put("/root/p.deb", package.read_bytes())
        before = guest.check(LISTING)
        guest.check("dpkg -i /root/p.deb", timeout=120)
        guest.check("test -x /usr/sbin/sshd-vsock -a -r "
                    "/usr/share/sshd-vsock/sshd-vsock.schema.json")
        guest.check("sshd-vsock apply")
        assert guest.ssh("exit 5").status == 5
        guest.check("dpkg -P sshd-vsock", timeout=120)
        after = guest.check(LISTING)
        assert [line for line in after.splitlines() if "sshd-vsock" in line] == []
        assert set(before.splitlines()) == set(after.splitlines())


def test_package_stays_while_its_door_is_the_only_one(package):
    with Guest("bookworm") as guest:
        guest.put("/root/p.deb", package.read_bytes())
        guest.check("dpkg -i /root/p.deb && sshd-vsock apply && systemctl disable --now ssh",
                    timeout=120)
        result = guest.run("dpkg -P sshd-vsock", timeout=120)
        assert result.status != 0 and "the vsock listener is the only way in" in result.stderr
        assert guest.ssh("exit 5").status == 5


def test_builds_in_two_directories_give_the_same_bytes(package):
    elsewhere = package_in_builder(where="/somewhere/else")
    assert elsewhere != package and elsewhere.read_bytes() == package.read_bytes()


def test_lintian_finds_nothing(package, tmp_path):
    """In the package and in its sources, pedantic remarks included."""
    source = shutil.copytree(CHECKOUT, tmp_path / "source", symlinks=True,
                             ignore=shutil.ignore_patterns("build", "dist", ".*", "corpus"))
    subprocess.run(["dpkg-source", "-b", source], check=True, capture_output=True, cwd=tmp_path)
    (described,) = tmp_path.glob("*.dsc")
    result = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic",
                             "--fail-on", "error,warning,info,pedantic", described, package],
                            capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_its_own_tests_pass_where_it_is_installed(package):
    """As autopkgtest runs them: it gives the restrictions, which the guest fulfils, and a place."""
    with Guest("trixie") as guest:
        guest.put("/root/p.deb", package.read_bytes())
        guest.check("dpkg -i /root/p.deb", timeout=120)
        for test in re.findall(r"^Tests: (.+)$", read("debian/tests/control"), re.M):
            guest.put("/root/test", read(f"debian/tests/{test}"), mode=0o755)
            guest.check("mkdir /tmp/place && AUTOPKGTEST_TMP=/tmp/place /root/test", timeout=120)
            guest.check("rm -r /tmp/place")


def releases(*architectures, path=""):
    """Runs it, with those programs before the system's; returns the process that ended."""
    return subprocess.run([CHECKOUT / "packaging/release", *architectures], check=False, text=True,
                          capture_output=True, env={**os.environ, "PATH": path + os.environ["PATH"]})


def test_release_is_reproducible_and_leaves_nothing_old(tmp_path):
    """For amd64 alone in every run; arm64's tree takes a minute more. The examples in images/ take what
    is in dist/: neither what is older, nor what a run that fails has begun."""
    def listing():
        return {path.name: path.stat().st_mtime_ns for path in dist.iterdir()}

    dist = CHECKOUT / "dist"
    architectures = ["amd64", "arm64"] if os.environ.get("SSHD_VSOCK_FULL") else ["amd64"]
    first = releases(*architectures)
    (dist / "sshd-vsock.older").write_text("")
    (tmp_path / "dpkg-deb").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "dpkg-deb").chmod(0o755)
    before = listing()
    assert releases("amd64", path=f"{tmp_path}:").returncode != 0 and listing() == before
    second = releases(*architectures)
    assert first.returncode == 0 and first.stdout == second.stdout, first.stderr + second.stderr
    names = [line.split()[1] for line in first.stdout.splitlines()]
    assert names[0].endswith(".tar.gz") and "sshd-vsock.older" not in listing()
    assert {*names, "PKGBUILD", "sshd-vsock.install"} <= set(listing())
    assert first.stdout.split()[0] in (dist / "PKGBUILD").read_text(encoding="utf-8")
    machines = {"amd64": "x86_64", "arm64": "aarch64"}
    assert [re.sub("_[0-9.]+_", ".", name) for name in names[1:]] == [
        f"sshd-vsock.{word}" for arch in architectures for word in (f"{arch}.deb", machines[arch])]
    assert "usage" in subprocess.run([dist / "sshd-vsock.x86_64", "--help"], check=True,
                                     capture_output=True, text=True).stdout.lower()
