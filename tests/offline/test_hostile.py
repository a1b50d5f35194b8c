"""Trees that want to be left by the program: nothing outside is opened or changed, nothing foreign
is overwritten, and the message names the path and the reason.
"""

import errno
import os
import re
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

import layouts
from faults import Fault, environment, record
from tree import (LIMIT, UNITS, Tree, Watch, changes, hardened, leftovers, program,
                  state)

SECRET = "a-canary-of-the-world-outside"
CLOSE = "disable_tcp: true\nhushlogin: true\n"
LISTEN = "listen_address: 127.0.0.1\nhushlogin: true\n"
TOUCHED = [
    "/etc/passwd", "/etc/hosts", "/etc/sshd-vsock.yaml", "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d/10-sshd-vsock.conf", "/etc/ssh/sshd_config.d/50-more.conf",
    "/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/skel/.hushlogin", "/root/.hushlogin",
    "/etc/crypto-policies/back-ends/opensshserver.config", "/etc/ssh/ssh_host_rsa_key",
    "/home/admin/.hushlogin", "/etc/modules-load.d/sshd-vsock.conf",
    "/etc/systemd/system-preset/10-sshd-vsock.preset",
    "/etc/systemd/system-preset/10-sshd-vsock-ssh.service.preset", "/usr/sbin/sshd", "/usr/sbin/sshd-vsock",
    "/usr/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/ssh.socket",
    "/usr/lib/systemd/libsystemd-shared-252.so", "/usr/etc/ssh/sshd_config",
    "/usr/lib/modules/6.1.0-1/kernel/net/vmw_vsock/hv_sock.ko",
    f"{UNITS}/ssh.service", f"{UNITS}/ssh.socket", f"{UNITS}/ssh.socket.d/zz-sshd-vsock.conf",
    f"{UNITS}/sshd-vsock.socket", f"{UNITS}/sshd-vsock@.service",
    f"{UNITS}/sshd-vsock-keygen.service", f"{UNITS}/sshd-vsock-hostkeys.service",
    f"{UNITS}/sshd-vsock-credential.service", "/etc/ssh/sshd-vsock.conf",
    f"{UNITS}/sshd-vsock-provision.service",
    f"{UNITS}/sockets.target.wants/sshd-vsock.socket",
    f"{UNITS}/multi-user.target.wants/sshd-vsock-provision.service",
]
COMPONENTS = sorted({"/".join(path.split("/")[:n]) for path in TOUCHED
                     for n in range(2, path.count("/") + 2)})


@pytest.fixture(name="outside")
def the_world_outside(folder):
    """A copy of the tree beside it, every path that could be reached in it, with a secret in each
    file, and a watch on all of it."""
    tree = layouts.make("debian12", Tree(folder / "outside"))
    for path in TOUCHED:
        if not tree.at(path).exists() and not tree.at(path).is_symlink():
            tree.put(path)
    for place in tree.root.rglob("*"):
        if place.is_file() and not place.is_symlink():
            with open(place, "a", encoding="ascii") as file:
                file.write(f"# {SECRET}\n")
    return tree


