"""The kernel is asked: where sshd really listens beside what listen_address wants, and whether another
way in really exists before `remove` takes the door. Every fix is run as it is printed."""

import json
import re

import pytest

from guest import Guest
from guest.steps import ANYWHERE, CONFIG, UNITS, apply, dropin, listeners, meanwhile

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 1
ALWAYS = ("test_closing_after_which_nothing_listens_is_undone",
          "test_options_of_the_unit_win[-f /etc]",
          "test_address_that_the_machine_lacks_changes_nothing",
          "test_tcp_that_went_down_since_is_said_and_remove_brings_it_back",
          "test_socket_unit_that_cannot_start",
          "test_restart_loop_is_no_way_in",
          "test_loopback_is_no_way_in",
          "test_unit_that_failed_is_named",
          "test_sshd_that_never_gets_up_again_keeps_the_door")

LISTEN = "listen_address: 127.0.0.1\n"
HERE = {"127.0.0.1:22"}
CLAIM = "TCP listens as listen_address says"
ABSENT = "192.168.77.222"
RELOAD = "ExecReload=/bin/kill -HUP $MAINPID"


@pytest.fixture(scope="module", name="machine", params=["bookworm", "forky"])
def boot(request, program):
    with Guest(request.param) as guest:
        guest.install(program)
        # else systemd's own units are there when ours are gone
        guest.check("ip link set lo up; useradd -m -s /bin/bash ana; mkdir -p /etc/systemd/system-generators;"
                    "ln -s /dev/null /etc/systemd/system-generators/systemd-ssh-generator")
        yield guest


@pytest.fixture(name="guest")
def clean(machine):
    """A system that knows nothing of the program, before and after."""
    yield machine
    machine.check(f"sshd-vsock remove --no-verify; rm -f {CONFIG}; systemctl reset-failed;"
                  "systemctl enable -q ssh.service; systemctl restart ssh.service", timeout=120)


def fix_of(result):
    """The commands behind the one error."""
    (line,) = [line for line in result.stderr.splitlines() if "error: " in line]
    return line.split("fix: ", 1)[1]


def mended(guest):
    """The next run is content, and so is status."""
    apply(guest)
    status = guest.run("sshd-vsock status")
    assert (status.status, status.stdout.endswith("drift   none\n")) == (0, True), status.stdout


def beyond(guest, addresses, unit):
    """Applies listen_address, which is not enough; returns the fix."""
    for run in "closing", "again":
        result = apply(guest, LISTEN, 1)
        assert f"sshd listens on TCP beyond listen_address: {addresses} ({unit}, " in result.stderr
        assert CLAIM not in result.stderr, run
    report = json.loads(guest.run("sshd-vsock --json apply").stdout)
    assert report["error"]["cause"] == "tcp-open"
    assert report["error"]["fix"] == fix_of(result)
    status = guest.run("sshd-vsock status")
    assert status.status == 10
    assert f"sshd listens on TCP beyond listen_address; fix: {fix_of(result)}\n" in (
        status.stdout)
    return fix_of(result)


@pytest.mark.parametrize("option,addresses", [
    ("-f /etc/ssh/sshd_config_readonly", "0.0.0.0:22 [::]:22"),
    ("-o ListenAddress=0.0.0.0:2222", "0.0.0.0:2222"),
])
def test_options_of_the_unit_win(option, addresses, guest):
    with meanwhile(guest, "cp /etc/ssh/sshd_config /etc/ssh/sshd_config_readonly;"
                          "sed -i /^Include/d /etc/ssh/sshd_config_readonly;"
                          "cp -a /etc/default/ssh /root/kept;"
                          f"echo 'SSHD_OPTS=\"{option} -o LogLevel=VERBOSE\"' >/etc/default/ssh;"
                          "systemctl restart ssh",
                   "rm /etc/ssh/sshd_config_readonly; mv /root/kept /etc/default/ssh"):
        guest.check(beyond(guest, addresses, "ssh.service"))
        mended(guest)
        assert listeners(guest) == HERE
        assert "LogLevel=VERBOSE" in guest.check("systemctl show -P StatusText ssh; ps ax")


