"""Real Debian guests for tests: trees, boots, a control door, ssh over virtio-vsock."""

import os

from . import machine
from .build import (arm64_in_builder, build_in_builder, checked_package_in_builder,
                    faults_in_builder, package_in_builder, sanitized_in_builder)
from .emulated import Emulated
from .emulated_arm64 import EmulatedArm64
from .machine import BootError, GuestGone, NoSuchGuest, Result
from .sanitizer import SanitizerReport
from .trees import EVERY_SUITE, SUITES

KERNELS = {"uml": machine.Guest, "distro": Emulated, "arm64": EmulatedArm64}


def Guest(suite, kernel=None, **options):  # pylint: disable=invalid-name
    """A throw-away guest: under user-mode Linux (machine.py), or with its distribution's own kernel
    (emulated.py), which takes ten times as long. Not said: as pytest's --kernel says."""
    return KERNELS[kernel or os.environ.get("SSHD_VSOCK_KERNEL", "uml")](suite, **options)


__all__ = ["BootError", "EVERY_SUITE", "Emulated", "Guest", "GuestGone", "KERNELS", "NoSuchGuest",
           "Result", "SUITES", "SanitizerReport", "arm64_in_builder", "build_in_builder",
           "checked_package_in_builder", "faults_in_builder", "package_in_builder",
           "sanitized_in_builder"]
