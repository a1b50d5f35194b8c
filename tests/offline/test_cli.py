"""The manners of the command: what goes where, how it ends, and where a configuration comes from."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tree import LIMIT, program, run

VERBS = ("check", "plan", "apply", "verify", "status", "remove", "client")
STEP = "sshd-vsock: write "


def test_help_fits_a_terminal_and_names_every_verb():
    result = run("--help")
    assert result.returncode == 0 and not result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", result.stdout, re.M), verb
    assert run("-h").stdout == result.stdout


def test_version():
    result = run("--version")
    assert result.returncode == 0 and not result.stderr
    assert re.fullmatch(r"sshd-vsock \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("arguments,says", (
    ((), "verb"), (("dance",), "dance"), (("apply", "now"), "now"), (("--loud", "check"), "--loud"),
    (("--config",), "--config"), (("--root",), "--root"), (("-x", "check"), "-x"),
    (("--no-verify=1", "check"), "--no-verify takes no argument"),
    (("--js=1", "check"), "--json takes no argument"), (("--quiet=1", "check"), "--quiet takes no"),
    (("--config=", "check"), "--config wants a file name"),
    (("--root=", "apply"), "--root wants a directory")))
def test_wrong_usage_is_2_on_stderr_and_names_the_word(arguments, says):
    result = run(*arguments)
    assert result.returncode == 2
    assert not result.stdout
    assert says in result.stderr and "--help" in result.stderr


@pytest.mark.parametrize("verb", ("plan", "apply", "verify", "remove", "status"))
def test_without_systemd_it_says_why_and_what_to_do(verb):
    if Path("/run/systemd/system").exists():
        pytest.skip("this machine is booted with systemd")
    result = run(verb)
    assert result.returncode == 1
    assert re.search("error: .*systemd.*; fix: ", result.stderr)


@pytest.mark.parametrize("root", ("/not-there", "/dev/null"))
def test_a_root_that_is_none_is_named(root):
    result = run(f"--root={root}", "apply")
    assert result.returncode == 1
    assert re.search(rf"error: .*root directory {root}: ", result.stderr)


def test_quiet_has_no_steps(debian):
    assert STEP not in debian.run("apply", "-q").stderr
    debian.remove("/etc/hosts")
    assert STEP in debian.run("apply").stderr


def test_quiet_still_warns_and_fails_aloud(debian):
    assert "warning: " in debian.run("apply", "-q", "--no-verify",
                                     config="disable_tcp: true\n").stderr
    debian.remove("/etc/hosts")
    debian.at("/etc/hosts").mkdir()
    assert "warning: " in debian.run("apply", "-q").stderr
    debian.put("/etc/systemd/system/sshd-vsock.socket", "[Socket]\n")
    assert "error: " in debian.run("apply", "-q").stderr


def test_the_plan_goes_to_stdout_and_all_else_to_stderr(debian):
    plan = debian.run("plan")
    assert plan.returncode == 10
    assert "+ListenStream=vsock::22" in plan.stdout and not plan.stderr
    apply = debian.apply()
    assert not apply.stdout and STEP in apply.stderr


def test_check_says_that_there_is_no_file(debian):
    absent = debian.run("check")
    assert absent.returncode == 0
    assert f"there is no {debian}/etc/sshd-vsock.yaml: the defaults hold" in absent.stderr


def test_faults_name_the_file_that_has_them(debian):
    """That of the image, not the one of this machine; and no other name than what was named."""
    path = debian.put("/etc/sshd-vsock.yaml", "prot: 22\n")
    for verb in "check", "apply":
        assert debian.run(verb).stderr.startswith(f"{path}:1:1: error: ")
    named = debian.run("check", f"--config={path.name}", cwd=path.parent)
    assert named.stderr.startswith("sshd-vsock.yaml:1:1: error: ")
    path.unlink()
    path.mkdir()
    assert debian.run("plan").stderr.startswith(f"{path}: error: is a directory")


@pytest.mark.parametrize("verb", ("check", "plan", "apply"))
def test_file_with_the_other_ending_is_not_overlooked(verb, debian):
    debian.put("/etc/sshd-vsock.yml", "port: 2222\n")
    result = debian.run(verb)
    (fix,) = re.findall("warning: .*sshd-vsock.yml is not read; fix: (.*)", result.stderr)
    assert subprocess.run(["sh", "-c", fix], check=False).returncode == 0
    result = debian.run(verb)
    assert "is not read" not in result.stderr
    if verb == "check":
        assert "the configuration is valid" in result.stderr
    elif verb == "plan":
        assert "+ListenStream=vsock::2222\n" in result.stdout
    else:
        assert b"ListenStream=vsock::2222\n" in debian.read(
            "/etc/systemd/system/sshd-vsock.socket")


@pytest.mark.parametrize("arguments,meant", (
    (("staus",), "status"), (("Aply",), "apply"), (("halp",), "help"), (("--rot=/x", "plan"), "--root"),
    (("--known-host", "clinet"), "client"), (("--no-verfy", "plan"), "--no-verify")))
def test_did_you_mean(arguments, meant):
    result = run(*arguments)
    assert result.returncode == 2 and f'; did you mean "{meant}"?' in result.stderr
    assert "did you mean" not in run("dance").stderr


def test_help_is_a_verb_too():
    assert run("help").stdout == run("--help").stdout


def test_option_that_does_not_fit_the_verb_is_refused(debian):
    for verb in VERBS:
        fits = {"--known-hosts": verb == "client", "--name=a": verb == "client",
                "--user=a": verb == "client", "--identity=a": verb == "client",
                "--for=socat": verb == "client", "--jump=a": verb == "client",
                "--no-verify": verb in ("plan", "apply", "remove", "status")}
        for option, well in fits.items():
            result = debian.run(option, verb)
            assert (result.returncode == 2) == (not well), result
            name = option.partition("=")[0]
            assert well or f"{name} is not for {verb}" in result.stderr


def test_plan_ends_with_a_summary(debian):
    debian.put("/etc/ssh/sshd_config", "ListenAddress 192.0.2.1\n")
    plan = debian.run("plan", config="listen_address: 127.0.0.1\n")
    *_, last = plan.stdout.splitlines()
    writes = len(re.findall("^\\+\\+\\+ ", plan.stdout, re.M))
    links = len(re.findall("^link ", plan.stdout, re.M))
    assert last == f"# {writes} to write, {links} to link" and writes > 5 and links > 1
    quiet = debian.run("plan", "-q", config="listen_address: 127.0.0.1\n")
    assert quiet.stdout == last + "\n" and quiet.returncode == 10
    debian.apply()
    assert debian.run("plan").stdout == ""


ROWS = ["vsock", "verify", "host", "logins", "tcp", "sshd_config", "listening", "hosts", "hush", "drift"]


def test_rows_of_status_stay(debian):
    """In each state of an image; those about a running system say that there is none."""
    def expect_rows():
        text = debian.run("status").stdout
        rows = re.findall(r"^(?:(\w+) | {8}(sshd_config|listening):)", text, re.M)
        assert ["".join(row) for row in rows] == ROWS, text
        for row in "vsock  ", "verify ", "host   ", "logins ", "        sshd_config:", "        listening:":
            assert f"\n{row} not checked: this is an image\n" in "\n" + text

    expect_rows()
    debian.apply()
    expect_rows()
    debian.remove("/etc/systemd/system/sshd-vsock.socket")
    expect_rows()
    assert debian.run("remove").returncode == 0
    expect_rows()


def test_plan_is_coloured_on_a_terminal(debian):
    words = (f"--root={debian}", "plan")
    coloured = on_terminal(*words, of="stdout")
    assert "\033[32m+ListenStream=vsock::22\033[0m" in coloured
    plain = on_terminal(*words, of="stdout", NO_COLOR="1")
    assert "\033" not in plain and re.sub("\033\\[[0-9]*m", "", coloured) == plain


def on_terminal(*arguments, of="stderr", **env):
    """What a run writes to standard error, or output, when that is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([program(), *arguments], stdin=subprocess.DEVNULL, **{of: theirs},
                          env={**os.environ, "TERM": "xterm", **env}) as process:
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:  # EIO: the other end is closed
            pass
        process.wait(LIMIT)
    os.close(ours)
    return text.decode()


