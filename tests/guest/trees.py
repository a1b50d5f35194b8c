"""Debian trees: made once from packages, cached outside of the checkout, never changed afterwards.

A tree's folder is named after a hash of its recipe: whoever changes a recipe gets a new tree, and
the cache may be deleted at any time. A tree appears by a rename: half a tree is never seen.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .sandbox import Sandbox

SUITES = ("bullseye", "bookworm", "trixie", "forky")
# With the versions of systemd between and after those: the last one without a generator of its own,
# and the newest that Debian has. From the oldest to the newest.
EVERY_SUITE = ("bullseye", "bookworm", "bookworm-backports", "trixie", "forky", "sid")
KERNEL_MODULES = "usr/lib/uml/modules"

GUEST_PACKAGES = ("systemd", "systemd-sysv", "udev", "dbus", "libpam-systemd", "openssh-server",
                  "openssh-client", "kmod", "iproute2", "procps", "socat", "strace",
                  "libyaml-0-2", "libsystemd0")

# What a real installation has and mmdebstrap leaves out. No name server: mmdebstrap copies the one
# of this machine, which no guest can reach.
GUEST_SETUP = """
set -eu
: >/etc/resolv.conf
echo guest >/etc/hostname
cat >/etc/hosts <<END
127.0.0.1	localhost
127.0.1.1	guest

::1     localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
END
rm -f /etc/ssh/ssh_host_*
ssh-keygen -A >/dev/null
echo 00000000000000000000000000000001 >/etc/machine-id
"""

# Less of what only costs time.
GUEST_FINISH = GUEST_SETUP + """\
for unit in systemd-udev-trigger.service systemd-binfmt.service e2scrub_reap.service \
        getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer \
        dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
        proc-sys-fs-binfmt_misc.automount; do
        ln -sf /dev/null /etc/systemd/system/$unit
done
"""

# Backports are of use to those who ask for them: here for systemd, with all that is made from it.
PREFER = """mkdir -p "$1/etc/apt/preferences.d"; printf '%s\\n' 'Package: src:systemd' \
'Pin: release n={suite}' 'Pin-Priority: 990' >"$1/etc/apt/preferences.d/systemd"
"""
MERGE_USR = 'for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s usr/$d "$1/$d"; done'


@dataclass(frozen=True)
class Recipe:
    """All that decides what is in a tree."""

    name: str
    suite: str
    packages: tuple
    finish: str = ""
    kernel_modules: bool = False
    hooks: tuple = field(default=(), repr=False)  # what runs before the packages are set up
    arch: str = field(default="", repr=False)  # where that is not this machine's

    def key(self):
        """Names the tree: changes whenever its content would."""
        text = (repr(self) + (RUNNER.key() if self.kernel_modules else "") + "".join(self.hooks) +
                self.arch)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


RUNNER = Recipe("runner", "forky", ("user-mode-linux", "vhost-device-vsock"))
BUILDER = Recipe("builder", "bullseye",
                 ("gcc", "libc6-dev", "cmake", "make", "pkg-config", "libyaml-dev",
                  "libsystemd-dev", "libcmocka-dev", "debhelper"))
# It builds for arm64; the packages of that architecture say that the tree has two.
CROSS_BUILDER = Recipe("cross-builder", "bullseye",
                       ("gcc-aarch64-linux-gnu", "libc6-dev:arm64", "cmake", "make", "pkg-config",
                        "libyaml-dev:arm64", "libsystemd-dev:arm64", "debhelper"))
# qemu-user knows openat2(2) from version 10 on.
EMULATOR = Recipe("emulator", "forky", ("qemu-user",))
# The tools with which other distributions make their packages.
FOREIGN_BUILDER = Recipe("foreign-builder", "bookworm",
                         ("gcc", "libc6-dev", "cmake", "make", "pkg-config", "libyaml-dev",
                          "libsystemd-dev", "libcmocka-dev", "rpm", "rpmlint", "file",
                          "makepkg", "pacman-package-manager", "libarchive-tools", "fakeroot",
                          "busybox-static"))


def guest_recipe(suite, packages=()):
    """The recipe of a guest of that suite, with more packages where a test needs them."""
    if suite not in EVERY_SUITE:
        raise ValueError(f"no guest of suite {suite}; there are {', '.join(EVERY_SUITE)}")
    packages = tuple(packages)
    return Recipe("+".join((suite,) + packages), suite, GUEST_PACKAGES + packages, GUEST_FINISH,
                  kernel_modules=True)


def cache_folder():
    """Where trees and built programs are kept."""
    folder = Path(os.environ.get("SSHD_VSOCK_CACHE", "/var/cache/sshd-vsock"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name):
    """Only one process at a time makes the thing of that name; the others wait for it."""
    with open(cache_folder() / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text):
    """Progress of what takes long, for people."""
    print(text, file=sys.stderr, flush=True)


def mirror():
    """The Debian mirror that this machine's own apt uses."""
    if "SSHD_VSOCK_MIRROR" in os.environ:
        return os.environ["SSHD_VSOCK_MIRROR"]
    ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
           "Origin: Debian", "Label: Debian", "Component: main"]
    for attempt in ("as is", "after apt-get update"):
        if attempt != "as is":
            subprocess.run(["apt-get", "update", "-qq"], check=False)
        found = subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        if found:
            return found[0]
    raise RuntimeError("apt knows no Debian mirror; name one in SSHD_VSOCK_MIRROR")


