"""The rest of images/try: a guest, the program in it, and a login from outside."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from guest import SUITES, Guest, build_in_builder  # noqa: E402

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text):
    """What happens now, apart from what programs print."""
    print(f"\033[1m{text}\033[0m" if COLOURS else text, flush=True)


def show(text):
    """What a program printed, indented."""
    for line in text.splitlines():
        print(f"    {line}", flush=True)


def log_in(guest):
    """Logs in once from outside and says what came back and how long it took."""
    say(f"$ ssh root@{guest.suite} uname -a     (from this machine, over virtio-vsock)")
    result = guest.ssh("uname -a")
    show(result.stdout + result.stderr)
    say(f"logged in, ran it and left in {result.seconds:.2f} s")
    return result.status


def try_it(guest, keep):
    """The tour; returns the exit status."""
    say("# sshd-vsock apply             (in the guest)")
    result = guest.run("sshd-vsock apply", timeout=120)
    show(result.stdout + result.stderr)
    if result.status != 0:
        say(f"sshd-vsock apply ended with {result.status}")
        return result.status
    say("the SSH banner, read from outside without any network:")
    show(guest.banner())
    status = log_in(guest)
    if keep and status == 0:
        say("your turn; the guest ends with your session")
        subprocess.run(guest.ssh_command(), check=False)
    return status


def main():
    """Builds, boots, tries, removes."""
    parser = argparse.ArgumentParser(prog="images/try", description="Shows sshd-vsock at work.")
    parser.add_argument("--suite", choices=SUITES, default="bookworm", help="default: bookworm")
    parser.add_argument("--keep", action="store_true", help="open an ssh session at the end")
    options = parser.parse_args()
    try:
        program = build_in_builder()
        guest = Guest(options.suite)
        say(f"booting a throw-away Debian guest ({options.suite}) ...")
        with guest:
            say(f"booted in {guest.boot_seconds:.1f} s")
            guest.install(program)
            return try_it(guest, options.keep)
    except (RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
