"""images/packer without Packer: what its scripts do in a machine, and the manual's example. Run by
it in tests/guest/test_packer.py."""

import os
import re
import subprocess

import pytest

from tree import CHECKOUT, program

EXAMPLE = CHECKOUT / "images/packer"
MANUAL = CHECKOUT / "doc/sshd-vsock.8"


def in_machine(machine, text):
    """The script, with its machine's directories in place of this one's. It runs here, as root: a path
    that is not known fails the test."""
    text = "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    known = r"/(etc|home|root|tmp|usr/sbin)\b"
    for path in re.findall(r"(?:^|[^\w.])(/\w\S*)", text, re.M):
        assert re.match(rf"{known}|/dev/null\b", path), path
    return re.sub(rf"(^|[^\w.]){known}", rf"\1{machine}/\2", text, flags=re.M)


@pytest.fixture(name="machine")
def root_directory(debian):
    """A tree, and programs that work on it alone."""
    for directory in ("tmp", "tools", "root/.ssh", "home/packer/.ssh"):
        debian.at(directory).mkdir(parents=True, exist_ok=True)
    debian.put("/tools/sshd-vsock", f"""#!/bin/sh
case $1 in apply) cp {debian}/etc/sshd-vsock.yaml {debian}/applied ;; esac
exec {program()} --root={debian} "$@"
""", mode=0o755)
    debian.put("/tools/cloud-init", "#!/bin/sh\n", mode=0o755)
    debian.put("/tmp/sshd-vsock", "the program")
    return debian


def run(machine, script, user="packer", home="/home/packer"):
    """Runs a script of the example's in it, as Packer does that came in as this user."""
    machine.put("/tools/getent", f"#!/bin/sh\n[ \"$*\" = 'passwd {user}' ] && "
                f"echo {user}:x:0:0::{machine}{home}:/bin/sh\n", mode=0o755)
    return subprocess.run(
        ["sh", "-c", in_machine(machine, (EXAMPLE / script).read_text("utf-8"))],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{machine}/tools:{os.environ['PATH']}", "SUDO_USER": user})


@pytest.mark.parametrize("wanted,applied", [
    ("disable_tcp: true\n", ""),
    ("port: 222\n# all of it\ndisable_tcp: true # at last\nhushlogin: true\n",
     "port: 222\n# all of it\nhushlogin: true\n"),
    ("\"disable_tcp\": true\n'port' : 222\n", "'port' : 222\n"),
    ("listen_address: 127.0.0.1\nport: 222\n", "port: 222\n"),
    ("listen_address:\n  - 127.0.0.1\n\n  - \"[::1]:22\"\nport: 222\n", "port: 222\n"),
    ("port: 222\nlisten_address:\n- 127.0.0.1\n# in the end\n- 127.0.0.2\n", "port: 222\n"),
    ("listen_address: [\n  127.0.0.1 ]\nport: 222 # disable_tcp is for later\n",
     "port: 222 # disable_tcp is for later\n"),
])
def test_what_closes_tcp_is_held_back(machine, wanted, applied):
    """Packer is in over TCP; the image gets the whole."""
    machine.put("/tmp/sshd-vsock.yaml", wanted)
    done = run(machine, "install.sh")
    assert done.returncode == 0, done.stderr
    assert machine.read("/applied").decode() == applied
    assert machine.read("/etc/sshd-vsock.yaml").decode() == wanted
    assert machine.read("/usr/sbin/sshd-vsock") == b"the program"
    assert os.listdir(machine.at("/tmp")) == []


@pytest.mark.parametrize("wanted", ["{disable_tcp: true}\n", "port: 222\n? disable_tcp\n: true\n",
                                    "{\n  listen_address: 127.0.0.1\n}\n"])
def test_what_cannot_be_held_back_ends_the_build(machine, wanted):
    """Before it cuts off Packer."""
    machine.put("/tmp/sshd-vsock.yaml", wanted)
    done = run(machine, "install.sh")
    assert done.returncode == 1 and "at the start of a line" in done.stderr
    assert not machine.at("/applied").exists()


def test_configuration_that_cannot_be_read_ends_the_build(machine):
    done = run(machine, "install.sh")
    assert done.returncode not in (0, 127) and not machine.at("/applied").exists()


def test_key_of_packer_is_gone(machine):
    """Also the one that cloud-init puts there for root, who is told to log in as somebody else."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDJ1"
    forced = ("no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login "
              "as the user \\\"debian\\\" rather than the user \\\"root\\\".';echo;sleep 10;exit 142\"")
    machine.put("/root/.ssh/authorized_keys", f"{key} mine\n{forced} {key} packer\n", mode=0o600)
    machine.put("/home/packer/.ssh/authorized_keys", f"{key} packer\n", mode=0o600)
    for _ in range(2):
        done = run(machine, "clean.sh")
        assert done.returncode == 0, done.stderr
        assert machine.read("/root/.ssh/authorized_keys").decode() == f"{key} mine\n"
        assert machine.at("/root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
        assert os.listdir(machine.at("/home/packer/.ssh")) == []
    machine.remove("/root/.ssh/authorized_keys")
    assert run(machine, "clean.sh").returncode == 0


@pytest.mark.parametrize("user,home", (("root", "/root"), ("packer", "/srv/packer")))
def test_key_of_packer_is_gone_wherever_it_came_in(machine, user, home):
    machine.put(f"{home}/.ssh/authorized_keys", "ssh-ed25519 AAAA packer\n", mode=0o600)
    done = run(machine, "clean.sh", user, home)
    assert done.returncode == 0, done.stderr
    assert os.listdir(machine.at(f"{home}/.ssh")) == []


def test_example_of_the_manual_fails_where_apply_does(machine):
    """The first command of `inline` that fails has to end the build: no line after it runs."""
    (example,) = re.findall(r"^provisioner \"shell\" \{\n(.*?)^\}", MANUAL.read_text("utf-8"),
                            re.M | re.S)
    (command,) = re.findall(r"execute_command = \"(.*)\"", example)
    lines = re.findall(r"^    \"(.*)\",$", example, re.M)
    assert len(lines) == 2
    machine.put("/tools/sudo", "#!/bin/sh\nexec \"$@\"\n", mode=0o755)
    machine.put("/tools/sshd-vsock", "#!/bin/sh\nexit 4\n", mode=0o755)
    script = machine.put("/tmp/script", "#!/bin/sh -e\n" + in_machine(machine, "\n".join(lines)))
    command = command.replace("{{ .Vars }}", "A=b").replace("{{ .Path }}", str(script))
    done = subprocess.run(["sh", "-c", command], check=False, env={
        **os.environ, "PATH": f"{machine}/tools:{os.environ['PATH']}"})
    assert done.returncode == 4 and not machine.at("/etc/sshd-vsock.yaml").exists()
