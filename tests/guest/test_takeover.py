"""The public recipe, followed by hand, then the program: nobody loses the way in at any moment."""

from contextlib import nullcontext

import pytest

from guest import Guest
from guest.steps import ANYWHERE, UNITS, apply, listeners, served_by

EVERY_RUN = 1
ALWAYS = ("test_one_process_for_all_is_taken_over_on_request",
          "test_takeover_that_lets_nobody_in_is_rolled_back", "test_takeover_is_not_saved_by_what_listens_on_tcp",
          "test_takeover_that_cannot_be_tried_goes_on", "test_takeover_that_ends_otherwise_is_rolled_back",
          "test_only_way_is_not_taken_over_where_nothing_can_be_verified",
          "test_takeover_that_nobody_has_looked_at_is_looked_at_by_the_boot",
          "test_only_way_in_another_directory_is_not_taken_over_either",
          "test_nothing_is_taken_over_early_in_a_boot_where_nothing_can_be_verified")

HAND = r"""
cd /etc/systemd/system
printf "[Unit]\nDescription=OpenSSH vsock socket\n[Socket]\nListenStream=vsock::22\nAccept=yes\n[Install]\nWantedBy=sockets.target\n" > sshd-vsock.socket
printf "[Unit]\nDescription=OpenSSH per-connection server (vsock %%I)\n[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\nStandardOutput=socket\nStandardError=journal\nRuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n" > sshd-vsock@.service
systemctl daemon-reload; systemctl enable -q --now sshd-vsock.socket"""
FILES = r"find /etc -xdev ! -type d -printf '%p %y %m %U:%G %s %l\n' | sort"
STATE = f"{FILES}; md5sum {UNITS}/sshd-vsock*"
SINCE = "systemctl show -P ActiveEnterTimestampMonotonic sshd-vsock.socket"


@pytest.mark.parametrize("suite", ("bullseye", "bookworm", "trixie", "forky"))
def test_recipe_is_taken_over_and_given_back(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        guest.check(HAND)
        before, since = guest.check(STATE), guest.check(SINCE)
        assert "take over" in apply(guest, "disable_tcp: true\n").stderr
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        assert guest.check(STATE) == before
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0
        assert guest.check("systemctl is-enabled sshd-vsock.socket").strip() == "enabled"


OTHER = HAND.replace("vsock::22", "vsock::2222").replace(
    "sshd -i", "sshd -i -o PermitRootLogin=prohibit-password").replace("enable -q --now", "start")


def moves_and_comes_back(guest):
    """The port of OTHER to ours and back, with a login at each end."""
    guest.check("sshd-vsock apply --takeover")
    assert guest.ssh("true").status == 0
    with pytest.raises(ConnectionError):
        guest.banner(port=2222)
    assert "nothing to do" in apply(guest).stderr
    guest.check("sshd-vsock remove")
    assert guest.ssh("true", port=2222).status == 0


def test_anything_is_taken_over_on_request(program):
    """What the fixes say, to the letter; the port moves, and moves back."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check(OTHER + "; modprobe vmw_vsock_virtio_transport")
        said = apply(guest, "disable_tcp: true\n", 1).stderr
        assert "starts at no boot: it is not enabled in sockets.target; fix: \"systemctl enable " \
            "sshd-vsock.socket\", or move it away; then run this again\n" in said
        guest.check("systemctl enable -q sshd-vsock.socket")
        before = guest.check(STATE)
        said = apply(guest, status=1).stderr
        assert said.count("; or \"sshd-vsock apply --takeover\" puts ours in its place") == 2
        assert guest.ssh("true", port=2222).status == 0
        moves_and_comes_back(guest)
        assert guest.check(STATE) == before


@pytest.mark.parametrize("units, wants", (
    ("/usr/lib/systemd/system", "sockets"), ("/usr/local/lib/systemd/system", "sockets"),
    ("/run/systemd/system", "multi-user"), (UNITS, "multi-user")))
def test_recipe_in_another_directory_goes_on(units, wants, program):
    """Ours go before it; then systemd has it again, listening as before."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check(f"mkdir -p {units}; {HAND}".replace(UNITS, units).replace(
            "WantedBy=sockets", f"WantedBy={wants}"))
        before, since = guest.check(FILES), guest.check(SINCE)
        apply(guest, "disable_tcp: true\n")
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        assert guest.check(FILES) == before
        assert guest.check("systemctl is-enabled sshd-vsock.socket").strip() == "enabled"
        assert guest.check(SINCE) == since
        assert guest.ssh("true").status == 0


