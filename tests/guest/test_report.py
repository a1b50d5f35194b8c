"""What a run says as a document is what it says as text, of the same system, to the letter."""

import json
import re

import pytest

from guest import Guest
from guest.steps import CONFIG, UNITS, apply, dropin, meanwhile

EVERY_RUN = 4
OTHER = "/root/other.yaml"
SETTINGS = "verify_timeout: 5\n"
NARROW = "[Service]\nExecStart=-/usr/sbin/sshd -i -o PermitRootLogin=no\nStandardInput=socket\n"
TCP = "[Service]\nExecStart=/usr/sbin/sshd -D -p 2222\nRuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n"
SHELL = "[Service]\nExecStart=\nExecStart=-/bin/sh -c 'exec /usr/sbin/sshd -i'\n"
TEMPLATE, SOCKET = f"{UNITS}/sshd-vsock@.service", f"{UNITS}/sshd-vsock.socket"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up")
        apply(guest, SETTINGS)
        yield guest


def told(guest, words, status):
    """The document's error, and what the run said on standard error."""
    result = guest.run(f"sshd-vsock --json {words}", timeout=120)
    assert result.status == status, result.stdout + result.stderr
    return json.loads(result.stdout)["error"], result.stderr


def fix_of(said, what):
    """The fix of the one message with those words."""
    (line,) = [line for line in said.splitlines() if what in line]
    return line.split("; fix: ", 1)[1]


def test_who_gets_in_is_no_conflict(guest):
    """A template by hand that ours could not replace, and that lets root in no more."""
    with meanwhile(guest, f"cp {TEMPLATE} /root/t; printf '{NARROW}' >{TEMPLATE}; systemctl daemon-reload",
                   f"mv /root/t {TEMPLATE}; systemctl daemon-reload"):
        for verb, status, cause in ("plan", 1, "conflict"), ("apply", 1, "conflict"), ("verify", 4, "no-login"):
            error, said = told(guest, verb, status)
            assert error["cause"] == cause, said
        assert error["fix"] == fix_of(said, "no account that require_login asks for")


@pytest.mark.parametrize("what", ("client", "unit"))
def test_fix_of_nobody_is_the_one_that_is_said(what, guest):
    """Without a client to ask with, and with a unit that no trial can follow."""
    with (meanwhile(guest, "mv /usr/bin/ssh /root/ssh", "mv /root/ssh /usr/bin/ssh") if what == "client" else
          dropin(guest, "sshd-vsock@.service", SHELL)):
        error, said = told(guest, "verify", 4)
    assert error["fix"] == fix_of(said, "no account that require_login asks for")
    assert error["fix"].startswith("install the package" if what == "client" else "change that unit")


def test_reason_of_a_conflict_names_the_command_at_hand(guest):
    guest.put(OTHER, SETTINGS + "hosts_entry: false\n")
    with meanwhile(guest, f"mv {SOCKET} /root/s; ln -s /dev/null {SOCKET}; systemctl daemon-reload",
                   f"mv /root/s {SOCKET}; systemctl daemon-reload; systemctl restart sshd-vsock.socket"):
        fix = f'"systemctl unmask sshd-vsock.socket && sshd-vsock apply --config={OTHER}"'
        result = guest.run(f"sshd-vsock --json --config={OTHER} plan")
        document = json.loads(result.stdout)
        assert f"{SOCKET} is masked; fix: {fix}\n" in result.stderr
        assert document["error"]["what"] == f"{SOCKET} is masked"
        assert document["error"]["fix"] == fix
        assert document["conflicts"][0]["reason"] == f"is masked; fix: {fix}"
        assert fix in guest.run(f"sshd-vsock --config={OTHER} status").stdout


def test_tcp_that_stays_open_is_what_failed(guest):
    """That nobody gets in otherwise was asked for the fix of it alone."""
    apply(guest, SETTINGS + "disable_tcp: true\n")
    guest.put(f"{UNITS}/mine.service", TCP)
    with meanwhile(guest, "systemctl daemon-reload; systemctl start mine; mv /root/.ssh /root/keys",
                   f"systemctl stop mine; rm {UNITS}/mine.service; mv /root/keys /root/.ssh; "
                   f"echo '{SETTINGS}' >{CONFIG}; systemctl daemon-reload; sshd-vsock -q apply"):
        guest.check("until ss -ltnH | grep -q ':2222 '; do sleep 0.05; done")
        error, said = told(guest, "apply", 1)
        assert "first correct what" in fix_of(said, "still listens on TCP")
        assert error == {"cause": "tcp-open", "fix": fix_of(said, "still listens on TCP"),
                         "what": "sshd listens on TCP where disable_tcp or listen_address lets none"}