class Untouched:
    """That a folder is, over a with block."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        self.before = state(self.root, times=True)
        self.watch = Watch(self.root)
        return self

    def __exit__(self, kind, *_):
        events = self.watch.events()
        self.watch.close()
        if kind is None:
            assert not events
            assert state(self.root, times=True) == self.before


def test_the_watch_sees_a_mere_open(outside):
    with pytest.raises(AssertionError), Untouched(outside.root):
        outside.read("/etc/hosts")


@pytest.mark.parametrize("how", ("absolute", "relative", "nowhere"))
@pytest.mark.parametrize("component", COMPONENTS)
def test_no_link_leads_outside(component, how, debian, outside):
    binary = hardened() if (COMPONENTS.index(component) + len(how)) % 8 else program()
    targets = {"absolute": f"{outside}{component}",
               "relative": "../" * 40 + f"{outside}{component}".lstrip("/"),
               "nowhere": f"{outside}/not-there"}
    debian.remove(component)
    debian.link(component, targets[how])
    with Untouched(outside.root):
        for config in (CLOSE, LISTEN, None):
            plan = debian.run("plan", "--no-verify", config=config, binary=binary)
            apply = debian.run("apply", "--no-verify", config=config, binary=binary)
            for result in (plan, apply):
                assert result.returncode in (0, 1, 2, 10), result.stderr
                assert SECRET not in result.stdout + result.stderr
                if result.returncode in (1, 2):
                    said(result, r"\S+", ".+")
        debian.run("remove", binary=binary)
    found = debian.state()
    assert not leftovers(found)
    assert not any(SECRET.encode() in entry[-1] for entry in found.values()
                   if isinstance(entry[-1], bytes))


@pytest.mark.parametrize("call", ("open", "create", "rename", "mkdir", "symlink"))
@pytest.mark.parametrize("swapped", ("/etc", "/etc/systemd/system", "/home/admin", "/etc/hosts",
                                     "/etc/ssh/sshd_config"))
def test_no_link_that_appears_while_at_work_leads_outside(swapped, call, debian, outside, folder):
    count = record(debian.copy(folder / "count"), "apply", ("--no-verify",), CLOSE, call,
                   hardened()).count
    assert count > 0
    with Untouched(outside.root):
        coarse = call == "open" and debian.at(swapped).is_dir()
        for n in range(1, count + 1, 3 if coarse else 1):
            tree = debian.copy(folder / f"{n}")
            at = tree.at(swapped)
            swap = f"mv {at} {at}.away && ln -s {outside}{swapped} {at}"
            result = tree.run("apply", "--no-verify", config=CLOSE,
                              binary=program() if n == 1 else hardened(),
                              env=environment(Fault(call, n, "run", swap)))
            assert result.returncode in (0, 1), result.stderr
            assert at.with_name(f"{at.name}.away").exists(), "the swap did not happen"
            shutil.rmtree(tree.root)


@pytest.mark.parametrize("path", ("/etc/hosts", "/etc/ssh/sshd_config", "/home/admin/.hushlogin"))
def test_no_device_that_appears_while_at_work_is_opened(path, debian, folder):
    """Root of a container that runs may put one where a file was just seen; a FIFO stands for it."""
    debian.apply(config=LISTEN)
    debian.remove("/etc/modules-load.d/sshd-vsock.conf")
    for n in range(1, 30):
        tree, stand_in = debian.copy(folder / f"{n}"), folder / f"fifo-{n}"
        os.mkfifo(stand_in)
        watch = Watch(stand_in)
        swap = f"mv {tree.at(path)} {folder}/old && mv {stand_in} {tree.at(path)}"
        tree.run("apply", "--no-verify", config="hosts_entry: false\n", binary=hardened(),
                 env=environment(Fault("open", n, "run", swap, Path(path).name)))
        swapped = not stand_in.exists()
        assert not [event for event in watch.events() if event[1] & Watch.OPEN], f"at {n}"
        watch.close()
        if not swapped:
            break
    assert 2 < n < 29


def said(result, path, reason):
    """That the run failed and said where and why."""
    assert re.search(rf"error: .*{path}.*{reason}", result.stderr), result.stderr


def refused(tree, path, reason, config=CLOSE):
    """That apply does nothing at all, and says why."""
    before = tree.state(times=True)
    result = tree.apply("--no-verify", config=config, status=1)
    said(result, re.escape(f"{tree}{path}"), reason)
    assert tree.state(times=True) == before
    assert tree.run("plan", config=config).returncode == 1
    assert tree.state(times=True) == before


def kept_open(tree, path, reason, config=CLOSE):
    """That it says why, leaves the path as it is, and opens the door, but closes nothing."""
    before = tree.state().get(path)
    result = tree.apply("--no-verify", config=config, status=1)
    said(result, re.escape(f"{tree}{path}"), reason)
    found = tree.state()
    assert found.get(path) == before
    assert f"{UNITS}/sshd-vsock.socket" in found
    assert not any(found.get(f"{UNITS}/{unit}", ("",))[-1] == "/dev/null"
                   for unit in ("ssh.service", "ssh.socket"))
    again = tree.state(times=True)
    tree.apply("--no-verify", config=config, status=1)
    assert tree.state(times=True) == again
    assert tree.run("plan", config=config).returncode == 1


def warned(tree, path, reason):
    """That apply does all else, and says why not this."""
    before = tree.at(path).lstat()
    result = tree.apply("--no-verify", config=CLOSE)
    after = tree.at(path).lstat()
    assert re.search(rf"warning: {re.escape(f'{tree}{path}')}.*{reason}", result.stderr)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert tree.at(f"{UNITS}/sshd-vsock.socket").exists()
    assert tree.at("/home/admin/.hushlogin").exists()
    assert tree.run("status", "--no-verify", config=CLOSE).returncode == 10


def occupy(tree, path, what):
    """Puts something there that is no file of ours."""
    tree.remove(path)
    place = tree.at(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if what == "a FIFO":
        os.mkfifo(place)
    elif what == "a device":
        os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    elif what == "a directory":
        place.mkdir()
    elif what == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.open(place.parent, os.O_RDONLY)
            listener.bind(f"/proc/self/fd/{here}/{place.name}")
            os.close(here)


def test_a_pattern_longer_than_any_path_is_not_followed(debian):
    """Component by component it took the stack with it, after seconds."""
    config = debian.read("/etc/ssh/sshd_config")
    debian.put("/etc/ssh/sshd_config", config + b"\nInclude " + b"/." * 200000 + b"/x\n")
    for verb, status in ("plan", 10), ("apply", 0), ("remove", 0):
        result = debian.run(verb)
        assert result.returncode == status and "Sanitizer" not in result.stderr, result.stderr


THINGS = ("a FIFO", "a device", "a directory", "a socket")


@pytest.mark.parametrize("what", THINGS)
@pytest.mark.parametrize("path", ("/etc/hosts", f"{UNITS}/sshd-vsock.socket",
                                  f"{UNITS}/sshd-vsock@.service", f"{UNITS}/ssh.service",
                                  f"{UNITS}/sockets.target.wants/sshd-vsock.socket",
                                  "/etc/modules-load.d/sshd-vsock.conf",
                                  "/etc/systemd/system-preset/10-sshd-vsock.preset",
                                  "/etc/systemd/system-preset/10-sshd-vsock-ssh.service.preset"))
def test_what_is_no_file_is_left_alone(path, what, debian):
    occupy(debian, path, what)
    blocks = {"/etc/hosts": warned, f"{UNITS}/ssh.service": kept_open,
              "/etc/systemd/system-preset/10-sshd-vsock-ssh.service.preset": kept_open}
    blocks.get(path, refused)(debian, path, what)


@pytest.mark.parametrize("what", THINGS)
def test_a_configuration_that_is_no_file_is_left_alone(what, debian):
    occupy(debian, "/etc/sshd-vsock.yaml", what)
    result = debian.run("apply")
    assert result.returncode == 2
    assert re.search(r"/etc/sshd-vsock.yaml.*is (a directory|not a regular file)", result.stderr)


@pytest.mark.parametrize("what", THINGS)
def test_users_cannot_keep_the_door_shut(what, debian):
    """What is in a home is its user's doing."""
    occupy(debian, "/home/admin/.hushlogin", what)
    occupy(debian, "/home/admin/.#sshd-vsock-0123456789abcdef", what)
    debian.apply(config=CLOSE)
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()
    assert debian.at("/root/.hushlogin").exists()


