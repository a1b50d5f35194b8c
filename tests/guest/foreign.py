#!/usr/bin/python3
"""Runs a command where programs for arm64 run as if they were this machine's own:

    foreign.py QEMU COMMAND...

In a user namespace, with a binfmt_misc of its own (Linux 6.7): nothing is registered on this
machine, and nothing is left of it when the command has ended. As root, who is root inside, too.
"""

import ctypes
import os
import sys

MOUNT, PID, USER = 0x00020000, 0x20000000, 0x10000000  # CLONE_NEW...
NO_LIMIT = "0 0 4294967295\n"  # everybody is who he was
FORMATS = "/proc/sys/fs/binfmt_misc"
# O, C, F: the program's file is handed over, its rights count, and qemu is opened here and now.
ARM64 = (r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
         r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
         "{qemu}:OCF")

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    """Ends where a call of libc failed."""
    if result:
        raise SystemExit(f"error: {what}: {os.strerror(ctypes.get_errno())}")


def inside(qemu, command):
    """The command, as the second process of its namespaces."""
    must(libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount /proc")
    must(libc.mount(b"none", FORMATS.encode(), b"binfmt_misc", 0, None),
         "binfmt_misc of a user namespace's own, which Linux 6.7 is the first to have; fix: boot a "
         "newer kernel, or run \"tests/run offline\" on a machine for arm64")
    with open(f"{FORMATS}/register", "w", encoding="ascii") as register:
        register.write(ARM64.format(qemu=qemu))
    os.execvp(command[0], command)


def status_of(pid):
    """Waits for the child and returns what a shell would."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xff


def main():
    """Two processes: only one that is outside may say who is who inside."""
    to_parent, to_child = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.close(to_child[0])
        os.close(to_parent[1])
        if os.read(to_parent[0], 1):
            for kind in ("uid", "gid"):
                with open(f"/proc/{child}/{kind}_map", "w", encoding="ascii") as file:
                    file.write(NO_LIMIT)
            os.write(to_child[1], b".")
        sys.exit(status_of(child))
    os.close(to_parent[0])
    os.close(to_child[1])
    must(libc.unshare(USER | MOUNT | PID), "a user namespace")
    os.write(to_parent[1], b".")
    os.read(to_child[0], 1)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    grandchild = os.fork()
    if not grandchild:
        inside(sys.argv[1], sys.argv[2:])
    sys.exit(status_of(grandchild))


main()
