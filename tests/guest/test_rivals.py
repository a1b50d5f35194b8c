"""Another socket unit has our port: the port changes hands, and nobody loses a way in: TCP listens at
every moment, and where ours does not answer the other one does again."""

import json
import re

import pytest

from guest import Guest
from guest.steps import UNITS, apply, dropin, listeners

EVERY_RUN = {"test_stream_of_the_tcp_socket_is_taken_over_and_given_back[bookworm]",
             "test_failure_gives_the_port_back[mkosi]",
             "test_remove_keeps_ours_where_theirs_cannot_listen_again",
             "test_what_a_run_opened_stays_open_where_the_port_goes_back"}

STATE = r"find /etc -xdev ! -type d -printf '%p %y %m %U:%G %s %l\n' | sort"
SINCE = "systemctl show -P ActiveEnterTimestampMonotonic ssh.socket"
LISTEN = "systemctl show -P Listen ssh.socket | sort"
STREAM = "[Socket]\n# for the host\nListenStream=vsock::22\n"
DROPIN = f"{UNITS}/ssh.socket.d/10-vsock.conf"
LATE = f"{UNITS}/ssh.socket.d/zzz-vsock.conf"  # ours of listen_address comes before it
MKOSI_SOCKET = """[Unit]
Description=Mkosi SSH Server VSock Socket
ConditionVirtualization=!container
Wants=sshd-keygen.target

[Socket]
ListenStream=vsock::22
Accept=yes

[Install]
WantedBy=sockets.target
"""
MKOSI_TEMPLATE = """[Unit]
Description=Mkosi SSH Server
After=sshd-keygen.target

[Service]
ExecStart=sshd -i -o UsePAM=no
StandardInput=socket
RuntimeDirectoryPreserve=yes
RuntimeDirectory=sshd
SuccessExitStatus=255
"""


def add_stream(guest):
    """ssh.socket has TCP and, by a drop-in, vsock; its service has both descriptors, once a
    connection over TCP has started it (Debian 12's sshd takes the first alone)."""
    guest.put(DROPIN, STREAM)
    guest.check("modprobe vmw_vsock_virtio_transport; systemctl disable -q --now ssh.service; systemctl daemon-reload;"
                "systemctl enable -q --now ssh.socket; ip link set lo up;"
                "bash -c 'read -t 20 line </dev/tcp/127.0.0.1/22; echo $line' | grep SSH-2.0")
    assert re.search(r"^(tcp|   )     ssh.socket: open$", guest.run("sshd-vsock status").stdout, re.M)


def add_mkosi(guest):
    """Beside ssh.service, which has TCP."""
    guest.put("/usr/lib/systemd/system/ssh.socket", MKOSI_SOCKET)
    guest.put("/usr/lib/systemd/system/ssh@.service", MKOSI_TEMPLATE)
    guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload;"
                "systemctl enable -q --now ssh.socket")
    assert guest.ssh("true").status == 0
    assert re.search(r"^(tcp|   )     ssh.socket: active, not on TCP$", guest.run("sshd-vsock status").stdout, re.M)


