"""images/wsl/pack on a tree that has files of its own: what WSL reads stays as it was, but for what
there is no vsock listener without. Booted in tests/guest/test_wsl.py."""

import os
import subprocess
import tarfile

import pytest

from tree import CHECKOUT, program

PACK = CHECKOUT / "images/wsl/pack"
OURS = (CHECKOUT / "images/wsl/wsl.conf").read_text("utf-8")


@pytest.fixture(name="distribution")
def tree_for_wsl(debian):
    """A tree that lacks nothing."""
    debian.put("/sbin/init", mode=0o755)
    debian.put("/usr/lib/x86_64-linux-gnu/libyaml-0.so.2")
    return debian


def pack(tree, *arguments, status=0):
    """Packs it; returns what was said but for the program's own words."""
    done = subprocess.run(["sh", str(PACK), str(tree), f"{tree}.wsl", *arguments], check=False,
                          capture_output=True, text=True,
                          env={**os.environ, "SSHD_VSOCK": program()})
    assert done.returncode == status, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("pack: ")]


def test_tree_with_nothing_of_its_own(distribution):
    assert pack(distribution, "2222") == []
    assert distribution.read("/etc/wsl.conf").decode() == OURS
    assert distribution.read("/etc/sshd-vsock.yaml") == b"port: 2222\n"
    with tarfile.open(f"{distribution}.wsl") as tar:
        assert {"./etc/wsl.conf", "./etc/oobe.sh", "./etc/wsl-distribution.conf",
                "./usr/sbin/sshd-vsock"} <= set(tar.getnames())
    assert pack(distribution, "2222") == []


ADDED = "systemd=true was missing"
CHANGED = "systemd was false, and is true now"


@pytest.mark.parametrize("before,after,said", [
    ("[network]\nhostname=box\n", "[network]\nhostname=box\n\n[boot]\nsystemd=true\n", ADDED),
    ("", "[boot]\nsystemd=true\n", ADDED),
    ("[user]\ndefault=me\n[boot]\ncommand=service x start\n\n[interop]\nenabled=false\n",
     "[user]\ndefault=me\n[boot]\nsystemd=true\ncommand=service x start\n\n"
     "[interop]\nenabled=false\n", ADDED),
    ("[boot]\nsystemd=true\n", "[boot]\nsystemd=true\n", None),
    ("[Boot] # mine\n Systemd = 1 # on\n", "[Boot] # mine\n Systemd = 1 # on\n", None),
    ("[boot]\nsystemd=\"True\"\n", "[boot]\nsystemd=\"True\"\n", None),
    ("[boot]\nsystemd=false\ncommand=x\n", "[boot]\nsystemd=true\ncommand=x\n", CHANGED),
    # the first one counts
    ("[boot]\nsystemd=true\n[boot]\nsystemd=false\n", "[boot]\nsystemd=true\n[boot]\nsystemd=false\n",
     None),
    ("[boot]\nsystemd=false\nsystemd=true\n", "[boot]\nsystemd=true\nsystemd=true\n", CHANGED),
    # no settings: a comment, another section, the rest of a line
    ("[boot]\n#systemd=true\n", "[boot]\nsystemd=true\n#systemd=true\n", ADDED),
    ("[user]\nsystemd=true\n", "[user]\nsystemd=true\n\n[boot]\nsystemd=true\n", ADDED),
    ("[boot]\ncommand=a \\\nsystemd=true\n", "[boot]\nsystemd=true\ncommand=a \\\nsystemd=true\n",
     ADDED),
    # from a Windows editor
    ("[boot]\r\nsystemd=false\r\n", "[boot]\r\nsystemd=true\r\n", CHANGED),
    ("[user]\r\ndefault=me\r\n", "[user]\r\ndefault=me\r\n\r\n[boot]\r\nsystemd=true\r\n", ADDED),
])
def test_wsl_conf_is_merged(distribution, before, after, said):
    distribution.put("/etc/wsl.conf", before)
    told = pack(distribution)
    assert distribution.read("/etc/wsl.conf").decode() == after
    assert len(told) == (said is not None) and (said or "") in "".join(told)
    assert pack(distribution) == []
    assert distribution.read("/etc/wsl.conf").decode() == after


def test_what_is_the_trees_own_stays(distribution):
    """Also the configuration; pack says what each has to do."""
    own = {"/etc/wsl-distribution.conf": "[oobe]\ncommand=/mine\n", "/etc/oobe.sh": "#!/bin/sh\n",
           "/etc/sshd-vsock.yaml": "port: 223\nhushlogin: true\n"}
    for path, content in own.items():
        distribution.put(path, content)
    told = "\n".join(pack(distribution))
    assert {path: distribution.read(path).decode() for path in own} == own
    assert "/etc/wsl-distribution.conf is the tree's own" in told
    assert "call \"sshd-vsock apply\"" in told
    pack(distribution, "223")
    told = pack(distribution, "224", status=1)
    assert "does not say \"port: 224\"" in told[0]


@pytest.mark.parametrize("path,said", [
    ("/sbin/init", "systemd-sysv"), ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/lib/x86_64-linux-gnu/libyaml-0.so.2", "libyaml-0-2"), ("/etc", "no /etc")])
def test_what_is_missing_is_named(distribution, path, said):
    """Before anything is written."""
    distribution.remove(path)
    before = distribution.state()
    (told,) = pack(distribution, status=1)
    assert said in told
    assert distribution.state() == before and not os.path.exists(f"{distribution}.wsl")


def test_usage():
    done = subprocess.run(["sh", str(PACK)], check=False, capture_output=True, text=True)
    assert done.returncode == 2 and "pack TREE FILE.wsl [PORT]" in done.stderr