def test_colour_is_for_terminals_and_for_those_who_like_it():
    assert "\033[" in on_terminal("dance")
    assert "\033[" not in on_terminal("dance", NO_COLOR="1")
    assert "\033[" in on_terminal("dance", NO_COLOR="")
    assert "\033[" not in on_terminal("dance", TERM="dumb")
    assert "\033[" not in run("dance").stderr


@pytest.mark.parametrize("make,reason", (
    (lambda path: path.mkdir(), "is a directory"),
    (os.mkfifo, "not a regular file"),
    (lambda path: path.write_bytes(b"#" * (64 * 1024 + 1)), "64 KiB"),
    (lambda path: None, "does not exist"),
    (lambda path: path.symlink_to(path), "symbolic links")))
def test_a_configuration_that_cannot_be_read_is_named(make, reason, debian, folder):
    path = folder / "config.yaml"
    make(path)
    before = debian.state(times=True)
    for verb in ("check", "plan", "apply"):
        result = debian.run(verb, f"--config={path}")
        assert result.returncode == 2
        assert re.search(rf"{path}.*{reason}", result.stderr), result.stderr
    assert debian.state(times=True) == before


def test_the_largest_configuration_is_read_and_no_larger_one(debian, folder):
    path = folder / "config.yaml"
    text = "#" * (64 * 1024 - 1) + "\n"
    path.write_text(text)
    assert debian.run("check", f"--config={path}").returncode == 0
    assert debian.run("check", config=text).returncode == 0
    larger = debian.run("check", config="#" + text)
    assert larger.returncode == 2 and "64 KiB" in larger.stderr


