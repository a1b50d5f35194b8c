"""What tests on guests share."""

import pytest

from guest import sanitized_in_builder


@pytest.fixture(scope="session")
def program():
    """The path of the program under test, built once with sanitizers: what they find fails the test
    whose guest it is in. test_package has the program as it is released, on each suite."""
    return sanitized_in_builder()
