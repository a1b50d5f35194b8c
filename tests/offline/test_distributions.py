"""The packages of other distributions have all that is installed, where they have it. What their
own tools say of them is in tests/guest/test_foreign.py."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tree import CHECKOUT, known_flags, program

SPEC = CHECKOUT / "packaging/rpm/sshd-vsock.spec"
PKGBUILD = CHECKOUT / "packaging/arch/PKGBUILD"
MACROS = {"name": "sshd-vsock", "_sbindir": "/usr/sbin", "_mandir": "/usr/share/man",
          "_datadir": "/usr/share", "_prefix": "/usr"}

# Builds nothing: it takes the program that is here.
CMAKE = f"""#!/bin/sh
PATH=/usr/bin:/bin
case $1 in
--build) exec cp {program()} "$2/sshd-vsock" ;;
--install) exec cmake "$@" ;;
*) exec cmake {" ".join(known_flags())} -DBUILD_TESTING=OFF "$@" ;;
esac
"""


def files(root):
    """The files below a directory, as paths of the system they are for."""
    return {f"/{path.relative_to(root)}" for path in root.rglob("*") if not path.is_dir()}


def install(folder, *options):
    """Installs as a packager does; returns the files."""
    subprocess.run(["cmake", "-S", CHECKOUT, "-B", folder / "build", "-DBUILD_TESTING=OFF",
                    "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_INSTALL_PREFIX=/usr", *known_flags(),
                    *options],
                   check=True, capture_output=True)
    shutil.copy(program(), folder / "build/sshd-vsock")
    subprocess.run(["cmake", "--install", folder / "build"], check=True, capture_output=True,
                   env={**os.environ, "DESTDIR": str(folder / "root")})
    return files(folder / "root")


def expand(text, **more):
    """With the macros' values."""
    return re.sub(r"%{(\w+)}", lambda macro: {**MACROS, **more}[macro[1]], text)


# openSUSE has one directory more for documents.
@pytest.mark.parametrize("documents", ["/usr/share/doc", "/usr/share/doc/packages"])
def test_spec_lists_what_is_installed(documents, folder):
    spec = expand(SPEC.read_text(encoding="utf-8").split("\n%prep\n")[1], _docdir=documents)
    listed = re.search(r"^%files\n(.*?)\n\n", spec, re.M | re.S)[1].splitlines()
    listed = [line.split()[-1].rstrip("*") for line in listed]
    found = install(folder, *re.findall(r" (-D\S+)", spec))
    for path in listed:
        mine = {file for file in found if file == path or path[-1] == "/" and file.startswith(path)}
        assert mine, f"{path} is not installed"
        found -= mine
    assert found == set(), "not in the spec's list"


def test_pkgbuild_packages_what_is_installed(folder):
    source, package = folder / "src", folder / "pkg"
    source.mkdir()
    package.mkdir()
    (folder / "cmake").write_text(CMAKE, encoding="ascii")
    (folder / "cmake").chmod(0o755)
    script = ('source "$0"; ln -s "$1" "$srcdir/$pkgname-$pkgver"; cd "$srcdir"; build; '
              'cd "$srcdir"; package; test -e "${0%/*}/$install"')
    subprocess.run(["bash", "-euc", script, PKGBUILD, CHECKOUT], check=True, capture_output=True,
                   env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin", "srcdir": str(source),
                        "pkgdir": str(package), "CFLAGS": "-O2 -g"})
    assert files(package) == {path.replace("/sbin/", "/bin/") for path in install(folder)}
    assert Path(f"{package}/usr/bin/sshd-vsock").stat().st_mode & 0o111 == 0o111
