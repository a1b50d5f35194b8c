#!/bin/sh
# WSL runs this as root when the distribution is opened for the first time. If it ended with
# anything but 0, WSL would open no shell and run it again at the next start: so it ends with 0,
# whatever happened to SSH.
uid=1000 # defaultUid of wsl-distribution.conf

if [ -t 0 ] && ! getent passwd "$uid" >/dev/null; then
        while ! getent passwd "$uid" >/dev/null; do
                printf 'Name of the new user: '
                read -r name || break # the terminal is gone
                useradd --create-home --shell /bin/bash --uid "$uid" -- "$name" ||
                        echo "Once more, please."
        done
        # WSL's shell asks for no password: one that is never right must not keep it closed.
        for more in 2 1 0; do
                if ! getent passwd "$uid" >/dev/null || passwd "$name"; then break; fi
                case $more in
                0) echo "There is no password yet; \"wsl -u root passwd $name\" on Windows sets one." ;;
                *) echo "Once more, please." ;;
                esac
        done
fi

sshd-vsock apply
case $? in
0)
        echo "SSH over vsock: verified." ;;
3)
        echo "SSH over vsock: started, but this kernel has no loopback to verify it from inside" \
                "(WSL's kernels have it from 6.18 on). Try it from Windows." ;;
*)
        echo "SSH over vsock: does not work yet, see above. WSL works without it;" \
                "\"wsl -u root sshd-vsock apply\" on Windows tries again." ;;
esac
exit 0
