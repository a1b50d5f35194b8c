"""Nothing closes until somebody has been shown to log in: who does not, and why, on real sshds."""

import json
import os
import re

import pytest

from guest import EVERY_SUITE, SUITES, Guest
from guest.steps import ANYWHERE, UNITS, apply, dropin, listeners, meanwhile

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 2
ALWAYS = ("test_each_account_of_the_list",
          "test_who_does_not_get_in_closes_nothing[AllowUsers]",
          "test_who_does_not_get_in_closes_nothing[keys only from one address]",
          "test_trial_is_a_session_of_its_own")

CLOSE = "disable_tcp: true\n"
DROPIN = "/etc/ssh/sshd_config.d/20-test.conf"
RELOAD = "systemctl reload ssh"
KEYS = "/root/.ssh/authorized_keys"
OURS = f"{UNITS}/sshd-vsock.socket"

# The oldest and the newest in every run, all of them in `tests/run --full`.
CHOSEN = EVERY_SUITE if os.environ.get("SSHD_VSOCK_FULL") else (SUITES[0], SUITES[-1])


@pytest.fixture(scope="module", name="guest", params=CHOSEN)
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        guest.check("ip link set lo up; useradd -m -s /bin/bash ana")
        yield guest


@pytest.fixture(name="nobody_else", autouse=True)
def nothing_left(guest):
    """However it ends, a search leaves no key, no process and no change behind."""
    yield
    if guest.run(f"test -L {UNITS}/ssh.service").status == 0:
        apply(guest, "")
    assert guest.run("ls -d /run/sshd-vsock.trial-*").status != 0
    assert guest.run("pgrep -f 'sshd-vsock[.]trial-'").status != 0
    assert "sshd-vsock" not in guest.get(KEYS).decode()


def sshd_config(lines):
    """sshd has those lines, too."""
    return (f"printf '{lines}' >{DROPIN}; {RELOAD}", f"rm {DROPIN}; {RELOAD}")


def with_keys(command):
    """The administrator's key file, changed and put back."""
    return (f"cp -a {KEYS} /root/keys; {command}", f"rm -rf {KEYS}; mv /root/keys {KEYS}")


