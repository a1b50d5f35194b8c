# Debian's cloud image with SSH on AF_VSOCK, built in QEMU:
#
#     packer init . && packer build -var ssh_key_file=$HOME/.ssh/id_ed25519 .

variable "program" {
  type        = string
  default     = ""
  description = "The program on this machine; it is copied into the image. By default see below."
}

variable "ssh_key_file" {
  type        = string
  default     = ""
  description = "The private key that belongs to the public one in seed/user-data."
}

variable "image" {
  type    = string
  default = "https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2"
}

variable "image_checksum" {
  type    = string
  default = "file:https://cloud.debian.org/images/cloud/trixie/latest/SHA512SUMS"
}

variable "accelerator" {
  type        = string
  default     = ""
  description = "QEMU's: kvm, hvf, tcg (none: ten times as slow). By default what this machine has."
}

variable "firmware" {
  type        = string
  default     = ""
  description = "UEFI of the machine, such as Debian's /usr/share/ovmf/OVMF.fd. By default it has a BIOS."
}

# What packaging/release made runs in every image; where that was not run, what is installed here.
locals {
  portable = "${path.root}/../../dist/sshd-vsock.x86_64"
  found    = fileexists(local.portable) ? local.portable : "/usr/sbin/sshd-vsock"
  program  = var.program != "" ? var.program : local.found
}

source "qemu" "debian" {
  iso_url      = var.image
  iso_checksum = var.image_checksum
  disk_image   = true
  format       = "qcow2"
  headless     = true
  cd_files     = ["${path.root}/seed/*"]
  cd_label     = "cidata"
  accelerator  = var.accelerator
  qemuargs     = [for file in [var.firmware] : ["-bios", file] if file != ""]

  # Packer itself comes in over TCP. This machine needs no vsock device: the vsock listener is
  # verified over loopback.
  ssh_username         = "debian"
  ssh_private_key_file = var.ssh_key_file
  ssh_timeout          = "15m" # which an emulated processor may need
  shutdown_command     = "sudo systemctl poweroff"
}

build {
  sources = ["source.qemu.debian"]

  provisioner "file" {
    source      = local.program
    destination = "/tmp/sshd-vsock"
  }

  provisioner "file" {
    source      = "${path.root}/sshd-vsock.yaml"
    destination = "/tmp/sshd-vsock.yaml"
  }

  provisioner "shell" {
    execute_command = "chmod +x {{ .Path }}; sudo env {{ .Vars }} {{ .Path }}"
    scripts = [
      "${path.root}/install.sh",
      "${path.root}/clean.sh",
    ]
  }
}
