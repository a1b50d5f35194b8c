"""Builds the program on Debian 11, the oldest supported, so that one binary runs in all guests."""

import hashlib
import os
import time
from pathlib import Path

from .sandbox import Sandbox
from .trees import BUILDER, cache_folder, locked, say, tree

PROGRAM = "sshd-vsock"
CHECKOUT = Path(__file__).resolve().parents[2]

# Nothing that ends up in the program is in these folders.
NOT_SOURCES = {"build", "tests", "images", "__pycache__"}

BUILD = """
set -eu
cd /src
cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
cmake --build /build --parallel 2 --target sshd-vsock
strip /build/sshd-vsock
"""


def sources(checkout):
    """The files a build can read, in a fixed order; new ones too, committed or not."""
    found = []
    for folder, folders, files in os.walk(checkout):
        folders[:] = sorted(f for f in folders if f not in NOT_SOURCES and not f.startswith("."))
        found += [Path(folder, file).relative_to(checkout) for file in sorted(files)]
    return found


def build_in_builder(checkout=CHECKOUT):
    """Builds the program of the checkout as it is released; returns the path of the binary.

    The sources are copied, never bind-mounted, and the binary is cached by their hash.
    """
    files = {path: (checkout / path).read_bytes() for path in sources(checkout)}
    state = hashlib.sha256(BUILDER.key().encode() + BUILD.encode())
    for path, content in files.items():
        state.update(f"{path}\0{len(content)}\0".encode() + content)
    binary = cache_folder() / "programs" / state.hexdigest()[:16] / PROGRAM
    if not binary.exists():
        builder = tree(BUILDER)
        with locked("programs"):
            if not binary.exists():
                _build(builder, files, binary)
    return binary


def _build(builder, files, binary):
    start = time.monotonic()
    say("building the program on Debian 11 ...")
    with Sandbox() as sandbox:
        sandbox.overlay(builder, "builder")
        sandbox.mount("proc", "builder/proc")
        for path, content in files.items():
            target = sandbox.path("builder/src") / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        sandbox.run(["sh"], chroot="builder", data=BUILD.encode())
        binary.parent.mkdir(parents=True, exist_ok=True)
        partial = binary.with_suffix(".partial")
        partial.write_bytes(sandbox.path(f"builder/build/{PROGRAM}").read_bytes())
        partial.chmod(0o755)
        partial.rename(binary)
    say(f"built the program in {time.monotonic() - start:.0f} s")