def test_a_relative_configuration_is_where_the_user_stands(debian, folder):
    (folder / "here").mkdir()
    (folder / "here/my.yaml").write_text("port: 2222\n")
    result = debian.run("plan", "--config=my.yaml", cwd=folder / "here")
    assert "+ListenStream=vsock::2222" in result.stdout, result.stderr
    result = debian.run("plan", "--config=../here/my.yaml", cwd=folder / "here")
    assert "+ListenStream=vsock::2222" in result.stdout, result.stderr
    assert debian.run("plan", "--config=my.yaml", cwd=folder).returncode == 2


def test_standard_input_and_the_systems_own_file(debian):
    assert "+ListenStream=vsock::2222" in debian.run("plan", config="port: 2222\n").stdout
    debian.put("/etc/sshd-vsock.yaml", "port: 3333\n")
    assert "+ListenStream=vsock::3333" in debian.run("plan").stdout
    assert debian.run("check", config="port: 0\n").returncode == 2


def test_faults_touch_nothing(debian):
    before = debian.state(times=True)
    result = debian.run("apply", config="prot: 22\ndisable_tcp: maybe\n")
    assert result.returncode == 2 and result.stderr.count("error: ") >= 2
    assert debian.state(times=True) == before


def test_a_plan_that_nobody_reads_to_the_end_is_a_failure(debian):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([program(), f"--root={debian}", "plan"], stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False, timeout=LIMIT)
    assert result.returncode == 1
    assert "standard output" in result.stderr


@pytest.mark.parametrize("option, words", (("--no-verify", "# without verification (--no-verify):"),
                                           (None, "# left to the first boot, after verification there:")))
def test_a_plan_says_what_comes_before_closing(option, words, debian):
    """What apply with the same options does."""
    told = debian.run("plan", *[option] if option else [], config="disable_tcp: true\n").stdout
    assert re.findall(r"^# [^\d].*$", told, re.M) == [words]
