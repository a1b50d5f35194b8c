"""A Debian guest with its distribution's own kernel under QEMU, without KVM: udev, AppArmor or
SELinux, audit, PCI, a disk. What user-mode Linux has none of; ten times as slow.

Its disk is made of its tree by mke2fs, without a mount, at the first boot: until then the tree is
worked on as with any guest. Afterwards only the guest itself can write to it.
"""

import fcntl
import os
import subprocess
import threading
from contextlib import suppress
from resource import RUSAGE_CHILDREN, getrusage

from .door import GuestGone, PortDoor
from .machine import Guest, NoSuchGuest
from .sandbox import BASE
from .sanitizer import REPORT, SanitizerReport
from .trees import GUEST_PACKAGES, GUEST_SETUP, Recipe, cache_folder, tree

SIZE = "3G"  # of the disk; a sparse file in the sandbox's memory
CONTEXTS = "/etc/selinux/default/contexts/files/file_contexts"
EMULATOR = Recipe("emulator", "forky", ("qemu-system-x86", "vhost-device-vsock"))
PACKAGES = ("linux-image-cloud-amd64", "apparmor", "auditd", "selinux-policy-default",
            "policycoreutils")

# No more in the initial RAM disk than gets at the disk: the emulated processor unpacks it.
SMALL_INITRD = """set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
printf 'MODULES=list\\nCOMPRESS=lz4\\n' >"$1/etc/initramfs-tools/conf.d/guest"
printf 'virtio_pci\\nvirtio_blk\\next4\\n' >"$1/usr/share/initramfs-tools/modules.d/guest"
"""

FINISH_LESS = GUEST_SETUP + """\
for unit in e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \\
        e2scrub_all.timer fstrim.timer; do
        ln -sf /dev/null /etc/systemd/system/$unit
done
# Profiles of nothing that is here; each boot would compile them.
for profile in lsb_release nvidia_modprobe; do
        [ ! -e /etc/apparmor.d/$profile ] || ln -s ../$profile /etc/apparmor.d/disable/
done
"""
FINISH = FINISH_LESS + f"""\
mount -t proc proc /proc
setfiles -F {CONTEXTS} /
umount /proc
"""

SECURITY = {"apparmor": "security=apparmor",
            "selinux": "security=selinux selinux=1 enforcing=1 audit=1"}


