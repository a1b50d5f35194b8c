#!/bin/sh
# The public recipe that people follow by hand, as one script: the peer that sshd-vsock is measured
# beside. Nothing is synced, nothing is checked. Usage: recipe.sh ROOT
set -eu
root=${1%/}
units=$root/etc/systemd/system
mkdir -p "$units/sockets.target.wants" "$root/etc/modules-load.d" "$root/etc/systemd/system-preset"
cat >"$units/sshd-vsock.socket" <<END
[Unit]
Description=SSH on AF_VSOCK
[Socket]
ListenStream=vsock::22
Accept=yes
[Install]
WantedBy=sockets.target
END
cat >"$units/sshd-vsock@.service" <<END
[Unit]
Description=SSH connection on AF_VSOCK
[Service]
ExecStart=-/usr/sbin/sshd -i
StandardInput=socket
StandardError=journal
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
END
chmod 0644 "$units/sshd-vsock.socket" "$units/sshd-vsock@.service"
ln -sf /etc/systemd/system/sshd-vsock.socket "$units/sockets.target.wants/sshd-vsock.socket"
printf 'vsock_loopback\n' >"$root/etc/modules-load.d/sshd-vsock.conf"
printf 'enable sshd-vsock.socket\n' >"$root/etc/systemd/system-preset/10-sshd-vsock.preset"
grep -q UNKNOWN "$root/etc/hosts" || echo '127.0.0.1 UNKNOWN' >>"$root/etc/hosts"
mkdir -p "$root/root"
touch "$root/root/.hushlogin"
mkdir -p "$root/etc/ssh/sshd_config.d"
grep -q '^root:' "$root/etc/passwd"
test -x "$root/usr/sbin/sshd"
