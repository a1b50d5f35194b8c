"""Root's program on a guest whose other users mean no good, and whose terminals go away."""

import re

import pytest

from guest import Guest
from guest.steps import apply, listeners


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
    for read in range(1, lines, 3):
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
    return re.search(r"unit is not installed.*; to mend it: (.*)\n", result.stderr).group(1)


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
