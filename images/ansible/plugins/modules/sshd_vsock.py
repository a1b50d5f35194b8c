#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible's hands for sshd-vsock: the configuration's file, one run with --json, and its document
as a result. What to do, in which order and whether that is safe is all sshd-vsock's own."""

DOCUMENTATION = r"""
---
module: sshd_vsock
short_description: SSH on AF_VSOCK, verified before TCP closes
description:
  - Writes the configuration of sshd-vsock, and runs C(sshd-vsock apply), or C(remove).
  - A second run changes nothing, and says so.
  - In check mode nothing is written; C(sshd-vsock plan) says what would be.
options:
  state:
    description: C(absent) removes what C(apply) installed, and the configuration that this module wrote.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The keys of sshd-vsock.yaml(5). The file becomes exactly these.
      - Where it is left out, the file is left as it is.
    type: dict
  root:
    description: An image tree on the machine that the module runs on, instead of that machine itself.
    type: path
  program:
    description: Where sshd-vsock is; by default it is looked for.
    type: path
  unverified:
    description: What it is where this kernel has no vsock loopback to verify with (exit status 3); TCP then stays.
    type: str
    choices: [fail, accept]
    default: fail
requirements:
  - sshd-vsock on the machine
  - Python 3.6 or newer
attributes:
  check_mode:
    support: full
    description: Changes nothing, and reports what would be changed.
  diff_mode:
    support: full
    description: The files' differences, as C(sshd-vsock plan) shows them.
author:
  - The sshd-vsock authors
"""

EXAMPLES = r"""
- name: Only vsock from here on
  sshd_vsock.guest.sshd_vsock:
    config:
      disable_tcp: true

- name: An image tree, whose first boot verifies and closes
  sshd_vsock.guest.sshd_vsock:
    root: /srv/image
    config:
      disable_tcp: true
  delegate_to: localhost

- name: As it was before
  sshd_vsock.guest.sshd_vsock:
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, in check mode what would be; each with C(phase), C(kind), C(name) and C(done).
  returned: always
  type: list
  elements: dict
report:
  description: The document of C(--json), without what is above. Its schema comes with sshd-vsock.
  returned: where sshd-vsock was run
  type: dict
messages:
  description: What sshd-vsock said, line by line.
  returned: where sshd-vsock was run
  type: list
  elements: str
"""

import errno  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import stat  # noqa: E402
import tempfile  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

FILE = "/etc/sshd-vsock.yaml"
UNIT = "/etc/systemd/system/sshd-vsock-provision.service"
MARKER = "# Written by Ansible (sshd_vsock.guest.sshd_vsock). Changes are lost at its next run."
DIRECTORIES = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]

LARGEST = 1 << 20  # bytes of a file that is read; none of ours has a hundredth of that

CONVERGED = 0
UNVERIFIED = 3
PLANNED = 10


def value(word):
    """A value as YAML. Templates make strings of all they touch: a number and a boolean are that."""
    if isinstance(word, str) and re.match(r"(\d+|true|false)$", word, re.I):
        return word.lower()
    return json.dumps(word)


def render(config):
    """The configuration's file."""
    return MARKER + "\n" + "".join(f"{key}: {value(config[key])}\n" for key in sorted(config))


def recounted(hunk):
    """A hunk of a unified diff of which lines were removed, with its new length."""
    length = len(re.findall(r"^[ +]", hunk, re.M))
    return re.sub(r"^(@@ \S+ \+\d+)\S*", r"\1" + (f",{length}" if length != 1 else ""), hunk)


def without_carrying(operation):
    """A plan for a configuration that is not in its file yet carries it in the provision unit; that
    one will not be carried. None: then nothing is left of the operation."""
    text = re.sub(r"^\+StandardInput.*\n", "", operation["text"], flags=re.M)
    # Not re.split: that of Python 3.6 takes no match of nothing for a place to split at.
    header, *hunks = re.findall(r"(?:\A|^@@ ).*?(?=^@@ |\Z)",
                                text.replace("--config=- apply\n", "apply\n"), re.M | re.S)
    changes = re.findall(r"^([+-])(.*)$", "".join(hunks), re.M)
    if {line for sign, line in changes if sign == "-"} == {line for sign, line in changes
                                                           if sign == "+"}:
        return None
    return dict(operation, text=header + "".join(recounted(hunk) for hunk in hunks))


