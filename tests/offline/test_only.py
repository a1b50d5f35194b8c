"""tests/only: what nobody installs is not there, whatever this machine has by chance."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tree import CHECKOUT

RUN = CHECKOUT / "tests/run"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of one's own need root")


def only(packages, *command):
    """Runs a command where these packages are."""
    return subprocess.run([CHECKOUT / "tests/only", *packages, "--", *command], text=True,
                          capture_output=True, check=False)


def named():
    """The packages that tests/run names."""
    return re.search(r"^packages=\(([^)]*)\)", RUN.read_text(encoding="utf-8"), re.M)[1].split()


def has(packages, script):
    """Whether the script succeeds there; that it can fail for no other reason is for its peer."""
    result = only(packages, "sh", "-c", script)
    assert "packages bring: " in result.stderr, result.stderr
    return result.returncode == 0


def test_what_no_package_brings_is_not_there():
    """By name, by path, a module of Python, a header: of packages on which no other depends."""
    scripts = {"socat": "socat -V && /usr/bin/socat -V", "mandoc": "command -v mandoc",
               "python3-jsonschema": "/usr/bin/python3 -c 'import jsonschema'",
               "libcmocka-dev": "test -e /usr/include/cmocka.h"}
    assert has(named(), " && ".join(scripts.values()))
    rest = [package for package in named() if package not in scripts]
    assert not has(rest, " || ".join(scripts.values()) + " || /usr/bin/socat -V")


def test_what_a_package_depends_on_is_there():
    assert has(["gcc"], "as --version && gcc --version && cc --version")
    assert has(["python3-pytest"], "/usr/bin/python3 -c 'import pluggy'")


def test_what_every_debian_has_is_there():
    assert has([], "mount --version; awk 1 </dev/null && nawk 1 </dev/null && perl -e 1 && tar --help")


def test_what_was_installed_by_hand_is_not_there(folder, monkeypatch):
    (folder / "chance").write_text("#!/bin/sh\n")
    (folder / "chance").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert subprocess.run(["chance"], check=False).returncode == 0
    assert not has([], "chance")
    assert has([], "! ls /usr/local/*")


def test_nothing_changes_for_the_rest_of_the_machine():
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    result = only([], "sh", "-c", "cat /proc/self/mountinfo; ! cmake --version")
    assert result.returncode == 0 and result.stdout.count(" overlay only ") >= 4, result.stderr
    assert Path("/proc/self/mountinfo").read_text(encoding="utf-8") == mounts
    assert subprocess.run(["cmake", "--version"], check=False, capture_output=True).returncode == 0


def test_a_package_that_is_not_installed_is_named():
    result = only(["gcc", "no-such-package"], "true")
    assert (result.returncode, result.stderr) == (1, "error: not installed: no-such-package\n")


def test_the_exit_status_is_the_commands():
    assert only([], "sh", "-c", "exit 5").returncode == 5
    assert only([], "no-such-program").returncode == 1
