"""No text that tells how to mend something is printed unless a test has done what it says, or it is
said here why none can. And those that are about images: each done to a tree to the letter."""

import errno
import re
import shutil
import subprocess

import pytest

import fixtexts
import layouts
from faults import Fault, environment, record
from tree import CHECKOUT, UNITS, Tree, program

GUEST, OFFLINE = "guest/test_fixes.py::", "offline/test_fixes.py::"
COMMAND = GUEST + "test_fix_that_is_a_command"
SELINUX = "real/test_selinux.py::"
WHO = GUEST + "test_who_does_not_get_in"


class Never(str):
    """Why no test does it."""


OTHER_MACHINE = Never("another kind of machine: user-mode Linux is none of these")

# By the cause's word: the test that has done what the table says.
CAUSES = {
    "not-booted": GUEST + "test_where_no_systemd_runs",
    "chroot": GUEST + "test_where_no_systemd_runs",
    "not-root": GUEST + "test_not_root",
    "no-sshd": GUEST + "test_package_that_is_missing",
    "unit-masked": COMMAND,
    "unit-missing": COMMAND,
    "unit-rejected": GUEST + "test_unit_that_systemd_refuses",
    "template-missing": COMMAND,
    "template-masked": COMMAND,
    "trigger-limit": COMMAND,
    "port-taken": GUEST + "test_port_taken",
    "socket-failed": GUEST + "test_socket_failed",
    "socket-inactive": COMMAND,
    "no-af-vsock": GUEST + "test_kernel_and_machine",
    "no-loopback": GUEST + "test_kernel_and_machine",
    "no-listener": COMMAND,
    "share-full": GUEST + "test_share_full",
    "connect": Never("what connect(2) says when no known thing is wrong"),
    "timeout": GUEST + "test_timeout",
    "no-host-keys": GUEST + "test_no_host_keys",
    "no-privsep": GUEST + "test_no_privsep",
    "no-privsep-user": GUEST + "test_no_privsep_user",
    "bad-sshd-config": GUEST + "test_bad_sshd_config",
    "closed": GUEST + "test_unit_that_starts_no_sshd",
    "not-ssh": GUEST + "test_unit_that_starts_no_sshd",
    "ssh-version": Never("an OpenSSH of 2016 or older"),
    "no-kex": GUEST + "test_unit_that_starts_no_sshd",
    "selinux": SELINUX + "test_without_the_rule_the_denial_is_named_and_the_rule_mends_it",
    "selinux-keys": SELINUX + "test_denial_of_a_file_is_mended_by_what_is_printed",
    "selinux-file": SELINUX + "test_denial_of_a_file_is_mended_by_what_is_printed",
    "selinux-rule": Never("a policy that denies sshd more than Debian's does"),
    "selinux-unit": SELINUX + "test_unit_that_systemd_may_not_look_at_is_healed",
    "apparmor": "real/test_real.py::test_denial_of_apparmor_is_named_and_mended",
    "no-unknown": GUEST + "test_no_unknown",
    "no-way-to-host": GUEST + "test_kernel_and_machine",
    "tcp-open": "guest/test_listeners.py::"
                "test_sshd_of_another_unit_is_named_and_nothing_opens_again",
    "tcp-down": GUEST + "test_nothing_listens_any_more",
    "no-login": WHO,
}

