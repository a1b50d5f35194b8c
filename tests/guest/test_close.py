"""Closing: only after the proof, only with a way in left, exactly, and for good.

A door is broken in every way that is known; each time TCP has to be as it was.
"""

import os
import re

import pytest

from guest import EVERY_SUITE, Guest
from guest.steps import (ANYWHERE, UNITS, apply, dropin, listeners, meanwhile, served_by,
                         squatter)

EVERY_RUN = 2
ALWAYS = ("test_second_verify_that_fails_opens_tcp_again",
          "test_second_verify_that_fails_gives_a_socket_in_use_its_addresses_again",
          "test_drop_in_that_the_next_boot_lacks_closes_nothing",
          "test_nothing_listens_on_tcp_whatever_happens_later",
          "test_sessions_that_logind_knows_nothing_of_stay",
          "test_listen_address_is_exact",
          "test_configuration_that_sshd_refuses_is_never_in_place",
          "test_unit_of_the_administrator_is_in_the_way_of_closing_only",
          "test_link_out_of_etc_is_in_the_way_of_listen_address_only")

CLOSE = "disable_tcp: true\nverify_timeout: 2\n"
LISTEN = "listen_address: 127.0.0.1\n"
OUR_LISTEN = "/etc/ssh/sshd_config.d/10-sshd-vsock.conf"

# Where units start from, what is masked, what runs: all that closing may change.
TCP = ("ls -l --time-style=full-iso /etc/systemd/system /etc/systemd/system/*.wants"
       " | grep -E ' sshd?\\.(socket|service)'; systemctl is-active ssh.service ssh.socket;"
       "systemctl is-enabled ssh.service ssh.socket; systemctl show -P MainPID ssh; ss -ltnH;"
       "md5sum /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* 2>/dev/null; true")

KEYS = "/etc/ssh/ssh_host_*_key"


# Debian 12 in every run, the others in `tests/run --full`.
CHOSEN = EVERY_SUITE if os.environ.get("SSHD_VSOCK_FULL") else ["bookworm"]


@pytest.fixture(scope="module", name="guest", params=CHOSEN)
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        yield guest


def open_again(guest):
    """Back to a system that knows nothing of the program."""
    guest.check("sshd-vsock remove --no-verify; rm -f /etc/sshd-vsock.yaml;"
                "systemctl reset-failed;"
                "systemctl is-active -q ssh.service", timeout=120)


# ---- proof before closing ----------------------------------------------------------------------

BROKEN = {
    "port taken": (4, "by another program (port 22 is held by socat, process ",
                   lambda g: squatter(g, 22)),
    "template masked": (4, "sshd-vsock@.service is masked", lambda g: (
        meanwhile(g, f"ln -s /dev/null {UNITS}/sshd-vsock@.service",
                  f"rm {UNITS}/sshd-vsock@.service"))),
    "sshd missing": (1, "openssh-server is not installed", lambda g: (
        meanwhile(g, "mv /usr/sbin/sshd /root/", "mv /root/sshd /usr/sbin/"))),
    "keys unreadable": (4, "no host keys it can read (the journal: ", lambda g: (
        meanwhile(g, f"chmod 0644 {KEYS}", f"chmod 0600 {KEYS}"))),
    "privilege separation directory gone": (4, "directory is missing, or not root's alone (the journal: ", lambda g: (
        dropin(g, "sshd-vsock@.service",
               "[Service]\nRuntimeDirectory=\nExecStartPre=/bin/rm -rf /run/sshd\n"))),
    "timeout": (4, "no SSH banner came in time", lambda g: served_by(g, "exec sleep 20")),
    "garbage": (4, "no SSH server", lambda g: served_by(g, "exec head -c 9 /dev/zero")),
    "text": (4, "connection closed before the SSH banner", lambda g: served_by(g, "echo hello")),
    "banner only": (4, "no key exchange", lambda g: served_by(g, "echo SSH-2.0-fake")),
    "configuration refused": (4, "sshd refuses its configuration (the journal: ", lambda g: (
        meanwhile(g, "echo Foo bar >/etc/ssh/sshd_config.d/20-broken.conf",
                  "rm /etc/ssh/sshd_config.d/20-broken.conf"))),
}


# A first run that fails leaves its listener: there was none before that it could put back.
LISTENING = "timeout", "garbage", "text", "banner only"


