"""What tests on guests share."""

import os
import random

import pytest

from guest import sanitized_in_builder


@pytest.fixture(scope="session")
def program():
    """The path of the program under test, built once with sanitizers: what they find fails the test
    whose guest it is in. test_package has the program as it is released, on each suite."""
    return sanitized_in_builder()


def pytest_collection_modifyitems(config, items):
    """A file that says EVERY_RUN = N has a fixed spread of N tests in every run, or those that it
    names in a set, and all of them in `tests/run --full` and where tests are chosen by name."""
    if os.environ.get("SSHD_VSOCK_FULL") or config.option.keyword:
        return
    files = {}
    for item in items:
        files.setdefault(item.module, []).append(item)
    left_out = []
    for module, tests in files.items():
        chosen = getattr(module, "EVERY_RUN", len(tests))
        if isinstance(chosen, int):
            chosen = random.Random(chosen).sample(tests, min(chosen, len(tests)))
        else:
            chosen = [test for test in tests if test.name in chosen]
        left_out += [test for test in tests if test not in chosen]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
