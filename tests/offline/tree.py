"""A file tree as an image, the program run on it, and what either of them left behind."""

import ctypes
import os
import re
import shutil
import stat
import struct
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
UNITS = "/etc/systemd/system"
MARKER = b"# Managed by sshd-vsock."
TEMPORARY = ".#sshd-vsock-"
LIMIT = 30  # seconds; a run that hangs on a FIFO is a failure, not a wait


def program():
    """The binary under test."""
    return os.environ.get("SSHD_VSOCK_PROGRAM", str(CHECKOUT / "build/dev/sshd-vsock"))


def hardened():
    """The same as it is released: for what starts it by the hundred, since sanitizers take six times as
    long. With --full that too is done by the program with sanitizers."""
    if os.environ.get("SSHD_VSOCK_FULL"):
        return program()
    return os.environ.get("SSHD_VSOCK_HARDENED", program())


def known_flags():
    """What the compiler was asked when the program was built, as options for CMake: not again."""
    cache = Path(program()).parent / "CMakeCache.txt"
    text = cache.read_text(encoding="utf-8") if cache.exists() else ""
    return [f"-D{name}={value}" for name, value in re.findall(r"^(HAVE\w+):\w+=(.*)$", text, re.M)]


def run(*arguments, config=None, env=None, binary=None, **more):
    """Runs the program; `config` goes to its standard input."""
    words = [binary or program(), *arguments]
    if config is not None:
        words.insert(1, "--config=-")
    return subprocess.run(words, input=config or "", text=True, capture_output=True, check=False,
                          timeout=LIMIT, env={**os.environ, **(env or {})}, **more)


class Tree:
    """A folder that stands for the root of a system; another program than usual may run on it."""

    def __init__(self, root, binary=None):
        self.root, self.binary = Path(root), binary
        self.root.mkdir(parents=True, exist_ok=True)

    def __str__(self):
        return str(self.root)

    def at(self, path):
        """The place of a path of the tree on this machine."""
        return self.root / path.lstrip("/")

    def put(self, path, content="", mode=0o644):
        """Writes a file, with the folders above it."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        place.chmod(mode)
        return place

    def link(self, path, target):
        """Makes a symlink, with the folders above it."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def remove(self, path):
        """Takes away a file, link or folder."""
        place = self.at(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def read(self, path):
        """The bytes of a file."""
        return self.at(path).read_bytes()

    def run(self, verb, *options, config=None, binary=None, **more):
        """Runs a verb on the tree."""
        return run(f"--root={self.root}", *options, verb, config=config,
                   binary=binary or self.binary, **more)

    def apply(self, *options, config=None, status=0, **more):
        """Runs apply, which has to exit with `status`."""
        result = self.run("apply", *options, config=config, **more)
        assert result.returncode == status, result.stderr
        return result

    def copy(self, root):
        """The same tree elsewhere, times and owners included."""
        subprocess.run(["cp", "-a", str(self.root), str(root)], check=True)
        return Tree(root, self.binary)

    def state(self, times=False):
        """What every path is: type, mode, owner and bytes; with `times` all that a write changes."""
        return state(self.root, times)


def describe(path, times):
    """One path's part of a state."""
    st = path.lstat()
    kind = stat.S_IFMT(st.st_mode)
    content = None
    if stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(st.st_mode):
        content = path.read_bytes()
    found = (kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, content)
    return found + (st.st_ino, st.st_mtime_ns, st.st_ctime_ns) if times else found


def state(root, times=False):
    """A dict from path, as seen from inside the tree, to what is there."""
    found = {"/": describe(Path(root), times)}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            found[f"/{path.relative_to(root)}"] = describe(path, times)
    return found


def changes(before, after):
    """The paths that differ between two states."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def leftovers(found):
    """Temporary files of the program in a state."""
    return [path for path in found if path.rsplit("/", 1)[1].startswith(TEMPORARY)]


class Watch:
    """Whether anything below a folder was opened, read, changed or made: inotify, which misses no
    open(2) but those with O_PATH, and with those nothing can be read."""

    OPEN, ALL = 0x20, 0xFFF

    def __init__(self, root):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._fd >= 0
        self._names = {}
        for path in [Path(root), *Path(root).rglob("*")]:
            if not path.is_symlink():
                wd = self._libc.inotify_add_watch(self._fd, os.fsencode(path), self.ALL)
                assert wd >= 0, path
                self._names[wd] = path

    def events(self):
        """What happened so far, as (path, mask)."""
        found = []
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return found
            while data:
                wd, mask, _, size = struct.unpack_from("iIII", data)
                name = data[16:16 + size].rstrip(b"\0").decode()
                found.append((self._names[wd] / name, mask))
                data = data[16 + size:]

    def close(self):
        """Ends the watch."""
        os.close(self._fd)