def test_host_keys_that_only_the_unit_knows(guest):
    """sshd is asked as its unit asks it: alone it would refuse to start (-T, before 9.3)."""
    with meanwhile(guest, f"""mkdir /var/lib/ssh; mv /etc/ssh/ssh_host_* /var/lib/ssh; cp -a /etc/default/ssh /root/kept
            echo 'SSHD_OPTS="-h /var/lib/ssh/ssh_host_ed25519_key"' >/etc/default/ssh
            mkdir {UNITS}/ssh.service.d; printf '[Service]\\nExecStartPre=\\nExecReload=\\n{RELOAD}\\n' \
            >{UNITS}/ssh.service.d/x.conf; systemctl daemon-reload; systemctl restart ssh""",
                   f"""mv /var/lib/ssh/* /etc/ssh; rm -r /var/lib/ssh {UNITS}/ssh.service.d
            mv /root/kept /etc/default/ssh; systemctl daemon-reload; systemctl restart ssh"""):
        apply(guest, "listen_address: 127.0.0.1\n")
        assert listeners(guest) == HERE


def test_options_in_a_drop_in_of_the_unit_win(guest):
    path = f"{UNITS}/ssh.service.d/x.conf"
    with meanwhile(guest, "cp /etc/ssh/sshd_config /etc/ssh/other;"
                          f"sed -i /^Include/d /etc/ssh/other; mkdir -p {UNITS}/ssh.service.d;"
                          "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D "
                          f"-f /etc/ssh/other\\n' >{path}; systemctl daemon-reload;"
                          "systemctl restart ssh",
                   f"rm {path} /etc/ssh/other; systemctl daemon-reload"):
        guest.check(beyond(guest, "0.0.0.0:22 [::]:22", "ssh.service"))
        mended(guest)
        assert listeners(guest) == HERE


def test_second_unit(guest):
    guest.put(f"{UNITS}/my-sshd.service", "[Service]\nExecStart=/usr/sbin/sshd -D -p 2222 "
              "-o ListenAddress=0.0.0.0\nRuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n"
              "[Install]\nWantedBy=multi-user.target\n")
    guest.check("systemctl daemon-reload; systemctl enable -q --now my-sshd.service;"
                "until ss -ltnH | grep -q :2222; do sleep 0.05; done")
    guest.check(beyond(guest, "0.0.0.0:2222", "my-sshd.service"))
    mended(guest)
    assert listeners(guest) == HERE
    guest.check(f"rm {UNITS}/my-sshd.service; systemctl daemon-reload")


USE_SOCKET = "systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket"
USE_SERVICE = ("systemctl stop ssh.service; systemctl disable -q --now ssh.socket;"
               "systemctl reset-failed; systemctl enable -q --now ssh.service")


@pytest.mark.parametrize("more", ("", "ListenStream=vsock::2300\\n"))
def test_extra_stream_of_the_socket_unit(more, guest):
    folder = f"{UNITS}/ssh.socket.d"
    with meanwhile(guest, f"{USE_SOCKET}; mkdir -p {folder}; printf '[Socket]\\nListenStream="
                          f"0.0.0.0:2022\\n{more}' >{folder}/zzz.conf; systemctl daemon-reload;"
                          "systemctl restart ssh.socket",
                   f"rm -rf {folder}; systemctl daemon-reload; {USE_SERVICE}"):
        guest.check(beyond(guest, "0.0.0.0:2022", "ssh.socket"))
        mended(guest)
        assert listeners(guest) == HERE


def test_many_addresses_of_the_socket_unit(guest):
    """As many as there may be, each as long as can be: a second run has nothing to do."""
    many = [f"fd12:3456:789a:bcde:f012:3456:789a:{n:x}" for n in range(0xbc01, 0xbc11)]
    change = "; ".join(f"ip -6 address $do {address}/128 dev lo" for address in many)
    with meanwhile(guest, f"{USE_SOCKET}; do=add; {change}", f"{USE_SERVICE}; do=del; {change}"):
        apply(guest, f"listen_address: [{', '.join(repr(address) for address in many)}]\n")
        assert listeners(guest) == {f"[{address}]:22" for address in many}
        mended(guest)


def test_address_that_the_machine_lacks_changes_nothing(guest):
    result = apply(guest, f"listen_address: {ABSENT}\n", 1)
    assert f"no address of listen_address is one of this machine's: {ABSENT}; fix: " in (
        result.stderr)
    assert CLAIM not in result.stderr and "reload ssh.service" not in result.stderr
    assert listeners(guest) == ANYWHERE
    with meanwhile(guest, f"ip address add {ABSENT}/32 dev lo",  # as told
                   f"ip address del {ABSENT}/32 dev lo"):
        mended(guest)
        assert listeners(guest) == {f"{ABSENT}:22"}