# By words that stand in one text alone.
OTHERS = {
    "journalctl -t sshd -t sshd-session": Never("sshd said what no row of the table knows"),
    "have it name the addresses of listen_address alone":
        "offline/test_wayin.py::test_address_that_would_not_hold_is_refused",
    "it is then read before ours, which begins anew":
        "offline/test_wayin.py::test_address_that_would_not_hold_is_refused",
    "it is a mount point of its own": GUEST + "test_hosts_file_that_is_mounted",
    "run 'restorecon -v %s' and correct": Never("a label that restorecon itself may not set"),
    "relabel it before it boots": "offline/test_labels.py::"
                                  "test_image_without_labels_is_to_be_relabelled",
    "write an address in its place": "guest/test_close.py::test_address_that_dns_alone_knows_is_warned_of",
    "setenforce 1": SELINUX + "test_policy_that_is_put_off_for_this_boot_closes_nothing",
    "install -D -m 0644 -t": "guest/test_close.py::"
                             "test_drop_in_that_the_next_boot_lacks_closes_nothing",
    "look for an immutable file": "offline/test_hostile.py::test_what_is_immutable_is_named",
    "whose files these are to be": OFFLINE + "test_image_of_a_user",
    "make room on the file system":
        "offline/test_hostile.py::test_a_full_file_system_is_named_and_room_mends_it",
    "mount its file system read-write": GUEST + "test_home_that_is_read_only",
    "see why, and run it again": OFFLINE + "test_file_that_cannot_be_read",
    "run it again": OFFLINE + "test_file_that_changes_while_at_work",
    "take other ListenAddress lines out": Never("what sshd itself says after all known lines are "
                                                "commented out; no way to make it so is known"),
    "give the kernel the module hv_sock": OTHER_MACHINE,
    "give the machine a vsock device": GUEST + "test_kernel_and_machine",
    "set up SSH over vsock on that machine": OTHER_MACHINE,
    "try it from the host;": OTHER_MACHINE,
    "try it from the host": OTHER_MACHINE,
    "try it from the parent instance": OTHER_MACHINE,
    "have that program hand on the port": OTHER_MACHINE,
    "where you know that a host comes in": "guest/test_hostway.py::"
        "test_what_the_operator_vouches_for_is_taken_and_said_at_each_run",
    "leave TCP open here": Never("nothing is to be done"),
    "systemctl %s %s%s%s": "guest/test_listeners.py::"
                           "test_sshd_of_another_unit_is_named_and_nothing_opens_again",
    "kill %d": "guest/test_listeners.py::"
               "test_sshd_started_by_hand",
    "start sshd as it was started before": Never("an sshd without a unit ends while TCP was to close"),
    "systemctl start ": GUEST + "test_configuration_at_hand",
    "%s --config=": GUEST + "test_configuration_at_hand",
    " (with the same input)": GUEST + "test_configuration_at_hand",
    " (with the configuration that {UNIT_PROVISION} carries as its input)": GUEST
        + "test_configuration_at_hand",
    "install it as %s": OFFLINE + "test_image_without_the_program",
    "see to it that %s does not start it again": "guest/test_listeners.py::"
               "test_sshd_started_by_hand",
    "let the account read it": WHO,
    "put a file there": WHO,
    "put a key without command=": WHO,
    "put a public key into its authorized_keys": WHO,
    "run 'sshd -t' and correct the line it names": GUEST + "test_configuration_that_is_refused",
    "raise verify_timeout, or see": Never("time was up for all accounts together"),
    "for ProtectHome= and the like": GUEST + "test_unit_that_a_trial_cannot_follow",
    "change that unit, or set": GUEST + "test_unit_that_a_trial_cannot_follow",
    "install the package openssh-client": GUEST + "test_package_that_is_missing",
    "see why that file system does not answer": Never("a file system of FUSE, which the guests' "
                                                      "kernel lacks"),
    "if you know that it works": WHO,
    "if you know that it works, or let another account in": WHO,
    "create it, or set": WHO,
    "see what the account's shell does with a command": WHO,
    "see what the account's shell does at a login": "guest/test_logins.py::test_what_a_shell_starts_ends_with_the_trial",
    "see 'sshd-vsock --help'": OFFLINE + "test_command_line_that_is_wrong",
    "install the package libsystemd0 (Fedora, Arch: systemd-libs)": GUEST + "test_library_that_is_missing",
    "run as root on a system booted with systemd": Never("D-Bus does not answer"),
    "correct what hangs in ExecReload= of %s": GUEST + "test_reload_that_hangs",
    "systemctl list-jobs": Never("a job that takes 90 seconds"),
    "see 'systemctl status %s' and 'journalctl": GUEST + "test_job_that_fails",
    "correct what 'systemctl status %s' names, then": GUEST + "test_unit_that_systemd_refuses",
    "correct what 'systemctl status sshd-vsock.socket' names": GUEST + "test_unit_that_systemd_refuses",
    "take the TCP addresses out of it, %s": GUEST + "test_tcp_of_our_own_socket",
    "take the TCP addresses out of %s": GUEST + "test_tcp_of_our_own_socket",
    "what 'systemctl cat %s' shows": Never("a unit whose file went since systemd read it"),
    "take ListenStream= out of %s": GUEST + "test_port_that_a_drop_in_moves",
    "systemctl %s %s && sshd-vsock apply": GUEST + "test_port_of_another_socket_unit",
    "take vsock port %u out of it": GUEST + "test_port_of_another_socket_unit",
    "systemctl disable --now %s && sshd-vsock apply'; or": "guest/test_rivals.py::"
        "test_what_does_more_is_named_and_taken_over_on_request",
    "disable it there, with 'systemctl --root'": OFFLINE + "test_other_unit_on_the_port_in_an_image",
    "delete it, or what includes that file":
        OFFLINE + "test_address_in_a_file_that_is_not_below_etc",
    "copy it to {SYSTEM_UNIT_DIR}%s, %s": "guest/test_rivals.py::test_stream_of_a_vendor_is_named",
    "put a copy of what it leads to in its place, %s": "offline/test_rivals.py::"
        "test_stream_that_is_not_ours_to_take_is_in_the_way",
    "take that stream out of it, %s": "offline/test_rivals.py::test_stream_that_is_not_ours_to_take_is_in_the_way",
    "delete the stream and run": "guest/test_rivals.py::test_stream_with_a_narrower_template_is_named",
    "systemctl unmask %s && sshd-vsock apply": GUEST + "test_masked_unit_of_the_door",
    "make that file, as a copy of": OFFLINE + "test_addresses_without_a_place",
    "put a file in its place": OFFLINE + "test_sshd_config_that_is_no_file",
    "put a file in its place, or say hosts_entry: false": GUEST + "test_hosts_file_in_the_way",
    "have sshd listen on TCP meanwhile; or": "guest/test_takeover.py::"
        "test_only_way_is_not_taken_over_where_nothing_can_be_verified",
    "run it when the system has booted; or": "guest/test_takeover.py::"
        "test_nothing_is_taken_over_early_in_a_boot_where_nothing_can_be_verified",
    "delete its line that ends in": GUEST + "test_line_that_remove_leaves",
    "mkdir -p %s && mv %s": "guest/test_close.py::"
        "test_unit_of_the_administrator_is_in_the_way_of_closing_only",
    "move it to %s of the image": OFFLINE + "test_own_unit_in_an_image",
    "move it away or delete that, and run this again; or": OFFLINE
        + "test_unit_by_hand_that_does_more",
    "%s, or move it away; then run this again": OFFLINE
        + "test_unit_by_hand_that_starts_at_no_boot",
    "see why the file system of that home hangs": Never("a file system that hangs, for any reason"),
    "see why 'id' takes so long for that account": Never("a directory service that hangs, for any reason"),
    "leave out --root to work on the running system": GUEST + "test_root_that_is_the_running_system",
    "move it away and run this again": GUEST + "test_what_is_in_the_way_of_the_door",
    "outside of sandboxes that forbid openat2": OFFLINE + "test_sandbox_that_forbids_a_call",
    "include fewer files": OFFLINE + "test_too_many_includes",
    "install a build for this image": "offline/test_program_file.py::"
        "test_what_is_no_program_of_this_machine",
    "install it as root's, mode 0755": "offline/test_program_file.py::"
        "test_one_that_is_not_to_be_run_is_named",
    "install it as %s, with root as the owner": GUEST + "test_program_that_others_can_replace",
    "take AddressFamily": OFFLINE + "test_address_of_a_family_that_sshd_refuses",
    "mv %s{MISNAMED} %s": "offline/test_cli.py::"
        "test_file_with_the_other_ending_is_not_overlooked",
    "put the word files before all others": "guest/test_report.py::test_hosts_file_that_nobody_asks",
    "take the name out of the list or give the user a home": "offline/test_hostile.py::"
        "test_account_whose_home_is_empty",
    "take the name out of the list": GUEST + "test_user_who_is_not_there",
    "correct the line that sshd names, in sshd_config": GUEST + "test_configuration_that_is_refused",
    "see what it does, and end it if it hangs": "offline/test_neighbours.py::"
        "test_who_waits_says_for_whom_and_not_for_ever",
    "correct what 'systemctl status %s' shows": GUEST + "test_tcp_that_does_not_come_back",
    "name an address of this machine": "guest/test_reality.py::"
        "test_address_that_the_machine_lacks_changes_nothing",
    "; when that is corrected, 'systemctl reset-failed %s; systemctl restart": GUEST + "test_nothing_listens_any_more",
    "%ssystemctl restart %s": "guest/test_reality.py::test_options_of_the_unit_win",
    "first correct what 'sshd-vsock verify' names": GUEST + "test_only_way_in_is_not_to_be_closed",
    "mv %s %s.off; ": "guest/test_reality.py::test_extra_stream_of_the_socket_unit",
    "systemctl stop %s; systemctl restart %s": "guest/test_reality.py::"
                                               "test_extra_stream_of_the_socket_unit",
    "take %s out of what %s passes to sshd": GUEST + "test_option_of_a_unit_that_is_not_in_etc",
    "boot the image": "guest/test_first_boot.py::test_proves_the_door_closes_tcp_and_stays_closed",
    "boot the image once": "guest/test_first_boot.py::"
                           "test_proves_the_door_closes_tcp_and_stays_closed",
    "take out of %s what causes it": GUEST + "test_drop_in_that_is_in_its_way",
    "take out of %.300s what that is about": GUEST + "test_drop_in_that_names_no_unit",
    "rm %s', or see what else PAM's account rules": GUEST + "test_file_that_keeps_all_but_root_out",
    "chmod 0600%s": "offline/test_settings.py::test_key_that_everybody_can_read_is_none",
    "take 'HostKey none' out of sshd_config": "offline/test_settings.py::"
        "test_no_key_is_shown_where_sshd_is_told_to_use_none",
    "install the package openssh-server (openSUSE, Arch: openssh), which brings": OFFLINE
        + "test_image_without_any_unit_of_sshd",
    "give a network card of this machine": "guest/test_remove.py::test_sshd_that_no_network_leads_to",
    "correct what 'sshd -t' names; then": "guest/test_remove.py::"
        "test_sshd_that_will_refuse_its_configuration_is_no_way_in",
    "sed -i '%s' %s; ": "guest/test_reality.py::test_loopback_is_no_way_in",
    "systemctl enable %s; ": "guest/test_reality.py::test_sshd_of_another_unit",
    "systemctl stop %s; ": "guest/test_reality.py::test_unit_that_starts_at_no_boot_is_no_way_in",
    "kill %d; ": "guest/test_reality.py::test_sshd_by_hand_is_no_way_in",
    "systemctl %senable %s; ": "guest/test_reality.py::test_disabled_by_the_administrator",
    "have %s listen on an address that others reach": "guest/test_reality.py::test_socket_on_loopback_is_no_way_in",
    ", and run this again": "offline/test_wayin.py::test_socket_on_loopback_is_no_way_in",
    "then 'systemctl daemon-reload; systemctl enable": "guest/test_reality.py::test_socket_on_loopback_is_no_way_in",
    "have %s, which %s starts, start sshd": "offline/test_wayin.py::test_socket_without_what_it_starts_is_no_way_in",
    "touch %s; ": "offline/test_wayin.py::test_only_door_of_an_image_stays_until_the_advice_is_followed",
    "rm %s%s; ": "offline/test_wayin.py::test_only_door_of_an_image_stays_until_the_advice_is_followed",
    "systemctl unmask --runtime %s; ": "guest/test_reality.py::test_masked_until_the_next_boot",
    "systemctl %sunmask %s; ": "guest/test_reality.py::test_masked_by_the_administrator",
    "systemctl reset-failed %s; systemctl restart %s; ":
        "guest/test_reality.py::test_restart_loop_is_no_way_in",
    # of accounts
    "name %s without @HOST in AllowUsers": WHO,
    "take %s out of DenyUsers": WHO,
    "put %s into one of the groups": WHO,
    "take %s out of the groups in DenyGroups": WHO,
    "give %s a shell that exists": WHO,
    "unlock it: 'usermod": "guest/test_logins.py::test_fix_that_is_a_command_is_run_to_the_letter",
    "create the account %s": Never("sshd does not know whom /etc/passwd has"),
    "outside of Match Address, or let another account": WHO,
    "chage --expiredate -1 %s": WHO,
    "set a new password for %s": WHO,
    "give %s another key, or take this one out": WHO,
    "put a key without expiry-time=": WHO,
    "give %s a key of a type": Never("the next text, where sshd's list can be read"),
    "give it a key of a type": WHO,
    "see what PAM's account rules": WHO,
    "put a key without from=": WHO,
    "make %s own what that line names": WHO,
    "see the options of that key": Never("no sshd of the suites says it of a plain key"),
    "give %s a shell that logs in": WHO,
    "wait until the system has booted": GUEST + "test_system_that_is_booting",
    "correct what sshd says there, for %s": Never("an sshd that dies in a login and in nothing else"),
}
# Pieces of a command that say nothing by themselves, and words of the machinery around them.
PIECES = {"sshd-vsock apply", "sshd-vsock remove", "sshd-vsock %sremove", "--root=%s ", "systemctl daemon-reload; ",
          "disable --now", "mask --now", "stop", " and ", ".scope", "/run/systemd/generator",
          "/run/systemd/transient/", "fix", "disabled", "loopback", "systemctl stop ", "still listens on TCP",
          "%s (the journal: %s)", "listens on TCP beyond listen_address", ", and over TCP no longer once it closes"}