class Emulated(Guest):
    """Such a guest; what Guest takes, and

    security    the kernel's security module: apparmor or selinux (enforcing)
    smbios      strings of the host for the guest, as the firmware hands them over (type 11)

    There is no wsl=, and no tar=. At most one such guest is on at a time, on the whole machine:
    boot() waits for its turn.
    """

    patience = 10
    # It boots with others of them.
    no_modules = "rm -r /usr/lib/modules/*/kernel/net/vmw_vsock; depmod $(ls /usr/lib/modules)"
    costs = []  # (name, CPU seconds) of each guest of this process that is gone
    _mine = False  # one of this process is on
    architecture = "amd64"
    securities = SECURITY
    # How it is emulated.
    emulator = EMULATOR
    qemu = ("qemu-system-x86_64", "-machine", "q35,memory-backend=mem", "-cpu", "Nehalem")
    kernel_console = "ttyS0"

    def __init__(self, suite, *, security="apparmor", smbios=(), memory=None, cmdline="",
                 **options):
        if options.get("wsl") or options.get("tar"):
            raise NoSuchGuest("with its distribution's kernel it is no WSL, and of no tar file")
        self._name = f"{suite}, {self.architecture}, {security}"
        self.smbios = list(smbios)
        self._began = getrusage(RUSAGE_CHILDREN)
        self._turn = None
        self._as_it_is = set()
        super().__init__(suite, memory=memory or ("1536M" if security == "selinux" else "1024M"),
                         cmdline=f"{self.securities[security]} {cmdline}", **options)

    def _trees(self, suite, packages, tar):
        return tree(self.emulator), tree(self.recipe(suite, packages))

    @staticmethod
    def recipe(suite, packages=()):
        """The recipe of its tree, with more packages where a test needs them. One tree for all
        security modules: labels and policy mean nothing to a kernel that was not told to use them.
        """
        packages = tuple(packages)
        return Recipe("+".join((suite, "distro") + packages), suite,
                      GUEST_PACKAGES + PACKAGES + packages, FINISH, hooks=(SMALL_INITRD,))

    def _lay_out(self, runner, guest):
        super()._lay_out(runner, guest)
        self._keep_labels(guest)

    def _put_network(self):
        """Its own kernel has the module."""

    def _keep_labels(self, guest):
        # Of the topmost folder overlayfs shows its own.
        os.setxattr(self._sandbox.path(".overlay2/upper"), "security.selinux",
                    os.getxattr(guest, "security.selinux"))

    def _changes(self):
        """What was put into the tree or changed in it, as paths of the guest."""
        upper = self._sandbox.path(".overlay2/upper")
        for folder, folders, files in os.walk(upper):
            for name in sorted(folders + files):
                path = os.path.join(folder, name)
                inside = f"/{os.path.relpath(path, upper)}"
                if os.path.lexists(self._sandbox.path(f"runner/guest{inside}")):
                    yield path, inside

    def _unlabelled(self):
        for path, inside in self._changes():
            if "security.selinux" not in os.listxattr(path, follow_symlinks=False):
                yield inside

    def _label(self):
        """Gives what a test put in the labels that a system's own tools would have given it."""
        paths = "".join(f"{path}\n" for path in self._unlabelled() if path not in self._as_it_is)
        self._sandbox.mount("proc", "runner/guest/proc")
        try:
            super().chroot(f"setfiles -F -f - {CONTEXTS}", data=paths.encode())
        finally:
            self._sandbox.run(["umount", f"{BASE}/runner/guest/proc"])

    def offline(self, program, *arguments):
        """What the program under test leaves without a label stays without."""
        self._label()
        super().offline(program, *arguments)
        self._as_it_is |= set(self._unlabelled())

    def _make_disk(self):
        self._label()
        self._sandbox.run(["mke2fs", "-q", "-t", "ext4", "-d", f"{BASE}/runner/guest",
                           f"{BASE}/runner/disk", SIZE])

    def close(self):
        try:
            self._expect_no_reports()
        finally:
            self.power_off()  # and so what it cost is known
            self._sandbox.close()
            self._end_turn()
            end = getrusage(RUSAGE_CHILDREN)
            self.costs.append((self._name, end.ru_utime + end.ru_stime - self._began.ru_utime -
                               self._began.ru_stime))

    def _expect_no_reports(self):
        """They are on a disk that only the guest itself can read."""
        if not self.is_on():
            return
        found = b""
        with suppress(GuestGone, TimeoutError):
            _, found, _ = self._run(f"for f in {REPORT}.*; do [ ! -e $f ] || "
                                    "{ echo $f:; cat $f; }; done")
        if found:
            raise SanitizerReport(f"in the guest {self.suite}:\n{found.decode(errors='replace')}")

    # ---- power ---------------------------------------------------------------------------------

    def _take_turn(self):
        if self._turn:
            return
        if Emulated._mine:
            raise RuntimeError("only one guest with its distribution's kernel at a time")
        Emulated._mine = True
        self._turn = open(cache_folder() / "emulated-guest.lock", "w", encoding="ascii")
        fcntl.flock(self._turn, fcntl.LOCK_EX)

    def _end_turn(self):
        if self._turn:
            self._turn.close()
            self._turn = None
            Emulated._mine = False

    def boot(self):
        self._take_turn()
        super().boot()

    def _kernel_options(self, root):
        return (f"root={root} rw console={self.kernel_console} mitigations=off loglevel=4 "
                f"systemd.show_status=error {self.cmdline}")

    def _disk(self):
        """What QEMU has to be told of the disk, and of what is booted from it."""
        kernel, initrd = (f"/guest/boot/{file.name}" for name in ("vmlinuz", "initrd.img")
                          for file in self._sandbox.path("runner/guest/boot").glob(f"{name}-*"))
        return ["-kernel", kernel, "-initrd", initrd, "-append", self._kernel_options("/dev/vda"),
                "-drive", "file=/disk,format=raw,if=none,id=root,cache=unsafe"]

    def _power_on(self):
        if self._boots == 1:
            self._make_disk()
        self._door = PortDoor()
        port = self._door.theirs.fileno()
        argv = [*self.qemu, "-accel", "tcg,thread=multi", "-smp", "1", "-m", self.memory,
                "-display", "none", "-nodefaults", "-no-reboot", "-no-user-config", "-object",
                f"memory-backend-memfd,id=mem,size={self.memory},share=on",
                "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                *self._disk(), "-device", "virtio-blk-pci,drive=root",
                "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=door,fd={port}",
                "-device", "virtserialport,chardev=door,nr=1"]
        for text in self.smbios:
            argv += ["-smbios", f"type=11,value={text.replace(',', ',,')}"]
        if self.virtio:
            argv += ["-chardev", f"socket,id=vsock,path={self._plug_in_device()}",
                     "-device", "vhost-user-vsock-pci,chardev=vsock"]
        machine = self._sandbox.popen(argv, chroot="runner", pass_fds=[port],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._processes.append(machine)
        self._door.listen()
        threading.Thread(target=self._read_console, args=[machine.stdout], daemon=True).start()

    def chroot(self, script, data=None):
        if self._boots:
            raise RuntimeError("the disk of a guest that was on cannot be opened from outside")
        return super().chroot(script, data)

    def shutdown(self, timeout=60):
        self._expect_no_reports()
        super().shutdown(timeout)