def test_one_address_of_two_that_the_machine_lacks_is_named(guest):
    for run in "closing", "again":
        result = apply(guest, f"listen_address: [127.0.0.1, {ABSENT}]\n")
        assert f"no sshd listens on {ABSENT} of listen_address\n" in result.stderr, run
        assert listeners(guest) == HERE
    assert f"        not listening: {ABSENT}\n" in guest.check("sshd-vsock status")
    apply(guest, "")
    assert f"{CLAIM}, but for {ABSENT}\n" in apply(
        guest, f"listen_address: [127.0.0.1, {ABSENT}]\n").stderr


def test_closing_after_which_nothing_listens_is_undone(guest):
    """Somebody else has the port; until sshd tries, nobody knows."""
    with meanwhile(guest, "systemd-run -q --unit=taken socat TCP-LISTEN:2200,bind=127.0.0.1,fork -;"
                          "until ss -ltnH | grep -q :2200; do sleep 0.05; done",
                   "systemctl stop taken"):
        result = apply(guest, "listen_address: '127.0.0.1:2200'\n", 1)
        assert "error: no sshd listens on TCP, though listen_address wants one to (ssh.service: " in (
            result.stderr)
        assert "Address already in use" in result.stderr
        assert "warning: rolled back: TCP listeners restored\n" in result.stderr
        assert CLAIM not in result.stderr
        assert listeners(guest) == ANYWHERE
        assert guest.run("ls /etc/ssh/sshd_config.d/10-sshd-vsock.conf").status != 0
        report = json.loads(guest.run("sshd-vsock --json apply").stdout)
        assert report["error"]["cause"] == "tcp-down"
        assert listeners(guest) == ANYWHERE
    mended(guest)


def test_tcp_that_went_down_since_is_said_and_remove_brings_it_back(guest):
    guest.check(f"ip address add {ABSENT}/32 dev lo")
    apply(guest, f"listen_address: {ABSENT}\n")
    guest.check(f"ip address del {ABSENT}/32 dev lo")
    guest.run("systemctl restart ssh.service")
    result = apply(guest, status=1)
    assert "nothing to do" in result.stderr
    assert "no sshd listens on TCP, though listen_address wants one to" in result.stderr
    status = guest.run("sshd-vsock status")
    assert status.status == 10
    assert "drift   no sshd listens on TCP, though" in status.stdout
    result = guest.run("sshd-vsock remove", timeout=120)
    assert result.status == 0, result.stderr
    assert listeners(guest) == ANYWHERE


def test_socket_unit_that_cannot_start(guest):
    folder = f"{UNITS}/ssh.socket.d"
    with meanwhile(guest, "systemctl disable -q --now ssh.service; mkdir -p "
                          f"{folder}; printf '[Socket]\\nListenStream=\\nListenStream=0.0.0.0:1122"
                          f"\\nListenStream=[::]:1122\\n' >{folder}/addresses.conf;"
                          "systemctl daemon-reload; systemctl enable -q ssh.socket;"
                          "! systemctl start ssh.socket",
                   f"rm -r {folder}; systemctl daemon-reload; {USE_SERVICE}"):
        result = apply(guest, LISTEN, 1)
        assert "wants one to (ssh.socket: " in result.stderr
        assert CLAIM not in result.stderr
        assert listeners(guest) == set()
        assert guest.run(f"ls {folder}/zz-sshd-vsock.conf").status != 0


def test_where_no_sshd_runs_there_is_nothing_to_prove(guest):
    with meanwhile(guest, "systemctl disable -q --now ssh.service",
                   "systemctl enable -q ssh.service"):
        result = apply(guest, LISTEN)
        assert "listen_address is set; no sshd runs on TCP\n" in result.stderr
        mended(guest)


def test_strangers_process_named_sshd_does_not_count(guest):
    """Nor does it cost much: its thousands of sockets are not looked at."""
    guest.put("/root/many.pl", """use Socket;
        my @k;
        for my $i (0 .. 5999) {
            socket(my $s, AF_INET, SOCK_STREAM, 0) or last;
            bind($s, sockaddr_in(20000 + $i, pack('C4', 127, 0, 0, 1))) or last;
            listen($s, 1) or last; push @k, $s
        }
        for (2 .. 5) { fork or last }
        sleep 300;""")
    guest.check("install -m 0755 /usr/bin/perl /usr/local/bin/sshd; chmod 0711 /root;"
                "install -m 0644 /root/many.pl /home/ana/;"
                "systemd-run -q --unit=many -p User=ana -p LimitNOFILE=10000 "
                "/usr/local/bin/sshd /home/ana/many.pl;"
                "until ss -ltnH | grep -q :25999; do sleep 0.1; done")
    try:
        for config in "disable_tcp: true\n", LISTEN:
            result = apply(guest, config)
            assert len(result.stderr) < 5000
        assert "20000" not in guest.check("sshd-vsock status")
    finally:
        guest.check("systemctl stop many; rm /usr/local/bin/sshd; chmod 0700 /root")


