"""Images that are small and made to cost much: whoever opens one gets an answer in time, and has
memory left."""

import os
import re
import resource
import stat
from pathlib import Path

import pytest

from tree import CHECKOUT, MARKER, UNITS, hardened

LISTEN = "listen_address: 127.0.0.1\n"
TOO_MUCH = "more files and links than can be looked through"


def holes(tree, path, size):
    """A file of that many bytes, which takes no room."""
    with open(tree.put(path), "r+b") as file:
        file.truncate(size)


def test_files_that_sshd_includes_do_not_fill_the_memory(debian):
    for n in range(1, 40):
        holes(debian, f"/etc/ssh/sshd_config.d/{n}.conf", 15 << 20)
    result = debian.run("plan", config=LISTEN)
    assert result.returncode == 1
    assert "sshd_config includes more than can be looked through" in result.stderr
    assert "some files are left out" in debian.apply().stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()
    assert debian.run("remove").returncode == 0


def sockets(tree, count, links, text):
    """So many sockets that one directory pulls in, which has so many other names."""
    for n in range(count):
        tree.put(f"{UNITS}/{n}.socket", text)
        tree.link(f"{UNITS}/odd.wants/{n}.socket", f"../{n}.socket")
    for n in range(links):
        tree.link(f"{UNITS}/{n}.wants", "odd.wants")


def records(tree, count):
    """That many records which are one, of as many sockets."""
    lines = "".join(f"disable {n}.socket\n" for n in range(count))
    tree.put("/etc/record", MARKER.decode() + "\n" + lines)
    for n in range(count // 5):
        tree.link(f"/etc/systemd/system-preset/10-sshd-vsock-{n}.preset", "../../record")


def patterns(tree):
    """Each is one look at a directory, and takes as long as a thousand of them."""
    for n in range(1000):
        tree.put(f"/etc/ssh/odd/{'a' * 250}{n:05d}")
    tree.put("/etc/ssh/sshd_config.d/1.conf", "".join(
        f"Include odd/*{'[[:alpha:]]' * 126}_{n}\n" for n in range(60)))


def long_way(tree):
    """/way/0 leads to /way/end by half as many links as the kernel follows, each as long as may be: it
    counts them twice where it begins again."""
    tree.at("/way/end").mkdir(parents=True)
    for n in range(18):
        tree.link(f"/way/{n}", "./" * 2040 + ("end" if n == 17 else f"{n + 1}"))


def ways_to_files(tree):
    long_way(tree)
    tree.put("/way/end/file")
    for n in range(1000):
        tree.link(f"/etc/ssh/odd/{n}", "/way/0/file")
    tree.put("/etc/ssh/sshd_config.d/1.conf", "".join(
        f"Include odd/{'*' * n}\n" for n in range(1, 100)))


def ways_to_directories(tree):
    long_way(tree)
    tree.put("/etc/ssh/sshd_config.d/1.conf", "".join(
        f"Include /way/{n % 2}/*{n}\n" for n in range(40000)))


def ways_to_links(tree, target):
    long_way(tree)
    for n in range(2000):
        tree.link(f"/way/end/{n}.socket", target)
    for n in range(49):
        tree.link(f"{UNITS}/{n}.wants", "/way/0")


def ways_to_nothing(tree):
    long_way(tree)
    for n in range(30000):
        tree.link(f"{UNITS}/{n}.wants", "/way/0")


def ways_to_drop_ins(tree):
    """Each dash of a name is a directory more, in each place that has units."""
    long_way(tree)
    for place in ("/etc/systemd/system.control", "/etc/systemd/system.attached",
                  "/usr/local/lib/systemd/system"):
        tree.link(place, "/way/0")
    for n in range(300):
        tree.link(f"{UNITS}/odd.wants/{n}{'-' * 108}a.socket", "/x.socket")


def ways_to_modules(tree):
    """Any number of kernels that are links to one, and their modules are any number of names."""
    for n in range(10000):
        tree.put(f"/lib/modules/r/kernel/net/vmw_vsock/{n}")
    for n in range(15000):
        tree.link(f"/lib/modules/{n}", "r")


@pytest.mark.parametrize("make,said", [
    (ways_to_files, "some files are left out"),
    (ways_to_directories, "some files are left out"),
    (lambda tree: ways_to_links(tree, "/x"), ""),
    (lambda tree: ways_to_links(tree, "/dev/null"), TOO_MUCH),
    (ways_to_nothing, TOO_MUCH),
    (ways_to_drop_ins, TOO_MUCH),
    (ways_to_modules, TOO_MUCH)],
    ids=("files", "directories", "links", "masks", "nothing", "drop-ins", "modules"))
def test_a_long_way_is_gone_a_few_times(make, said, debian):
    """The kernel takes a millisecond for each."""
    make(debian)
    assert said in debian.run("plan").stderr


@pytest.mark.parametrize("make", (
    lambda tree: [tree.link(f"/way/end/{n}.target", "/x") for n in range(10000)],
    lambda tree: [os.link(tree.at(f"{UNITS}/large"), tree.at(f"{UNITS}/{n}.target")) for n in range(63)]),
    ids=("links", "large files"))
def test_what_a_boot_starts_is_looked_through_in_time(make, debian):
    """Each of 64 targets wants what the same directory has, or is one large file."""
    debian.apply("--no-verify")
    long_way(debian)
    debian.put(f"{UNITS}/large", "[Unit]\nWants=" + "a " * (8 << 20))
    make(debian)
    debian.put(f"{UNITS}/default.target", "[Unit]\nWants=" + " ".join(f"{n}.target" for n in range(63)))
    for n in range(64):
        debian.link(f"{UNITS}/{n}.target.wants", "/way/0")
    result = debian.run("remove", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)))
    assert result.returncode == 1, result.stderr


