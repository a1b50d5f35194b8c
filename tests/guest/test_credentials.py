"""What the machine was booted with: systemd's credentials, and the target that hosts wait for."""

import json

import pytest

from guest import Guest
from guest.steps import UNITS, apply, listeners

# Of each promise one, on as many systemds.
# what comes by the firmware is in tests/real, in every run
EVERY_RUN = {"test_hosts_that_wait_for_ssh_access_wait_for_the_listener[forky]",
             "test_keys_that_nobody_hands_over"}

TARGET = "ssh-access.target"


@pytest.mark.parametrize("suite", ["bullseye", "trixie", "forky"])
def test_hosts_that_wait_for_ssh_access_wait_for_the_listener(suite, program):
    """Reached behind the socket, in a boot too; on older systems the name is no fault."""
    with Guest(suite) as guest:
        guest.install(program)
        apply(guest, "")
        guest.reboot()
        assert guest.state == "running\n".strip()
        there = guest.run(f"systemctl cat {TARGET}").status == 0
        assert there == (suite != "bullseye")
        assert guest.run(f"systemctl is-active {TARGET}").status == (0 if there else 3)
        if there:
            order = guest.check("systemctl show -P ActiveEnterTimestampMonotonic "
                                f"sshd-vsock.socket {TARGET}").split()
            assert int(order[0]) <= int(order[1])
            assert TARGET in guest.check("systemctl show -P Before sshd-vsock.socket")
        assert guest.run("journalctl -b -p warning | grep -i ssh-access").status == 1
        assert guest.ssh("exit 5").status == 5
        assert "nothing to do" in apply(guest).stderr


def boot_with(name, text):
    """What the kernel's command line has to say for that. Quoted, since YAML needs blanks; 252 does
    not know systemd.set_credential_binary=."""
    return f'"systemd.set_credential={name}:{text}"'


def source(guest, verb="status"):
    """Where the verb has its configuration from."""
    return json.loads(guest.run(f"sshd-vsock --json {verb}").stdout)["configuration"]["source"]


PLACE = "/run/credentials/@system/sshd-vsock.yaml"


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_configuration_from_a_credential(suite, program):
    """The boot unit finds it, and so does each verb; a file wins; each boot brings another."""
    def bake(guest):
        guest.install(program)
        guest.offline(program, "apply")

    with Guest(suite, prepare=bake,
               cmdline=boot_with("sshd-vsock.yaml", "{disable_tcp: true, port: 222}")) as guest:
        assert guest.state == "running"
        assert listeners(guest) == set()
        assert guest.ssh("exit 5", port=222).status == 5
        assert f"this works with the credential {PLACE}" in guest.check(
            "journalctl -b -u sshd-vsock-provision")
        for verb in ("check", "plan", "status", "verify", "client"):
            assert source(guest, verb) == "credential"
        again = apply(guest)
        assert "nothing to do" in again.stderr
        assert "StandardInputText" not in guest.check("systemctl cat sshd-vsock-provision")

        result = apply(guest, "disable_tcp: false\n")
        assert f"the credential {PLACE} says otherwise and does not count" in result.stderr
        assert source(guest) == "file" and listeners(guest)
        assert guest.ssh("exit 5").status == 5
        guest.check("rm /etc/sshd-vsock.yaml")
        apply(guest)
        assert listeners(guest) == set()

        guest.cmdline = boot_with("sshd-vsock.yaml", "{hosts_entry: false, disable_tpc: true}")
        guest.reboot()
        result = guest.run("sshd-vsock check")
        assert result.status == 2
        assert f'{PLACE}:1:22: error: unknown key "disable_tpc"' in result.stderr
        assert guest.check("systemctl show -P ExecMainStatus sshd-vsock-provision") == "2\n"
        assert listeners(guest) == set()
        assert guest.ssh("exit 5", port=222).status == 5

        guest.cmdline = ""
        guest.reboot()
        assert source(guest) == "defaults" and listeners(guest)