@pytest.mark.parametrize("broken,words", [
    ("echo 'KexAlgorithms no-such-thing' >/etc/ssh/sshd_config.d/50-x.conf",
     "/etc/ssh/sshd_config.d/50-x.conf line 1: Bad SSH2 KexAlgorithms 'no-such-thing'."),
    ("mkdir -p /run/systemd/system/ssh.service.d; printf '[Service]\\nExecReload=\\n"
     "ExecReload=/bin/false\\n' >/run/systemd/system/ssh.service.d/x.conf;"
     "systemctl daemon-reload", ""),
])
def test_unit_that_failed_is_named(broken, words, guest):
    apply(guest, LISTEN)
    with meanwhile(guest, broken, "rm -rf /etc/ssh/sshd_config.d/50-x.conf "
                                  "/run/systemd/system/ssh.service.d; systemctl daemon-reload"):
        result = apply(guest, "", 1)
        assert "error: systemd: reload ssh.service: the job ended as \"failed\"" in result.stderr
        assert words in result.stderr
        assert "socket unit failed" not in result.stderr
        assert "sshd-vsock.socket" not in fix_of(result)


# ---- remove --------------------------------------------------------------------------------------

ONLY = "the vsock listener is the only way in and stays"


def refused(guest):
    """The door stays, and still lets one in; the fix."""
    result = guest.run("sshd-vsock remove", timeout=120)
    assert result.status == 4, result.stderr
    assert ONLY in result.stderr
    assert guest.ssh("exit 5").status == 5
    return fix_of(result)


def advice_works(guest):
    """To the letter, `remove` at its end included."""
    fix = refused(guest)
    assert fix.endswith("; sshd-vsock remove")
    guest.check(f"set -e; {fix}", timeout=120)
    assert guest.run("systemctl is-active sshd-vsock.socket").status != 0
    assert listeners(guest) == ANYWHERE


def test_disabled_by_the_administrator(guest):
    apply(guest, "")
    guest.check("systemctl disable -q --now ssh.service")
    advice_works(guest)


def test_masked_by_the_administrator(guest):
    apply(guest, "")
    guest.check("systemctl mask -q --now ssh.service")
    advice_works(guest)


def test_masked_and_still_open(guest):
    """A mask stops nothing that runs."""
    apply(guest, "")
    with meanwhile(guest, "systemctl mask -q ssh.service", "systemctl unmask -q ssh.service"):
        assert "ssh.service: open, though masked\n" in guest.run("sshd-vsock status").stdout


def test_masked_until_the_next_boot(guest):
    """Whoever opens TCP again starts what can be started."""
    apply(guest, "disable_tcp: true\n")
    with meanwhile(guest, "systemctl mask -q --runtime ssh.service", "systemctl unmask -q --runtime ssh.service"):
        apply(guest, "{}\n")
        assert "nothing to do" in apply(guest).stderr
        apply(guest, "disable_tcp: true\n")
        advice_works(guest)


def test_disabled_while_our_mask_was_in_the_way(guest):
    """It does not start again by itself: that was the administrator's will."""
    apply(guest, "disable_tcp: true\n")
    guest.check(f"rm {UNITS}/multi-user.target.wants/ssh.service")
    advice_works(guest)


def test_restart_loop_is_no_way_in(guest):
    apply(guest, "")
    with dropin(guest, "ssh.service", "[Service]\nRestart=on-failure\nRestartSec=42s\n"
                                      "RestartPreventExitStatus=\n"):
        guest.put("/etc/ssh/sshd_config.d/a.conf", "ListenAddress 10.99.99.99\n")
        guest.run("systemctl restart ssh")
        guest.check("until [ $(systemctl show -P SubState ssh) = auto-restart ]; do sleep 0.1; done")
        advice_works(guest)
    guest.check("rm /etc/ssh/sshd_config.d/a.conf")


LASTING = "no sshd that the next boot starts listens on TCP where another machine could connect"


