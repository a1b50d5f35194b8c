"""A Debian guest for arm64, with Debian's own kernel. Its tree is made, and worked on, by qemu-user
(foreign.py), which takes minutes once; its processor is emulated as any (emulated.py)."""

from .emulated import FINISH_LESS, SMALL_INITRD, Emulated
from .machine import NoSuchGuest
from .trees import GUEST_PACKAGES, Recipe, enter

# What makes the initial RAM disk is slow as a foreign program: once is enough.
ONE_INITRD = """
echo force-confold >"$1/etc/dpkg/dpkg.cfg.d/guest"
echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"
"""


class EmulatedArm64(Emulated):
    """Such a guest. Of security modules it has AppArmor: labels and policy of SELinux are the same
    on each processor, and take a foreign program an hour."""

    architecture = "arm64"
    securities = {"apparmor": "security=apparmor"}
    emulator = Recipe("emulator-arm64", "forky", ("qemu-system-arm", "vhost-device-vsock"))
    qemu = ("qemu-system-aarch64", "-machine", "virt,gic-version=3,memory-backend=mem",
            "-cpu", "cortex-a72")
    kernel_console = "ttyAMA0"

    @staticmethod
    def recipe(suite, packages=()):
        packages = tuple(packages)
        return Recipe("+".join((suite, "arm64") + packages), suite,
                      GUEST_PACKAGES + ("linux-image-cloud-arm64", "apparmor", "auditd") + packages,
                      FINISH_LESS, hooks=(SMALL_INITRD, ONE_INITRD), arch="arm64")

    def _enter(self):
        return enter(self.recipe(self.suite))

    def _keep_labels(self, guest):
        pass

    def _label(self):
        pass

    def offline(self, program, *arguments):
        raise NoSuchGuest("image builders run the program of their own processor")
