"""Neither the hosts entry nor hushlogin ever costs the door: what is in their way is said, with its
cure, and shown as drift."""

import pytest

from guest import Guest
from guest.steps import apply, listeners

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 1
ALWAYS = ("test_hosts_file_in_the_way",
          "test_127_0_0_1_keeps_its_name",
          "test_factory_copy_is_not_lost",
          "test_home_in_the_way[read-only]",
          "test_flag_that_appears_while_at_work")

MINE = "# sshd-vsock"


@pytest.fixture(scope="module", name="booted")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("useradd -m -s /bin/bash admin; cp -a /etc/hosts /root/hosts")
        yield guest


@pytest.fixture(name="guest")
def bare(booted):
    yield booted
    booted.check("rm -f /etc/sshd-vsock.yaml; cp -a /root/hosts /etc/hosts; sshd-vsock -q remove",
                 timeout=120)


def drift(guest, words):
    result = guest.run("sshd-vsock status", timeout=60)
    assert result.status == 10 and words in result.stdout, result.stdout


def make_it(guest, script):
    if "chattr" in script and guest.run("touch /etc/x; chattr +i /etc/x && chattr -i /etc/x").status:
        pytest.skip("the guest's file system has no immutable files")
    guest.check(script)


IN_THE_WAY = {
    "mount": ("mount --bind /root/hosts /etc/hosts", "umount /etc/hosts", "mount point"),
    "immutable": ("chattr +i /etc/hosts", "chattr -i /etc/hosts", "lsattr"),
    "link": ("cp /etc/hosts /run/hosts; ln -sf /run/hosts /etc/hosts", "rm /etc/hosts",
             "hosts_entry: false"),
    "dangling": ("ln -sf /run/nothing /etc/hosts", "rm /etc/hosts", "hosts_entry: false"),
    "large": ("yes 0.0.0.0 ads.example.org | head -c 17M >> /etc/hosts", "rm /etc/hosts", "hosts_entry: false"),
    "folder": ("rm /etc/hosts; mkdir /etc/hosts", "rmdir /etc/hosts", "hosts_entry: false"),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_hosts_file_in_the_way(guest, what):
    make, undo, cure = IN_THE_WAY[what]
    guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\nhushlogin: true\n")
    make_it(guest, make)
    try:
        result = apply(guest)
        assert "warning: " in result.stderr and cure in result.stderr
        assert guest.ssh("exit 5").status == 5 and listeners(guest) == set()
        guest.check("test -e /home/admin/.hushlogin")
        drift(guest, "/etc/hosts")
    finally:
        guest.check(undo)


@pytest.mark.parametrize("make,undo,cure", (
    ("mount --bind /root/mine /etc/hosts", "umount /etc/hosts", "mount point"),
    ("chattr +i /etc/hosts", "chattr -i /etc/hosts", "lsattr"),
    ("cp /etc/hosts /run/hosts; ln -sf /run/hosts /etc/hosts", "rm /etc/hosts", MINE)))
def test_remove_says_which_hosts_file_it_leaves(guest, make, undo, cure):
    apply(guest)
    make_it(guest, f"cp /etc/hosts /root/mine; {make}")
    try:
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 0 and cure in result.stderr, result.stderr
        assert "wrote: /etc/hosts\n" in result.stderr and "removed everything sshd-vsock" not in result.stderr
        assert guest.run("systemctl is-active sshd-vsock.socket").status != 0
    finally:
        guest.check(undo)


HOMES = {
    "read-only": ("mount --bind /home/admin /home/admin; mount -o remount,bind,ro /home/admin",
                  "umount /home/admin"),
    "full": ("mount -t tmpfs -o nr_inodes=1 none /home/admin", "umount /home/admin"),
    "immutable": ("chattr +i /home/admin", "chattr -i /home/admin"),
    "gone": ("mv /home/admin /home/away", "mv /home/away /home/admin"),
    "circle": ("mv /home/admin /home/away; ln -s admin /home/admin",
               "rm /home/admin; mv /home/away /home/admin"),
}


@pytest.mark.parametrize("config", ("hushlogin: true\n", "hushlogin: [admin]\n"))
@pytest.mark.parametrize("what", HOMES)
def test_home_in_the_way(guest, what, config):
    make, undo = HOMES[what]
    guest.put("/etc/sshd-vsock.yaml", config + "disable_tcp: true\n")
    make_it(guest, make)
    try:
        result = apply(guest)
        assert "warning: " in result.stderr and "/home/admin/.hushlogin" in result.stderr
        assert guest.ssh("exit 5").status == 5 and listeners(guest) == set()
        drift(guest, "/home/admin/.hushlogin")
    finally:
        guest.check(undo)
    apply(guest)
    assert guest.run("sshd-vsock status").status == 0


def test_remove_says_which_home_it_leaves(guest):
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: true\n")
    apply(guest)
    guest.check(HOMES["read-only"][0])
    try:
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 0
        assert "still hold what sshd-vsock wrote: /home/admin/.hushlogin\n" in result.stderr
    finally:
        guest.check(HOMES["read-only"][1])
    guest.check("sshd-vsock remove; test ! -e /home/admin/.hushlogin")


def test_user_who_was_deleted(guest):
    """As Packer's shutdown_command does it."""
    guest.check("useradd -m packer")
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: [packer]\ndisable_tcp: true\n")
    guest.check("sshd-vsock check")
    apply(guest)
    assert listeners(guest) == set()
    guest.check("userdel -r packer")
    guest.check("systemctl start --wait sshd-vsock-provision.service", timeout=120)
    assert listeners(guest) == set() and guest.ssh("exit 5").status == 5
    result = apply(guest)
    assert "there is no such user: packer; fix: " in result.stderr
    drift(guest, "no such user: packer")


def test_flag_that_appears_while_at_work(guest):
    """A user who waits for root to look, and makes his own in that moment."""
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: true\ndisable_tcp: true\n")
    guest.check("""runuser -u admin -- sh -c 'cd; while :; do touch .hushlogin; rm -f .hushlogin
        done' >/dev/null 2>&1 & echo $! > /run/race""")
    try:
        for _ in range(3):
            apply(guest)
            assert guest.ssh("exit 5").status == 5 and listeners(guest) == set()
    finally:
        guest.check("pkill -u admin; rm /run/race; true")


def test_hosts_come_before_the_proof_and_homes_last(guest):
    guest.check("sshd-vsock remove --no-verify; systemctl reset-failed; rm -f /home/admin/.hushlogin;"
                "systemctl is-active ssh.service; systemctl stop sshd-vsock.socket || :")
    guest.put("/etc/sshd-vsock.yaml", "hushlogin: true\ndisable_tcp: true\n")
    told = apply(guest).stderr
    order = [told.index(words) for words in ("sshd-vsock.socket", "write /etc/hosts",
                                             "start sshd-vsock.socket", "answers on vsock",
                                             "stop ssh.service", "write /home/admin/.hushlogin")]
    assert order == sorted(order), told


@pytest.mark.parametrize("before", ("# Static table lookup for hostnames.\\n", "::1 localhost\\n"))
def test_127_0_0_1_keeps_its_name(guest, before):
    guest.check("cp /etc/nsswitch.conf /root/nss; "
                "sed -i 's/^hosts:.*/hosts: files myhostname dns/' /etc/nsswitch.conf")
    guest.check(f"printf '{before}' > /etc/hosts; cp /etc/hosts /root/before")
    try:
        apply(guest)
        assert guest.check("getent hosts 127.0.0.1").split()[1] == "localhost"
        assert guest.check("getent hosts UNKNOWN").startswith("127.0.0.1 ")
        assert "nothing to do" in apply(guest).stderr
        guest.check("sshd-vsock -q remove; cmp /etc/hosts /root/before")
    finally:
        guest.check("cp /root/nss /etc/nsswitch.conf")


def test_hosts_file_of_our_making_goes_again(guest):
    guest.check("rm /etc/hosts")
    apply(guest)
    assert guest.check("getent hosts 127.0.0.1").split()[1] == "localhost"
    guest.check("sshd-vsock -q remove; test ! -e /etc/hosts")


def test_factory_copy_is_not_lost(guest):
    guest.check("""mkdir -p /usr/share/factory/etc; cp /etc/hosts /usr/share/factory/etc/hosts
        echo 'C /etc/hosts - - - -' > /usr/lib/tmpfiles.d/hosts.conf; rm /etc/hosts""")
    create = "systemd-tmpfiles --create /usr/lib/tmpfiles.d/hosts.conf"
    try:
        apply(guest)
        guest.check(f"{create}; grep -q localhost /etc/hosts; getent hosts UNKNOWN")
        guest.check(f"sshd-vsock -q remove; {create}; "
                    "cmp /etc/hosts /usr/share/factory/etc/hosts")
    finally:
        guest.check("rm /usr/share/factory/etc/hosts /usr/lib/tmpfiles.d/hosts.conf")
