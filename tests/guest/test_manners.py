"""What the program says while it works, and of what others did to its units."""

import json
import re

import pytest

from guest import Guest
from guest.steps import apply, dropin, expect_rows, meanwhile, served_by

EVERY_RUN = 3


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        apply(guest, f"verify_timeout: {limit(guest)}\n")
        yield guest


def limit(guest):
    """Seconds for the verification: few, and enough for what answers."""
    return 2 * guest.patience


def silence(guest):
    """A listener that accepts, and says nothing for longer than that."""
    return served_by(guest, f"exec sleep {10 * limit(guest)}")


def test_wait_for_the_banner_is_said(guest):
    said = f"sshd-vsock: waiting for an answer on vsock port 22, for at most {limit(guest)} s\n"
    with silence(guest):
        for verb in "verify", "status":
            assert said in guest.run(f"sshd-vsock {verb}", waits=True).stderr
            assert said not in guest.run(f"sshd-vsock {verb}").stderr  # as all other tests have it
            assert "waiting" not in guest.run(f"sshd-vsock -q {verb}", waits=True).stderr


def test_wait_for_logins_is_said(guest):
    with meanwhile(guest, "cp -p /root/.bashrc /root/was; sed -i '1i sleep 2' /root/.bashrc",
                   "mv /root/was /root/.bashrc"):
        assert "sshd-vsock: waiting for logins over vsock that are tried, user by user\n" in \
            guest.run("sshd-vsock verify", waits=True).stderr


def test_wait_for_systemd_is_said_with_the_job(guest):
    guest.check("systemctl stop sshd-vsock.socket")
    with dropin(guest, "sshd-vsock.socket", "[Socket]\nExecStartPre=/bin/sleep 2\n"):
        result = guest.run("sshd-vsock apply", waits=True)
    assert result.status == 0
    wait, done = (result.stderr.index(f"sshd-vsock: {words}systemctl start sshd-vsock.socket\n")
                  for words in ("waiting for ", ""))
    assert wait < done


def test_nobody_is_left_to_say_it(guest):
    """Who says it ends with the wait, and with the program, however that ends."""
    with silence(guest):
        guest.run("timeout -s KILL 0.5 sshd-vsock verify")
        assert guest.run("pgrep -x sshd-vsock").stdout == ""


def test_anybody_may_verify(guest):
    """As far as that goes: whether it answers, and that the rest is for root."""
    anybody = "runuser -u nobody -- sshd-vsock"
    rest = "who can log in and whether a host can connect is for root to see: sudo sshd-vsock verify"
    result = guest.run(f"{anybody} verify --json")
    assert result.status == 0 and "verified: SSH-2.0-OpenSSH" in result.stderr
    assert rest in result.stderr
    report = json.loads(result.stdout)
    assert report["verification"]["answers"] and report["logins"] is report["host"] is None
    with silence(guest):
        result = guest.run(f"{anybody} verify")
        assert result.status == 4 and "no SSH banner came in time" in result.stderr
    with meanwhile(guest, "systemctl stop sshd-vsock.socket", "systemctl start sshd-vsock.socket"):
        assert "the socket unit is not listening (" in guest.run(f"{anybody} verify").stderr
    with meanwhile(guest, "systemctl stop dbus.socket dbus.service; systemctl stop sshd-vsock.socket",
                   "systemctl start dbus.socket sshd-vsock.socket"):
        result = guest.run(f"{anybody} verify")
        assert result.status == 4 and "no SSH server answers on vsock port 22" in result.stderr
        result = guest.run(f"{anybody} status")
        assert result.status == 1 and "cannot speak to systemd" in result.stderr
    for verb in "remove", "apply":
        result = guest.run(f"{anybody} {verb}")
        assert result.status == 1 and "this needs root; fix: use sudo" in result.stderr


FOR_ROOT = ("/root/.hushlogin", "/home/other/.hushlogin")


def anybodys(guest, verb):
    result = guest.run(f"runuser -u nobody -- sshd-vsock {verb} --json")
    return result, json.loads(result.stdout)


