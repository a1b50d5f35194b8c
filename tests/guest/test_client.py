"""What `client` prints logs in when pasted as it is, with nothing trusted but its own host keys;
and `status` and --json say of a running system what is so.

The stanzas for a UNIX socket run here, with this machine's ssh; those that open AF_VSOCK run only
inside a guest, to its own CID.
"""

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from guest import Guest
from guest.steps import expect_rows, squatter
from guest.trees import guest_recipe, tree

EVERY_RUN = 3
UNITS = "/etc/systemd/system"
SCHEMA = Path(__file__).resolve().parents[2] / "schemas/sshd-vsock.report.schema.json"
PROXY = "/usr/lib/systemd/systemd-ssh-proxy"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("sshd-vsock apply", timeout=120)
        yield guest


@pytest.fixture(scope="module", name="forky")
def boot_with_systemd_ssh_proxy(program):
    with Guest("forky") as guest:
        guest.install(program)
        guest.check("sshd-vsock apply", timeout=120)
        guest.check("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && "
                    "cat /root/.ssh/id_ed25519.pub >>/root/.ssh/authorized_keys")
        yield guest


def report(guest, words, status=0):
    """The document of a run inside the guest, validated."""
    result = guest.run(f"sshd-vsock --json {words}", timeout=120)
    assert result.status == status, result.stdout + result.stderr
    document = json.loads(result.stdout)
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(document)
    assert document["exit"] == status
    return document


def parts(guest):
    """The private key of the guest's root, and the UNIX socket of its vsock device."""
    command = guest.ssh_command()
    proxy = next(word for word in command if word.startswith("ProxyCommand="))
    return command[command.index("-i") + 1], proxy.split()[-2]


def log_in(guest, folder, stanza, known_hosts, options=()):
    """Logs in from this machine by the stanza, trusting nothing but the known_hosts."""
    key, _ = parts(guest)
    (folder / "config").write_text(stanza)
    (folder / "known_hosts").write_text(known_hosts)
    host = re.search(r"^Host (\S+)\n", stanza, re.M)[1]
    return subprocess.run(
        ["ssh", "-F", str(folder / "config"),
         *(options or ["-i", key, "-l", "root", "-o", "IdentitiesOnly=yes"]),
         "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
         "-o", f"UserKnownHostsFile={folder}/known_hosts", "-o", "GlobalKnownHostsFile=/dev/null",
         host, "cat; echo in; exit 5"], input="sent\n", capture_output=True, text=True, timeout=60,
        check=False)


def by_socket(guest, kind="unix", more=""):
    """What is printed for this machine, which has the guest's device as a UNIX socket."""
    return guest.check(f"sshd-vsock client --for={kind}:{parts(guest)[1]} {more}")


# ---- from here, through the device's UNIX socket ------------------------------------------------


def test_unix_stanza_logs_in(guest, tmp_path):
    known_hosts = guest.check("sshd-vsock client --known-hosts")
    for _ in range(3):  # the device outlives each
        done = log_in(guest, tmp_path, by_socket(guest), known_hosts)
        assert (done.returncode, done.stdout) == (5, "sent\nin\n"), done.stderr


def test_default_is_what_the_guest_knows_of_its_host(guest, tmp_path):
    """User-mode Linux has its device as a UNIX socket; only the path is the host's to know."""
    text = guest.check("sshd-vsock client")
    assert "in PATH's place, or say --for=unix:PATH\n".replace("\n", ".\n") in text
    assert text.endswith("# For another kind of host: --for=linux, systemd, socat, mux\n")
    done = log_in(guest, tmp_path, text.replace(":PATH SYSTEM", f":{parts(guest)[1]} SYSTEM"),
                  guest.check("sshd-vsock client --known-hosts"))
    assert (done.returncode, done.stdout) == (5, "sent\nin\n"), done.stderr


