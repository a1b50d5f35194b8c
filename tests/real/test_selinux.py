"""SELinux enforcing, with Debian's policy: an image is labelled and made outside, where there is no
policy, and boots. Labels are drift, denials have words of their own, and the rule that the policy
lacks comes along."""

import json
import os
import re

import pytest

from guest import Guest
from guest.build import CHECKOUT
from guest.steps import ANYWHERE, UNITS, apply, listeners, meanwhile

# With a policy the emulated processor is too slow for each change: in --full, and by name.
EVERY_RUN = 0

OURS = (f"{UNITS}/sshd-vsock* {UNITS}/*.wants/sshd-vsock* /etc/modules-load.d/sshd-vsock.conf "
        "/etc/systemd/system-preset/10-sshd-vsock*.preset /etc/hosts")
RULE = "/usr/share/sshd-vsock/sshd-vsock.cil"
PATIENT = "verify_timeout: 60\n"
AUDIT = "systemd-journald-audit.socket"


# What loads the rule, done outside of the guest, where it takes a second and not a minute: what it
# makes of the policy is kept, and the system's own is as it was.
BUILD = f"""
mkdir /root/own
cp -a /var/lib/selinux /root/own/store
cp -a /etc/selinux /root/own/policy
semodule -n -i {RULE}
cp /etc/selinux/default/policy/policy.* /root/with-the-rule
rm -r /var/lib/selinux /etc/selinux
mv /root/own/store /var/lib/selinux
mv /root/own/policy /etc/selinux
"""
LOAD = "cp /root/with-the-rule $(echo /etc/selinux/default/policy/policy.*) && load_policy"
FULL = os.environ.get("SSHD_VSOCK_FULL")


@pytest.fixture(scope="module", name="guest")
def boot(program):
    """An image that was labelled, and worked on afterwards. The journal has no audit, as in Fedora:
    what is denied stands in audit.log alone."""
    def prepare(guest):
        guest.install(program)
        guest.put(RULE, (CHECKOUT / "packaging/selinux/sshd-vsock.cil").read_bytes())
        guest.chroot(f"{BUILD}systemctl mask {AUDIT}")
        guest.offline(program, "apply")

    with Guest("bookworm", kernel="distro", security="selinux", prepare=prepare) as guest:
        yield guest


def mislabelled(guest):
    """What of ours has not the label that the policy wants. restorecon may not write to a file of
    the control door."""
    return guest.check(f"restorecon -nv {OURS} 2>&1 | cat")


def denied(guest):
    """Denials of this boot that are about what is ours, but for those of sshd."""
    return guest.check("{ journalctl -q -b -o cat; cat /var/log/audit/audit.log; } | "
                       "grep '^\\(audit: \\)*type=.*avc: *denied' | grep -v 'comm=\"sshd\"' | "
                       "grep -E 'sshd-vsock|modules-load' || :")


def verification(guest, verb="verify"):
    return json.loads(guest.run(f"sshd-vsock --json {verb}").stdout)["verification"]


def test_image_boots_with_the_labels_that_it_was_given(guest):
    assert guest.check("getenforce") == "Enforcing\n"
    assert mislabelled(guest) == ""
    assert guest.check("systemctl is-failed systemd-modules-load sshd-vsock.socket || :"
                       ) == "active\nactive\n"
    assert denied(guest) == ""


def test_without_the_rule_the_denial_is_named_and_the_rule_mends_it(guest):
    assert guest.check("systemctl show -P ExecMainStatus sshd-vsock-provision") == "4\n"
    assert guest.run("journalctl -q -b _TRANSPORT=audit | grep .").status == 1
    found = verification(guest)
    assert found["cause"] == "selinux" and "tclass=vsock_socket" in found["detail"], found
    load = re.search('"(semodule [^"]*)"', found["fix"])[1]
    assert load == f"semodule -i {RULE}"
    guest.check(load if FULL else LOAD, timeout=120)
    apply(guest, PATIENT)
    assert guest.ssh("exit 5").status == 5
    assert guest.run("sshd-vsock status").status == 0


def test_policy_that_is_put_off_for_this_boot_closes_nothing(guest):
    """Whoever gets in then may not at the next boot. What is printed is done to the letter."""
    before = listeners(guest)
    guest.check("setenforce 0")
    said = apply(guest, f"{PATIENT}disable_tcp: true\n", 4).stderr
    assert listeners(guest) == before
    guest.check(re.search("for this boot only: .*; fix: (setenforce 1; .*)", said)[1], timeout=120)
    assert listeners(guest) == set() and guest.check("getenforce") == "Enforcing\n"
    apply(guest, PATIENT)
    assert listeners(guest) == before


