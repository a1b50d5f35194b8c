"""images/cloud-init/self-contained, without a machine: what it writes, how a machine picks from it,
and what it says to those it cannot help. Booted in tests/guest/test_self_contained.py."""

import base64
import gzip
import os
import re
import subprocess
import sys

import pytest
import yaml

from tree import CHECKOUT

TOOL = CHECKOUT / "images/cloud-init/self-contained"
PLACE = "/usr/local/sbin"
# e_ident and e_machine, and something to tell it by.
X86_64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00 x86_64"
AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00 aarch64"
S390X = b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x02\x00\x16 s390x"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDJ1 you@example"
PGP = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBA==\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture(name="here")
def files(tmp_path):
    """A folder with what the arguments name."""
    for name, content in (("amd64", X86_64), ("arm64", AARCH64), ("s390x", S390X)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "key.pub").write_text(f"# mine\n{KEY}\n")
    (tmp_path / "key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "archive.asc").write_text(PGP)
    (tmp_path / "config").write_text("port: 222\nhushlogin: [root]\n")
    return tmp_path


def call(here, *words, **environment):
    """Runs the tool in the folder."""
    return subprocess.run([sys.executable, TOOL, *words], cwd=here, capture_output=True,
                          encoding="utf-8", check=False, env={**os.environ, **environment})


def made(here, *words):
    """The document that it makes, read as cloud-init reads it."""
    done = call(here, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("#cloud-config\n")
    return yaml.safe_load(done.stdout)


def written(document):
    """write_files by path."""
    return {entry["path"]: entry for entry in document["write_files"]}


def script(document):
    """What runcmd runs."""
    (command,) = document["runcmd"]
    assert command[:2] == ["sh", "-euc"]
    return command[2]


def stub_tools(here, machine, meanwhile=""):
    """Programs as a machine of this name has them; who sleeps does something else meanwhile."""
    tools = here / "tools"
    tools.mkdir()
    (tools / "uname").write_text(f"#!/bin/sh\necho {machine}\n")
    (tools / "cloud-init").write_text(f"#! {sys.executable} -s\n")
    (tools / "sleep").write_text(f"#!/bin/sh\necho $1 >>{here}/slept\n. {here}/meanwhile\n")
    (here / "meanwhile").write_text(meanwhile)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return tools


def boot(document, here, machine, meanwhile=""):
    """Runs that on a machine of this name: only its folder is another. Returns the exit status and
    what was said."""
    place = here / "sbin"
    place.mkdir()
    for path, entry in written(document).items():
        if path.startswith(PLACE):
            file = place / path.rpartition("/")[2]
            file.write_bytes(gzip.decompress(base64.b64decode(entry["content"])))
            file.chmod(int(entry["permissions"], 8))
    tools = stub_tools(here, machine, meanwhile)
    done = subprocess.run(["sh", "-euc", script(document).replace(PLACE, str(place))],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    return done, {file.name: file.read_bytes() for file in place.iterdir()}


def test_carries_each_program_as_it_is(here):
    document = made(here, "amd64", "arm64", "s390x", "--key=key.pub")
    files = written(document)
    assert list(files) == [f"{PLACE}/sshd-vsock.{name}" for name in ("aarch64", "s390x", "x86_64")
                           ] + ["/etc/sshd-vsock.yaml"]
    for name, content in (("aarch64", AARCH64), ("s390x", S390X), ("x86_64", X86_64)):
        entry = files[f"{PLACE}/sshd-vsock.{name}"]
        assert (entry["encoding"], entry["permissions"]) == ("gz+b64", "0755")
        assert gzip.decompress(base64.b64decode(entry["content"])) == content
    assert files["/etc/sshd-vsock.yaml"]["content"] == "disable_tcp: true\n"
    assert document["ssh_authorized_keys"] == [KEY]
    assert call(here, "amd64").stdout == call(here, "amd64").stdout


@pytest.mark.parametrize("machine,content", [("x86_64", X86_64), ("aarch64", AARCH64)])
def test_machine_takes_the_one_that_fits(here, machine, content):
    """It does not run here, which is as far as this goes: 126, as no shell knows such a file."""
    done, left = boot(made(here, "amd64", "arm64"), here, machine)
    assert left == {"sshd-vsock": content}
    assert done.returncode in (2, 126, 127) and "sshd-vsock" in done.stderr


def test_machine_that_none_fits(here):
    done, left = boot(made(here, "amd64", "arm64"), here, "riscv64")
    assert done.returncode == 1 and left == {}
    assert "has it for aarch64, x86_64; this is riscv64" in done.stderr


def test_fetched(here):
    """From a URL with the machine's name in it; other bytes are not taken."""
    (here / "at.x86_64").write_bytes(X86_64)
    (here / "at.aarch64").write_bytes(X86_64)
    url = f"--source=file://{here}/at.%m"
    document = made(here, url, "amd64", "arm64")
    assert list(written(document)) == ["/etc/sshd-vsock.yaml"]
    _, left = boot(document, here, "x86_64")
    assert left == {"sshd-vsock": X86_64}
    assert not (here / "slept").exists()


def test_fetched_at_the_third_try(here):
    """A server that is not there yet; one that says nothing is waited for 60 seconds each time."""
    document = made(here, f"--source=file://{here}/late", "amd64")
    assert "setdefaulttimeout(60)" in script(document)
    late = f"[ $1 = 5 ] || cp {here}/amd64 {here}/late\n"
    done, left = boot(document, here, "x86_64", meanwhile=late)
    assert left == {"sshd-vsock": X86_64}, done.stderr
    assert (here / "slept").read_text() == "5\n15\n"


@pytest.mark.parametrize("machine,words", [
    ("aarch64", "FAILED"), ("s390x", "at.s390x cannot be fetched"), ("riscv64", "this is riscv64")])
def test_nothing_else_is_fetched(here, machine, words):
    (here / "at.x86_64").write_bytes(X86_64)
    (here / "at.aarch64").write_bytes(X86_64)
    done, left = boot(made(here, f"--source=file://{here}/at.%m", "amd64", "arm64", "s390x"), here,
                      machine)
    assert done.returncode == 1 and left == {}
    assert words in done.stdout + done.stderr


def test_nothing_is_fetched_where_there_is_no_place_for_it(here):
    """runcmd begins in /, which is not to get it instead."""
    (here / "at.x86_64").write_bytes(X86_64)
    (here / "place").write_text("no directory")
    (here / "elsewhere").mkdir()
    tools = stub_tools(here, "x86_64")
    text = script(made(here, f"--source=file://{here}/at.%m", "amd64"))
    done = subprocess.run(["sh", "-euxc", text.replace(PLACE, str(here / "place"))],
                          cwd=here / "elsewhere", capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "url=" not in done.stderr
    assert list((here / "elsewhere").iterdir()) == []


def test_apt(here):
    document = made(here, "--source=deb [arch=amd64] https://apt.example.org stable main",
                    "--source-key=archive.asc", "--config=config")
    files = written(document)
    keyring = "/etc/apt/keyrings/sshd-vsock.asc"
    assert files[keyring]["content"] == PGP
    assert files["/etc/apt/sources.list.d/sshd-vsock.list"]["content"] == (
        f"deb [arch=amd64 signed-by={keyring}] https://apt.example.org stable main\n")
    assert files["/etc/sshd-vsock.yaml"]["content"] == "port: 222\nhushlogin: [root]\n"
    assert document["packages"] == ["sshd-vsock"] and script(document) == "sshd-vsock apply\n"


def test_yum(here):
    files = written(made(here, "--source=yum:https://yum.example.org/el9",
                         "--source-key=archive.asc"))
    repository = files["/etc/yum.repos.d/sshd-vsock.repo"]["content"].splitlines()
    assert repository[0] == "[sshd-vsock]"
    assert {"baseurl=https://yum.example.org/el9", "gpgcheck=1",
            "gpgkey=file:///etc/pki/rpm-gpg/sshd-vsock.asc"} < set(repository)


@pytest.mark.parametrize("words,warned", [
    (["--source=yum:https://example.org/el9"], True),
    (["--source=yum:https://example.org/el9", "--source-key=archive.asc"], False),
    (["--source=deb https://example.org ./"], True),
    (["--source=deb [arch=amd64] https://trusted.example.org ./"], True),
    (["--source=deb https://example.org ./", "--source-key=archive.asc"], False),
    (["--source=deb [trusted=yes] https://example.org ./"], False),
    (["--source=deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://example.org ./"], False),
    (["--source=https://example.org/x", "amd64"], False),
    (["amd64"], False)])
def test_says_that_packages_would_not_be_trusted(here, words, warned):
    """The machine would say so at its first boot, where nobody gets in to read it."""
    done = call(here, *words, "--key=key.pub")
    assert done.returncode == 0 and ("no --source-key" in done.stderr) == warned


@pytest.mark.parametrize("content", ["", "a: 1", "\n", " a: 1\n", "a: 1 \n", "a: 1\n\n", "\ta: 1\n",
                                     "a: 1\r\n", "a: \"\x85\"\n", "# ü\na: 1\n\nb: 2\n",
                                     "# \U0001f511\n", "a: \"\\\U0001f511\x7f\u2028\ufeff\"\n"])
def test_configuration_comes_out_as_it_went_in(here, content):
    (here / "config").write_text(content, encoding="utf-8", newline="")
    assert written(made(here, "amd64", "--config=config"))["/etc/sshd-vsock.yaml"][
        "content"] == content


def test_characters_beyond_the_basic_plane(here):
    """Two halves of one, as JSON writes it, are no text for cloud-init, which then reads nothing of the
    file."""
    comment = "\U0001f511 \u00fc you"
    (here / "key.pub").write_text(f"{KEY} {comment}\n", encoding="utf-8")
    (here / "config").write_text(f"# \"{comment}\" \nport: 222\n", encoding="utf-8")
    done = call(here, "amd64", "--key=key.pub", "--config=config", PYTHONUTF8="1")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\\u[dD][89a-fA-F]", done.stdout) and max(done.stdout) <= "\uffff"
    document = yaml.safe_load(done.stdout)
    assert document["ssh_authorized_keys"] == [f"{KEY} {comment}"]
    assert comment in written(document)["/etc/sshd-vsock.yaml"]["content"]


def test_readme_writes_over_no_file_that_is_there():
    """A user-data is beside it, for another kind of image."""
    readme = (TOOL.parent / "README.md").read_text("utf-8")
    written_to = re.findall(r"^    \./self-contained .*>(\S+)$", readme, re.M)
    assert len(written_to) == 4 and not any((TOOL.parent / name).exists() for name in written_to)
    assert set(re.findall(r"(?:--config-file|seed\.img) (\S*user-data\S*)", readme)) == set(written_to)


@pytest.mark.parametrize("words,said", [
    ([], "name the PROGRAM, or a --source"),
    (["key.pub"], "dpkg-deb -x"),
    (["amd64", "amd64"], "one per architecture"),
    (["nowhere"], "nowhere: No such file"),
    (["amd64", "--key=key"], "give key.pub"),
    (["amd64", "--key=config"], "ssh-keygen -t ed25519"),
    (["amd64", "--key=arm64"], "arm64 is no text"),
    (["amd64", "--source=ftp://example.org/x"], "see --help"),
    (["amd64", "arm64", "--source=https://example.org/x"], "put %m into the URL"),
    (["amd64", "--source=https://example.org/$(reboot)"], "written as %XX"),
    (["--source=https://example.org/x"], "its checksum"),
    (["amd64", "--source=deb https://example.org ./"], "leave out PROGRAM"),
    (["amd64", "--source-key=archive.asc"], "belongs to an APT or yum"),
    (["--source=deb https://example.org ./", "--source-key=key.pub"], "gpg --export --armor"),
    (["amd64", "--output=nowhere/x"], "nowhere/x: No such file"),
])
def test_refuses_and_says_what_to_do(here, words, said):
    done = call(here, *words)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("self-contained: ") and said in done.stderr
    assert "Traceback" not in done.stderr


def test_says_where_it_does_not_fit_and_that_a_key_is_missing(here):
    (here / "large").write_bytes(X86_64 + os.urandom(20000))
    done = call(here, "large", "--output=user-data")
    assert "too large for Amazon EC2 (see --source)" in done.stderr and "no --key" in done.stderr
    assert (here / "user-data").read_text().startswith("#cloud-config\n")
    assert call(here, "amd64", "--key=key.pub").stderr == "self-contained: 1 KB\n"
