"""`verify` names the cause: every row of the table is brought about, its words and its fix read."""

import json

import pytest

from guest import Guest
from guest.steps import apply, dropin, meanwhile, served_by, squatter

EVERY_RUN = 6
ALWAYS = ("test_account_of_privilege_separation_is_missing",)
CONFIG = "verify_timeout: 2\n"
ELSEWHERE = "port: 2222\nverify_timeout: 2\n"
TEMPLATE = "/etc/systemd/system/sshd-vsock@.service"
KEYS = "/etc/ssh/ssh_host_*_key"

# A user's own program that connects N times and holds or drops what it gets.
CONNECT = """
use strict;
my ($port, $mode, $n) = @ARGV;
my @held;
for (1 .. $n) {
        socket(my $s, 40, 1, 0) or die;
        connect($s, pack("S S L L L", 40, 0, $port, 1, 0)) or die "connect: $!";
        push @held, $s if $mode eq "hold";
}
print "ready\\n";
$| = 1;
sleep 600 if $mode eq "hold";
"""


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put("/opt/connect.pl", CONNECT)
        apply(guest, CONFIG)
        yield guest


def verify(guest, status, what, *more):
    """Runs verify; the cause and its fix are both there, and so are more words."""
    result = guest.run("sshd-vsock verify", timeout=120)
    assert result.status == status, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if what in line]
    assert "; fix: " in line
    for words in more:
        assert words in line
    return result.stderr


def works(guest):
    """The door is as it should be."""
    result = guest.run("sshd-vsock verify")
    assert result.status == 0, result.stderr


def heal(guest, config=CONFIG):
    """What the fixes promise: apply mends it."""
    guest.check("systemctl reset-failed sshd-vsock.socket || :")
    apply(guest, config)
    works(guest)


def test_door_that_answers(guest):
    result = guest.run("sshd-vsock verify")
    assert result.status == 0
    assert "verified: SSH-2.0-OpenSSH" in result.stderr
    assert "UNKNOWN resolves from /etc/hosts" in result.stderr


def test_not_booted_with_systemd(guest):
    """The program is asked in a mount namespace that shows no /run/systemd."""
    result = guest.run("unshare -m sh -c 'mount -t tmpfs none /run; sshd-vsock verify'")
    assert result.status == 1
    assert "was not booted with systemd; fix: use --root=DIR" in result.stderr
    assert "systemd=true" in result.stderr and "/etc/wsl.conf" in result.stderr


def test_in_a_chroot(guest):
    result = guest.run("""unshare -m sh -c '
        mount -t tmpfs none /opt; cd /opt
        for folder in usr proc run; do mkdir $folder; mount --rbind /$folder $folder; done
        for folder in bin sbin lib lib64; do ln -s usr/$folder; done
        exec chroot /opt sshd-vsock verify'""")
    assert result.status == 1
    assert "this is a chroot" in result.stderr and "--root=DIR" in result.stderr


def test_openssh_server_missing(guest):
    with meanwhile(guest, "mv /usr/sbin/sshd /root/", "mv /root/sshd /usr/sbin/"):
        verify(guest, 1, "openssh-server is not installed", "install the package openssh-server")
    works(guest)


def test_port_taken_and_by_whom(guest):
    with squatter(guest, 2222) as pid:
        holder = f"port 2222 is held by socat, process {pid}"
        error = apply(guest, ELSEWHERE, 4).stderr
        assert f"the vsock port is in use by another program ({holder}); fix: " in error
        # The socket unit is what it was and well, so it is the stranger whom verify meets.
        verify(guest, 4, "in use by another program", holder, "choose another port")
    heal(guest)


def test_holder_cannot_paint_on_the_terminal(guest):
    """A process names itself as it likes."""
    with meanwhile(guest, "cp /usr/bin/socat '/opt/s\x1b[31mx'", "rm /opt/s*"), \
            squatter(guest, 2222, program="/opt/s\x1b[31mx"):
        guest.put("/etc/sshd-vsock.yaml", ELSEWHERE)
        error = verify(guest, 4, "in use by another program", "held by s?[31mx, process ")
        assert "\x1b" not in error
    heal(guest)


