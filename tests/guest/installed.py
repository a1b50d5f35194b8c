"""A Debian guest that boots as an installed machine does, by UEFI and systemd-boot, from a disk that
Packer has built: images/packer, with its own qemu builder and scripts, on an emulated processor.

What Packer starts from stands in for Debian's cloud image, which no mirror of packages has: made of
packages, without a mount of any device. Packer's machine has a network of its own, without a way out.
"""

import re
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from .emulated import SIZE, SMALL_INITRD, Emulated
from .sandbox import BASE
from .trees import Recipe, tree

EXAMPLE = Path(__file__).resolve().parents[2] / "images/packer"
TOO_NEW = {"plugins.pkr.hcl"}  # a block that came with Packer 1.7
FIRMWARE = "/usr/share/ovmf/OVMF.fd"
# Debian's last free Packer. What makes the disk is there, too.
PACKER = Recipe("packer", "bookworm",
                ("packer", "qemu-system-x86", "qemu-utils", "ovmf", "xorriso", "iproute2", "mtools",
                 "dosfstools", "fdisk", "e2fsprogs"))
ESP, ROOT = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))

# The seed is on a CD, which has to be there before systemd looks for what it is to start.
CD_AT_BOOT = r"""printf 'ata_piix\nsr_mod\n' >>"$1/usr/share/initramfs-tools/modules.d/guest"
"""

# What a cloud image has and a minimal tree lacks: cloud-init would end in errors of its own.
CLOUD = """locale: C.UTF-8
resize_rootfs: false
growpart: {mode: "off"}
network: {config: disabled}
"""
NETWORK = "[Match]\nName=en*\n\n[Network]\nDHCP=ipv4\n"

# Packer's machine has no port that the control door could wait for.
DOOR_WHERE_THERE_IS_A_PORT = """[Service]
ExecCondition=/bin/sh -c 'grep -qx 0x10[04]3 /sys/bus/pci/devices/*/device'
"""

# As an installer does it, but for the firmware's variables, which a disk image has none of. Entries
# are not named by a machine id: it would be that of all machines of this image.
INSTALL = f"""
cat >/etc/fstab <<END
PARTUUID={ROOT} / ext4 errors=remount-ro 0 1
PARTUUID={ESP} /boot/efi vfat umask=0077 0 0
END
systemctl -q enable systemd-networkd
echo debian >/etc/kernel/entry-token
export SYSTEMD_RELAX_ESP_CHECKS=1
bootctl --no-variables --make-entry-directory=yes --esp-path=/boot/efi install
version=$(ls /usr/lib/modules)
kernel-install add $version /boot/vmlinuz-$version /boot/initrd.img-$version
"""

MAKE_DISK = f"""
truncate -s {SIZE} disk.raw
sfdisk -q disk.raw <<END
label: gpt
start=2048, size=128M, type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b, uuid={ESP}
type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709, uuid={ROOT}
END
set -- $(sfdisk -l -q -o start,sectors --bytes disk.raw | tail -n 2)
truncate -s $(($2 * 512)) esp.raw
mkfs.vfat -F 32 esp.raw >/dev/null
mcopy -s -i esp.raw esp/* ::/
dd if=esp.raw of=disk.raw seek=$1 conv=notrunc status=none
mke2fs -q -F -t ext4 -d guest -E offset=$(($3 * 512)) disk.raw $(($4 / 2))k
"""

BUILD = f"""
ip link set lo up
cd example
export CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=/machine/cache HOME=/root
timeout 30m packer build -color=false -var accelerator=tcg -var firmware={FIRMWARE} \\
        -var program=/machine/sshd-vsock -var ssh_key_file=/machine/key \\
        -var image=/machine/disk.raw -var image_checksum=none . 2>&1
mv output-debian/packer-debian /machine/disk
rm -r /machine/disk.raw /machine/cache
"""


