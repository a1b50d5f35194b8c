"""images/ansible without Ansible: its numbers and tables agree, and what an image tree may hold in the
module's way. Run in tests/guest/test_ansible.py."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from tree import CHECKOUT, LIMIT, program, state

COLLECTION = CHECKOUT / "images/ansible"
ROLE = COLLECTION / "roles/listener"
README = (COLLECTION / "README.md").read_text("utf-8")


def read(path):
    """A file of YAML."""
    return yaml.safe_load(path.read_text("utf-8"))


def test_version_is_the_programs():
    version = re.search(r"project\(sshd-vsock VERSION ([\d.]+)",
                        (CHECKOUT / "CMakeLists.txt").read_text("utf-8"))[1]
    galaxy = read(COLLECTION / "galaxy.yml")
    assert galaxy["version"] == version
    assert f"{galaxy['namespace']}-{galaxy['name']}-{version}.tar.gz" in README


def test_variables_of_the_role_are_documented():
    options = read(ROLE / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == read(
        ROLE / "defaults/main.yml")
    table = dict(re.findall(r"^\| `(sshd_vsock_\w+)` \| (.*?) \|", README, re.M))
    assert set(table) == set(options)
    for name, default in table.items():
        wanted = options[name]["default"]
        assert default == (f"`{wanted if wanted != {} else '{}'}`" if wanted != "" else "none")


def test_documentation_has_no_markup_that_the_oldest_ansible_lacks():
    """ansible-doc of 2.14 prints V(…), O(…), E(…) and P(…) as they stand."""
    text = (COLLECTION / "plugins/modules/sshd_vsock.py").read_text("utf-8").split("import json")[0]
    assert set(re.findall(r"\b([A-Z]+)\(", text)) <= set("BCILMRU")


# What the module takes of Ansible, as far as it is needed here.
ANSIBLE = """
import json, os, subprocess, sys


class AnsibleModule:
    def __init__(self, argument_spec, supports_check_mode):
        given = json.loads(sys.argv[1])
        self.check_mode = given.pop("check_mode", False)
        self.params = {name: given.get(name, argument_spec[name].get("default"))
                       for name in argument_spec}
        self._diff, self.tmpdir = True, "."

    def exit_json(self, **result):
        print(json.dumps(dict(result, failed=False)))
        sys.exit(0)

    def fail_json(self, **result):
        print(json.dumps(dict(result, failed=True)))
        sys.exit(1)

    def warn(self, text):
        pass

    def run_command(self, command, data, binary_data):
        done = subprocess.run(command, input=data or "", capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def atomic_move(self, source, target):
        os.rename(source, target)
"""


@pytest.fixture(name="module")
def ansible_module(folder):
    """Runs the module as Ansible does; returns its result."""
    (folder / "ansible/module_utils").mkdir(parents=True)
    (folder / "ansible/module_utils/basic.py").write_text(ANSIBLE, encoding="utf-8")

    def run(**parameters):
        done = subprocess.run(
            [sys.executable, COLLECTION / "plugins/modules/sshd_vsock.py",
             json.dumps({"program": program(), **parameters})], cwd=folder, timeout=LIMIT,
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return run


def foreign(distribution, path, kind):
    """Puts something there that is no file of the image; what the link leads to would show itself."""
    distribution.remove(path)
    if kind == "fifo":
        os.mkfifo(distribution.at(path))
    elif kind == "directory":
        distribution.at(path).mkdir()
    elif kind == "large":
        distribution.put(path, "#" * (2 << 20))
    elif kind == "endless":
        distribution.link(path, "/dev/zero")
    else:
        outside = distribution.root.parent / "machine"
        outside.write_text(CONFIG_OF_THE_MACHINE, encoding="utf-8")
        distribution.link(path, str(outside))


def test_plan_of_a_configuration_that_is_not_written_yet_carries_nothing(debian, module):
    """Where the unit changes for that alone it is not in the plan, however many hunks it has."""
    assert not module(root=str(debian), config={"port": 222})["failed"]
    result = module(root=str(debian), config={"port": 223}, check_mode=True)
    names = [operation["name"] for operation in result["operations"]]
    assert "/etc/systemd/system/sshd-vsock.socket" in names and UNIT not in names
    debian.put(UNIT, debian.read(UNIT).replace(b"[Unit]\n", b"[Unit]\n# drift\n"))
    result = module(root=str(debian), config={"port": 223}, check_mode=True)
    (shown,) = [part["prepared"] for part in result["diff"] if UNIT in part.get("prepared", "")]
    assert "-# drift\n" in shown and "StandardInput" not in shown and shown.count("\n@@ ") == 2


CONFIG_OF_THE_MACHINE = """# Written by Ansible (sshd_vsock.guest.sshd_vsock). Changes are lost at its next run.
# Managed by sshd-vsock
secret: 1
"""
KINDS = ["link", "fifo", "directory", "large", "endless"]
CONFIGURATION = "/etc/sshd-vsock.yaml"
UNIT = "/etc/systemd/system/sshd-vsock-provision.service"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check_mode", [True, False])
def test_configuration_of_an_image_is_a_file(debian, module, kind, check_mode):
    """As root, whom a link of the image would have shown and copied a file of the machine's own."""
    foreign(debian, CONFIGURATION, kind)
    before = state(debian.root.parent)
    result = module(root=str(debian), config={"port": 222}, check_mode=check_mode)
    assert result["failed"] and "/etc/sshd-vsock.yaml is no regular file" in result["msg"]
    assert "secret" not in json.dumps(result)
    assert state(debian.root.parent) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [CONFIGURATION, UNIT])
def test_what_is_no_file_of_the_image_was_not_put_there_by_us(debian, module, path, kind):
    foreign(debian, path, kind)
    before = state(debian.root.parent)
    result = module(root=str(debian), state="absent", program="/nowhere")
    assert not result["failed"] and not result["changed"]
    assert "secret" not in json.dumps(result)
    assert state(debian.root.parent) == before


def test_image_gets_what_was_asked_for(debian, module):
    """The same, where nothing is in the way."""
    assert module(root=str(debian), config={"port": 222}, check_mode=True)["changed"]
    for changed in True, False:
        result = module(root=str(debian), config={"port": 222})
        assert (result["failed"], result["changed"]) == (False, changed), result
    assert debian.read(CONFIGURATION).endswith(b"\nport: 222\n")
    assert module(root=str(debian), state="absent")["changed"]
    assert not debian.at(CONFIGURATION).exists() and not debian.at(UNIT).exists()
