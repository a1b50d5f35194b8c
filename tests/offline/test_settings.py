"""sshd's own settings in a tree: its host keys, by its files and the options of its unit."""

import os
import shutil
import subprocess

import pytest

import layouts
from tree import UNITS, Tree

KEYGEN = f"{UNITS}/sshd-vsock-keygen.service"
MAIN = "/etc/ssh/sshd_config"


@pytest.fixture(name="tree")
def debian_tree(folder):
    """Debian 12, without any host key."""
    return layouts.make("debian12", Tree(folder / "tree"))


def key(tree, path, kind="ed25519", words=()):
    """Makes a host key in the tree; returns the type and base64 of its public half."""
    place = tree.at(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", place, *words], check=True)
    return " ".join(place.with_name(place.name + ".pub").read_text().split()[:2])


def known_hosts(tree, status=0):
    """What `client --known-hosts` prints, without the host's name."""
    result = tree.run("client", "--known-hosts")
    assert result.returncode == status, result.stderr
    return [line.split(" ", 1)[1] for line in result.stdout.splitlines()] if status == 0 \
        else result.stderr


def wanted_keys(tree):
    """The paths that the keygen unit looks at."""
    return [line.split("|!")[1] for line in tree.read(KEYGEN).decode().splitlines()
            if line.startswith("ConditionFileNotEmpty")]


def test_known_hosts_are_the_usual_keys(tree):
    assert "/etc/ssh/ssh_host_ed25519_key" in known_hosts(tree, 1)
    keys = [key(tree, f"/etc/ssh/ssh_host_{kind}_key", kind) for kind in
            ("rsa", "ecdsa", "ed25519")]
    key(tree, "/etc/ssh/ssh_host_other_key")
    key(tree, "/etc/ssh/ssh_host_old_key")
    assert known_hosts(tree) == keys


@pytest.mark.parametrize("change", (
    lambda text: text.replace(b"\n", b"\r\n"), lambda text: text.removesuffix(b"\n"),
    lambda text: text.replace(b"KEY-----\n", b"KEY----- \n", 1), lambda text: text[:200],
    lambda text: b"\xef\xbb\xbf" + text))
def test_key_that_sshd_would_not_load_is_none(change, tree):
    """Nor is what lies beside it; ssh-keygen reads it as sshd does."""
    path = "/etc/ssh/ssh_host_ed25519_key"
    key(tree, path)
    tree.put(path, change(tree.read(path)), 0o600)
    place = tree.at(path)
    tree.at(f"{path}.pub").rename(tree.at("/pub"))
    assert subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", place], check=False,
                          capture_output=True).returncode != 0
    tree.at("/pub").rename(tree.at(f"{path}.pub"))
    assert "host key" in known_hosts(tree, 1)


def test_key_with_a_passphrase_is_none(tree):
    key(tree, "/etc/ssh/ssh_host_ed25519_key", words=("-N", "secret"))
    assert "host key" in known_hosts(tree, 1)


def test_known_hosts_are_those_of_hostkey(tree):
    key(tree, "/etc/ssh/ssh_host_rsa_key", "rsa")
    two = key(tree, "/var/lib/ssh/two"), key(tree, "/run/ssh/one", "ecdsa")
    tree.put(MAIN, "Include /etc/ssh/sshd_config.d/*.conf\nHostKey \"/run/ssh/one\"\n"
                   "Match User x\nHostKey /etc/ssh/ssh_host_rsa_key\n")
    tree.put("/etc/ssh/sshd_config.d/10-keys.conf", "hostkey=/var/lib/ssh/two\n")
    assert known_hosts(tree) == list(two)


@pytest.mark.parametrize("options", ["-f /etc/ssh/other", "-f etc/ssh/other", "-D -fetc/ssh/other",
                                     "-h /var/lib/ssh/k", "-oHostKey=/var/lib/ssh/k"])
def test_options_of_the_unit_count(options, tree):
    """oe-core's read-only images: another main file, by /etc/default/ssh."""
    key(tree, "/etc/ssh/ssh_host_rsa_key", "rsa")
    wanted = key(tree, "/var/lib/ssh/k")
    tree.put("/etc/ssh/other", "HostKey /var/lib/ssh/k\n")
    tree.put("/etc/default/ssh", f'SSHD_OPTS="{options}"\n')
    assert known_hosts(tree) == [wanted]
    tree.apply()
    assert wanted_keys(tree) == ["/var/lib/ssh/k"]


