"""Root's program beside others: who reads its output, who owns what it runs, what they write."""

import fcntl
import json
import os
import re
import signal
import subprocess

import pytest

from faults import environment
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


# ---- one configuration -------------------------------------------------------------------------

CONFIG = "/etc/sshd-vsock.yaml"
PROVISION = f"{UNITS}/sshd-vsock-provision.service"
OTHER = "port: 2222\nhushlogin: [root]\nlisten_address: [127.0.0.1, '[::1]:2200']\n"


@pytest.mark.parametrize("verb", ("apply", "remove"))
def test_what_is_changed_while_a_run_waits_is_what_it_works_with(verb, debian):
    """The administrator has the last word: the file is read when its turn has come."""
    debian.put(CONFIG, "disable_tcp: true\n")
    if verb == "remove":
        debian.apply()
    root = os.open(debian.root, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(root, fcntl.LOCK_EX)
    with subprocess.Popen([program(), f"--root={debian}", "--no-verify", verb], text=True,
                          stderr=subprocess.PIPE) as waiting:
        assert "waiting for another run" in waiting.stderr.readline()
        debian.put(CONFIG, "disable_tcp: false\n" if verb == "apply" else "no: such key\n")
        os.close(root)
        stderr = waiting.communicate(timeout=LIMIT)[1]
    assert waiting.returncode == 0, stderr
    assert not os.path.lexists(debian.at(f"{UNITS}/ssh.service"))


def source(tree, verb, *options):
    """Where a verb has its configuration from, whether another one differs, and the plan."""
    result = tree.run(verb, "--json", "-q", *options)
    report = json.loads(result.stdout)
    return report["configuration"]["source"], report["configuration"]["differs"], report


def test_what_came_by_config_is_what_status_compares_with(debian):
    """Every key comes back as it was given; nothing is to be done, and no default is wanted."""
    debian.apply("--no-verify", config=OTHER)
    kind, differs, report = source(debian, "status", "--no-verify")
    assert (kind, differs, report["operations"]) == ("carried", False, [])
    assert source(debian, "client")[2]["client"]["port"] == 2222
    said = debian.run("status").stderr
    assert f"there is no {CONFIG}" in said and "sshd-vsock-provision.service carries" in said


def test_a_file_beside_what_came_by_config_is_said_to_differ(debian):
    debian.apply(config=OTHER)
    debian.put(CONFIG, "port: 3333\n")
    for verb in "status", "client":
        kind, differs, report = source(debian, verb)
        assert (kind, differs) == ("carried", True), verb
    assert report["client"]["port"] == 2222
    status = debian.run("status")
    assert status.returncode == 10 and f"{CONFIG} is not in force" in status.stdout
    plan = debian.run("plan")
    assert "+ListenStream=vsock::3333" in plan.stdout
    for said in status.stderr, plan.stderr:
        assert f"warning: {CONFIG} differs from the configuration in force" in said
    assert "warning" in debian.apply().stderr
    assert source(debian, "status")[:2] == ("file", False)
    assert b"StandardInput" not in debian.read(PROVISION)


def test_the_same_in_other_words_does_not_differ(debian):
    debian.apply(config="port: 2222\n")
    debian.put(CONFIG, "# mine\nport:   2222\ndisable_tcp: false\n")
    assert source(debian, "status")[:2] == ("file", False)


def test_a_named_configuration_overrules_the_file_aloud(debian):
    debian.put(CONFIG, "disable_tcp: true\n")
    said = debian.apply(config="port: 2222\n").stderr
    assert f"warning: {CONFIG} says otherwise and does not count" in said
    assert "says otherwise" not in debian.apply(config="disable_tcp: true\n").stderr


@pytest.mark.parametrize("unit", (
    "[Service]\nStandardInputText=port: 2222\n", "# Mine\nStandardInputText=port: 2222\n", "", "\0"))
def test_a_provision_unit_that_is_not_ours_carries_nothing(unit, debian):
    debian.put(PROVISION, unit)
    assert source(debian, "status")[0] == "defaults"


# ---- what runs as root at each boot ------------------------------------------------------------

INSTALLED = "/usr/sbin/sshd-vsock"


def program_of_the_boot(tree):
    """What the provision unit runs."""
    return re.search(r"^ExecStart=(.*?) (?:--config=- )?apply$", tree.read(PROVISION).decode(),
                     re.M).group(1)


@pytest.mark.parametrize("loosen", (
    lambda t: t.at(INSTALLED).chmod(0o777), lambda t: os.chown(t.at(INSTALLED), 1000, 0),
    lambda t: t.at("/usr/sbin").chmod(0o1777), lambda t: os.chown(t.at("/usr/sbin"), 1000, 1000),
    lambda t: (t.at("/usr/sbin").chmod(0o775), os.chown(t.at("/usr/sbin"), 0, 50)),
    lambda t: (t.remove(INSTALLED), t.link(INSTALLED, "/home/admin/p"),
               t.put("/home/admin/p", "", 0o755), os.chown(t.at("/home/admin"), 1000, 1000)),
    lambda t: (t.remove(INSTALLED), t.link(INSTALLED, "../../home/admin/hop"),
               t.link("/home/admin/hop", "/bin/sshd-vsock"), t.put("/bin/sshd-vsock", "", 0o755),
               os.chown(t.at("/home/admin"), 1000, 1000)),
    lambda t: (t.remove(INSTALLED), t.link(INSTALLED, INSTALLED))))
def test_only_what_root_alone_can_write_runs_at_boot(loosen, debian):
    debian.put("/usr/local/sbin/sshd-vsock", "", 0o755)
    debian.put(INSTALLED, "", 0o755)
    debian.apply()
    assert program_of_the_boot(debian) == INSTALLED
    loosen(debian)
    debian.apply()
    assert program_of_the_boot(debian) == "/usr/local/sbin/sshd-vsock"


def test_root_s_own_group_may_write_and_links_of_root_lead_on(debian):
    debian.remove("/usr/local/sbin/sshd-vsock")
    debian.remove(INSTALLED)
    debian.put("/opt/tools/p", "", 0o775)
    debian.link("/opt/current", "./tools/../tools")
    debian.link("/usr/local/bin/sshd-vsock", "/opt/current/p")
    debian.apply()
    assert program_of_the_boot(debian) == "/usr/local/bin/sshd-vsock"


def test_a_tree_of_somebody_s_own_is_his(debian):
    """Image builders need not be root: whoever owns the tree's root folder is root there."""
    debian.put(INSTALLED, "", 0o755)
    subprocess.run(["chown", "-R", "1000:1000", debian.root], check=True)
    assert "the image has no sshd-vsock" not in debian.apply().stderr


# ---- one at a time -----------------------------------------------------------------------------

def test_who_waits_says_for_whom_and_not_for_ever(debian):
    """The lock of a tree is its root folder, which others may hold: named, and only for so long. A
    minute of the program's own clock is long enough for anybody who makes something of it."""
    before = debian.state()
    with subprocess.Popen(["flock", "-s", debian.root, "sleep", "100"]) as holder:
        try:
            result = debian.run("apply", env=environment(haste=100))
        finally:
            holder.kill()
    assert result.returncode == 1
    assert "waiting for another run" in result.stderr
    assert re.search(rf"error: process {holder.pid} \(flock\) holds the lock of {debian}",
                     result.stderr), result.stderr
    assert debian.state() == before


# ---- words of strangers ------------------------------------------------------------------------

FORGED = "sshd-vsock: verified: SSH-2.0"
WORDS = f"x\033]0;PWNED\007\033[2J\r\u0085\u009b1m\u202etxt\u2066\u200b\n{FORGED}\n".encode()
WORDS += b"\xff\xc3"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def strangers_tree(tree):
    """Their words wherever a message could get them from."""
    line = WORDS.replace(b"\n", b"")
    tree.put("/etc/passwd", tree.read("/etc/passwd") + b"eve:x:1001:1001::/home/" + line
             + b":/bin/sh\nsid:x:1002:1002::/gone/" + line + b":/bin/sh\n")
    os.mkdir(os.fsencode(tree.at("/home")) + b"/" + line)
    with open(os.fsencode(tree.at("/etc/ssh/sshd_config.d")) + b"/" + WORDS + b".conf", "wb") as f:
        f.write(b"ListenAddress 1.2.3.4\n# " + line + b"\n")
    tree.put("/etc/hosts", tree.read("/etc/hosts") + b"10.0.0.1 " + line + b"\r\n")


def harmless(stream, what):
    """Nothing raw, nothing that is no UTF-8, and no line that is not the program's own."""
    text = stream.decode()
    assert not RAW.search(text), (what, RAW.search(text))
    assert not any(line.startswith(FORGED) for line in text.splitlines()), what


@pytest.mark.parametrize("options", ((), ("--json",)))
def test_words_of_strangers_reach_no_terminal(options, debian):
    strangers_tree(debian)
    debian.put(CONFIG, "hushlogin: true\nlisten_address: 127.0.0.1\n")

    def run_all():
        for verb in "plan", "apply", "status", "remove", "verify":
            command = [program(), f"--root={debian}", "--no-verify", "-v", *options, verb]
            done = subprocess.run(command, capture_output=True, check=False, timeout=LIMIT)
            harmless(done.stdout, (verb, "stdout"))
            harmless(done.stderr, (verb, "stderr"))
            if options:
                json.loads(done.stdout)
            yield verb, done

    assert {verb: done.returncode for verb, done in run_all()} == {
        "plan": 10, "apply": 0, "status": 10, "remove": 0, "verify": 2}, "homes are not there"
    path = debian.at(f"{UNITS}/sshd-vsock.socket")
    os.symlink(WORDS, path)  # a conflict with a target of theirs
    for verb, done in run_all():
        assert options or verb not in ("plan", "apply") or b"is a link to x\\x1b]0;" in done.stderr


# ---- one notion of a path ----------------------------------------------------------------------

DROPIN = "/etc/ssh/sshd_config.d/10-sshd-vsock.conf"
LISTEN = "listen_address: 127.0.0.1\n"


@pytest.mark.parametrize("pattern", (
    "/etc/ssh//sshd_config.d/*.conf", "/etc/ssh/./sshd_config.d/*.conf", "//etc/ssh/sshd_config.d//*",
    "sshd_config.d/../sshd_config.d/*.conf", "/etc/ssh/linked/*.conf", "/etc/more/*.conf",
    "/etc/ssh/sshd_config.?/*.conf", "/etc/*/sshd_config.d/*.conf /etc/ssh/linked/*",
    "\"/etc/ssh/sshd_config.d/\"*.conf\nInclude /etc/ssh//sshd_config.d/1*"))
def test_our_own_drop_in_is_known_however_it_is_spelled(pattern, debian):
    debian.put("/etc/ssh/sshd_config", f"Include {pattern}\n")
    debian.put("/etc/ssh/sshd_config.d/a.conf", "ListenAddress 10.0.0.1\n")
    debian.link("/etc/ssh/linked", "sshd_config.d")
    debian.link("/etc/more", "/etc/ssh/linked")
    debian.put(CONFIG, LISTEN)
    debian.apply("--no-verify")
    assert debian.read(DROPIN).endswith(b"\nListenAddress 127.0.0.1\n")
    assert debian.read("/etc/ssh/sshd_config.d/a.conf").startswith(b"#sshd-vsock# Listen")
    assert b"ListenAddress" not in debian.read("/etc/ssh/sshd_config")
    assert debian.run("plan", "--no-verify").returncode == 0
    debian.run("remove")
    assert debian.read("/etc/ssh/sshd_config.d/a.conf") == b"ListenAddress 10.0.0.1\n"


@pytest.mark.parametrize("home", ("/home//admin", "/home/./admin/", "//home/admin/.", "/srv/same",
                                  "/home/admin/../admin"))
def test_a_home_by_two_names_has_one_flag(home, debian):
    """Who wants none does not take away what somebody else wants there, and nothing flaps."""
    debian.put("/etc/passwd", debian.read("/etc/passwd") + f"zoe:x:1001:1001::{home}:/bin/sh\n"
               .encode())
    debian.link("/srv/same", "../home/admin")
    for names in "true", "[admin]", "[zoe]", "[admin, zoe]":
        debian.put(CONFIG, f"hushlogin: {names}\n")
        assert "warning" not in debian.apply().stderr
        assert debian.at("/home/admin/.hushlogin").exists(), names
        assert "nothing to do" in debian.apply().stderr
        assert debian.run("status").returncode == 0
    debian.put(CONFIG, "hushlogin: false\n")
    debian.apply()
    assert not debian.at("/home/admin/.hushlogin").exists()
    assert debian.run("status").returncode == 0


@pytest.mark.parametrize("line,drifts", (("127.0.0.1 unknown", False), ("10.0.0.1 a UNKNOWN", False),
                                         ("127.0.0.1 UNKNOWN # sshd-vsock", False),
                                         ("# 127.0.0.1 UNKNOWN", True), ("127.0.0.1 other", True)))
def test_a_hosts_file_that_others_keep_and_that_has_the_name_is_right(line, drifts, debian):
    debian.at("/etc/hosts").unlink()
    debian.put("/run/hosts", f"127.0.0.1 localhost\n{line}\n")
    debian.link("/etc/hosts", "/run/hosts")
    result = debian.apply()
    assert ("warning: " in result.stderr) == drifts
    assert debian.run("status").returncode == (10 if drifts else 0)
    assert debian.read("/run/hosts").endswith(f"\n{line}\n".encode())


def test_a_file_by_many_names_is_edited_once(debian):
    debian.put("/etc/ssh/sshd_config", "Include extra/*.conf /etc/ssh//extra/a.conf\n"
               "Include /etc/ssh/names/* /etc/ssh/sshd_config.d/*.conf\n")
    debian.put("/etc/ssh/extra/a.conf", "ListenAddress 10.0.0.1\n")
    debian.link("/etc/ssh/names/b", "../extra/a.conf")
    debian.link("/etc/ssh/names/c", DROPIN)
    debian.put(CONFIG, LISTEN)
    plan = json.loads(debian.run("plan", "--json", "--no-verify").stdout)
    assert [op["name"] for op in plan["operations"] if "/extra/" in op["name"]
            or "/names/" in op["name"]] == ["/etc/ssh/extra/a.conf"]
    debian.apply("--no-verify")
    assert debian.run("plan", "--no-verify").returncode == 0


def test_a_linked_file_of_the_vendor_that_needs_no_edit_is_none_of_ours(debian):
    """As on Fedora, where crypto policies are a link into /usr."""
    debian.put("/usr/share/crypto-policies/DEFAULT/opensshserver.txt", "Ciphers aes256-ctr\n")
    debian.link("/etc/ssh/sshd_config.d/50-redhat.conf",
                "/usr/share/crypto-policies/DEFAULT/opensshserver.txt")
    debian.put(CONFIG, LISTEN)
    debian.apply("--no-verify")
    debian.put("/usr/share/crypto-policies/DEFAULT/opensshserver.txt", "ListenAddress ::\n")
    assert debian.run("plan", "--no-verify").returncode == 1


def test_no_drop_in_is_missed_and_what_is_too_much_is_said(debian):
    debian.put("/etc/ssh/sshd_config", "Include /etc/ssh/*.d/*.conf\n")
    for n in range(600):
        debian.put(f"/etc/ssh/sshd_config.d/{n:03}.conf", f"ListenAddress 10.0.{n // 256}.{n % 256}\n")
    debian.put(CONFIG, LISTEN)
    debian.apply("--no-verify")
    assert debian.read("/etc/ssh/sshd_config.d/599.conf").startswith(b"#sshd-vsock# ")
    debian.put("/etc/ssh/sshd_config", "".join(
        f"Include sshd_config.d/{n}*\n" for n in range(60000)))
    before = debian.state()
    result = debian.apply("--no-verify", status=1)
    assert "error: sshd_config includes more than can be looked through" in result.stderr
    assert debian.state() == before
    debian.put(CONFIG, "")
    assert "warning: sshd_config includes more than is" in debian.apply().stderr
    assert debian.run("remove").returncode == 0


def test_a_system_of_many_users_takes_no_quadratic_time(debian):
    """100,000 users (passwd of 5 MiB, hosts as large): quadratic work would take minutes."""
    debian.put("/etc/passwd", debian.read("/etc/passwd") + b"".join(
        b"user%d:x:%d:100:A name as long as such names are:/gone/%d:/bin/bash\n" % (n, n, n)
        for n in range(2000, 102000)))
    debian.put("/etc/hosts", debian.read("/etc/hosts") + b"0.0.0.0 advertisement.example\n" * 200000)
    debian.put(CONFIG, "hushlogin: true\n")
    assert debian.run("plan").returncode == 10
    debian.apply()
    debian.at("/gone/2000").mkdir(parents=True)
    assert "100000" not in debian.apply().stderr
    assert debian.at("/gone/2000/.hushlogin").exists()
    assert debian.run("remove").returncode == 0
    assert not debian.at("/gone/2000/.hushlogin").exists()