ENDLESS = {
    "patterns": patterns,
    "sockets": lambda tree: sockets(tree, 1500, 50, "[Socket]\n"),
    "sockets of vsock": lambda tree: sockets(
        tree, 400, 1, "[Socket]\n" + "".join(f"ListenStream=vsock::{n}\n" for n in range(2000))),
    "records": lambda tree: records(tree, 2000),
    "host keys": lambda tree: tree.put(
        "/etc/ssh/sshd_config.d/1.conf", "".join(f"HostKey /k{n}\n" for n in range(60000))),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_nobody_has_so_many_of_is_looked_through_in_time(what, debian):
    ENDLESS[what](debian)
    result = debian.run("plan")
    assert result.returncode == 10, result.stderr


def test_rivals_with_many_drop_ins_are_looked_through_in_time(debian):
    """All links to one directory: each file is compared with the others."""
    for n in range(60):
        debian.link(f"{UNITS}/odd.wants/{n}.socket", f"../{n}.socket")
        debian.put(f"{UNITS}/{n}.socket", "[Socket]\nListenStream=vsock::22\nListenStream=/run/x\n")
        debian.link(f"{UNITS}/{n}.socket.d", "/etc/drop-ins")
    for n in range(250):
        debian.put(f"/etc/drop-ins/{n}.conf", "[Socket]\nListenStream=vsock::22\n")
    for verb in "plan", "apply":
        result = debian.run(verb, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (9, 9)))
        assert result.returncode >= 0, result


FOR_SSHD = {
    "addresses": lambda tree: tree.put(
        f"{UNITS}/ssh.socket.d/1.conf",
        "[Socket]\n" + "".join(f"ListenStream=/run/{n}\n" for n in range(50000))),
    "drop-ins": lambda tree: [tree.put(f"{UNITS}/ssh.socket.d/{n}.conf") for n in range(20000)],
    "names": lambda tree: [tree.put(f"{UNITS}/socket.d/{n}") for n in range(20000)],
    "bytes": lambda tree: [holes(tree, f"{UNITS}/ssh.socket.d/{n}.conf", 15 << 20)
                           for n in range(100)],
}


