"""Real Debian guests for tests: trees, boots, a control door, ssh over virtio-vsock."""

from .build import build_in_builder, package_in_builder
from .machine import BootError, Guest, GuestGone, Result
from .trees import SUITES

__all__ = ["BootError", "Guest", "GuestGone", "Result", "SUITES", "build_in_builder",
           "package_in_builder"]