def test_who_logs_in_with_which_key(guest, tmp_path):
    """Nothing is left to say: `ssh NAME`. Another key of the same user's does not count."""
    key = parts(guest)[0]
    name = "--name=Box_1"
    known_hosts = guest.check(f"sshd-vsock client --known-hosts {name}")
    for identity, status in ((key, 5), (f"{tmp_path}/none", 255)):
        stanza = by_socket(guest, more=f"{name} --user=root --identity={identity}")
        done = log_in(guest, tmp_path, stanza, known_hosts, options=["-o", "LogLevel=ERROR"])
        assert done.returncode == status, done.stderr


def test_large_transfers_through_the_unix_stanza(guest, tmp_path):
    known_hosts = guest.check("sshd-vsock client --known-hosts")
    assert log_in(guest, tmp_path, by_socket(guest), known_hosts).returncode == 5
    done = subprocess.run(
        ["ssh", "-F", str(tmp_path / "config"), "-i", parts(guest)[0], "-o", "IdentitiesOnly=yes",
         "-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "root@guest", "sha256sum"],
        input=b"x" * 5_000_000, capture_output=True, timeout=60, check=True)
    want = subprocess.run(["sha256sum"], input=b"x" * 5_000_000, capture_output=True, check=True)
    assert done.stdout == want.stdout


def test_host_key_is_the_only_trust(guest, tmp_path):
    """The alias stands for the machine: its key, and no other, whatever the address."""
    stanza = by_socket(guest)
    known_hosts = guest.check("sshd-vsock client --known-hosts")
    assert "host key is known for guest.vsock" in log_in(guest, tmp_path, stanza, "").stderr
    other = known_hosts.replace("guest.vsock", "other.vsock")
    assert log_in(guest, tmp_path, stanza, other).returncode == 255
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
                   check=True)
    wrong = "guest.vsock " + (tmp_path / "key.pub").read_text()
    done = log_in(guest, tmp_path, stanza, wrong)
    assert done.returncode == 255 and "verification failed" in done.stderr


def test_name_with_capitals(guest, tmp_path):
    """ssh lowers an alias before it looks it up."""
    guest.put("/etc/hostname", "Box-A.Example\n")
    try:
        stanza = by_socket(guest)
        assert "\nHost Box-A.Example\n" in stanza
        known_hosts = guest.check("sshd-vsock client --known-hosts")
        assert known_hosts.startswith("Box-A.Example.vsock ")
        done = log_in(guest, tmp_path, stanza, known_hosts)
        assert done.returncode == 5, done.stderr
    finally:
        guest.put("/etc/hostname", "guest\n")


def test_localhost_is_nobodys_name(guest, tmp_path):
    """Two machines that are called so are two, and each is the same one tomorrow."""
    own_id = guest.check("cat /etc/machine-id")
    guest.put("/etc/hostname", "localhost.localdomain\n")
    try:
        names = []
        for machine_id in own_id, own_id, "0123456789abcdef0123456789abcdef\n":
            guest.put("/etc/machine-id", machine_id)
            names += re.findall("^Host (.*)", guest.check("sshd-vsock client"), re.M)
        assert names[0] == names[1] != names[2] == "guest-7c9731f0fe07"
        guest.put("/etc/machine-id", own_id)
        known_hosts = guest.check("sshd-vsock client --known-hosts")
        assert known_hosts.startswith(f"{names[0]}.vsock ")
        assert log_in(guest, tmp_path, by_socket(guest), known_hosts).returncode == 5
    finally:
        guest.put("/etc/hostname", "guest\n")
        guest.put("/etc/machine-id", own_id)


def test_mux_stanza_logs_in(guest, tmp_path):
    """With Debian testing's systemd-ssh-proxy, which for vsock-mux opens a UNIX socket only."""
    testing = tree(guest_recipe("forky"))
    libraries = f"{testing}/usr/lib/x86_64-linux-gnu"
    run = (f"{testing}/usr/lib64/ld-linux-x86-64.so.2 --library-path "
           f"{libraries}:{libraries}/systemd {testing}{PROXY}")
    stanza = by_socket(guest, "mux")
    assert f"ProxyCommand {PROXY} %h 22\n" in stanza
    assert re.search(r"^    HostName vsock-mux/", stanza, re.M)
    done = log_in(guest, tmp_path, stanza.replace(PROXY, run),
                  guest.check("sshd-vsock client --known-hosts"))
    assert (done.returncode, done.stdout) == (5, "sent\nin\n"), done.stderr