@pytest.mark.parametrize("what", FOR_SSHD)
def test_a_unit_of_sshds_that_has_too_much_is_named(what, debian):
    FOR_SSHD[what](debian)
    for verb in "plan", "apply":
        result = debian.run(verb, config=LISTEN)
        assert result.returncode == 1
        assert (f"error: ssh.socket has more files, or more in them, than can be looked through, "
                f"in {debian}\n") in result.stderr


def linked(tree, path, count, text):
    """One file of 15 MiB, most of them a hole, under that many names: `path` has an {n}."""
    first = tree.put(path.format(n=0), text)
    os.truncate(first, 15 << 20)
    for n in range(1, count):
        os.link(first, tree.at(path.format(n=n)))


PRESETS = "/etc/systemd/system-preset"


def linked_records(tree):
    """Records of sockets that a preset of 0.1.0 names; `remove` is to look at each."""
    tree.put(f"{PRESETS}/10-sshd-vsock.preset", MARKER.decode() + "\n" +
             "".join(f"disable {n}.socket\n" for n in range(100)))
    linked(tree, PRESETS + "/10-sshd-vsock-{n}.socket.preset", 100, MARKER.decode() + "\n")
    os.truncate(tree.at(PRESETS + "/10-sshd-vsock-0.socket.preset"), 1 << 20)


def test_records_that_are_links_to_one_large_file_do_not_fill_the_memory(debian):
    linked_records(debian)
    result = debian.run("remove")
    assert result.returncode == 1
    assert "more bytes than can be looked at" in result.stderr


def test_records_of_many_lines_are_looked_through_in_time(debian):
    lines = "".join(f"disable {n}.socket\n" for n in range(1024))
    debian.put(f"{PRESETS}/10-sshd-vsock-a.socket.preset",
               (MARKER.decode() + "\n" + lines * 1024)[:1 << 20])
    result = debian.run("plan", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (3, 3)))
    assert result.returncode == 10, result


def test_left_files_that_are_links_to_one_large_file_do_not_fill_the_memory(debian):
    linked(debian, "/etc/ssh/sshd_config.d/left{n}", 20, "#sshd-vsock# ListenAddress ::1\n")
    assert debian.run("plan", config=LISTEN).returncode == 1
    assert "some files are left out" in debian.apply().stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()
    assert sum(path.lstat().st_blocks for path in debian.at("/etc/ssh").rglob("*")) * 512 < 96 << 20


def test_what_is_too_large_is_not_read_up_to_there(debian):
    """Two files of 17 MiB, with as many names as are looked at."""
    for path, count in ((f"{UNITS}/socket.d/{{n}}.conf", 256),
                        (PRESETS + "/10-sshd-vsock-{n}.preset", 2000)):
        linked(debian, path, count, "")
        os.truncate(debian.at(path.format(n=0)), 17 << 20)
    sockets(debian, 50, 0, "")
    assert debian.run("plan").returncode == 10


def test_what_is_no_link_is_not_read(debian):
    """Which units a boot starts is in the names of links."""
    linked(debian, UNITS + "/odd.wants/{n}.socket", 10000, "")
    assert debian.run("plan").returncode == 10


def test_what_should_be_a_link_is_not_read(debian):
    linked(debian, UNITS + "/odd{n}.wants/sshd-vsock.socket", 1, "")
    for n in range(4000):
        debian.link(f"{UNITS}/{n}.wants", "odd0.wants")
    assert debian.run("plan").returncode == 10


def test_files_that_sshd_reads_no_more_are_looked_through_in_time(debian):
    place = debian.put("/etc/ssh/sshd_config.d/left", "#sshd-vsock# x\n")
    for n in range(60000):
        os.link(place, f"{place}{n}")
    result = debian.run("plan")
    assert result.returncode == 10
    assert "some files are left out" in result.stderr
    result = debian.run("plan", config=LISTEN)
    assert result.returncode == 1
    assert "sshd_config includes more than can be looked through" in result.stderr
    result = debian.run("remove")
    assert result.returncode == 0
    assert "are left out, and what sshd-vsock put there stays" in result.stderr