def test_unit_failed_and_why(guest):
    """The reason is in the journal only: a command of the socket's own fails."""
    with dropin(guest, "sshd-vsock.socket", "[Socket]\nExecStartPre=/bin/false\n"):
        guest.run("systemctl restart sshd-vsock.socket")
        verify(guest, 4, "the socket unit failed", "systemctl status sshd-vsock.socket")
    heal(guest)


def test_socket_stopped_masked_and_gone(guest):
    guest.check("systemctl stop sshd-vsock.socket")
    verify(guest, 4, "the socket unit is not listening", "systemctl start sshd-vsock.socket")
    guest.check("systemctl mask --runtime sshd-vsock.socket;"
                "mv /etc/systemd/system/sshd-vsock.socket /root/; systemctl daemon-reload")
    verify(guest, 4, "the socket unit is masked", "systemctl unmask sshd-vsock.socket")
    guest.check("systemctl unmask --runtime sshd-vsock.socket; systemctl daemon-reload")
    verify(guest, 4, "the socket unit is not installed", "sshd-vsock apply")
    heal(guest)


def test_trigger_limit_hit(guest):
    """As with a socket that somebody wrote by hand, or gave the limit back to."""
    limit = "[Socket]\nTriggerLimitIntervalSec=10s\nTriggerLimitBurst=5\n"
    with dropin(guest, "sshd-vsock.socket", limit):
        guest.check("systemctl restart sshd-vsock.socket; perl /opt/connect.pl 22 drop 20;"
                    "while systemctl -q is-active sshd-vsock.socket; do sleep 0.05; done")
        verify(guest, 4, "flooded and gave up (trigger limit)",
               "systemctl reset-failed sshd-vsock.socket")
    heal(guest)


def test_no_host_keys(guest):
    with meanwhile(guest, f"chmod 0644 {KEYS}", f"chmod 0600 {KEYS}"):
        verify(guest, 4, "no host keys it can read", "the journal: ", "no hostkeys available",
               "systemctl restart sshd-vsock-keygen.service", "chmod 0600")
    works(guest)
    with meanwhile(guest, f"mkdir /root/keys; mv {KEYS} /root/keys/",
                   "mv /root/keys/* /etc/ssh/; rmdir /root/keys"):
        # keys that are gone are made again for the next connection; RSA takes its time
        guest.put("/etc/sshd-vsock.yaml", "verify_timeout: 60\n")
        works(guest)
        guest.check(f"rm {KEYS}")
    guest.put("/etc/sshd-vsock.yaml", CONFIG)
    works(guest)


def test_no_privilege_separation_directory(guest):
    with dropin(guest, "sshd-vsock@.service",
                "[Service]\nRuntimeDirectory=\nExecStartPre=/bin/rm -rf /run/sshd\n"):
        verify(guest, 4, "privilege separation directory is missing",
               "the journal: ", "/run/sshd", "install -d -o root -g root -m 0755")
    works(guest)
    with meanwhile(guest, "rm -rf /run/sshd; touch /run/sshd", "rm -f /run/sshd"):
        verify(guest, 4, "privilege separation directory is missing", "RUNTIME_DIRECTORY")
    works(guest)


def test_template_name_mismatch(guest):
    """The socket accepts, and the service that should serve has another name, or is masked."""
    with meanwhile(guest, f"mv {TEMPLATE} /etc/systemd/system/vsock-sshd@.service;"
                          "systemctl daemon-reload",
                   f"mv /etc/systemd/system/vsock-sshd@.service {TEMPLATE}"):
        verify(guest, 4, "no template sshd-vsock@.service belongs to the socket",
               "sshd-vsock apply")
    heal(guest)
    with meanwhile(guest, f"mv {TEMPLATE} /root/t; ln -s /dev/null {TEMPLATE};"
                          "systemctl daemon-reload",
                   f"mv /root/t {TEMPLATE}"):
        verify(guest, 4, "the template sshd-vsock@.service is masked",
               "systemctl unmask sshd-vsock@.service")
    heal(guest)


@pytest.mark.parametrize("verb", ["verify", "status", "plan"])
@pytest.mark.parametrize("gone,undo,cause,fix", [
    (f"mv {TEMPLATE} /root/t", f"mv /root/t {TEMPLATE}", "template-missing", "sshd-vsock apply"),
    (f"mv {TEMPLATE} /root/t; ln -s /dev/null {TEMPLATE}", f"mv /root/t {TEMPLATE}",
     "template-masked", "systemctl unmask sshd-vsock@.service; sshd-vsock apply")])