@pytest.mark.parametrize("way", BROKEN)
def test_door_that_does_not_answer_closes_nothing(way, guest):
    status, message, broken = BROKEN[way]
    before = guest.check(TCP)
    try:
        with broken(guest):
            tcp = guest.check(TCP)
            for close in CLOSE, "verify_timeout: 2\n" + LISTEN:
                result = apply(guest, close, status)
                assert message in result.stderr
                assert "; fix: " in result.stderr
                assert guest.check(TCP) == tcp
                if way in LISTENING:
                    guest.check("systemctl is-active -q sshd-vsock.socket")
    finally:
        open_again(guest)
    assert guest.check(TCP) == before


RESTART = "systemctl reset-failed; systemctl restart ssh"
# As soon as TCP is closed; the drop-ins of ssh.service itself are gone by then, since it is masked.
BREAKABLE = "[Service]\nExecStartPre=/bin/sh -c 'systemctl -q is-active ssh'\n"


def test_second_verify_that_fails_opens_tcp_again(guest):
    """The door breaks because TCP closes: nobody can know before."""
    apply(guest, "port: 22\n")
    addresses = listeners(guest)
    with dropin(guest, "sshd-vsock@.service", BREAKABLE):
        result = apply(guest, CLOSE, 4)
        assert "systemctl stop ssh.service" in result.stderr
        assert "rolled back: TCP listeners restored" in result.stderr
        assert listeners(guest) == addresses == ANYWHERE
        assert guest.check("systemctl is-enabled ssh.service") == "enabled\n"
        assert guest.run(f"ls {UNITS}/ssh.service").status != 0
    open_again(guest)


# As soon as TCP listens on one address alone, whose first connection starts the service that then
# has the socket's descriptor.
IN_USE = ("[Service]\nExecStartPre=/bin/bash -c 'ss -ltnH | grep -q 127.0.0.1:22 || exit 0;"
          "exec 3<>/dev/tcp/127.0.0.1/22; read -t 10 -u 3; exit 1'\n")


def test_second_verify_that_fails_gives_a_socket_in_use_its_addresses_again(program):
    """It can be bound anew only while its service is down."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket; ip link set lo up")
        apply(guest, "port: 22\n")
        addresses = listeners(guest)
        with dropin(guest, "sshd-vsock@.service", IN_USE):
            result = apply(guest, LISTEN, 4)
        assert "systemctl restart ssh.socket" in result.stderr
        assert "rolled back: TCP listeners restored" in result.stderr, result.stderr
        assert guest.check("systemctl is-active ssh.socket") == "active\n"
        assert listeners(guest) == addresses


def test_drop_in_that_the_next_boot_lacks_closes_nothing(guest):
    """Root's keys are where that one says, and what it says goes with /run. Its fix is the end of it."""
    mine = ("[Service]\nExecStart=\nExecStart=-/usr/sbin/sshd -i -o AuthorizedKeysFile=/etc/own.keys\n")
    apply(guest, "port: 22\n")
    before = guest.check(TCP)
    with meanwhile(guest, "mv /root/.ssh/authorized_keys /etc/own.keys",
                   f"mv /etc/own.keys /root/.ssh/authorized_keys; rm -r {UNITS}/sshd-vsock@.service.d"), \
            dropin(guest, "sshd-vsock@.service", mine, "/run"):
        said = apply(guest, CLOSE, 4).stderr
        assert "test.conf, which is gone at the next boot; fix: install -D" in said
        assert guest.check(TCP) == before
        guest.check(said.split("fix: ", 1)[1].splitlines()[0], timeout=120)
        assert listeners(guest) == set()
        guest.reboot()
        assert guest.ssh("exit 5").status == 5 and listeners(guest) == set()
        guest.check("sshd-vsock remove --no-verify; mkdir -p /run/systemd/system/sshd-vsock@.service.d")
    open_again(guest)


@pytest.mark.parametrize("lines, closes", (
    ("SELinuxContext=-system_u:system_r:unconfined_service_t:s0", False), ("SetCredential=k:v", False),
    ("ExecStartPre=-/bin/mkdir /run/x", False), ("Nice=3\nCPUWeight=50", True)))
