#!/bin/sh
# What no two machines may share. The host keys come anew before the first connection
# (sshd-vsock-keygen.service); this machine's sshd has read its own already and goes on.
set -eu
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if command -v cloud-init >/dev/null; then
        cloud-init clean --logs --seed
fi
: >/etc/machine-id
# The key that Packer came in with; its session is open already. cloud-init has put it at root's keys,
# too, with a command that says to log in as the user; others there are not Packer's.
rm -f "/home/${SUDO_USER:-nobody}/.ssh/authorized_keys"
if [ -e /root/.ssh/authorized_keys ]; then
        sed -i '\,Please login as the user,d' /root/.ssh/authorized_keys
fi