def source(name):
    (path,) = (CHECKOUT / "module").rglob(name)
    return path.read_text(encoding="utf-8")


def texts():
    """All that the program may print to mend something, but for the table of causes."""
    found = set()
    for path in (CHECKOUT / "module").rglob("*.[ch]"):
        found |= set(fixtexts.fixes_of(path.read_text(encoding="utf-8")))
    for table, file, column in ("reasons", "admission.c", 1), ("by_dmi", "host-transport.c", -1):
        for words in fixtexts.columns(source(file), table, column):
            found |= set(words if table == "reasons" or len(words[:1]) and " " in words[0]
                         and not words[0].startswith(("an ", "Amazon", "Google", "Oracle", "Huawei",
                                                      "Open ", "SAP", "Alibaba", "Hetzner")) else [])
    for macro in re.findall(r'^#define (?:KEEP|VOUCH) +"(.*)"$', source("host-transport.c"), re.M):
        found.add(macro.replace('\\"', "'"))
    return found - PIECES


def claimed(text):
    """The registry's keys for a text: the longest that stands in it."""
    keys = [key for key in OTHERS if key in text]
    return max(keys, key=len, default=None)


def test_every_fix_has_a_test():
    found = texts()
    keys = [claimed(text) for text in found]
    assert len(found) > 70
    assert sorted(text for text in found if not claimed(text)) == []
    assert set(OTHERS) - set(keys) == set(), "no longer printed"
    assert sorted(key for key in OTHERS if keys.count(key) > 1) == [], "stands in more than one text"