# ---- without root -------------------------------------------------------------------------------

NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups sshd-vsock"
OUTPUTS = ("client", "client --for=socat", "client --known-hosts")


def test_anybody_is_told_the_same(guest, tmp_path):
    """Whatever root alone may read: the configuration, sshd's own, the keys; and with no bus. It logs
    in with that, too."""
    guest.put("/etc/sshd-vsock.yaml", "port: 2224\n", mode=0o600)
    guest.check("sshd-vsock apply; stat -c %a /dev/vsock /etc/ssh/sshd_config >/root/modes; "
                "chmod 0666 /dev/vsock; chmod 0600 /etc/ssh/sshd_config", timeout=120)
    try:
        wanted = [guest.check(f"sshd-vsock {words}") for words in OUTPUTS]
        assert "VSOCK-CONNECT:3:2224\n" in wanted[1] and "ssh-ed25519" in wanted[2]
        assert [guest.check(f"{NOBODY} {words}") for words in OUTPUTS] == wanted
        documents = [json.loads(guest.check(f"{who} --json client")) for who in (NOBODY, "sshd-vsock")]
        assert documents[0]["configuration"] is None  # which was not read
        documents[0]["configuration"] = documents[1]["configuration"]
        assert documents[0] == documents[1]
        guest.check("systemctl stop dbus.socket dbus.service")
        assert [guest.check(f"{NOBODY} {words}") for words in OUTPUTS] == wanted
        done = log_in(guest, tmp_path, wanted[0].replace(":PATH ", f":{parts(guest)[1]} "), wanted[2])
        assert (done.returncode, done.stdout) == (5, "sent\nin\n"), done.stderr
    finally:
        guest.check("systemctl start dbus.socket; { read -r one; read -r two; } </root/modes; "
                    "chmod $one /dev/vsock; chmod $two /etc/ssh/sshd_config; "
                    "rm /etc/sshd-vsock.yaml; sshd-vsock apply", timeout=120)


def test_device_that_is_for_root_alone(guest):
    """Then the CID is not known: said, and no word of a machine that has no device."""
    guest.check("stat -c %a /dev/vsock >/root/mode; chmod 0600 /dev/vsock")
    try:
        result = guest.run(f"{NOBODY} client --for=socat")
        assert result.status == 0 and "only root may open /dev/vsock" in result.stderr
        assert "VSOCK-CONNECT:CID:22\n" in result.stdout and "No host" not in result.stdout
    finally:
        guest.check("chmod $(cat /root/mode) /dev/vsock")


# ---- from inside, to its own CID ---------------------------------------------------------------


def log_in_inside(guest, stanza, options=""):
    """The stanza as it is, and nothing else; as a host with that CID would."""
    guest.put("/root/config", stanza)
    host = re.search(r"^Host (\S+)\n", stanza, re.M)[1]
    return guest.run("sshd-vsock client --known-hosts >/root/known; echo sent | "
                     f"ssh -F /root/config -o BatchMode=yes -o StrictHostKeyChecking=yes {options} "
                     "-o UserKnownHostsFile=/root/known -o GlobalKnownHostsFile=/dev/null "
                     f"{host} 'cat; echo in; exit 5'", timeout=60)


@pytest.mark.parametrize("kind", ["systemd", "socat", "linux"])
@pytest.mark.parametrize("port", [22, 70000])
def test_stanzas_with_the_cid_log_in(forky, kind, port):
    forky.put("/etc/sshd-vsock.yaml", f"port: {port}\n")
    forky.check("sshd-vsock apply", timeout=120)
    stanza = forky.check(f"sshd-vsock client --for={kind}")
    assert re.search(rf"vsock/3(?: {port})?$|VSOCK-CONNECT:3:{port}$", stanza, re.M)
    result = log_in_inside(forky, stanza)
    assert (result.status, result.stdout) == (5, "sent\nin\n"), result.stderr


