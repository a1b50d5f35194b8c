"""Real Debian guests for tests: trees, boots, a control door, ssh over virtio-vsock."""

from .build import (build_in_builder, checked_package_in_builder, faults_in_builder,
                    package_in_builder, sanitized_in_builder)
from .machine import BootError, Guest, GuestGone, Result
from .sanitizer import SanitizerReport
from .trees import SUITES

__all__ = ["BootError", "Guest", "GuestGone", "Result", "SUITES", "SanitizerReport",
           "build_in_builder", "checked_package_in_builder", "faults_in_builder",
           "package_in_builder", "sanitized_in_builder"]
