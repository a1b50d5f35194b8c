"""images/ansible, run by Debian's ansible-core: on guests over vsock only, and on an image tree.

The controller is a tree of its own. A relay in this process leads from a UNIX socket there to the one
of a guest's vsock device, which is another sandbox's; all else is as `sshd-vsock client` prints it.
"""

import json
import re
import socket
import socketserver
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from guest import Guest, package_in_builder
from guest.sandbox import Sandbox
from guest.sanitizer import reports
from guest.test_cloud_init import LISTING
from guest.test_self_contained import REPOSITORY
from guest.trees import Recipe, guest_recipe, tree

COLLECTION = Path(__file__).resolve().parents[2] / "images/ansible"
# ansible-core 2.14 is the oldest that the collection asks for; 2.19 (trixie) is another engine inside.
CONTROLLERS = ("bookworm", "trixie")
EVERY_RUN = {"test_module_on_an_image[bookworm]", "test_play_goes_on_over_vsock[bookworm-trixie]"}


def controller_recipe(suite):
    """A machine with Ansible."""
    return Recipe(f"{suite}+ansible", suite, ("ansible-core", "openssh-client", "socat",
                                              "libyaml-0-2", "libsystemd0"))


# With a python: the tree of test_cloud_init, where cloud-init has nothing to do.
PACKAGES = ["cloud-init"]