def ends(guest, script):
    """TCP until the next boot; the advice."""
    apply(guest, "")
    guest.check(script)
    result = guest.run("sshd-vsock remove", timeout=120)
    assert result.status == 4 and LASTING in result.stderr, result.stderr
    return fix_of(result)


def test_unit_that_starts_at_no_boot_is_no_way_in(guest):
    ends(guest, "systemctl disable -q ssh.service")
    advice_works(guest)


@pytest.mark.parametrize("way,words", (
    ("/usr/sbin/sshd", "kill "),
    ("systemd-run -q --unit=mine /usr/sbin/sshd -D", "systemctl stop mine.service; ")))
def test_sshd_by_hand_is_no_way_in(way, words, guest):
    fix = ends(guest, "systemctl disable -q --now ssh.service; mkdir -p /run/sshd; "
                      f"{way}; until ss -ltnH | grep -q :22; do sleep 0.05; done")
    assert fix.startswith(words)
    advice_works(guest)


def test_sshd_of_another_unit(guest):
    """Enabled it is a way in; else that is what is told."""
    with meanwhile(guest, "systemctl disable -q --now ssh.service",
                   f"systemctl stop my-sshd; rm -f {UNITS}/my-sshd.service"
                   f" {UNITS}/multi-user.target.wants/my-sshd.service; systemctl daemon-reload"):
        guest.put(f"{UNITS}/my-sshd.service", "[Service]\nExecStart=/usr/sbin/sshd -D -p 2222\n"
                  "RuntimeDirectory=sshd\n[Install]\nWantedBy=multi-user.target\n")
        fix = ends(guest, "systemctl daemon-reload; systemctl start my-sshd;"
                          "until ss -ltnH | grep -q :2222; do sleep 0.05; done")
        assert fix == "systemctl enable my-sshd.service; sshd-vsock remove"
        guest.check(f"set -e; {fix}")
        assert guest.run("systemctl is-active sshd-vsock.socket").status != 0


def test_service_that_its_socket_starts_is_a_way_in(guest):
    apply(guest, "")
    with meanwhile(guest, "systemctl disable -q ssh.service; systemctl enable -q ssh.socket", USE_SERVICE):
        assert guest.run("systemctl is-active ssh.socket").status
        result = guest.run("sshd-vsock remove")
        assert result.status == 0, result.stderr


VENDOR = "/usr/lib/systemd/system/sockets.target.wants/ssh.socket"
GENERATOR = "/etc/systemd/system-generators/mine"


@pytest.mark.parametrize("way", ("vendor", "generator"))
def test_unit_that_others_enable_opens_again(way, guest):
    """Its link is not in /etc."""
    guest.put(GENERATOR, """#!/bin/sh
        mkdir -p "$1/sockets.target.wants" && ln -s /lib/systemd/system/ssh.socket "$1/sockets.target.wants/"
        """)
    enable = f"ln -s ../ssh.socket {VENDOR}" if way == "vendor" else f"chmod 0755 {GENERATOR}"
    with meanwhile(guest, f"systemctl disable -q --now ssh.service; mkdir -p $(dirname {VENDOR}); {enable};"
                          "systemctl daemon-reload; systemctl start ssh.socket",
                   f"rm -f {VENDOR} {GENERATOR}; systemctl daemon-reload; {USE_SERVICE}"):
        open_addresses = listeners(guest)
        for verb in "apply", "remove":
            apply(guest, "disable_tcp: true\n")
            assert listeners(guest) == set()
            guest.put(CONFIG, "{}\n")
            result = guest.run(f"sshd-vsock {verb}", timeout=120)
            assert result.status == 0, result.stderr
            assert listeners(guest) == open_addresses


def test_loopback_is_no_way_in(guest):
    apply(guest, "")
    guest.put("/etc/ssh/sshd_config.d/a.conf", "# mine\nListenAddress 127.0.0.1\n")
    guest.check("systemctl restart ssh")
    advice_works(guest)
    assert guest.get("/etc/ssh/sshd_config.d/a.conf") == b"# mine\n#ListenAddress 127.0.0.1\n"
    guest.check("rm /etc/ssh/sshd_config.d/a.conf")


