"""Dies, fails or is cut short at every single call; the system must stay one that can be got into,
and the next run must finish the job.

The trees are in memory where there is a /dev/shm: what is looked at is the order of the calls and
what each leaves behind, and fsync(2) costs nothing there.
"""

import errno
import os
import re
import shutil
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import layouts
from faults import DIED, Fault, environment, library, record
from tree import UNITS, Tree, changes, hardened, leftovers, program

CHANGING = ("create", "write", "own", "fsync", "rename", "symlink", "unlink", "mkdir")
READING = ("open", "stat", "read", "readlink", "list")
CLOSE = "disable_tcp: true\n"
LISTEN = "listen_address: 127.0.0.1\n"
EXTRAS = ("/hosts", "/.hushlogin")  # warnings, which cost nothing else
UNKNOWN = "what depends on it is left as it is"
NO_VERIFY = ("--no-verify",)
TCP_UNITS = [f"{UNITS}/{name}.{kind}" for name in ("ssh", "sshd") for kind in ("service", "socket")]
DOOR = [f"{UNITS}/sshd-vsock.socket", f"{UNITS}/sshd-vsock@.service",
        f"{UNITS}/sshd-vsock-keygen.service", f"{UNITS}/sshd-vsock-hostkeys.service",
        f"{UNITS}/sockets.target.wants/sshd-vsock.socket"]


@dataclass
class Change:
    """From one configuration, or a bare tree, to another, or to nothing."""

    layout: str
    before: str = None
    after: str = ""
    verb: str = "apply"
    options: tuple = NO_VERIFY
    hosts_link: bool = False
    by_hand: bool = False
    rivals: bool = False
    turned: bool = False  # ssh.socket, to vsock on another port
    joint: bool = False  # as 0.1.0 left it

    def prepare(self, root):
        """The tree as it is before."""
        tree = layouts.make(self.layout, Tree(root))
        if self.hosts_link:
            tree.at("/etc/hosts").unlink()
            tree.put("/etc/net/hosts", layouts.DEBIAN_HOSTS)
            tree.link("/etc/hosts", "/etc/net/hosts")
        if self.by_hand:
            layouts.write_by_hand(tree)
        if self.rivals:
            layouts.write_stream(tree)
            layouts.write_by_mkosi(tree, "vsock-ssh", UNITS)
        if self.turned:
            tree.put(f"{UNITS}/ssh.socket.d/turned.conf",
                     "[Socket]\nListenStream=\nListenStream=vsock::2222\n")
        if self.before is not None:
            tree.apply(*NO_VERIFY, config=self.before)
        if self.joint:
            layouts.join_presets(tree)
        return tree

    def run(self, tree, **more):
        """Makes the change."""
        config = self.after if self.verb == "apply" else None
        return tree.run(self.verb, *self.options, config=config, **more)


CHANGES = {
    "fresh": Change("debian12", options=()),
    "fresh, closing": Change("debian12", after=CLOSE + "hushlogin: true\n"),
    "another port": Change("debian13", "", "port: 2222\n"),
    "another port, closed": Change("debian13", CLOSE, CLOSE + "port: 2222\n"),
    "closing": Change("ubuntu2404", "", CLOSE),
    "opening": Change("ubuntu2404", CLOSE, ""),
    "opening for first boot": Change("rhel9", CLOSE, "", options=()),
    "listening": Change("debian12", "", LISTEN),
    "listening no more": Change("debian12", LISTEN, ""),
    "listening, no Include": Change("rhel8", "", LISTEN),
    "listening no more, no Include": Change("rhel8", LISTEN, ""),
    "from closed to listening": Change("opensuse", CLOSE, LISTEN),
    "from listening to closed": Change("opensuse", LISTEN, CLOSE),
    "hosts is a link": Change("debian12", options=(), hosts_link=True),
    "removing": Change("debian12", "hushlogin: true\n", verb="remove", options=()),
    "removing, closed": Change("ubuntu2404", CLOSE, verb="remove", options=()),
    "removing, listening": Change("rhel8", LISTEN, verb="remove", options=()),
    "taking over": Change("ubuntu2404", after=CLOSE, by_hand=True),
    "giving back": Change("ubuntu2404", CLOSE, verb="remove", options=(), by_hand=True),
    "taking the port over": Change("ubuntu2404", after="", options=(), rivals=True),
    "giving the port back": Change("ubuntu2404", "", verb="remove", options=(), rivals=True),
    "removing, closed and turned": Change("ubuntu2404", CLOSE, verb="remove", options=(),
                                          turned=True),
    "upgrading, closed": Change("ubuntu2404", CLOSE, CLOSE, options=(), joint=True),
    "upgrading, opening": Change("ubuntu2404", CLOSE, "", options=(), joint=True),
    "upgrading, taking the port over": Change("ubuntu2404", CLOSE, CLOSE, options=(), rivals=True,
                                              joint=True),
    "upgrading, removing": Change("ubuntu2404", CLOSE, verb="remove", options=(), joint=True),
}