def readme(name):
    """A file that the README shows, by the comment it begins with."""
    text = (COLLECTION / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```\w*\n# {re.escape(name)}\n(.*?)^```", text, re.M | re.S)
    return found


def commands():
    """The README's command lines."""
    text = (COLLECTION / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^    (ansible-.*)$", text, re.M)


class Relay(socketserver.ThreadingUnixStreamServer):
    """A UNIX socket that leads to another one."""

    daemon_threads = True

    def __init__(self, path, to):
        self.to = to
        path.unlink(missing_ok=True)  # of a test before, with the same controller
        super().__init__(str(path), Pair)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Pair(socketserver.BaseRequestHandler):
    """One connection of a relay. The device survives no half of one: both ends go together."""

    def handle(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(self.server.to))
            back = threading.Thread(target=self.copy, args=[other, self.request], daemon=True)
            back.start()
            self.copy(self.request, other)
            back.join()

    @staticmethod
    def copy(source, target):
        """From one to the other until either ends."""
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Controller:
    """A machine with Ansible, the collection and nothing else of ours."""

    def __init__(self, suite):
        machine = tree(controller_recipe(suite))
        self.sandbox = Sandbox()
        self.sandbox.overlay(machine, "controller")
        self.sandbox.mount("proc", "controller/proc")
        self.sandbox.mount("tmpfs", "controller/dev/shm")
        self.root = self.sandbox.path("controller")
        for file in COLLECTION.rglob("*"):
            if file.is_file():
                self.put(f"work/images/ansible/{file.relative_to(COLLECTION)}",
                         file.read_bytes())
        for command in commands()[:2]:
            self.check(command)

    def put(self, path, content, mode=0o644):
        """Writes a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)

    def run(self, command):
        """Runs a command in the folder where the README's are run."""
        process = self.sandbox.popen(
            ["env", "HOME=/root", "LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
             "ANSIBLE_TIMEOUT=60", "sh", "-c", f"cd /work && {command}"], chroot="controller",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said.decode(errors="replace")

    def check(self, command):
        """Runs one that has to succeed; returns what it said."""
        status, said = self.run(command)
        assert status == 0, said
        return said

    def close(self):
        """Ends it, and fails where the program found a fault in itself."""
        found = reports(self.root)
        self.sandbox.close()
        assert not found, found


@pytest.fixture(scope="module", name="controller", params=CONTROLLERS)
def make_controller(request):
    controller = Controller(request.param)
    yield controller
    controller.close()


# ---- an image tree, with no machine -------------------------------------------------------------

IMAGE = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    sshd_vsock.guest.sshd_vsock: &image
      root: /image
      config: {disable_tcp: true, verify_timeout: "{{ 20 }}", require_login: [root]}
  tasks:
    - {name: planned, sshd_vsock.guest.sshd_vsock: {}, check_mode: true, diff: true, register: r}
    - {set_fact: {planned: "{{ r }}"}}
    - {stat: {path: /image/etc/systemd/system/sshd-vsock.socket}, register: unwritten}
    - {name: applied, sshd_vsock.guest.sshd_vsock: {}, diff: true, register: applied}
    - {name: again, sshd_vsock.guest.sshd_vsock: {}, diff: true, register: again}
    - {name: nothing, sshd_vsock.guest.sshd_vsock: {}, check_mode: true, register: nothing}
    - {file: {path: /image/etc/systemd/system/sshd-vsock@.service, state: absent}}
    - {name: drift, sshd_vsock.guest.sshd_vsock: {}, check_mode: true, diff: true, register: drift}
    - {name: healed, sshd_vsock.guest.sshd_vsock: {}, register: healed}
    - {name: other, sshd_vsock.guest.sshd_vsock: {config: {port: 222}}, check_mode: true, diff: true,
       register: other}
    - {name: left, sshd_vsock.guest.sshd_vsock: {config: "{{ omit }}"}, register: left}
    - {name: wrong, sshd_vsock.guest.sshd_vsock: {config: {disable_tpc: true}}, ignore_errors: true,
       register: wrong}
    - {copy: {dest: /image/etc/systemd/system/sshd-vsock@.service, content: "[Service]\\nExecStart=x\\n"}}
    - {name: conflict, sshd_vsock.guest.sshd_vsock: {}, ignore_errors: true, register: conflict}
    - {file: {path: /image/etc/systemd/system/sshd-vsock@.service, state: absent}}
    - {slurp: {src: /image/etc/sshd-vsock.yaml}, register: file}
    - {name: would, sshd_vsock.guest.sshd_vsock: {state: absent}, check_mode: true, register: would}
    - {name: removed, sshd_vsock.guest.sshd_vsock: {state: absent}, register: removed}
    - {name: gone, sshd_vsock.guest.sshd_vsock: {state: absent}, register: gone}
    - {name: missing, sshd_vsock.guest.sshd_vsock: {program: /nowhere}, ignore_errors: true,
       register: missing}
    - {name: unknown, sshd_vsock.guest.sshd_vsock: {program: /nowhere}, check_mode: true,
       register: unknown}
    - copy:
        dest: /results.json
        content: "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
      vars:
        names: [planned, unwritten, applied, again, nothing, drift, healed, other, left, wrong,
                conflict, file, would, removed, gone, missing,
                unknown]
"""


def names(result):
    """What was operated on."""
    return [operation["name"] for operation in result["operations"]]


def shown(result):
    """The differences, as text."""
    return "".join(part.get("prepared", "") or part["after"] for part in result["diff"])


def test_module_on_an_image(controller, program):
    """`changed`, check mode and diff mode say what is so, each time."""
    controller.sandbox.overlay(tree(guest_recipe("bookworm")), "controller/image")
    controller.put("usr/sbin/sshd-vsock", program.read_bytes(), mode=0o755)
    controller.put("work/image.yaml", IMAGE)
    said = controller.check("ansible-playbook image.yaml")
    found = json.loads((controller.root / "results.json").read_text(encoding="utf-8"))
    assert {name: found[name]["changed"] for name in found} == {
        "planned": True, "unwritten": False, "applied": True, "again": False, "nothing": False,
        "drift": True, "healed": True, "other": True, "left": False, "wrong": False,
        "conflict": False, "file": False, "would": True, "removed": True, "gone": False,
        "missing": False, "unknown": True}, said
    unit = "/etc/systemd/system/sshd-vsock@.service"
    provision = "/etc/systemd/system/sshd-vsock-provision.service"

    assert not found["unwritten"]["stat"]["exists"]
    assert names(found["planned"]) == names(found["applied"]) and unit in names(found["applied"])
    assert all(op["done"] for op in found["applied"]["operations"])
    assert not any(op["done"] for op in found["planned"]["operations"])
    assert shown(found["planned"]) == shown(found["applied"])
    assert "\nExecStart=" not in shown(found["planned"]) and "+ExecStart=" in shown(found["planned"])
    assert found["again"]["operations"] == found["again"]["diff"] == []
    assert names(found["drift"]) == names(found["healed"]) == [unit]
    assert f"+++ {unit}" in shown(found["drift"])
    # of the configuration that is only planned nothing is carried
    assert provision not in names(found["other"]) and "port: 222\n" in shown(found["other"])
    assert "+ListenStream=vsock::222" in shown(found["other"])

    assert "did you mean" in found["wrong"]["msg"] and "fix:" not in found["wrong"]["msg"]
    assert unit in found["conflict"]["msg"] and "; fix: " in found["conflict"]["msg"]
    assert controller.root.joinpath("image", unit.lstrip("/")).exists() is False
    assert "/nowhere" in found["missing"]["msg"] and "install it" in found["missing"]["msg"]
    assert "not there yet" in found["unknown"]["warnings"][0]


def test_configuration_is_what_was_asked_for(controller, program):
    """As the program reads it, whatever a template made of it."""
    controller.sandbox.overlay(tree(guest_recipe("bookworm")), "controller/image2")
    controller.put("usr/sbin/sshd-vsock", program.read_bytes(), mode=0o755)
    controller.put("work/config.yaml", """
- hosts: localhost
  gather_facts: false
  tasks:
    - sshd_vsock.guest.sshd_vsock:
        root: /image2
        config:
          port: "{{ 200 + 22 }}"
          hushlogin: "{{ true }}"
          hosts_entry: 127.0.0.9
          listen_address: ["127.0.0.1", "[::1]:2222"]
""")
    controller.check("ansible-playbook config.yaml")
    text = (controller.root / "image2/etc/sshd-vsock.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[1:] == ["hosts_entry: \"127.0.0.9\"", "hushlogin: true",
                                     "listen_address: [\"127.0.0.1\", \"[::1]:2222\"]", "port: 222"]
    assert "127.0.0.9 UNKNOWN" in (controller.root / "image2/etc/hosts").read_text(encoding="utf-8")


def test_module_is_documented(controller):
    said = controller.check("ansible-doc sshd_vsock.guest.sshd_vsock && "
                            "ansible-doc -t role sshd_vsock.guest.listener")
    for word in ("unverified", "disable_tcp", "sshd_vsock_program", "EXAMPLES"):
        assert word in said


# ---- guests, over vsock alone -------------------------------------------------------------------

TCP_IS_OPEN = """
  pre_tasks:
    - {name: TCP is open, ansible.builtin.shell: "ss -ltnH | grep -q :22", changed_when: false}
"""


def start(stack, suite, number, program, packages=tuple(PACKAGES), furnish=lambda guest: None):
    """A guest that has a listener, and nothing closed."""
    def prepare(guest):
        guest.put("/etc/cloud/cloud-init.disabled", "")
        guest.put("/etc/hostname", f"web{number}\n")
        furnish(guest)

    guest = stack.enter_context(Guest(suite, packages=packages, prepare=prepare))
    guest.install(program)
    guest.check("sshd-vsock apply", timeout=120)
    return guest


def enlist(controller, guests):
    """The README's inventory, with each guest's own stanza."""
    stanzas, known, hosts = "", "", []
    for number, guest in enumerate(guests, 1):
        command = guest.ssh_command()
        proxy = next(word for word in command if word.startswith("ProxyCommand="))
        Relay(controller.root / f"run/web{number}.vsock", proxy.split()[-2])
        client = json.loads(guest.check("sshd-vsock --json client"))["client"]
        (way,) = [way for way in client["ways"] if way["id"] == "unix"]
        assert "PATH" in way["ssh_config"]
        stanzas += (way["ssh_config"].replace("PATH", f"/run/web{number}.vsock")
                    + f"    IdentityFile /root/key{number}\n    IdentitiesOnly yes\n")
        key = Path(command[command.index("-i") + 1])
        controller.put(f"root/key{number}", key.read_bytes(), mode=0o600)
        known += guest.check("sshd-vsock client --known-hosts")
        hosts.append(way["host"])
    inventory = readme("inventory.yaml")
    assert inventory.count("    web1:\n") == 1 and "Host web1\n" in readme("ssh_config")
    controller.put("work/ssh_config", stanzas)
    controller.put("work/known_hosts", known)
    controller.put("work/inventory.yaml", inventory.replace(
        "    web1:\n", "".join(f"    {host}:\n" for host in hosts)))
    return hosts


def recap(said):
    """What Ansible counted, by host."""
    return {host: {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in re.findall(r"^(\S+) +: (ok=.*)$", said, re.M)}


def play(controller, guests):
    """The README to the letter, and TCP closes in the middle."""
    hosts = enlist(controller, guests)
    playbook = readme("playbook.yaml")
    assert playbook.count("\n  roles:\n") == 1
    controller.put("work/playbook.yaml", playbook.replace("\n  roles:\n", TCP_IS_OPEN + "  roles:\n"))
    checked, done = commands()[2:4]

    listings = [guest.check(LISTING) for guest in guests]
    said = controller.check(checked)
    assert {host: counts["changed"] for host, counts in recap(said).items()} == dict.fromkeys(
        hosts, 1), said
    assert "+disable_tcp: true" in said and "systemctl stop ssh.service" in said
    assert [guest.check(LISTING) for guest in guests] == listings

    said = controller.check(done)
    assert {host: (counts["changed"], counts["failed"], counts["unreachable"])
            for host, counts in recap(said).items()} == dict.fromkeys(hosts, (1, 0, 0)), said
    for guest in guests:
        assert guest.check("ss -ltnH") == ""

    controller.put("work/playbook.yaml", playbook)
    said = controller.check(done)
    assert {host: (counts["changed"], counts["failed"], counts["unreachable"])
            for host, counts in recap(said).items()} == dict.fromkeys(hosts, (0, 0, 0)), said


@pytest.mark.parametrize("suites", [("trixie",), ("bookworm", "trixie", "forky", "bookworm")],
                         ids=["trixie", "four"])
def test_play_goes_on_over_vsock(controller, program, suites):
    with ExitStack() as stack:
        play(controller, [start(stack, suite, number, program)
                          for number, suite in enumerate(suites, 1)])


def test_role_installs_the_program_that_fits(controller, program):
    """And a machine whose listener lets nobody in keeps TCP: a failed task, with the reason."""
    with ExitStack() as stack:
        guest = start(stack, "bookworm", 1, program)
        (host,) = enlist(controller, [guest])
        controller.put("work/files/amd64", program.read_bytes())
        controller.put("work/role.yaml", """
- hosts: guests
  gather_facts: false
  roles:
    - role: sshd_vsock.guest.listener
      vars:
        sshd_vsock_program: {x86_64: files/amd64, aarch64: files/nowhere}
        sshd_vsock_config: {disable_tcp: true, require_login: [nobody]}
""")
        status, said = controller.run("ansible-playbook -i inventory.yaml role.yaml")
        counts = recap(said)[host]
        assert (status, counts["failed"], counts["unreachable"]) == (2, 1, 0), said
        assert "; fix: " in said
        guest.check("ss -ltnH | grep -q :22 && test -x /usr/local/sbin/sshd-vsock")


def add_repository(guest):
    """The one source that its APT has, with our package in it."""
    guest.put("/srv/repository/sshd-vsock.deb", package_in_builder().read_bytes())
    guest.chroot(REPOSITORY)
    guest.put("/etc/apt/sources.list", "deb [trusted=yes] file:/srv/repository ./\n")
    guest.chroot("apt-get -q update")


def test_role_installs_the_package(controller, program):
    """From a source that the machine has; in check mode it says so, and installs nothing."""
    with ExitStack() as stack:
        guest = start(stack, "bookworm", 1, program, ["python3-apt"], add_repository)
        (host,) = enlist(controller, [guest])
        controller.put("work/package.yaml", """
- hosts: guests
  gather_facts: false
  roles:
    - role: sshd_vsock.guest.listener
      vars: {sshd_vsock_package: sshd-vsock, sshd_vsock_config: {disable_tcp: true}}
""")
        owner = "dpkg-query -S /usr/sbin/sshd-vsock"
        for options, changed, packaged in (" --check", 2, False), ("", 2, True), ("", 0, True):
            said = controller.check(f"ansible-playbook{options} -i inventory.yaml package.yaml")
            assert recap(said)[host]["changed"] == changed, said
            assert (guest.run(owner).status == 0) == packaged
        assert guest.check("ss -ltnH") == "" and guest.ssh("exit 5").status == 5
        before = guest.check("cat /etc/sshd-vsock.yaml")
        controller.check("sed -i 's/, sshd_vsock_config: .*}}/}/' package.yaml")
        said = controller.check("ansible-playbook -i inventory.yaml package.yaml")
        assert recap(said)[host]["changed"] == 0, said  # a role without a configuration opens nothing again
        assert guest.check("cat /etc/sshd-vsock.yaml") == before and guest.check("ss -ltnH") == ""
