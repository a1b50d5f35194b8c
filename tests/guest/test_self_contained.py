"""images/cloud-init/self-contained: stock images, with no program in them, booted by the real
cloud-init. How it refuses what makes no user-data is in tests/offline/test_self_contained.py."""

import re

import pytest

from guest import Guest, build_in_builder, package_in_builder
from guest.test_cloud_init import (EXAMPLES, LISTING, MINIMAL_TREE, SEED, expect_done, expect_door)

EVERY_RUN = {"test_carried[trixie]"}

PROGRAM = "/usr/local/sbin/sshd-vsock"

# The README's own words are done in the tree, as on the machine where somebody makes user-data; then
# all of it goes but the one file.
MAKE = """
export HOME=/root
cp .ssh/you.pub .ssh/id_ed25519.pub
cd /srv/cloud-init
echo '-----BEGIN PGP PUBLIC KEY BLOCK-----' >KEY.asc
%s
mkdir -p %s
cp my-user-data %s/user-data
cd /
rm -r /srv/cloud-init /usr/sbin/sshd-vsock /root/.ssh
"""

# APT's sources are those of this machine, out of a guest's reach; its own are for file: here.
REPOSITORY = """
cd /srv/repository
{ dpkg-deb -f sshd-vsock.deb | grep .
  echo "Filename: ./sshd-vsock.deb"
  echo "Size: $(stat -c %s sshd-vsock.deb)"
  echo "SHA256: $(sha256sum sshd-vsock.deb | cut -d' ' -f1)"; } >Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
"""

SERVER = """
[Unit]
DefaultDependencies=no
Before=cloud-final.service
[Service]
ExecStartPre=ip link set lo up
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /srv 8000
[Install]
WantedBy=sysinit.target
"""


def commands():
    """The README's command lines that make user-data, in their order."""
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    part = readme.split("## A stock image")[1].split("\n## ")[0]
    found = re.findall(r"^    ([^#\n]*\S)", part, re.M)
    assert len(found) == 5 and all(re.match(r"\./self-contained|cloud-init schema", line)
                                   for line in found)
    return found


def stock(suite, made_by, furnish=lambda guest: None, program=None):
    """A guest without the program, whose user-data these commands made."""
    def prepare(guest):
        for name in ("self-contained", "README.md"):
            file = EXAMPLES / name
            guest.put(f"/srv/cloud-init/{name}", file.read_bytes(),
                      mode=file.stat().st_mode & 0o777)
        guest.install(program or build_in_builder())
        guest.put("/root/.ssh/you.pub", guest.public_key)
        guest.put("/etc/cloud/cloud.cfg.d/99-minimal-tree.cfg", MINIMAL_TREE)
        furnish(guest)
        guest.chroot("cd /root\n" + MAKE % (made_by, SEED, SEED))
        guest.put(f"{SEED}/meta-data", "instance-id: i-1\nlocal-hostname: cloud\n")

    return Guest(suite, packages=["cloud-init"], host_keys=False, prepare=prepare,
                 boot_timeout=180)


def expect_two_boots(guest, path):
    """Done, in by vsock alone, the program in its place; and after a reboot no file is another."""
    expect_done(guest)
    expect_door(guest)
    assert guest.check("command -v sshd-vsock; ls /usr/local/sbin").split() == [
        path, "guest-door"] + [word for word in ["sshd-vsock"] if path == PROGRAM]
    assert "verified: SSH-2.0" in guest.check("cat /var/log/cloud-init-output.log")
    before = guest.check(LISTING)
    guest.reboot()
    expect_door(guest)
    assert guest.check(LISTING) == before
    assert guest.check("systemctl show -P Result sshd-vsock-provision") == "success\n"


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_carried(suite):
    """The README to the letter, and no more: what it makes by other lines is valid too."""
    carry, validate, *others = commands()
    lines = [line for other in others for line in (other, validate)] + [carry, validate]
    with stock(suite, "\n".join(lines)) as guest:
        expect_two_boots(guest, PROGRAM)


def test_several_architectures():
    """The one that fits stays, and the others go."""
    other = r"""
{ head -c18 /usr/sbin/sshd-vsock; printf '\267\0'; tail -c+21 /usr/sbin/sshd-vsock; } >arm64
""" + commands()[0].replace("/usr/sbin/sshd-vsock", "arm64 /usr/sbin/sshd-vsock")
    with stock("bookworm", other) as guest:
        assert "sshd-vsock.aarch64" in guest.check(f"cat {SEED}/user-data")
        expect_two_boots(guest, PROGRAM)


# The README's URLs are nobody's; the machine's own take their place.
def from_url():
    """The command that has the program fetched."""
    return (commands()[2].replace("https://example.org", "http://127.0.0.1:8000")
            .replace("--source", "--key=$HOME/.ssh/id_ed25519.pub --source", 1)
            + "\ncloud-init schema --config-file my-user-data")


def serve(guest, content):
    """A web server that has it."""
    guest.put("/srv/sshd-vsock.x86_64", content)
    guest.put("/etc/systemd/system/server.service", SERVER)
    guest.chroot("mkdir -p /etc/systemd/system/sysinit.target.wants && "
                 "ln -s ../server.service /etc/systemd/system/sysinit.target.wants/")


def test_fetched():
    def furnish(guest):
        serve(guest, build_in_builder().read_bytes())

    with stock("trixie", from_url(), furnish) as guest:
        assert len(guest.get(f"{SEED}/user-data")) < 16 << 10
        expect_done(guest)
        assert guest.ssh("exit 5", user="debian").status == 5
        guest.check("ss -ltnH | grep -v 127.0.0.1:8000 && exit 1 || :")
        assert guest.check("ls -A /usr/local/sbin").split() == ["guest-door", "sshd-vsock"]


def test_fetched_bytes_are_those_of_the_program_named():
    with stock("bookworm", from_url(), lambda guest: serve(guest, b"#!/bin/sh\n>/stranger\n")
               ) as guest:
        assert guest.run("cloud-init status --wait", timeout=120).status != 0
        assert "FAILED" in guest.check("cat /var/log/cloud-init-output.log")
        assert guest.check("ls -A /usr/local/sbin") == "guest-door\n"
        guest.check("! [ -e /stranger ] && ss -ltnH | grep :22")


def test_package():
    """From a repository, by cloud-init and APT."""
    def furnish(guest):
        guest.put("/srv/repository/sshd-vsock.deb", package_in_builder().read_bytes())
        guest.chroot(REPOSITORY)

    made_by = (commands()[3].replace("https://apt.example.org", "file:/srv/repository")
               .replace("--source", "--key=$HOME/.ssh/id_ed25519.pub --source", 1)
               + "\ncloud-init schema --config-file my-user-data")
    with stock("bookworm", made_by, furnish) as guest:
        expect_two_boots(guest, "/usr/sbin/sshd-vsock")
