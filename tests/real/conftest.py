"""What tests on guests with their distributions' own kernels share."""

import pytest

from guest import build_in_builder
from guest.conftest import pytest_collection_modifyitems, pytest_terminal_summary

__all__ = ["program", "pytest_collection_modifyitems", "pytest_terminal_summary"]  # also hooks


@pytest.fixture(scope="session")
def program():
    """The program as it is released: with sanitizers it would cost the emulated processor as much as
    the rest of a boot, and they find nothing here that they do not find in tests/guest."""
    return build_in_builder()