def test_a_home_in_a_circle_does_not_keep_the_door_shut(debian):
    debian.remove("/home/admin")
    debian.link("/home/admin", "/home/admin")
    assert (f"warning: hushlogin: out of reach, and left out: {debian}/home/admin/.hushlogin "
            "(its directory is a link that leads to itself)\n") in debian.apply(config=CLOSE).stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()


@pytest.mark.parametrize("verb,status", [("plan", 10), ("apply", 0), ("status", 10)])
def test_account_whose_home_is_empty(verb, status, debian):
    """There is one, and no path can be made for it."""
    debian.put("/etc/passwd", debian.read("/etc/passwd") + b"ana:x:1500:1500:::/bin/sh\n")
    for config in "hushlogin: [ana]\n", "hushlogin: true\n":
        result = debian.run(verb, config=config)
        assert result.returncode == status, result
        assert "no such user" not in result.stdout + result.stderr
        assert ("no home: ana" in result.stdout + result.stderr) == ("[" in config)
        assert not debian.at("/.hushlogin").exists() and "/.hushlogin" not in result.stdout.replace(
            "/admin/.hushlogin", "").replace("/root/.hushlogin", "").replace("/skel/.hushlogin", "")
    # the fix, either way
    assert "no home" not in str(debian.run(verb, config="hushlogin: [admin]\n"))
    debian.put("/etc/passwd", debian.read("/etc/passwd").replace(b"::/bin/sh", b":/srv/ana:/bin/sh"))
    debian.at("/srv/ana").mkdir(parents=True)
    assert "no home" not in str(debian.run(verb, config="hushlogin: [ana]\n"))
    assert debian.at("/srv/ana/.hushlogin").exists() == (verb == "apply")