def test_configuration_that_nobody_hands_over(program):
    """systemd 247 knows no such credentials: nothing comes of the words, and nothing breaks."""
    with Guest("bullseye", cmdline=boot_with("sshd-vsock.yaml", "{port: 222}")) as guest:
        guest.install(program)
        apply(guest)
        guest.reboot()
        assert guest.state == "running"
        assert source(guest) == "defaults"
        assert guest.ssh("exit 5").status == 5


KEYS = "ssh.ephemeral-authorized_keys-all"
SSHD = "/etc/ssh/sshd_config.d/20-test.conf"
COPY = "/run/sshd-vsock"


def bake_keys(guest):
    """Each account's keys are where sshd_config has them, and nowhere else; the host has another."""
    guest.chroot("""useradd -m -s /bin/bash ana
        ssh-keygen -q -t ed25519 -N '' -C '' -f /root/ephemeral
        mkdir /etc/ssh/keys; mv /root/.ssh/authorized_keys /etc/ssh/keys/root
        cp /etc/ssh/keys/root /etc/ssh/keys/ana; chmod 0644 /etc/ssh/keys/*""")
    guest.put(SSHD, "AuthorizedKeysFile /etc/ssh/keys/%u\n")
    guest.cmdline = boot_with(KEYS, guest.get("/root/ephemeral.pub").decode().strip())


def gets_in(guest, user, how="-o ProxyCommand='socat - VSOCK-CONNECT:1:22' x"):
    """Whether the key in the credential is enough."""
    result = guest.run("ssh -i /root/ephemeral -o IdentitiesOnly=yes -o BatchMode=yes "
                       "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
                       f"-o LogLevel=ERROR -l {user} {how} exit 5")
    assert result.status == 5 or "Permission denied" in result.stderr, result
    return result.status == 5


def login_of(guest, user):
    """What verify says of the account."""
    report = json.loads(guest.run("sshd-vsock --json verify").stdout)
    return next(a for a in report["logins"]["accounts"] if a["user"] == user)


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "forky"])
def test_keys_of_a_credential_beside_those_of_sshd_config(suite, program):
    def bake(guest):
        bake_keys(guest)
        guest.install(program)
        guest.offline(program, "apply")

    with Guest(suite, prepare=bake) as guest:
        assert guest.state == "running"
        guest.check("ip link set lo up")
        assert gets_in(guest, "ana") and gets_in(guest, "root")
        assert guest.ssh("exit 5").status == 5
        assert guest.ssh("exit 5", user="ana").status == 5
        assert not gets_in(guest, "ana", "127.0.0.1"), "TCP has nothing to do with it"
        assert "nothing to do" in apply(guest).stderr

        # Each connection has sshd_config as it is then; what that sets itself wins.
        guest.check(f"mv /etc/ssh/keys /etc/ssh/others; echo 'Match User ana' >{SSHD};"
                    f"echo 'AuthorizedKeysFile /etc/ssh/others/%u' >>{SSHD}")
        assert gets_in(guest, "ana") and gets_in(guest, "root")
        assert guest.ssh("exit 5", user="ana").status == 5
        assert guest.ssh("exit 5").status == 255
        guest.put(SSHD, "AuthorizedKeysCommand /bin/cat /etc/ssh/others/%u\n"
                        "AuthorizedKeysCommandUser nobody\n")
        assert not gets_in(guest, "ana")
        assert guest.ssh("exit 5", user="ana").status == 5
        assert login_of(guest, "root")["admission"] == "untried"

        # Nobody has another key: who gets in is known all the same, and TCP can close.
        guest.check(f"rm -r {SSHD} /etc/ssh/others")
        assert login_of(guest, "root")["admission"] == "proven"
        result = apply(guest, "disable_tcp: true\nrequire_login: [ana]\n")
        assert "ana can log in over vsock: its key ED25519" in result.stderr
        assert listeners(guest) == set()
        assert gets_in(guest, "ana"), "the keys of this boot are all that anybody has"
        assert "nothing to do" in apply(guest).stderr

        apply(guest, "")
        result = guest.run("sshd-vsock remove")
        assert result.status == 0, result.stderr
        assert "warning: the keys that this machine was booted with (the credential " \
            "ssh.ephemeral-authorized_keys-all) count over the vsock listener only" in result.stderr
        assert guest.run(f"ls -d {COPY} /etc/ssh/sshd-vsock.conf {UNITS}/sshd-vsock*").stdout == ""
        assert "start sshd-vsock-credential.service" in apply(guest).stderr
        assert gets_in(guest, "ana")

        guest.put("/root/.ssh/authorized_keys", guest.public_key, mode=0o600)
        guest.cmdline = ""
        guest.reboot()
        assert guest.state == "running"
        assert not gets_in(guest, "root")
        assert guest.ssh("exit 5").status == 5
        assert guest.run(f"ls -d {COPY}").status != 0


