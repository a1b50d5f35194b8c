"""The harness's end of the control door (door.sh is the guest's): runs scripts as root in a guest.

Requests and answers are short lines on a serial line. Contents are files in a shared folder, or
go over the line too where the guest shares none (PortDoor). No vsock and no sshd is involved: a
fresh guest has no vsock module loaded, a broken one still talks.
"""

import itertools
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GUEST_END = Path(__file__).with_name("door.sh")
GUEST_UNIT = """[Unit]
Description=Control door of the test harness
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
ExecStart=/bin/bash /usr/local/sbin/guest-door
KillMode=process
"""


class GuestGone(RuntimeError):
    """The guest ended, or was never there, while someone waited for it."""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    status: int
    stdout: str
    stderr: str
    seconds: float


class Door:
    """The connection of one boot; `folder` is the shared folder as seen from outside."""

    def __init__(self, folder):
        self.folder = folder
        self.ready = threading.Event()
        self.closed = False
        self._numbers = itertools.count(1)
        self._waiting = {}
        self._lock = threading.Lock()
        self._ours, self.theirs = socket.socketpair()

    def listen(self):
        """Starts to read answers; call it once the guest's kernel holds the other end."""
        self.theirs.close()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        # A guest whose plug is pulled resets the line; one that shuts down closes it.
        with self._ours.makefile("rb", buffering=0) as lines, suppress(ConnectionResetError):
            for line in lines:
                word = line.strip().decode(errors="replace")
                waiting = self.ready if word == "ready" else self._waiting.get(word)
                if waiting:
                    waiting.set()
        self._close()

    def _close(self):
        with self._lock:
            self.closed = True
            for waiting in [self.ready, *self._waiting.values()]:
                waiting.set()

    def new_file(self, content):
        """Puts bytes into the shared folder; returns the name the guest has for them."""
        name = f"{next(self._numbers)}"
        self._give(name, content)
        return f"/run/door/shared/{name}"

    def run(self, script, timeout):
        """Runs the bash script to its end; returns its exit status, stdout and stderr (bytes)."""
        name = f"{next(self._numbers)}"
        answered = threading.Event()
        with self._lock:
            if self.closed:
                raise GuestGone("the guest is not running")
            self._waiting[name] = answered
        start = time.monotonic()
        try:
            self._give(f"{name}.sh", script.encode())
            self._send(f"{name} {timeout}\n".encode())
        except OSError as error:
            raise GuestGone("the guest is not running") from error
        # The guest itself kills a script that is late; the rest is for a guest that hangs.
        in_time = answered.wait(timeout + 15)
        del self._waiting[name]
        status, out, err = (self._take(name, end) for end in ("status", "out", "err"))
        if not status:
            raise (GuestGone if in_time else TimeoutError)(f"no answer to the script:\n{script}")
        if status == b"137\n" and time.monotonic() - start >= timeout:
            raise TimeoutError(f"killed after {timeout} s, the script:\n{script}\n"
                               f"{out.decode(errors='replace')}{err.decode(errors='replace')}")
        return int(status), out, err

    def _give(self, name, content):
        (self.folder / name).write_bytes(content)

    def _send(self, request):
        self._ours.sendall(request)

    def _take(self, name, end):
        file = self.folder / f"{name}.{end}"
        content = file.read_bytes() if file.exists() else b""
        file.unlink(missing_ok=True)
        return content


class PortDoor(Door):
    """The same where nothing is shared: a port of QEMU's virtio-serial, contents and all."""

    def __init__(self):
        super().__init__(None)
        self._sending = threading.Lock()
        self._answers = {}
        # A guest that hangs reads no more; whoever sends to it must not hang with it.
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 60, 0))

    def _read(self):
        with self._ours.makefile("rb") as lines, suppress(ConnectionResetError):
            for line in lines:
                name, *numbers = line.decode(errors="replace").split() or [""]
                if name == "ready":
                    self.ready.set()
                elif len(numbers) == 3:
                    status, out, err = map(int, numbers)
                    self._answers[name] = {"status": b"%d\n" % status, "out": lines.read(out),
                                           "err": lines.read(err)}
                    if name in self._waiting:
                        self._waiting[name].set()
        self._close()

    def _give(self, name, content):
        self._send(f"put {name} {len(content)}\n".encode() + content)

    def _send(self, request):
        with self._sending:
            self._ours.sendall(request)

    def _take(self, name, end):
        return self._answers.get(name, {}).pop(end, b"")
