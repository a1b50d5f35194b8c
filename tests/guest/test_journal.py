"""What a fleet can be alerted on: messages with fields, in the journal of a unit's run."""

import json
import re

import pytest

from guest import Guest
from guest.build import CHECKOUT

MANUAL = CHECKOUT / "doc/sshd-vsock.8"


def documented():
    """The message ids of the manual: {name: id}."""
    return {name: number for number, name in
            re.findall(r"^\.It Li ([0-9a-f]{32}) \((\w[\w ]*)\)", MANUAL.read_text(), re.M)}


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("sshd-vsock apply")
        yield guest


def entries(guest, name):
    out = guest.check(f"journalctl --sync; journalctl -q -o json MESSAGE_ID={documented()[name]}")
    return [json.loads(line) for line in out.splitlines()]


def provision(guest):
    return guest.run("systemctl start --wait sshd-vsock-provision.service").status


def test_ids_of_the_manual_are_those_of_the_program():
    source = (CHECKOUT / "module/host/log.c").read_text()
    assert sorted(documented().values()) == sorted(re.findall(r'= "([0-9a-f]{32})"', source))


def test_proof_and_closing_are_events(guest):
    before = {name: len(entries(guest, name)) for name in ("verified", "TCP closed")}
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    assert provision(guest) == 0
    verified, closed = (entries(guest, name)[n:] for name, n in before.items())
    assert len(verified) == 2 and len(closed) == 1
    assert closed[0]["_SYSTEMD_UNIT"] == "sshd-vsock-provision.service"
    assert closed[0]["PRIORITY"] == "5"
    assert "SSH-2.0-OpenSSH" in verified[0]["MESSAGE"]


def test_failure_names_its_cause(guest):
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: false\n")
    assert provision(guest) == 0
    before = {name: len(entries(guest, name)) for name in ("verification failed", "TCP kept")}
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    guest.check("mkdir -p /etc/ssh/away; mv /etc/ssh/ssh_host_* /etc/ssh/away; "
                "ln -s /bin/true /usr/local/bin/ssh-keygen")
    try:
        assert provision(guest) != 0
    finally:
        guest.check("rm /usr/local/bin/ssh-keygen; mv /etc/ssh/away/* /etc/ssh")
    (failed,), (kept,) = (entries(guest, name)[n:] for name, n in before.items())
    assert failed["SSHD_VSOCK_CAUSE"] == kept["SSHD_VSOCK_CAUSE"] == "no-host-keys"
    assert failed["PRIORITY"] == "3"


def test_search_that_fails_is_no_missing_way_to_a_host(guest):
    """A host can come in; it is only not known who gets in."""
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    before = len(entries(guest, "TCP kept"))
    # a leak cannot be looked for beside strace
    unit = "systemd-run -q --wait -E ASAN_OPTIONS=detect_leaks=0 strace -f -o /dev/null -e trace=mkdir"
    assert guest.run(f"{unit} -e inject=mkdir:error=ENOSPC sshd-vsock apply", timeout=120).status == 1
    kept = entries(guest, "TCP kept")[before:]
    assert [entry.get("SSHD_VSOCK_CAUSE") for entry in kept] == [None]
    assert "No space left on device" in guest.check("journalctl -q -b -o cat")


def test_the_program_is_named_once(guest):
    guest.put("/etc/sshd-vsock.yaml", "port: 22\n")
    guest.check("systemd-run --quiet --wait --unit=straight sshd-vsock check")
    guest.check("systemd-run --quiet --wait --unit=wrapped sh -c 'sshd-vsock check; true'")
    for unit, line in (("straight", "sshd-vsock[N]: "), ("wrapped", "sh[N]: sshd-vsock: ")):
        out = guest.check(f"journalctl --sync; journalctl -q -b -o short -u {unit}.service _TRANSPORT=stdout")
        lines = [re.sub(r".*? (\S+)\[\d+\]: ", r"\1[N]: ", text) for text in out.splitlines()]
        assert lines and all(text.startswith(line) for text in lines)
        assert all(text.count("sshd-vsock") == 1 for text in lines)


def test_an_event_is_named_once(guest):
    assert provision(guest) == 0
    assert {(e["SYSLOG_IDENTIFIER"], e["MESSAGE"].count("sshd-vsock:"))
            for e in entries(guest, "verified")} == {("sshd-vsock", 0)}