def test_keys_of_a_credential_come_back_with_the_listener(program):
    """What leads in besides it is lost by the last reload of `remove`, and cannot be bound anew: the keys of this
    boot are there again."""
    with Guest("trixie", prepare=bake_keys) as guest:
        guest.install(program)
        apply(guest)
        guest.put(f"{UNITS}/mine.socket", "[Socket]\nListenStream=0.0.0.0:2222\nAccept=yes\n"
                                          "[Install]\nWantedBy=sockets.target\n")
        guest.put(f"{UNITS}/mine@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n")
        guest.check("systemctl daemon-reload; systemctl disable -q --now ssh.service; systemctl enable -q --now "
                    f"mine.socket; sed -i s/2222/2223/ {UNITS}/mine.socket;"
                    "systemd-run -q --unit=taken socat TCP-LISTEN:2223 -")
        result = guest.run("sshd-vsock remove", timeout=120)
        assert result.status == 4 and "rolled back: sshd-vsock.socket restored" in result.stderr, result
        assert gets_in(guest, "ana")


def test_generated_listener_that_takes_no_keys_gives_way(program):
    """It works, and admits all that sshd_config admits: that is not all this boot is for."""
    with Guest("trixie", prepare=bake_keys) as guest:
        guest.install(program)
        guest.check("modprobe vsock_loopback; modprobe vmw_vsock_virtio_transport;"
                    "systemctl daemon-reload; systemctl start sshd-vsock.socket;"
                    "ls /run/systemd/generator/sshd-vsock.socket")
        assert not gets_in(guest, "ana")
        assert guest.ssh("exit 5", user="ana").status == 5
        assert f"write {UNITS}/sshd-vsock.socket" in apply(guest).stderr
        assert gets_in(guest, "ana")
        assert guest.ssh("exit 5", user="ana").status == 5
        assert "nothing to do" in apply(guest).stderr


def test_plan_says_that_it_gives_way(program):
    """Which keys it takes is seen without a connection, which a look may not load vsock_loopback for."""
    with Guest("trixie", prepare=bake_keys) as guest:
        guest.install(program)
        guest.check("modprobe vmw_vsock_virtio_transport; systemctl daemon-reload; "
                    "systemctl start sshd-vsock.socket; ls /run/systemd/generator/sshd-vsock.socket; "
                    "timeout 60 sh -c 'while lsmod | grep -q ^vsock_loopback; do rmmod vsock_loopback; done'")
        for verb, words in ("plan", f"+++ {UNITS}/sshd-vsock.socket\n"), (
                "status", f"write {UNITS}/sshd-vsock.socket\n"):
            result = guest.run(f"sshd-vsock {verb}")
            assert result.status == 10 and words in result.stdout, result
        guest.check("! lsmod | grep vsock_loopback")
        assert f"write {UNITS}/sshd-vsock.socket" in apply(guest).stderr


