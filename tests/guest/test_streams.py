"""A TCP socket unit under listen_address: its ports, and what it has that is not TCP, stay."""

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners, meanwhile

EVERY_RUN = 2

LISTEN = "listen_address: 127.0.0.1\n"


@pytest.fixture(scope="module", name="guest", params=["bullseye", "bookworm", "trixie", "forky"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        guest.check("ip link set lo up")
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