def test_anything_in_another_directory_is_taken_over_on_request(program):
    """By what is printed; the port moves, and moves back."""
    units = "/usr/local/lib/systemd/system"
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check(f"mkdir -p {units}; {OTHER}; systemctl enable -q sshd-vsock.socket;"
                    "modprobe vmw_vsock_virtio_transport".replace(UNITS, units))
        before = guest.check(FILES)
        said = apply(guest, status=1).stderr
        assert said.count("; or \"sshd-vsock apply --takeover\" puts ours in its place") == 2
        assert f"{units}/sshd-vsock.socket is not managed by" in said
        assert f"{units}/sshd-vsock@.service is not managed by" in said
        assert guest.check(FILES) == before and guest.ssh("true", port=2222).status == 0
        moves_and_comes_back(guest)
        assert guest.check(FILES) == before


PROXY = """ip link set lo up; modprobe vmw_vsock_virtio_transport
printf "[Socket]\\nListenStream=vsock::22\\n[Install]\\nWantedBy=sockets.target\\n" >/etc/systemd/system/sshd-vsock.socket
printf "[Service]\\nExecStart=/lib/systemd/systemd-socket-proxyd 127.0.0.1:22\\n" >/etc/systemd/system/sshd-vsock.service
systemctl daemon-reload; systemctl enable -q --now sshd-vsock.socket"""


