"""After disable_tcp nothing of sshd listens on TCP: reality is looked at, and what is left is named
with its unit and the command that ends it."""

import json
import subprocess
from contextlib import contextmanager

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners, meanwhile

EVERY_RUN = 2
ALWAYS = ("test_sshd_of_another_unit_is_named_and_nothing_opens_again",)

CLOSE = "disable_tcp: true\n"
SERVICE = "[Service]\nExecStart=/usr/sbin/sshd -D -p %s\nRuntimeDirectory=sshd\n" \
          "RuntimeDirectoryPreserve=yes\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(scope="module", name="guest", params=["bullseye", "bookworm", "trixie"])
def boot(request, program):
    """Before OpenSSH 9.8 and after it: there a session is sshd with another title, here another
    program."""
    with Guest(request.param) as guest:
        guest.install(program)
        guest.check("ip link set lo up; useradd -m -s /bin/bash ana;"
                    "install -d -o ana -g ana -m 0700 /home/ana/.ssh;"
                    "install -o ana -g ana -m 0600 /root/.ssh/authorized_keys /home/ana/.ssh/")
        apply(guest, CLOSE)
        yield guest


def found(guest, verb="status", status=10):
    """What the verb's document says of listeners."""
    result = guest.run(f"sshd-vsock --json {verb}", timeout=120)
    assert result.status == status, result.stderr
    return json.loads(result.stdout)["listeners"]


@contextmanager
def unit(guest, name, text, start=None):
    """A unit of the administrator's own, enabled and started."""
    guest.put(f"{UNITS}/{name}", text)
    guest.check(f"systemctl daemon-reload; systemctl enable -q --now '{start or name}'")
    try:
        yield
    finally:
        guest.run(f"systemctl disable -q --now '{start or name}'; rm '{UNITS}/{name}';"
                  "systemctl daemon-reload; systemctl reset-failed")


def until_listening(guest, port):
    guest.check(f"until ss -ltnH | grep -q ':{port} '; do sleep 0.05; done")


def test_sshd_of_another_unit_is_named_and_nothing_opens_again(guest):
    apply(guest, "port: 22\n")
    with unit(guest, "my-sshd.service", SERVICE % 2222):
        until_listening(guest, 2222)
        pid = guest.check("systemctl show -P MainPID my-sshd").strip()
        for run in "closing", "again":
            result = apply(guest, CLOSE, 1)
            assert (f"error: sshd still listens on TCP: 0.0.0.0:2222 [::]:2222 (my-sshd.service, "
                    f"process {pid}); fix: systemctl disable --now my-sshd.service\n"
                    ) in result.stderr, run
            assert result.stderr.count("error: ") == 1
            assert "closed TCP" not in result.stderr
            assert listeners(guest) == {"0.0.0.0:2222", "[::]:2222"}, run
        assert guest.ssh("exit 5").status == 5

        report = json.loads(guest.run("sshd-vsock --json apply").stdout)
        assert report["error"]["cause"] == "tcp-open"
        assert report["error"]["fix"] == "systemctl disable --now my-sshd.service"
        assert report["listeners"] == found(guest) == [
            {"addresses": ["0.0.0.0:2222", "[::]:2222"], "pid": int(pid),
             "unit": "my-sshd.service", "fix": "systemctl disable --now my-sshd.service"}]
        status = guest.run("sshd-vsock status").stdout
        assert f"listening: 0.0.0.0:2222 [::]:2222 (my-sshd.service, process {pid})\n" in status
        assert status.endswith("drift   sshd still listens on TCP; fix: "
                               "systemctl disable --now my-sshd.service\n")

        guest.check(report["error"]["fix"])
        assert "nothing to do" in apply(guest).stderr
        status = guest.run("sshd-vsock status")
        assert status.status == 0
        assert "        listening: no sshd\n" in status.stdout
        assert status.stdout.endswith("drift   none\n")


def test_what_is_open_as_configured_is_shown_and_no_drift(guest):
    """Without disable_tcp; and what apply is about to stop is drift once, not twice."""
    apply(guest, "port: 22\n")
    (one,) = found(guest, status=0)
    assert one["unit"] == "ssh.service" and one["addresses"] == ["0.0.0.0:22", "[::]:22"]
    assert one["fix"] is None
    guest.put("/etc/sshd-vsock.yaml", CLOSE)
    status = guest.run("sshd-vsock status")
    assert status.status == 10
    assert "listening: 0.0.0.0:22 [::]:22 (ssh.service, process " in status.stdout
    assert "still listens" not in status.stdout
    assert found(guest)[0]["fix"] == "sshd-vsock apply"
    apply(guest)
    assert found(guest, status=0) == found(guest, "apply", 0) == []