@pytest.mark.parametrize("verb,status", [("plan", 10), ("apply", 0), ("status", 10)])
def test_homes_that_are_not_there_are_said_in_one_line(verb, status, debian):
    """As on a file system that is not mounted yet."""
    users = "".join(f"u{n}:x:{n}:{n}::/srv/u{n}:/bin/sh\n" for n in range(1001, 1008))
    debian.put("/etc/passwd", debian.read("/etc/passwd") + users.encode())
    result = debian.run(verb, "-q", config=CLOSE)
    assert result.returncode == status
    if verb == "status":
        assert result.stdout.count("out of reach: /srv/u100") == 7 and result.stderr == ""
        assert result.stdout.endswith(" .hushlogin files that apply cannot make: 7 out of reach\n")
        return
    reason = "(its directory does not exist)"
    named = ", ".join(f"{debian}/srv/u{n}/.hushlogin {reason}" for n in range(1001, 1006))
    assert result.stderr == (f"sshd-vsock: warning: hushlogin: out of reach, and left out: {named}"
                             ", and 2 more\n")
    debian.at("/srv").mkdir()
    assert not list(debian.at("/srv").iterdir())
    assert "out of reach" not in debian.run(verb, config="hushlogin: [admin]\n").stderr


@pytest.mark.parametrize("target,reason", (
    ("/run/hosts", "out of /etc"), ("/usr/share/hosts", "out of /etc"),
    ("../run/hosts", "out of /etc"), ("/etc/not-there", "nowhere"), ("hosts", "nowhere"),
    ("/proc/self/root/etc/hosts", "link"), ("/etc/ssh", "a directory")))
def test_a_hosts_link_that_leads_elsewhere_is_left_alone(target, reason, debian):
    for path in ("/run/hosts", "/usr/share/hosts"):
        debian.put(path, layouts.DEBIAN_HOSTS)
    debian.remove("/etc/hosts")
    debian.link("/etc/hosts", target)
    warned(debian, "/etc/hosts", reason)


@pytest.mark.parametrize("target", ("/etc/net/hosts", "net/hosts", "../etc/net/hosts",
                                    "../../../../../etc/net/hosts", "/lib/../../etc/link"))
def test_a_hosts_link_inside_etc_is_followed_and_edited_in_place(target, debian):
    debian.remove("/etc/hosts")
    debian.put("/etc/net/hosts", layouts.DEBIAN_HOSTS, 0o600)
    debian.link("/etc/link", "net/hosts")
    debian.link("/etc/hosts", target)
    debian.apply()
    assert os.readlink(debian.at("/etc/hosts")) == target
    assert b"127.0.0.1 UNKNOWN # sshd-vsock\n" in debian.read("/etc/net/hosts")
    assert stat.S_IMODE(debian.at("/etc/net/hosts").stat().st_mode) == 0o600
    assert debian.run("remove").returncode == 0
    assert debian.read("/etc/net/hosts").decode() == layouts.DEBIAN_HOSTS


@pytest.mark.parametrize("name", ("sshd-vsock.socket", "sshd-vsock@.service",
                                  "sshd-vsock-keygen.service", "sshd-vsock-hostkeys.service",
                                  "sshd-vsock-credential.service",
                                  "sshd-vsock-provision.service", "ssh.service", "ssh.socket"))
@pytest.mark.parametrize("how", ("file", "link", "mask"))
def test_a_unit_of_somebody_else_is_left_alone(name, how, debian):
    path = f"{UNITS}/{name}"
    if how == "file":
        debian.put(path, "[Unit]\nDescription=mine\n")
    else:
        debian.link(path, "/opt/mine" if how == "link" else "/dev/null")
    before = debian.state()[path]
    if how == "mask" and name in ("ssh.service", "ssh.socket"):
        debian.apply("--no-verify", config=CLOSE)  # closed already: just as wanted
    elif name in ("ssh.service", "ssh.socket"):
        kept_open(debian, path, "does not replace")
    else:
        refused(debian, path, "masked" if how == "mask" else "not managed")
    assert debian.run("remove", "--no-verify").returncode == 0
    assert debian.state()[path] == before


def test_a_linked_unit_is_not_passed_over(debian):
    """What `systemctl link` makes; taken for an alias, it would go on listening with exit status 0."""
    debian.remove("/usr/lib/systemd/system/ssh.service")
    debian.link(f"{UNITS}/ssh.service", "/opt/mine/ssh.service")
    kept_open(debian, f"{UNITS}/ssh.service", "does not replace")