def test_every_cause_has_a_test():
    rows = fixtexts.columns(source("causes.c"), "causes", 0)
    assert [words[0] for words in rows if words != ["none"]] == list(CAUSES)


@pytest.mark.parametrize("claim", sorted(set([*CAUSES.values(), *OTHERS.values()])))
def test_the_test_is_there(claim):
    if isinstance(claim, Never):
        return
    file, name = claim.split("::")
    assert f"\ndef {name}(" in (CHECKOUT / "tests" / file).read_text(encoding="utf-8"), claim


COMMAND_IN_PROSE = re.compile(
    r"(?<!^)\b(?:systemctl|journalctl|sshd-vsock (?:apply|remove|verify|plan|status|--help)|sshd -\w|chmod|"
    r"chown|usermod|passwd|chage|kill %d|sed -i|mv|rm|mkdir|touch|mount -|restorecon|modprobe|ip address|ss -\w)"
    r"(?!\w)")


def outside_quotes(text):
    """What of a fix stands in no quotes; a word that a command quotes is none of its own."""
    return re.sub(r"'[^']*'", "", text.replace("'*'", "").replace("PAM's", "").replace("account's", ""))


def test_command_stands_alone_or_in_quotes():
    """Or nobody can tell where it ends, and what it begins with."""
    found = texts() | {words[0] for words in fixtexts.columns(source("causes.c"), "causes", 2) if words}
    bare = {text: re.split("; | && ", outside_quotes(text).strip()) for text in found}
    assert len(found) > 100
    assert sorted(text for text, commands in bare.items() if any(map(COMMAND_IN_PROSE.search, commands))) == []


