"""What answers on the port has to be systemd's, for the unit that was meant."""

from contextlib import contextmanager

import pytest

from guest import Guest
from guest.steps import ANYWHERE, UNITS, apply, dropin, listeners, meanwhile

EVERY_RUN = 4
ALWAYS = ("test_generated_unit_that_admits_fewer_is_replaced",)

# A user's own program that speaks SSH as far as the first key-exchange packet, on PORT of CID.
IMPOSTOR = r"""
use Socket; my ($port, $cid) = @ARGV;
socket(my $s, 40, SOCK_STREAM, 0) or die "socket: $!";
bind($s, pack("S S L L x4", 40, 0, $port, $cid)) or die "bind: $!";
listen($s, 64);
while (accept(my $c, $s)) {
        my $body = chr(20) . ("\0" x 16) . ("\0" x 40) . "\0" . ("\0" x 4);
        my $pad = 8 - ((5 + length $body) % 8);
        $pad += 8 if $pad < 4;
        syswrite $c, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n";
        syswrite $c, pack("N C", 1 + length($body) + $pad, $pad) . $body . ("\0" x $pad);
        sysread $c, my $b, 100;
        close $c;
}
"""
ANY = 0xffffffff


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put("/opt/impostor.pl", IMPOSTOR)
        guest.check("modprobe vsock_loopback; modprobe vmw_vsock_virtio_transport")
        yield guest


@contextmanager
def impostor(guest, port, cid=ANY, user="nobody"):
    guest.check(f"systemd-run -q --unit=impostor -p User={user} perl /opt/impostor.pl {port} {cid};"
                f"until ss --vsock -l | grep -q ':{port} '; do sleep 0.05; done")
    try:
        yield
    finally:
        guest.check("systemctl stop impostor")


def refused(guest, config, *words):
    error = apply(guest, config, 4).stderr
    assert "the vsock port is in use by another program" in error
    for word in words:
        assert word in error
    assert "verified" not in error and "TCP stays as it was" in error
    assert listeners(guest) == ANYWHERE
    assert guest.run("sshd-vsock verify").status == 4


def again(guest):
    guest.check("systemctl reset-failed; sshd-vsock remove --no-verify; rm -f /etc/sshd-vsock.yaml",
                timeout=120)


def test_user_who_speaks_ssh_is_not_verified(guest):
    with impostor(guest, 2222):
        refused(guest, "port: 2222\ndisable_tcp: true\n", "port 2222 is held by perl, process ")
    again(guest)


def test_unit_that_is_written_and_not_listening(guest):
    """A run was killed after it wrote another port, and a package has systemd reload: systemd calls
    the unit listening and holds no socket; somebody else does."""
    apply(guest, "port: 2221\n")
    with impostor(guest, 2222):
        guest.check(f"sed -i s/2221/2222/ {UNITS}/sshd-vsock.socket; systemctl daemon-reload")
        refused(guest, "port: 2222\ndisable_tcp: true\n", "port 2222 is held by perl, process ")
    again(guest)


def test_second_listener_on_another_cid_of_the_port(guest):
    """Which of the two a connection meets depends on the CID it is for."""
    with impostor(guest, 22, 3, user="root"), \
            dropin(guest, "sshd-vsock.socket", "[Socket]\nListenStream=\nListenStream=vsock:1:22\n"):
        refused(guest, "disable_tcp: true\n", "port 22 is held by perl, process ")
    again(guest)


def test_socket_unit_of_somebody_else(guest):
    unit = "[Socket]\nListenStream=vsock::22\nAccept=yes\n"
    service = "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n"
    with meanwhile(guest, f"printf '{unit}' >/run/systemd/system/mine.socket;"
                          f"printf '{service}' >/run/systemd/system/mine@.service;"
                          "systemctl daemon-reload; systemctl start mine.socket",
                   "systemctl stop mine.socket; rm /run/systemd/system/mine*;"
                   "systemctl daemon-reload"):
        refused(guest, "disable_tcp: true\n", "port 22 is held by systemd's mine.socket")
    again(guest)


@pytest.mark.parametrize("suite", ["trixie", "forky"])
def test_generated_unit_of_any_name_is_the_door(suite, program):
    """systemd.ssh_listen= makes a unit of another name than ours."""
    with Guest(suite, cmdline="systemd.ssh_auto=no systemd.ssh_listen=vsock::22",
               prepare={"/etc/modules-load.d/vsock.conf": "vsock_loopback\n"
                                                          "vmw_vsock_virtio_transport\n"}) as guest:
        guest.install(program)
        assert "/run/systemd/generator" in guest.check("systemctl show -P FragmentPath "
                                                       "sshd-extra.socket")
        error = apply(guest, "disable_tcp: true\n").stderr
        assert "sshd-extra.socket from systemd's generator answers and is left as it is" in error
        assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5
        assert "nothing to do" in apply(guest).stderr
        assert guest.run("sshd-vsock status").status == 0


def test_generated_unit_that_admits_fewer_is_replaced(program):
    """The template of Debian testing names its own AuthorizedKeysFile, which beats sshd_config's."""
    keys = "/etc/ssh/keys/root"
    with Guest("forky") as guest:
        guest.install(program)
        guest.check("mkdir /etc/ssh/keys; mv /root/.ssh/authorized_keys " + keys +
                    f"; chmod 0644 {keys}; echo 'AuthorizedKeysFile /etc/ssh/keys/%u' "
                    ">/etc/ssh/sshd_config.d/20-keys.conf; modprobe vsock_loopback;"
                    "modprobe vmw_vsock_virtio_transport; systemctl daemon-reload;"
                    "systemctl start sshd-vsock.socket")
        assert guest.check("systemctl show -P FragmentPath sshd-vsock.socket").startswith("/run/")
        assert guest.ssh("exit 5").status == 255
        apply(guest, "disable_tcp: true\n")
        assert guest.ssh("exit 5").status == 5
        assert guest.check("systemctl show -P FragmentPath sshd-vsock.socket").startswith(UNITS)
