"""What is printed to mend a thing mends it: the thing is broken, the commands are run as they stand,
and what else the words say is done; then the program is content. Every text that is printed is in
here or in another test, which tests/offline/test_fixes.py looks after."""

import json
import os
import re

import pytest

from guest import SUITES, Guest
from guest.steps import CONFIG, UNITS, apply, dropin, listeners, meanwhile, served_by, squatter

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 7

SETTINGS = "verify_timeout: 2\nrequire_login: unchecked\n"
SOCKET = f"{UNITS}/sshd-vsock.socket"
TEMPLATE = f"{UNITS}/sshd-vsock@.service"
KEYS = "/etc/ssh/ssh_host_*_key"
EXTRA = "/etc/ssh/sshd_config.d/50-x.conf"
RELOAD = "systemctl daemon-reload"

# A user's own program that connects N times and holds (once sshd has begun to speak) or drops what
# it gets.
CONNECT = """
my ($mode, $n) = @ARGV;
my @held;
for (1 .. $n) {
        socket(my $s, 40, 1, 0) or die;
        connect($s, pack("S S L L L", 40, 0, 22, 1, 0)) or die "connect: $!";
        push @held, $s if $mode eq "hold";
}
sysread($_, my $banner, 1) for @held;
open(my $file, ">", "/run/held") if $mode eq "hold";
sleep 600 if $mode eq "hold";
"""