class Sweep:
    """One change, disturbed at one call after the other."""

    def __init__(self, change, folder):
        self.change, self.folder = change, folder
        self.start = change.prepare(folder / "start")
        self.before = self.start.state()
        self.allowed = [self.before]
        if change.options:  # what the first phase alone leaves behind
            half = self.start.copy(folder / "half")
            change.run(half) if change.verb != "apply" else half.apply(config=change.after)
            self.allowed.append(half.state())
        done = self.start.copy(folder / "done")
        result = change.run(done)
        assert result.returncode == 0, result.stderr
        self.after = done.state()
        assert self.before != self.after
        self.allowed.append(self.after)

    def count(self, call):
        """How many calls of the kind the change makes."""
        tree = self.start.copy(self.folder / f"count-{call}")
        change = self.change
        config = change.after if change.verb == "apply" else None
        return record(tree, change.verb, change.options, config, call, hardened()).count

    def check(self, found, what):
        """Every path holds something whole, and there is a door."""
        for path in found.keys() - set(leftovers(found)):
            assert path in unknown(what) or any(found[path] == state.get(path) for state in self.allowed), (what, path)
        for path in self.before:  # gone before its time?
            if path not in found:
                assert any(path not in state for state in self.allowed), (what, path)
        assert not closed(found) or complete(found, self.allowed, unknown(what)), \
            f"{what}: locked out"
        if self.change.rivals:
            other = found.get(f"{UNITS}/vsock-ssh.socket", (b"/dev/null",))[-1]
            assert other != "/dev/null" or complete(found, self.allowed, unknown(what)), \
                f"{what}: nobody has the port"

    def disturb(self, fault, binary):
        """One run with the fault, all that has to hold after it, and the run that finishes it."""
        tree = self.start.copy(self.folder / f"{fault}".replace(" ", "-"))
        result = self.change.run(tree, env=environment(fault), binary=binary)
        found = tree.state()
        what = f"{fault}: exit {result.returncode}: {result.stderr}"
        self.check(found, what)
        if fault.how in ("before", "after"):
            assert result.returncode == DIED, what
        else:
            self.judge(fault, result, found, str(tree), what)
        if found != self.after or fault.how in ("before", "after"):
            again = self.change.run(tree, binary=binary)
            assert again.returncode == 0, f"{what}\nthen {again.stderr}"
            assert self.remaining(tree.state()) == set(), what
        shutil.rmtree(tree.root)

    def remaining(self, found):
        """What the run that finished the job left undone. An empty folder of ours may stay: when
        its last file was gone already, nothing tells any more whose it was."""
        paths = changes(found, self.after)
        if self.change.verb == "apply":
            return paths
        return {path for path in paths if path in self.after or found[path][-1] is not None or
                any(other.startswith(f"{path}/") for other in found)}

    def judge(self, fault, result, found, root, what):
        """Done is done, and what failed is said, with its name and its reason."""
        assert result.returncode in (0, 1), what
        if result.returncode == 0:
            for path in self.remaining(found) - unknown(what):
                assert path.endswith(EXTRAS), what
                assert UNKNOWN in what or re.search(rf"warning: .*{re.escape(root + path)}\b", result.stderr), what
            return
        assert fault.how not in ("short", str(errno.EINTR)), what
        if fault.call != "unlink":
            assert not leftovers(found), what
        if fault.call != "alloc":
            path = re.escape(root)
            names = rf"error: .*({path}/\S+|root directory {path}|openat2).*: {reason(fault)}"
            assert re.search(names, result.stderr), what

    def run(self, calls, hows, stride=1):
        """Every n of every kind with --full, else a part of them; returns the number of runs."""
        faults, binaries = [], []
        for call in calls:
            numbers = range(1, self.count(call) + 1, stride)
            for how in hows:
                chosen = part(numbers, self.change, call, how)
                faults += [Fault(call, n, str(how)) for n in chosen]
                # one of them by the program with sanitizers
                binaries += [program() if n == chosen[len(chosen) // 2] else hardened()
                             for n in chosen]
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(self.disturb, faults, binaries):
                pass
        return len(faults)


def part(numbers, change, call, how):
    """What of the numbers is in every run: the first, the last, and each third between them (each
    ninth where there are very many), others for each change and kind. The changes have most of their
    calls in common, so that what one leaves out another has."""
    if os.environ.get("SSHD_VSOCK_FULL"):
        return list(numbers)
    step = 3 if len(numbers) < 100 else 9
    first = list(CHANGES.values()).index(change) + zlib.crc32(f"{call} {how}".encode())
    return [n for at, n in enumerate(numbers)
            if n in (numbers[0], numbers[-1]) or (at + first) % step == 0]


def unknown(said):
    """What may be otherwise where sshd's options could not be read: the next run knows them."""
    return {DOOR[1]} if UNKNOWN in said else set()


def reason(fault):
    """The words for its error."""
    return re.escape(os.strerror(int(fault.how.rstrip("+"))))


def closed(state):
    """Whether TCP is closed, even in part."""
    masked = any(state.get(unit, (0,))[-1] == "/dev/null" for unit in TCP_UNITS)
    config = state.get("/etc/ssh/sshd_config", (b"",))[-1]
    return (masked or "/etc/ssh/sshd_config.d/10-sshd-vsock.conf" in state or
            b"\nListenAddress" in config)


def complete(state, wholes, but):
    """Whether the door is there and enabled, its files as one whole state or another has them."""
    return all(path in state and (path in but or
                                  any(state[path] == whole.get(path) for whole in wholes))
               for path in DOOR)


@pytest.fixture(name="sweep")
def one_sweep(request, folder):
    """One change, ready to be disturbed."""
    return Sweep(CHANGES[request.param], folder)


def sweeps(*names):
    """Runs a test over the changes of those names."""
    return pytest.mark.parametrize("sweep", names, indirect=True)


# Where reading decides, every part of it at least once.
SOME = ("fresh, closing", "another port, closed", "from listening to closed", "removing, closed")


@sweeps(*CHANGES)
def test_killed_anywhere_it_is_safe_and_a_second_run_finishes(sweep):
    assert sweep.run(CHANGING, ("before", "after")) > 0


@sweeps(*CHANGES)
def test_a_call_that_fails_is_named_and_nothing_is_half_done(sweep):
    assert sweep.run(CHANGING, (errno.EIO,)) > 0


@sweeps("fresh, closing", "listening, no Include", "removing, closed")
def test_a_full_and_a_read_only_file_system_are_named(sweep):
    assert sweep.run(CHANGING, (errno.ENOSPC, errno.EROFS)) > 0


@sweeps("fresh, closing", "listening, no Include", "removing, closed")
def test_interrupted_and_short_calls_are_made_again(sweep):
    assert sweep.run(("write", "read"), ("short", errno.EINTR)) > 0
    assert sweep.run(("fsync",), (errno.EINTR,)) > 0


@sweeps(*SOME)
def test_what_cannot_be_read_is_not_taken_for_absent(sweep):
    assert sweep.run(READING, (errno.EIO,)) > 0


@sweeps(*SOME)
def test_without_memory_it_fails_cleanly(sweep):
    assert sweep.run(("alloc",), (errno.ENOMEM,)) > 0
    assert sweep.run(("alloc",), (f"{errno.ENOMEM}+",), stride=7) > 0



def run_with_mounted_home(tree, verb, config, env):
    """With /home/admin on a mount of its own: what is on the image's file system does not hang."""
    words = ["--config=-"] if config is not None else []
    return subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-euc",
         'mount --bind "$1" "$1"; shift; exec env "$@"', "sh", tree.at("/home/admin"),
         *(f"{name}={value}" for name, value in env.items()), program(), f"--root={tree}", *words,
         verb], input=config or "", text=True, capture_output=True, check=False, timeout=30)