def test_look_at_a_door_without_template_does_not_fail_its_socket(verb, gone, undo, cause, fix,
                                                                  guest):
    """Any client would: systemd gives the socket up when it has no service for a connection."""
    with meanwhile(guest, f"{gone}; systemctl daemon-reload", f"{undo}; systemctl daemon-reload"):
        result = guest.run(f"sshd-vsock --json {verb}")
        report = json.loads(result.stdout)
        if verb != "plan":
            assert report["verification"]["cause"] == cause
            assert report["verification"]["fix"] == fix
        assert guest.check("systemctl show -p ActiveState -p Result sshd-vsock.socket"
                           ) == "Result=success\nActiveState=active\n"
    works(guest)
    if verb == "verify":
        with meanwhile(guest, f"{gone}; systemctl daemon-reload",
                       f"{undo}; systemctl daemon-reload"):
            with pytest.raises(ConnectionError):
                guest.banner()
            guest.check("while systemctl is-active -q sshd-vsock.socket; do sleep 0.05; done")
        heal(guest)


@pytest.mark.parametrize("command,what,more", [
    ("exec sleep 20", "no SSH banner came in time", "raise verify_timeout"),
    ("exec head -c 9 /dev/zero", "is not an SSH server", "choose another port"),
    ("echo hello", "connection closed before the SSH banner", "journalctl -u"),
    ("echo SSH-2.0-x", "no key exchange followed", "ausearch"),
    ("echo SSH-1.5-x", "does not speak protocol 2", "install a current OpenSSH"),
])
def test_what_answers_is_no_sshd(command, what, more, guest):
    with served_by(guest, command):
        verify(guest, 4, what, more)
    works(guest)


AVC = ('audit: type=1400 audit(1700000000.0:1): avc:  denied  { read write } for  pid=1 '
       'comm="%s" scontext=system_u:system_r:sshd_net_t:s0 tclass=%s permissive=0')


def test_selinux_denial(guest):
    """The door dies after the banner, and the kernel says why; other denials are not the cause."""
    other = AVC % ("cupsd", "file")
    with served_by(guest, f"echo {other!r} >/dev/kmsg; echo SSH-2.0-OpenSSH_x".replace("'", '"')):
        verify(guest, 4, "no key exchange followed")
    ours = (AVC % ("sshd-session", "vsock_socket")).replace('"', "\\\"")
    with served_by(guest, f'echo "{ours}" >/dev/kmsg; echo SSH-2.0-OpenSSH_x'):
        verify(guest, 4, "SELinux denies sshd the vsock connection", "avc:  denied",
               "update selinux-policy")
    works(guest)


def test_configuration_that_sshd_refuses(guest):
    with meanwhile(guest, "echo Port 22x >/etc/ssh/sshd_config.d/50-x.conf",
                   "rm /etc/ssh/sshd_config.d/50-x.conf"):
        verify(guest, 4, "sshd refuses its configuration", "50-x.conf line 1", "sshd -t")
    works(guest)


def test_option_that_sshd_refuses_is_quoted(guest):
    """What ends sshd is its last line; which option it was stands in the line before."""
    with meanwhile(guest, "echo NoSuchOption yes >/etc/ssh/sshd_config.d/50-x.conf",
                   "rm /etc/ssh/sshd_config.d/50-x.conf"):
        verify(guest, 4, "sshd refuses its configuration", "50-x.conf: line 1", "NoSuchOption",
               "; fatal: ", "terminating, 1 bad configuration options")
    works(guest)


def test_configuration_that_is_not_there(guest):
    with meanwhile(guest, "echo 'SSHD_OPTS=\"-f /etc/ssh/none\"' >/etc/default/ssh",
                   "echo SSHD_OPTS= >/etc/default/ssh"):
        verify(guest, 4, "sshd refuses its configuration", "/etc/ssh/none: No such file")
    works(guest)


def test_account_of_privilege_separation_is_missing(guest):
    with meanwhile(guest, "cp -p /etc/passwd /root/; sed -i /^sshd:/d /etc/passwd",
                   "mv /root/passwd /etc/"):
        verify(guest, 4, "account for privilege separation does not exist",
               "the journal: fatal: Privilege separation user sshd does not exist",
               "useradd --system")
    works(guest)