# What breaks and mends it, what is said of whom.
REFUSED = {
    "AllowUsers with a host": (*sshd_config(r"AllowUsers root@192.168.*\n"),
                               "root from UNKNOWN not allowed because not listed in AllowUsers"),
    "DenyUsers": (*sshd_config(r"DenyUsers root\n"), "because listed in DenyUsers"),
    "AllowGroups": (*sshd_config(r"AllowGroups ana\n"), "are listed in AllowGroups"),
    "root from one address": (
        *sshd_config(r"PermitRootLogin no\nMatch Address 10.1.2.3\n"
                     r"  PermitRootLogin prohibit-password\n"), "ROOT LOGIN REFUSED"),
    "no public keys": (*sshd_config(r"PubkeyAuthentication no\n"), "PubkeyAuthentication is off"),
    "keys only from one address": (
        *sshd_config(r"AuthorizedKeysFile none\nMatch Address 10.1.2.3\n"
                     r"  AuthorizedKeysFile .ssh/authorized_keys\n"), "it has no key"),
    "ForceCommand": (*sshd_config(r"ForceCommand /bin/touch /root/forced\n"),
                     "a trial login is not possible: ForceCommand /bin/touch /root/forced"),
    "two methods": (*sshd_config(r"AuthenticationMethods publickey,password\n"),
                    "a trial login is not possible: AuthenticationMethods publickey,password"),
    "from=": (*with_keys(f"sed -i 's/^/from=\"10.0.0.1\" /' {KEYS}"), "not from a permitted host"),
    "command=": (*with_keys(f"sed -i 's/^/command=\"echo no, as ana\" /' {KEYS}"),
                 "its keys run nothing but a command of their own"),
    "no key": (*with_keys(f": >{KEYS}"), "it has no key, and no password"),
    "a FIFO for keys": (*with_keys(f"rm {KEYS}; mkfifo {KEYS}"), f"{KEYS} is no regular file"),
    "StrictModes": (*with_keys(f"chmod 0666 {KEYS}"), "bad ownership or modes for file"),
    "expired": ("chage -E 1 root", "chage -E -1 root", "account has expired"),
    "password to change": ("usermod -p '*' root; chage -d 0 root", "chage -d -1 root",
                           "Password change required"),
    "shell that is not there": ("usermod -s /bin/none root", "usermod -s /bin/bash root",
                                "/bin/none"),
    "menu that prints its arguments": (
        "printf '#!/bin/sh\\nfor i in $2; do echo $i; done\\n' >/bin/menu; chmod 0755 /bin/menu;"
        "usermod -s /bin/menu root", "usermod -s /bin/bash root; rm /bin/menu",
        "ended with 0 and did not run a command"),
    "nologin as shell": ("usermod -s /usr/bin/true root", "usermod -s /bin/bash root",
                         "ended with 0 and did not run a command"),
    "pam_access": ("printf 'account required pam_access.so\n' >>/etc/pam.d/sshd;"
                   "echo '-:root:ALL' >>/etc/security/access.conf",
                   "sed -i '$d' /etc/pam.d/sshd /etc/security/access.conf",
                   "Access denied for user root by PAM account configuration"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_does_not_get_in_closes_nothing(what, guest):
    broken, mended, words = REFUSED[what]
    with meanwhile(guest, broken, mended):
        before = listeners(guest)
        result = apply(guest, CLOSE, 4, options="--json")
        (line,) = [line for line in result.stderr.splitlines() if "error: root " in line]
        assert words in line and "; fix: " in line
        assert "no account that require_login asks for was shown to log in" in result.stderr
        assert "TCP stays as it was" in result.stderr
        assert listeners(guest) == before == ANYWHERE
        report = json.loads(result.stdout)
        assert (report["exit"], report["error"]["cause"]) == (4, "no-login")
        assert not report["logins"]["enough"]
        root = next(a for a in report["logins"]["accounts"] if a["user"] == "root")
        assert words in root["reason"] and root["fix"]
    assert guest.run("ls /root/forced").status != 0, "a ForceCommand was run"


@pytest.mark.parametrize("verb,status", [("verify", 4), ("status", 0)])
def test_verify_and_status_tell_it_too(verb, status, guest):
    apply(guest, "")
    with meanwhile(guest, *sshd_config(r"DenyUsers root\n")):
        result = guest.run(f"sshd-vsock {verb} --json")
        assert result.status == status, result.stderr
        report = json.loads(result.stdout)
        assert not report["logins"]["enough"]
        assert "because listed in DenyUsers" in report["logins"]["accounts"][0]["reason"]
        if verb == "status":
            assert "logins  not enough for require_login" in report["text"]
    report = json.loads(guest.check(f"sshd-vsock {verb} --json"))
    assert report["logins"]["accounts"][0]["admission"] == "proven"


def test_status_fails_where_tcp_is_closed_and_nobody_gets_in_any_more(guest):
    """As `verify` does. The vsock listener reads sshd's files at each connection."""
    apply(guest, CLOSE)
    assert guest.run("sshd-vsock status").status == 0
    with meanwhile(guest, f"echo DenyUsers root ana >{DROPIN}", f"rm {DROPIN}"):
        for verb in "status", "verify":
            result = guest.run(f"sshd-vsock --json {verb}")
            assert result.status == 4, result.stdout
            assert json.loads(result.stdout)["error"]["cause"] == "no-login"
    assert guest.run("sshd-vsock status").status == 0


def test_nologin_keeps_users_out_and_not_root(guest):
    guest.check("install -d -m 0700 -o ana -g ana ~ana/.ssh;"
                f"install -m 0600 -o ana -g ana {KEYS} ~ana/.ssh/authorized_keys")
    with meanwhile(guest, "touch /etc/nologin", "rm /etc/nologin"):
        error = apply(guest, CLOSE + "require_login: [ana]\n", 4).stderr
        assert "Access denied for user ana by PAM account configuration" in error
    with meanwhile(guest, *sshd_config(r"DenyUsers root\n")):
        assert "ana can log in over vsock: its key ED25519 SHA256:" in apply(guest, CLOSE).stderr
        apply(guest, "")
    guest.check("rm -r ~ana/.ssh")


@pytest.mark.parametrize("broken,fix", [
    ("chage -E 1 root", r"chage --expiredate -1 root"),
    ("usermod -L ana; usermod -s /bin/bash ana; echo 'UsePAM no' >" + DROPIN,
     r"usermod --password '\*' ana")])
def test_fix_that_is_a_command_is_run_to_the_letter(broken, fix, guest):
    who = fix.rsplit(" ", 1)[1]
    guest.check("install -d -m 0700 -o ana -g ana ~ana/.ssh;"
                f"install -m 0600 -o ana -g ana {KEYS} ~ana/.ssh/authorized_keys")
    config = CLOSE + f"require_login: [{who}]\n"
    with meanwhile(guest, broken, f"rm -f {DROPIN}; rm -r ~ana/.ssh"):
        error = apply(guest, config, 4).stderr
        (command,) = set(re.findall(f'fix: (?:unlock it: ")?({fix})"?$', error, re.M))
        guest.check(command)
        apply(guest, config)
        apply(guest, "")


def test_each_account_of_the_list(guest):
    error = apply(guest, CLOSE + "require_login: [root, ana, later]\n", 4).stderr
    assert "root can log in over vsock: its key" in error
    assert "error: ana cannot log in over vsock: it has no key" in error
    assert "error: later cannot log in over vsock: /etc/passwd has no such account" in error
    assert listeners(guest) == ANYWHERE
    guest.put("/etc/sshd-vsock.yaml", CLOSE + "require_login: [root]\n")
    apply(guest)
    assert listeners(guest) == set()
    assert guest.ssh("exit 5").status == 5
    apply(guest, "")


def test_password_counts_where_it_is_allowed(guest):
    with meanwhile(guest, f"echo ana:secret | chpasswd; mv {KEYS} /root/keys; : >{KEYS}",
                   f"usermod -p '*' ana; mv /root/keys {KEYS}"):
        for line in ("PasswordAuthentication no", "AuthenticationMethods publickey"):
            with meanwhile(guest, *sshd_config(line + r"\n")):
                apply(guest, CLOSE, 4)
        with meanwhile(guest, "chage -E 1 ana", "chage -E -1 ana"):
            assert "account has expired" in apply(guest, CLOSE, 4).stderr
        assert "ana can log in over vsock: its password" in apply(guest, CLOSE).stderr
        assert listeners(guest) == set()
        apply(guest, "")


def test_operator_vouches(guest):
    with meanwhile(guest, *with_keys(f": >{KEYS}")):
        error = apply(guest, CLOSE + "require_login: unchecked\n").stderr
        assert "who can log in is not checked (require_login: unchecked)" in error
        assert listeners(guest) == set()
        apply(guest, "")


def test_keys_elsewhere_and_many_of_them(guest):
    """The sixth of seven, in a file that sshd_config names, with fewer tries than usual."""
    keys = ("mkdir -p /etc/ssh/keys; for i in 1 2 3 4 5; do ssh-keygen -q -t ecdsa -N '' -C '' -f "
            f"/root/k; echo \"from=\\\"10.0.0.1\\\" $(cat /root/k.pub)\"; rm /root/k*; done >/etc/ssh/keys/root; cat {KEYS} "
            f">>/etc/ssh/keys/root; cp {KEYS} /root/keys; : >{KEYS}")
    with meanwhile(guest, keys, f"rm -r /etc/ssh/keys; mv /root/keys {KEYS}"), \
            meanwhile(guest, *sshd_config(r"AuthorizedKeysFile /etc/ssh/keys/%%u\nMaxAuthTries 2\n")):
        assert "root can log in over vsock: its key ED25519" in apply(guest, CLOSE).stderr
        assert guest.ssh("exit 5").status == 5
        apply(guest, "")


def test_options_of_the_unit_count(guest):
    """What the listener passes decides, not what a plain sshd would do."""
    with meanwhile(guest, "echo 'SSHD_OPTS=\"-o \\\"DenyUsers=root ana\\\"\"' >/etc/default/ssh;"
                          "printf 'SSHD_OPTS=-oDenyUsers=root\n' >/etc/default/ssh",
                   "echo SSHD_OPTS= >/etc/default/ssh"):
        assert "because listed in DenyUsers" in apply(guest, CLOSE, 4).stderr


@pytest.mark.parametrize("startup, status, words", (
    ("sleep 1000", 4, "the trial login did not end in time; fix: see what the account's shell does at a login"),
    ("(trap '' TERM HUP; setsid sleep 1000 0<&- >/dev/null 2>&1 &)", 0, "a trial login succeeded")))
def test_what_a_shell_starts_ends_with_the_trial(startup, status, words, guest):
    with meanwhile(guest, f"""cp -a /root/.bashrc /root/rc; sed -i "1i {startup}" /root/.bashrc""",
                   "mv /root/rc /root/.bashrc"):
        assert words in apply(guest, CLOSE, status).stderr
        assert guest.run("pgrep -f 'sleep [1]000'").status == 1
    apply(guest, CLOSE)
    apply(guest, "")


def test_shell_that_says_much_is_a_shell(guest):
    noise = "head -c 2000000 /dev/zero"
    with meanwhile(guest, f"""cp -a /root/.bashrc /root/rc; sed -i "1i {noise}" /root/.bashrc""",
                   "mv /root/rc /root/.bashrc"):
        assert "a trial login succeeded" in apply(guest, CLOSE).stderr
        apply(guest, "")


def test_service_that_is_confined_shows_nothing(guest):
    """The trial is started by root, and would not meet what the unit takes away."""
    with dropin(guest, "sshd-vsock@.service", "[Service]\nCapabilityBoundingSet=~CAP_AUDIT_WRITE\n"):
        assert "has CapabilityBoundingSet=" in apply(guest, CLOSE, 4).stderr
    assert listeners(guest) == ANYWHERE


def test_without_an_ssh_client_nothing_is_shown(guest):
    with meanwhile(guest, "mv /usr/bin/ssh /root/ssh-client", "mv /root/ssh-client /usr/bin/ssh"):
        error = apply(guest, CLOSE, 4).stderr
        assert "there is no /usr/bin/ssh to ask with; fix: install the package " \
            "openssh-client" in error
    assert listeners(guest) == ANYWHERE


def test_without_proof_nobody_is_asked(guest):
    with meanwhile(guest, *with_keys(f": >{KEYS}")):
        apply(guest, CLOSE, options="--no-verify")
        assert listeners(guest) == set()
        apply(guest, "")


def test_killed_search_leaves_its_key_to_the_next_run(guest):
    apply(guest, "")
    guest.put("/etc/sshd-vsock.yaml", CLOSE)
    guest.run("timeout -s KILL 60 sshd-vsock verify & until ls /run/sshd-vsock.trial-*/key; do "
              "sleep 0.02; done; kill -9 $(pidof sshd-vsock); wait", timeout=90)
    assert guest.run("ls -d /run/sshd-vsock.trial-*").status == 0
    guest.check("sshd-vsock verify")


def test_trial_is_a_session_of_its_own(guest):
    """Not the one of who sits at the machine, whose rights polkit would give it."""
    trial = "/home/ana/trial"
    with meanwhile(guest, f"install -d -o ana /home/ana/.ssh; install -o ana {KEYS} /home/ana/.ssh/;"
                   f"echo 'echo $XDG_SESSION_ID >>{trial}' >/home/ana/.bashrc",
                   f"rm -rf /home/ana/.ssh /home/ana/.bashrc {trial}"):
        apply(guest, "require_login: [ana]\n")
        for verb in "verify", "apply":
            guest.put("/etc/sshd-vsock.yaml", "require_login: [ana]\n" + CLOSE * (verb == "apply"))
            result = guest.ssh(f"rm -f {trial}; echo own $XDG_SESSION_ID; sshd-vsock {verb}")
            own = re.search(r"^own (\d+)$", result.stdout, re.M)
            assert result.status == 0 and own, result
            said = guest.check(f"cat {trial}")
            assert re.match(r"\d+\n", said) and own[1] not in said.split(), said
        assert guest.check("systemctl list-units --no-legend --all 'sshd-vsock-*.scope'") == ""
    apply(guest, "")