@pytest.mark.parametrize("good", (True, False))
def test_one_process_for_all_is_taken_over_on_request(good, program):
    """It holds the port for as long as it runs; where ours then does not answer, its socket has it again."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check(PROXY)
        assert guest.ssh("true").status == 0  # which starts it
        before = guest.check(STATE)
        with nullcontext() if good else served_by(guest, "exit 1"):
            said = apply(guest, "{}\n", 0 if good else 4, options="--takeover").stderr
        assert ("rolled back: " in said) != good, said
        assert guest.ssh("true").status == 0
        if good:
            assert "nothing to do" in apply(guest).stderr
            assert guest.check("systemctl show -P Accept sshd-vsock.socket") == "yes\n"
            guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
            assert guest.ssh("true").status == 0
        else:
            guest.check("rm /etc/sshd-vsock.yaml")
        assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
        assert guest.check("systemctl show -P Accept sshd-vsock.socket") == "no\n"
        if good:
            assert guest.check(STATE) == before


KEYS = "-o AuthorizedKeysFile=/etc/own.keys"


@pytest.mark.parametrize("config", ("{}\n", "disable_tcp: true\n"))
@pytest.mark.parametrize("name, units", (
    ("sshd-vsock", UNITS), ("other", UNITS), ("sshd-vsock", "/usr/local/lib/systemd/system")))
def test_takeover_that_lets_nobody_in_is_rolled_back(name, units, config, program):
    """Nothing else leads in, and ours answers: but whoever got in has no key that it accepts."""
    with Guest("bookworm") as guest:
        guest.install(program)
        hand = HAND.replace("sshd -i", f"sshd -i {KEYS}").replace("sshd-vsock", name).replace(UNITS, units)
        guest.check(f"mkdir -p {units}")
        guest.check(f"{hand}; modprobe vmw_vsock_virtio_transport; mv /root/.ssh/authorized_keys /etc/own.keys;"
                    "systemctl disable -q --now ssh.service; passwd -dl root")
        guest.put("/etc/sshd-vsock.yaml", config)
        assert guest.ssh("true").status == 0
        said = apply(guest, status=4, options="--takeover").stderr
        assert "was shown to log in through it" in said and "rolled back: " in said, said
        assert guest.ssh("true").status == 0
        assert guest.check(f"cat {units}/{name}@.service").count(KEYS) == 1
        guest.reboot()
        guest.check("modprobe vmw_vsock_virtio_transport")  # which ours would do
        assert guest.ssh("true").status == 0
        guest.check("mkdir -p /root/.ssh; install -m 600 /etc/own.keys /root/.ssh/authorized_keys")
        apply(guest, options="--takeover")
        assert guest.ssh("true").status == 0
        guest.check("rm /root/.ssh/authorized_keys")
        # takes nothing away; where TCP was closed by a run, that has looked
        said = apply(guest, status=0 if "disable" in config else 4).stderr
        assert "nothing to do" in said and "rolled back" not in said, said
        guest.banner()


def beside_tcp(guest, options):
    """By hand, beside an sshd on TCP as it was installed, which lets nobody in."""
    hand = HAND.replace("sshd -i", f"sshd -i {options}")
    guest.check(f"{hand}; modprobe vmw_vsock_virtio_transport; usermod -p '*' root; ip link set lo up")
    assert ANYWHERE == listeners(guest)


DENY = "echo 'account required pam_deny.so' >/etc/pam.d/sshd; echo 'session required pam_unix.so' >>/etc/pam.d/sshd"


@pytest.mark.parametrize("config", ("{}\n", "disable_tcp: true\n"))
@pytest.mark.parametrize("way, takeover", ((KEYS, "--takeover"), ("-o UsePAM=no", "")))
def test_takeover_is_not_saved_by_what_listens_on_tcp(way, takeover, config, program):
    """It listens, and nobody gets in there: who did got in by hand's unit, with keys of its own, or without PAM."""
    with Guest("bookworm") as guest:
        guest.install(program)
        beside_tcp(guest, way)
        guest.check("mv /root/.ssh/authorized_keys /etc/own.keys" if takeover else DENY)
        assert guest.ssh("true").status == 0
        before = guest.check(f"cat {UNITS}/sshd-vsock*")
        said = apply(guest, config, 4, takeover).stderr
        assert said.count("was shown to log in through it") == 1 and "rolled back: " in said, said
        assert guest.ssh("true").status == 0 and listeners(guest) == ANYWHERE
        assert guest.check(f"cat {UNITS}/sshd-vsock.socket {UNITS}/sshd-vsock@.service") == before


UNTRIED = {"no client": "mv /usr/bin/ssh /usr/bin/ssh-not",
           "command": "echo 'AuthorizedKeysCommand /bin/cat /etc/own.keys\nAuthorizedKeysCommandUser root' "
                      ">/etc/ssh/sshd_config.d/a.conf; mv /root/.ssh/authorized_keys /etc/own.keys",
           "no key": "rm /root/.ssh/authorized_keys"}


@pytest.mark.parametrize("how", UNTRIED)
def test_takeover_that_cannot_be_tried_goes_on(how, program):
    """TCP listens, and nothing says that anybody is refused who was let in before."""
    with Guest("bookworm") as guest:
        guest.install(program)
        beside_tcp(guest, "")
        guest.check(UNTRIED[how])
        said = apply(guest, "{}\n").stderr
        assert "nobody was shown to log in over vsock" in said and "rolled back" not in said, said
        assert guest.run(f"head -1 {UNITS}/sshd-vsock@.service").stdout.startswith("# Managed by sshd-vsock.")
        assert "nobody was shown" not in apply(guest).stderr

def alone(guest, name="sshd-vsock", units=UNITS):
    """By hand, and nothing else leads in; whoever gets in has a key that ours does not accept."""
    hand = HAND.replace("sshd -i", f"sshd -i {KEYS}").replace("sshd-vsock", name).replace(UNITS, units)
    guest.check(f"mkdir -p {units}; modprobe vmw_vsock_virtio_transport; {hand}; mv /root/.ssh/authorized_keys /etc/own.keys;"
                "systemctl disable -q --now ssh.service; passwd -dl root")
    assert guest.ssh("true").status == 0