def test_socket_on_loopback_is_no_way_in(guest):
    """By its own files: no line of sshd's is to be changed."""
    folder = f"{UNITS}/ssh.socket.d"
    apply(guest, "")
    with meanwhile(guest, f"{USE_SOCKET}; mkdir -p {folder}; printf '[Socket]\\nListenStream=\\nListenStream="
                          f"127.0.0.1:22\\n' >{folder}/a.conf; systemctl daemon-reload; systemctl restart ssh.socket;"
                          "timeout 5 bash -c 'read -r line </dev/tcp/127.0.0.1/22'",
                   f"rm -rf {folder}; systemctl daemon-reload; {USE_SERVICE}"):
        fix = refused(guest)
        words, command = fix.split("; then ")
        assert words == ("have ssh.socket listen on an address that others reach, not on 127.0.0.1:22 alone "
                         '(see "systemctl cat ssh.socket")')
        guest.check(f"sed -i s/127.0.0.1/0.0.0.0/ {folder}/a.conf; set -e; {command.strip(chr(34))}")
        assert guest.run("systemctl is-active sshd-vsock.socket").status != 0
        assert listeners(guest) == {"0.0.0.0:22"}


def test_sshd_that_never_gets_up_again_keeps_the_door(guest):
    """Enabled and closed by us; what starts it fails."""
    apply(guest, "disable_tcp: true\n")
    with dropin(guest, "ssh.service", "[Service]\nType=simple\nExecStartPre=\nExecStart=\n"
                                      "ExecStart=/bin/sleep 100\n"):
        refused(guest)
    guest.check("systemctl restart ssh.service; sshd-vsock remove", timeout=120)
    assert listeners(guest) == ANYWHERE


def test_another_door_on_vsock_is_a_way_in(guest):
    apply(guest, "")
    guest.put(f"{UNITS}/mine.socket", "[Socket]\nListenStream=vsock::2300\nAccept=yes\n"
                                      "[Install]\nWantedBy=sockets.target\n")
    guest.put(f"{UNITS}/mine@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\n"
                                        "StandardInput=socket\n")
    with meanwhile(guest, "systemctl disable -q --now ssh.service; systemctl daemon-reload",
                   f"systemctl disable -q --now mine.socket; rm {UNITS}/mine*; systemctl daemon-reload"):
        refused(guest)
        guest.check("systemctl start mine.socket")
        refused(guest)  # it starts at no boot
        guest.check("systemctl enable -q mine.socket")
        result = guest.run("sshd-vsock remove")
        assert result.status == 0, result.stderr
        assert guest.ssh("exit 5", port=2300).status == 5


@pytest.mark.parametrize("way", ("own", "taken over", "link"))
def test_socket_whose_template_goes_with_ours_is_no_way_in(way, guest):
    """It listens on, and nothing answers."""
    apply(guest, "")
    if way == "link":
        guest.put(f"{UNITS}/mine.socket", "[Socket]\nListenStream=vsock::2300\nAccept=yes\n"
                                          "[Install]\nWantedBy=sockets.target\n")
        guest.check(f"ln -s sshd-vsock@.service {UNITS}/mine@.service; systemctl daemon-reload;"
                    "systemctl enable -q --now mine.socket")
        assert guest.ssh("exit 5", port=2300).status == 5
    else:
        guest.put(f"{UNITS}/sshd-vsock.socket", "[Socket]\nListenStream=vsock::22\nAccept=yes\n")
        guest.check("systemctl daemon-reload")
    if way == "taken over":
        assert f"take over {UNITS}/sshd-vsock.socket" in apply(guest).stderr
    with meanwhile(guest, "systemctl disable -q --now ssh.service",
                   "sshd-vsock remove --no-verify; systemctl stop mine.socket sshd-vsock.socket; cd "
                   f"{UNITS}; rm -f mine* sshd-vsock.socket sockets.target.wants/{{mine,sshd-vsock}}.socket;"
                   "systemctl daemon-reload"):
        refused(guest)


def test_own_unit_with_our_name_keeps_its_link(guest):
    """The recipe by hand, in use."""
    guest.put(f"{UNITS}/sshd-vsock.socket", "[Socket]\nListenStream=vsock::22\nAccept=yes\n"
                                            "[Install]\nWantedBy=sockets.target\n")
    guest.put(f"{UNITS}/sshd-vsock@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\n"
                                              "StandardInput=socket\n")
    with meanwhile(guest, "systemctl daemon-reload; systemctl enable -q --now sshd-vsock.socket",
                   "systemctl disable -q --now sshd-vsock.socket; rm "
                   f"{UNITS}/sshd-vsock*; systemctl daemon-reload"):
        result = guest.run("sshd-vsock remove")
        assert result.status == 0 and not re.search("removed (everything|the vsock)", result.stderr), result.stderr
        assert guest.check("systemctl is-enabled sshd-vsock.socket") == "enabled\n"
