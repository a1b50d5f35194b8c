"""What tests on guests with their distributions' own kernels share, and what each guest cost."""

from guest import Emulated
from guest.conftest import program, pytest_collection_modifyitems  # noqa: F401  fixtures and hooks


def pytest_terminal_summary(terminalreporter):
    """Other work on the machine makes time long, and CPU seconds not."""
    for name, seconds in Emulated.costs:
        terminalreporter.write_line(f"guest {name}: {seconds:.0f} s of CPU")
