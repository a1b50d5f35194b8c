"""RPM and Arch packages, made by the tools of these distributions as Debian has them, and installed
by them into trees with the layout of those that use them. That each has all files is shown in every
run, by tests/offline/test_distributions.py."""

import io
import re
import sys
import tarfile
from pathlib import Path

import pytest

from guest.build import CHECKOUT, sources
from guest.sandbox import Sandbox
from guest.trees import FOREIGN_BUILDER, tree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "offline"))
import layouts  # noqa: E402
from tree import Tree  # noqa: E402

EVERY_RUN = 0  # two minutes for the tree, which no other test has, and more to build

NAME = "sshd-vsock-" + re.search(r"VERSION ([\d.]+) LANG", (CHECKOUT / "CMakeLists.txt").read_text())[1]

# As Fedora 42 and openSUSE Tumbleweed define them, in what matters here: redhat-rpm-config and
# cmake-rpm-macros; macros.cmake of openSUSE's cmake.
FLAGS = ("-O2 -flto=auto -ffat-lto-objects -g -grecord-gcc-switches -pipe -Wall "
         "-Werror=format-security -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3 "
         "-fstack-protector-strong -fasynchronous-unwind-tables -fstack-clash-protection "
         "-fcf-protection")
COMMON = f"""
%optflags {FLAGS}
%_topdir /home/builder/rpm
%__os_install_post bash /usr/lib/rpm/brp-compress; strip "%{{buildroot}}%{{_sbindir}}"/*
"""
# Of Fedora's own, in rpmlint's configs/Fedora/fedora.toml; its list of licences is another package.
# rpmlint 2.4 misses every program's manual (FilesCheck.py compares with the manual's section).
RPMLINT = r"""
CompressExtension = "gz"
ReleaseExtension = '\.fc\d+'
Filters = [" no-buildroot-tag", " no-group-tag", " no-packager-tag", " no-signature",
           " not-standard-release-extension", " no-manual-page-for-binary"]
ValidLicenses = ["MIT"]
"""
MACROS = {
    "fedora": COMMON + r"""
%dist .fc42
%__cmake_builddir redhat-linux-build
%cmake \
  CFLAGS="%optflags"; export CFLAGS; \
  LDFLAGS="-Wl,-z,relro -Wl,--as-needed -Wl,-z,now %optflags"; export LDFLAGS; \
  cmake -S . -B %__cmake_builddir -DCMAKE_C_FLAGS_RELEASE:STRING="-DNDEBUG" \\\
    -DCMAKE_VERBOSE_MAKEFILE:BOOL=ON -DCMAKE_INSTALL_DO_STRIP:BOOL=OFF \\\
    -DCMAKE_INSTALL_PREFIX:PATH=%{_prefix} -DBUILD_SHARED_LIBS:BOOL=ON
%cmake_build cmake --build %__cmake_builddir -j2 --verbose
%cmake_install DESTDIR="%{buildroot}" cmake --install %__cmake_builddir
%ctest(:-:) cd %__cmake_builddir; ctest --output-on-failure --force-new-ctest-process -j2; cd -
""",
    "opensuse": COMMON + r"""
%_docdir /usr/share/doc/packages
%__cmake_builddir build
%cmake \
  mkdir -p build; cd build; \
  cmake .. -DCMAKE_INSTALL_PREFIX:PATH=%{_prefix} -DCMAKE_BUILD_TYPE=RelWithDebInfo \\\
    -DCMAKE_C_FLAGS="%optflags -DNDEBUG" \\\
    -DCMAKE_EXE_LINKER_FLAGS="-flto=auto -Wl,--as-needed -Wl,--no-undefined -Wl,-z,now" \\\
    -DCMAKE_VERBOSE_MAKEFILE:BOOL=ON -DCMAKE_INSTALL_DO_STRIP:BOOL=OFF \\\
    -DBUILD_SHARED_LIBS:BOOL=ON
%cmake_build make VERBOSE=1 -j2; cd ..
%cmake_install DESTDIR="%{buildroot}" cmake --install build
%ctest(:-:) cd build; ctest --output-on-failure -j2; cd ..
"""}
# All that the RPM asks a system for, but what rpm itself is able to do.
NEEDED = {"/bin/sh", "libc.so.6", "libsystemd.so.0", "libyaml-0.so.2", "rtld"}
# It asks of the system no more than that, in one package without files.
SYSTEM = """Name: system
Version: 1
Release: 1
Summary: what a system provides
License: MIT
BuildArch: noarch
{}
%description
%files
"""


