"""`remove` gives back the very system that `apply` was given, and never takes the last way in."""

import pytest

from guest import Guest
from guest.steps import ANYWHERE, apply, listeners, meanwhile
from guest.steps import UNITS as UNIT_DIR

# Every path of the system's configuration and homes with all that can be told of it, but for the
# times of folders, in which files came and went.
EVERY_RUN = 4
ALWAYS = ("test_everything_is_what_it_was",
          "test_last_way_in_is_not_removed",
          "test_tcp_that_does_not_open_again_keeps_the_door",
          "test_sshd_that_no_network_leads_to",
          "test_masked_sshd_that_still_runs_is_no_way_in",
          "test_boot_that_went_to_another_target",
          "test_sshd_that_will_refuse_its_configuration_is_no_way_in",
          "test_generated_listener_counts_where_the_boot_made_it",
          "test_socket_that_the_last_reload_closes",
          "test_own_unit_that_comes_back_has_to_answer")
EVERYTHING = r"""
find /etc /root /home /usr/local ! -type d -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
find /etc /root /home /usr/local -type d -printf '%p %y %m %U:%G\n' | sort
find /etc /root /home -type f -print0 | sort -z | xargs -0 md5sum
"""

UNITS = ("for unit in ssh.service ssh.socket sshd-vsock.socket sshd-vsock-provision "
         "sshd-vsock-keygen 'sshd-vsock@x'; do echo $unit $(systemctl is-enabled $unit 2>&1) "
         "$(systemctl is-active $unit); done; systemctl --failed --no-legend;"
         "systemctl list-unit-files --no-legend 'ssh*'")

# All that apply can do at once, in the two ways that exclude each other.
FULL = {
    "disable_tcp": "port: 2222\ndisable_tcp: true\nhushlogin: true\n",
    "listen_address": "listen_address: ['127.0.0.1', '127.0.0.1:2200']\nhushlogin: [root, ana]\n",
}
# Shared files, which are edited there and back: bytes, mode and owner return, the time cannot.
EDITED = {
    "disable_tcp": {"/etc/hosts"},
    "listen_address": {"/etc/hosts", "/etc/ssh/sshd_config.d/60-mine.conf"},
}


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("useradd -m -s /bin/bash ana; ip link set lo up;"
                    "printf 'ListenAddress 0.0.0.0\\nListenAddress ::' "
                    ">/etc/ssh/sshd_config.d/60-mine.conf;"
                    "chmod 0640 /etc/ssh/sshd_config.d/60-mine.conf;"
                    "chown ana:ana /etc/ssh/sshd_config.d/60-mine.conf;"
                    "sed -i 's/localhost/localhost   # tabs and all/' /etc/hosts;"
                    "chmod 0664 /etc/hosts; systemctl restart ssh")
        yield guest


def without_times(line, paths):
    """A line of the listing; of shared files that were edited, without its time."""
    return line.rsplit(" ", 2)[0] if line.split(" ", 1)[0] in paths else line


@pytest.mark.parametrize("close", FULL)
def test_everything_is_what_it_was(close, guest):
    guest.put("/etc/sshd-vsock.yaml", FULL[close])
    before, units = guest.check(EVERYTHING), guest.check(UNITS)
    addresses = listeners(guest)
    apply(guest)
    assert listeners(guest) != addresses
    assert guest.check(EVERYTHING) != before
    result = guest.run("sshd-vsock remove")
    assert result.status == 0, result.stderr
    after = [[without_times(line, EDITED[close]) for line in listing.splitlines()]
             for listing in (before, guest.check(EVERYTHING))]
    assert after[0] == after[1]
    assert guest.check(UNITS) == units
    assert listeners(guest) == addresses
    with pytest.raises(ConnectionError):
        guest.banner(2222 if close == "disable_tcp" else 22)
    again = guest.run("sshd-vsock remove")
    assert (again.status, "nothing to do" in again.stderr) == (0, True)


