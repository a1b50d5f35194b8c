"""The main job: from nothing to a proven door, on real systems.

Each test says in its name what a user was promised.
"""

import os
import re

import pytest

from guest import EVERY_SUITE, Guest
from guest.steps import LISTING, UNITS, apply, listeners, squatter

EVERY_RUN = 8


# Debian 12 in every run, the others in `tests/run --full`.
CHOSEN = EVERY_SUITE if os.environ.get("SSHD_VSOCK_FULL") else ["bookworm"]


@pytest.fixture(scope="module", name="guest", params=CHOSEN)
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        yield guest


@pytest.mark.parametrize("suite", EVERY_SUITE)
def test_from_nothing_to_a_login_and_over_a_reboot(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        first = apply(guest)
        assert "verified: SSH-2.0-OpenSSH" in first.stderr
        assert guest.ssh("echo in; exit 5").stdout == "in\n"

        again = apply(guest)
        assert "nothing to do" in again.stderr
        assert guest.run("sshd-vsock plan").status == 0

        guest.reboot()
        assert guest.banner().startswith("SSH-2.0-OpenSSH")
        assert guest.ssh("exit 5").status == 5
        assert guest.check("systemctl is-system-running --wait") == "running\n"
        assert guest.check("systemctl show -P Result sshd-vsock-provision") == "success\n"


def test_apply_is_idempotent_to_the_last_timestamp(guest):
    apply(guest, "hushlogin: true\n")
    before = guest.check(LISTING)
    monotonic = guest.check("systemctl show -P ActiveEnterTimestampMonotonic sshd-vsock.socket")
    reloads = guest.check("journalctl -b -o cat | grep -ci 'systemd.*reloading\\|^reloading' || :")
    result = apply(guest)
    assert result.stderr.count("\n") == 2, result.stderr
    assert guest.check(LISTING) == before
    assert guest.check(
        "systemctl show -P ActiveEnterTimestampMonotonic sshd-vsock.socket") == monotonic
    assert guest.check(
        "journalctl -b -o cat | grep -ci 'systemd.*reloading\\|^reloading' || :") == reloads


def test_plan_shows_just_what_apply_does(guest):
    apply(guest, "port: 22\n")
    guest.put("/etc/sshd-vsock.yaml", "port: 2222\nhosts_entry: false\n")
    before = guest.check(LISTING)
    plan = guest.run("sshd-vsock plan")
    assert plan.status == 10
    assert guest.check(LISTING) == before
    assert "-ListenStream=vsock::22\n+ListenStream=vsock::2222\n" in plan.stdout
    assert "-127.0.0.1 UNKNOWN # sshd-vsock\n" in plan.stdout
    planned = re.findall(r"^(?:\+\+\+|systemctl) (.*)", plan.stdout, re.M)
    done = re.findall(r"^sshd-vsock: (?:write|systemctl) (.*)", apply(guest).stderr, re.M)
    assert planned == done


def test_changed_port_changes_only_what_depends_on_it(guest):
    apply(guest, "port: 22\n")
    assert guest.banner(22)
    result = apply(guest, "port: 2222\n")
    assert re.findall(r"^sshd-vsock: (?!verified)(.*)", result.stderr, re.M) == [
        f"write {UNITS}/sshd-vsock.socket", "systemctl daemon-reload",
        "systemctl restart sshd-vsock.socket"]
    assert guest.banner(2222).startswith("SSH-2.0")
    with pytest.raises(ConnectionError):
        guest.banner(22)
    assert guest.ssh("exit 5", port=2222).status == 5


def test_open_session_lives_through_a_changed_port(guest):
    apply(guest, "port: 22\n")
    with guest.connect(22) as stream:
        assert stream.recv(4) == b"SSH-"
        apply(guest, "port: 2222\n")
        stream.sendall(b"SSH-2.0-test\r\n")
        assert stream.recv(4096)


def test_taken_port_leaves_the_door_where_it_was(guest):
    """A changed port must not cost the only door that there is."""
    apply(guest, "port: 22\ndisable_tcp: true\n")
    with squatter(guest, 2223):
        result = apply(guest, "port: 2223\ndisable_tcp: true\n", status=4)
        assert "in use by another program" in result.stderr
        assert "rolled back: " in result.stderr
        assert guest.banner(22).startswith("SSH-2.0")
        assert guest.ssh("exit 5").status == 5
    apply(guest, "port: 22\n")


def test_many_starts_in_a_row(guest):
    """By default the sixth in 10 s is refused, and leaves nothing that listens."""
    apply(guest, "port: 22\n")
    guest.check("for i in $(seq 12); do systemctl restart sshd-vsock.socket; done")
    assert guest.check("systemctl show -P Result sshd-vsock.socket") == "success\n"
    assert guest.banner().startswith("SSH-2.0")


def test_works_without_a_dbus_daemon(guest):
    apply(guest, "port: 2222\n")
    guest.check("systemctl stop dbus.socket dbus.service")
    try:
        assert "verified" in apply(guest, "port: 22\n").stderr
    finally:
        guest.check("systemctl start dbus.socket dbus.service")


def test_tcp_closes_after_the_proof_and_stays_closed(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        assert listeners(guest) == {"0.0.0.0:22", "[::]:22"}
        result = apply(guest, "disable_tcp: true\n")
        lines = result.stderr.splitlines()
        proof = [i for i, line in enumerate(lines) if "verified" in line]
        stop = next(i for i, line in enumerate(lines) if "systemctl stop ssh.service" in line)
        assert len(proof) == 2 and proof[0] < stop < proof[1]
        assert listeners(guest) == set()
        guest.reboot()
        assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5
        assert guest.run("systemctl start ssh").status != 0

        apply(guest, "disable_tcp: false\n")
        assert listeners(guest) == {"0.0.0.0:22", "[::]:22"}
        assert guest.check("systemctl is-enabled ssh.service") == "enabled\n"


def test_listen_address_is_obeyed(guest):
    apply(guest, "listen_address: [127.0.0.1, '127.0.0.1:2200']\n")
    assert listeners(guest) == {"127.0.0.1:22", "127.0.0.1:2200"}
    assert guest.check("sshd -t") == ""
    apply(guest, "")
    assert listeners(guest) == {"0.0.0.0:22", "[::]:22"}
    assert guest.run("ls /etc/ssh/sshd_config.d/10-sshd-vsock.conf").status != 0


def test_hushlogin_for_a_user_of_the_system(guest):
    guest.check("useradd -m -s /bin/bash ana 2>/dev/null || id ana")
    apply(guest, "hushlogin: [ana]\n")
    assert guest.check("stat -c %U:%G:%a /home/ana/.hushlogin") == "ana:ana:644\n"
    assert guest.run("ls /root/.hushlogin").status != 0
    apply(guest, "hushlogin: true\n")
    assert guest.check("ls /root/.hushlogin /etc/skel/.hushlogin /home/ana/.hushlogin")
    apply(guest, "hushlogin: false\n")
    assert guest.run("ls /root/.hushlogin").status != 0
    assert guest.run("ls /etc/skel/.hushlogin").status != 0


def test_own_hushlogin_of_a_user_is_left_alone(guest):
    guest.check("useradd -m -s /bin/bash bo; install -o bo -g bo /dev/null /home/bo/.hushlogin")
    before = guest.check("stat -c '%i %Y %U' /home/bo/.hushlogin")
    apply(guest, "hushlogin: [bo]\n")
    apply(guest, "hushlogin: false\n")
    assert guest.check("stat -c '%i %Y %U' /home/bo/.hushlogin") == before


def test_no_openssh_server_is_said_before_anything_is_touched(guest):
    guest.check("mv /usr/sbin/sshd /usr/sbin/sshd.away")
    try:
        before = guest.check(LISTING)
        result = guest.run("sshd-vsock apply")
        assert result.status == 1
        assert "openssh-server is not installed" in result.stderr
        assert "fix: install" in result.stderr
        assert guest.check(LISTING) == before
    finally:
        guest.check("mv /usr/sbin/sshd.away /usr/sbin/sshd")


def test_not_root_is_said(guest):
    result = guest.run("setpriv --reuid=65534 --regid=65534 --clear-groups sshd-vsock apply")
    assert result.status == 1
    assert "needs root" in result.stderr and "sudo" in result.stderr


def test_host_keys_are_made_before_the_first_connection(program):
    with Guest("bookworm", host_keys=False) as guest:
        guest.install(program)
        guest.check("touch /etc/ssh/ssh_host_rsa_key")
        assert "start sshd-vsock-keygen" in apply(guest).stderr
        assert guest.ssh("exit 5").status == 5
        sizes = guest.check("stat -c %s /etc/ssh/ssh_host_*_key").split()
        assert len(sizes) == 3 and "0" not in sizes


def test_configuration_others_can_write_is_refused(guest):
    guest.put("/etc/sshd-vsock.yaml", "port: 22\n", mode=0o666)
    result = apply(guest, status=2)
    assert "can be written by others than root" in result.stderr
    guest.check("rm /etc/sshd-vsock.yaml")


def test_unknown_user_is_a_fault_with_its_place(guest):
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: [root, nobodyhere]\n")
    result = guest.run("sshd-vsock check")
    assert result.status == 2
    assert "/etc/sshd-vsock.yaml:1:19: error:" in result.stderr
    assert "warning: " in apply(guest).stderr, "a user may be gone since; the door opens"
    guest.check("rm /etc/sshd-vsock.yaml; sshd-vsock apply")


def test_configuration_from_elsewhere_survives_the_reboot(program):
    """What was read from standard input is what the next boot applies too."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("printf 'port: 2222\\nhushlogin: [root]\\n' | sshd-vsock apply --config=-")
        guest.reboot()
        guest.check("systemctl is-system-running --wait")
        assert guest.banner(2222)
        provision = guest.check("journalctl -b -o cat -u sshd-vsock-provision")
        assert "nothing to do" in provision and "port 2222" in provision


def test_two_runs_at_once_both_succeed(guest):
    result = guest.run("rm -f /etc/sshd-vsock.yaml; echo 'port: 2224' >/root/a.yaml; "
                       "sshd-vsock apply --config=/root/a.yaml & one=$!; "
                       "sshd-vsock apply --config=/root/a.yaml & two=$!; "
                       "wait $one && wait $two")
    assert result.status == 0, result.stderr
    apply(guest)


NETWORK_STAGE = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'until test -e /run/go; do sleep 0.1; done'
"""


def test_systemd_does_not_forget_ssh_when_its_alias_comes_back(guest):
    """Debian's sshd.service goes with "disable ssh" and comes with "enable ssh". A unit of the same
    name that something orders itself before is then read into ssh.service, dead."""
    if guest.run("grep -rlw '^Before=.*sshd.service' /usr/lib/systemd/system").stdout:
        pytest.skip("a unit of the distribution names it too")
    apply(guest, "port: 22\n")
    guest.check("systemctl start ssh.service; systemctl disable ssh.service; systemctl enable ssh.service")
    assert guest.check("systemctl is-active ssh.service") == "active\n"


@pytest.mark.parametrize("suite, stage", (("bookworm", "cloud-init"), ("forky", "cloud-init-network")))
def test_without_keys_a_connection_waits_for_the_stage_that_makes_them(suite, stage, program):
    with Guest(suite) as guest:
        guest.install(program)
        apply(guest)
        guest.put(f"{UNITS}/{stage}.service", NETWORK_STAGE)
        guest.check(f"systemctl daemon-reload; systemctl start --no-block {stage}")
        assert guest.ssh("true").status == 0  # it is there, and takes nothing away
        guest.check("mkdir /root/keys; mv /etc/ssh/ssh_host_* /root/keys")
        with guest.connect() as stream:
            stream.settimeout(3)
            with pytest.raises(TimeoutError):
                stream.recv(1)
            guest.check("mv /root/keys/* /etc/ssh; touch /run/go")
            stream.settimeout(20)
            assert stream.recv(4) == b"SSH-"
