"""One Debian package, built once on Debian 11, for all releases."""

import re
import shutil
import subprocess

import pytest

from guest import SUITES, Guest, package_in_builder
from guest.build import CHECKOUT

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
    with Guest(suite) as guest:
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


def test_two_builds_give_the_same_bytes(tmp_path):
    copy = shutil.copytree(CHECKOUT, tmp_path / "copy",
                           ignore=shutil.ignore_patterns("build", ".git", "tests"))
    first = package_in_builder(copy).read_bytes()
    assert package_in_builder(copy, again=True).read_bytes() == first


def test_lintian_finds_no_errors(package):
    result = subprocess.run(["lintian", "--fail-on", "error", "--allow-root", str(package)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_version_is_the_same_everywhere():
    version = re.search(r"^project\(sshd-vsock VERSION ([\d.]+)", read("CMakeLists.txt"), re.M)[1]
    assert read("packaging/changelog").startswith(f"sshd-vsock ({version}) ")
    assert read("NEWS").startswith(f"sshd-vsock {version}\n")


def test_release_is_reproducible():
    made = [subprocess.run([CHECKOUT / "packaging/release"], check=True, capture_output=True,
                           text=True).stdout for _ in range(2)]
    assert made[0] == made[1] and ".tar.gz" in made[0] and ".deb" in made[0]
