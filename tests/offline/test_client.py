"""`client` as its user has it: what is said on the command line, and what this machine's own ssh makes
of the output. `ssh -G` opens no connection."""

import json
import re
import subprocess

import pytest

from tree import program

KINDS = ["linux", "systemd", "socat", "mux", "unix", "hvc", "winsocat", "wsl"]
JUMPING = ["socat", "unix", "hvc", "winsocat"]
ADDRESS = {"linux": "42", "systemd": "42", "socat": "42", "mux": "/run/v.sock",
           "unix": "/run/v.sock", "hvc": "mint", "wsl": "Debian",
           "winsocat": "0cb41c0b-fd26-4a41-8370-dccb048e216e"}
PROXY = "/usr/lib/systemd/systemd-ssh-proxy"


def client(tree, *options, config=""):
    """The text for ssh."""
    result = tree.run("client", *options, config=config)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(tree, *options):
    """What is said of a wrong command line."""
    result = tree.run("client", *options)
    assert result.returncode == 2 and result.stdout == "", result
    assert result.stderr.endswith('; fix: see "sshd-vsock --help"\n')
    return result.stderr


@pytest.fixture(name="ssh")
def include(tmp_path):
    """What ssh takes for a host by text that its own file includes, among hosts of its own."""
    def options(text, host, shell="/bin/sh"):
        (tmp_path / "included").write_text(text)
        (tmp_path / "config").write_text(
            f"Include {tmp_path}/included\nHost other\n    User other\nHost *\n    Port 1\n")
        done = subprocess.run(["ssh", "-TG", "-F", str(tmp_path / "config"), host], check=False,
                              capture_output=True, text=True, env={"SHELL": str(shell)})
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())

    return options


@pytest.mark.parametrize("kind", KINDS)
def test_one_stanza_for_the_host_one_says(kind, debian, ssh):
    """It has all that was said, and what comes after it in ssh's own file is as it was."""
    text = client(debian, f"--for={kind}:{ADDRESS[kind]}", "--name=Web_1", "--user=j.doe",
                  "--identity=~/.ssh/a key", config="port: 70000\n")
    assert re.findall("^Host .*", text, re.M) == ["Host Web_1"]
    options = ssh(text, "Web_1")
    assert options["hostkeyalias"].lower() == "web_1.vsock"
    assert options["user"] == "j.doe" and options["identityfile"] == "~/.ssh/a key"
    assert options["identitiesonly"] == "yes" and options["checkhostip"] == "no"
    assert options["proxyusefdpass"] == ("yes" if kind in ("systemd", "mux") else "no")
    assert "70000" in options["proxycommand"]
    assert ADDRESS[kind] in options["proxycommand"] + options["hostname"]
    other = ssh(text, "other")
    assert other["user"] == "other" and other["port"] == "1"
    assert "proxycommand" not in other and "hostkeyalias" not in other


def test_linux_takes_what_the_host_has(debian, ssh, tmp_path):
    """ssh asks the user's shell, here one that says what it is told."""
    text = client(debian, "--for=linux:42", "--name=web1")
    for has, command, fdpass in ((0, f"{PROXY} vsock/42 22", "yes"),
                                 (1, "socat - VSOCK-CONNECT:42:22", "no")):
        shell = tmp_path / "shell"
        shell.write_text(f"#!/bin/sh\n[ \"$1 $2\" = '-c exec test -x {PROXY}' ] && exit {has}\n"
                         f"[ \"$1 $2\" = '-c test -x {PROXY}' ] && exit {has}\nexit 5\n")
        shell.chmod(0o755)
        options = ssh(text, "web1", shell)
        assert (options["proxycommand"], options["proxyusefdpass"]) == (command, fdpass)