def test_a_fix_without_a_test_is_seen():
    """Whichever way it is printed."""
    for code in ('error_fix(error, "do %s", x);', 'error_fix(&r->error, r->a ? B : "do " C);',
                 'admission_because(l, "do" /* " */ " this", "%s", x);', 'log("x; fix: do it");',
                 '(void)snprintf(w->fix, sizeof(w->fix), "do" "it");', '{ .fix = "do it" }',
                 'static const char *advice(int e) { return e ? "do it" : NULL; }',
                 'log("%s; fix: %s", a ? "b" : c, d ? "do it" : x);'):
        assert any(text.startswith("do") for text in fixtexts.fixes_of(code)), code
        assert len(fixtexts.fixes_of(code)) == 1 or code.startswith("log(\"%s"), code


# ---- in images ------------------------------------------------------------------------------------

CLOSE, LISTEN = "disable_tcp: true\n", "listen_address: 127.0.0.1\n"


def cure(result, words):
    """What is said to mend the line with those words."""
    (line,) = [line for line in result.stderr.splitlines() if words in line]
    return line.split("; fix: ", 1)[1]


@pytest.mark.parametrize("path", (f"{UNITS}/sshd-vsock.socket", f"{UNITS}/sshd-vsock@.service",
                                  "/etc/modules-load.d/sshd-vsock.conf",
                                  f"{UNITS}/sockets.target.wants/sshd-vsock.socket"))
@pytest.mark.parametrize("what", ("file", "link", "mask", "folder"))
def test_what_is_in_the_way_in_an_image(path, what, debian):
    if what == "folder":
        debian.at(path).mkdir(parents=True)
    elif what == "file":
        debian.put(path, "mine")
    else:
        debian.link(path, "/dev/null" if what == "mask" else "/opt/mine")
    fix = cure(debian.apply(status=1), f"{path} ")
    assert "move it away" in fix and "run this again" in fix
    debian.at(path).rename(debian.at("/away"))
    debian.apply()