def in_little_memory(tree, *arguments, most=512):
    """Runs the program as it is released, which may have so many MiB."""
    return tree.run(*arguments, binary=hardened(), preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_AS, (most << 20, most << 20)))


SANITIZED = pytest.mark.skipif(bool(os.environ.get("SSHD_VSOCK_FULL")),
                               reason="sanitizers take more address space than there is")


@SANITIZED
def test_words_for_sshds_command_do_not_fill_the_memory(debian):
    """No command takes as many."""
    place = debian.put("/etc/default/ssh", "".join(
        f"{name}={'a ' * (5 << 19)}\n" for name in ("SSHD_OPTS", "OPTIONS", "CRYPTO_POLICY")))
    for name in "sysconfig/sshd", "sysconfig/ssh", "crypto-policies/back-ends/opensshserver.config":
        other = debian.at(f"/etc/{name}")
        other.parent.mkdir(parents=True, exist_ok=True)
        other.unlink(missing_ok=True)
        os.link(place, other)
    result = in_little_memory(debian, "plan")
    assert result.returncode == 10, result.stderr
    assert f"cannot read {debian}/etc/default/ssh: File too large" in result.stderr


@SANITIZED
@pytest.mark.parametrize("byte", (b"\n", b"\x01"))
@pytest.mark.parametrize("path", ("/etc/hosts", f"{UNITS}/sshd-vsock.socket"))
@pytest.mark.parametrize("options", ((), ("--json",)))
def test_lines_of_a_diff_do_not_fill_the_memory(options, path, byte, debian):
    text = MARKER if path.startswith(UNITS) else b""
    debian.put(path, text + byte * ((1 << 20 if text else 16 << 20) - len(text)))
    for unit in ("sshd-vsock@.service", "sshd-vsock-provision.service", "sshd-vsock-keygen.service") if text else ():
        os.link(debian.at(path), debian.at(f"{UNITS}/{unit}"))
    result = in_little_memory(debian, "plan", *options)
    assert result.returncode == 10, result.stderr


def test_file_of_ours_that_is_too_large_is_not_read(debian):
    path = debian.put(f"{UNITS}/sshd-vsock.socket", MARKER + b"\x01" * (1 << 20))
    result = debian.run("apply")
    assert result.returncode == 1 and f"{path} is too large a file" in result.stderr
    assert debian.at(f"{UNITS}/sshd-vsock.socket").stat().st_size > 1 << 20


def many_settings(tree):
    """Units of 64 others on our port that do a hundred thousand things otherwise."""
    socket = tree.put(f"{UNITS}/0.socket", "[Socket]\nListenStream=vsock::22\nAccept=yes\n")
    template = tree.put(f"{UNITS}/0@.service", "[Service]\n" + "Type=a\n" * 149000)
    for n in range(64):
        if n:
            os.link(socket, tree.at(f"{UNITS}/{n}.socket"))
            os.link(template, tree.at(f"{UNITS}/{n}@.service"))
        tree.link(f"{UNITS}/sockets.target.wants/{n}.socket", f"{UNITS}/{n}.socket")


@SANITIZED
def test_what_others_do_otherwise_does_not_fill_the_memory(debian):
    many_settings(debian)
    result = in_little_memory(debian, "plan")
    assert '"Type=a" (another type of service)' in result.stdout + result.stderr, result.stderr[-1000:]