@pytest.mark.parametrize("verb", ("apply", "remove"))
def test_a_home_that_hangs_costs_nothing_but_itself(verb, debian, folder):
    """Wherever it hangs, in a look or in a write: a dead FUSE or NFS answers some calls from its
    cache, and others never."""
    debian.put("/etc/passwd", debian.read("/etc/passwd") + b"zoe:x:1001:1001::/home/zoe:/bin/sh\n")
    debian.put("/home/zoe/x")
    config = "hushlogin: true\n" if verb == "apply" else None
    if verb == "remove":
        debian.apply(config="hushlogin: true\n")

    def hang(call):
        tree = debian.copy(folder / call)
        at = "/home/admin" if call != "open" else "home/admin"
        result = run_with_mounted_home(tree, verb, config,
                                       environment(Fault(call, 1, "hang", path=at)))
        assert result.returncode == 0, (call, result.stderr)
        if call != "list":  # of no use but for what a killed run left behind
            assert re.search(r"warning: .*/home/admin/\.hushlogin.*does not answer", result.stderr)
            assert tree.at("/home/admin/.hushlogin").exists() == (verb == "remove"), call
        for path in "/root", "/home/zoe", "/etc/skel":
            assert tree.at(f"{path}/.hushlogin").exists() == (verb == "apply"), (call, path)
        assert tree.at(f"{UNITS}/sshd-vsock.socket").exists() == (verb == "apply")
        return tree

    # what is not there yet is not even opened: no stat(2) of it can hang
    calls = (("open", "list", "create", "write", "own", "fsync", "rename")
             if verb == "apply" else ("open", "stat", "list", "read", "unlink"))
    with ThreadPoolExecutor(len(calls)) as pool:
        for tree in pool.map(hang, calls):
            again = tree.run(verb, config=config)
            assert again.returncode == 0 and "warning" not in again.stderr
            assert not leftovers(tree.state())


