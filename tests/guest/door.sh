#!/bin/bash
# The control door of a test guest: runs what the harness asks for, and has nothing to do with sshd
# or vsock. A request is a line `NUMBER SECONDS` on a serial line; its script, output and exit
# status are files in a folder that the guest shares with the harness. The answer: `NUMBER`.
set -eu
door=/run/door
mkdir -p "$door/local" "$door/shared"
# The new mount API cannot pass hostfs a path; newer mount commands are told to use the old one.
LIBMOUNT_FORCE_MOUNT2=always mount -t hostfs -o /door none "$door/shared"
set +e

# A session of its own and a clean environment: nothing tells a script that systemd runs it.
# Output goes to memory first: what a background process writes later must not hold the door open.
answer() {
        local number=$1 seconds=$2 out="$door/local/$1" in="$door/shared/$1"
        env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8 TERM=dumb \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                setsid --wait timeout --signal=KILL "$seconds" bash "$in.sh" \
                </dev/null >"$out.out" 2>"$out.err" 3>&-
        echo $? >"$in.status"
        cat "$out.out" >"$in.out"
        cat "$out.err" >"$in.err"
        rm -f "$out.out" "$out.err"
        echo "$number" >&3
}

cd /root
exec 3<>/dev/ttyS0
stty -F /dev/ttyS0 raw -echo
echo ready >&3
while read -r number seconds <&3; do
        answer "$number" "$seconds" &
done
