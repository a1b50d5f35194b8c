"""images/ansible without Ansible: its numbers and tables agree. Run in tests/guest/test_ansible.py."""

import re

import yaml

from tree import CHECKOUT

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