@pytest.mark.parametrize("choice", ("move it away", "delete that", "apply --takeover"))
def test_unit_by_hand_that_does_more(choice, debian):
    path = f"{UNITS}/sshd-vsock.socket"
    layouts.write_by_hand(debian, layouts.HAND_SOCKET.replace("::22", "::2222"))
    assert cure(debian.apply(status=1), f"{path} is not managed") == (
        "move it away or delete that, and run this again; or \"apply --takeover\" puts ours in its "
        "place, and \"remove\" it back")
    if choice == "apply --takeover":
        debian.apply("--takeover")
        assert debian.read(f"{path}.sshd-vsock-saved").decode() != layouts.HAND_SOCKET
        assert debian.run("remove").returncode == 0
        assert debian.read(path).decode() == layouts.HAND_SOCKET.replace("::22", "::2222")
        return
    if choice == "move it away":
        debian.at(path).rename(debian.at("/away"))
    else:
        debian.put(path, layouts.HAND_SOCKET)
    debian.apply()


@pytest.mark.parametrize("choice", ("disable", "apply --takeover"))
def test_other_unit_on_the_port_in_an_image(choice, debian):
    layouts.write_by_mkosi(debian)
    path = "/usr/lib/systemd/system/ssh.socket"
    debian.put(path, debian.read(path) + b"[Socket]\nIPAddressDeny=any\n")
    assert cure(debian.apply(status=1), "would mask ssh.socket") == (
        "disable it there, with \"systemctl --root\", and run this again; or \"apply --takeover\" masks it, "
        "and \"remove\" puts it back")
    if choice == "disable":
        subprocess.run(["systemctl", f"--root={debian.root}", "disable", "ssh.socket"], check=True)
    debian.apply(*(["--takeover"] if choice != "disable" else []))
    masked = debian.at(f"{UNITS}/ssh.socket").is_symlink()
    assert masked == (choice != "disable")
    assert debian.run("remove").returncode == 0
    assert not debian.at(f"{UNITS}/ssh.socket").exists()


@pytest.mark.parametrize("choice", ("delete the stream", "apply --takeover"))
def test_stream_whose_template_is_narrower_in_an_image(choice, folder):
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    path = f"{UNITS}/ssh.socket.d/10-vsock.conf"
    layouts.write_stream(tree, layouts.STREAM + "Accept=yes\n")
    tree.put(f"{UNITS}/ssh@.service", layouts.MKOSI_TEMPLATE.replace("UsePAM=no", "DenyUsers=root"))
    before = tree.state()
    assert cure(tree.apply(status=1), f"{path} would lose its vsock stream, whose service does what") == (
        'delete the stream and run this again; or "apply --takeover" deletes it, and "remove" puts it back')
    assert tree.state() == before
    if choice == "delete the stream":
        tree.put(path, "[Socket]\nAccept=yes\n")
    tree.apply(*(["--takeover"] if choice != "delete the stream" else []))
    assert b"vsock::" not in tree.read(path)
    assert "nothing to do" in tree.apply().stderr


def test_tcp_of_our_own_socket_in_an_image(debian):
    """Only what is in force at the end counts."""
    file = f"{UNITS}/sshd-vsock.socket.d/10-x.conf"
    debian.put(file, "[Socket]\nListenStream=0.0.0.0:2022\n")
    debian.apply()
    fix = cure(debian.apply("--no-verify", config=CLOSE, status=1), f"{file} has sshd-vsock.socket listen on TCP")
    assert fix == "take the TCP addresses out of it, and run this again"
    assert f"{UNITS}/ssh.service" not in debian.state()
    debian.put(f"{UNITS}/sshd-vsock.socket.d/20-y.conf", "[Socket]\nListenStream=\nListenStream=vsock::22\n")
    assert debian.run("plan", config=CLOSE).returncode == 0
    debian.remove(f"{UNITS}/sshd-vsock.socket.d/20-y.conf")
    debian.put(file, "[Socket]\nBacklog=5\n")
    debian.apply("--no-verify", config=CLOSE)
    assert debian.state()[f"{UNITS}/ssh.service"][-1] == "/dev/null"


def test_image_of_a_user(debian, folder):
    """Units and sshd's files are root's: a user can write none, unless he is root by user namespace."""
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    binary = shutil.copy(program(), folder / "program")
    folder.chmod(0o755)
    subprocess.run(["chown", "-hR", "65534:65534", debian.root], check=True)
    assert cure(debian.apply(status=1, binary=binary, **nobody), "cannot write") == (
        "run as root, whose files these are to be, or under \"unshare -r\"")
    for verb, status in ("apply", 0), ("plan", 0), ("remove", 0):
        done = subprocess.run(["unshare", "-r", binary, f"--root={debian.root}", verb], check=False,
                              **nobody)
        assert done.returncode == status