def test_setting_that_may_decide_is_not_left_to_this_boot(lines, closes, guest):
    """What is known to be of no account closes all the same."""
    apply(guest, "port: 22\n")
    with dropin(guest, "sshd-vsock@.service", f"[Service]\n{lines}\n", "/run"):
        said = apply(guest, CLOSE, 0 if closes else 4).stderr
        assert ("test.conf, which is gone at the next boot; fix: install -D" in said) != closes, said
    open_again(guest)


PERMISSIVE = """mkdir -p /etc/selinux; echo SELINUX={} >/etc/selinux/config
unshare -m sh -c 'mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && echo {} >/sys/fs/selinux/enforce &&
    exec sshd-vsock apply'"""


@pytest.mark.parametrize("mode, now, status", (("enforcing", 0, 4), ("permissive", 0, 0), ("enforcing", 1, 0)))
def test_policy_that_is_put_off_for_this_boot_closes_nothing(mode, now, status, guest):
    """Played: a kernel without SELinux has no such file."""
    apply(guest, "port: 22\n")
    before = guest.check(TCP)
    guest.put("/etc/sshd-vsock.yaml", CLOSE)
    result = guest.run(PERMISSIVE.format(mode, now), timeout=120)
    assert result.status == status, result.stderr
    if status:
        assert "SELinux is permissive for this boot only: whether it lets anybody in at the next one is not known; " \
            "fix: setenforce 1; sshd-vsock apply\n" in result.stderr
        assert guest.check(TCP) == before
    guest.check("rm -r /etc/selinux")
    open_again(guest)


# Whatever is asked for is one address.
DNS = r"""use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:53", Proto => "udp") or die;
while (defined $s->recv(my $q, 512)) {
    my $n = index($q, "\0", 12) + 5; my ($id) = unpack "n", $q; my $v4 = unpack("n", substr($q, $n - 4, 2)) == 1;
    $s->send(pack("n6", $id, 0x8180, 1, $v4 ? 1 : 0, 0, 0) . substr($q, 12, $n - 12) .
             ($v4 ? "\xc0\x0c" . pack("nnNnC4", 1, 1, 60, 4, 192, 0, 2, 2) : ""))
}
"""


def test_address_that_dns_alone_knows_is_warned_of(guest):
    """By what is warned of nobody gets in; the fix is the end of that."""
    lines = "/etc/ssh/sshd_config.d/60-a.conf"
    guest.put("/root/dns.pl", DNS)
    with meanwhile(guest, "ip link set lo up; systemd-run -q --unit=dns perl /root/dns.pl; cp -p /etc/hosts /root/;"
                          "cp -P /etc/resolv.conf /root/; rm -f /etc/resolv.conf; echo nameserver 127.0.0.1 >/etc/resolv.conf;"
                          f"until getent hosts vm7.example; do sleep 0.1; done; echo ListenAddress vm7.example >{lines}",
                   f"rm {lines}; cp -p /root/hosts /etc/hosts; mv /root/resolv.conf /etc/; systemctl stop dns || :"):
        said = apply(guest, CLOSE).stderr
        assert "ListenAddress of sshd_config names vm7.example: where DNS does not know that, no sshd starts, for " \
            "vsock neither; fix: write an address in its place, or the name into /etc/hosts\n" in said, said
        assert guest.ssh("true").status == 0
        guest.check("systemctl stop dns")
        assert guest.ssh("true").status == 255
        guest.check("echo 192.0.2.2 vm7.example >>/etc/hosts")
        assert guest.ssh("true").status == 0
        open_again(guest)
        assert "vm7.example" not in apply(guest, CLOSE).stderr
    open_again(guest)


def test_no_loopback_closes_nothing_and_says_what_is_seen(program):
    """As on WSL's kernels before 6.18: a way to the host, and no way to verify from inside."""
    def without_loopback(guest):
        guest.chroot("rm /usr/lib/modules/*/kernel/net/vmw_vsock/vsock_loopback.ko*; depmod "
                     "$(ls /usr/lib/modules)")
    with Guest("bookworm", prepare=without_loopback) as guest:
        guest.install(program)
        before = guest.check(TCP)
        for close in CLOSE, LISTEN:
            result = apply(guest, close, 3)
            assert "no vsock loopback" in result.stderr
            assert "is listening; sshd -i on a socket pair answers as SSH-2.0-" in result.stderr
            assert "TCP stays as it was" in result.stderr
            assert guest.check(TCP) == before
        assert guest.ssh("exit 5").status == 5
        result = apply(guest, CLOSE, options="--no-verify")
        assert "(--no-verify)" in result.stderr
        assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5