ENOSPC = "ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=mkdir -e inject=mkdir:error=ENOSPC sshd-vsock"


@pytest.mark.parametrize("name", ("sshd-vsock", "other"))
@pytest.mark.parametrize("obstacle", ("conflict", "full"))
def test_takeover_that_ends_otherwise_is_rolled_back(obstacle, name, program):
    """TCP is not to be closed, for a unit in the way of its mask; who gets in cannot be found out."""
    with Guest("bookworm") as guest:
        guest.install(program)
        alone(guest, name)
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n" if obstacle == "conflict" else "{}\n")
        guest.check("cp /lib/systemd/system/ssh.service /etc/systemd/system/" if obstacle == "conflict" else ":")
        command = "sshd-vsock" if obstacle == "conflict" else ENOSPC
        result = guest.run(f"{command} apply --takeover", timeout=120)
        assert result.status == (4 if obstacle == "conflict" else 1), result
        assert "rolled back: " in result.stderr, result
        assert guest.ssh("true").status == 0
        guest.reboot()
        guest.check("modprobe vmw_vsock_virtio_transport")
        assert guest.ssh("true").status == 0


def without_loopback(guest):
    """As on WSL's kernels before 6.18."""
    guest.chroot("rm /usr/lib/modules/*/kernel/net/vmw_vsock/vsock_loopback.ko*; depmod $(ls /usr/lib/modules)")


def test_only_way_is_not_taken_over_where_nothing_can_be_verified(program):
    """What the fixes say, to the letter."""
    with Guest("bookworm", prepare=without_loopback) as guest:
        guest.install(program)
        alone(guest)
        guest.put("/etc/sshd-vsock.yaml", "{}\n")
        before = guest.check(STATE)
        said = apply(guest, status=1, options="--takeover").stderr
        assert "nothing was touched; fix: have sshd listen on TCP meanwhile; or \"sshd-vsock apply --takeover " \
            "--no-verify\"\n" in said, said
        assert guest.check(STATE) == before and guest.ssh("true").status == 0
        guest.check("ip link set lo up; systemctl enable -q --now ssh.service")
        apply(guest, status=3, options="--takeover")
        assert guest.run(f"grep AuthorizedKeysFile {UNITS}/sshd-vsock@.service").status == 1
        guest.check("sshd-vsock remove; systemctl disable -q --now ssh.service")
        assert guest.check(STATE) == before and guest.ssh("true").status == 0
        guest.check("sshd-vsock apply --takeover --no-verify")
        assert guest.run(f"grep AuthorizedKeysFile {UNITS}/sshd-vsock@.service").status == 1
        # ours by now: what changes of it is not held back for what can never be verified
        apply(guest, "port: 2222\n", 3)
        guest.banner(port=2222)
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        # what does no more than ours does
        guest.check(f"sed -i 's:{KEYS}::' {UNITS}/sshd-vsock@.service; systemctl daemon-reload")
        said = apply(guest, "{}\n", 1).stderr
        assert "or \"sshd-vsock apply --no-verify\"\n" in said, said
        guest.check("sshd-vsock apply --no-verify")


def generated(guest):
    """systemd's own listener, and nothing else leads in."""
    guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload; systemctl start sshd-vsock.socket;"
                "systemctl disable -q --now ssh.service ssh.socket")
    assert "generator" in guest.check("systemctl show -P FragmentPath sshd-vsock.socket")


@pytest.mark.parametrize("suite, units", (
    ("bookworm", "/usr/local/lib/systemd/system"), ("trixie", "/run/systemd/generator")))
