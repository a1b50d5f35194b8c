"""What tests on guests with their distributions' own kernels share, and what each guest cost."""

import pytest

from guest import Emulated, build_in_builder
from guest.conftest import pytest_collection_modifyitems  # noqa: F401  a hook


@pytest.fixture(scope="session")
def program():
    """The program as it is released: with sanitizers it would cost the emulated processor as much as
    the rest of a boot, and they find nothing here that they do not find in tests/guest."""
    return build_in_builder()


def pytest_terminal_summary(terminalreporter):
    """Other work on the machine makes time long, and CPU seconds less so."""
    for name, seconds in Emulated.costs:
        terminalreporter.write_line(f"guest {name}: {seconds:.0f} s of CPU")