@pytest.mark.parametrize("kind", KINDS)
def test_jump_through_the_host(kind, debian, ssh):
    for where in "hyp", "me@10.0.0.1", "ssh://me@hyp:2222":
        if kind not in JUMPING:
            assert "there is no --jump" in refused(debian, f"--for={kind}", f"--jump={where}")
            continue
        command = ssh(client(debian, f"--for={kind}", f"--jump={where}"), "guest")["proxycommand"]
        assert command.startswith(f"ssh -T {where} ")
    assert "socat - VSOCK" in client(debian, "--jump=hyp")  # as long as nobody says otherwise


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_jump_gets_through_two_shells(shell, debian, ssh, tmp_path):
    """The user's own, and his on the host: sshd joins the words and hands them to it. `ssh` and
    `socat` are played here, and say what arrives."""
    (tmp_path / "bin").mkdir()
    for name, script in (("ssh", f"[ \"$1 $2\" = '-T hyp' ] && shift 2 && exec {shell} -c \"$*\""),
                         ("socat", "printf '%s\\n' \"$@\"")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    commands = [ssh(client(debian, "--for=unix:/run/v.sock", *jump), "guest")["proxycommand"]
                for jump in ([], ["--jump=hyp"])]
    said = [subprocess.run([shell, "-c", f"exec {command}"], check=True, capture_output=True,
                           text=True, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}).stdout
            for command in commands]
    assert said[0] == said[1] and said[0].startswith("UNIX-CONNECT:/run/v.sock\nSYSTEM:")


@pytest.mark.parametrize("option,value", [
    (option, value) for option in ("name", "user", "identity", "jump", "for")
    for value in ("", "a\nProxyCommand x", "a\n\nHost *", 'a"b', "a\\", "-oProxyCommand=x")
    if (option, value[:1]) != ("identity", "-")])
def test_nothing_becomes_another_setting(option, value, debian):
    said = refused(debian, f"--{option}={value}")
    assert said.startswith(f"sshd-vsock: error: --{option} ") and "ProxyCommand" not in said


@pytest.mark.parametrize("option,value", [
    *((option, value) for option in ("name", "user", "jump", "for")
      for value in ("a b", "*", "a?", "!a", "a,b", "a;b", "$(a)", "a'b", "a#b")),
    *(("identity", value) for value in ("a%z", "100%", "${HOME", "C:\\key")),
    ("for", "socat:2"), ("for", "unix:a"), ("for", "unix:/a,b"), ("for", "winsocat:mint")])
def test_what_ssh_or_a_shell_would_take_apart_is_refused(option, value, debian):
    assert refused(debian, f"--{option}={value}").startswith(f"sshd-vsock: error: --{option}")


def test_wrong_kind(debian):
    said = refused(debian, "--for=systmd")
    assert ", ".join(KINDS) in said and 'did you mean "systemd"?' in said
    document = json.loads(debian.run("client", "--json", "--for=systmd").stdout)
    assert document["exit"] == 2 and document["client"] is None
    assert "--for names no kind of host" in document["error"]["what"]


def test_name_is_known_hosts_too(debian):
    debian.put("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA x\n")
    debian.put("/etc/ssh/ssh_host_ed25519_key", "-----BEGIN PRIVATE KEY-----\n")
    debian.at("/etc/ssh/ssh_host_ed25519_key").chmod(0o600)
    assert client(debian, "--known-hosts", "--name=web1", "--for=socat", "--user=a") == \
        "web1.vsock ssh-ed25519 AAAA\n"


def test_image_has_no_id_yet(debian):
    """Each machine that is made of it gets its own."""
    debian.put("/etc/hostname", "localhost\n")
    debian.put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    assert "\nHost guest\n" in client(debian)
    debian.put("/etc/hostname", "web1\n")
    assert "\nHost web1\n" in client(debian)


def test_data(debian):
    """All kinds of hosts, the one of the text first; and only that one where it was said."""
    def ways(*options):
        result = subprocess.run([program(), f"--root={debian}", "--json", "client", *options],
                                check=True, capture_output=True, text=True)
        found = json.loads(result.stdout)["client"]["ways"]
        assert {way["host"] for way in found} == {"guest"}
        return [way["id"] for way in found]

    assert ways() == KINDS
    assert ways("--for=hvc") == ["hvc"]
    assert ways("--jump=hyp") == JUMPING
