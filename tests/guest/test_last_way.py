"""What `remove` takes for another way in, in its corners: which address is heard, which sshd a boot starts,
and what is there when a step fails after that."""

import re

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners, meanwhile

EVERY_RUN = 0  # what is often so is in test_remove.py and test_reality.py

LASTING = "no sshd that the next boot starts listens on TCP where another machine could connect"
LINES = "/etc/ssh/sshd_config.d/60-mine.conf"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.put(LINES, "ListenAddress 0.0.0.0\nListenAddress ::\n")
        yield guest


def refused(guest, status=4):
    """The vsock listener stays, and lets one in; what was said."""
    result = guest.run("sshd-vsock remove", timeout=120)
    assert result.status == status, result.stderr
    assert guest.ssh("exit 5").status == 5
    return result.stderr


# Addresses on which sshd listens and nobody is heard, how it comes to that, and how that ends.
DEAF = {
    "no cable": ("0.0.0.0", "ip link set dummy0 carrier off; until ip link show dummy0 | grep -q NO-CARRIER; do sleep 0.1; done",
                 "ip link set dummy0 carrier on; until ip link show dummy0 | grep -q LOWER_UP; do sleep 0.1; done"),
    "down": ("192.0.2.9", "ip link set x0 down", "ip link set x0 up"),
    "link-local": ("fe80::9%x0", "true", "true"),
}


@pytest.mark.parametrize("why", DEAF)
def test_address_at_which_no_other_machine_connects(why, guest):
    """Though another card of this machine is on a network."""
    address, then, undo = DEAF[why]
    apply(guest, "{}\n")
    with meanwhile(guest, "insmod /usr/local/lib/guest-door/macvlan.ko || modprobe macvlan;"
                          "ip link add link dummy0 name x0 type macvlan; ip link set x0 up; ip address add 192.0.2.9/24 dev x0;"
                          f"ip address add fe80::9/64 dev x0 nodad; cp -p {LINES} /root/mine;"
                          f"echo ListenAddress {address} >{LINES}; systemctl restart ssh; {then}",
                   f"{undo}; ip link del x0; mv /root/mine {LINES}; systemctl restart ssh"):
        assert listeners(guest) == {f"[{address.replace('%', ']%')}:22" if "%" in address else f"{address}:22"}
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 4, result.stderr


def test_socket_for_both_families_on_a_network_of_one(guest):
    """systemd's [::]:22 has IPv4, too; sshd's has not."""
    apply(guest, "{}\n")
    with meanwhile(guest, "systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket;"
                          "ip address del 2001:db8::2/64 dev dummy0",
                   "ip address add 2001:db8::2/64 dev dummy0 nodad; systemctl disable -q --now ssh.socket;"
                   "systemctl enable -q --now ssh.service"):
        assert listeners(guest) == {"*:22"}
        assert guest.run("sshd-vsock remove").status == 0


MINE = "/usr/lib/systemd/system/mine.target"
# What a target says, and what is done to it then: whether the next boot starts sshd. (Of a masked one
# systemd 252 and older still read what it is to pull in.)
TARGETS = {
    "BindsTo": ("[Unit]\nBindsTo=ssh.service\n", "", True),
    "Upholds": ("[Unit]\nUpholds=ssh.service\n", "", True),
    "masked": ("", f"ln -s /dev/null {UNITS}/mine.target; ln -s ../ssh.service {MINE}.wants/", False),
    "of this boot": ("[Unit]\nWants=ssh.service\n", f"mv {MINE} /run/systemd/system/", False),
}


@pytest.mark.parametrize("what", TARGETS)
def test_sshd_that_another_unit_of_the_boot_starts(what, guest):
    text, then, starts = TARGETS[what]
    apply(guest, "")
    guest.put(MINE, text)
    boot = "/usr/lib/systemd/system/multi-user.target.d"
    with meanwhile(guest, f"systemctl disable -q ssh.service; mkdir {MINE}.wants {boot}; {then or ':'};"
                          f"printf '[Unit]\nWants=mine.target\n' >{boot}/x.conf; systemctl daemon-reload",
                   f"rm -rf {MINE}* {UNITS}/mine.target /run/systemd/system/mine.target {boot};"
                   "systemctl daemon-reload; systemctl enable -q ssh.service"):
        if starts:
            assert guest.run("sshd-vsock remove").status == 0
        else:
            assert LASTING in refused(guest)