def test_what_a_run_writes_has_the_label_that_the_policy_wants(guest):
    guest.check(f"rm /etc/modules-load.d/sshd-vsock.conf {UNITS}/sshd-vsock@.service")
    guest.check("systemctl restart sshd-vsock-provision;"  # as at boot: not from a session, and nobody waits for it
                "until [ $(systemctl show -P ActiveState sshd-vsock-provision) = inactive ]; do sleep 0.5; done", timeout=300)
    assert mislabelled(guest) == ""


def test_wrong_label_is_drift_and_is_healed(guest):
    path = "/etc/modules-load.d/sshd-vsock.conf"
    guest.check(f"chcon -t etc_runtime_t {path}")
    result = guest.run("sshd-vsock status")
    assert result.status == 10 and f"restorecon {path}" in result.stdout, result.stdout
    assert f"restorecon {path}\n" in guest.run("sshd-vsock plan").stdout
    assert f"restorecon {path}" in apply(guest).stderr
    assert mislabelled(guest) == ""
    assert "nothing to do" in apply(guest).stderr


def test_unit_that_systemd_may_not_look_at_is_healed(guest):
    guest.check(f"chcon -t unlabeled_t {UNITS}/sshd-vsock.socket {UNITS}/sshd-vsock@.service && "
                "systemctl daemon-reload")
    found = verification(guest)
    assert found["cause"] == "selinux-unit" and "restorecon -R -v" in found["fix"], found
    apply(guest)
    assert mislabelled(guest) == ""
    assert guest.ssh("exit 5").status == 5


def test_unit_of_others_that_systemd_may_not_look_at_is_named(guest):
    """What no label of ours can mend: the fix is run to the letter."""
    guest.check("chcon -t unlabeled_t /usr/lib/systemd/system/ssh.service && systemctl daemon-reload")
    result = guest.run("sshd-vsock --json apply")
    error = json.loads(result.stdout)["error"]
    assert result.status == 1 and error["cause"] == "selinux-unit", error
    assert "ssh.service: SELinux policy denies access" in error["what"], error
    guest.check(error["fix"].split('"')[1], timeout=120)
    apply(guest)


@pytest.mark.parametrize("path,cause", (("/etc/ssh/sshd_config", "selinux-file"),
                                        ("/etc/ssh/ssh_host_*_key", "selinux-keys")))
def test_denial_of_a_file_is_mended_by_what_is_printed(path, cause, guest):
    guest.check(f"chcon -t unlabeled_t {path}")
    found = verification(guest)
    assert found["cause"] == cause and "avc:  denied" in found["detail"], found
    guest.check(found["fix"].split('"')[1])
    assert verification(guest)["answers"]


def test_key_that_the_policy_keeps_from_the_listener(guest):
    """Root can read it, and the sshd that root starts, too."""
    with meanwhile(guest, "chcon -t unlabeled_t /root/.ssh/authorized_keys", "true"):
        result = apply(guest, f"{PATIENT}disable_tcp: true\n", status=4)
        assert "SELinux denies sshd a key file" in result.stderr
    guest.check(re.search('"(restorecon .*?)"', result.stderr)[1])
    apply(guest)
    assert not listeners(guest)


def test_next_boot_is_as_good(guest):
    """What the boot unit made, the next boot can read."""
    guest.check("rm /etc/modules-load.d/sshd-vsock.conf; >/var/log/audit/audit.log")
    guest.reboot()
    assert mislabelled(guest) == ""
    assert denied(guest) == ""
    assert guest.check("systemctl show -P Result sshd-vsock-provision") == "success\n"
    assert not listeners(guest)
    assert guest.ssh("exit 5").status == 5


def test_all_of_it_comes_out_again(guest):
    """Last: the others have it. What stays has the label that the policy wants."""
    guest.check("sshd-vsock remove", timeout=120)
    assert listeners(guest) == ANYWHERE
    assert guest.run("find /etc -name '*sshd-vsock*' -not -name sshd-vsock.yaml").stdout == ""
    assert guest.check("restorecon -nv /etc/hosts /etc/systemd/system 2>&1 | cat") == ""
    assert denied(guest) == ""
