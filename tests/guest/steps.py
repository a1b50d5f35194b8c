"""What tests on guests do again and again: configure, apply, look, break something for a while."""

import re
from contextlib import contextmanager

CONFIG = "/etc/sshd-vsock.yaml"
UNITS = "/etc/systemd/system"
ANYWHERE = {"0.0.0.0:22", "[::]:22"}

# What status shows, whatever it found.
ROWS = ["vsock", "verify", "host", "logins", "tcp", "sshd_config", "listening", "hosts", "hush", "drift"]

# Every file, folder and link with what a needless write would change.
LISTING = r"find /etc /root /home -xdev -printf '%p %y %m %U:%G %s %T@ %C@ %l\n' | sort"


def apply(guest, config=None, status=0, options=""):
    """Runs apply, with `config` as the system's own configuration if there is one."""
    if config is not None:
        guest.put(CONFIG, config)
    result = guest.run(f"sshd-vsock apply {options}", timeout=120)
    assert result.status == status, result.stderr
    return result


def listeners(guest):
    """Local TCP addresses on which sshd listens, or systemd for it."""
    return set(re.findall(r"^LISTEN\s+\d+\s+\d+\s+(\S+).*\(\(\"(?:sshd|systemd)\",",
                          guest.check("ss -ltnpH"), re.M))


def expect_rows(text):
    """Of a status none is missing, and each is in its place; more than one sshd may listen."""
    rows = re.findall(r"^(?:(\w+) | {8}(sshd_config|listening):)", text, re.M)
    assert list(dict.fromkeys("".join(row) for row in rows)) == ROWS, text


@contextmanager
def dropin(guest, unit, lines, root=None):
    """More lines in a unit, for as long as the `with` statement runs; in ours such that the next boot has them."""
    folder = f"{root or ('/etc' if unit.startswith('sshd-vsock') else '/run')}/systemd/system/{unit}.d"
    guest.put(f"{folder}/test.conf", lines)
    guest.check("systemctl daemon-reload")
    try:
        yield
    finally:
        guest.check(f"rm -r {folder}; systemctl daemon-reload")


def served_by(guest, command):
    """Connections to the door get the shell command instead of sshd."""
    return dropin(guest, "sshd-vsock@.service",
                  f"[Service]\nExecStart=\nExecStart=-/bin/sh -c '{command}'\n")


@contextmanager
def squatter(guest, port, program="/usr/bin/socat", script="cat"):
    """Somebody else listens on the vsock port, for as long as the `with` statement runs; yields the
    id of the process."""
    guest.check(f"""modprobe vsock_loopback
        systemd-run -q -G --unit=squatter '{program}' VSOCK-LISTEN:{port},fork EXEC:{script}
        until ss --vsock -l | grep -q ':{port} '; do sleep 0.05; done""")
    try:
        yield guest.check("systemctl show -P MainPID squatter").strip()
    finally:
        guest.run("systemctl stop squatter")  # which a test may have ended


@contextmanager
def meanwhile(guest, script, undo):
    """Something is broken by a script, for as long as the `with` statement runs."""
    guest.check(script)
    try:
        yield
    finally:
        guest.check(undo)