@pytest.mark.parametrize("verb,status", [("check", 1), ("plan", 10), ("status", 10)])
def test_users_by_the_million_are_named(verb, status, debian):
    debian.put("/etc/passwd", "a::0:0:::\n" * 1670000)
    names = ", ".join(f"u{n}" for n in range(4090))
    result = debian.run(verb, config=f"hushlogin: [{names}]\n")
    assert result.returncode == status
    if verb == "status":
        assert "that apply cannot make: nobody knows whose" in result.stdout
    else:
        assert f"{debian}/etc/passwd has more users than can be looked at" in result.stderr


@SANITIZED
def test_homes_do_not_fill_the_memory(debian):
    """One with a large file has as many paths as there are users."""
    debian.put("/home/.hushlogin", "x" * 4096)
    debian.put("/etc/passwd", "".join(
        f"u{n}::1:1::/{'home/../' * (n % 100)}{'./../home/' * (n // 100)}:\n" for n in range(9999)))
    result = in_little_memory(debian, "plan", most=96)
    assert result.returncode == 10, result.stderr


def test_homes_a_long_way_off_are_looked_at_for_some_seconds(debian):
    long_way(debian)
    debian.put("/etc/passwd", "".join(f"u{n}::1:1::/way/0/{n}:/bin/sh\n" for n in range(40000)))
    result = debian.run("plan", config="hushlogin: true\n")
    assert result.returncode == 10
    assert "there are more homes than can be looked at" in result.stderr, result.stderr[-2000:]


def test_homes_that_are_one_directory_are_swept_for_some_seconds(debian):
    """It has many names, and each user another way there."""
    for n in range(3000):
        debian.put(f"/h/a/{n}")
    debian.at("/h/b").mkdir()
    debian.put("/etc/passwd", "".join(
        f"u{n}::1:1::/h/{'/'.join(('a/..', 'b/..')[n >> k & 1] for k in range(14))}/a:\n" for n in range(16000)))
    for verb in "apply", "remove":
        result = debian.run(verb, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)))
        assert result.returncode == 0, result.stderr


def test_users_by_the_thousand_are_found_in_time(debian):
    debian.put("/etc/passwd", "".join(f"a{n}::0:0:::\n" for n in range(90000)))
    names = ", ".join(f"u{n}" for n in range(4090))
    assert debian.run("check", config=f"hushlogin: [{names}]\n").returncode == 2
    result = debian.run("plan", config=f"hushlogin: [{names}]\n")
    assert result.returncode == 10 and "there is no such user: u0, u1," in result.stderr


SSHD_CONFIG = (CHECKOUT / "module/core/format/sshd-config.h").read_text("utf-8")


def test_marks_around_marks_are_paired_in_time(debian):
    begin, end = re.findall(r'#define SSHD_CONFIG_(?:BEGIN|END) +"(.*)"', SSHD_CONFIG)
    debian.put("/etc/ssh/sshd_config",
               f"{begin}\n" * 95000 + "Port 1\n" * 1000000 + f"{end}\n" * 95000)
    assert debian.run("plan").returncode == 10


def test_files_that_include_each_other_leave_the_stack_alone(debian):
    """Each pattern has as many components as a path may have."""
    for n in range(17):
        debian.put(f"/etc/ssh/x{n}", f"Include {'/.' * 2040}/etc/ssh/x{n + 1}\n")
    debian.put("/etc/ssh/sshd_config", "Include /etc/ssh/x0\n")
    result = debian.run("plan")
    assert result.returncode == 10 and "Sanitizer" not in result.stderr, result.stderr


def test_directories_are_for_all_to_look_into(debian):
    debian.apply(umask=0o777)
    made = [path for path in Path(str(debian)).rglob("*")
            if path.is_dir() and not path.is_symlink()]
    assert f"{debian}{PRESETS}" in map(str, made)
    assert {oct(stat.S_IMODE(path.stat().st_mode)) for path in made} == {"0o755"}


def test_limit_of_a_files_size_ends_no_run_half_done(debian):
    result = debian.run("apply", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert result.returncode == 1 and "File too large" in result.stderr, result
    assert not [path for path in Path(str(debian)).rglob(".#*")]
    debian.apply()
