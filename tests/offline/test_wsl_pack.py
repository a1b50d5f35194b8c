"""images/wsl/pack on a tree that has files of its own: what WSL reads stays as it was, but for what
there is no vsock listener without. Booted in tests/guest/test_wsl.py."""

import os
import shutil
import subprocess
import tarfile

import pytest

from tree import CHECKOUT, LIMIT, program, state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pack takes a tree of root's only")

PACK = CHECKOUT / "images/wsl/pack"
OURS = (CHECKOUT / "images/wsl/wsl.conf").read_text("utf-8")


@pytest.fixture(name="distribution")
def tree_for_wsl(debian):
    """A tree that lacks nothing."""
    debian.put("/sbin/init", mode=0o755)
    debian.put("/usr/lib/x86_64-linux-gnu/libyaml-0.so.2")
    return debian


def run(tree, file, *arguments, **environment):
    """Packs it into that file."""
    return subprocess.run(["sh", str(PACK), str(tree), str(file), *arguments], check=False,
                          capture_output=True, text=True, timeout=LIMIT,
                          env={**os.environ, "SSHD_VSOCK": program(), **environment})


def pack(tree, *arguments, status=0):
    """Packs it; returns what was said but for the program's own words and which one it is."""
    done = run(tree, f"{tree}.wsl", *arguments)
    assert done.returncode == status, done.stderr
    return [line for line in done.stderr.splitlines()
            if line.startswith("pack: ") and not line.startswith("pack: puts in ")]


def test_tree_with_nothing_of_its_own(distribution):
    assert pack(distribution, "2222") == []
    assert distribution.read("/etc/wsl.conf").decode() == OURS
    assert distribution.read("/etc/sshd-vsock.yaml") == b"port: 2222\n"
    with tarfile.open(f"{distribution}.wsl") as tar:
        assert {"./etc/wsl.conf", "./etc/oobe.sh", "./etc/wsl-distribution.conf",
                "./usr/sbin/sshd-vsock"} <= set(tar.getnames())
    assert pack(distribution, "2222") == []