class Installed(Emulated):
    """Such a guest, with this program in it. Its first boot builds it; `said` is what Packer said.
    Root's key is of the image; Packer comes in as the user that cloud-init makes, with a key that
    is taken away again."""

    qemu = Emulated.qemu + ("-bios", "/OVMF.fd", "-netdev", "user,id=net,restrict=on",
                            "-device", "virtio-net-pci,netdev=net,romfile=")

    def __init__(self, suite, program, **options):
        self._program = program
        self.said = None
        super().__init__(suite, generators=True, boot_timeout=300, **options)
        self._name += ", built by Packer, UEFI"

    @staticmethod
    def recipe(suite, packages=()):
        plain = Emulated.recipe(suite, ("systemd-boot", "cloud-init", "sudo", *packages))
        return Recipe(f"{suite}+installed", suite, plain.packages, plain.finish,
                      hooks=(SMALL_INITRD, CD_AT_BOOT))

    def _lay_out(self, runner, guest):
        super()._lay_out(runner, guest)
        packer = tree(PACKER)
        self._sandbox.overlay(packer, "packer")
        self._sandbox.mount("proc", "packer/proc")
        self._sandbox.path("packer/machine").mkdir()
        self._sandbox.path("runner/OVMF.fd").write_bytes(
            (packer / FIRMWARE.lstrip("/")).read_bytes())

    def _prepare(self, prepare):
        super()._prepare(prepare)
        self.put("/etc/systemd/system/guest-door.service.d/port.conf", DOOR_WHERE_THERE_IS_A_PORT)
        self.put("/etc/cloud/cloud.cfg.d/99-minimal-tree.cfg", CLOUD)
        self.put("/etc/kernel/cmdline", self._kernel_options(f"PARTUUID={ROOT}"))
        self.put("/etc/systemd/network/any.network", NETWORK)
        self._sandbox.mount("proc", "runner/guest/proc")
        # What kernel-install writes depends on where the mount is.
        self._sandbox.mount("tmpfs", "runner/guest/boot/efi")
        self.chroot(INSTALL)
        self._show_to_packer("boot/efi", "esp")
        for mounted in ("boot/efi", "proc"):
            self._sandbox.run(["umount", f"{BASE}/runner/guest/{mounted}"])

    def _show_to_packer(self, inside, name):
        self._sandbox.path(f"packer/machine/{name}").mkdir()
        self._sandbox.run(["mount", "--bind", f"{BASE}/runner/guest/{inside}",
                           f"{BASE}/packer/machine/{name}"])

    def _in_packers_machine(self, script):
        return self._sandbox.run(["unshare", "--net", "chroot", f"{BASE}/packer", "sh", "-euc",
                                  f"cd /machine\n{script}"]).decode(errors="replace")

    def _copy_example(self):
        """With a key of its own, and the patience that an emulated processor wants."""
        machine = self._sandbox.path("packer/machine")
        self._sandbox.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "packer",
                           "-f", f"{BASE}/packer/machine/key"])
        key = (machine / "key.pub").read_text(encoding="ascii").strip()
        (machine / "sshd-vsock").write_bytes(Path(self._program).read_bytes())
        for source in EXAMPLE.rglob("*"):
            if source.is_file() and source.name not in TOO_NEW:
                target = machine / "example" / source.relative_to(EXAMPLE)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = source.read_text(encoding="utf-8")
                text = re.sub(r"ssh-ed25519 \S+ you@example", key, text)
                if source.name == "sshd-vsock.yaml":
                    text += "verify_timeout: 60\n"
                target.write_text(text, encoding="utf-8")

    def _make_disk(self):
        self._label()
        self._show_to_packer("", "guest")
        self._in_packers_machine(MAKE_DISK)
        self._copy_example()
        self.said = self._in_packers_machine(BUILD)
        self._sandbox.run(["mv", f"{BASE}/packer/machine/disk", f"{BASE}/runner/disk"])
        self._account("Packer's machine")

    def _account(self, name):
        """What it cost up to here is that one's."""
        now = getrusage(RUSAGE_CHILDREN)
        self.costs.append((f"{self._name}: {name}", now.ru_utime + now.ru_stime -
                           self._began.ru_utime - self._began.ru_stime))
        self._began = now

    def _disk(self):
        return ["-drive", "file=/disk,format=qcow2,if=none,id=root,cache=unsafe"]