def symbols(file, *options):
    """The names in a file's table of dynamic symbols."""
    out = subprocess.run(["nm", "-D", *options, file], check=True, capture_output=True, text=True)
    return {line.split()[-1].split("@")[0] for line in out.stdout.splitlines()}


def test_calls_that_a_hardened_build_makes_are_met_too():
    """FORTIFY has names of its own for calls whose sizes the compiler knows: one that the library
    lacks would never fail."""
    met = symbols(library(), "--defined-only")
    assert {"openat", "read", "malloc"} <= met
    imported = symbols(hardened(), "--undefined-only")
    other_names = {name for name in imported if re.sub(r"^__(\w+?)(_2|_chk)$", r"\1", name) in met}
    assert other_names - met == set()


# ---- order -----------------------------------------------------------------------------------------

def next_is_sync(lines, at, folder):
    """The folder is made durable before anything else happens."""
    assert lines[at + 1] == f"fsync {folder}", lines[at:at + 2]


@pytest.mark.parametrize("name", CHANGES)
def test_durable_are_files_before_they_have_names_and_names_before_others_rely_on_them(
        name, folder):
    """Each before the next operation begins: what a power cut leaves is a prefix of the plan."""
    change = CHANGES[name]
    tree = change.prepare(folder / "tree")
    config = change.after if change.verb == "apply" else None
    lines = record(tree, change.verb, change.options, config, binary=hardened()).lines
    assert lines
    synced, links = set(), set()
    for at, line in enumerate(lines):
        call, path, *rest = line.split()
        if call in ("write", "own"):
            synced.discard(path)
        elif call == "fsync":
            synced.add(path)
        elif call == "symlink":
            links.add(path)
        elif call == "rename":
            assert path in synced or path in links, line
            assert Path(path).parent == Path(rest[0]).parent
            next_is_sync(lines, at, Path(path).parent)
        elif call in ("mkdir", "unlink"):
            next_is_sync(lines, at, Path(path).parent)
