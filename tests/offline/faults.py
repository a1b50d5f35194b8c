"""Runs the program with tests/fault/faults.c preloaded."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tree import program

DIED = 99
# The library comes before the sanitizer's own, which works: it passes every call on.
SANITIZER = "verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1"


@dataclass
class Fault:
    """The n-th call of a kind, and what happens at it; faults.c says which there are."""

    call: str
    at: int = 0
    how: str = ""
    command: str = ""
    path: str = ""

    def __str__(self):
        return f"{self.call} {self.at} {self.how}"


@dataclass
class Record:
    """What a run wrote down."""

    count: int = 0
    lines: list = field(default_factory=list)


def library():
    """The preloaded library, built beside the program with sanitizers."""
    path = Path(program()).parent / "tests/libfaults.so"
    assert path.exists(), f"{path} is missing: build the test programs too"
    return str(path)


def environment(fault=None, trace=None, haste=1):
    """The environment that makes the library do so."""
    env = {"LD_PRELOAD": library(), "ASAN_OPTIONS": SANITIZER, "FAULT_HASTE": str(haste)}
    if fault:
        env |= {"FAULT_CALL": fault.call, "FAULT_AT": str(fault.at)}
        if fault.how:
            env["FAULT_HOW"] = fault.how
        if fault.path:
            env["FAULT_PATH"] = fault.path
        if fault.command:
            env["FAULT_COMMAND"] = fault.command
    if trace:
        env["FAULT_TRACE"] = str(trace)
    return env


def record(tree, verb, options, config, call="nothing", binary=None):
    """Runs the verb undisturbed; returns what it did, and how many calls of the kind it made."""
    trace = tree.root.with_name(tree.root.name + ".trace")
    trace.unlink(missing_ok=True)
    result = tree.run(verb, *options, config=config, binary=binary,
                      env=environment(Fault(call), trace))
    assert result.returncode == 0, result.stderr
    lines = trace.read_text(encoding="utf-8").splitlines()
    os.unlink(trace)
    return Record(int(lines[-1].split()[1]), lines[:-1])
