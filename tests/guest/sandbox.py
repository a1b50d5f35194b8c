"""A private corner of this machine: own mounts, own processes, gone together.

All that a guest needs (mounts, user-mode Linux, the vsock device) lives in one mount and one PID
namespace. Process 1 of it waits for end of file on a pipe whose only writer is this python
process, so the kernel takes down everything however python ends, SIGKILL included. Nothing is ever
mounted where the rest of the machine can see it, and nothing has to be cleaned up afterwards.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

# In the sandbox /mnt is a tmpfs of its own: what a guest writes costs memory and vanishes with it.
BASE = "/mnt"

# /proc is read before it becomes that of the new namespace: this is the id the world outside knows.
INIT = f"""
set -eu
read -r pid rest </proc/self/stat
mount -t tmpfs -o mode=0755 sandbox {BASE}
mount -t proc proc /proc
echo "$pid"
exec cat >/dev/null
"""


class Sandbox:
    """Process 1 of the namespaces, and the ways in."""

    def __init__(self):
        # The session of its own keeps a Ctrl-C on the terminal away: python decides when it ends.
        self._init = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
             "sh", "-c", INIT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        answer = self._init.stdout.readline()
        if not answer:
            raise RuntimeError("no sandbox on this machine: unshare and mount need root")
        self.pid = int(answer)
        self._overlays = 0

    def path(self, inside=""):
        """How the world outside reaches the path `inside` of the sandbox's own folder."""
        return Path(f"/proc/{self.pid}/root{BASE}/{inside}")

    def popen(self, argv, chroot=None, **options):
        """Starts a process in the sandbox; `chroot` names a folder of it."""
        # --root: whoever runs the tests in a chroot stays in it.
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", "--"]
        if chroot is not None:
            enter += ["chroot", f"{BASE}/{chroot}"]
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(enter + argv, start_new_session=True, **options)

    def kill(self, process):
        """Kills what popen started, and waits for it.

        nsenter forks to get into the PID namespace, so the process to kill is its child. Killing
        nsenter instead would leave an orphan for process 1 of the machine, and where that one does
        not reap (in containers), the namespace would never end.
        """
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None:
            for child in children.read_text(encoding="ascii").split():
                os.kill(int(child), signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)

    def run(self, argv, chroot=None, data=None):
        """Runs a process in the sandbox to its end, fed with the bytes `data`; returns its stdout
        and raises with the end of all it said when it fails: ctest names a failure on stdout."""
        pipe = subprocess.PIPE
        with self.popen(argv, chroot, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            out, err = process.communicate(data)
        if process.returncode != 0:
            raise RuntimeError(f"{argv[0]} ended with {process.returncode}: "
                               + (out[-4000:] + err[-4000:]).decode(errors="replace"))
        return out

    def mount(self, kind, where, source="none", options="rw"):
        """Mounts a file system of `kind` on the folder `where` of the sandbox, which it makes."""
        self.path(where).mkdir(parents=True, exist_ok=True)
        self.run(["mount", "-t", kind, "-o", options, source, f"{BASE}/{where}"])

    def overlay(self, tree, where):
        """Mounts a writable view of the folder `tree` on `where`; the tree itself never changes."""
        self._overlays += 1
        layers = f".overlay{self._overlays}"
        for layer in ("upper", "work"):
            self.path(f"{layers}/{layer}").mkdir(parents=True)
        # xino: a file keeps its inode number when it is copied up, or a guest would see another.
        self.mount("overlay", where,
                   options=f"xino=on,lowerdir={tree},upperdir={BASE}/{layers}/upper,"
                           f"workdir={BASE}/{layers}/work")

    def close(self):
        """Ends every process in the sandbox; the mounts go with the last one."""
        self._init.stdin.close()
        self._init.stdout.close()
        self._init.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
