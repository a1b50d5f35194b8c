"""What the program says while it works, and of what others did to its units."""

import json

import pytest

from guest import Guest
from guest.steps import apply, dropin, meanwhile, served_by

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
    for verb in "plan", "status", "apply":
        result = guest.run(f"{anybody} {verb}")
        assert result.status == 1 and "this needs root; fix: use sudo" in result.stderr


def test_changes_of_others_are_named(guest):
    """By verify, status and --json, until they are gone; those of all services are not ours."""
    everywhere = "/usr/lib/systemd/system/service.d"
    before = guest.run("sshd-vsock verify").stderr
    status = guest.check("sshd-vsock status")
    assert "changed by" not in before + status
    lines = {"/run/systemd/system/sshd-vsock.socket.d/test.conf": "Backlog",
             "/run/systemd/system/sshd-vsock@.service.d/test.conf": "Nice Environment"}
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