def test_program_that_runs_in_every_tree_goes_first(distribution, folder):
    """The one of packaging/release, then the one in PATH; who names another gets that."""
    example = shutil.copytree(CHECKOUT / "images/wsl", folder / "images/wsl")
    made = f"dist/sshd-vsock.{os.uname().machine}"
    for name in ("named", made, "path/sshd-vsock"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n# {name}\nexec {program()} \"$@\"\n")
        (folder / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}/path:{os.environ['PATH']}", "SSHD_VSOCK": f"{folder}/named"}
    for name in ("named", made, "path/sshd-vsock"):
        done = subprocess.run(["sh", example / "pack", str(distribution), f"{distribution}.wsl"],
                              check=True, capture_output=True, text=True, timeout=LIMIT, env=env)
        assert f"pack: puts in {folder}/{name}, which is sshd-vsock " in done.stderr
        assert f"# {name}\n" in distribution.read("/usr/sbin/sshd-vsock").decode()
        (folder / name).unlink()
        env.pop("SSHD_VSOCK", None)


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


def test_words_of_the_tree_do_not_write_to_the_terminal(distribution):
    distribution.put("/etc/wsl.conf", "[boot]\nsystemd=\x1b]0;a\x07\x9b1m" + "b" * 10000 + "\n")
    (told,) = pack(distribution)
    assert told.isprintable() and len(told) < 200
    assert "systemd was ?]0;a?" in told and "b, and is true now: without it there is no listener" in told
    assert distribution.read("/etc/wsl.conf") == b"[boot]\nsystemd=true\n"


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


@pytest.mark.parametrize("own", ["port: 2222\n", "port:  2222 \n", "port: 2222  # ssh\n",
                                 "disable_tcp: true\nport: 2222 # mine\n"])
def test_configuration_that_says_the_port_already_stays(distribution, own):
    distribution.put("/etc/sshd-vsock.yaml", own)
    assert pack(distribution, "2222") == []
    assert distribution.read("/etc/sshd-vsock.yaml").decode() == own


def test_same_tree_for_another_port(distribution):
    """What pack wrote says nothing but the port: that is not the tree's own."""
    for port in "2222", "2223":
        assert pack(distribution, port) == []
        assert distribution.read("/etc/sshd-vsock.yaml").decode() == f"port: {port}\n"
    assert pack(distribution) == []
    assert distribution.read("/etc/sshd-vsock.yaml") == b"port: 2223\n"


@pytest.mark.parametrize("port", ["0", "99999999999", "ssh", "22 ", "2222#x", "-1", "0x16"])
def test_bad_port_is_refused_before_it_is_anywhere(distribution, port):
    before = distribution.state()
    (told,) = pack(distribution, port, status=1)
    assert f"{port} is no vsock port" in told
    assert distribution.state() == before


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


def test_tree_of_another_user_is_refused(distribution):
    """As mmdebstrap makes it without root's rights: all of it would be a stranger's on WSL."""
    os.chown(distribution.at("/etc"), 1000, 1000)
    before = distribution.state()
    (told,) = pack(distribution, status=1)
    assert '"sudo mmdebstrap ..."' in told
    assert distribution.state() == before and not os.path.exists(f"{distribution}.wsl")


def test_file_in_the_tree_is_refused(distribution, folder):
    """It would pack itself; also where a link leads there."""
    (folder / "link").symlink_to(distribution.at("/srv"))
    distribution.at("/srv").mkdir()
    before = state(str(distribution))
    for file in (distribution.at("/debian.wsl"), folder / "link/debian.wsl"):
        done = run(distribution, file)
        assert done.returncode == 1 and f"{file} is in the tree that it is made of" in done.stderr
    assert state(str(distribution)) == before


def test_nothing_stays_of_a_file_that_cannot_be_made(distribution, folder):
    (folder / "tar").write_text("#!/bin/sh\n>*.partial\nexit 2\n".replace("*", str(folder / "debian.wsl")))
    (folder / "tar").chmod(0o755)
    done = run(distribution, folder / "debian.wsl", PATH=f"{folder}:{os.environ['PATH']}")
    assert done.returncode == 2, done.stderr
    assert not list(folder.glob("debian.wsl*"))


def test_usage():
    done = subprocess.run(["sh", str(PACK)], check=False, capture_output=True, text=True)
    assert done.returncode == 2 and "pack TREE FILE.wsl [PORT]" in done.stderr


SECRET = "root:$y$secret\n"


def trap(folder, distribution, path, target):
    """Makes `path` of the tree lead to a place of the machine that packs; returns that place."""
    outside = folder / "machine"
    outside.mkdir()
    for name in ("shadow", "ssh_host_rsa_key", "cron.d/job"):
        (outside / name).parent.mkdir(exist_ok=True)
        (outside / name).write_text(SECRET)
    if distribution.at(path).is_dir():
        distribution.at(path).rename(f"{distribution.at(path)}.was")
    distribution.remove(path)
    distribution.link(path, f"{outside}/{target}")
    return outside


@pytest.mark.parametrize("path,target", [
    ("/etc/wsl.conf.partial", "shadow"), ("/etc/wsl.conf.partial", "new"),
    ("/etc/machine-id", "shadow"), ("/etc/machine-id", "new"),
    ("/etc/resolv.conf", "shadow"),
    ("/etc/oobe.sh", "new"), ("/etc/wsl-distribution.conf", "new"),
    ("/usr/sbin/sshd-vsock", "shadow"), ("/usr/sbin/sshd-vsock", "cron.d")])
def test_link_of_the_tree_leads_to_nothing_outside(folder, distribution, path, target):
    outside = trap(folder, distribution, path, target)
    distribution.put("/etc/wsl.conf", "[boot]\nsystemd=false\n", mode=0o644)
    before = state(outside)
    pack(distribution)
    assert state(outside) == before
    with tarfile.open(f"{distribution}.wsl") as tar:
        members = {member.name: member for member in tar}
    assert members["./etc/wsl.conf"].isreg() and members["./usr/sbin/sshd-vsock"].isreg()
    assert members["./etc/machine-id"].isreg() and members["./etc/machine-id"].size == 0


def test_link_in_place_of_the_configuration(folder, distribution):
    """The program says what is wrong with it."""
    before = state(trap(folder, distribution, "/etc/sshd-vsock.yaml", "new"))
    pack(distribution, status=2)
    (told,) = pack(distribution, "22", status=1)
    assert "/etc/sshd-vsock.yaml is the tree's own" in told
    assert state(folder / "machine") == before


@pytest.mark.parametrize("path,target", [
    ("/etc", ""), ("/etc/ssh", ""), ("/usr/sbin", "cron.d"), ("/usr", "")])
def test_directory_outside_the_tree_is_refused(folder, distribution, path, target):
    """As root, who might have done it: the machine's own host keys went."""
    outside = trap(folder, distribution, path, target)
    for place in "etc", "sbin", "lib":
        (outside / place).mkdir()
    (outside / "sbin/sshd").write_text("")
    (outside / "lib/libyaml-0.so.2").write_text("")
    if path != "/usr":
        distribution.put("/usr/bin/sshd")
    before = state(outside), distribution.state()
    (told,) = pack(distribution, status=1)
    assert "leads out of" in told
    assert (state(outside), distribution.state()) == before


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_wsl_conf_is_a_file_or_none(folder, distribution, kind):
    """What a link leads to would be in the package: it may be the machine's own /etc/shadow."""
    if kind == "link":
        trap(folder, distribution, "/etc/wsl.conf", "shadow")
    elif kind == "fifo":
        os.mkfifo(distribution.at("/etc/wsl.conf"))
    else:
        distribution.at("/etc/wsl.conf").mkdir()
    (told,) = pack(distribution, status=1)
    assert "/etc/wsl.conf is no regular file" in told
    assert not os.path.exists(f"{distribution}.wsl")


def test_fifo_of_the_tree_is_its_own(distribution):
    """It is not opened, which would wait for somebody to write into it."""
    for name in "wsl.conf.partial", "oobe.sh", "machine-id":
        distribution.remove(f"/etc/{name}")
        os.mkfifo(distribution.at(f"/etc/{name}"))
    (told,) = pack(distribution)
    assert "/etc/oobe.sh is the tree's own and stays" in told


def test_links_within_the_tree_are_followed(distribution):
    """As /usr/sbin of Fedora and Arch is one."""
    distribution.at("/usr/sbin").rename(distribution.at("/usr/bin"))
    distribution.link("/usr/sbin", "bin")
    assert pack(distribution) == []
    assert distribution.at("/usr/bin/sshd-vsock").is_file()
