"""Root's program on a guest whose other users mean no good, and whose terminals go away."""

import os
import re
import shlex

import pytest

from guest import Guest
from guest.steps import ANYWHERE, LISTING, apply, listeners

EVERY_RUN = 3
ALWAYS = ("test_nobody_else_holds_the_lock",
          "test_a_pipe_that_closes_leaves_no_half_done_work",
          "test_a_terminal_that_hangs_up_does_not_end_a_run")


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("useradd -m -s /bin/bash eve")
        yield guest


def test_a_pipe_that_closes_leaves_no_half_done_work(guest):
    """Wherever the reader stops reading, the run goes on to its end: proven and closed."""
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    lines = len(guest.run("sshd-vsock apply").stderr.splitlines())
    guest.check("sshd-vsock -q remove")
    assert lines > 12
    for read in range(1, lines, 3 if os.environ.get("SSHD_VSOCK_FULL") else 6):
        result = guest.run(f"env --default-signal=PIPE bash -c 'sshd-vsock apply 2>&1 | head -n "
                           f"{read} >/dev/null; exit ${{PIPESTATUS[0]}}'", timeout=120)
        assert result.status == 0, f"head -n {read}: {result.stderr}"
        assert guest.ssh("exit 5").status == 5
        assert listeners(guest) == set(), f"head -n {read}"
        guest.check("sshd-vsock -q remove", timeout=120)
    guest.check("rm /etc/sshd-vsock.yaml")


def test_a_terminal_that_hangs_up_does_not_end_a_run(guest):
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
    guest.check("""script -qc 'env --default-signal=HUP sshd-vsock apply; echo $? >/root/status' \
        /dev/null >/dev/null 2>&1 & terminal=$!
        until systemctl is-active -q sshd-vsock.socket; do sleep 0.02; done
        kill -HUP $(pgrep -x sshd-vsock); kill -KILL $terminal
        while pgrep -x sshd-vsock; do sleep 0.1; done""", timeout=120)
    assert "nothing to do" in apply(guest).stderr
    assert listeners(guest) == set()
    guest.check("sshd-vsock -q remove; rm /etc/sshd-vsock.yaml")


def fix_of(result):
    """The command that a message says mends it."""
    return re.search(r"unit is not installed.*; fix: (.*)\n", result.stderr).group(1)


def test_advice_keeps_to_the_configuration_in_force(guest):
    """What came by --config stays what every verb looks at, and following the advice to the letter
    opens nothing that it closed."""
    lose = ("systemctl stop sshd-vsock.socket; rm /etc/systemd/system/sshd-vsock.socket;"
            "systemctl daemon-reload")
    guest.put("/root/my own.yaml", "port: 2222\ndisable_tcp: true\n")
    guest.check("sshd-vsock -q apply --config='/root/my own.yaml'")
    for rival in "", "port: 22\n":
        if rival:
            guest.put("/etc/sshd-vsock.yaml", rival)
        result = guest.run("sshd-vsock verify")
        assert result.status == 0 and "answers on vsock port 2222" in result.stderr
        assert ("differs from the configuration in force" in result.stderr) == bool(rival)
        guest.check(lose)
        for options in "", "--config='/root/my own.yaml'":
            result = guest.run(f"sshd-vsock verify {options}")
            assert result.status == 4
            assert fix_of(result).endswith(options) and (options or "--config" not in fix_of(result))
            guest.check(f"{fix_of(result)}; until systemctl is-active sshd-vsock.socket; do "
                        "sleep 0.1; done", timeout=60)
            guest.check("while systemctl is-active -q sshd-vsock-provision; do sleep 0.1; done")
            assert guest.ssh("exit 5", port=2222).status == 5
            assert listeners(guest) == set()
            guest.check(lose)
        guest.check("sshd-vsock -q apply --config='/root/my own.yaml'")
    guest.check("sshd-vsock -q remove; rm /etc/sshd-vsock.yaml")


