"""What the tests on trees share."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

import layouts
from tree import Tree, program


def pytest_collection_modifyitems(items):
    """Says once, and clearly, that there is nothing to test."""
    if items and not os.access(program(), os.X_OK):
        raise pytest.UsageError(f"no program at {program()}; build it, or set SSHD_VSOCK_PROGRAM")


@pytest.fixture(name="folder")
def private_folder(tmp_path):
    """An empty folder, in memory if there is a place for it: the tests make thousands of files, and
    fsync(2) costs nothing there. What is immutable in it is made mutable again in the end."""
    if os.access("/dev/shm", os.W_OK):
        with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="sshd-vsock-") as folder:
            yield Path(folder)
            subprocess.run(["chattr", "-R", "-f", "-i", folder], check=False, capture_output=True)
    else:
        yield tmp_path
        subprocess.run(["chattr", "-R", "-f", "-i", tmp_path], check=False, capture_output=True)


@pytest.fixture(name="debian")
def debian_tree(folder):
    """A tree with Debian 12's layout."""
    return layouts.make("debian12", Tree(folder / "tree"))