@pytest.mark.parametrize("suite,key,then,starts", (
    ("trixie", "BindsTo", "", True), ("trixie", "Upholds", "", True),
    ("trixie", "Wants", f"mv {MINE} /run/systemd/system/", False),
    ("bookworm", "Wants", f"ln -s /dev/null {UNITS}/multi-user.target", False)))
def test_target_of_the_next_boot_that_this_one_knows_nothing_of(suite, key, then, starts, program):
    with Guest(suite, cmdline="systemd.unit=multi-user.target") as guest:
        guest.install(program)
        apply(guest)
        guest.put(MINE, f"[Unit]\n{key}=multi-user.target\n")
        guest.check(f"ln -s {MINE} {UNITS}/default.target; {then or ':'}; systemctl daemon-reload")
        if starts:
            assert guest.run("sshd-vsock remove").status == 0
        else:
            assert LASTING in refused(guest)


@pytest.mark.parametrize("way", ("command", "environment"))
def test_sshd_that_its_unit_tells_where_to_listen(way, guest):
    """sshd_config says loopback: that counts for none that has another file, or more addresses."""
    apply(guest, "")
    other = "/etc/ssh/other_config"
    options = "-o ListenAddress=0.0.0.0:2222" if way == "command" else f"-f {other}"
    with meanwhile(guest, f"""
            cp -p {LINES} /root/mine; cp -p /etc/default/ssh /root/ssh.default
            echo ListenAddress 127.0.0.1 >{LINES}; echo ListenAddress 0.0.0.0:2222 >{other}
            mkdir {UNITS}/ssh.service.d; [ {way} = environment ] && echo 'SSHD_OPTS="{options}"' >/etc/default/ssh ||
                printf '[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D {options}\n' >{UNITS}/ssh.service.d/x.conf
            systemctl daemon-reload; systemctl restart ssh""",
                   f"rm -r {UNITS}/ssh.service.d {other}; cp -p /root/mine {LINES}; mv /root/ssh.default "
                   "/etc/default/ssh; rm /root/mine; systemctl daemon-reload; systemctl restart ssh"):
        assert "0.0.0.0:2222" in listeners(guest)
        if way == "environment":
            guest.check(f"echo ListenAddress 127.0.0.1:2222 >{other}")
            assert LASTING in refused(guest)
            guest.check(f"echo ListenAddress 0.0.0.0:2222 >{other}")
        assert guest.run("sshd-vsock remove").status == 0


@pytest.mark.parametrize("since", ("option", "drop-in", "both"))
def test_sshd_that_its_unit_will_tell_otherwise(since, guest):
    """It listens as it was told when it started; the next boot goes by what the files say by now, be systemd
    told of them or not."""
    apply(guest, "")
    own = f"{UNITS}/ssh.service.d/x.conf"
    loopback = "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D -o ListenAddress=127.0.0.1\\n'"
    with meanwhile(guest, f"""
            cp -p {LINES} /root/mine; cp -p /etc/default/ssh /root/ssh.default; mkdir {UNITS}/ssh.service.d
            echo ListenAddress 127.0.0.1 >{LINES}; echo 'SSHD_OPTS="-o ListenAddress=0.0.0.0:2222"' >/etc/default/ssh
            systemctl restart ssh""",
                   f"rm -r {UNITS}/ssh.service.d; cp -p /root/mine {LINES}; mv /root/ssh.default "
                   "/etc/default/ssh; rm /root/mine; systemctl daemon-reload; systemctl restart ssh"):
        assert "0.0.0.0:2222" in listeners(guest)
        guest.check("echo SSHD_OPTS= >/etc/default/ssh" if since == "option" else f"{loopback} >{own}")
        said = refused(guest)
        assert LASTING in said and ("have ssh.service listen on an address" in said) == (since != "option")
        if since == "both":
            guest.check(f"echo 'Environment=SSHD_OPTS=-oListenAddress=0.0.0.0:2222' >>{own}; sed -i 's/-D/& $SSHD_OPTS/' {own};"
                        "echo '#' >/etc/default/ssh")
        else:
            guest.check("cp -p /root/ssh.default /etc/default/ssh; echo 'ListenAddress 0.0.0.0:2222' >>"
                        f"{LINES}; rm -f {own}")
        assert guest.run("sshd-vsock remove").status == 0