def test_tcp_opens_before_the_door_goes(guest):
    apply(guest, "disable_tcp: true\n")
    result = guest.run("sshd-vsock remove")
    lines = result.stderr.splitlines()
    start = next(i for i, line in enumerate(lines) if "systemctl start ssh.service" in line)
    stop = next(i for i, line in enumerate(lines) if "systemctl stop sshd-vsock.socket" in line)
    assert result.status == 0 and start < stop
    assert listeners(guest) == ANYWHERE


def test_last_way_in_is_not_removed(guest):
    """The administrator himself has closed TCP: nothing of ours would open it again."""
    apply(guest, "port: 22\n")
    with meanwhile(guest, "systemctl disable -q --now ssh.service",
                   "systemctl enable -q --now ssh.service"):
        before = guest.check(EVERYTHING)
        result = guest.run("sshd-vsock remove")
        assert result.status == 4, result.stderr
        assert "the vsock listener is the only way in and stays" in result.stderr
        assert "fix: systemctl enable ssh.service; " in result.stderr
        assert guest.check(EVERYTHING) == before
        assert guest.ssh("exit 5").status == 5
        assert guest.run("sshd-vsock remove --no-verify").status == 0
    assert listeners(guest) == ANYWHERE


# All that a boot needs for the listener to be there, and its logins to be quick.
LISTENER = ("md5sum /etc/systemd/system/sshd-vsock* /etc/modules-load.d/sshd-vsock.conf"
            " /etc/systemd/system-preset/10-sshd-vsock.preset; grep UNKNOWN /etc/hosts")


def test_tcp_that_does_not_open_again_keeps_the_door(guest):
    """Its unit is there and enabled, and still does not start."""
    apply(guest, "disable_tcp: true\n")
    before = guest.check(LISTENER)
    with meanwhile(guest, "mkdir /run/systemd/system/ssh.service.d;"
                          "printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=no\\n'"
                          " >/run/systemd/system/ssh.service.d/x.conf; systemctl daemon-reload",
                   "rm -r /run/systemd/system/ssh.service.d; systemctl daemon-reload"):
        result = guest.run("sshd-vsock remove")
        assert result.status == 1, result.stderr
        assert "error: systemd: start ssh.service: the job ended as \"failed\"; fix: " in result.stderr
        assert guest.ssh("exit 5").status == 5
        assert guest.check(LISTENER) == before
    guest.check("systemctl reset-failed; sshd-vsock apply; sshd-vsock remove")
    assert listeners(guest) == ANYWHERE


@pytest.mark.parametrize("closed", ("{}\n", "disable_tcp: true\n"))
def test_sshd_that_no_network_leads_to(closed, guest):
    """It listens on all addresses, and the machine has none that another one knows."""
    apply(guest, closed)
    before = guest.check(LISTENER)
    with meanwhile(guest, "ip link set dummy0 down",
                   "ip link set dummy0 up; ip address add 2001:db8::2/64 dev dummy0 nodad"):
        result = guest.run("sshd-vsock remove")
        assert result.status == 4, result.stderr
        assert "error: for want of a network card's address no sshd listens on TCP" in result.stderr
        assert guest.ssh("exit 5").status == 5
        assert guest.check(LISTENER) == before
    (fix,) = {line.split("; fix: ", 1)[1] for line in result.stderr.splitlines() if "; fix: " in line}
    words, command = fix.split("; then ")
    assert words == ('give a network card of this machine an address on which sshd listens ("ip address" '
                     "shows those it has)")
    guest.check(command.strip('"'))
    assert listeners(guest) == ANYWHERE
    assert guest.run("systemctl is-active sshd-vsock.socket").status != 0


@pytest.mark.parametrize("address,there", (
    ("0.0.0.0", "192.0.2.2/24"), ("::", "2001:db8::2/64"), ("192.0.2.2", "192.0.2.2/24")))
