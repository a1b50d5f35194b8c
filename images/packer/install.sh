#!/bin/sh
# Starts SSH on AF_VSOCK in the machine that is being built and verifies it: if it does not answer,
# the build fails. TCP is left alone, it is the way Packer is in: `disable_tcp` and `listen_address`
# are held back until that has worked, and are sshd-vsock-provision.service's work at the image's first
# boot. (--config would not do: each boot applies what came by it, whatever the file says.)
set -eu
install -m 0755 /tmp/sshd-vsock /usr/sbin/sshd-vsock
# with the lines below listen_address that are its list
awk '/^["\047]?(disable_tcp|listen_address)["\047]?[ \t]*:/ { held = 1; next }
        held && /^([] \t#-]|$)/ { next }
        { held = 0; print }' /tmp/sshd-vsock.yaml >/etc/sshd-vsock.yaml
if sed 's/^#.*//; s/[[:space:]]#.*//' /etc/sshd-vsock.yaml |
        grep -E 'disable_tcp|listen_address' >&2; then
        echo 'install.sh: this would close TCP in the build; put the key at the start of a line' >&2
        exit 1
fi
sshd-vsock apply
install -m 0600 /tmp/sshd-vsock.yaml /etc/sshd-vsock.yaml
sshd-vsock check
rm /tmp/sshd-vsock /tmp/sshd-vsock.yaml