def test_public_half_is_that_of_the_private_key(tree):
    """A .pub that is missing, or is another key's: sshd proves what the private key says."""
    wanted = key(tree, "/etc/ssh/ssh_host_ed25519_key")
    tree.remove("/etc/ssh/ssh_host_ed25519_key.pub")
    assert known_hosts(tree) == [wanted]
    key(tree, "/root/other")
    shutil.copy(tree.at("/root/other.pub"), tree.at("/etc/ssh/ssh_host_ed25519_key.pub"))
    assert known_hosts(tree) == [wanted]


def test_old_format_and_agent(tree):
    pem = key(tree, "/etc/ssh/pem", "rsa", ("-m", "PEM"))
    agent = key(tree, "/etc/ssh/agent")
    tree.remove("/etc/ssh/agent")
    tree.put(MAIN, "HostKey /etc/ssh/pem\nHostKey /etc/ssh/agent.pub\nHostKey /none\n"
                   "HostCertificate /etc/ssh/pem-cert.pub\n")
    assert known_hosts(tree) == [pem, agent]


def test_key_that_everybody_can_read_is_none(tree):
    """sshd does not load it."""
    key(tree, "/etc/ssh/ssh_host_ed25519_key")
    other = key(tree, "/etc/ssh/my key")
    tree.put(MAIN, "HostKey /etc/ssh/ssh_host_ed25519_key\nHostKey \"/etc/ssh/my key\"\n")
    for path in ("ssh_host_ed25519_key", "my key"):
        tree.at(f"/etc/ssh/{path}").chmod(0o644)
    said = known_hosts(tree, 1)
    assert "others than root may read those that are there; fix: chmod 0600 '" in said
    subprocess.run(["/bin/sh", "-c", said.split("fix: ")[1]], check=True)
    assert len(known_hosts(tree)) == 2
    tree.at("/etc/ssh/ssh_host_ed25519_key").chmod(0o644)
    assert known_hosts(tree) == [other]


@pytest.mark.parametrize("groups", ("/etc/group", "/usr/lib/group"))
@pytest.mark.parametrize("mode, gid, shown", (
    (0o640, 991, True), (0o600, 991, True), (0o660, 991, False), (0o644, 991, False), (0o650, 991, False),
    (0o640, 0, False), (0o640, 99, False), (0o600, 0, True)))
def test_group_that_may_read_a_key_is_fedoras(groups, mode, gid, shown, tree):
    """Its sshd lets one group; every other's takes no key that a group may read."""
    wanted = key(tree, "/etc/ssh/ssh_host_ed25519_key")
    tree.put("/etc/group", "root:x:0:\n")
    place = tree.at("/etc/ssh/ssh_host_ed25519_key")
    os.chown(place, 0, gid)
    place.chmod(mode)
    if mode != 0o600:
        known_hosts(tree, 1)  # there is no such group
    tree.put(groups, "root:x:0:\nssh_keys_of:x:99:\nssh_keys:x:991:\n")
    if shown:
        assert known_hosts(tree) == [wanted]
    else:
        assert "others than root may read" in known_hosts(tree, 1)


def test_no_key_is_shown_where_sshd_is_told_to_use_none(tree):
    key(tree, "/etc/ssh/ssh_host_ed25519_key")
    tree.put(MAIN, "HostKey none\n")
    assert "no host key; fix: take \"HostKey none\" out of sshd_config" in known_hosts(tree, 1)
    tree.put(MAIN, "")
    assert len(known_hosts(tree)) == 1


def test_keygen_makes_those_of_hostkey(tree):
    tree.put(MAIN, "HostKey /var/lib/ssh/ssh_host_rsa_key\nHostKey \"/srv/a b/50%\"\n")
    tree.apply()
    assert wanted_keys(tree) == ["/var/lib/ssh/ssh_host_rsa_key", "/srv/a b/50%%"]
    unit = tree.read(KEYGEN).decode()
    assert "ssh-keygen -A" not in unit
    assert "RequiresMountsFor=/var/lib/ssh/ssh_host_rsa_key\n" in unit
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", tree.at(KEYGEN)],
                            capture_output=True, text=True, check=False)
    assert "sshd-vsock-keygen.service:" not in verify.stderr, verify.stderr


def test_usual_keys_have_the_usual_unit(tree):
    """Named, as Red Hat 8 does, or not."""
    tree.apply()
    before = tree.read(KEYGEN)
    tree.put(MAIN, "".join(f"HostKey /etc/ssh/ssh_host_{kind}_key\n" for kind in
                           ("rsa", "ecdsa", "ed25519")))
    tree.apply()
    assert tree.read(KEYGEN) == before
    tree.put(MAIN, "HostKey /etc/ssh/ssh_host_ed25519_key\n")
    tree.apply()
    assert wanted_keys(tree) == ["/etc/ssh/ssh_host_ed25519_key"]