def test_network_of_the_family_that_sshd_listens_on(address, there, guest):
    apply(guest, "")
    lines = "/etc/ssh/sshd_config.d/60-mine.conf"
    with meanwhile(guest, f"cp -p {lines} /root/mine; echo ListenAddress {address} >{lines};"
                          f"systemctl restart ssh; ip address del {there} dev dummy0",
                   f"ip address replace {there} dev dummy0; cp -p /root/mine {lines}; rm /root/mine;"
                   "systemctl restart ssh"):
        assert guest.run("sshd-vsock remove").status == 4
        guest.check(f"ip address add {there} dev dummy0")
        assert guest.run("sshd-vsock remove").status == 0


# A container's, which runs where its other end does, and has an address; another name of a card's.
INTERFACES = {
    "veth": (4, "peer name v1; ip link set v1 up; ip link set dummy0 down"),
    "macvlan": (0, "; ip address flush dev dummy0"),
    "veth routed": (0, "peer name v1; ip link set v1 up; ip link set dummy0 down"),
}


@pytest.mark.parametrize("kind", INTERFACES)
def test_network_of_a_card_and_no_other(kind, guest):
    status, more = INTERFACES[kind]
    kind, _, routed = kind.partition(" ")
    module = f"/usr/local/lib/guest-door/{kind}.ko"
    link = "link dummy0" if kind == "macvlan" else ""
    apply(guest, "{}\n")
    with meanwhile(guest, f"insmod {module} || modprobe {kind}; ip link add {link} name x0 type {kind} {more};"
                          "ip address add 172.17.0.1/16 dev x0; ip link set x0 up;"
                          f"{'ip route add default dev x0' if routed else ':'}",
                   "ip link del x0; ip link set dummy0 up; ip address replace 192.0.2.2/24 dev dummy0;"
                   "ip address replace 2001:db8::2/64 dev dummy0 nodad"):
        result = guest.run("sshd-vsock remove")
        assert result.status == status, result.stderr
        assert guest.run("systemctl is-active sshd-vsock.socket").status == (0 if status else 3)
    assert listeners(guest) == ANYWHERE


WHILE_ONE_WAITS = """
systemctl start --no-block sshd-vsock-provision
until journalctl -o cat -u sshd-vsock-provision | grep -q 'waiting for another run'; do sleep 0.1; done
rm /etc/systemd/system/sshd-vsock-provision.service /etc/systemd/system/multi-user.target.wants/sshd-vsock-provision.service
systemctl daemon-reload"""


def test_run_of_the_boot_that_waited_puts_nothing_back(guest):
    """`remove` has the lock; what it does last is done here, for it is quick."""
    apply(guest, "disable_tcp: true\n")
    guest.put("/root/remove", WHILE_ONE_WAITS)
    guest.check("install -m 0600 /dev/null /run/sshd-vsock.lock; flock /run/sshd-vsock.lock sh -eu /root/remove;"
                "while [ $(systemctl show -P MainPID sshd-vsock-provision) != 0 ]; do sleep 0.1; done", timeout=60)
    assert guest.run("ls /etc/systemd/system/sshd-vsock-provision.service").status
    said = guest.check("journalctl -o cat -u sshd-vsock-provision")
    assert "nothing to do: sshd-vsock was removed while this run waited" in said
    assert guest.run("systemctl is-failed -q sshd-vsock-provision").status
    assert "systemctl start ssh.service" in guest.run("sshd-vsock remove").stderr
    assert listeners(guest) == ANYWHERE


LASTING = "no sshd that the next boot starts listens on TCP where another machine could connect"


def refused(guest):
    """The vsock listener stays, and lets one in; what was said."""
    result = guest.run("sshd-vsock remove", timeout=120)
    assert result.status == 4, result.stderr
    assert guest.ssh("exit 5").status == 5
    return result.stderr


def test_masked_sshd_that_still_runs_is_no_way_in(guest):
    apply(guest, "")
    with meanwhile(guest, "systemctl mask -q ssh.service", "systemctl unmask -q ssh.service"):
        said = refused(guest)
        assert LASTING in said
        (fix,) = {line.split("; fix: ", 1)[1] for line in said.splitlines() if "; fix: " in line}
        assert fix.startswith("systemctl unmask ssh.service; ") and fix.endswith("sshd-vsock remove")
        guest.check(f"set -e; {fix}")
        assert listeners(guest) == ANYWHERE