@pytest.fixture(scope="module", name="machine",
                params=SUITES if os.environ.get("SSHD_VSOCK_FULL") else ["bookworm"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        guest.put("/opt/connect.pl", CONNECT)
        # else systemd's own units are there when ours are gone
        guest.check("ip link set lo up; mkdir -p /etc/systemd/system-generators;"
                    "ln -s /dev/null /etc/systemd/system-generators/systemd-ssh-generator")
        apply(guest, SETTINGS)
        yield guest


@pytest.fixture(name="guest")
def whole(machine):
    """A guest whose door is whole, before and after."""
    machine.put(CONFIG, SETTINGS)
    yield machine
    machine.put(CONFIG, SETTINGS)
    machine.check(f"{RELOAD}; systemctl reset-failed; sshd-vsock -q apply", timeout=120)


class Fix:
    """The words behind "fix: " of one message."""

    def __init__(self, guest, text):
        self.guest, self.text = guest, text
        self.quoted = re.findall(r'"([^"]+)"', text)

    def letter(self):
        """The whole of it is for a shell."""
        self.guest.check(f"set -e; {self.text}", timeout=120)

    def run(self, start, status=0, **blanks):
        """Runs the command in quotes that begins so, its blanks (FILE) filled in; what it prints."""
        (command,) = [command for command in self.quoted if command.startswith(start)]
        for blank, word in blanks.items():
            assert blank in command
            command = command.replace(blank, word)
        result = self.guest.run(command, timeout=120)
        assert result.status == status, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout + result.stderr

    def says(self, *words):
        """What the test goes on to do, by hand, is what it says."""
        for word in words:
            assert word in self.text
        return self


def broken(guest, cause, verb="verify", status=4):
    """The verb names the cause, on the terminal and for machines alike; the fix."""
    result = guest.run(f"sshd-vsock {verb} --json", timeout=120)
    assert result.status == status, result.stderr
    told = json.loads(result.stdout)["verification"]
    assert told["cause"] == cause
    assert f"; fix: {told['fix']}\n" in result.stderr
    return Fix(guest, told["fix"])


def printed(result, what):
    """The one fix of what has those words."""
    (fix,) = {line.split("; fix: ", 1)[1]
              for line in result.stderr.splitlines() if what in line}
    return fix


def mended(guest, verb="verify"):
    """It is content, and has no fix to offer for the door."""
    result = guest.run(f"sshd-vsock {verb}", timeout=120)
    assert result.status == 0, result.stderr
    assert "error: " not in result.stderr
    return result


# ---- causes whose fix is for a shell as it stands -------------------------------------------------

GONE = f"systemctl stop sshd-vsock.socket; rm -f {SOCKET}; {RELOAD}"
COMMANDS = {
    "unit-masked": f"{GONE}; systemctl mask sshd-vsock.socket",
    "unit-masked, at run time": f"{GONE}; ln -s /dev/null /run/systemd/system/sshd-vsock.socket;"
                                f"{RELOAD}",
    "unit-missing": GONE,
    "template-missing": f"rm {TEMPLATE}; {RELOAD}",
    "template-masked": f"rm {TEMPLATE}; systemctl mask sshd-vsock@.service",
    "trigger-limit": "perl /opt/connect.pl drop 99; while systemctl -q is-active "
                     "sshd-vsock.socket; do sleep 0.05; done",
    "socket-inactive": "systemctl stop sshd-vsock.socket",
    "no-listener": f"echo 'port: 2222' >>{CONFIG}",
}
UNLESS = {"trigger-limit": "[Socket]\nTriggerLimitIntervalSec=2s\nTriggerLimitBurst=20\n"}


@pytest.mark.parametrize("what", COMMANDS)
def test_fix_that_is_a_command(what, guest):
    cause = what.split(",")[0]
    with dropin(guest, *(("sshd-vsock.socket", UNLESS[cause]) if cause in UNLESS else
                         ("other.socket", "[Socket]\n"))):
        if cause in UNLESS:
            guest.check("systemctl restart sshd-vsock.socket")
        guest.check(COMMANDS[what])
        fix = broken(guest, cause)
        if cause in UNLESS:
            guest.check("sleep 2")  # systemd 247 goes on counting in the limit's own interval
        fix.letter()
        mended(guest)
        guest.check("rm -f /run/systemd/system/sshd-vsock.socket")


REJECTED = {"sshd-vsock.socket": ("[Socket]\nListenStream=\n", 0, "no Listen setting"),
            "sshd-vsock@.service": ("[Service]\nExecStart=/bin/true\n", 3, "more than one ExecStart=")}


@pytest.mark.parametrize("unit", REJECTED)
def test_unit_that_systemd_refuses(unit, guest):
    """It is there, and would be refused again however often it is written."""
    file, (lines, status, reason) = f"{UNITS}/{unit}.d/override.conf", REJECTED[unit]
    guest.put(file, lines)
    with meanwhile(guest, RELOAD, f"rm -rf {UNITS}/{unit}.d; {RELOAD}"):
        fix = broken(guest, "unit-rejected")
        assert reason in fix.run("systemctl status", status=status)
        result = apply(guest, status=4 if status else 1)
        assert "refuse" in result.stderr and file in result.stderr and fix.text in result.stderr
        assert "not installed" not in guest.run("sshd-vsock status").stdout
        guest.check(f"rm {file}")
        fix.run("systemctl daemon-reload")
        mended(guest)


IN_ITS_WAY = {
    "socket-inactive": ("sshd-vsock.socket", "[Socket]\nAccept=no\n", "systemctl start",
                        "failed"),
    "socket-inactive, by a condition": ("sshd-vsock.socket", "[Unit]\nConditionPathExists=/nope\n",
                                        "systemctl start", ""),
    "socket-failed": ("sshd-vsock@.service", "[Unit]\nRequires=nope.service\n", "systemctl status",
                      "failed"),
    "closed": ("sshd-vsock@.service", "[Unit]\nConditionPathExists=/nope\n", "systemctl cat",
               "ConditionPathExists=/nope"),
    "no-kex": ("sshd-vsock@.service", "[Service]\nCapabilityBoundingSet=\n", "journalctl", "[preauth]"),
}


@pytest.mark.parametrize("what", IN_ITS_WAY)
def test_drop_in_that_is_in_its_way(what, guest):
    """It is named: no run corrects it, and started again it would be the same. Those that a vendor has
    for all units (Fedora) are not."""
    unit, lines, command, says = IN_ITS_WAY[what]
    folder, common = f"{UNITS}/{unit}.d", f"/usr/lib/systemd/system/{unit.rpartition('.')[2]}.d"
    guest.put(f"{folder}/mine.conf", lines)
    guest.put(f"{common}/10-vendor.conf", "[Unit]\nDocumentation=man:sshd(8)\n")
    with meanwhile(guest, f"{RELOAD}; systemctl restart sshd-vsock.socket || :",
                   f"rm -rf {folder} {common}; {RELOAD}"):
        fix = broken(guest, what.split(",")[0]).says(f"take out of {folder}/mine.conf what causes it, then")
        assert f"; fix: {fix.text}\n" in apply(guest, status=4).stderr
        shown = guest.run([c for c in fix.quoted if c.startswith(command)][0])
        assert says in shown.stdout + shown.stderr, shown
        broken(guest, what.split(",")[0])
        guest.check(f"rm {folder}/mine.conf")
        fix.run("systemctl daemon-reload")
        mended(guest)


def test_drop_in_that_names_no_unit(guest):
    """systemd does not even begin to start the socket."""
    folder = f"{UNITS}/sshd-vsock.socket.d"
    guest.put(f"{folder}/mine.conf", "[Unit]\nBindsTo=nope.service\nAfter=nope.service\n")
    with meanwhile(guest, f"{RELOAD}; systemctl stop sshd-vsock.socket", f"rm -rf {folder}; {RELOAD}"):
        fix = Fix(guest, printed(apply(guest, status=1), "nope.service not found"))
        fix.says(f"take out of {folder}/mine.conf what that is about, then")
        guest.check(f"rm {folder}/mine.conf")
        fix.run("systemctl daemon-reload")
        mended(guest)


# ---- causes whose fix has commands in it ----------------------------------------------------------

@pytest.mark.parametrize("choice", ["stop", "another port"])
def test_port_taken(choice, guest):
    with squatter(guest, 2222):
        guest.put(CONFIG, SETTINGS + "port: 2222\n")
        assert "in use by another program" in apply(guest, status=4).stderr
        fix = broken(guest, "port-taken").says("stop the program that holds it", "choose another port, then")
        if choice == "stop":
            holder, = re.findall(r":2222 .*pid=(\d+)", fix.run("ss --vsock"))
            guest.check(f"kill {holder}; while kill -0 {holder}; do sleep 0.05; done")
        else:
            guest.put(CONFIG, SETTINGS + "port: 2223\n")
        fix.run("sshd-vsock apply")
        mended(guest)


MKOSI = """[Unit]
Description=Mkosi SSH Server VSock Socket
ConditionVirtualization=!container
[Socket]
ListenStream=vsock::2222
Accept=yes
[Install]
WantedBy=sockets.target
"""


@pytest.mark.parametrize("choice", ["delete it", "set port"])
def test_port_that_a_drop_in_moves(choice, guest):
    """No run restarts the socket for it, over and over, and status says what is so."""
    file, since = f"{UNITS}/sshd-vsock.socket.d/x.conf", "systemctl show -P ActiveEnterTimestamp sshd-vsock.socket"
    guest.put(file, "[Socket]\nListenStream=\nListenStream=vsock::2222\n")
    with meanwhile(guest, f"{RELOAD}; systemctl restart sshd-vsock.socket",
                   f"rm -rf {UNITS}/sshd-vsock.socket.d; {RELOAD}; systemctl restart sshd-vsock.socket"):
        before = guest.check(since)
        fix = broken(guest, "no-listener").says(f"take ListenStream= out of {file}", "or set port:")
        assert fix.text in apply(guest, status=1).stderr
        told = guest.run("sshd-vsock status")
        assert "not listening on port 22 " in told.stdout and "on vsock::2222 instead" in told.stdout
        assert not json.loads(guest.run("sshd-vsock status --json").stdout)["door"]["listening"]
        assert guest.check(since) == before
        if choice == "delete it":
            guest.check(f"sed -i /ListenStream/d {file}")
        else:
            guest.put(CONFIG, SETTINGS + "port: 2222\n")
        fix.run("sshd-vsock apply")
        mended(guest)


@pytest.mark.parametrize("streams", ["", "ListenStream=/run/other.socket\n"])
def test_port_of_another_socket_unit(streams, guest):
    """One that was only started, or it were taken over; the other streams of a unit go on listening."""
    unit, since = f"{UNITS}/other.socket", "systemctl show -P ActiveEnterTimestamp other.socket"
    guest.put(f"{UNITS}/other@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n")
    guest.put(unit, MKOSI + "[Socket]\n" + streams)
    with meanwhile(guest, f"{RELOAD}; systemctl start other.socket",
                   f"systemctl disable -q --now other.socket; rm {UNITS}/other*; {RELOAD}"):
        guest.put(CONFIG, SETTINGS + "port: 2222\n")
        before = guest.check(since)
        assert "port 2222 is held by systemd's other.socket); fix: " in apply(guest, status=4).stderr
        fix = broken(guest, "port-taken")
        if streams:
            assert "ListenStream=vsock::2222" in fix.run("systemctl cat")
            guest.check(f"sed -i /vsock::2222/d {unit}")
            fix.says("take vsock port 2222 out of it", "choose another port").run("systemctl daemon-reload")
            assert guest.check(since) == before
            assert "/run/other.socket" in guest.check("ss -xlH")
        else:
            fix.letter()
        mended(guest)


@pytest.mark.parametrize("folder", [None, "/run/systemd/system/sshd-vsock.socket.d"])
def test_socket_failed(folder, guest):
    """By a line in its own file, and by one in somebody else's."""
    lines = "[Socket]\nExecStartPre=/bin/false\n"
    if folder:
        guest.put(f"{folder}/x.conf", lines)
    else:
        guest.check(f"printf '{lines}' >>{SOCKET}".replace("\n", "\\n"))
    with meanwhile(guest, RELOAD, f"rm -rf {folder}; {RELOAD}"):
        guest.run("systemctl restart sshd-vsock.socket")
        fix = broken(guest, "socket-failed")
        assert re.search(r"ExecStartPre=/bin/false .*status=1", fix.run("systemctl status", status=3))
        if folder:
            fix.says(f"take out of {folder}/x.conf what causes it")
            guest.check(f"rm {folder}/x.conf")
        else:
            guest.check(f"sed -i /ExecStartPre/d {SOCKET}")
        fix.run("systemctl daemon-reload" if folder else "sshd-vsock apply")
        mended(guest)


COUNT = "systemctl show -P NConnections sshd-vsock.socket"


def held(guest, number):
    """So many connections that say nothing, for as long as the `with` statement runs."""
    return meanwhile(guest, f"rm -f /run/held; systemd-run -q --unit=hog perl /opt/connect.pl hold {number};"
                            "until [ -e /run/held ]; do sleep 0.05; done",
                     f"systemctl stop hog || :; until [ $({COUNT}) = 0 ]; do sleep 0.05; done")


@pytest.mark.parametrize("share", [8, 2])
def test_share_full(share, guest):
    """The program's own limit, and one that an administrator has lowered."""
    with dropin(guest, "sshd-vsock.socket", f"[Socket]\nMaxConnectionsPerSource={share}\n"), \
            held(guest, share):
        fix = broken(guest, "share-full").says("end what holds them")
        holder, = set(re.findall(r'"perl",pid=(\d+)', fix.run("ss --vsock")))
        guest.check(f"kill {holder}; until [ $({COUNT}) = 0 ]; do sleep 0.05; done")
        mended(guest)


def test_many_sessions_hide_nothing(guest):
    """As many as the limit of one CID, and none was refused."""
    with dropin(guest, "sshd-vsock.socket", "[Socket]\nMaxConnectionsPerSource=20\n"), \
            held(guest, 8), meanwhile(guest, f"echo Port 22x >{EXTRA}", f"rm {EXTRA}"):
        broken(guest, "bad-sshd-config")


def test_timeout(guest):
    guest.put(CONFIG, "verify_timeout: 1\n")
    with dropin(guest, "sshd-vsock@.service", "[Service]\nExecStartPre=/bin/sleep 1.5\n"):
        fix = broken(guest, "timeout").says("raise verify_timeout")
        fix.run("journalctl")
        guest.put(CONFIG, "verify_timeout: 60\n")
        mended(guest)


def test_no_host_keys(guest):
    """Those that all may read, and one of another program's bytes."""
    with meanwhile(guest, "mkdir /root/keys; cp -a /etc/ssh/ssh_host_* /root/keys/;"
                          "cd /etc/ssh; chmod 0644 ssh_host_*_key; chmod 0600 ssh_host_ed25519_key;"
                          "echo junk >ssh_host_ed25519_key",
                   "rm -f /etc/ssh/ssh_host_*; mv /root/keys/* /etc/ssh/; rmdir /root/keys"):
        fix = broken(guest, "no-host-keys").says("move away those that", "cannot read")
        fix.run("chmod")
        fix.run("ssh-keygen", FILE="/etc/ssh/ssh_host_rsa_key")
        fix.run("ssh-keygen", status=255, FILE="/etc/ssh/ssh_host_ed25519_key")
        guest.check("mv /etc/ssh/ssh_host_ed25519_key /root/")
        fix.run("sshd-vsock apply")
        fix.run("systemctl restart sshd-vsock-keygen")
        mended(guest)


@pytest.mark.parametrize("lines", ["", "[Service]\nRuntimeDirectory=\n"])
def test_no_privsep(lines, guest):
    """Something else is in its place, with a unit that makes it and with one that does not; or it is
    another user's, or one that others may write to."""
    with dropin(guest, "sshd-vsock@.service", lines):
        guest.check("rm -rf /run/sshd; touch /run/sshd")
        fix = broken(guest, "no-privsep").says("what is in its place and no directory goes first")
        guest.check("rm /run/sshd")
        fix.run("install")
        mended(guest)
        for make in ("chown nobody /run/sshd", "chmod 0777 /run/sshd") if lines else ():
            guest.check(make)
            broken(guest, "no-privsep").run("install")
            mended(guest)


def test_no_privsep_user(guest):
    with meanwhile(guest, "cp -p /etc/passwd /root/; sed -i /^sshd:/d /etc/passwd",
                   "mv /root/passwd /etc/"):
        fix = broken(guest, "no-privsep-user").says(", or create")
        fix.run("systemd-sysusers")
        if guest.run("getent passwd sshd").status != 0:
            fix.run("useradd")
        mended(guest)


def test_bad_sshd_config(guest):
    with meanwhile(guest, f"echo NoSuchOption yes >{EXTRA}; echo Port 22x >>{EXTRA}",
                   f"rm {EXTRA}"):
        fix = broken(guest, "bad-sshd-config").says("correct the line it names")
        for _ in "both", "lines":
            file, line = re.search(r"^(/\S+?):? line (\d+)", fix.run("sshd -t", status=255),
                                   re.M).groups()
            guest.check(f"sed -i '{line}s/.*/# &/' {file}")
        mended(guest)


def test_bad_option_of_sshd(guest):
    with meanwhile(guest, "echo 'SSHD_OPTS=\"-f /etc/ssh/none\"' >/etc/default/ssh",
                   "echo SSHD_OPTS= >/etc/default/ssh"):
        fix = broken(guest, "bad-sshd-config").says("or the option of its command")
        fix.run("sshd -t")
        file, = re.findall(r"^EnvironmentFile=-?(/etc/default/\S+)", fix.run("systemctl cat"), re.M)
        guest.check(f"sed -i 's| *-f /etc/ssh/none||' {file}")
        mended(guest)


@pytest.mark.parametrize("cause,command", [
    ("closed", "echo the moon is full >&2; echo hello"),
    ("not-ssh", "exec head -c 9 /dev/zero"), ("no-kex", "echo SSH-2.0-x; echo the moon is full >&2")])
def test_unit_that_starts_no_sshd(cause, command, guest):
    with served_by(guest, command):
        fix = broken(guest, cause)
        if cause != "not-ssh":
            assert "the moon is full" in fix.run("journalctl")
        file, = re.findall(r"^# (/\S+/test.conf)$", fix.run("systemctl cat"), re.M)
        with meanwhile(guest, f"mv {file} /root/; {RELOAD}", f"mv /root/test.conf {file}"):
            mended(guest)


def test_no_unknown(guest):
    guest.put(CONFIG, SETTINGS + "hosts_entry: false\n")
    apply(guest)
    result = mended(guest)
    fix = Fix(guest, printed(result, "UNKNOWN does not resolve")).says("hosts_entry: true")
    guest.check(f"sed -i 's/hosts_entry: false/hosts_entry: true/' {CONFIG}")
    fix.run("sshd-vsock apply")
    assert "; fix: " not in mended(guest).stderr


def test_kernel_and_machine(program):
    """From a kernel that has nothing to a machine that a host reaches."""
    with Guest("bookworm", virtio=False,
               prepare=lambda guest: guest.chroot("mv /usr/lib/modules /root/")) as guest:
        guest.install(program)
        apply(guest, "verify_timeout: 5\nrequire_login: unchecked\ndisable_tcp: true\n", 4)
        broken(guest, "no-af-vsock").says("boot a kernel with", "and install its modules")
        guest.shutdown()
        guest.chroot("mv /root/modules /usr/lib/; mv /usr/lib/modules/*/kernel/net/vmw_vsock/"
                     "vsock_loopback.ko /root/; depmod $(ls /usr/lib/modules)")
        guest.boot()
        broken(guest, "no-loopback", status=3).says("else none is needed for the vsock listener itself",
                                                    "or use a kernel with CONFIG_VSOCKETS_LOOPBACK")
        guest.check("mv /root/vsock_loopback.ko /usr/lib/modules/*/kernel/net/vmw_vsock/; depmod")
        # who is not root loads none, and is told what root may do
        nobody = "runuser -u nobody -- sshd-vsock verify"
        result = guest.run(nobody)
        assert result.status == 3 and "no vsock loopback is loaded in this kernel" in result.stderr
        fix = Fix(guest, printed(result, "no vsock loopback is loaded"))
        fix.says("as root, where the kernel has that module").run("modprobe")
        assert guest.run(nobody).status == 0
        fix = Fix(guest, printed(apply(guest, status=4), "no host is known to come in over vsock"))
        fix.says("give the machine a vsock device", "QEMU", "and its kernel the module")
        guest.shutdown()
        guest.virtio = True
        guest.boot()
        mended(guest, "apply")
        assert "; fix: " not in mended(guest).stderr
        assert guest.ssh("exit 5").status == 5


# ---- where the program cannot work ----------------------------------------------------------------

@pytest.mark.parametrize("place,what", [
    ("mount -t tmpfs none /run;", "was not booted with systemd"),
    ("chroot /opt", "this is a chroot")])
def test_where_no_systemd_runs(place, what, guest):
    result = guest.run(f"""unshare -m sh -c 'mount -t tmpfs none /opt; cd /opt
        cp -a /etc .; for folder in usr proc run; do mkdir $folder; mount --rbind /$folder $folder; done
        for folder in bin sbin lib lib64; do ln -s usr/$folder; done
        {place} sshd-vsock verify; echo $?
        exec sshd-vsock --root=/opt apply'""")
    assert result.stdout == "1\n"
    Fix(guest, printed(result, what)).says("use --root=DIR")
    assert result.status == 0, result.stderr


def test_root_that_is_the_running_system(guest):
    with meanwhile(guest, "mount --bind / /mnt", "umount /mnt"):
        result = guest.run("sshd-vsock --root=/mnt apply")
        assert result.status == 1
        Fix(guest, printed(result, "of the running system")).says("leave out --root")
    mended(guest, "apply")


def test_not_root(guest):
    result = guest.run("runuser -u nobody -- sshd-vsock apply")
    assert result.status == 1 and printed(result, "needs root") == "use sudo"
    mended(guest)


# ---- who cannot log in --------------------------------------------------------------------------

# Of an account NAME: what sshd_config says, what breaks it, what is said, and that being done. Each
# has a key, and is in the group "in". A run looks into five refusals.
H, K = "/home/NAME", "/home/NAME/.ssh/authorized_keys"
REFUSED = {
    "names": {
        "pattern": ("AllowUsers pattern@192.168.* root group denied from", "",
                    "name pattern without @HOST in AllowUsers of sshd_config",
                    f"sed -i 's/NAME@[^ ]*/NAME/' {EXTRA}"),
        "denied": ("DenyUsers denied", "", "take denied out of DenyUsers in sshd_config",
                   f"sed -i '/^DenyUsers/d' {EXTRA}"),
        "group": ("DenyGroups out", "usermod -aG out NAME",
                  "take group out of the groups in DenyGroups", "gpasswd -d NAME out"),
        "from": ("", f"sed -i 's/^/from=\"10.0.0.1\" /' {K}",
                 "put a key without from= into authorized_keys of from", f"sed -i 's/^[^ ]* //' {K}"),
        "root": ("PermitRootLogin no\nMatch Address 10.1.2.3\n PermitRootLogin prohibit-password", "",
                 'set "PermitRootLogin prohibit-password" in sshd_config outside of Match Address',
                 f"sed -i '/^PermitRootLogin/s/no$/prohibit-password/' {EXTRA}")},
    "keys": {
        "shell": ("", "usermod -s /bin/none NAME", "give shell a shell that exists (\"usermod --shell\")",
                  "usermod --shell /bin/bash NAME"),
        "revoked": ("RevokedKeys /etc/ssh/revoked", f"cut -d' ' -f1,2 {K} >/etc/ssh/revoked",
                    "give revoked another key, or take this one out of what RevokedKeys names",
                    "NEWKEY"),
        "past": ("", f"sed -i 's/^/expiry-time=\"20200101\" /' {K}",
                 "put a key without expiry-time= into authorized_keys of past",
                 f"sed -i 's/^[^ ]* //' {K}"),
        "modes": ("", f"chmod 0666 {K}; chmod 0777 {H}/.ssh",
                  "make modes own what that line names, and nobody else write to it (\"chmod go-w\")",
                  f"chmod go-w {H}/.ssh {K}"),
        "outside": ("AllowGroups in root", "gpasswd -d NAME in",
                    "put outside into one of the groups in AllowGroups", "usermod -aG in NAME")},
    "files": {
        "type": ("PubkeyAcceptedKeyTypes ssh-ed25519", "OLDKEY",
                 "give it a key of a type that PubkeyAcceptedAlgorithms has", "NEWKEY"),
        "fifo": ("", f"rm {K}; mkfifo {K}", "put a file there", f"rm {K}; NEWKEY"),
        "unread": ("", f"chown root {K}; chmod 0600 {K}", "let the account read it", f"chown NAME {K}"),
        "forced": ("", f"sed -i 's/^/command=\"echo no\" /' {K}",
                   "put a key without command= into its authorized_keys", f"sed -i 's/^[^ ]* [^ ]* //' {K}"),
        "keyless": ("", f"rm {K}", "put a public key into its authorized_keys", "NEWKEY"),
        "password": ("PasswordAuthentication yes", f"rm {K}",
                     "or set a password that sshd may ask for", "echo NAME:secret | chpasswd"),
        "later": ("", "userdel -r NAME", "create it",
                  "useradd -m -G in -s /bin/bash NAME; install -d -o NAME -m 0700 ~NAME/.ssh; NEWKEY")},
    "accounts": {
        "expired": ("", "chage -E 1 NAME", "chage --expiredate -1 expired", "LETTER"),
        "aged": ("", "chage -d 0 NAME", "set a new password for aged (\"passwd aged\")",
                 "printf 'iech0Aiv\\niech0Aiv\\n' | passwd NAME"),
        "nologin": ("", "usermod -s /usr/sbin/nologin NAME",
                    "give nologin a shell that logs in (\"usermod --shell\")",
                    "usermod --shell /bin/bash NAME"),
        "barred": ("", "echo 'account required pam_access.so' >>/etc/pam.d/sshd; echo '-:NAME:ALL' >>/etc/security/access.conf",
                   "see what PAM's account rules have against barred",
                   "sed -i '/NAME/d' /etc/security/access.conf"),
        "deaf": ("", "printf '#!/bin/sh\\nexit 3\\n' >/bin/deaf; chmod 0755 /bin/deaf;"
                     "usermod -s /bin/deaf NAME", "see what the account's shell does with a command",
                 "usermod -s /bin/bash NAME"),
        "matched": ("Match User matched\n AuthorizedKeysFile .ssh/authorized_keys", "",
                    'or let another account in', f"sed -i '/^Match User/,$d' {EXTRA}"),
        "asked": ("Match User asked\n ForceCommand /bin/true", "",
                  'set "require_login: unchecked" if you know that it works', "UNCHECKED")},
}
NEWKEY = ("rm -f /opt/new*; ssh-keygen -q -t ed25519 -N '' -f /opt/new;"
          f"install -m 0600 -o NAME /opt/new.pub {K}")


@pytest.mark.parametrize("batch", REFUSED)
def test_who_does_not_get_in(batch, guest):
    rows = REFUSED[batch]
    config = f"verify_timeout: 60\nrequire_login: [{', '.join(rows)}]\n"

    def script(name, text):
        text = text.replace("NEWKEY", NEWKEY).replace("OLDKEY", NEWKEY.replace("ed25519", "ecdsa"))
        return text.replace("NAME", name) + "\n"
    made = "".join(f"useradd -m -G in -s /bin/bash {name}; install -d -o {name} -m 0700 ~{name}/.ssh;"
                   + script(name, NEWKEY + ";") for name in rows if name != "root")
    lines = sorted((row[0] for row in rows.values() if row[0]), key=lambda line: "Match" in line)
    with meanwhile(guest, "groupadd in; groupadd out; cp -a /etc/pam.d/sshd /etc/security/access.conf"
                          f" /root/\n{made}",
                   "".join(f"userdel -rf {name} 2>/dev/null\n" for name in rows if name != "root")
                   + f"groupdel in; groupdel out; rm -f {EXTRA}; mv /root/sshd /etc/pam.d/;"
                     "mv /root/access.conf /etc/security/"):
        guest.put(EXTRA, "\n".join(lines) + "\n")
        guest.put(CONFIG, config)
        guest.check("".join(script(name, row[1]) for name, row in rows.items()))
        result = guest.run("sshd-vsock verify --json", timeout=120)
        assert result.status == 4, result.stderr
        told = {a["user"]: a for a in json.loads(result.stdout)["logins"]["accounts"]}
        for name, (_, _, words, do) in rows.items():
            assert words in str(told[name]["fix"]), (name, told[name])
            assert f": {told[name]['reason']}; fix: {told[name]['fix']}\n" in result.stderr
            if do == "UNCHECKED":
                assert told.pop(name)["admission"] == "untried"
            else:
                guest.check(script(name, told[name]["fix"] if do == "LETTER" else do))
        guest.put(CONFIG, f"verify_timeout: 60\nrequire_login: [{', '.join(told)}]\n")
        mended(guest)


def test_system_that_is_booting(guest):
    """As systemd-user-sessions leaves it until then; root may come in before."""
    guest.put(CONFIG, "verify_timeout: 5\nrequire_login: [ana]\n")
    with meanwhile(guest, "useradd -m -s /bin/bash ana; install -d -o ana -m 0700 ~ana/.ssh;"
                          + NEWKEY.replace("NAME", "ana")
                          + ";echo 'System is booting up.' >/run/nologin",
                   "rm -f /run/nologin; userdel -rf ana 2>/dev/null || :"):
        result = guest.run("sshd-vsock verify", timeout=120)
        Fix(guest, printed(result, "ana cannot log in")).says("wait until the system has booted")
        guest.check("systemctl restart systemd-user-sessions")
        mended(guest)


@pytest.mark.parametrize("file", ["/run/nologin", "/etc/nologin"])
def test_file_that_keeps_all_but_root_out(file, guest):
    """The one that is there is named."""
    guest.put(CONFIG, "verify_timeout: 5\nrequire_login: [ana]\n")
    with meanwhile(guest, "useradd -m -s /bin/bash ana; install -d -o ana -m 0700 ~ana/.ssh;"
                          + NEWKEY.replace("NAME", "ana") + f"; touch {file}",
                   f"rm -f {file}; userdel -rf ana 2>/dev/null || :"):
        result = guest.run("sshd-vsock verify", timeout=120)
        fix = Fix(guest, printed(result, "ana cannot log in"))
        fix.says("or see what else PAM's account rules have against ana").run("rm")
        mended(guest)
        assert guest.run(f"test -e {file}").status == 1


def test_file_that_keeps_all_but_root_out_is_not_what_keeps_root_out(guest):
    guest.put(CONFIG, "verify_timeout: 5\nrequire_login: [root]\n")
    with meanwhile(guest, "touch /etc/nologin; cp -p /etc/pam.d/sshd /root/pam;"
                          "sed -i '1i account requisite pam_deny.so' /etc/pam.d/sshd",
                   "rm -f /etc/nologin; mv /root/pam /etc/pam.d/sshd"):
        result = guest.run("sshd-vsock verify", timeout=120)
        Fix(guest, printed(result, "root cannot log in")).says("see what PAM's account rules have against root")
    mended(guest)


@pytest.mark.parametrize("lines", ["ProtectHome=yes", "ExecStart=\nExecStart=-/bin/sh -c 'exec /usr/sbin/sshd -i'"])
def test_unit_that_a_trial_cannot_follow(lines, guest):
    """What keeps sshd from the keys, and what hides it: change that unit, or vouch."""
    guest.put(CONFIG, "verify_timeout: 5\n")
    with dropin(guest, "sshd-vsock@.service", f"[Service]\n{lines}\n"):
        result = guest.run("sshd-vsock verify", timeout=120)
        assert result.status == 4, result.stderr
        fix = Fix(guest, printed(result, "no account that require_login asks for")).says("change that unit, or set")
        (vouch,) = fix.quoted
        guest.put(CONFIG, f"verify_timeout: 5\n{vouch}\n")
        mended(guest)
    guest.put(CONFIG, "verify_timeout: 5\n")
    mended(guest)


# ---- what is in the way ---------------------------------------------------------------------------

IN_THE_WAY = {
    "/etc/modules-load.d/sshd-vsock.conf": ("rm PATH; echo mine >PATH", "is not managed by sshd-vsock"),
    "/etc/systemd/system-preset/10-sshd-vsock.preset": ("rm PATH; mkdir PATH", "not a file"),
    f"{UNITS}/sshd-vsock-keygen.service": ("ln -sf /opt/x PATH", "is a link to /opt/x"),
    f"{UNITS}/multi-user.target.wants/sshd-vsock-provision.service": ("ln -sf /opt/x PATH",
                                                                      "is a link to /opt/x"),
    f"{UNITS}/sockets.target.wants/sshd-vsock.socket": ("rm PATH; echo mine >PATH",
                                                        "is not managed by sshd-vsock"),
}


def test_what_is_in_the_way_of_the_door(guest):
    guest.check("mkdir -p /opt/away\n" + "".join(
        make.replace("PATH", path) + "\n" for path, (make, _) in IN_THE_WAY.items()) + RELOAD)
    result = apply(guest, status=1)
    for path, (_, words) in IN_THE_WAY.items():
        assert words in result.stderr
        assert printed(result, f"{path} ") == "move it away and run this again"
        guest.check(f"mv {path} /opt/away/")
    apply(guest)
    mended(guest)


@pytest.mark.parametrize("name", ["sshd-vsock.socket", "sshd-vsock@.service"])
def test_masked_unit_of_the_door(name, guest):
    guest.check(f"rm {UNITS}/{name}; systemctl mask {name}")
    fix = Fix(guest, printed(apply(guest, status=4), f"{name} is masked"))
    fix.run("systemctl unmask")
    mended(guest)


def test_hosts_file_in_the_way(guest):
    """Of a directory nobody can make a map, but another name server may have one."""
    link, directory = "cp /etc/hosts /run/hosts; ln -sf /run/hosts /etc/hosts", "rm /etc/hosts; mkdir /etc/hosts"
    for make, choice in (link, "file"), (link, "config"), (directory, "file"):
        with meanwhile(guest, f"cp -a /etc/hosts /root/hosts; sed -i /UNKNOWN/d /etc/hosts; {make}",
                       "rm -rf /etc/hosts; mv /root/hosts /etc/hosts"):
            words = printed(apply(guest, SETTINGS), "/etc/hosts is ")
            assert words == ("put a file in its place, or say hosts_entry: false and map UNKNOWN "
                             "to 127.0.0.1 yourself")
            if choice == "file":
                guest.check("rm -rf /etc/hosts; cp /root/hosts /etc/hosts")
                assert "warning" not in apply(guest).stderr
            else:
                guest.check("echo 127.0.0.1 UNKNOWN >>/etc/hosts")
                assert "warning" not in apply(guest, SETTINGS + "hosts_entry: false\n").stderr


def test_hosts_file_that_is_mounted(guest):
    guest.check("cp /etc/hosts /root/hosts; sed -i /UNKNOWN/d /root/hosts")
    with meanwhile(guest, "mount --bind /root/hosts /etc/hosts", "umount /etc/hosts"):
        Fix(guest, printed(apply(guest), "/etc/hosts: ")).says("change it from where it is mounted")
        guest.check("echo 127.0.0.1 UNKNOWN >>/root/hosts")
        assert "; fix: " not in apply(guest).stderr


def test_line_that_remove_leaves(guest):
    with meanwhile(guest, "cp -a /etc/hosts /root/hosts; cp /etc/hosts /run/hosts; ln -sf /run/hosts /etc/hosts",
                   "rm /etc/hosts; mv /root/hosts /etc/"):
        result = guest.run("sshd-vsock remove", timeout=120)
        marker, = re.findall(r'delete its line that ends in "(.*)"', printed(result, "/etc/hosts is"))
        guest.check(f"grep -q '{marker}$' /etc/hosts && sed -i '/{marker}$/d' /run/hosts")
        apply(guest, SETTINGS + "hosts_entry: false\n")
        assert "; fix: " not in guest.run("sshd-vsock remove", timeout=120).stderr


def test_home_that_is_read_only(guest):
    with meanwhile(guest, "useradd -m ana; mount -t tmpfs -o ro,mode=755,uid=$(id -u ana) none /home/ana",
                   "umount /home/ana; userdel -rf ana || :"):
        guest.put(CONFIG, SETTINGS + "hushlogin: [ana]\n")
        fix = Fix(guest, printed(apply(guest), "/home/ana/.hushlogin: "))
        fix.run("mount", DIR="/home/ana")
        assert "; fix: " not in apply(guest).stderr


@pytest.mark.parametrize("choice", ["make the user", "take the name out"])
def test_user_who_is_not_there(choice, guest):
    guest.put(CONFIG, SETTINGS + "hushlogin: [packer]\n")
    Fix(guest, printed(apply(guest), "no such user: packer")).says("take the name out of the list or make")
    with meanwhile(guest, "useradd -m packer" if choice == "make the user" else
                   f"sed -i 's/packer//' {CONFIG}", "userdel -rf packer 2>/dev/null || :"):
        assert "; fix: " not in apply(guest).stderr


# ---- TCP --------------------------------------------------------------------------------------------

LISTEN = SETTINGS + "listen_address: 127.0.0.1\n"


@pytest.fixture(name="open_again")
def tcp_as_before(guest):
    yield
    guest.check(f"rm -f /run/flag; {RELOAD}; systemctl reset-failed", timeout=120)
    apply(guest, SETTINGS)
    guest.check("systemctl restart ssh.service")


@pytest.mark.usefixtures("open_again")
def test_nothing_listens_any_more(guest):
    """While ssh.service is restarted over and over, each stop of it takes /run/sshd from connections
    too: systemd gives up after some seconds."""
    apply(guest, LISTEN.replace("timeout: 2", "timeout: 30"))
    with dropin(guest, "ssh.service", "[Service]\nExecStartPre=/usr/bin/test ! -e /run/flag\n"):
        guest.check("touch /run/flag; ! systemctl restart ssh.service")
        fix = Fix(guest, printed(apply(guest, status=1), "no sshd listens on TCP"))
        assert "ssh.service" in fix.run("journalctl -u ssh.service")
        guest.check("rm /run/flag")
        fix.run("systemctl reset-failed")
        assert "drift   none" in guest.check("sshd-vsock status")


@pytest.mark.usefixtures("open_again")
def test_option_of_a_unit_that_is_not_in_etc(guest):
    """No command is printed for it."""
    with dropin(guest, "ssh.service", "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D "
                                      "-o ListenAddress=0.0.0.0:2222\n"):
        guest.check("systemctl restart ssh.service")
        fix = Fix(guest, printed(apply(guest, LISTEN, 1), "listens on TCP beyond listen_address"))
        fix.says("take -o ListenAddress=0.0.0.0:2222 out of what ssh.service passes to sshd")
        file, = re.findall(r"^# (/\S+/test.conf)$", fix.run("systemctl cat"), re.M)
        guest.check(f"sed -i 's/-o ListenAddress=.*//' {file}")
        fix.run("systemctl daemon-reload; systemctl restart")
        apply(guest)


@pytest.mark.usefixtures("open_again")
@pytest.mark.parametrize("config, before", (("disable_tcp: true\n", "is in the way of closing"),
                                            ("listen_address: 127.0.0.1\n", "is seen at the end")))
def test_tcp_of_our_own_socket(config, before, guest):
    """To disable that unit, as any other on TCP, would take the only way in."""
    file = f"{UNITS}/sshd-vsock.socket.d/x.conf"
    guest.put(file, "[Socket]\nListenStream=0.0.0.0:2022\n")
    with meanwhile(guest, f"{RELOAD}; systemctl restart sshd-vsock.socket",
                   f"rm -rf {UNITS}/sshd-vsock.socket.d; {RELOAD}; systemctl restart sshd-vsock.socket"):
        open_now = listeners(guest)
        result = apply(guest, SETTINGS + config, 1)
        told = result.stderr + guest.run("sshd-vsock status").stdout
        fixes = [line.split("; fix: ")[1] for line in told.splitlines() if "; fix: " in line]
        assert "systemctl disable" not in told and len(fixes) > 1
        if "disable" in config:
            assert listeners(guest) == open_now > {"0.0.0.0:2022"}, before
            fix = Fix(guest, printed(result, f"{file} has sshd-vsock.socket listen on TCP, too"))
            fix.says("take the TCP addresses out of it, then")
        else:
            fix = Fix(guest, printed(result, "listens on TCP beyond listen_address: 0.0.0.0:2022"))
            fix.says(f"take the TCP addresses out of {file}, then")
        guest.check(f"sed -i /2022/d {file}")
        fix.run("systemctl daemon-reload")
        assert listeners(guest) == (set() if "disable" in config else {"127.0.0.1:22"})
        assert "nothing to do" in apply(guest).stderr
        assert guest.ssh("true").status == 0


@pytest.mark.usefixtures("open_again")
def test_tcp_that_does_not_come_back(guest):
    """Nothing starts again once TCP was closed, and the door neither."""
    unless = "[Service]\nExecStartPre=/bin/sh -c 'systemctl -q is-active ssh || ! touch /run/flag'\n"
    with dropin(guest, "sshd-vsock@.service", unless), dropin(
            guest, "ssh.service", "[Service]\nExecStartPre=/usr/bin/test ! -e /run/flag\nRestart=no\n"):
        result = apply(guest, SETTINGS + "disable_tcp: true\n", 4)
        fix = Fix(guest, printed(result, "rollback incomplete"))
        assert "/run/flag" in fix.run("systemctl status", status=3)
        guest.check("rm /run/flag")
        fix.run("systemctl restart")
        guest.check("ss -ltnH | grep -q ':22 '")


@pytest.mark.usefixtures("open_again")
def test_tcp_that_does_not_come_back_and_has_another_name(guest):
    """A unit that no boot starts, with the name that Fedora and others give it."""
    own = "/usr/lib/systemd/system/sshd.service"
    unless = "[Service]\nExecStartPre=/bin/sh -c 'systemctl -q is-active sshd || ! touch /run/flag'\n"
    unit = "[Service]\nExecStartPre=/usr/bin/test ! -e /run/flag\nExecStart=/usr/sbin/sshd -D\n"
    with meanwhile(guest, f"mkdir -p /root/units; mv {UNITS}/sshd.service /root/units/; systemctl mask --now ssh.service;"
                          f"printf '%s' '{unit}' >{own}; {RELOAD}; systemctl start sshd.service",
                   f"systemctl stop sshd.service; rm -f {own} {UNITS}/ssh.service; mv /root/units/* {UNITS}/; {RELOAD}"):
        with dropin(guest, "sshd-vsock@.service", unless):
            result = apply(guest, SETTINGS + "disable_tcp: true\n", 4)
            fix = Fix(guest, printed(result, "rollback incomplete"))
            assert "/run/flag" in fix.run("systemctl status sshd.service", status=3)
            guest.check("rm /run/flag")
            fix.run("systemctl restart sshd.service")
            guest.check("ss -ltnH | grep -q ':22 '")


@pytest.mark.usefixtures("open_again")
@pytest.mark.parametrize("broken_too", [f"echo DenyUsers root >{EXTRA}", GONE])
def test_only_way_in_is_not_to_be_closed(broken_too, guest):
    """TCP is closed, an sshd of somebody's own listens, and nobody gets in over vsock any more."""
    unit = f"{UNITS}/my-sshd.service"
    apply(guest, "verify_timeout: 5\ndisable_tcp: true\n")
    guest.put(unit, "[Service]\nExecStart=/usr/sbin/sshd -D -p 2222\nRuntimeDirectory=sshd\n"
                    "RuntimeDirectoryPreserve=yes\n[Install]\nWantedBy=multi-user.target\n")
    with meanwhile(guest, f"{RELOAD}; systemctl enable -q --now my-sshd; {broken_too}",
                   f"systemctl disable -q --now my-sshd; rm -f {unit} {EXTRA}"):
        told = guest.run("sshd-vsock status").stdout
        if EXTRA in broken_too:
            told += apply(guest, status=1).stderr
        data = json.loads(guest.run("sshd-vsock --json status").stdout)
        assert {one["fix"] for one in data["listeners"]} == set(re.findall("listens on TCP.*fix: (.*)", told))
        assert "systemctl disable" not in told
        assert set(re.findall("listens on TCP.*fix: (.*)", told)) == {
            'first correct what "sshd-vsock verify" names: nobody is known to get in without this sshd'}
        guest.run("sshd-vsock verify")
        if EXTRA in broken_too:
            guest.check(f"rm {EXTRA}")
        Fix(guest, printed(apply(guest, status=1), "still listens on TCP")).letter()
        apply(guest)


@pytest.mark.usefixtures("open_again")
def test_job_that_fails(guest):
    with dropin(guest, "ssh.service", "[Service]\nExecReload=\nExecReload=/usr/bin/test ! -e "
                                      "/run/flag\nExecReload=/bin/kill -HUP $MAINPID\n"):
        guest.check("touch /run/flag")
        fix = Fix(guest, printed(apply(guest, LISTEN, 1), "reload ssh.service: the job ended"))
        assert "/run/flag" in fix.run("systemctl status")
        fix.run("journalctl")
        guest.check("rm /run/flag")
        apply(guest)


@pytest.mark.usefixtures("open_again")
def test_reload_that_hangs(guest):
    """And that systemd would let hang for ever: it is ended, the unit runs, and nothing waits for it."""
    lines = "[Service]\nTimeoutStartSec=infinity\nExecReload=\nExecReload=/bin/sh -c '%s'\n" \
            "ExecReload=/bin/kill -HUP $MAINPID\n"
    with dropin(guest, "ssh.service", lines % "mkdir /run/once && exec sleep 1000; exit 0"):
        guest.put(CONFIG, LISTEN)
        before = listeners(guest)
        result = guest.run("sshd-vsock apply", timeout=240)
        assert result.status == 1 and "rolled back: TCP listeners restored\n" in result.stderr
        fix = Fix(guest, printed(result, "reload ssh.service: ended, for it was not done after 90 s"))
        assert listeners(guest) == before and not guest.check("systemctl list-jobs --no-legend")
        assert guest.check("systemctl is-active ssh.service") == "active\n"
        assert "exec sleep 1000" in fix.run("systemctl cat")
        guest.put("/run/systemd/system/ssh.service.d/test.conf", lines % "exit 0")
        fix.run("systemctl daemon-reload && sshd-vsock apply")
        assert listeners(guest) == {"127.0.0.1:22"}


def test_reload_of_which_no_word_comes(program):
    """There is no process to end: the job is, and holds up no other."""
    with Guest("trixie") as trixie, dropin(trixie, "ssh.service", "[Service]\nType=notify-reload\nExecReload=\n"
                                           "ReloadSignal=SIGCONT\nTimeoutStartSec=infinity\n"):
        trixie.install(program)
        trixie.put(CONFIG, LISTEN)
        result = trixie.run("sshd-vsock apply", timeout=400)
        assert result.status == 1 and "reload ssh.service: ended, for it was not done after 90 s" in result.stderr
        assert not trixie.check("systemctl list-jobs --no-legend")


@pytest.mark.usefixtures("open_again")
def test_configuration_that_is_refused(guest):
    with meanwhile(guest, f"echo 'Port 22x' >{EXTRA}", f"rm {EXTRA}"):
        apply(guest, LISTEN, 4)
        guest.put(EXTRA, "KexAlgorithms no-such-thing\n")
        result = guest.run("sshd-vsock apply", timeout=120)
        assert result.status != 0
        line = printed(result, "refuses")
        assert "line" in line
        guest.check(f"sed -i 's/^/# /' {EXTRA}")
        apply(guest)


# ---- which configuration a printed command applies ------------------------------------------------

OTHER = "/root/other.yaml"
INPUT = '" (with the same input)'
CARRIED = '" (with the configuration that sshd-vsock-provision.service carries as its input)'


def test_configuration_at_hand(guest):
    """Not the system's own file, wherever it is from, with what options, and whatever says it."""
    guest.put(OTHER, SETTINGS + "hosts_entry: false\n")

    def fix(words, what, status=1):
        result = guest.run(f"sshd-vsock {words} <{OTHER}", timeout=120)
        assert result.status == status, result
        return Fix(guest, printed(result, what))

    def at_hand(source):
        assert "nothing to do" in guest.check(f"sshd-vsock --config={source} apply <{OTHER} 2>&1")

    with meanwhile(guest, f"mv {SOCKET} /root/s; ln -s /dev/null {SOCKET}; {RELOAD}", f"rm -f {SOCKET}"):
        said = fix("--config=- plan", "is masked")
        assert said.text == f'"systemctl unmask sshd-vsock.socket && sshd-vsock apply --config=-{INPUT}'
        guest.check(f"sh -c '{said.quoted[0]}' <{OTHER}")
        at_hand("-")
    with meanwhile(guest, "mkdir /root/keys; mv /etc/ssh/ssh_host_* /root/keys/",
                   "rm -f /etc/ssh/ssh_host_*; mv /root/keys/* /etc/ssh/; rmdir /root/keys"):
        said = fix("--config=- client --known-hosts", "there are no host keys")
        assert said.text == "systemctl start sshd-vsock-provision.service"
        said.letter()
        at_hand("-")
    mine = guest.check(f"cat {SOCKET}").replace("# Managed by sshd-vsock.", "#") + "SocketUser=ana\n"
    with meanwhile(guest, f"cp {SOCKET} /root/s", f"mv /root/s {SOCKET}; {RELOAD}"):
        guest.put(SOCKET, mine)
        guest.check(RELOAD)
        said = fix(f"--config={OTHER} plan", "is not managed by sshd-vsock")
        assert f'or "sshd-vsock apply --config={OTHER} --takeover" puts ours' in said.text
        said = fix("--config=- plan", "is not managed by sshd-vsock")
        assert f'or "sshd-vsock apply --config=- --takeover{INPUT} puts ours' in said.text
        status = guest.run("sshd-vsock status").stdout
        assert f'or "sshd-vsock apply --config=- --takeover{CARRIED} puts ours' in status
        guest.check(f"{said.quoted[0]} <{OTHER}")
        at_hand("-")


@pytest.mark.usefixtures("open_again")
def test_configuration_at_hand_where_tcp_is_down(guest):
    guest.put(OTHER, SETTINGS + "listen_address: 192.0.2.99\n")
    result = guest.run(f"sshd-vsock --config={OTHER} apply", timeout=120)
    assert result.status == 1
    fix = Fix(guest, printed(result, "no address of listen_address")).says("name an address of this machine")
    guest.put(OTHER, LISTEN)
    fix.run("sshd-vsock apply")
    assert listeners(guest) == {"127.0.0.1:22"}
    assert "nothing to do" in guest.check(f"sshd-vsock --config={OTHER} apply 2>&1")
    unless = "[Service]\nExecStartPre=/usr/bin/test ! -e /run/flag\nRestart=no\n"
    with dropin(guest, "ssh.service", unless):
        guest.check("touch /run/flag; ! systemctl restart ssh.service")
        again = f"restart ssh.service; sshd-vsock apply --config={OTHER}\""
        result = guest.run(f"sshd-vsock --json --config={OTHER} status", timeout=120)
        document = json.loads(result.stdout)
        assert again in document["text"] and any(again in line for line in document["drift"])
        result = guest.run(f"sshd-vsock --json --config={OTHER} apply", timeout=120)
        fix = Fix(guest, printed(result, "no sshd listens on TCP"))
        assert json.loads(result.stdout)["error"]["fix"] == fix.text
        guest.check("rm /run/flag")
        fix.run("systemctl reset-failed")
        assert listeners(guest) == {"127.0.0.1:22"}


# ---- the rest ---------------------------------------------------------------------------------------

def test_client_without_keys(guest):
    with meanwhile(guest, f"mkdir /root/keys; mv {KEYS}* /root/keys/",
                   f"rm -f {KEYS}*; mv /root/keys/* /etc/ssh/; rmdir /root/keys"):
        guest.put(CONFIG, "verify_timeout: 60\n")
        result = guest.run("sshd-vsock client --known-hosts")
        assert result.status == 1
        Fix(guest, printed(result, "there are no host keys")).letter()
        assert "ssh-ed25519" in guest.check("sshd-vsock client --known-hosts")


def test_program_that_others_can_replace(guest):
    with meanwhile(guest, "install -o nobody /usr/sbin/sshd-vsock /opt/p; mv /usr/sbin/sshd-vsock /root/p",
                   "[ -e /usr/sbin/sshd-vsock ] || mv /root/p /usr/sbin/sshd-vsock"):
        result = guest.run("/opt/p apply", timeout=120)
        assert result.status == 1
        place, = re.findall(r"^install it as (\S+), with root as the owner",
                            printed(result, "cannot be run as root at each boot"))
        guest.check(f"install -o root -m 0755 /opt/p {place}; {place} apply", timeout=120)


# The package is the guest's own, put together again from its files.
PACK = """set -e
        rm -rf /opt/packed /opt/repo; mkdir -p /opt/packed/DEBIAN /opt/repo
        dpkg-query -s $1 | sed '/^Status: /d;/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}' \\
            >/opt/packed/DEBIAN/control
        dpkg-query -L $1 | while read -r path; do [ -d "$path" ] || ls -d "$path"; done 2>/dev/null |
            tar -c -f - -T - 2>/dev/null | tar -x -f - -C /opt/packed
        dpkg-deb -b /opt/packed /opt/repo/$1.deb >/dev/null
        { cat /opt/packed/DEBIAN/control; echo "Filename: ./$1.deb"
          echo "Size: $(stat -c %s /opt/repo/$1.deb)"
          echo "SHA256: $(sha256sum /opt/repo/$1.deb | cut -d' ' -f1)"; } >/opt/repo/Packages
        rm -rf /etc/apt/sources.list.d; mkdir /etc/apt/sources.list.d
        echo 'deb [trusted=yes] file:/opt/repo ./' >/etc/apt/sources.list; apt-get update -qq
        """


def test_library_that_is_missing(guest):
    """apt needs it itself. What asks nothing of the running system does not miss it."""
    guest.put("/opt/pack", PACK)
    guest.check("bash /opt/pack libsystemd0; dpkg --remove --force-all libsystemd0; ldconfig",
                timeout=120)
    try:
        for verb in "plan", "apply", "verify", "status", "remove":
            result = guest.run(f"sshd-vsock {verb}", timeout=120)
            assert result.status == 1, result.stderr
            assert printed(result, "error: cannot speak to systemd: libsystemd.so.0: ").startswith(
                "install the package libsystemd0 (")
        guest.check("sshd-vsock check; mkdir -p /opt/tree; cp -a --parents /etc /usr/sbin/sshd "
                    "/opt/tree; sshd-vsock -q --root=/opt/tree --no-verify remove")
    finally:
        guest.check("dpkg -i /opt/repo/libsystemd0.deb; rm -rf /opt/tree", timeout=120)
    mended(guest)


def test_package_that_is_missing(guest):
    guest.put("/opt/pack", PACK)
    guest.put(CONFIG, "verify_timeout: 5\n")
    for package, what, status in ("openssh-client", "no account that require_login asks for", 4), (
            "openssh-server", "openssh-server is not installed", 1):
        guest.check(f"bash /opt/pack {package} && dpkg --remove --force-depends {package}",
                    timeout=120)
        result = guest.run("sshd-vsock verify", timeout=120)
        assert result.status == status, result.stderr
        name, = re.findall(r"^install the package (\S+)", printed(result, what))
        if package == "openssh-client":
            assert printed(result, what).endswith(" (Fedora, openSUSE: openssh-clients; Arch: openssh)")
        assert name == package
        guest.check(f"DEBIAN_FRONTEND=noninteractive apt-get install -qq -y {name}", timeout=120)
        mended(guest)