# ---- a way to the door -------------------------------------------------------------------------

def test_no_way_to_a_host_closes_nothing(program):
    with Guest("bookworm", virtio=False) as guest:
        guest.install(program)
        before = guest.check(TCP)
        for close in CLOSE, LISTEN:
            result = apply(guest, close, 4)
            assert "verified: SSH-2.0" in result.stderr
            assert "no host is known to come in over vsock" in result.stderr
            assert "fix: give the machine a vsock device" in result.stderr
            assert "TCP stays as it was" in result.stderr
            assert guest.check(TCP) == before


def test_wsl_has_a_way_though_its_cid_does_not_say(program):
    with Guest("bookworm", virtio=False, wsl=True) as guest:
        guest.install(program)
        assert guest.check("systemd-detect-virt || :") == "wsl\n"
        apply(guest, CLOSE)
        assert listeners(guest) == set()
        apply(guest, LISTEN)
        assert listeners(guest) == {"127.0.0.1:22"}


# ---- closed for good ---------------------------------------------------------------------------

def session(guest):
    """Opens an SSH session over TCP that stays open; it writes what it is told to /root/said."""
    guest.check("""
        ip link set lo up
        test -e /root/.ssh/local || { ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/local
                cat /root/.ssh/local.pub >>/root/.ssh/authorized_keys; }
        rm -f /root/said /root/pipe; mkfifo /root/pipe
        setsid ssh -F none -i /root/.ssh/local -o StrictHostKeyChecking=no -o LogLevel=ERROR \
                root@127.0.0.1 'while read -r word; do echo "$word" >>/root/said; done' \
                <>/root/pipe >/root/log 2>&1 &
        echo first >/root/pipe
        until grep -q first /root/said; do sleep 0.05; done""", timeout=30)


def session_lives(guest):
    """Whether that session still does what it is told."""
    guest.check("echo second >/root/pipe; until grep -q second /root/said; do sleep 0.05; done;"
                ": >/root/said", timeout=30)


POSTINST = ("DPKG_MAINTSCRIPT_PACKAGE=openssh-server DPKG_MAINTSCRIPT_NAME=postinst "
            "DEBIAN_FRONTEND=noninteractive /var/lib/dpkg/info/openssh-server.postinst configure "
            "$(dpkg-query -W -f '${Version}' openssh-server) </dev/null")


@pytest.mark.parametrize("suite,unit", [("bookworm", "ssh.service"), ("bookworm", "ssh.socket"),
                                        ("bullseye", "ssh.socket")])
def test_nothing_listens_on_tcp_whatever_happens_later(suite, unit, program):
    def use_socket(guest):
        if unit == "ssh.socket":
            guest.chroot("systemctl disable ssh.service; systemctl enable ssh.socket")

    with Guest(suite, prepare=use_socket) as guest:
        guest.install(program)
        assert guest.check(f"systemctl is-active {unit}") == "active\n"
        addresses = listeners(guest)
        assert addresses
        session(guest)
        apply(guest, "disable_tcp: true\n")
        assert listeners(guest) == set()
        session_lives(guest)

        guest.check(POSTINST, timeout=120)
        assert listeners(guest) == set(), "after a package upgrade"
        guest.run("systemctl preset-all")
        for start in "ssh", "ssh.socket", "sshd", unit:
            guest.run(f"systemctl start {start}")
        assert listeners(guest) == set(), "after preset-all and start"
        session_lives(guest)
        guest.reboot()
        assert listeners(guest) == set(), "after a reboot"
        assert guest.ssh("exit 5").status == 5
        assert "nothing to do" in apply(guest).stderr