# ---- who may not see all -------------------------------------------------------------------------

NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups sshd-vsock"


def test_configuration_that_is_for_root_alone(guest):
    """No fault of it: `verify` goes by what listens, and what compares with it needs root."""
    guest.put(CONFIG, SETTINGS + "port: 2223\n", mode=0o600)
    with meanwhile(guest, "sshd-vsock apply; modprobe vsock_loopback",
                   f"echo '{SETTINGS}' >{CONFIG}; chmod 0644 {CONFIG}; sshd-vsock -q apply"):
        result = guest.run(f"{NOBODY} verify")
        assert result.status == 0 and re.search("verified: SSH-2.0.* on vsock port 2223 ", result.stderr), result
        document = json.loads(guest.run(f"{NOBODY} --json verify").stdout)
        assert document["error"] is document["configuration"] is None and document["operations"] == []
        for verb in "plan", "status", "check":
            result = guest.run(f"{NOBODY} --json {verb}")
            assert result.status == 1, result
            assert f"this needs root (only root can read {CONFIG}); fix: use sudo\n" in result.stderr
            assert json.loads(result.stdout)["error"]["cause"] == "not-root"
            assert json.loads(result.stdout)["faults"] is None


# ---- who is asked for UNKNOWN --------------------------------------------------------------------

LINES = {"dns": False, "dns files": False, "files dns": True, "resolve [!UNAVAIL=return] dns": True}


def test_hosts_file_that_nobody_asks(guest):
    """The line is there, and a login waits for DNS all the same."""
    with meanwhile(guest, "cp /etc/nsswitch.conf /root/nss", "mv /root/nss /etc/nsswitch.conf"):
        for line, asked in LINES.items():
            guest.check(f"sed -i 's/^hosts:.*/hosts: {line}/' /etc/nsswitch.conf")
            result = guest.run("sshd-vsock verify")
            assert result.status == 0, result.stderr
            assert ("UNKNOWN resolves from /etc/hosts\n" in result.stderr) == asked, line
            row = guest.run("sshd-vsock status").stdout
            assert ("hosts   UNKNOWN is 127.0.0.1\n" in row) == asked, row
            data = json.loads(guest.run("sshd-vsock --json status").stdout)
            assert data["hosts_entry"]["used"] == asked
            if asked:
                continue
            assert fix_of(result.stderr, "UNKNOWN does not resolve from /etc/hosts") == (
                "put the word files before all others into the hosts line of /etc/nsswitch.conf")
            guest.check("sed -i 's/^hosts:/hosts: files/' /etc/nsswitch.conf")
            assert "UNKNOWN resolves from /etc/hosts\n" in guest.run("sshd-vsock verify").stderr


# ---- an account without a home -------------------------------------------------------------------

def test_account_without_a_home_gets_in(guest):
    """Its keys are elsewhere: it is tried as any other, and has no .hushlogin."""
    with meanwhile(guest, "echo 'ana:x:1500:100:::/bin/sh' >>/etc/passwd; echo 'ana:*:19000::::::' >>/etc/shadow; "
                          "install -D -m 0644 /root/.ssh/authorized_keys /etc/ssh/keys/ana; "
                          "echo 'AuthorizedKeysFile /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/50-x.conf",
                   "rm -r /etc/ssh/keys /etc/ssh/sshd_config.d/50-x.conf; sed -i /^ana/d /etc/passwd /etc/shadow; "
                   f"echo '{SETTINGS}' >{CONFIG}"):
        guest.put(CONFIG, SETTINGS + "require_login: [ana]\nhushlogin: [ana]\n")
        result = apply(guest)
        fix = fix_of(result.stderr, "hushlogin: this user has no home: ana; ")
        assert fix == "take the name out of the list or give the user a home"
        assert guest.run("sshd-vsock verify").status == 0
        assert guest.run("ls /.hushlogin").status != 0
        guest.put(CONFIG, SETTINGS)
        result = guest.run("sshd-vsock verify")
        assert result.status == 0 and "ana can log in over vsock" in result.stderr, result