@pytest.mark.parametrize("vendor", (None, "Port 22\n"))
def test_addresses_without_a_place_are_not_passed_over(vendor, folder):
    tree = layouts.make("opensuse", Tree(folder / "tree"))
    tree.remove("/usr/etc/ssh/sshd_config")
    if vendor:
        tree.put("/usr/etc/ssh/sshd_config", vendor)
    kept_open(tree, "/etc/ssh/sshd_config", "is not there", "listen_address: 127.0.0.1\n")


@pytest.mark.parametrize("what", THINGS)
def test_an_sshd_config_that_is_no_file_is_not_passed_over(what, debian):
    occupy(debian, "/etc/ssh/sshd_config", what)
    kept_open(debian, "/etc/ssh/sshd_config", what, "listen_address: 127.0.0.1\n")


def test_a_passwd_that_is_no_file_is_named(debian):
    occupy(debian, "/etc/passwd", "a FIFO")
    result = debian.apply()
    assert f"warning: {debian}/etc/passwd is not a regular file" in result.stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()


# ---- file systems ----------------------------------------------------------------------------------

def in_namespace(script, *arguments):
    """Runs a shell script that may mount; nothing of it is seen outside."""
    return subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-euc", script, "sh", *arguments],
        text=True, capture_output=True, check=False, timeout=LIMIT)


def test_a_read_only_file_system_is_named(debian, folder):
    mount = folder / "mount"
    mount.mkdir()
    result = in_namespace(
        'mount -t tmpfs none "$2"; cp -a "$1/." "$2"; mount -o remount,ro "$2"; '
        'r=0; "$3" --root="$2" apply || r=$?; umount "$2"; exit $r', debian.root, mount, program())
    assert result.returncode == 1, result.stderr
    said(result, f"{mount}/etc/", f"{os.strerror(errno.EROFS)}; fix: .*remount,rw")


def test_a_full_file_system_is_named_and_room_mends_it(debian, folder):
    mount, full, after = folder / "mount", folder / "full", folder / "after"
    mount.mkdir()
    result = in_namespace(
        'mount -t tmpfs -o size=1m none "$2"; cp -a "$1/." "$2"; '
        'cat /dev/zero >"$2/fill" 2>/dev/null || :; '
        'r=0; "$3" --root="$2" apply || r=$?; rm "$2/fill"; cp -a "$2" "$4"; '
        '"$3" -q --root="$2" apply; cp -a "$2" "$5"; umount "$2"; exit $r',
        debian.root, mount, program(), full, after)
    assert result.returncode == 1, result.stderr
    said(result, f"{mount}/etc/", f"{os.strerror(errno.ENOSPC)}; fix: make room")
    assert not leftovers(state(full))
    debian.apply()
    assert changes(debian.state(), state(after)) <= {"/"}  # the mount's own mode


@pytest.mark.parametrize("call", ("open", "create", "rename", "fsync", "mkdir"))
def test_a_tree_that_vanishes_is_a_failure_and_nothing_worse(call, debian, folder):
    count = record(debian.copy(folder / "count"), "apply", ("--no-verify",), CLOSE, call).count
    for n in range(1, count + 1, 4):
        tree = debian.copy(folder / f"{n}")
        result = tree.run("apply", "--no-verify", config=CLOSE,
                          env=environment(Fault(call, n, "run", f"rm -rf {tree}")))
        assert result.returncode in (0, 1), result.stderr
        assert not tree.root.exists()
        if n < count // 2:
            assert result.returncode == 1
            said(result, ".+", ".+")


@pytest.mark.parametrize("path", ("/etc/hosts", UNITS))
def test_what_is_immutable_is_named(path, tmp_path):
    tree = layouts.make("debian12", Tree(tmp_path / "tree"))
    if subprocess.run(["chattr", "+i", tree.at(path)], check=False,
                      capture_output=True).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        extra = path == "/etc/hosts"
        result = tree.apply(status=0 if extra else 1)
        assert re.search(f"{'warning' if extra else 'error'}: .*{tree}{path}.*"
                         f"{os.strerror(errno.EPERM)}; fix: .*lsattr", result.stderr)
        assert not leftovers(tree.state())
    finally:
        subprocess.run(["chattr", "-i", tree.at(path)], check=True)
    tree.apply()


# ---- system calls ------------------------------------------------------------------------------------

CHANGING = ("write,pwrite64,writev,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,"
            "symlinkat,link,linkat,mknod,mknodat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,"
            "truncate,ftruncate,setxattr,fsetxattr,lsetxattr,utimensat,chroot,mount,ptrace")