@pytest.mark.parametrize("user", ["root", "ana"])
def test_forward_of_a_session_does_not_count(user, guest):
    apply(guest, CLOSE)
    command = guest.ssh_command(user)
    with subprocess.Popen([*command[:-1], "-R", "7777:127.0.0.1:1", command[-1],
                           "echo ready; read -r word"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, start_new_session=True) as session:
        try:
            assert session.stdout.readline() == b"ready\n"
            assert guest.check("ss -ltnpH").count("sshd") == 2  # 127.0.0.1 and ::1
            assert found(guest, status=0) == []
            assert "nothing to do" in apply(guest).stderr
        finally:
            session.stdin.write(b"end\n")
            session.stdin.close()
            session.wait(30)


def test_forward_of_a_session_over_tcp_does_not_count(guest):
    """Its process was once a copy of the very listener that is stopped."""
    apply(guest, "port: 22\n")
    guest.check("""
        ssh-keygen -q -t ed25519 -N '' -f /root/key
        cat /root/key.pub >>/root/.ssh/authorized_keys
        setsid ssh -F none -i /root/key -o StrictHostKeyChecking=no -o LogLevel=ERROR -N \
                -R 7778:127.0.0.1:1 root@127.0.0.1 </dev/null >/dev/null 2>&1 &
        echo $! >/root/session""")
    try:
        until_listening(guest, 7778)
        assert [one["unit"] for one in found(guest, status=0)] == ["ssh.service"]
        apply(guest, CLOSE)
        assert found(guest, status=0) == []
        assert "7778" in guest.check("ss -ltnH")
    finally:
        guest.check("kill $(cat /root/session); rm /root/key*;"
                    "while ss -ltnH | grep 7778; do sleep 0.05; done")


@pytest.fixture(name="hands_off")
def end_what_was_started(guest):
    """Whatever a failing test left running."""
    yield
    guest.run("pkill -f 'sshd -[Dp 2]* 222'; systemctl stop brief.service")


@pytest.mark.usefixtures("hands_off")
def test_sshd_started_by_hand(guest):
    """No unit is to be disabled for it; its file may be gone, as after a package upgrade."""
    apply(guest, CLOSE)
    guest.check("mkdir -p /run/sshd /opt/old; cp /usr/sbin/sshd /opt/old/;"
                "env -i /opt/old/sshd -p 2223 </dev/null >/dev/null 2>&1; rm -r /opt/old")
    until_listening(guest, 2223)
    (one,) = found(guest)
    assert one["addresses"] == ["0.0.0.0:2223", "[::]:2223"]
    assert one["unit"] == "guest-door.service"  # whose shell this was
    assert one["fix"] == (f"\"kill {one['pid']}\", and see to it that guest-door.service does not "
                          "start it again")
    assert one["fix"] in apply(guest, status=1).stderr
    guest.check(f"kill {one['pid']}; while ss -ltnH | grep 2223; do sleep 0.05; done")
    apply(guest)

    guest.check("systemd-run -q --scope --unit=adhoc /usr/sbin/sshd -p 2224 </dev/null"
                " >/dev/null 2>&1; systemd-run -q --unit=brief /usr/sbin/sshd -D -p 2225")
    until_listening(guest, 2224)
    until_listening(guest, 2225)
    two = {one["unit"]: one["fix"] for one in found(guest, "apply", 1)}
    assert two.pop("brief.service") == "systemctl stop brief.service"
    assert two["adhoc.scope"].startswith("kill ") and "," not in two["adhoc.scope"]
    guest.check(f"{two['adhoc.scope']}; systemctl stop brief.service;"
                "while ss -ltnH | grep 222; do sleep 0.05; done")
    apply(guest)


def test_fix_of_an_escaped_name_works_in_a_shell(guest):
    apply(guest, CLOSE)
    with unit(guest, "sshd-alt@.service", SERVICE % 2226, r"sshd-alt@a\x2db.service"):
        until_listening(guest, 2226)
        (one,) = found(guest)
        assert one["unit"] == r"sshd-alt@a\x2db.service"
        guest.check(one["fix"])
        assert found(guest, status=0) == []


SOCKET = "[Socket]\nListenStream=2227\nListenStream=/run/x\n%s\n[Install]\nWantedBy=sockets.target\n"


def test_sshd_that_a_link_in_usr_starts_is_masked(guest):
    """To disable it takes no link of the vendor's, and it would be back with the next boot."""
    place, wants = "/usr/lib/systemd/system", "/usr/lib/systemd/system/multi-user.target.wants"
    apply(guest, CLOSE)
    guest.put(f"{place}/vendor-sshd.service", SERVICE % 2228)
    with meanwhile(guest, f"mkdir -p {wants}; ln -s ../vendor-sshd.service {wants}/;"
                   "systemctl daemon-reload; systemctl start vendor-sshd",
                   f"systemctl stop vendor-sshd; systemctl unmask vendor-sshd;"
                   f"rm {place}/vendor-sshd.service {wants}/vendor-sshd.service; systemctl daemon-reload"):
        until_listening(guest, 2228)
        (one,) = found(guest)
        assert one["fix"] == "systemctl mask --now vendor-sshd.service"
        guest.check(one["fix"])
        assert found(guest, status=0) == []
        assert guest.run("systemctl start vendor-sshd").status != 0


@pytest.mark.parametrize("accept,service,command,counts", [
    ("Accept=yes", "my@.service", "-/usr/sbin/sshd -i\nStandardInput=socket", True),
    ("", "my.service", "/usr/sbin/sshd -D", True),
    ("Service=other.service", "other.service", "/usr/sbin/sshd -D", True),
    ("Accept=yes", "my@.service", "-/bin/cat\nStandardInput=socket", False),
    ("Service=other.service", "other.service", "/bin/cat", False),
])
def test_socket_unit_that_starts_sshd(accept, service, command, counts, guest):
    """systemd listens, whether or not an sshd runs."""
    apply(guest, CLOSE)
    text = f"[Service]\nExecStart={command}\n"
    with meanwhile(guest, f"printf %s '{text}' >{UNITS}/{service}", f"rm {UNITS}/{service}"), \
            unit(guest, "my.socket", SOCKET % accept):
        until_listening(guest, 2227)
        if not counts:
            assert found(guest, status=0) == []
            return
        (one,) = found(guest)
        assert one == {"addresses": ["[::]:2227"], "pid": 1, "unit": "my.socket",
                       "fix": "systemctl disable --now my.socket"}
        assert ("sshd still listens on TCP: [::]:2227 (my.socket, systemd); fix: "
                "systemctl disable --now my.socket\n") in apply(guest, status=1).stderr
        guest.check(one["fix"])
        apply(guest)


def test_socket_that_systemd_generates(program):
    """Asked for on the kernel's command line: no file that could be disabled."""
    with Guest("trixie", cmdline="systemd.ssh_listen=0.0.0.0:2228") as guest:
        guest.install(program)
        result = apply(guest, CLOSE, 1)
        fix = "systemctl mask --now sshd-extra.socket"
        assert (f"sshd still listens on TCP: 0.0.0.0:2228 (sshd-extra.socket, systemd); fix:"
                f" {fix}\n") in result.stderr
        guest.check(fix)
        apply(guest)
        guest.reboot()
        assert found(guest, status=0) == []


def test_what_was_just_stopped_is_not_seen(guest):
    """Connections come in all the while: a child of the listener has its sockets for a moment."""
    apply(guest, "port: 22\n")
    guest.check("systemd-run -q --unit=hail bash -c "
                "'while :; do : </dev/tcp/127.0.0.1/22; done 2>/dev/null'")
    try:
        for _ in range(5):
            apply(guest, CLOSE)
            apply(guest, "port: 22\n")
    finally:
        guest.check("systemctl stop hail")
    apply(guest, CLOSE)


def test_unit_that_listens_too_is_an_event(guest):
    apply(guest, CLOSE)
    with unit(guest, "my-sshd.service", SERVICE % 2222):
        until_listening(guest, 2222)
        assert guest.run("systemctl start --wait sshd-vsock-provision.service").status == 1
        line = guest.check("journalctl --sync; journalctl -q -o json SSHD_VSOCK_CAUSE=tcp-open")
        entry = json.loads(line)
        assert entry["PRIORITY"] == "3" and "my-sshd.service" in entry["MESSAGE"]
    guest.check("systemctl reset-failed")