def test_sshd_that_is_enabled_for_this_boot_alone_is_no_way_in(guest):
    """What it wants to be started by is in /run."""
    apply(guest, "")
    with meanwhile(guest, "systemctl disable -q ssh.service; systemctl enable -q --runtime ssh.service",
                   "systemctl disable -q --runtime ssh.service; systemctl enable -q ssh.service"):
        assert guest.check("systemctl show -P WantedBy ssh.service") == "multi-user.target\n"
        said = refused(guest)
        assert LASTING in said
        (fix,) = {line.split("; fix: ", 1)[1] for line in said.splitlines() if "; fix: " in line}
        assert "systemctl enable ssh.service; " in fix and fix.endswith("sshd-vsock remove")
        guest.check(f"set -e; {fix}")
        assert listeners(guest) == ANYWHERE


def test_sshd_that_is_not_to_be_run_is_no_way_in(guest):
    """Debian's mark for its units came after it had been started."""
    apply(guest, "")
    with meanwhile(guest, "touch /etc/ssh/sshd_not_to_be_run", "rm -f /etc/ssh/sshd_not_to_be_run"):
        said = refused(guest)
        assert LASTING in said
        (fix,) = {line.split("; fix: ", 1)[1] for line in said.splitlines() if "; fix: " in line}
        assert fix.startswith("rm /etc/ssh/sshd_not_to_be_run; ") and fix.endswith("sshd-vsock remove")
        guest.check(f"set -e; {fix}")
        assert listeners(guest) == ANYWHERE


def test_boot_that_went_to_another_target(program):
    """systemd.unit= is of that boot; of what leads to sshd systemd then remembers less."""
    with Guest("trixie", cmdline="systemd.unit=multi-user.target") as guest:
        guest.install(program)
        apply(guest)
        # the alias stays: systemd 257 forgets an sshd that runs where that goes and comes back
        link = f"{UNIT_DIR}/multi-user.target.wants/ssh.service"
        guest.check(f"mv {link} /root/; systemctl daemon-reload")
        assert LASTING in refused(guest)
        guest.check(f"mv /root/ssh.service {link}; systemctl daemon-reload; sshd-vsock remove")
        assert listeners(guest) == ANYWHERE


def test_sshd_that_listens_elsewhere_when_it_starts_again_is_no_way_in(guest):
    """It listens for others only as long as nobody restarts it."""
    apply(guest, "")
    lines = "/etc/ssh/sshd_config.d/60-mine.conf"
    with meanwhile(guest, f"cp -p {lines} /root/mine; echo ListenAddress 127.0.0.1 >{lines}",
                   f"cp -p /root/mine {lines}; rm /root/mine; systemctl restart ssh"):
        said = refused(guest)
        assert LASTING in said
        (fix,) = {line.split("; fix: ", 1)[1] for line in said.splitlines() if "; fix: " in line}
        assert fix.startswith(f"sed -i '1s/^/#/' {lines}; ") and fix.endswith("sshd-vsock remove")
        guest.check(f"set -e; {fix}")
        assert listeners(guest) == ANYWHERE


def test_sshd_that_will_refuse_its_configuration_is_no_way_in(guest):
    """It runs by what was there when it started; the vsock listener reads it at each connection."""
    apply(guest, "")
    typo = "/etc/ssh/sshd_config.d/20-typo.conf"
    with meanwhile(guest, f"echo Foo bar >{typo}", f"rm -f {typo}"):
        result = guest.run("sshd-vsock remove", timeout=120)
        assert (result.status, LASTING in result.stderr) == (4, True), result.stderr
        (fix,) = {line.split("; fix: ", 1)[1] for line in result.stderr.splitlines() if "; fix: " in line}
        words, command = fix.split("; then ")
        assert words == 'correct what "sshd -t" names'
        assert f"{typo}: line 1" in guest.run("sshd -t").stderr
        guest.check(f"rm {typo}; set -e; {command.strip(chr(34))}")
        assert listeners(guest) == ANYWHERE