@pytest.mark.parametrize("unit", ("ssh.service", "ssh.socket"))
def test_sessions_that_logind_knows_nothing_of_stay(unit, program):
    """They are in the cgroup of ssh.service, whose KillMode=process spares them; the run is in one."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put("/etc/ssh/sshd_config.d/pam.conf", "UsePAM no\n")
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
        if unit == "ssh.socket":
            guest.check("systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket")
        guest.check("systemctl try-restart ssh.service")
        session(guest)
        assert "/ssh.service\n" in guest.check("cat /proc/$(pgrep -nf '^sshd: root@notty')/cgroup")
        said = guest.check("ssh -F none -i /root/.ssh/local -o LogLevel=ERROR root@127.0.0.1 "
                           "'sshd-vsock apply; echo ended with $?' 2>&1", timeout=60)
        assert "ended with 0\n" in said, said
        assert listeners(guest) == set()
        session_lives(guest)


@pytest.mark.parametrize("make", ["cp /lib/systemd/system/ssh.service",
                                  "mkdir -p /opt/own; cp /lib/systemd/system/ssh.service /opt/own/;"
                                  "ln -s /opt/own/ssh.service"])
def test_unit_of_the_administrator_is_in_the_way_of_closing_only(make, guest):
    """The door opens, TCP stays; and the advice, followed, closes it, with the door there."""
    unit, moved = f"{UNITS}/ssh.service", "/usr/local/lib/systemd/system/ssh.service"
    with meanwhile(guest, f"{make} {unit}; systemctl daemon-reload",
                   f"rm -f {unit} {moved}; systemctl daemon-reload; systemctl restart ssh"):
        before = guest.check(f"stat -c '%i %Y %Z' {unit}"), listeners(guest)
        result = apply(guest, CLOSE, 1)
        assert "verified: SSH-2.0-" in result.stderr
        assert f"{unit} is a unit of the administrator's own" in result.stderr
        assert result.stderr.endswith("TCP stays as it was\n")
        assert (guest.check(f"stat -c '%i %Y %Z' {unit}"), listeners(guest)) == before
        assert guest.ssh("exit 5").status == 5

        guest.check(re.search('fix: "(.*)"', result.stderr).group(1), timeout=120)
        assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove")
        assert listeners(guest) == before[1]
        # systemd 247 shows what a link leads to
        assert guest.check("readlink -f $(systemctl show -P FragmentPath ssh.service)") \
            == guest.check(f"readlink -f {moved}")
    open_again(guest)


@pytest.mark.parametrize("unit", ["ssh.service", "ssh.socket"])
def test_drop_in_of_what_is_masked_is_no_drift(unit, guest):
    """systemd 252 asks for a daemon-reload of a masked unit that has one, whatever it has read."""
    with dropin(guest, unit, "[Unit]\nDescription=mine\n"):
        apply(guest, CLOSE)
        again = apply(guest)
        assert "nothing to do" in again.stderr, again.stderr
        assert guest.run("sshd-vsock status").status == 0
    apply(guest, "")
    assert listeners(guest) == ANYWHERE
    open_again(guest)


def test_link_out_of_etc_is_in_the_way_of_listen_address_only(guest):
    """Fedora and RHEL link one of sshd's files to where no one may write."""
    link = "/etc/ssh/sshd_config.d/50-vendor.conf"
    with meanwhile(guest, f"echo '# none' >/usr/lib/vendor.conf; ln -s /usr/lib/vendor.conf {link}",
                   f"rm {link} /usr/lib/vendor.conf; {RESTART}"):
        apply(guest, LISTEN)
        assert listeners(guest) == {"127.0.0.1:22"}
        apply(guest, "")
        guest.check(f"echo ListenAddress 127.0.0.3 >/usr/lib/vendor.conf; {RESTART}")
        before = listeners(guest)
        result = apply(guest, LISTEN, 1)
        assert "verified: SSH-2.0-" in result.stderr
        assert f"{link} is a link that leads out of /etc" in result.stderr
        assert listeners(guest) == before
        assert guest.ssh("exit 5").status == 5
    open_again(guest)


# ---- from one restriction to another -----------------------------------------------------------

@pytest.mark.parametrize("way", ["text", "no host"])
def test_what_is_confined_stays_so_until_it_is_closed(way, guest):
    """And is so again where closing is given up."""
    apply(guest, LISTEN)
    assert listeners(guest) == {"127.0.0.1:22"}
    files = guest.check(SSHD_FILES)
    _, _, broken = BROKEN["text"] if way == "text" else (0, 0, lambda g: meanwhile(
        g, "rmmod vmw_vsock_virtio_transport", "modprobe vmw_vsock_virtio_transport"))
    with broken(guest):
        if way == "no host":
            guest.check("mkdir -p /run/m; echo 'install vmw_vsock_virtio_transport /bin/false'"
                        " >/etc/modprobe.d/none.conf")
        result = apply(guest, CLOSE, 4)
        guest.check("rm -f /etc/modprobe.d/none.conf")
        assert "TCP stays as it was" in result.stderr
        assert listeners(guest) == {"127.0.0.1:22"}
        assert guest.check(SSHD_FILES) == files
    apply(guest, CLOSE)
    assert listeners(guest) == set()
    assert "nothing to do" in apply(guest).stderr
    # the other way round it opens at once, whatever the door says: nobody can be locked out by it
    with BROKEN["text"][2](guest):
        apply(guest, "verify_timeout: 2\nlisten_address: 127.0.0.1:2200\n", 4)
        assert listeners(guest) == {"127.0.0.1:2200"}
    open_again(guest)
    assert listeners(guest) == ANYWHERE