@pytest.mark.parametrize("suite", ("bullseye", "bookworm", "trixie", "forky"))
def test_stream_of_the_tcp_socket_is_taken_over_and_given_back(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        add_stream(guest)
        before, since, listen = guest.check(STATE), guest.check(SINCE), guest.check(LISTEN)
        tcp = listeners(guest)
        assert "vsock::22" in listen and tcp
        assert f"take over {DROPIN}" in apply(guest, "{}\n").stderr
        assert guest.check(SINCE) == since  # TCP was never down
        assert listeners(guest) == tcp
        assert "vsock" not in guest.check(LISTEN)
        assert guest.ssh("true").status == 0
        assert "nothing to do" in apply(guest).stderr
        guest.check("systemctl daemon-reload")
        assert "nothing to do" in apply(guest).stderr
        guest.reboot()
        assert guest.ssh("true").status == 0 and listeners(guest) == tcp
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        assert guest.check(STATE) == before
        assert guest.check(LISTEN) == listen and listeners(guest) == tcp
        assert guest.check("ss --vsock -Hln | grep -c ':22 '") == "1\n"


@pytest.mark.parametrize("config, address", (("{}\n", "*:22"), ("listen_address: 127.0.0.1\n",
                                                                "127.0.0.1:22")))
def test_stream_that_comes_later_does_not_cost_tcp(config, address, program):
    """A unit that is started with a stream on the port that ours has fails, its TCP as well."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up; systemctl disable -q --now ssh.service;"
                    "systemctl enable -q --now ssh.socket")
        apply(guest, config)
        assert listeners(guest) == {address}
        guest.put(LATE, STREAM)
        assert guest.run("systemctl daemon-reload; systemctl restart ssh.socket").status == 1
        assert not listeners(guest)
        assert f"take over {LATE}" in apply(guest, config).stderr
        assert listeners(guest) == {address}
        assert "nothing to do" in apply(guest, config).stderr


@pytest.mark.parametrize("suite", ("bullseye", "bookworm", "trixie", "forky"))
def test_mkosi_units_are_taken_over_and_given_back(suite, program):
    with Guest(suite) as guest:
        guest.install(program)
        add_mkosi(guest)
        before, tcp = guest.check(STATE), listeners(guest)
        said = apply(guest, "{}\n").stderr
        assert "take over ssh.socket: link /etc/systemd/system/ssh.socket -> /dev/null" in said
        assert guest.ssh("true").status == 0 and listeners(guest) == tcp
        assert guest.run("systemctl is-active -q ssh.socket").status
        assert "nothing to do" in apply(guest).stderr
        guest.reboot()
        assert guest.ssh("true").status == 0
        assert "nothing to do" in apply(guest).stderr
        apply(guest, "disable_tcp: true\n")
        assert listeners(guest) == set() and guest.ssh("true").status == 0
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove; rm /etc/sshd-vsock.yaml")
        assert guest.check(STATE) == before
        assert guest.ssh("true").status == 0 and listeners(guest) == tcp
        assert guest.check("systemctl is-active ssh.socket") == "active\n"


def test_image_of_mkosi_settles_at_its_boot(program):
    """Both are enabled: whoever comes first has the port, until the run at the end of the boot."""
    with Guest("bookworm") as guest:
        guest.install(program)
        apply(guest, "disable_tcp: true\n")
        guest.put("/usr/lib/systemd/system/ssh.socket", MKOSI_SOCKET)
        guest.put("/usr/lib/systemd/system/ssh@.service", MKOSI_TEMPLATE)
        guest.check(f"rm -f {UNITS}/ssh.socket; systemctl enable -q ssh.socket; systemctl daemon-reload;"
                    "systemctl stop sshd-vsock.socket; systemctl start ssh.socket")
        guest.check("systemctl start --wait sshd-vsock-provision.service")
        assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
        assert guest.run("systemctl is-active -q ssh.socket").status
        assert "nothing to do" in apply(guest).stderr
        assert guest.ssh("true").status == 0


def test_remove_keeps_ours_where_theirs_cannot_listen_again(program):
    """Ours was alone in its directories, which went with it."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put("/usr/lib/systemd/system/ssh.socket",
                  MKOSI_SOCKET.replace("WantedBy=sockets.target", "WantedBy=multi-user.target"))
        guest.put("/usr/lib/systemd/system/ssh@.service", MKOSI_TEMPLATE)
        guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload;"
                    "systemctl enable -q --now ssh.socket")
        apply(guest, "{}\n")
        assert guest.check("ls /etc/systemd/system/sockets.target.wants") == "sshd-vsock.socket\n"
        guest.put(f"{UNITS}/ssh.socket.d/broken.conf", "[Socket]\nExecStartPre=/bin/false\n")
        guest.check("systemctl daemon-reload")
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 1 and "rolled back: sshd-vsock.socket restored" in result.stderr, result
        assert guest.ssh("true").status == 0
        guest.reboot()
        assert guest.ssh("true").status == 0
        guest.check(f"rm -r {UNITS}/ssh.socket.d; systemctl daemon-reload; sshd-vsock remove", timeout=120)
        assert guest.ssh("true").status == 0
        assert guest.check("systemctl is-active ssh.socket") == "active\n"


NO_SSHD = "[Service]\nExecStart=/usr/bin/true\nStandardInput=socket\n"