def test_linux_stanza_logs_in_with_either_program(forky):
    """It is for hosts with systemd-ssh-proxy, and for those that have only socat."""
    stanza = forky.check("sshd-vsock client --for=linux")
    for without, other in ((PROXY, "socat - VSOCK"), ("/usr/bin/socat", PROXY)):
        forky.check(f"mv {without} {without}.away")
        try:
            result = log_in_inside(forky, stanza, "-v")
            assert (result.status, result.stdout) == (5, "sent\nin\n"), result.stderr
            assert f"command: exec {other}" in result.stderr
        finally:
            forky.check(f"mv {without}.away {without}")


def test_jump_through_the_host(forky):
    """ssh to the host, here by TCP to itself, and by its socat on."""
    stanza = forky.check("sshd-vsock client --for=socat --jump=root@127.0.0.1")
    assert "    ProxyCommand ssh -T root@127.0.0.1 socat - VSOCK-CONNECT:3:" in stanza
    forky.check("ssh-keyscan 127.0.0.1 >>/root/.ssh/known_hosts")
    result = log_in_inside(forky, stanza)
    assert (result.status, result.stdout) == (5, "sent\nin\n"), result.stderr


# ---- status and --json on a running system -----------------------------------------------------


def counters(guest):
    """What the socket unit counted."""
    return report(guest, "status")["door"]


def test_status_of_a_converged_system(guest):
    assert guest.ssh("true").status == 0
    status = report(guest, "status")
    assert status["operations"] == [] and status["conflicts"] == []
    assert status["verification"]["answers"] is True
    assert status["verification"]["banner"].startswith("SSH-2.0-OpenSSH")
    assert status["host"] == {"reachable": True, "cid": 3}
    assert status["door"]["listening"] is True and status["door"]["port"] == 22
    assert status["door"]["unit"] == f"{UNITS}/sshd-vsock.socket"
    assert status["hosts_entry"] == {"address": "127.0.0.1", "ours": True, "used": True}
    assert {"unit": "ssh.service", "active": True, "enabled": True, "masked": False,
            "masked_by_us": False} in status["tcp"]

    text = guest.check("sshd-vsock status")
    expect_rows(text)
    assert "vsock   listening on port 22" in text
    assert re.search(r"^verify  SSH-2.0-OpenSSH", text, re.M)
    assert "host    reaches this machine as CID 3\n" in text
    assert "tcp     ssh.service: open\n" in text
    assert "hosts   UNKNOWN is 127.0.0.1\n" in text
    assert text.endswith("drift   none\n")


def test_status_counts_connections(guest):
    before = counters(guest)
    assert before["accepted"] > 0
    with guest.connect() as stream:
        assert stream.recv(4) == b"SSH-"
        during = counters(guest)
        assert during["connections"] >= 1
    # its own proof counts too
    assert during["accepted"] >= before["accepted"] + 2


def test_status_names_drift_item_by_item(guest):
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: [root]\n")
    guest.check(f"rm {UNITS}/sshd-vsock-keygen.service {UNITS}/sshd-vsock@.service "
                f"{UNITS}/sockets.target.wants/sshd-vsock.socket; systemctl daemon-reload; "
                "sed -i /UNKNOWN/d /etc/hosts; echo '# edited' >>/etc/modules-load.d/sshd-vsock.conf")
    try:
        before = guest.check("find /etc /root -xdev -printf '%p %T@ %C@\\n' | sort")
        status = report(guest, "status", status=10)
        names = [op["name"] for op in status["operations"]]
        assert names == [f"{UNITS}/sshd-vsock-keygen.service", f"{UNITS}/sshd-vsock@.service",
                         f"{UNITS}/sockets.target.wants/sshd-vsock.socket",
                         "/etc/modules-load.d/sshd-vsock.conf", "/etc/hosts", "daemon-reload",
                         "/root/.hushlogin"]
        assert not any(op["done"] for op in status["operations"])
        assert status["hosts_entry"] == {"address": None, "ours": False, "used": True}
        result = guest.run("sshd-vsock status")
        assert result.status == 10
        drift = result.stdout[result.stdout.index("drift   "):]
        assert [line.split()[-1] for line in drift.splitlines() if "->" not in line] == [
            name for name in names if "wants" not in name]
        assert guest.check("find /etc /root -xdev -printf '%p %T@ %C@\\n' | sort") == before

        done = report(guest, "apply")
        assert [op["name"] for op in done["operations"]] == names
        assert all(op["done"] for op in done["operations"])
        assert done["verification"]["answers"] is True
        assert report(guest, "status")["hushlogin"] == ["/root/.hushlogin"]
    finally:
        guest.check("rm -f /etc/sshd-vsock.yaml; sshd-vsock apply", timeout=120)


