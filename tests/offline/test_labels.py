"""Labels of SELinux in an image: what is written there has its folder's, or it is said that it has
none. No program of the image is run, and this machine has no policy; a guest has
(real/test_selinux.py)."""

import os

import pytest

import layouts
from tree import Tree, changes

UNIT, ETC = "system_u:object_r:systemd_unit_t:s0", "system_u:object_r:etc_t:s0"
HOSTS, SKEL = "system_u:object_r:net_conf_t:s0", "system_u:object_r:skel_t:s0"
ENFORCING = "# a comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"
CONFIG = "listen_address: 127.0.0.1\nhushlogin: true\n"
WORDS = "a policy of SELinux, and no label for what was written"


def set_label(place, label):
    try:
        os.setxattr(place, "security.selinux", label.encode() + b"\0", follow_symlinks=False)
    except PermissionError:
        pytest.skip("labels are root's to set")


def label_of(place):
    try:
        return os.getxattr(place, "security.selinux",
                           follow_symlinks=False).decode().rstrip("\0")
    except OSError:
        return None


@pytest.fixture(name="labelled")
def labelled_image(folder):
    """Debian 12, each path with a label, as setfiles leaves it."""
    tree = layouts.make("debian12", Tree(folder / "labelled"))
    tree.put("/etc/selinux/config", ENFORCING)
    for place in tree.root.rglob("*"):
        path = f"/{place.relative_to(tree.root)}"
        set_label(place, UNIT if path.startswith("/etc/systemd/system") else
                  HOSTS if path == "/etc/hosts" else ETC)
    return tree


def test_all_that_is_written_has_the_label_of_its_folder(labelled):
    before = labelled.state()
    result = labelled.apply(config=CONFIG)
    assert WORDS not in result.stderr
    written = changes(before, labelled.state())
    assert len(written) > 9
    labels = {path: label_of(labelled.at(path)) for path in written}
    assert set(labels.values()) == {UNIT, ETC, HOSTS, None}
    assert labels["/etc/hosts"] == HOSTS
    # the kernel's policy labels what is in a home; a home's own label is no file's
    assert all(path.endswith("/.hushlogin") and path.startswith(("/home", "/root"))
               for path, label in labels.items() if label is None)
    assert {label for path, label in labels.items()
            if path.startswith("/etc/systemd/system/")} == {UNIT}


def test_links_and_new_folders_too(labelled):
    labelled.apply("--no-verify", config="disable_tcp: true\n")
    for path in ("ssh.service", "sockets.target.wants/sshd-vsock.socket", "sockets.target.wants"):
        assert label_of(labelled.at(f"/etc/systemd/system/{path}")) == UNIT, path
    assert label_of(labelled.at("/etc/systemd/system-preset")) == ETC


def test_image_without_labels_is_to_be_relabelled(folder):
    tree = layouts.make("debian12", Tree(folder / "bare"))
    tree.put("/etc/selinux/config", ENFORCING)
    result = tree.apply()
    (line,) = [line for line in result.stderr.splitlines() if WORDS in line]
    command = line.partition("or \"")[2].rstrip('"')
    assert command == f"touch {tree}/.autorelabel"
    tree.put("/.autorelabel")
    assert WORDS not in tree.apply().stderr


@pytest.mark.parametrize("config", (None, "SELINUX=disabled\n", "#SELINUX=enforcing\n"))
def test_image_without_a_policy_hears_nothing_of_labels(config, folder):
    tree = layouts.make("debian12", Tree(folder / "none"))
    if config:
        tree.put("/etc/selinux/config", config)
    assert "SELinux" not in tree.apply().stderr