def test_nobody_else_holds_the_lock(guest):
    """What others can lock holds nothing up, what root holds is named, and /run stays clean."""
    guest.check("runuser -u eve -- flock -s / sleep 60 & runuser -u eve -- flock -s /run sleep 60 &"
                "runuser -u eve -- flock -s /etc sleep 60 &"
                "until [ $(pgrep -cxu eve sleep) = 3 ]; do sleep 0.05; done")
    result = guest.run("timeout 30 sshd-vsock apply && timeout 30 sshd-vsock remove", timeout=90)
    assert result.status == 0 and "waiting" not in result.stderr
    assert guest.run("pkill -u eve sleep; ls /run/*sshd-vsock*").stdout == ""
    assert guest.run("""umask 0; touch /run/sshd-vsock.lock; chmod 600 /run/sshd-vsock.lock
        flock -x /run/sshd-vsock.lock sleep 1000 &
        until ! flock -xn /run/sshd-vsock.lock true; do sleep 0.05; done
        runuser -u eve -- flock -s /run/sshd-vsock.lock true && echo locked
        sshd-vsock apply 2>/root/said &
        until grep -o 'another run of sshd-vsock: process .*(.*)' /root/said | sed 's/[0-9][0-9]*/N/' | grep .; do sleep 0.05; done
        kill $!; pkill -x sleep; wait; rm /root/said""", timeout=120).stdout \
        == "another run of sshd-vsock: process N (flock)\n"


def test_runs_in_a_row_take_turns_by_the_lock(guest):
    """The file goes with its run; whoever waited takes the next one, and no two work at a time."""
    result = guest.run("for i in 1 2 3 4 5; do sshd-vsock apply 2>/root/$i & done; wait;"
                       "cat /root/[1-5]; rm /root/[1-5]; ls /run/*sshd-vsock*", timeout=120)
    assert result.stdout.count("nothing to do") == 4, result.stdout
    assert "error" not in result.stdout
    guest.check("sshd-vsock -q remove")


def test_a_link_of_a_users_leads_to_nobody_elses_directory(guest):
    """What is above his home may be his as well."""
    guest.check("install -d -o eve /srv/eve; install -d -m 0755 /etc/victim; ln -s /etc/victim /srv/eve/home;"
                "cp /etc/passwd /root/passwd; usermod -d /srv/eve/home eve")
    said = apply(guest, "hushlogin: true\n").stderr
    assert "/srv/eve/home/.hushlogin (its directory is not the user's own)" in said
    assert guest.run("ls -A /etc/victim").stdout == ""
    guest.check("rm /srv/eve/home; install -d -o eve /srv/eve/home")
    assert "write /srv/eve/home/.hushlogin" in apply(guest).stderr
    guest.check("mv /srv/eve/home/.hushlogin /etc/victim; rmdir /srv/eve/home; ln -s /etc/victim /srv/eve/home")
    assert guest.run("sshd-vsock remove").stderr.count("its directory is not the user's own") == 1
    guest.check("test -e /etc/victim/.hushlogin; rm -r /etc/victim /srv/eve /etc/sshd-vsock.yaml;"
                "cp /root/passwd /etc/passwd")


PROVISION = "/etc/systemd/system/sshd-vsock-provision.service"


def test_a_configuration_in_proc_is_anybodys(guest):
    """The files of a process that cannot be dumped are root's, and what is in them is the process's."""
    call = guest.check("uname -m | sed 's/aarch64/167/; s/x86_64/157/'").strip()
    guest.check(f"""setpriv --reuid=eve --clear-groups perl -e '$0 = "port: 2222"; syscall({call}, 4, 0); sleep 100' &
        pid=$!; echo $pid >/root/pid; until grep -q port: /proc/$pid/comm && [ "$(stat -c %U /proc/$pid/comm)" = root ]; do
        sleep 0.1; done; ln -sfn /proc/$pid/comm ~eve/v.yaml""")
    result = guest.run("sshd-vsock check --config=/home/eve/v.yaml")
    guest.check("kill $(cat /root/pid); rm ~eve/v.yaml")
    assert result.status == 2 and "v.yaml: error: is not a regular file" in result.stderr