class Run:
    """One run of the module."""

    def __init__(self, module):
        self.module = module
        self.root = module.params["root"]
        self.program = self.find()
        self.file = self.inside(FILE)
        self.result = {"changed": False, "operations": []}
        self.diffs = []

    def find(self):
        """Where the program is; None: nowhere."""
        named = self.module.params["program"]
        if named:
            return named if os.access(named, os.X_OK) else None
        return self.module.get_bin_path("sshd-vsock", opt_dirs=DIRECTORIES)

    def inside(self, path):
        """Where a path of the system at hand is; no link of an image leads out of it."""
        if not self.root:
            return path
        root = os.path.realpath(self.root)
        directory = os.path.realpath(root + os.path.dirname(path))
        if not (directory + "/").startswith(root.rstrip("/") + "/"):
            self.module.fail_json(msg=f"{self.root}: {os.path.dirname(path)} leads out of the image")
        return os.path.join(directory, os.path.basename(path))

    def read(self, path):
        """A file's text; empty where there is none, None where it is something else. A link of an
        image leads to a file of this machine, a FIFO waits, a device never ends."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
                             | (os.O_NOFOLLOW if self.root else 0))
        except FileNotFoundError:
            return ""
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                return None
            raise
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            return os.read(handle, LARGEST).decode("utf-8", errors="replace")
        finally:
            os.close(handle)

    def fail(self, message):
        """The end of a run that failed."""
        self.module.fail_json(msg=message, **self.finished())

    def finished(self):
        """The result, with the differences where they are asked for."""
        if self.module._diff:  # pylint: disable=protected-access # no other way has been made
            self.result["diff"] = self.diffs
        return self.result

    def call(self, *words, config=None):
        """Runs sshd-vsock; returns its document."""
        command = [self.program, "--json"] + ([f"--root={self.root}"] if self.root else [])
        if config is not None:
            command.append("--config=-")
        status, out, err = self.module.run_command(command + list(words), data=config,
                                                   binary_data=True)
        try:
            report = json.loads(out)
        except ValueError:
            self.fail(f"{self.program} ended with {status} and without its document: {err or out}")
        self.result["messages"] = err.splitlines()
        self.result["report"] = {key: report[key] for key in report
                                 if key not in ("operations", "text")}
        return report

    def expect(self, report, *good):
        """Fails where it did, in the program's own words."""
        if report["exit"] in good:
            return
        error = report["error"] or {}
        said = report["faults"] or error.get("what") or f"exit status {report['exit']}"
        self.fail(said.rstrip("\n") + (f"; fix: {error['fix']}"
                                       if error.get("fix") and not report["faults"] else ""))

    def note(self, operations, done):
        """Takes the operations into the result."""
        for operation in operations:
            if done and not operation["done"]:
                continue
            text = operation["text"]
            self.diffs.append({"prepared": text if text.endswith("\n") else text + "\n"})
            self.result["operations"].append({key: operation[key]
                                              for key in ("phase", "kind", "name", "done")})

    def write(self, text):
        """Replaces the configuration's file."""
        handle, path = tempfile.mkstemp(dir=self.module.tmpdir)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        self.module.atomic_move(path, self.file)

    def configure(self):
        """Writes the configuration where it is another; returns what a plan has to be told of it,
        which is nothing once it is in its file."""
        config = self.module.params["config"]
        if config is None:
            return None
        before, text = self.read(self.file), render(config)
        if before is None:
            self.fail(f"{self.file} is no regular file of at most {LARGEST >> 10} KB; fix: remove it")
        if before == text:
            return None
        self.expect(self.call("check", config=text), CONVERGED)
        self.result["changed"] = True
        self.diffs.append({"before": before, "after": text, "before_header": FILE,
                           "after_header": FILE})
        if self.module.check_mode:
            return text
        self.write(text)
        return None

    def plan(self, config):
        """What would be done."""
        report = self.call("plan", config=config)
        self.expect(report, CONVERGED, PLANNED)
        operations = report["operations"]
        if config is not None:
            operations = [without_carrying(operation) if operation["name"] == UNIT else operation
                          for operation in operations]
        # In an image closing is always planned, and always left to the first boot.
        self.note([operation for operation in operations
                   if operation and not (self.root and operation["phase"] == "close")], done=False)
        self.result["changed"] = self.result["changed"] or report["exit"] == PLANNED

    def act(self, verb):
        """Does it."""
        report = self.call(verb)
        self.note(report["operations"], done=True)
        self.result["changed"] = self.result["changed"] or bool(self.result["operations"])
        accepted = [UNVERIFIED] if self.module.params["unverified"] == "accept" else []
        self.expect(report, CONVERGED, *accepted)
        if report["exit"] == UNVERIFIED:
            self.module.warn("the vsock listener could not be verified: this kernel has no vsock "
                             "loopback; TCP was left as it is")

    def present(self):
        """state: present."""
        if not self.program and self.module.check_mode:
            self.module.warn("sshd-vsock is not there yet; what it would do is not known")
            self.result["changed"] = True
            return
        if not self.program:
            self.fail(f"there is no program {self.module.params['program'] or 'sshd-vsock'} on this "
                      "machine; fix: install it, or name it with \"program\"")
        config = self.configure()
        if self.module.check_mode:
            self.plan(config)
        else:
            self.act("apply")

    def absent(self):
        """state: absent. Nothing is there to plan with; the unit is what every apply leaves."""
        config = self.read(self.file)
        ours = (config or "").startswith(MARKER)
        applied = "Managed by sshd-vsock" in (self.read(self.inside(UNIT)) or "")
        if self.module.check_mode:
            self.result["changed"] = ours or applied
            return
        if self.program:
            self.act("remove")
        elif applied:
            self.fail("sshd-vsock is not here any more, but what it put in is; fix: install "
                      "it again, or name it with \"program\"")
        if ours:
            os.unlink(self.file)
            self.diffs.append({"before": config, "after": "", "before_header": FILE,
                               "after_header": FILE})
            self.result["changed"] = True


def main():
    """Runs as Ansible starts it."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "absent"], "default": "present"},
            "config": {"type": "dict"},
            "root": {"type": "path"},
            "program": {"type": "path"},
            "unverified": {"choices": ["fail", "accept"], "default": "fail"},
        },
        supports_check_mode=True)
    run = Run(module)
    getattr(run, module.params["state"])()
    module.exit_json(**run.finished())


if __name__ == "__main__":
    main()
