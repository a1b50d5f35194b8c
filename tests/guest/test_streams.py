"""A TCP socket unit under listen_address: its ports, and what it has that is not TCP, stay."""

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners, meanwhile

EVERY_RUN = 2
ALWAYS = ("test_reload_that_moves_tcp_does_not_cost_it", "test_reload_that_moves_another_unit_on_tcp_does_not_cost_it")

LISTEN = "listen_address: 127.0.0.1\n"


@pytest.fixture(scope="module", name="guest", params=["bullseye", "bookworm", "trixie", "forky"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        # systemd's own listener would be there when ours is gone, and left alone then
        guest.check("ip link set lo up; mkdir -p /etc/systemd/system-generators;"
                    "ln -s /dev/null /etc/systemd/system-generators/systemd-ssh-generator")
        yield guest


# Where ssh.socket listens, TCP or not; and the kernel's word for it.
STREAMS = ("systemctl show -P Listen ssh.socket | sort; ss -Hltn | awk '{print $4}' | sort;"
           "ss -Hlx | grep -o '/run/own[^ ]*\\|@own[^ ]*'; ss --vsock -Hln | grep ':1022 ';"
           "systemctl is-active ssh.socket")
OWN_STREAMS = {
    "port.conf": "[Socket]\nListenStream=\nListenStream=2222\n",
    "vsock.conf": "[Socket]\nListenStream=vsock::1022\nListenStream=/run/own.sock\n"
                  "ListenStream=@own\n",
}


@pytest.mark.parametrize("own", ["drop-ins", "own unit"])
def test_socket_unit_keeps_its_port_and_what_is_not_tcp(own, guest):
    folder, unit = f"{UNITS}/ssh.socket.d", f"{UNITS}/ssh.socket"
    with meanwhile(guest, "systemctl disable -q --now ssh.service",
                   f"systemctl stop ssh.service; systemctl disable -q --now ssh.socket;"
                   f"rm -rf {folder} {unit}; systemctl daemon-reload; systemctl reset-failed;"
                   "systemctl enable -q --now ssh.service"):
        if own == "own unit":
            text = guest.get("/lib/systemd/system/ssh.socket").decode()
            lines = "".join(part.replace("[Socket]\n", "") for part in OWN_STREAMS.values())
            guest.put(unit, text.replace("[Install]", lines + "[Install]"))
        else:
            for name, lines in OWN_STREAMS.items():
                guest.put(f"{folder}/{name}", lines)
        guest.check("systemctl daemon-reload; systemctl enable -q --now ssh.socket")
        before = guest.check(STREAMS)
        wide = [line for line in before.splitlines() if line.endswith(":2222")]
        assert wide and "vsock::1022" in before and "/run/own.sock" in before and "@own" in before

        apply(guest, LISTEN)
        confined = guest.check(STREAMS)
        assert listeners(guest) == {"127.0.0.1:2222"}
        for stream in "vsock::1022", "/run/own.sock", "@own":
            assert confined.count(stream) == before.count(stream)
        assert "nothing to do" in apply(guest).stderr
        guest.check("systemctl daemon-reload")
        assert "nothing to do" in apply(guest).stderr
        assert guest.check(STREAMS) == confined
        apply(guest, "listen_address: [127.0.0.1, '127.0.0.1:2200']\n")
        assert listeners(guest) == {"127.0.0.1:2222", "127.0.0.1:2200"}
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove")
        assert guest.check(STREAMS) == before
        assert guest.run(f"ls {folder}/zz-sshd-vsock.conf").status != 0
    guest.check("rm -f /etc/sshd-vsock.yaml; systemctl is-active -q ssh.service")


# Ubuntu's: every Port and ListenAddress of sshd's, made into addresses of ssh.socket at each reload.
GENERATOR = r"""#!/bin/sh
settings() { sed -n "s/^$1 //p" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; }
ports=$(settings Port) addresses=$(settings ListenAddress)
[ "$ports$addresses" ] || exit 0
mkdir -p "$1/ssh.socket.d"
{
        printf '[Socket]\nBindIPv6Only=ipv6-only\nListenStream=\n'
        for port in ${ports:-22}; do
                for address in ${addresses:-0.0.0.0 [::]}; do
                        echo "ListenStream=$address:$port"
                done
        done
} >"$1/ssh.socket.d/addresses.conf"
"""
PATH = "/etc/systemd/system-generators/sshd-socket-generator"
OURS_TOO = "[Socket]\nListenStream=vsock::1022\nAccept=yes\n[Install]\nWantedBy=sockets.target\n"


@pytest.mark.parametrize("served", (False, True))
def test_reload_that_moves_tcp_does_not_cost_it(served, guest):
    """systemd has read all there is, and the reload itself makes other addresses. Nobody but us does one."""
    connect = "bash -c 'read -t 20 line </dev/tcp/127.0.0.1/22; echo $line' | grep SSH-2.0"
    with meanwhile(guest, "sshd-vsock remove; systemctl disable -q --now ssh.service",
                   f"systemctl stop ssh.service; systemctl disable -q --now ssh.socket more.socket; rm {PATH}"
                   f" {UNITS}/more*; rm -f /etc/ssh/sshd_config.d/moved.conf; systemctl daemon-reload;"
                   "systemctl enable -q --now ssh.service"):
        guest.put(PATH, GENERATOR)
        guest.put(f"{UNITS}/more.socket", OURS_TOO)
        guest.put(f"{UNITS}/more@.service", "[Service]\nExecStart=/bin/true\nStandardInput=socket\n")
        guest.check(f"chmod 0755 {PATH}; systemctl daemon-reload; systemctl enable -q --now ssh.socket more.socket")
        for verb, lines, want in (("apply", "Port 2222\n", {"0.0.0.0:2222", "[::]:2222"}),
                                  ("remove", "", {"*:22"}),
                                  ("apply", "ListenAddress 127.0.0.1\n", {"127.0.0.1:22"}),
                                  ("remove", "Port 2222\n", {"0.0.0.0:2222", "[::]:2222"})):
            if served and listeners(guest) == {"*:22"}:
                guest.check(connect)
            guest.put("/etc/ssh/sshd_config.d/moved.conf", lines)
            assert guest.check("systemctl show -P NeedDaemonReload ssh.socket") == "no\n"
            result = guest.run(f"sshd-vsock {verb}", timeout=120)
            assert result.status == 0 and listeners(guest) == want, (verb, lines, result.stderr)
            if verb == "apply":
                assert "nothing to do" in apply(guest).stderr
        # a run that fails before its own reload, and does one to put the port back
        apply(guest, "{}\n")
        guest.put("/etc/ssh/sshd_config.d/moved.conf", "Port 2200\n")
        guest.put("/root/other.yaml", "port: 2222\n")
        result = guest.run("ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=renameat "
                           "-e inject=renameat:error=ENOSPC:when=2 sshd-vsock apply --config=/root/other.yaml",
                           timeout=120)
        assert result.status == 1 and "rolled back: sshd-vsock.socket restored" in result.stderr, result
        assert listeners(guest) == {"0.0.0.0:2200", "[::]:2200"}, result
        # the same with one on vsock, as anybody leaves it who forgets to reload
        guest.check(f"sshd-vsock remove; sed -i s/1022/1023/ {UNITS}/more.socket")
        said = apply(guest, "{}\n").stderr
        assert "more.socket other addresses, on which nothing listens: restarting it" in said
        assert guest.check("ss --vsock -Hln | grep -c :1023") == "1\n"
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml /root/other.yaml")


ADMIN = "[Socket]\nListenStream=2200\nAccept=yes\n[Install]\nWantedBy=sockets.target\n"


def test_reload_that_moves_another_unit_on_tcp_does_not_cost_it(guest):
    """It is the way in, under a name of its administrator's, who has not had his edit read. What he closed
    himself stays closed."""
    with meanwhile(guest, "sshd-vsock remove; systemctl stop ssh.service",
                   f"systemctl disable -q --now admin.socket; rm {UNITS}/admin*; systemctl daemon-reload;"
                   "systemctl start ssh.service; sshd-vsock remove; rm -f /etc/sshd-vsock.yaml"):
        guest.put(f"{UNITS}/admin.socket", ADMIN)
        guest.put(f"{UNITS}/admin@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n")
        guest.check("systemctl daemon-reload; systemctl enable -q --now admin.socket;"
                    f"sed -i s/2200/2222/ {UNITS}/admin.socket")
        assert listeners(guest) == {"*:2200"}
        said = apply(guest, "{}\n").stderr
        assert "gave admin.socket other addresses, on which nothing listens: restarting it" in said, said
        assert listeners(guest) == {"*:2222"}
        guest.check(f"sed -i s/2222/2200/ {UNITS}/admin.socket; systemctl daemon-reload")
        assert listeners(guest) == set()
        assert "admin.socket" not in apply(guest, "port: 2223\n").stderr