OPENING = "open,openat,openat2,creat,socket,connect,execve"


def calls(folder, *arguments, config="", env=None, prefix=(), no_sockets=False):
    """The system calls of a run, as strace has them, descriptors with their paths."""
    log = folder / "strace"
    subprocess.run(
        ["strace", "-f", "-y", "-qq", "-s", "256", "-e", f"trace={CHANGING},{OPENING}", "-o", log,
         *(("-e", "inject=socket:error=EACCES") if no_sockets else ()),
         *prefix, program(), *arguments], input=config, text=True, capture_output=True, check=False,
        timeout=LIMIT, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **(env or {})})
    lines = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    starts = [at for at, line in enumerate(lines) if line.startswith(f'execve("{program()}"')]
    assert starts, "strace saw no start of the program"
    return lines[starts[0]:]


@pytest.mark.parametrize("verb", ("apply", "remove"))
def test_every_change_goes_through_the_trees_own_folder(verb, debian, folder):
    if verb == "remove":
        debian.apply("--no-verify", config=CLOSE)
    config = ["--config=-"] if verb == "apply" else []
    lines = calls(folder, *config, f"--root={debian}", "--no-verify", verb, config=CLOSE)
    changed = [line for line in lines if line.split("(")[0] in CHANGING.split(",") and
               not re.match(r"write\(([12]<|\d+<pipe:)", line)]  # to people, and to its parent
    assert len(changed) > 10
    for line in changed:  # the first argument is a descriptor in the tree; symlinkat has it second
        match = re.match(r'\w+\((?:"[^"]*"\.*, )?\d+<([^>]*)>', line)
        assert match and match[1].startswith(f"{debian.root}/"), line
        assert not re.search(r', "/', line), line
    for line in lines:
        assert not line.startswith(("socket(", "connect(")), line
        if '"/dev/null"' in line:
            continue  # what a child has in place of what it is not to hold
        if re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", line):
            assert re.match(rf"openat\(\d+<{debian.root}/", line), line
        if line.startswith("openat2("):
            assert "RESOLVE_IN_ROOT" in line, line


@pytest.mark.parametrize("verb", ("verify", "plan", "status", "client"))
def test_looking_at_an_image_opens_no_socket(verb, debian, folder):
    """AF_VSOCK would be the one of this machine; so a socket is refused should it be asked for."""
    lines = calls(folder, "--config=-", f"--root={debian}", verb, no_sockets=True)
    for line in lines:
        assert not line.startswith(("socket(", "connect(")) and "/dev/vsock" not in line, line
        assert "modprobe" not in line, line
    if verb == "verify":
        refused = debian.run("verify")
        assert refused.returncode == 2 and "an image cannot be verified" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts something")
def test_whether_it_is_the_running_system_is_asked_inside_the_tree(debian, folder):
    """A link of it might lead to a file system of this machine that does not answer."""
    debian.at("/proc/self/root/srv").mkdir(parents=True)
    debian.at("/etc/ssh").rename(debian.at("/proc/self/root/srv/ssh"))
    debian.link("/etc/ssh", "/proc/self/root/srv/ssh")
    log = folder / "strace"
    subprocess.run(
        ["unshare", "-m", "sh", "-ec", "mount -t tmpfs none /run; mkdir -p /run/systemd/system; "
         'exec "$@"', "sh", "strace", "-qq", "-s", "512", "-e", "trace=%file", "-o", log,
         program(), f"--root={debian}", "plan"], text=True, capture_output=True, check=False,
        timeout=LIMIT, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    looked = re.findall(r'^\w*stat\w*\((?:AT_FDCWD, )?"(/[^"]*)"', log.read_text(), re.M)
    assert "/etc/." in looked, looked
    assert not [path for path in looked if path.startswith(f"{debian}/")]


@pytest.mark.parametrize("prefix", ((), ("setpriv", "--reuid=65534", "--clear-groups")))
def test_a_live_apply_without_systemd_touches_nothing(prefix, folder):
    if Path("/run/systemd/system").exists():
        pytest.skip("this machine is booted with systemd")
    folder.chmod(0o777)
    for verb in ("apply", "verify", "plan", "remove"):
        lines = calls(folder, verb, prefix=prefix)
        for line in lines:
            assert not line.startswith(("socket(", "connect(")), line
            assert not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", line), line
            assert line.split("(")[0] not in CHANGING.split(",") or \
                re.match(r"write\([12]<", line), line