def test_a_program_that_others_can_replace_is_not_run_at_boot(guest):
    """Refused before anything is written; with a safe one installed, that one is taken."""
    for folder in "/tmp", "/home/eve/bin", "/opt/shared":
        guest.check(f"mkdir -p {folder}; cp /usr/sbin/sshd-vsock {folder}/sshd-vsock")
    guest.check("chown -R eve: /home/eve/bin; chmod 1777 /opt/shared; mv /usr/sbin/sshd-vsock /root")
    before = guest.check(LISTING)
    for folder in "/tmp", "/home/eve/bin", "/opt/shared":
        for verb in "plan", "apply":
            result = guest.run(f"{folder}/sshd-vsock {verb}")
            assert result.status == 1
            assert f"error: {folder}/sshd-vsock cannot be run as root at each boot" in result.stderr
        assert guest.check(LISTING) == before
    guest.check("mv /root/sshd-vsock /usr/sbin; /tmp/sshd-vsock -q apply")
    assert "\nExecStart=/usr/sbin/sshd-vsock apply\n" in guest.check(f"cat {PROVISION}")
    guest.check("sshd-vsock -q remove; rm -r /opt/shared /tmp/sshd-vsock /home/eve/bin")


@pytest.mark.parametrize("suite", ["bullseye", "forky"])
def test_systemd_reads_the_very_path_that_was_written(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        odd = "/opt/a %n %% $HOME ${HOME} ;d ö"
        guest.check(f"mkdir {shlex.quote(odd)}; cd {shlex.quote(odd)};"
                    "mv /usr/sbin/sshd-vsock .; ./sshd-vsock -q apply")
        guest.check("rm /etc/modules-load.d/sshd-vsock.conf; systemctl start sshd-vsock-provision;"
                    "while systemctl is-active -q sshd-vsock-provision; do sleep 0.1; done")
        assert "write /etc/modules-load.d" in guest.check(
            "journalctl -o cat -u sshd-vsock-provision")
        said = guest.check("journalctl -o cat | grep sshd-vsock-provision.service: || :")
        assert "gnoring" not in said and "nvalid" not in said, said


def test_our_own_drop_in_is_known_however_it_is_spelled(guest):
    """Taken for somebody else's it would be commented out, and sshd listen everywhere."""
    guest.check("cp -a /etc/ssh /root/ssh; ln -s sshd_config.d /etc/ssh/linked")
    guest.put("/etc/sshd-vsock.yaml", "listen_address: 127.0.0.1\n")
    try:
        for pattern in ("/etc/ssh//./linked/../linked/*.conf",
                        "sshd_config.d/*.conf /etc/ssh//sshd_config.d/*.conf /etc/*/linked/50-*"):
            guest.check(f"sed -i 's,^Include .*,Include {pattern},' /etc/ssh/sshd_config;"
                        "systemctl reload-or-restart ssh; cp /etc/ssh/sshd_config /root/before")
            seen = guest.check("""(while sleep 0.02; do ss -ltnH; done) >/root/seen & watch=$!
                sshd-vsock -q apply; ln -s 10-sshd-vsock.conf /etc/ssh/sshd_config.d/50-link.conf
                : >/root/seen; sshd-vsock apply 2>&1; sshd-vsock -q apply; rm /etc/ssh/linked/50*
                kill $watch; sed -n 's/.* \\(0.0.0.0:22\\) .*/\\1/p' /root/seen""", timeout=120)
            assert "nothing to do" in seen and "0.0.0.0:22" not in seen, f"{pattern}: {seen}"
            assert listeners(guest) == {"127.0.0.1:22"}, pattern
            guest.check("grep -qx 'ListenAddress 127.0.0.1' /etc/ssh/sshd_config.d/10-sshd-vsock.conf;"
                        "sshd-vsock -q remove; cmp /etc/ssh/sshd_config /root/before", timeout=120)
            assert listeners(guest) == ANYWHERE, pattern
    finally:
        guest.check("rm -rf /etc/ssh /etc/sshd-vsock.yaml; mv /root/ssh /etc/ssh; systemctl restart ssh")
