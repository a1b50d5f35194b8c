#!/bin/bash
# The control door of a test guest: runs what the harness asks for, and has nothing to do with sshd
# or vsock. A request is a line `NUMBER SECONDS` on a serial line; its script, output and exit
# status are files in a folder that the guest shares with the harness. The answer: `NUMBER`.
# Where there is a virtio-serial port, nothing is shared: a line `put NAME SIZE` comes before a
# file's bytes, and `NUMBER STATUS SIZE SIZE` before what a script printed.
set -eu
door=/run/door
line=/dev/ttyS0
mkdir -p "$door/local" "$door/shared"
if grep -q hostfs /proc/filesystems; then
        # The new mount API cannot pass hostfs a path; newer mount commands use the old one if told.
        LIBMOUNT_FORCE_MOUNT2=always mount -t hostfs -o /door none "$door/shared"
else
        modprobe -q virtio_console || :
        until line=$(compgen -G '/dev/vport*p1'); do sleep 0.05; done
fi
set +e

# A session of its own and a clean environment: nothing tells a script that systemd runs it.
# Output goes to memory first: what a background process writes later must not hold the door open.
answer() {
        local number=$1 seconds=$2 out="$door/local/$1" in="$door/shared/$1" status
        env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8 TERM=dumb \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                setsid --wait timeout --signal=KILL "$seconds" bash "$in.sh" \
                </dev/null >"$out.out" 2>"$out.err" 3>&-
        status=$?
        if [ "$line" = /dev/ttyS0 ]; then
                echo $status >"$in.status"
                cat "$out.out" >"$in.out"
                cat "$out.err" >"$in.err"
                echo "$number" >&3
        else
                rm -f "$in.sh"
                tell "$number $status" "$out"
        fi
        rm -f "$out.out" "$out.err"
}

# One answer at a time; a background process may still write to these files.
tell() {
        local sizes
        exec 4>"$door/local/turn"
        flock 4
        head -c "$(stat -c %s "$2.out")" "$2.out" >"$2.out.now"
        head -c "$(stat -c %s "$2.err")" "$2.err" >"$2.err.now"
        sizes=$(stat -c %s "$2.out.now" "$2.err.now")
        echo "$1" $sizes >&3
        cat "$2.out.now" "$2.err.now" >&3
        rm -f "$2.out.now" "$2.err.now"
}

# What a machine in the field has: an address that others reach, if without anybody out there. User-mode
# Linux has no such device; dummy.ko is of its own kernel, and there where the guest has no modules.
plug_in() {
        insmod /usr/local/lib/guest-door/dummy.ko || modprobe dummy || return
        ip link add dummy0 type dummy
        ip address add 192.0.2.2/24 dev dummy0
        ip address add 2001:db8::2/64 dev dummy0 nodad
        look_like_a_card
        ip link set dummy0 up
}

# A network card has a device, by which it is told from what containers have. So here is a directory
# like that of dummy0 in sysfs, with one more name in it, in the place of that.
look_like_a_card() {
        mkdir -p "$door/dummy0" "$door/card/device"
        mount --bind /sys/devices/virtual/net/dummy0 "$door/dummy0"
        ln -s "$door"/dummy0/* "$door/card/"
        ln -sfn /sys/class/net "$door/card/subsystem"
        mount --bind "$door/card" /sys/devices/virtual/net/dummy0
}

plug_in 2>/dev/null
cd /root
exec 3<>"$line"
[ "$line" != /dev/ttyS0 ] || stty -F "$line" raw -echo
echo ready >&3
while read -r first second third <&3; do
        if [ "$first" = put ]; then
                head -c "$third" <&3 >"$door/shared/$second"
        else
                answer "$first" "$second" &
        fi
done
