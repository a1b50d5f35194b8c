"""images/wsl/oobe.sh on a terminal, with programs that stand for the distribution's: how somebody gets a
user who types as people do. Run for real in tests/guest/test_wsl.py, where there is no terminal."""

import os
import pty
import re
import select
import signal
import time

import pytest

from tree import CHECKOUT, LIMIT

OOBE = CHECKOUT / "images/wsl/oobe.sh"

# The user's name is in the file `user` once there is one. `right` is what passwd takes.
TOOLS = {
    "getent": '[ -s user ]',
    "useradd": 'for name; do :; done; case $name in [a-z]*) echo "$name" >user ;; *) exit 3 ;; esac',
    "passwd": '[ "$1" = "$(cat user)" ] || exit 5; echo password >>asked; read -r word || exit 1\n'
              '[ "$word" = right ]',
    "sshd-vsock": 'echo "$*" >>applied; exit ${STATUS:-0}',
}


def oobe(folder, typed, end="", **environment):
    """What is said, after these lines were typed and then `end`; it ends by itself, with 0."""
    tools = folder / "tools"
    tools.mkdir()
    for name, script in TOOLS.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("sh", ["sh", str(OOBE)], {
            **os.environ, **environment, "PATH": f"{tools}:{os.environ['PATH']}"})
    os.write(terminal, "".join(f"{line}\n" for line in typed).encode() + end.encode())
    said, deadline = b"", time.monotonic() + LIMIT
    try:
        while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            said += os.read(terminal, 4096)
            assert len(said) < 1 << 16, "it goes round and round"
    except OSError:  # the terminal has nobody on its other end any more
        pass
    finally:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        os.close(terminal)
    assert status == 0, said
    return said.decode().replace("\r", "")


def lines(folder, name):
    """Those of a file; none where there is none."""
    file = folder / name
    return file.read_text().splitlines() if file.exists() else []


CTRL_D = "\x04"


@pytest.mark.parametrize("typed,asked", [
    (["you", "right"], 1), (["", "0you", "you", "right"], 1), (["you", "wrong", "right"], 2),
    (["you", "wrong", "", "right"], 3)])
def test_user_and_password_as_people_type_them(folder, typed, asked):
    said = oobe(folder, typed)
    assert lines(folder, "user") == ["you"] and len(lines(folder, "asked")) == asked
    assert said.count("Once more, please.") == len(typed) - 2
    assert "SSH over vsock: verified." in said and lines(folder, "applied") == ["apply"]


def test_password_that_is_never_right(folder):
    """The user is there, and WSL opens the shell without a password."""
    said = oobe(folder, ["you"] + ["wrong"] * 9)
    assert len(lines(folder, "asked")) == 3 and "wsl -u root passwd you" in said
    assert lines(folder, "applied") == ["apply"]


@pytest.mark.parametrize("typed", [[], ["", "0you"]])
def test_end_of_the_terminal_makes_no_user(folder, typed):
    oobe(folder, typed, end=CTRL_D)
    assert lines(folder, "user") == [] and lines(folder, "applied") == ["apply"]


def test_readme_calls_the_distribution_by_its_name():
    name = re.search(r"^defaultName *= *(\S+)", (OOBE.parent / "wsl-distribution.conf").read_text(),
                     re.M)[1]
    shown = re.findall(r"(?:wsl(?:\.exe)?\s+-d\s+|--for=wsl:)([\w-]+)",
                       (OOBE.parent / "README.md").read_text())
    assert len(shown) == 3 and set(shown) == {name}


def test_user_who_is_there_already(folder):
    (folder / "user").write_text("you\n")
    said = oobe(folder, [])
    assert "Name of" not in said and lines(folder, "asked") == []


@pytest.mark.parametrize("status,words", [
    ("3", "no loopback"), ("1", "\"wsl -u root sshd-vsock apply\" on Windows tries again")])
def test_what_apply_ended_with_is_said(folder, status, words):
    """The distribution has no sudo."""
    (folder / "user").write_text("you\n")
    assert words in " ".join(oobe(folder, [], STATUS=status).split())