def test_remove_keeps_ours_where_theirs_would_not_answer(program):
    """TCP is closed by the administrator; what gets the port back has to let somebody in."""
    with Guest("bookworm") as guest:
        guest.install(program)
        add_mkosi(guest)
        apply(guest, "{}\n")
        guest.check("systemctl disable -q --now ssh.service")
        template = "/usr/lib/systemd/system/ssh@.service"
        for text in None, NO_SSHD, MKOSI_TEMPLATE.replace("UsePAM=no", "NoSuchOption=no"):
            guest.check(f"rm -f {template}")
            if text:
                guest.put(template, text)
            guest.check("systemctl daemon-reload")
            result = guest.run("sshd-vsock remove", timeout=120)
            assert result.status == 4 and "the vsock listener is the only way in" in result.stderr, result
            assert ("rolled back: sshd-vsock.socket restored" in result.stderr) == (text not in (None, NO_SSHD))
            assert guest.ssh("true").status == 0
        guest.reboot()
        assert guest.ssh("true").status == 0
        guest.put(template, MKOSI_TEMPLATE)
        guest.check("systemctl daemon-reload; sshd-vsock remove", timeout=120)
        assert guest.ssh("true").status == 0
        assert guest.check("systemctl is-active ssh.socket") == "active\n"


@pytest.mark.parametrize("what", ("stream", "mkosi"))
def test_failure_gives_the_port_back(what, program):
    """Ours cannot start, then does not answer: all is as before, on TCP and on vsock."""
    with Guest("bookworm") as guest:
        guest.install(program)
        (add_stream if what == "stream" else add_mkosi)(guest)
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\nverify_timeout: 2\n")
        listen, tcp = guest.check(LISTEN), listeners(guest)
        for unit, lines in (("sshd-vsock.socket", "[Socket]\nExecStartPre=/bin/false\n"),
                            ("sshd-vsock@.service", "[Service]\nExecStart=\nExecStart=/bin/false\n")):
            with dropin(guest, unit, lines):
                before = guest.check(STATE)
                said = apply(guest, status=4).stderr
                assert "rolled back: ssh.socket listens on vsock again" in said
                assert guest.check(STATE) == before
                assert guest.check(LISTEN) == listen and listeners(guest) == tcp
                assert guest.check("ss --vsock -Hln | grep -c ':22 '") == "1\n"
                assert what == "stream" or guest.ssh("true").status == 0
        apply(guest)
        assert guest.ssh("true").status == 0 and listeners(guest) == set()


def test_what_a_run_opened_stays_open_where_the_port_goes_back(program):
    """A mask that came back without its record nobody would ever take away."""
    with Guest("bookworm") as guest:
        guest.install(program)
        before = guest.check(STATE)
        apply(guest, "disable_tcp: true\nverify_timeout: 2\n")
        assert listeners(guest) == set()
        guest.put(f"{UNITS}/my.socket", MKOSI_SOCKET.replace("vsock::22", "vsock::2222"))
        guest.put(f"{UNITS}/my@.service", MKOSI_TEMPLATE)
        guest.check("systemctl daemon-reload; systemctl enable -q --now my.socket")
        with dropin(guest, "sshd-vsock@.service", "[Service]\nExecStart=\nExecStart=-/bin/false\n"):
            said = apply(guest, "port: 2222\nverify_timeout: 2\n", 4).stderr
        assert "rolled back: my.socket listens on vsock again" in said, said
        assert guest.ssh("true", port=2222).status == 0
        assert guest.run("ls /etc/systemd/system/ssh.service /etc/systemd/system-preset/*-ssh.service.preset").stdout == ""
        assert listeners(guest)
        guest.reboot()
        assert listeners(guest)
        guest.check("modprobe vmw_vsock_virtio_transport; sshd-vsock apply")
        assert guest.ssh("true", port=2222).status == 0
        guest.check("sshd-vsock remove; systemctl disable -q --now my.socket; rm /etc/systemd/system/my* /etc/sshd-vsock.yaml")
        assert guest.check(STATE) == before


def test_failure_keeps_ours_where_the_other_came_since(program):
    """That unit never had the port, and with TCP closed ours is the only way in."""
    with Guest("bookworm") as guest:
        guest.install(program)
        apply(guest, "disable_tcp: true\nverify_timeout: 2\n")
        guest.put("/usr/lib/systemd/system/vsock-ssh.socket", MKOSI_SOCKET)
        guest.put("/usr/lib/systemd/system/vsock-ssh@.service", MKOSI_TEMPLATE)
        guest.check("systemctl daemon-reload; systemctl enable -q vsock-ssh.socket")
        since = guest.check("systemctl show -P InvocationID sshd-vsock.socket")
        with dropin(guest, "sshd-vsock@.service", "[Service]\nExecStart=\nExecStart=/bin/false\n"):
            apply(guest, status=4)
        assert guest.check("systemctl show -P InvocationID sshd-vsock.socket") == since
        assert guest.ssh("true").status == 0 and listeners(guest) == set()