def test_last_words_of_sshd_before_those_of_systemd(guest):
    """No row of the table knows them: they are quoted all the same."""
    with served_by(guest, 'logger -t sshd -p auth.crit "fatal: the moon is full"; '
                          "logger -t sshd -p auth.info what else"):
        verify(guest, 4, "connection closed before the SSH banner", "the journal: fatal: the moon is full")
    works(guest)


def test_what_users_and_the_tcp_door_say_is_no_cause(guest):
    """Anybody can write to the journal under any name; only root's sshd and systemd count."""
    for words in "no hostkeys available", (AVC % ("sshd", "vsock_socket")).replace('"', ""):
        with served_by(guest, f'runuser -u nobody -- logger -t sshd "{words}"; echo hello'):
            verify(guest, 4, "connection closed before the SSH banner")
    works(guest)


def test_share_of_connections_is_full(guest):
    share = guest.check("systemctl show -P MaxConnectionsPerSource sshd-vsock.socket").strip()
    guest.check(f"systemd-run -q --unit=hog -p User=nobody perl /opt/connect.pl 22 hold {share};"
                f"until [ $(systemctl show -P NConnections sshd-vsock.socket) = {share} ]; do"
                " sleep 0.05; done")
    try:
        verify(guest, 4, "programs on this system hold all connections", "ss --vsock -p")
        assert guest.ssh("exit 5").status == 5
        guest.put("/etc/sshd-vsock.yaml", "verify_timeout: 60\n")
        guest.check("systemd-run -q --on-active=1 systemctl stop hog")
        works(guest)  # it tries again: one of them may end in time
    finally:
        guest.put("/etc/sshd-vsock.yaml", CONFIG)
        guest.check("systemctl stop hog; until [ $(systemctl show -P NConnections "
                    "sshd-vsock.socket) = 0 ]; do sleep 0.05; done")
    works(guest)


def test_unknown_does_not_resolve(guest):
    with meanwhile(guest, "cp -p /etc/hosts /root/; sed -i /UNKNOWN/d /etc/hosts",
                   "mv /root/hosts /etc/"):
        verify(guest, 0, "the name UNKNOWN does not resolve", "hosts_entry: true")
    works(guest)


def test_json_has_the_cause_for_machines(guest):
    with served_by(guest, "exec sleep 20"):
        result = guest.run("sshd-vsock verify --json")
    assert json.loads(result.stdout) and '"timeout"' in result.stdout


def test_no_af_vsock_in_the_kernel(program):
    with Guest("bookworm", modules=False, virtio=False) as guest:
        guest.install(program)
        verify(guest, 4, "this kernel has no AF_VSOCK", "CONFIG_VSOCKETS")
        error = apply(guest, "disable_tcp: true\n", 4).stderr
        assert "this kernel has no AF_VSOCK; fix: " in error
        assert "TCP stays as it was" in error


def test_transport_not_loaded(program):
    """No loopback, but a transport to the host: nothing is said to be broken."""
    def without_loopback(guest):
        guest.chroot("rm /usr/lib/modules/*/kernel/net/vmw_vsock/vsock_loopback.ko*; depmod "
                     "$(ls /usr/lib/modules)")
    with Guest("bookworm", prepare=without_loopback) as guest:
        guest.install(program)
        guest.check("modprobe vsock")
        verify(guest, 3, "no vsock loopback is loaded in this kernel", "verify from the host")
        guest.check("modprobe vmw_vsock_virtio_transport")
        error = verify(guest, 3, "no vsock loopback is loaded in this kernel", "verify from the host")
        assert "sshd-vsock.socket is not listening" in error


@pytest.mark.parametrize("packet,words", [
    (r"\0\0\0\034\013\001\0\0\0\002\0\0\0\003bye\0\0\0\0" + r"\0" * 11, "it disconnected: bye"),
    (r"\0" * 32, "no key exchange"), ("", "timed out")])
def test_what_follows_the_banner_is_no_key_exchange(packet, words, guest):
    guest.put("/opt/speak", f"#!/bin/sh\nprintf 'SSH-2.0-x\\r\\n{packet}'\nexec sleep 20\n", mode=0o755)
    with served_by(guest, "exec /opt/speak"):
        verify(guest, 4, "no key exchange", words)
        guest.check("systemctl stop 'sshd-vsock@*.service'")  # or they are all that the limit allows
    works(guest)