def test_undone_closing_is_as_confined_as_before(guest):
    apply(guest, LISTEN)
    with dropin(guest, "sshd-vsock@.service", BREAKABLE):
        result = apply(guest, CLOSE, 4)
        assert "rolled back: TCP listeners restored" in result.stderr
        assert listeners(guest) == {"127.0.0.1:22"}
    open_again(guest)


# ---- a socket that keeps its port --------------------------------------------------------------

SOCKET = "ss --vsock -Hlne; systemctl show -P InvocationID sshd-vsock.socket"


@pytest.mark.parametrize("suite", EVERY_SUITE)
def test_socket_restarts_only_for_another_address(suite, program):
    """While it is down, a user who loops bind(2) wins a port above 1023. Everything else in its file
    comes into force without."""
    unit = f"{UNITS}/sshd-vsock.socket"
    with Guest(suite) as guest:
        guest.install(program)
        apply(guest, "port: 2222\ndisable_tcp: true\n")
        before = guest.check(SOCKET)
        limit = guest.check("systemctl show -P MaxConnections sshd-vsock.socket")
        guest.check(f"sed -i 's/^MaxConnections=.*/MaxConnections=3/' {unit}")
        for reload in "systemctl daemon-reload", "true":
            guest.check(reload)
            assert "daemon-reload" in apply(guest).stderr
            assert guest.check(SOCKET) == before
            assert guest.check("systemctl show -P MaxConnections sshd-vsock.socket") == limit
            guest.check(f"sed -i 's/^MaxConnections=.*/MaxConnections=4/' {unit}")
        assert guest.ssh("exit 5", port=2222).status == 5
        assert "restart sshd-vsock.socket" in apply(guest, "disable_tcp: true\n").stderr
        assert guest.ssh("exit 5").status == 5


# ---- exactly these addresses -------------------------------------------------------------------

STRAYS = {
    "/etc/ssh/sshd_config.d/05-before.conf": "# ours goes behind it\nListenAddress 0.0.0.0:2299\n",
    "/etc/ssh/sshd_config.d/90-after.conf":
        "\tlistenaddress=[::1]:2298 # odd\r\nMatch User ana\n  X11Forwarding no\n",
    "/etc/ssh/sshd_config.d/91-last": "no newline, and no .conf: never read\nListenAddress ::",
    "/etc/ssh/more/x.conf": "PermitRootLogin prohibit-password\nListenAddress 127.0.0.9",
}
MAIN = ("\nInclude more/*.conf\nListenAddress 127.0.0.1:2297\nMatch Address 10.0.0.0/8\n"
        "    PermitTTY no\nMatch all\n")

EFFECTIVE = "sshd -T | tr A-Z a-z | grep '^listenaddress' | sort"  # 10.6 prints capitals


@pytest.fixture(name="strayed")
def stray(guest):
    """A system with ListenAddress lines all over the place; as it was again afterwards."""
    main = guest.get("/etc/ssh/sshd_config")
    guest.check("mkdir -p /etc/ssh/more; ip link set lo up")
    for path, content in STRAYS.items():
        guest.put(path, content)
    guest.check("chmod 0600 /etc/ssh/more/x.conf")
    guest.put("/etc/ssh/sshd_config", main + MAIN.encode())
    guest.check("systemctl reset-failed; systemctl restart ssh")
    yield guest
    guest.put("/etc/ssh/sshd_config", main)
    guest.check(f"rm -f {' '.join(STRAYS)}; rmdir /etc/ssh/more; systemctl reset-failed;"
                "systemctl restart ssh")
    open_again(guest)


SSHD_FILES = ("find /etc/ssh -type f ! -name sshd-vsock.conf -exec stat -c '%n %a %U:%G' {} + "
              "-exec md5sum {} + | sort")