def tarball():
    """The sources as a release has them, with what is not committed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path in sources(CHECKOUT, {"build", "dist"}):
            archive.add(CHECKOUT / path, f"{NAME}/{path}", recursive=False)
    return out.getvalue()


class Builder:
    """A tree with the tools, in which a user without rights and network builds."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        sandbox.overlay(tree(FOREIGN_BUILDER), "foreign")
        sandbox.mount("proc", "foreign/proc")
        self.root("useradd --create-home builder")

    def root(self, script):
        """Runs a shell script as root; returns its stdout."""
        return self.sandbox.run(["sh", "-euc", script], chroot="foreign").decode()

    def user(self, script):
        """Runs it as one who builds."""
        return self.sandbox.run(["unshare", "--net", "setpriv", "--reuid=builder",
                                 "--regid=builder", "--init-groups", "env", "HOME=/home/builder",
                                 "sh", "-euc", "cd; " + script], chroot="foreign").decode()

    def put(self, path, content):
        """Writes a file of the builder's."""
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.root("chown -R builder: /home/builder")

    def path(self, inside):
        """Where the world outside finds a path of the tree."""
        return self.sandbox.path("foreign" + inside)

    def system(self, layout):
        """Makes a tree with that layout, and a shell for scripts of packages; returns it."""
        made = layouts.make(layout, Tree(self.path("/system")))
        made.remove("/usr/sbin/sshd-vsock")
        made.put("/bin/sh", self.path("/bin/busybox").read_bytes(), 0o755)
        return made

    def converge(self):
        """Applies to the tree, sees nothing to do, and takes it out again."""
        run = "/system/usr/*bin/sshd-vsock --quiet --root=/system "
        self.root(run + "apply")
        assert self.path("/system/etc/systemd/system/sshd-vsock.socket").exists()
        self.root(run + "plan")
        self.root(run + "--no-verify remove")


@pytest.fixture(name="builder")
def builder_of_one_test():
    """A fresh one."""
    with Sandbox() as sandbox:
        yield Builder(sandbox)


def traces(builder):
    """What the tree has of ours."""
    return builder.root("cd /system && find . -name '*sshd-vsock*'").split()


@pytest.mark.parametrize("macros,layout", [("fedora", "rhel9"), ("opensuse", "opensuse")])
def test_rpm_builds_is_clean_installs_and_goes(macros, layout, builder):
    builder.put("/home/builder/.rpmmacros", MACROS[macros])
    builder.put(f"/home/builder/{NAME}.tar.gz", tarball())
    said = builder.user(f"rpmbuild -ta --nodeps --noclean {NAME}.tar.gz 2>&1")
    assert re.findall(r"^.*warning: .*\[-W.*\]$", said, re.M) == []

    built = builder.user(f"readelf -SW rpm/BUILD/{NAME}/*build/sshd-vsock")
    assert ".debug_info" in built and ".symtab" in built, "stripped by us, or built without -g"
    builder.put("/home/builder/fedora.toml", RPMLINT)
    said = builder.user("rpmlint -c fedora.toml rpm/RPMS rpm/SRPMS || :")
    assert " 0 errors, 0 warnings" in said, said
    needed = builder.user("rpm -qp --requires rpm/RPMS/*/*.rpm").splitlines()
    needed = [line for line in needed if not line.startswith("rpmlib(")]
    assert {line.split("(")[0] for line in needed} == NEEDED

    builder.put("/home/builder/system.spec",
                SYSTEM.format("".join(f"Provides: {line}\n" for line in needed)))
    builder.user("rpmbuild -bb system.spec")
    builder.system(layout)
    rpm = "rpm --root /system --nosignature "
    builder.root(rpm + "-i /home/builder/rpm/RPMS/noarch/system-*.rpm")
    builder.root(rpm + "-i /home/builder/rpm/RPMS/x86_64/sshd-vsock-*.rpm")
    assert builder.root(rpm + "-V sshd-vsock") == ""
    builder.converge()
    builder.root(rpm + "-e sshd-vsock")
    assert traces(builder) == []


def test_arch_package_builds_installs_and_goes(builder):
    for file in ("PKGBUILD", "sshd-vsock.install"):
        builder.put(f"/home/builder/{file}", (CHECKOUT / "packaging/arch" / file).read_bytes())
    builder.put(f"/home/builder/{NAME}.tar.gz", tarball())
    builder.user("PKGEXT=.pkg.tar makepkg --nodeps --noconfirm --nocolor")
    builder.system("arch")
    pacman = "pacman --root /system --noconfirm "
    builder.root("mkdir -p /system/var/lib/pacman; ln -s /proc/self/mounts /etc/mtab")
    builder.root(pacman + "-Udd /home/builder/*.pkg.tar")
    assert builder.root(pacman + "-Qkk sshd-vsock").endswith(" 0 altered files\n")
    builder.converge()
    builder.root(pacman + "-Rdd sshd-vsock")
    assert traces(builder) == []