def test_port_that_was_seen_to_let_somebody_in_does_not_go_back(program):
    """Closing what is left of TCP fails after that: no reason to give ours up."""
    with Guest("bookworm") as guest:
        guest.install(program)
        add_mkosi(guest)
        guest.check("ip link set lo up; echo ListenAddress 127.0.0.2 >/etc/ssh/sshd_config.d/60-mine.conf;"
                    "systemctl restart ssh; mount --bind -o ro /etc/ssh/sshd_config.d /etc/ssh/sshd_config.d")
        said = apply(guest, "listen_address: 127.0.0.1\n", 1).stderr
        assert "Read-only file system" in said and "listens on vsock again" not in said, said
        assert guest.check("systemctl is-active sshd-vsock.socket") == "active\n"
        assert guest.ssh("true").status == 0


def test_port_that_an_earlier_run_took_is_looked_at_where_nothing_else_leads_in(program):
    """The mask of sshd's own socket unit is then one for its vsock stream: nobody has closed TCP."""
    with Guest("bookworm") as guest:
        guest.install(program)
        add_mkosi(guest)
        apply(guest, "{}\n")
        guest.check("systemctl disable -q --now ssh.service; mv /root/.ssh/authorized_keys /root/keys")
        assert "give an account a key" in apply(guest, status=4).stderr
        guest.check("mv /root/keys /root/.ssh/authorized_keys")
        assert "nothing to do" in apply(guest).stderr


def test_what_does_more_is_named_and_taken_over_on_request(program):
    """What the fixes say, to the letter."""
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put(f"{UNITS}/my.socket", MKOSI_SOCKET + "[Socket]\nExecStartPre=/bin/true\n")
        guest.put(f"{UNITS}/my@.service", MKOSI_TEMPLATE)
        guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload;"
                    "systemctl enable -q --now my.socket")
        before = guest.check(STATE)
        said = apply(guest, status=1).stderr
        assert ('would mask my.socket, which has the vsock port and does what ours does not: '
                '"ExecStartPre=/bin/true"; fix: "systemctl disable --now my.socket && sshd-vsock apply"; or '
                '"sshd-vsock apply --takeover" masks it, and "remove" puts it back') in said
        assert guest.check(STATE) == before and guest.ssh("true").status == 0
        conflict, = json.loads(guest.run("sshd-vsock --json plan").stdout)["conflicts"]
        assert conflict["path"] == f"{UNITS}/my.socket"
        guest.check("sshd-vsock apply --takeover")
        assert guest.ssh("true").status == 0 and guest.run("systemctl is-active -q my.socket").status
        guest.check("sshd-vsock remove")
        assert guest.check(STATE) == before
        assert guest.check("systemctl is-active my.socket") == "active\n"
        guest.check("systemctl disable --now my.socket && sshd-vsock apply")
        assert guest.ssh("true").status == 0


def test_stream_with_a_narrower_template_is_named(program):
    """Ours would let in whom its own keeps out. What the fixes say, to the letter."""
    stream = "[Socket]\nAccept=yes\nListenStream=\nListenStream=vsock::22\nListenStream=2222\n"
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put(f"{UNITS}/ssh@.service", MKOSI_TEMPLATE.replace("UsePAM", "PermitRootLogin"))
        guest.put(DROPIN, stream)
        guest.check("ip link set lo up; modprobe vmw_vsock_virtio_transport;"
                    "systemctl disable -q --now ssh.service; systemctl daemon-reload;"
                    "systemctl enable -q --now ssh.socket")
        assert guest.ssh("true").status == 255
        guest.put("/etc/sshd-vsock.yaml", "{}\n")
        before, listen = guest.check(STATE), guest.check(LISTEN)
        said = apply(guest, status=1).stderr
        assert (DROPIN + ' would lose its vsock stream, whose service does what ours does not: "ExecStart=sshd -i '
                '-o PermitRootLogin=no" (options that sshd-vsock does not pass: put them into sshd_config); '
                'fix: delete the stream and run "systemctl daemon-reload && sshd-vsock apply"; or '
                '"sshd-vsock apply --takeover" deletes it, and "remove" puts it back\n') in said
        assert guest.check(STATE) == before and guest.check(LISTEN) == listen
        assert guest.ssh("true").status == 255
        guest.check("sshd-vsock apply --takeover")
        assert guest.ssh("true").status == 0 and listeners(guest) == {"*:2222"}
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove")
        assert guest.check(STATE) == before and guest.ssh("true").status == 255
        guest.put(DROPIN, stream.replace("ListenStream=vsock::22\n", ""))
        guest.check("systemctl daemon-reload && sshd-vsock apply")
        assert guest.ssh("true").status == 0 and listeners(guest) == {"*:2222"}