def test_status_of_a_listener_that_does_not_answer(guest):
    """Nothing differs from the configuration, and nobody gets in: not a success, and why."""
    guest.put(f"{UNITS}/sshd-vsock@.service.d/mine.conf", "[Service]\nExecStart=\nExecStart=false\n")
    guest.check("systemctl daemon-reload")
    try:
        text = guest.run("sshd-vsock status")
        assert text.status == 4, text
        expect_rows(text.stdout)
        assert "verify  failed: connection closed before the SSH banner; fix: " in text.stdout
        assert "logins  not checked: no SSH server was seen to answer\n" in text.stdout
        assert report(guest, "status", status=4)["error"]["cause"] == "closed"
    finally:
        guest.check(f"rm -r {UNITS}/sshd-vsock@.service.d; systemctl daemon-reload")
    assert guest.run("sshd-vsock status").status == 0


def test_a_look_loads_no_module(guest):
    """`status` with nothing installed and no module loaded: said, without a connection."""
    # a connection that its peer never closed is the kernel's for up to 8 s (VSOCK_CLOSE_TIMEOUT)
    guest.check("sshd-vsock -q remove; rmmod vsock_diag || :\n"
                "timeout 60 sh -c 'until rmmod vsock_loopback; do sleep 0.2; done'", timeout=120)
    loaded = "lsmod | cut -d' ' -f1 | sort"
    try:
        before = guest.check(loaded)
        assert "vsock_loopback" not in before
        text = guest.run("sshd-vsock status")
        assert text.status == 10 and "verify  failed: the socket unit is not installed" in text.stdout
        expect_rows(text.stdout)
        guest.run("sshd-vsock plan")
        guest.check("sshd-vsock check; sshd-vsock client")
        assert guest.check(loaded) == before
    finally:
        guest.check("sshd-vsock apply", timeout=120)


def test_failures_are_documents_with_a_cause(guest):
    """The door does not answer: exit 4, and why."""
    guest.check("systemctl stop sshd-vsock.socket")
    try:
        broken = report(guest, "verify", status=4)
        assert broken["error"]["cause"] == "socket-inactive"
        assert broken["error"]["fix"] and broken["verification"]["answers"] is False
        assert broken["door"]["listening"] is False
        assert report(guest, "status", status=10)["operations"][0]["name"] == "sshd-vsock.socket"
    finally:
        guest.check("sshd-vsock apply", timeout=120)
    assert report(guest, "verify")["error"] is None


def test_taken_port_is_a_cause(guest):
    """A start that fails, as data: the cause, not the job that failed of it."""
    guest.put("/etc/sshd-vsock.yaml", "port: 2223\n")
    with squatter(guest, 2223):
        taken = report(guest, "apply", status=4)
        assert taken["error"]["cause"] == taken["verification"]["cause"] == "port-taken"
    guest.check("rm /etc/sshd-vsock.yaml; sshd-vsock apply", timeout=120)


def test_run_that_was_killed_before_the_restart_is_finished(guest):
    """After its daemon-reload nobody listens, though systemd says so, and every file is right."""
    guest.put("/etc/sshd-vsock.yaml", "port: 2225\n")
    guest.check(f"sed -i s/vsock::22$/vsock::2225/ {UNITS}/sshd-vsock.socket; "
                "systemctl daemon-reload; systemctl is-active sshd-vsock.socket")
    try:
        with pytest.raises(ConnectionError):
            guest.banner(2225)
        done = report(guest, "apply")
        assert done["operations"] == [] and done["verification"]["answers"] is True
        assert guest.ssh("exit 5", port=2225).status == 5
    finally:
        guest.check("rm /etc/sshd-vsock.yaml; sshd-vsock apply", timeout=120)