def test_listen_address_is_exact(strayed):
    before = strayed.check(SSHD_FILES)
    strays = {"0.0.0.0:2299", "[::1]:2298", "127.0.0.9:22", "127.0.0.1:2297"}
    assert listeners(strayed) == strays
    result = apply(strayed, "listen_address: [127.0.0.1, '[::1]:2200']\n")
    line = len(strayed.get("/etc/ssh/sshd_config").splitlines()) - 3
    for place in ("sshd_config.d/05-before.conf:2", "sshd_config.d/90-after.conf:1",
                  "more/x.conf:2", f"sshd_config:{line}"):
        assert f"/etc/ssh/{place}: \"ListenAddress " in result.stderr
    assert strayed.check(EFFECTIVE) == "listenaddress 127.0.0.1:22\nlistenaddress [::1]:2200\n"
    assert listeners(strayed) == {"127.0.0.1:22", "[::1]:2200"}
    assert strayed.get("/etc/ssh/more/x.conf").splitlines()[1] == (
        b"#sshd-vsock# ListenAddress 127.0.0.9")
    assert "nothing to do" in apply(strayed).stderr

    apply(strayed, "")
    assert strayed.check(SSHD_FILES) == before
    assert listeners(strayed) == strays
    apply(strayed, LISTEN)
    assert strayed.check(EFFECTIVE) == "listenaddress 127.0.0.1:22\n"
    strayed.check("sshd-vsock remove")
    assert strayed.check(SSHD_FILES) == before
    assert listeners(strayed) == strays


def socket_activated(guest):
    return meanwhile(guest, "systemctl disable -q --now ssh.service; systemctl enable -q --now "
                            "ssh.socket; ip link set lo up",
                     "systemctl stop ssh.service; systemctl disable -q --now ssh.socket; "
                     "systemctl reset-failed; systemctl enable -q --now ssh.service")


def test_listen_address_with_a_socket_activated_sshd(guest):
    with socket_activated(guest):
        before = listeners(guest)
        session(guest)
        apply(guest, "listen_address: [127.0.0.1, '127.0.0.1:2200']\n")
        assert listeners(guest) == {"127.0.0.1:22", "127.0.0.1:2200"}
        session_lives(guest)
        apply(guest, "")
        assert listeners(guest) == before
        apply(guest, LISTEN)
        guest.check("sshd-vsock remove")
        assert listeners(guest) == before
        assert guest.run(f"ls -d {UNITS}/ssh.socket.d").status != 0
    open_again(guest)


def test_closed_opens_on_no_other_address(guest):
    """Where an option of the unit adds one the ListenAddress of ours changes nothing: it stays shut."""
    before = guest.get("/etc/default/ssh")
    apply(guest, CLOSE)
    try:
        guest.put("/etc/default/ssh", before + b'\nSSHD_OPTS="-o ListenAddress=0.0.0.0:2222"\n')
        for _ in range(2):
            said = apply(guest, LISTEN, status=1).stderr
            assert "sshd would listen on other addresses: 0.0.0.0:2222" in said
            assert listeners(guest) == set()
            assert guest.run(f"test -L {UNITS}/ssh.service").status == 0
    finally:
        guest.put("/etc/default/ssh", before)
    apply(guest, LISTEN)
    assert listeners(guest) == {"127.0.0.1:22"}
    open_again(guest)


@pytest.mark.parametrize("root", ("/etc", "/run"))
def test_closed_opens_on_no_other_address_of_a_drop_in(root, guest):
    """Of a unit under a mask systemd knows no command."""
    apply(guest, CLOSE)
    with dropin(guest, "ssh.service", "[Service]\nExecStart=\n"
                "ExecStart=/usr/sbin/sshd -D -o ListenAddress=0.0.0.0:2222\n", root):
        for _ in range(2):
            said = apply(guest, LISTEN, status=1).stderr
            assert "sshd would listen on other addresses: 0.0.0.0:2222" in said
            assert listeners(guest) == set()
            assert guest.run(f"test -L {UNITS}/ssh.service").status == 0
    apply(guest, LISTEN)
    assert listeners(guest) == {"127.0.0.1:22"}
    open_again(guest)