def test_anybody_may_look(guest):
    """With root's own words where he sees all of it; and what he does not see is named."""
    guest.check("useradd -m other; chmod 700 /home/other; useradd -m open; chmod 755 /home/open")
    try:
        apply(guest, f"verify_timeout: {limit(guest)}\ndisable_tcp: true\n"
              "hushlogin: [root, other, open]\n")
        for verb in "plan", "status":
            result, report = anybodys(guest, verb)
            assert result.status == 0 and report["operations"] == report["conflicts"] == []
            assert sorted(report["hidden"]) == sorted(FOR_ROOT) and report["listeners"] is None
            assert "left out, for root to see: " + ", ".join(FOR_ROOT) in result.stderr
        expect_rows(report["text"])
        lines = report["text"].split("\n")
        root = guest.check("sshd-vsock status").split("\n")
        assert [line for line in lines if line not in root
                and not re.match(r".* for root to see|hush |        \d+ open now", line)] == []
        assert "drift   none" in lines and "verify  SSH-2.0-OpenSSH" in report["text"]
        guest.check("rm /root/.hushlogin /home/open/.hushlogin; sed -i /UNKNOWN/d /etc/hosts")
        for verb in "plan", "status":
            result, report = anybodys(guest, verb)
            assert result.status == 10
            assert [o["name"] for o in report["operations"]] == \
                ["/etc/hosts", "/home/open/.hushlogin"]
    finally:
        apply(guest, f"verify_timeout: {limit(guest)}\n")
        guest.check("userdel -r other; userdel -r open")


def test_what_anybody_may_not_read_is_left_out(guest):
    """As RHEL has it: sshd's files are root's alone."""
    config = f"verify_timeout: {limit(guest)}\nlisten_address: 127.0.0.1\n"
    guest.put("/etc/sshd-vsock.yaml", config)
    with meanwhile(guest, "chmod 600 /etc/ssh/sshd_config; ip link set lo up",
                   "chmod 644 /etc/ssh/sshd_config"):
        _, report = anybodys(guest, "plan")
        assert "/etc/ssh/sshd_config" in report["hidden"] + [report["operations"]]
        assert report["conflicts"] == []
        assert not [o for o in report["operations"] if "/etc/ssh/" in o["name"]]
    apply(guest, f"verify_timeout: {limit(guest)}\n")


def test_a_look_leaves_no_trace(guest):
    """sshd 9.2 wants /run/sshd to say what its files mean: who only looks does not make it."""
    with meanwhile(guest, "systemctl stop ssh.service sshd-vsock.socket; rm -rf /run/sshd",
                   "systemctl start ssh.service sshd-vsock.socket"):
        seen = "stat -c '%n %y' /run /run/sshd /etc /etc/ssh; cut -d' ' -f1 /proc/modules"
        before = guest.run(seen)
        guest.run("sshd-vsock plan")
        assert "sshd_config: /usr/sbin/sshd says nothing without /run/sshd\n" in \
            guest.run("sshd-vsock status").stdout
        assert guest.run(seen).stdout == before.stdout


def test_changes_of_others_are_named(guest):
    """By verify, status and --json, until they are gone; those of all services are not ours."""
    everywhere = "/usr/lib/systemd/system/service.d"
    before = guest.run("sshd-vsock verify").stderr
    status = guest.check("sshd-vsock status")
    assert "changed by" not in before + status
    lines = {"/etc/systemd/system/sshd-vsock.socket.d/test.conf": "Backlog",
             "/etc/systemd/system/sshd-vsock@.service.d/test.conf": "Nice Environment"}
    with meanwhile(guest, f"mkdir -p {everywhere}; printf '[Service]\\nCPUWeight=100\\n'"
                          f">{everywhere}/10-all.conf", f"rm -r {everywhere}"), \
            dropin(guest, "sshd-vsock.socket", "[Socket]\nBacklog=64\n"), \
            dropin(guest, "sshd-vsock@.service",
                   "[Service]\nNice=3\nEnvironment=A=1\nEnvironment=B=2\n"):
        result = guest.run("sshd-vsock verify --json")
        assert result.status == 0
        assert {d["path"]: " ".join(d["settings"]) for d in json.loads(result.stdout)["drop_ins"]} \
            == lines
        status = guest.check("sshd-vsock status")
        for path, settings in lines.items():
            assert f"the units are changed by {path}: {settings}\n" in result.stderr
            assert f"        changed by {path}: {settings}\n" in status
    assert guest.run("sshd-vsock verify").stderr == before