@pytest.mark.parametrize("folder", ("/usr/lib/systemd/system", "/run/systemd/system"))
def test_stream_of_a_vendor_is_named(folder, program):
    """Were ours enabled beside it, a boot that starts ours first would have no TCP. The fix, to the letter."""
    file = f"{folder}/ssh.socket.d/v.conf"
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put(file, STREAM)
        guest.check("modprobe vsock_loopback; systemctl disable -q --now ssh.service; systemctl daemon-reload;"
                    "systemctl enable -q --now ssh.socket; ip link set lo up")
        before, listen, tcp = guest.check(STATE), guest.check(LISTEN), listeners(guest)
        for config in "{}\n", "disable_tcp: true\n":
            said = apply(guest, config, 1).stderr
            place = f"{UNITS}/ssh.socket.d/v.conf"
            assert (f"{file} has ssh.socket listen on the vsock port, too; fix: copy it to {place}, then "
                    '"systemctl daemon-reload && sshd-vsock apply"\n') in said
            assert guest.check(f"rm /etc/sshd-vsock.yaml; {STATE}") == before
            assert guest.check(LISTEN) == listen and listeners(guest) == tcp
        guest.check(f"mkdir -p {UNITS}/ssh.socket.d; cp {file} {place}")
        guest.check("systemctl daemon-reload && sshd-vsock apply")
        assert guest.ssh("true").status == 0 and listeners(guest) == tcp
        assert "nothing to do" in apply(guest).stderr
        guest.check(f"rm {place}; systemctl daemon-reload; systemctl restart ssh.socket; true")
        assert "ssh.socket: failed\n" in guest.run("sshd-vsock status").stdout


@pytest.mark.parametrize("what", ("stream", "mkosi"))
def test_disk_that_is_full_half_way(what, program):
    """The files of the other unit are changed, and nothing of ours runs: a daemon-reload must not matter."""
    with Guest("bookworm") as guest:
        guest.install(program)
        (add_stream if what == "stream" else add_mkosi)(guest)
        guest.put("/etc/sshd-vsock.yaml", "{}\n")
        guest.check("mkdir -p /etc/systemd/system-preset")
        names = f"ls -l {UNITS}/ssh.socket* {UNITS}/ssh.socket.d; ls {UNITS}/../system-preset"
        before, since = guest.run(names).stdout, guest.check(SINCE)
        when = 1 if what == "stream" else 2  # after the mask and its record
        result = guest.run("ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -P /etc/systemd/system-preset "
                           f"-e trace=renameat -e inject=renameat:error=ENOSPC:when={when} sshd-vsock apply")
        assert result.status == 1 and "make room" in result.stderr, result
        assert "10-vsock.conf" in result.stderr or "ssh.socket -> /dev/null" in result.stderr
        assert guest.run(names).stdout == before
        guest.check("systemctl daemon-reload")
        assert guest.check("ss --vsock -Hln | grep -c ':22 '") == "1\n" and guest.check(SINCE) == since
        apply(guest)
        assert guest.ssh("true").status == 0


KILLED = """
strace -f -s 200 -o /root/trace -e trace=sendmsg -e inject=sendmsg:delay_exit=60000 sshd-vsock apply &
until grep -Eaq '(StartTransientUnit|.0Reload).0' /root/trace; do sleep 0.02; done
sleep 0.1; pkill -KILL -x sshd-vsock; wait; rm /root/trace
until [ "$(systemctl show -P NeedDaemonReload ssh.socket)" = no ]; do sleep 0.05; done
while [ "$(systemctl list-jobs --no-legend)" ]; do sleep 0.05; done
"""


@pytest.mark.parametrize("what", ("stream", "mkosi"))
def test_killed_while_the_port_changes_hands(what, program):
    """Systemd has let go of the stream, and who would start ours is dead: TCP listens, and the next run
    has the port, though a service still holds it."""
    with Guest("bookworm") as guest:
        guest.install(program)
        (add_stream if what == "stream" else add_mkosi)(guest)
        before, tcp = guest.check(STATE), listeners(guest)
        guest.run(KILLED, timeout=120)
        assert guest.run("systemctl is-active -q sshd-vsock.socket").status
        assert "sshd-vsock-saved" in guest.check(STATE) or what == "mkosi"
        assert listeners(guest) == tcp
        apply(guest)
        assert guest.ssh("true").status == 0 and listeners(guest) == tcp
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock remove")
        assert guest.check(STATE) == before