def test_only_way_in_another_directory_is_not_taken_over_either(suite, units, program):
    """What ours would hide is in use, too."""
    with Guest(suite, prepare=without_loopback) as guest:
        guest.install(program)
        if suite == "bookworm":
            alone(guest, units=units)
        else:
            generated(guest)
        guest.put("/etc/sshd-vsock.yaml", "{}\n")
        before = guest.check(FILES)
        said = apply(guest, status=1, options="--takeover").stderr
        assert "nothing was touched; fix: have sshd listen on TCP meanwhile; or" in said, said
        assert guest.check(FILES) == before and guest.ssh("true").status == 0
        guest.check("sshd-vsock apply --takeover --no-verify")
        apply(guest, "port: 2222\n", 3)  # ours by now
        guest.banner(port=2222)


EARLY = """[Unit]
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/usr/sbin/sshd-vsock apply --takeover

[Install]
WantedBy=sysinit.target
"""
WANTS = "/etc/systemd/system/sockets.target.wants/"


def early(guest, program, units=UNITS):
    """By hand in an image, and nothing else leads in; whoever gets in has a key that ours does not accept."""
    guest.install(program)
    guest.put("/etc/sshd-vsock.yaml", "{}\n")
    hand = HAND.replace("sshd -i", f"sshd -i {KEYS}").partition("systemctl")[0]
    guest.chroot(hand.replace(UNITS, units) + f"mkdir -p {WANTS}; ln -s {units}/sshd-vsock.socket {WANTS};"
                 "mv /root/.ssh/authorized_keys /etc/own.keys; passwd -dl root;"
                 "rm /etc/systemd/system/multi-user.target.wants/ssh.service")
    guest.put("/etc/modules-load.d/own.conf", "vsock_loopback\nvmw_vsock_virtio_transport\n")
    guest.put("/etc/systemd/system/early.service", EARLY)


@pytest.mark.parametrize("way, units", (
    ("image", UNITS), ("early", UNITS), ("image", "/usr/lib/systemd/system"), ("early", "/usr/lib/systemd/system")))
def test_takeover_that_nobody_has_looked_at_is_looked_at_by_the_boot(way, units, program):
    """In an image, or before systemd can start a socket. What was there is never put back by an ordinary
    run: a trial login may fail for a while."""
    def prepare(guest):
        early(guest, program, units)
        if way == "image":
            guest.offline(program, "--takeover", "apply")
        else:
            guest.chroot("systemctl enable -q early.service")
    with Guest("bookworm", prepare=prepare) as guest:
        words = guest.check("journalctl -b -o cat -u sshd-vsock-provision")
        assert guest.run(f"grep AuthorizedKeysFile {UNITS}/sshd-vsock@.service").status == 1, words
        assert guest.check("systemctl show -P ExecMainStatus sshd-vsock-provision") == "4\n", words
        assert "verified: SSH-2.0" in words and "was shown to log in through it" in words, words
        if units == UNITS:
            guest.check("ls /etc/systemd/system/sshd-vsock@.service.sshd-vsock-saved")
        guest.check("sshd-vsock remove" if units == UNITS else "sshd-vsock remove --no-verify")
        assert guest.ssh("true").status == 0


@pytest.mark.parametrize("units", (UNITS, "/usr/lib/systemd/system"))
def test_nothing_is_taken_over_early_in_a_boot_where_nothing_can_be_verified(units, program):
    """What else leads in is not known by then."""
    def prepare(guest):
        without_loopback(guest)
        early(guest, program, units)
        guest.chroot("systemctl enable -q early.service")
    with Guest("bookworm", prepare=prepare) as guest:
        words = guest.check("journalctl -b -o cat -u early.service")
        assert "nothing was touched; fix: run it when the system has booted; or \"sshd-vsock apply --takeover " \
            "--no-verify\"\n" in words, words
        assert guest.run(f"ls {UNITS}/sshd-vsock-provision.service").status != 0
        assert guest.ssh("true").status == 0
        apply(guest, status=1, options="--takeover")  # and now it is known that nothing does
        guest.check("ip link set lo up; systemctl enable -q --now ssh.service")
        apply(guest, status=3, options="--takeover")
