"""What tests on guests share."""

import os
import random

import pytest

from guest import (KERNELS, Emulated, NoSuchGuest, arm64_in_builder, build_in_builder,
                   sanitized_in_builder)


@pytest.fixture(scope="session")
def program():
    """The path of the program under test, built once with sanitizers: what they find fails the test
    whose guest it is in. test_package has the program as it is released, on each suite; so have
    guests on an emulated processor, which would work for the sanitizers most of its time."""
    return {"uml": sanitized_in_builder, "distro": build_in_builder, "arm64": arm64_in_builder}[
        os.environ.get("SSHD_VSOCK_KERNEL", "uml")]()


@pytest.fixture(scope="session")
def native_program(program):
    """The same for tests that build an image on this machine, which has to run it."""
    if os.environ.get("SSHD_VSOCK_KERNEL") == "arm64":
        raise NoSuchGuest("image builders run the program of their own processor")
    return program


def pytest_addoption(parser):
    parser.addoption("--kernel", choices=KERNELS, help="of guests that name none; default: uml")


def pytest_configure(config):
    if config.getoption("--kernel", None):
        os.environ["SSHD_VSOCK_KERNEL"] = config.getoption("--kernel")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call):
    """A test whose guest cannot have the kernel that --kernel says is skipped."""
    if call.excinfo and call.excinfo.errisinstance(NoSuchGuest):
        reason = str(call.excinfo.value)
        call.excinfo = pytest.CallInfo.from_call(lambda: pytest.skip(reason), call.when).excinfo


def pytest_terminal_summary(terminalreporter):
    """What each emulated guest cost. Other work on the machine makes time long, and CPU seconds less
    so."""
    for name, seconds in Emulated.costs:
        terminalreporter.write_line(f"guest {name}: {seconds:.0f} s of CPU")


def spread(tests, count):
    """A fixed choice of so many tests: one of each function before a second of any."""
    chance = random.Random(count)
    shuffled = chance.sample(tests, len(tests))
    seen = {}
    for test in shuffled:
        seen[test] = sum(other.function is test.function for other in seen)
    return sorted(shuffled, key=seen.get)[:count]


# What takes longest begins first, or one worker has it in the end while the other has nothing.
FIRST = ("test_transitions", "test_fixes", "test_verify", "test_kill", "test_sweep", "test_logins",
         "test_close", "test_apply", "test_package", "test_mkosi")


def by_length(item):
    """Where the file of the test is among those."""
    name = item.module.__name__.rpartition(".")[2]
    return FIRST.index(name) if name in FIRST else len(FIRST)


def leave(config, items, chosen):
    """Only those run, in the order that they have."""
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


def one_row_each(items, every_run):
    """Of each function that has none among those one test: the first of the first function, the second
    of the next, and so on, so that a file is seen on many of its suites."""
    seen = {(item.module, item.originalname) for item in every_run}
    functions = {}
    for item in items:
        if (item.module, item.originalname) not in seen:
            functions.setdefault(item.module, {}).setdefault(item.originalname, []).append(item)
    return {rows[number % len(rows)] for module in functions.values()
            for number, rows in enumerate(module.values())}


def pytest_collection_modifyitems(config, items):
    """With `tests/run --every`, and where tests are chosen by name, all of them run; with --full what
    runs each time, and a row of each function that has none there. Of a file that says EVERY_RUN = N the former is a
    fixed spread of N tests, or those that it names in a set. Of each function in its ALWAYS one test at
    least is among them, or with `function[words]` one whose row has those words: what they hold is held
    by no other, or was seen in the field."""
    items.sort(key=by_length)
    full = os.environ.get("SSHD_VSOCK_FULL")
    if full == "every" or config.option.keyword:
        return
    files = {}
    for item in items:
        files.setdefault(item.module, []).append(item)
    every_run = set()
    for module, tests in files.items():
        chosen = getattr(module, "EVERY_RUN", len(tests))
        if isinstance(chosen, int):
            chosen = spread(tests, chosen)
        else:
            assert all(hasattr(module, name.partition("[")[0]) for name in chosen), chosen
            chosen = [test for test in tests if test.name in chosen]
        for entry in getattr(module, "ALWAYS", ()):
            name, _, words = entry.rstrip("]").partition("[")
            those = [test for test in tests if test.originalname == name and words in test.name]
            assert hasattr(module, name) and (those or words == ""), entry
            if those and not set(those) & set(chosen):
                chosen.append(those[0])
        every_run |= set(chosen)
    leave(config, items, every_run | one_row_each(items, every_run) if full else every_run)