def test_socket_whose_service_is_masked(guest):
    """It listens, and starts nothing; nor does systemd start it again. What is printed is done to the letter."""
    apply(guest, "{}\n")
    with meanwhile(guest, "systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket; systemctl mask -q ssh.service",
                   "systemctl unmask -q ssh.service; systemctl disable -q --now ssh.socket; systemctl enable -q --now ssh.service"):
        said = refused(guest)
        assert "have ssh.service, which ssh.socket starts, start sshd" in said
        guest.check(re.search('"(systemctl unmask ssh.service)"', said)[1])
        assert guest.run("sshd-vsock remove").status == 0


def test_listener_without_an_sshd(guest):
    """As after "apt purge openssh-server": it lets nobody in, and must not keep the package of ours."""
    apply(guest, "{}\n")
    with meanwhile(guest, "systemctl disable -q --now ssh.service; mv /usr/sbin/sshd /usr/sbin/sshd.gone",
                   "mv /usr/sbin/sshd.gone /usr/sbin/sshd; systemctl enable -q --now ssh.service"):
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 0, result.stderr


def test_command_that_is_a_name_alone(guest):
    """systemd looks it up; a program of that name where one happens to be is not run."""
    apply(guest, "{}\n")
    with meanwhile(guest, f"mkdir {UNITS}/ssh.service.d; printf '[Service]\nExecStart=\nExecStart=sshd -D\n' "
                          f">{UNITS}/ssh.service.d/x.conf; mkdir -p /tmp/x; printf '#!/bin/sh\ntouch /tmp/ran\n' >/tmp/x/sshd;"
                          "chmod 0755 /tmp/x/sshd", f"rm -r {UNITS}/ssh.service.d /tmp/x"):
        assert guest.run("cd /tmp/x; sshd-vsock remove").status == 0
        assert guest.run("ls /tmp/ran").status != 0


PRESET = "/etc/systemd/system-preset/10-sshd-vsock.preset"


def test_way_in_that_the_last_reload_closes_before_a_step_fails(guest):
    """All that is removed by then comes back. (test_remove.py has the same without a failure.)"""
    apply(guest, "{}\n")
    guest.put(f"{UNITS}/mine.socket", "[Socket]\nListenStream=0.0.0.0:2222\nAccept=yes\n"
                                      "[Install]\nWantedBy=sockets.target\n")
    guest.put(f"{UNITS}/mine@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n")
    with meanwhile(guest, "systemctl daemon-reload; systemctl disable -q --now ssh.service; systemctl enable -q --now "
                          f"mine.socket; sed -i s/2222/2223/ {UNITS}/mine.socket; mount --bind {PRESET} {PRESET};"
                          "systemd-run -q --unit=taken socat TCP-LISTEN:2223 -",
                   f"umount {PRESET}; systemctl stop taken; systemctl disable -q --now mine.socket; rm {UNITS}/mine*; systemctl daemon-reload;"
                   "systemctl enable -q --now ssh.service"):
        before = guest.check(f"md5sum {UNITS}/sshd-vsock*")
        assert "rolled back: sshd-vsock.socket restored" in refused(guest, 1)
        assert guest.check(f"md5sum {UNITS}/sshd-vsock*") == before
