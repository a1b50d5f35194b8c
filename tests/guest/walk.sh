#!/bin/bash
# Walks a test guest from one configuration to the next, as standard input says: a line per step,
# `CONFIG OPTIONS HOW LINES DELAY LISTENERS`, while that is broken which the first argument says.
# Prints what happened, a line per fact, for walk.py.
#
# HOW is what becomes of the run after LINES lines of its output and DELAY seconds:
#   done    nothing, it runs to its end
#   kill    it is killed
#   pipe    nobody reads its output any more
#   hangup  its terminal is gone
#   reset   nothing; a step that only leads to where the next one starts
set -u
here=/run/walk
config=/etc/sshd-vsock.yaml
own=/etc/systemd/system/ssh.service
# There where it is active.
started=/run/systemd/units/invocation:ssh.service
condition=$1
mkdir -p $here

# ---- what is wrong -----------------------------------------------------------------------------

# For the whole walk: resets do without any proof.
begin_walk() {
        case $condition in
        dead)
                mkdir -p /run/systemd/system/sshd-vsock@.service.d
                printf '[Service]\nExecStart=\nExecStart=-/bin/head -c 9 /dev/zero\n' \
                        >/run/systemd/system/sshd-vsock@.service.d/test.conf
                systemctl daemon-reload
                ;;
        nobody) mv /root/.ssh/authorized_keys /root/.ssh/kept ;;
        nohost)
                mount -t tmpfs played /sys/class && mkdir -p /sys/class/dmi/id
                echo 'Amazon EC2' >/sys/class/dmi/id/sys_vendor
                mkdir /sys/class/net && ln -s /sys/devices/virtual/net/* /sys/class/net/
                ;;
        esac
}

end_walk() {
        case $condition in
        dead)
                rm -r /run/systemd/system/sshd-vsock@.service.d
                systemctl daemon-reload
                ;;
        nobody) mv /root/.ssh/kept /root/.ssh/authorized_keys ;;
        nohost) umount /sys/class ;;
        taken) systemctl stop squatter ;;
        own)
                [ -L $own ] || rm -f $own
                systemctl daemon-reload
                ;;
        esac
}

# For steps that count. Where our mask is, the administrator's unit is in its place from now on; a
# reset that closes would find it in its way.
own_unit() {
        if [ "$how" = reset ]; then
                [ "$name" = closed ] && [ -f $own ] && ! [ -L $own ] || return 0
                rm $own
        else
                ! [ -f $own ] || [ -L $own ] || return 0
                rm -f $own
                cp /lib/systemd/system/ssh.service $own
        fi
        systemctl daemon-reload
}

take_port() {
        [ "$how" != reset ] && ! systemctl is-active -q squatter || return 0
        modprobe vsock_loopback
        systemd-run -q -G --unit=squatter socat VSOCK-LISTEN:222,fork EXEC:cat
        until ss --vsock -l | grep -q ':222 '; do rest 0.05; done
}

begin_step() {
        case $condition in
        own) own_unit ;;
        taken) take_port ;;
        esac
}

# ---- who listens -------------------------------------------------------------------------------

# Sets `now`: the kernel's own words for all addresses on which somebody listens. No process is
# started for it. Listeners come first in these files.
look() {
        local address state file
        now=
        for file in /proc/net/tcp /proc/net/tcp6; do
                {
                        read -r _
                        while read -r _ address _ state _ && [ "$state" = 0A ]; do
                                now+=" $address"
                        done
                } <$file
        done
}

# Sleeps without a process.
rest() {
        read -rt "$1" -u 9 || :
}

# A line whenever that is another than before, until it is killed.
sample() {
        local last=none now
        while look; do
                [ "$now" = "$last" ] || echo "sample ${EPOCHREALTIME/./}$now"
                last=$now
                rest 0.008
        done
}

# Until nothing moves any more: sshd reads its files again after it was told to, and systemd may
# still be at what it was asked for by one who is dead.
settle() {
        local last=none now n=0
        until [ "$1" != kill ] || [ -z "$(systemctl list-jobs --no-legend)" ]; do rest 0.05; done
        while look; do
                if [ "$now" != "$last" ]; then
                        n=0
                elif [ -n "$now" ] || ! [ -L $started ]; then
                        n=$((n + 1))
                fi
                last=$now
                [ $n -lt 3 ] || break
                rest 0.03
        done
}

# ---- a run -------------------------------------------------------------------------------------

# Reads the run's lines from descriptor 8 and does to it what has to be done.
watch() {
        local how=$1 lines=$2 delay=$3 pid=$4 line n=0
        while read -r line <&8; do
                echo "$line" >>$here/err
                n=$((n + 1))
                [ $n -eq "$lines" ] || continue
                case $how in
                kill | hangup)
                        rest "$delay"
                        kill -KILL "$pid"
                        ;;
                pipe) break ;;
                esac
        done
        exec 8<&-
}

# Sets `status`; that of a run whose terminal is gone is known to nobody.
run() {
        local how=$1 lines=$2 delay=$3
        shift 3
        : >$here/err
        if [ "$how" = "done" ] || [ "$how" = reset ]; then
                "$@" >>$here/err 2>&1
                status=$?
                return
        fi
        mkfifo $here/pipe
        if [ "$how" = hangup ]; then
                setsid script -qfc "$*" /dev/null </dev/null >$here/pipe 2>&1 &
        else
                "$@" >$here/pipe 2>&1 &
        fi
        exec 8<$here/pipe
        rm $here/pipe
        watch "$how" "$lines" "$delay" $!
        wait $! 2>/dev/null
        status=$?
        while [ "$how" = hangup ] && pgrep -x sshd-vsock >/dev/null; do rest 0.05; done
}

# Which starts of sshd and of the door's socket these are, and whether they are active.
invocations() {
        [ "$how" = reset ] ||
                systemctl show -p InvocationID -p ActiveState ssh.service sshd-vsock.socket |
                tr '\n' ' '
}

step() {
        local name=$1 options=$2 how=$3 lines=$4 delay=$5 expected=$6 verb=apply status line
        local -a more=()
        [ "$options" = - ] || more=("$options")
        rm -f $config
        case $name in
        removed) verb=remove ;;
        nofile) ;;
        *) cp "$here/$name.yaml" $config ;;
        esac
        begin_step
        echo "begin ${EPOCHREALTIME/./} $(invocations)"
        run "$how" "$lines" "$delay" sshd-vsock $verb "${more[@]}"
        settle "$how"
        echo "end ${EPOCHREALTIME/./} $status $(invocations)"
        ss --vsock -Hln | sed 's/^/vsock /'
        while read -r line; do echo "err $line"; done <$here/err
}

exec 9<> <(:)
began=$EPOCHREALTIME
begin_walk
sample >$here/samples &
sampler=$!
while read -r name options how lines delay expected; do
        step "$name" "$options" "$how" "$lines" "$delay" "$expected" </dev/null
done
kill $sampler
wait $sampler 2>/dev/null
end_walk
cat $here/samples
journalctl -q --sync
journalctl -q -o short-unix --since "@${began%.*}" -t sshd -t systemd |
        grep -E 'Server listening|SIGHUP|ssh.service|sshd-vsock.socket' | sed 's/^/journal /'