GENERATED = "/run/systemd/generator/sshd-vsock.socket"
EARLY = "#!/bin/sh\nmodprobe vmw_vsock_virtio_transport\nexec /sbin/init\n"


@pytest.mark.parametrize("early", (False, True))
def test_generated_listener_counts_where_the_boot_made_it(early, program):
    """Its generator looks for the transport, which modules-load.d brings only after that; an initial
    RAM disk brings it before."""
    with Guest("trixie", cmdline="init=/early" if early else "",
               prepare=lambda guest: guest.put("/early", EARLY, mode=0o755)) as guest:
        guest.install(program)
        apply(guest)
        if not early:
            guest.check("systemctl daemon-reload; sshd-vsock remove")
        guest.check(f"systemctl disable -q --now ssh.service; ls {GENERATED}")
        assert "systemd's generator answers and is left as it is" in apply(guest).stderr
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == (0 if early else 4), result.stderr
        guest.reboot()
        assert guest.ssh("exit 5").status == 5
        assert guest.run("test -e /etc/systemd/system/sshd-vsock.socket").status == early


@pytest.fixture(scope="module", name="sockets")
def boot_with_sockets(program):
    """sshd is started by ssh.socket."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket")
        yield guest


MOVED = f"{UNIT_DIR}/ssh.socket.d/mine.conf"


def move_socket(guest, addresses):
    """The administrator's own drop-in, which systemd has not read."""
    guest.put(MOVED, "[Socket]\nListenStream=\n" +
              "".join(f"ListenStream={address}\n" for address in addresses))


@pytest.fixture(name="moved")
def end_of_move(sockets):
    yield sockets
    sockets.run(f"rm {MOVED}; systemctl daemon-reload; systemctl stop ssh.service taken.service;"
                "systemctl reset-failed; systemctl restart ssh.socket")


def test_socket_whose_change_nobody_read_opens_before_the_door_goes(moved):
    apply(moved, "{}\n")
    move_socket(moved, ["0.0.0.0:2222"])
    result = moved.run("sshd-vsock remove")
    assert result.status == 0, result.stderr
    lines = result.stderr.splitlines()
    assert lines.index("sshd-vsock: systemctl restart ssh.socket") < lines.index(
        "sshd-vsock: systemctl stop sshd-vsock.socket")
    assert listeners(moved) == {"0.0.0.0:2222"}
    assert "nothing to do" in moved.run("sshd-vsock remove").stderr


def test_socket_whose_change_nobody_read_does_not_open(moved):
    """Somebody else has the port that it moves to."""
    apply(moved, "{}\n")
    move_socket(moved, ["0.0.0.0:2222"])
    moved.check("systemd-run -q --unit=taken socat TCP-LISTEN:2222,fork -;"
                "until ss -ltnH | grep -q :2222; do sleep 0.05; done")
    result = moved.run("sshd-vsock remove", timeout=120)
    assert result.status == 1, result.stderr
    assert "error: systemd: restart ssh.socket: the job ended as \"failed\"; fix: " in result.stderr
    assert moved.ssh("exit 5").status == 5


def test_address_of_a_socket_that_is_of_this_boot_only(moved):
    """A drop-in in /run opens what the unit's files do not."""
    apply(moved, "{}\n")
    move_socket(moved, ["127.0.0.1:22"])
    runtime = "/run/systemd/system/ssh.socket.d"
    with meanwhile(moved, f"mkdir {runtime}; printf '[Socket]\nListenStream=\nListenStream=0.0.0.0:22\n' >{runtime}/x.conf;"
                          "systemctl daemon-reload; systemctl restart ssh.socket", f"rm -r {runtime}"):
        assert listeners(moved) == {"0.0.0.0:22"}
        said = refused(moved)
        assert LASTING in said
        (fix,) = {line.split("; fix: ", 1)[1] for line in said.splitlines() if "; fix: " in line}
        words, command = fix.split("; then ")
        assert words.startswith("have ssh.socket listen on an address that others reach, not on ")
        move_socket(moved, ["0.0.0.0:22"])
        moved.check(f"set -e; rm {runtime}/x.conf; {command.strip(chr(34))}")
        assert listeners(moved) == {"0.0.0.0:22"}