# What systemd-vmspawn hands over with its key (vmspawn.c), where systemd-debug-generator writes it at each boot.
VMSPAWN = f"""[Service]
ExecStart=
ExecStart=sshd -i -o 'AuthorizedKeysFile=%d/{KEYS} .ssh/authorized_keys'
ImportCredential={KEYS}
"""


def test_drop_in_of_the_host_is_what_counts(program):
    """It takes the place of sshd_config's AuthorizedKeysFile: whom that locks out is known."""
    with Guest("trixie", prepare=bake_keys) as guest:
        guest.install(program)
        guest.put("/etc/systemd/system-generators/credential", f"""#!/bin/sh
            mkdir -p "$2/sshd-vsock@.service.d"
            cat >"$2/sshd-vsock@.service.d/50-credential.conf" <<'END'\n{VMSPAWN}END\n""", mode=0o755)
        guest.check("systemctl daemon-reload")
        guest.put("/root/.ssh/authorized_keys", guest.public_key, mode=0o600)
        apply(guest, "")
        assert gets_in(guest, "root") and guest.ssh("exit 5").status == 5
        assert not gets_in(guest, "ana") and guest.ssh("exit 5", user="ana").status == 255
        assert login_of(guest, "root")["admission"] == "proven"
        assert "50-credential.conf" in guest.run("sshd-vsock status").stdout
        result = apply(guest, "disable_tcp: true\nrequire_login: [ana]\n", status=4)
        assert "ana" in result.stderr and listeners(guest)


def test_keys_that_nobody_hands_over(program):
    """systemd 247: as if there were none."""
    with Guest("bullseye", prepare=bake_keys) as guest:
        guest.install(program)
        apply(guest, "")
        assert not gets_in(guest, "root")
        assert guest.ssh("exit 5").status == 5
        assert guest.run("ls /etc/ssh/sshd-vsock.conf").status != 0


# A container of the guest's own system, which runs the program and stays up.
BOX = """
mkdir -p /srv/box/var /srv/box/root /srv/box/usr /srv/box/proc /srv/box/sys /srv/box/dev /srv/box/run /srv/box/tmp
cp -a /bin /sbin /lib /lib64 /etc /srv/box
rm /srv/box/etc/systemd/system/sysinit.target.wants/guest-door.service
ln -s /dev/null /srv/box/etc/systemd/system/ssh.service
systemctl --root=/srv/box enable -q look.service
ssh-keygen -q -t ed25519 -N '' -C '' -f /root/ephemeral
echo 'port: 222' >/srv/guest.yaml
"""
LOOK = """[Service]
Type=oneshot
ExecStart=/bin/bash -c 'sshd-vsock apply; sshd-vsock --json status >/root/status'
StandardError=file:/root/said
ExecStopPost=touch /root/done
[Install]
WantedBy=multi-user.target
"""
NSPAWN = f"""
mount --bind /usr /srv/box/usr
modprobe vsock_loopback
systemd-run -q --unit=box -p Delegate=yes systemd-nspawn --keep-unit --boot -D /srv/box \
        --load-credential=sshd-vsock.yaml:/srv/guest.yaml --set-credential={KEYS}:"$(cat /root/ephemeral.pub)"
timeout 60 sh -c 'until [ -e /srv/box/root/done ]; do sleep 0.2; done'
"""


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_container_of_nspawn_has_both(suite, program):
    """PID 1 there finds them where nspawn puts them."""
    def bake(guest):
        guest.install(program)
        guest.put("/etc/systemd/system/look.service", LOOK)
        guest.chroot(BOX)

    with Guest(suite, packages=["systemd-container"], prepare=bake) as guest:
        guest.check(NSPAWN, timeout=90)
        said = guest.check("cat /srv/box/root/said")
        assert f"this works with the credential {PLACE}" in said
        assert "verified: SSH-2.0" in said and "on vsock port 222 " in said, said
        report = json.loads(guest.check("cat /srv/box/root/status"))
        assert report["configuration"]["source"] == "credential"
        assert gets_in(guest, "root", "-o ProxyCommand='socat - VSOCK-CONNECT:1:222' x")