def tree(recipe):
    """The folder of the recipe's tree, made first where the cache has none."""
    folder = cache_folder() / f"{recipe.name}-{recipe.key()}"
    if not folder.exists():
        kernel = tree(RUNNER) if recipe.kernel_modules else None
        with locked(recipe.name):
            if not folder.exists():
                _make(recipe, folder, kernel)
    return folder


def make_all():
    """Makes the trees that each run needs, two at a time; others are made when a test asks."""
    tree(RUNNER)
    with ThreadPoolExecutor(2) as makers:
        list(makers.map(tree, [BUILDER] + [guest_recipe(suite) for suite in SUITES]))


def _make(recipe, folder, kernel):
    start = time.monotonic()
    say(f"making the Debian tree '{recipe.name}' (half a minute, once) ...")
    for left_by_a_killed_maker in folder.parent.glob(f".making-{recipe.name}-*"):
        remove(left_by_a_killed_maker)
    work = Path(tempfile.mkdtemp(prefix=f".making-{recipe.name}-", dir=folder.parent))
    work.chmod(0o755)
    try:
        with Sandbox() as sandbox:
            _unpack(recipe, sandbox, work)
            if kernel:
                copy_kernel_modules(kernel, work)
                sandbox.run(["chroot", str(work), "depmod", os.listdir(kernel / KERNEL_MODULES)[0]])
            sandbox.run(enter(recipe) + ["chroot", str(work), "sh"], data=recipe.finish.encode())
        work.rename(folder)
    except BaseException:
        remove(work)
        raise
    say(f"made the Debian tree '{recipe.name}' in {time.monotonic() - start:.0f} s")


def enter(recipe):
    """What a command has to begin with for which the programs of that tree are to run."""
    return [sys.executable, "-B", str(Path(__file__).with_name("foreign.py")),
            str(tree(EMULATOR) / "usr/bin/qemu-aarch64")] if recipe.arch else []


def _unpack(recipe, sandbox, work):
    # A testing suite's Release file may be past its date on a mirror that is a snapshot.
    command = ["mmdebstrap", "--quiet", "--variant=minbase", *_architectures(recipe),
               "--aptopt=Acquire::Check-Valid-Until \"false\"",
               "--include=" + ",".join(recipe.packages)]
    if recipe.suite == "bullseye":
        # As the installer of Debian 11 did it; newer suites are merged by themselves.
        command.append("--setup-hook=" + MERGE_USR)
    base = recipe.suite.removesuffix("-backports")
    sources = [mirror()]
    if base != recipe.suite:
        command.append("--setup-hook=" + PREFER.format(suite=recipe.suite))
        sources = [f"deb {mirror()} {suite} main" for suite in (base, recipe.suite)]
    command += [f"--essential-hook={hook}" for hook in recipe.hooks]
    sandbox.run(enter(recipe) + command + [base, str(work), *sources])


def _architectures(recipe):
    if recipe.arch:
        return [f"--architectures={recipe.arch}", "--skip=check/qemu"]
    foreign = sorted({name.split(":")[1] for name in recipe.packages if ":" in name})
    return ["--architectures=" + ",".join(["amd64"] + foreign)] if foreign else []


def copy_kernel_modules(kernel, work):
    """Gives a guest the vsock modules of the kernel it boots with; it has no use for others."""
    (version,) = (kernel / KERNEL_MODULES).iterdir()
    target = work / "usr/lib/modules" / version.name
    vsock = "kernel/net/vmw_vsock"
    shutil.copytree(version / vsock, target / vsock)
    for index in version.glob("modules.*"):
        shutil.copy(index, target)


def remove(folder):
    """Deletes a folder, and never what might be mounted in it."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], check=True)
