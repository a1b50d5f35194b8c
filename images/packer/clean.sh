#!/bin/sh
# What no two machines may share. The host keys come anew before the first connection
# (sshd-vsock-keygen.service); this machine's sshd has read its own already and goes on.
set -eu
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if command -v cloud-init >/dev/null; then
        cloud-init clean --logs --seed
fi
: >/etc/machine-id
# In /var/lib/systemd two stay: random-seed is written again when the machine goes down, and
# credential.secret may be what credentials of the image are encrypted with.
# The key that Packer came in with, wherever that account's home is; its session is open already.
# cloud-init has put it at root's keys, too, with a command that says to log in as the user; others
# there are not Packer's.
home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)
rm -f "${home:?}/.ssh/authorized_keys"
if [ -e /root/.ssh/authorized_keys ]; then
        sed -i '\,Please login as the user,d' /root/.ssh/authorized_keys
fi