def test_sshd_behind_a_socket_that_refuses_its_configuration_is_no_way_in(moved):
    apply(moved, "{}\n")
    with meanwhile(moved, "echo Foo bar >/etc/ssh/sshd_config.d/20-typo.conf",
                   "rm /etc/ssh/sshd_config.d/20-typo.conf"):
        result = moved.run("sshd-vsock remove", timeout=120)
        assert (result.status, LASTING in result.stderr) == (4, True), result.stderr
    assert moved.run("sshd-vsock remove").status == 0


OWN = """[Socket]
ListenStream=0.0.0.0:2222
Accept=yes
[Install]
WantedBy=sockets.target
"""


@pytest.mark.parametrize("taken", (False, True))
def test_socket_that_the_last_reload_closes(taken, moved):
    """A unit of any name: what is read of it is known when it is too late. It is bound anew, and where that cannot
    be, all is taken back."""
    apply(moved, "{}\n")
    if taken:
        moved.check("systemd-run -q --unit=taken socat TCP-LISTEN:2223 -")
    moved.put(f"{UNIT_DIR}/mine.socket", OWN)
    moved.put(f"{UNIT_DIR}/mine@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n")
    with meanwhile(moved, "systemctl daemon-reload; systemctl disable -q --now ssh.socket ssh.service;"
                          "systemctl enable -q --now mine.socket;"
                          f"sed -i s/2222/2223/ {UNIT_DIR}/mine.socket",
                   f"systemctl disable -q --now mine.socket; rm {UNIT_DIR}/mine*;"
                   "systemctl enable -q --now ssh.socket"):
        before = moved.check(f"md5sum {UNIT_DIR}/sshd-vsock*")
        if taken:
            assert "rolled back: sshd-vsock.socket restored" in refused(moved)
            assert moved.check(f"md5sum {UNIT_DIR}/sshd-vsock*") == before
            moved.check("systemctl stop taken; systemctl restart mine.socket")
            assert "nothing to do" in apply(moved).stderr  # all that went is there again
        assert moved.run("sshd-vsock remove").status == 0
        assert listeners(moved) == {"0.0.0.0:2223"}


HAND = f"""
printf '[Socket]\\nListenStream=vsock::2200\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' >{UNIT_DIR}/sshd-vsock.socket
printf '[Service]\\nExecStart=-/usr/sbin/sshd -i -f /etc/ssh/vsock_config\\nStandardInput=socket\\n' >{UNIT_DIR}/sshd-vsock@.service
cp /etc/ssh/sshd_config /etc/ssh/vsock_config
systemctl daemon-reload; systemctl enable -q --now sshd-vsock.socket; systemctl disable -q --now ssh.socket ssh.service"""


def test_own_unit_that_comes_back_has_to_answer(sockets):
    """All that leads in then is what the administrator had written, and it has to work still."""
    with meanwhile(sockets, f"{HAND}; modprobe vmw_vsock_virtio_transport",
                   f"systemctl disable -q --now sshd-vsock.socket; rm -f {UNIT_DIR}/sshd-vsock*;"
                   "systemctl daemon-reload; systemctl enable -q --now ssh.socket"):
        apply(sockets, "{}\n", options="--takeover")
        assert sockets.ssh("exit 5").status == 5
        sockets.check("mv /etc/ssh/vsock_config /root/")
        said = refused(sockets)
        assert "sshd-vsock.socket does not answer: " in said
        assert "rolled back: sshd-vsock.socket restored" in said
        with pytest.raises(ConnectionError):
            sockets.banner(2200)
        apply(sockets)
        sockets.check("mv /root/vsock_config /etc/ssh/")
        result = sockets.run("sshd-vsock remove")
        assert result.status == 0, result.stderr
        assert sockets.ssh("exit 5", port=2200).status == 5
