"""Root's program beside others: who reads its output, who owns what it runs, what they write."""

import os
import signal
import subprocess

import pytest

from tree import LIMIT, UNITS, program


def into_a_closed_pipe(tree, verb, stream):
    """The exit status of a run whose stdout or stderr nobody reads, with SIGPIPE as a shell has it
    (Python ignores it, and that would be inherited)."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: writer}
    try:
        return subprocess.run(
            [program(), f"--root={tree}", "--no-verify", "--config=-", verb], **streams,
            input=b"disable_tcp: true\n", check=False, timeout=LIMIT,
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)).returncode
    finally:
        os.close(writer)


@pytest.mark.parametrize("stream", ("stdout", "stderr"))
def test_a_pipe_that_closes_ends_no_run(stream, debian):
    assert into_a_closed_pipe(debian, "plan", stream) == 10
    assert into_a_closed_pipe(debian, "apply", stream) == 0
    assert os.readlink(debian.at(f"{UNITS}/ssh.service")) == "/dev/null"
    assert into_a_closed_pipe(debian, "status", stream) == 0


def test_without_standard_streams_no_message_lands_in_a_file(debian, folder):
    other = debian.copy(folder / "other")
    debian.apply()
    subprocess.run(["sh", "-c", f"exec {program()} --root={other} apply <&- >&- 2>&-"], check=True,
                   timeout=LIMIT)
    assert other.state() == debian.state()
