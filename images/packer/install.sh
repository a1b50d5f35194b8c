#!/bin/sh
# Starts SSH on AF_VSOCK in the machine that is being built and verifies it: if it does not answer,
# the build fails. TCP is left alone, it is the way Packer is in: `disable_tcp` is held back
# until that has worked, and is sshd-vsock-provision.service's work at the image's first boot.
set -eu
install -m 0755 /tmp/sshd-vsock /usr/sbin/sshd-vsock
grep -v '^disable_tcp:' /tmp/sshd-vsock.yaml >/etc/sshd-vsock.yaml || : # nothing else in it
sshd-vsock apply
install -m 0600 /tmp/sshd-vsock.yaml /etc/sshd-vsock.yaml
sshd-vsock check
rm /tmp/sshd-vsock /tmp/sshd-vsock.yaml
