"""What tests on guests share."""

import pytest

from guest import build_in_builder


@pytest.fixture(scope="session")
def program():
    """The path of the program under test, built once as it is released."""
    return build_in_builder()