def test_closed_opens_on_no_address_of_a_drop_in_that_is_read_later(guest):
    late = f"{UNITS}/ssh.socket.d/zzzz.conf"
    with socket_activated(guest):
        apply(guest, CLOSE)
        guest.put(late, "[Socket]\nListenStream=0.0.0.0:2222\n")
        said = apply(guest, LISTEN, status=1).stderr
        assert f"listen elsewhere than listen_address says, by {late};" in said
        assert listeners(guest) == set()
        guest.check(f"rm {late}")
        apply(guest, LISTEN)
        assert listeners(guest) == {"127.0.0.1:22"}
        guest.check("sshd-vsock remove")
    open_again(guest)


def test_closed_opens_on_no_other_address_that_came_since(guest):
    """Ours stayed under the masks, so that nothing is to be written."""
    apply(guest, LISTEN)
    apply(guest, CLOSE)
    before = guest.check(TCP)
    with meanwhile(guest, "cp -p /etc/default/ssh /root/ssh.default;"
                   "echo 'SSHD_OPTS=\"-o ListenAddress=0.0.0.0\"' >/etc/default/ssh",
                   "mv /root/ssh.default /etc/default/ssh"):
        said = apply(guest, LISTEN, 1).stderr
        assert "sshd would listen on other addresses: 0.0.0.0" in said
        assert guest.check(TCP) == before and listeners(guest) == set()
    apply(guest, LISTEN)
    assert listeners(guest) == {"127.0.0.1:22"}
    open_again(guest)


@pytest.mark.parametrize("options", ("", "-4 -o LogLevel=VERBOSE"))
def test_reload_that_failed_is_made_up_for(options, guest):
    """The run that opens again writes its files, and fails to have sshd read them: the next one does."""
    with meanwhile(guest, "cp -p /etc/default/ssh /root/ssh.default;"
                   f"echo 'SSHD_OPTS=\"{options}\"' >/etc/default/ssh; systemctl restart ssh",
                   "mv /root/ssh.default /etc/default/ssh; systemctl restart ssh"):
        before = listeners(guest)
        apply(guest, LISTEN)
        assert listeners(guest) == {"127.0.0.1:22"}
        with dropin(guest, "ssh.service", "[Service]\nExecReload=\nExecReload=/bin/false\n"):
            apply(guest, "", 1)
            assert listeners(guest) == {"127.0.0.1:22"}
        assert "nothing to do" not in apply(guest, "").stderr
        assert listeners(guest) == before
        assert "nothing to do" in apply(guest, "").stderr


def test_runs_in_a_row_meet_no_start_limit(guest):
    """systemd lets a socket unit start five times in 10 s; each of these runs restarts it."""
    with socket_activated(guest):
        before = listeners(guest)
        guest.put("/root/confined.yaml", LISTEN)
        guest.put("/root/open.yaml", "")
        for _ in range(4):
            for config in "confined", "open":
                guest.check(f"sshd-vsock -q --no-verify --config=/root/{config}.yaml apply")
        assert listeners(guest) == before
        guest.check("sshd-vsock remove")
        assert listeners(guest) == before
    open_again(guest)


def test_configuration_that_sshd_refuses_is_never_in_place(guest):
    path = "/etc/ssh/sshd_config.d/01-family.conf"
    restart = "systemctl reset-failed; systemctl restart ssh"
    with meanwhile(guest, f"echo AddressFamily inet6 >{path}; {restart}", f"rm {path}; {restart}"):
        before = guest.check(SSHD_FILES), listeners(guest)
        result = apply(guest, LISTEN, 1)
        assert "sshd refuses the configuration: bad addr or host: 127.0.0.1" in result.stderr
        assert OUR_LISTEN not in result.stderr
        assert (guest.check(SSHD_FILES), listeners(guest)) == before
        assert guest.ssh("exit 5").status == 5
    open_again(guest)


def test_drop_in_of_the_administrator_that_sshd_refuses(guest):
    """It appears after the door was proven: sshd runs on with what it has."""
    apply(guest, "port: 22\n")
    path = "/etc/ssh/sshd_config.d/50-broken.conf"
    with meanwhile(guest, f"echo 'Port 22x' >{path}", f"rm {path}"):
        before = guest.check(SSHD_FILES), listeners(guest)
        result = apply(guest, LISTEN, 4)
        assert "sshd refuses its configuration" in result.stderr and path in result.stderr
        assert (guest.check(SSHD_FILES), listeners(guest)) == before
        assert guest.run(f"ls {OUR_LISTEN}").status != 0
    open_again(guest)