def test_unit_by_hand_that_starts_at_no_boot(debian):
    layouts.write_by_hand(debian)
    debian.remove(f"{UNITS}/sockets.target.wants/sshd-vsock.socket")
    assert cure(debian.apply(status=1), "starts at no boot: ") == (
        "enable it there, with \"systemctl --root\", or move it away; then run this again")
    subprocess.run(["systemctl", f"--root={debian.root}", "enable", "sshd-vsock.socket"], check=True)
    debian.apply()


def test_own_unit_in_an_image(debian):
    path = f"{UNITS}/ssh.service"
    debian.put(path, "[Service]\nExecStart=/usr/sbin/sshd -D\n")
    fix = cure(debian.apply("--no-verify", config=CLOSE, status=1), f"{path} is")
    folder = re.fullmatch("move it to (/.*) of the image", fix)[1]
    debian.at(folder).mkdir(parents=True)
    debian.at(path).rename(debian.at(f"{folder}/ssh.service"))
    debian.apply("--no-verify", config=CLOSE)
    assert debian.at(path).readlink().as_posix() == "/dev/null"


@pytest.mark.parametrize("vendor", (None, "Port 22\n"))
def test_addresses_without_a_place(vendor, folder):
    tree = layouts.make("opensuse", Tree(folder / "tree"))
    tree.remove("/usr/etc/ssh/sshd_config")
    if vendor:
        tree.put("/usr/etc/ssh/sshd_config", vendor)
    fix = cure(tree.apply("--no-verify", config=LISTEN, status=1), "/etc/ssh/sshd_config is")
    assert fix == "make that file, as a copy of /usr/etc/ssh/sshd_config if that is there"
    tree.put("/etc/ssh/sshd_config", vendor or "")
    tree.apply("--no-verify", config=LISTEN)


def test_sshd_config_that_is_no_file(debian):
    debian.at("/etc/ssh/sshd_config").rename(debian.at("/usr/lib/sshd_config"))
    debian.link("/etc/ssh/sshd_config", "/usr/lib/sshd_config")
    config = debian.read("/usr/lib/sshd_config").replace(b"Include", b"#Include")
    debian.put("/usr/lib/sshd_config", config)
    fix = cure(debian.apply("--no-verify", config=LISTEN, status=1), "/etc/ssh/sshd_config is")
    assert fix == "put a file in its place"
    debian.remove("/etc/ssh/sshd_config")
    debian.put("/etc/ssh/sshd_config", config)
    debian.apply("--no-verify", config=LISTEN)


@pytest.mark.parametrize("choice", ("delete it", "what includes that file"))
@pytest.mark.parametrize("path", ("/opt/corp.conf", "/usr/etc/ssh/sshd_config.d/corp.conf"))
def test_address_in_a_file_that_is_not_below_etc(path, choice, debian):
    """It adds up with ours: nothing closes over it, neither now nor at the first boot."""
    main = debian.read("/etc/ssh/sshd_config")
    debian.put(path, "# ours\nPort 22\nListenAddress 10.1.2.3\n")
    debian.put("/etc/ssh/sshd_config", main + f"Include {path}\n".encode())
    for options in (), ("--no-verify",):
        result = debian.apply(*options, config=LISTEN, status=1)
        assert cure(result, f'{path} line 3, "ListenAddress 10.1.2.3", would stay open') == (
            "delete it, or what includes that file, and run this again")
        assert debian.run("plan", config=LISTEN).returncode == 1
        assert not debian.at("/etc/ssh/sshd_config.d/10-sshd-vsock.conf").exists()
    debian.apply("--no-verify", config="disable_tcp: true\n")
    assert "would stay open" in debian.apply(config=LISTEN, status=1).stderr
    assert debian.at(f"{UNITS}/ssh.service").is_symlink()
    if choice == "delete it":
        debian.put(path, "# ours\nPort 22\n")
    else:
        debian.put("/etc/ssh/sshd_config", main)
    debian.apply("--no-verify", config=LISTEN)
    assert "nothing to do" in debian.apply("--no-verify", config=LISTEN).stderr
    assert debian.run("remove").returncode == 0


@pytest.mark.parametrize("choice", ("family", "address"))
def test_address_of_a_family_that_sshd_refuses(choice, debian):
    config = "listen_address: [127.0.0.1, '::1']\n"
    debian.put("/etc/ssh/sshd_config.d/50-a.conf", "AddressFamily inet\n")
    fix = cure(debian.apply("--no-verify", config=config, status=1), "sshd would refuse ::1")
    assert fix == ("take AddressFamily (or option -4) out of sshd's configuration, or this address "
                   "out of listen_address")
    if choice == "family":
        debian.put("/etc/ssh/sshd_config.d/50-a.conf", "")
    debian.apply("--no-verify", config=config if choice == "family" else LISTEN)


