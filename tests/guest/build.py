"""Builds the program on Debian 11, the oldest supported, so that one binary runs in all guests."""

import hashlib
import os
import time
from pathlib import Path

from .sandbox import Sandbox
from .sanitizer import DEFAULTS
from .trees import BUILDER, CROSS_BUILDER, cache_folder, locked, say, tree

PROGRAM = "sshd-vsock"
CHECKOUT = Path(__file__).resolve().parents[2]

# Nothing that ends up in the package, or in the program, is in these.
NOT_PACKAGED = {"build", "dist", "tests"}
NOT_SOURCES = NOT_PACKAGED | {"debian", "images", "doc", "packaging"}

BUILD = """
set -eu
cd /src
cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
cmake --build /build --parallel 2 --target sshd-vsock
strip /build/sshd-vsock
"""

# Linked statically: guests have no libasan, and this one gets along with every newer libc.
SANITIZED = f"""
set -eu
mkdir /build
cat >/build/defaults.c <<'END'
{DEFAULTS}
END
gcc -fPIC -c /build/defaults.c -o /build/defaults.o
cd /src
cmake -S . -B /build -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=OFF -DSANITIZE=ON \\
        -DCMAKE_EXE_LINKER_FLAGS="-static-libasan -static-libubsan /build/defaults.o"
cmake --build /build --parallel 2 --target sshd-vsock
"""

FAULTS = """
set -eu
mkdir /build
gcc -shared -fPIC -D_GNU_SOURCE /src/faults.c -o /build/faults.so -ldl
"""

# All that debian/control asks for is there but build-essential, which has a C++ compiler.
PACKAGE = """
set -eu
[ {where} = /src ] || {{ mkdir -p {where}; cp -R /src/. {where}; }}
cd {where}
export DEB_BUILD_OPTIONS='nocheck noautodbgsym parallel=2'
dpkg-checkbuilddeps -I -B -a {arch} -P nocheck
dpkg-buildpackage -d -us -uc -B -a{arch} -Pnocheck
mkdir /build
mv ../*.deb /build/sshd-vsock_{arch}.deb
"""

# The program of that package and nothing else.
FROM_PACKAGE = """
dpkg-deb -x /build/*.deb /unpacked
cp /unpacked/usr/sbin/sshd-vsock /build/
"""

# As a builder of Debian's does it: with nobody's rights, without a network, and the tests run.
CHECKED_PACKAGE = """
set -eu
mkdir -p /build /home/builder
cp -R /src /home/builder/src
chown -R nobody: /home/builder
cd /home/builder/src
dpkg-checkbuilddeps -I
unshare --net setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/home/builder \\
        DEB_BUILD_OPTIONS='noautodbgsym parallel=2' dpkg-buildpackage -d -us -uc
mv ../*.deb /build/sshd-vsock_amd64.deb
"""


def sources(checkout, without):
    """The files a build can read, in a fixed order; new ones too, committed or not."""
    found = []
    for folder, folders, files in os.walk(checkout):
        top = without if folder == str(checkout) else ()
        folders[:] = sorted(f for f in folders if f not in top and f[0] not in "._")
        found += [Path(folder, file).relative_to(checkout) for file in sorted(files)]
    return found


def build_in_builder(checkout=CHECKOUT):
    """Builds the program of the checkout as it is released; returns the path of the binary.

    The sources are copied, never bind-mounted, and the binary is cached by their hash.
    """
    return _built(checkout, NOT_SOURCES, BUILD, PROGRAM)


def sanitized_in_builder(checkout=CHECKOUT):
    """Builds it with AddressSanitizer and UndefinedBehaviorSanitizer, for the same systems."""
    return _built(checkout, NOT_SOURCES, SANITIZED, PROGRAM)


def arm64_in_builder(checkout=CHECKOUT):
    """Builds the program as the package for arm64 has it."""
    return _built(checkout, NOT_PACKAGED,
                  PACKAGE.format(arch="arm64", where="/src") + FROM_PACKAGE, PROGRAM, CROSS_BUILDER)


def faults_in_builder(checkout=CHECKOUT):
    """Builds the library that makes calls fail, for the program as it is released: a sanitizer's
    allocations are its own."""
    return _built(checkout / "tests/fault", set(), FAULTS, "faults.so")


def package_in_builder(checkout=CHECKOUT, arch="amd64", where="/src"):
    """Builds the Debian package likewise, in the directory `where` of the builder; returns its
    path."""
    return _built(checkout, NOT_PACKAGED, PACKAGE.format(arch=arch, where=where),
                  f"sshd-vsock_{arch}.deb", BUILDER if arch == "amd64" else CROSS_BUILDER)


def checked_package_in_builder(checkout=CHECKOUT):
    """Builds the Debian package for amd64 and runs the unit tests, as a distribution does."""
    return _built(checkout, NOT_PACKAGED - {"tests"}, CHECKED_PACKAGE, "sshd-vsock_amd64.deb")


def _built(checkout, without, script, product, recipe=BUILDER):
    files = {path: (checkout / path).read_bytes() for path in sources(checkout, without)}
    modes = {path: (checkout / path).stat().st_mode & 0o755 for path in files}
    state = hashlib.sha256(recipe.key().encode() + script.encode())
    for path, content in files.items():
        state.update(f"{path}\0{modes[path]}\0{len(content)}\0".encode() + content)
    made = cache_folder() / "programs" / state.hexdigest()[:16] / product
    if not made.exists():
        builder = tree(recipe)
        with locked("programs"):
            if not made.exists():
                _build(builder, files, modes, script, made)
    return made


def _build(builder, files, modes, script, made):
    start = time.monotonic()
    say(f"building {made.name} on Debian 11 ...")
    with Sandbox() as sandbox:
        sandbox.overlay(builder, "builder")
        sandbox.mount("proc", "builder/proc")
        for path, content in files.items():
            target = sandbox.path("builder/src") / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(modes[path])
        sandbox.run(["sh"], chroot="builder", data=script.encode())
        made.parent.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(".partial")
        partial.write_bytes(sandbox.path(f"builder/build/{made.name}").read_bytes())
        partial.chmod(0o755)
        partial.rename(made)
    say(f"built {made.name} in {time.monotonic() - start:.0f} s")