def test_too_many_includes(debian):
    for n in range(600):
        debian.put(f"/etc/ssh/sshd_config.d/{n:03}.conf", f"ListenAddress 10.0.{n // 256}.{n % 256}\n")
    debian.put("/etc/ssh/sshd_config", "".join(
        f"Include sshd_config.d/{n}*\n" for n in range(60000)))
    fix = cure(debian.apply("--no-verify", config=LISTEN, status=1), "includes more than can")
    assert fix == "include fewer files, by fewer patterns"
    debian.put("/etc/ssh/sshd_config", "Include sshd_config.d/*.conf\n")
    debian.apply("--no-verify", config=LISTEN)


def test_file_system_that_is_read_only(debian, folder):
    mount = folder / "mount"
    mount.mkdir()
    result = subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-euc",
         'mount -t tmpfs none "$2"; cp -a "$1/." "$2"; mount -o remount,ro "$2"; '
         '! "$3" --root="$2" apply; mount -o remount,rw "$2"; exec "$3" --root="$2" -q apply', "sh",
         debian.root, mount, program()], text=True, capture_output=True, check=False, timeout=30)
    assert result.returncode == 0, result.stderr
    assert cure(result, "error: ") == 'mount its file system read-write ("mount -o remount,rw DIR")'


def test_file_that_changes_while_at_work(debian, folder):
    count = record(debian.copy(folder / "count"), "apply", (), "", "create").count
    seen = 0
    for n in range(1, count + 1):
        tree = debian.copy(folder / f"{n}")
        result = tree.run("apply", env=environment(
            Fault("create", n, "run", f"echo 10.0.0.1 x >>{tree}/etc/hosts")))
        if "changed while sshd-vsock was at work" in result.stderr:
            seen += 1
            assert cure(result, "changed while") == "run it again"
            tree.apply()
            assert b"10.0.0.1 x" in tree.read("/etc/hosts")
    assert seen


def test_file_that_cannot_be_read(debian):
    debian.put("/etc/ssh/other.conf", "ListenAddress 192.0.2.2\n")
    debian.put("/etc/ssh/sshd_config", debian.read("/etc/ssh/sshd_config") + b"Include /etc/ssh/other.conf\n")
    result = debian.run("apply", "--no-verify", config=LISTEN,
                        env=environment(Fault("open", 1, f"{errno.EIO}+", path="etc/ssh/other.conf")))
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if "is left as it is: " in line]
    assert {line.split("; fix: ", 1)[1] for line in lines} == {"see why, and run it again"}
    debian.apply("--no-verify", config=LISTEN)


def test_image_without_the_program(debian):
    debian.remove("/usr/sbin/sshd-vsock")
    fix = cure(debian.apply(config=CLOSE), "the image has no sshd-vsock of its own")
    place = re.fullmatch("install it as (/.*)", fix)[1]
    debian.put(place, "", 0o755)
    assert "no sshd-vsock of its own" not in debian.apply(config=CLOSE).stderr


def test_image_without_any_unit_of_sshd(debian):
    """The packages' names are those that a test on a live system has installed."""
    path, link = "/usr/lib/systemd/system/ssh.service", f"{UNITS}/sshd.service"
    unit, alias = debian.read(path), debian.at(link).readlink()
    debian.apply()
    for gone in path, link, "/usr/lib/systemd/system/ssh.socket":
        debian.remove(gone)
    fix = cure(debian.run("remove"), "is the only way in")
    assert fix == ("install the package openssh-server (openSUSE, Arch: openssh), which brings a unit that "
                   f'listens on TCP, then "sshd-vsock --root={debian} remove"')
    debian.put(path, unit)
    debian.link(link, alias)
    assert debian.run("remove").returncode == 0


def test_command_line_that_is_wrong():
    def run(*words):
        return subprocess.run([program(), *words], text=True, capture_output=True, check=False)
    result = run("aply")
    assert result.returncode == 2
    fix = cure(result, 'did you mean "apply"?')
    assert fix == 'see "sshd-vsock --help"'
    assert "apply" in run("--help").stdout


def test_sandbox_that_forbids_a_call(debian):
    forbidden = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=openat2:error=ENOSYS", program(),
         f"--root={debian}", "apply"], text=True, capture_output=True, check=False,
        env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert forbidden.returncode == 1
    assert cure(forbidden, "error: ") == (
        "run on Linux 5.6 or newer, outside of sandboxes that forbid openat2")
    debian.apply()
