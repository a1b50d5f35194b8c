"""What is known of an image without running any of it. `remove` on an image takes the door out only where the image's boot starts another sshd: a unit that
is there, in a target that is reached, on an address that others reach."""

import os
import shlex

import pytest

import layouts
from tree import UNITS, Tree

WANTS = f"{UNITS}/multi-user.target.wants/ssh.service"
ONLY = "the image starts no sshd on TCP where another machine could connect: the vsock listener is the only way in"


def no_way(tree):
    """Removes, which has to refuse and touch nothing; the commands that it prints."""
    before = tree.state()
    result = tree.run("remove")
    assert result.returncode == 4, result.stderr
    assert ONLY in result.stderr
    assert tree.state() == before
    return result.stderr.split("fix: ", 1)[1].strip()


def follow(tree, fix):
    """Does to the letter what was printed, with a systemctl that knows no more than it has to."""
    for command in fix.split("; "):
        words = shlex.split(command)
        if words[:2] == ["systemctl", f"--root={tree}"] and words[2] == "enable":
            folder = "sockets" if words[3].endswith(".socket") else "multi-user"
            path = f"{UNITS}/{folder}.target.wants/{words[3]}"
            if os.path.lexists(tree.at(path)):
                assert os.path.basename(os.readlink(tree.at(path))) == words[3], "it would refuse"
                tree.remove(path)
            tree.link(path, f"/lib/systemd/system/{words[3]}")
        elif words[:2] == ["systemctl", f"--root={tree}"] and words[2] == "unmask":
            tree.remove(f"{UNITS}/{words[3]}")
        elif words[0] == "rm":
            tree.remove(words[1].removeprefix(str(tree)))
        elif words[0] == "touch":
            tree.put(words[1].removeprefix(str(tree)))
        elif words[:2] == ["sed", "-i"]:
            path = words[3].removeprefix(str(tree))
            lines = tree.read(path).decode().splitlines(True)
            for script in words[2].split(";"):
                assert script.endswith("s/^/#/")
                number = int(script.removesuffix("s/^/#/"))
                lines[number - 1] = "#" + lines[number - 1]
            tree.put(path, "".join(lines))
        else:
            assert words == ["sshd-vsock", f"--root={tree}", "remove"], fix
            assert tree.run("remove").returncode == 0


def disabled(tree):
    tree.remove(WANTS)


def dangling(tree):
    """The package is gone, its enablement link is not."""
    tree.remove("/usr/lib/systemd/system/ssh.service")
    tree.remove(f"{UNITS}/sshd.service")


def shadowed(tree):
    tree.link(f"{UNITS}/ssh.service", "/opt/gone")


def masked(tree):
    tree.link(f"{UNITS}/ssh.service", "/dev/null")


def unreached(tree):
    """Enabled for rescue only."""
    tree.remove(WANTS)
    tree.link(f"{UNITS}/rescue.target.wants/ssh.service", "/lib/systemd/system/ssh.service")


def another_default(tree):
    """Its boot ends in a target that does not lead to multi-user.target."""
    tree.put("/usr/lib/systemd/system/kiosk.target", "[Unit]\nRequires=basic.target\n")
    tree.link(f"{UNITS}/default.target", "/usr/lib/systemd/system/kiosk.target")


def loopback(tree):
    tree.put("/etc/ssh/sshd_config.d/10-a.conf", "# mine\nListenAddress 127.0.0.1\n"
             "ListenAddress [::1]:2222\n")


def another_section(tree):
    """What systemd does not know there, it ignores."""
    by_default_target(tree)
    tree.put("/usr/lib/systemd/system/my.target", "[Install]\nWants=ssh.service\n")


def barred(tree):
    """By Debian's own mark."""
    tree.put("/etc/ssh/sshd_not_to_be_run")
    tree.put("/usr/lib/systemd/system/ssh.service", "[Unit]\nConditionPathExists=!/etc/ssh/sshd_not_to_be_run\n"
             "ConditionPathExists=!/etc/nothing\n[Service]\nExecStart=/usr/sbin/sshd -D\n")


def barred_socket(tree):
    """What is behind it is not to be run."""
    by_socket(tree)
    barred(tree)


def barred_socket_alone(tree):
    """What is taken back of its service's is the service's."""
    barred(tree)
    by_socket(tree)
    tree.put("/usr/lib/systemd/system/ssh.socket", "[Unit]\nConditionPathExists=!/etc/ssh/sshd_not_to_be_run\n"
             "[Socket]\nListenStream=22\nAccept=no\n")
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Unit]\nConditionPathExists=\n")


def own_condition(tree, *lines):
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Unit]\n" + "\n".join(lines) + "\n")


def barred_by_absence(tree):
    """What an administrator creates to let it start."""
    own_condition(tree, "ConditionPathExists=/etc/ssh/enable_me", "ConditionPathExists=/etc/ssh/sshd_config")


def barred_by_triggers(tree):
    """One of several has to hold, and none does."""
    tree.put("/etc/ssh/not")
    own_condition(tree, "ConditionPathExists=|!/etc/ssh/not", "ConditionPathExists=| /etc/ssh/enable_me")


def barred_by_assertion(tree):
    tree.put("/etc/ssh/not")
    own_condition(tree, "AssertPathExists=! /etc/ssh/not", "ConditionPathExists=")


def masked_by_nothing(tree):
    """What is empty is a mask, too."""
    tree.put(f"{UNITS}/ssh.service")


def vendor_masked(tree):
    """The vendor's link is taken away as systemd's manual has it, or by nothing; Fedora's preset is not asked."""
    by_vendor(tree)
    tree.link(WANTS, "/dev/null")


def vendor_masked_by_nothing(tree):
    by_vendor(tree)
    tree.put(WANTS)


def vendor_masked_by_a_copy(tree):
    """As of "cp -L": systemd says that it is no link, and looks no further."""
    by_vendor(tree)
    tree.put(WANTS, "[Service]\nExecStart=/usr/sbin/sshd -D\n")


def masked_for_this_site(tree):
    """systemctl knows masks of /etc alone."""
    tree.link("/usr/local/lib/systemd/system/ssh.service", "/dev/null")
    tree.remove(f"{UNITS}/sshd.service")


LOOPBACK = "-D -o ListenAddress=127.0.0.1"


def loopback_by_command(tree):
    """The last one counts, wherever it is."""
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D\n")
    tree.put(f"{UNITS}/ssh.service.d/b.conf", f"[Service]\nExecStart=\nExecStart=-/usr/sbin/sshd {LOOPBACK}\n")


def loopback_by_command_of_another_name(tree):
    tree.put(f"{UNITS}/ssh.service", f"[Service]\nExecStart=-@/usr/sbin/sshd sshd {LOOPBACK}\n")


def loopback_by_own_unit(tree):
    tree.put(f"{UNITS}/ssh.service", f"[Service]\nExecStart=/usr/sbin/sshd $SSHD_OPTS {LOOPBACK}\n")


def loopback_by_unit_without_files(tree):
    """What the distribution's file says is nothing to a unit that does not read it."""
    tree.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=10.0.0.1'\n")
    tree.put("/etc/ssh/sshd_config.d/a.conf", "ListenAddress 127.0.0.1\n")
    tree.put(f"{UNITS}/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")


def loopback_by_own_file(tree):
    tree.put("/etc/ssh/mine", "ListenAddress ::1\n")
    tree.put(f"{UNITS}/ssh.service.d/a.conf",
             "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/mine\n")


def loopback_by_environment(tree):
    """The variable that the unit sets itself, where no file goes before it."""
    tree.remove("/etc/default/ssh")
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Service]\nEnvironment='X=1 2' SSHD_OPTS=-oListenAddress=127.0.0.1\n"
             "ExecStart=\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n")


def loopback_by_environment_file(tree):
    """A file goes before what the unit sets, and the last one before the others."""
    tree.put("/etc/default/mine", "SSHD_OPTS=-oListenAddress=127.0.0.1\n")
    tree.put("/etc/default/ssh", "SSHD_OPTS=-oListenAddress=10.0.0.1\n")
    tree.put(f"{UNITS}/ssh.service", "[Service]\nEnvironment=SSHD_OPTS=-oListenAddress=10.0.0.1\n"
             "EnvironmentFile=-/etc/default/ssh\nEnvironmentFile=/etc/default/mine\n"
             "ExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n")


def loopback_by_alias(tree):
    """As "systemctl edit sshd" makes it, where ssh.service has that name, too."""
    tree.put(f"{UNITS}/sshd.service.d/override.conf", f"[Service]\nExecStart=\nExecStart=/usr/sbin/sshd {LOOPBACK}\n")


def another_program(tree):
    """Nobody can know what that does."""
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exec sleep inf'\n")


MENDED = {f.__name__: f for f in (disabled, masked, masked_by_nothing, unreached, loopback, barred, barred_socket,
                                  barred_socket_alone, barred_by_absence, barred_by_triggers, barred_by_assertion,
                                  vendor_masked, vendor_masked_by_nothing, vendor_masked_by_a_copy, masked_for_this_site)}
OTHERS = {f.__name__: f for f in (
    dangling, shadowed, another_default, another_section,
    loopback_by_command, loopback_by_command_of_another_name, loopback_by_own_unit, loopback_by_unit_without_files,
    loopback_by_own_file, loopback_by_environment,
    loopback_by_environment_file, loopback_by_alias, another_program)}


@pytest.mark.parametrize("line", (
    "127.0.0.1", "127.0.0.1:2222", "127.1", "::1", "[::1]", "[::1]:22", "0:0:0:0:0:0:0:1", "localhost",
    "localhost:22", "ip6-localhost", "::ffff:127.0.0.1"))
def test_loopback_is_no_way_in_however_it_is_written(line, debian):
    debian.put("/etc/ssh/sshd_config.d/10-a.conf", f"ListenAddress {line}\n")
    debian.apply("--no-verify")
    follow(debian, no_way(debian))


@pytest.mark.parametrize("line", ("10.0.0.1", "10.0.0.1:22", "2001:db8::1", "[2001:db8::1]", "[::]:22", "0.0.0.0"))
def test_address_that_others_reach_is_a_way_in_however_it_is_written(line, debian):
    debian.put("/etc/ssh/sshd_config.d/10-a.conf", f"ListenAddress {line}\n")
    debian.apply("--no-verify")
    assert debian.run("remove").returncode == 0


ADDRESS = "have ssh.service listen on an address that others reach, not on loopback alone, and run this again"


@pytest.mark.parametrize("options, leads", (
    ("-o ListenAddress=127.0.0.1", False), ("-oListenAddress=::1 -4", False), ("-f /etc/ssh/other", False),
    ("-Df/etc/ssh/other -o ListenAddress=localhost", False),
    ("-o ListenAddress=127.0.0.1 -o ListenAddress=10.0.0.1", True), ("-f /etc/ssh/other -oListenAddress=10.0.0.1", True),
    ("-f /etc/ssh/wide", True), ("-f /etc/ssh/open", True)))
def test_loopback_by_options_is_no_way_in(options, leads, debian):
    """Addresses of the command add to those of its file, which another one may be."""
    debian.put("/etc/default/ssh", f"SSHD_OPTS='{options}'\n")
    debian.put("/etc/ssh/other", "ListenAddress 127.0.0.1\n")
    debian.put("/etc/ssh/wide", "ListenAddress 127.0.0.1\nListenAddress 0.0.0.0:22\n")
    debian.put("/etc/ssh/open", "PermitRootLogin no\n")
    debian.apply("--no-verify")
    if leads:
        assert debian.run("remove").returncode == 0
    else:
        assert no_way(debian) == ADDRESS
        debian.put("/etc/default/ssh", "SSHD_OPTS=\n")
        assert debian.run("remove").returncode == 0


def test_loopback_by_options_and_lines(debian):
    """Each adds to the other, and where another file is read its lines count alone."""
    debian.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=127.0.0.1'\n")
    debian.put("/etc/ssh/sshd_config.d/50-a.conf", "ListenAddress ::1\n")
    debian.apply("--no-verify")
    assert no_way(debian) == ADDRESS
    debian.put("/etc/default/ssh", "SSHD_OPTS = -o 'ListenAddress 127.0.0.1'\n")
    assert no_way(debian) == ADDRESS
    debian.put("/etc/default/ssh", "SSHD_OPTS='-f /etc/ssh/other'\n")
    debian.put("/etc/ssh/other", "ListenAddress 127.0.0.1\n")
    debian.put("/etc/ssh/sshd_config.d/50-a.conf", "ListenAddress 10.0.0.1\n")
    assert no_way(debian) == ADDRESS
    debian.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=127.0.0.1'\n")
    assert debian.run("remove").returncode == 0


@pytest.mark.parametrize("config", ("", "disable_tcp: true\n", "listen_address: 127.0.0.1\n"))
@pytest.mark.parametrize("way", MENDED)
def test_only_door_of_an_image_stays_until_the_advice_is_followed(way, config, debian):
    MENDED[way](debian)
    debian.apply("--no-verify", config=config)
    follow(debian, no_way(debian))
    assert "nothing to do" in debian.run("remove").stderr


def test_advice_names_no_file_that_a_blank_makes_two_of(debian):
    """A directory may be named so that the second word is a file of the system's."""
    debian.put("/etc/ssh/a /etc/passwd", "ListenAddress 127.0.0.1\n")
    debian.put("/etc/ssh/sshd_config", 'Include "/etc/ssh/a /etc/passwd"\n')
    debian.apply("--no-verify")
    assert "passwd" not in no_way(debian)


@pytest.mark.parametrize("way", OTHERS)
def test_only_door_of_an_image_stays(way, debian):
    OTHERS[way](debian)
    debian.apply("--no-verify")
    no_way(debian)
    assert debian.run("remove", "--no-verify").returncode == 0


@pytest.mark.parametrize("name", ("a.conf", "zzzz.conf"))
@pytest.mark.parametrize("streams", (
    ("127.0.0.1:22", "[::1]:22"), ("[0:0:0:0:0:0:0:1]:22",), ("[::FFFF:127.0.0.1]:22", "127.1.2.3:22"), (),
    ("localhost:22", "*:22")))
def test_socket_on_loopback_is_no_way_in(streams, name, debian):
    """Nor one that systemd refuses for want of an address. Behind our drop-in no file stands in the way of others."""
    path = f"{UNITS}/ssh.socket.d/{name}"
    by_socket(debian)
    debian.put(path, "\n".join(("[Socket]", "ListenStream=", *(f"ListenStream={one}" for one in streams), "")))
    debian.apply()
    assert no_way(debian) == ("have ssh.socket listen on an address that others reach, not on loopback alone, "
                              "and run this again")
    debian.put(path, "[Socket]\nListenStream=\nListenStream=10.0.0.1:22\n")
    assert debian.run("remove").returncode == 0


@pytest.mark.parametrize("layout,behind", (("debian12", "ssh.service"), ("debian11", "ssh@.service")))
@pytest.mark.parametrize("gone", ("mask", "file", "program"))
def test_socket_without_what_it_starts_is_no_way_in(layout, behind, gone, folder):
    """systemd does not start it then (socket_start(): "not loaded, refusing")."""
    tree = layouts.make(layout, Tree(folder / "tree"))
    by_socket(tree)
    if gone == "mask":
        tree.link(f"{UNITS}/{behind}", "/dev/null")
    elif gone == "file":
        tree.remove(f"/usr/lib/systemd/system/{behind}")
    else:
        tree.put(f"{UNITS}/{behind}.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n")
    tree.apply("--no-verify")
    fix = no_way(tree)
    assert fix == (f'have {behind}, which ssh.socket starts, start sshd ("systemctl --root={tree} unmask {behind}" '
                   "where it is masked), and run this again")
    if gone == "mask":
        follow(tree, fix.split('"')[1])
    else:
        tree.put(f"{UNITS}/{behind}", "[Service]\nExecStart=/usr/sbin/sshd -i\n")
        tree.remove(f"{UNITS}/{behind}.d")
    assert tree.run("remove").returncode == 0


@pytest.mark.parametrize("accept, behind", (("yes", "ssh@.service"), ("no", "ssh.service")))
def test_socket_starts_what_it_says(accept, behind, debian):
    by_socket(debian)
    debian.put(f"{UNITS}/ssh.socket.d/a.conf", f"[Socket]\nAccept={accept}\n")
    debian.put(f"{UNITS}/{behind}", "[Service]\nExecStart=-/usr/sbin/sshd -i\n")
    debian.put(f"{UNITS}/{'ssh.service' if accept == 'yes' else 'ssh@.service'}", "")
    debian.apply("--no-verify")
    assert debian.run("remove").returncode == 0
    debian.apply("--no-verify")
    debian.put(f"{UNITS}/ssh.socket.d/a.conf", "[Socket]\nService=mine.service\n")
    assert "mine.service" in no_way(debian)
    debian.put(f"{UNITS}/mine.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")
    assert debian.run("remove").returncode == 0


def test_socket_with_options_of_its_sshd_listens_where_it_says(folder):
    """What sshd is to listen on is no matter where it is given its sockets."""
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    tree.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=127.0.0.1'\n")
    tree.apply("--no-verify")
    assert tree.run("remove").returncode == 0


def test_socket_that_a_generator_has_on_loopback_is_no_way_in(folder):
    """It makes the socket's addresses of sshd's lines."""
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    tree.put("/etc/ssh/sshd_config.d/10-a.conf", "ListenAddress ::1\n")
    tree.apply("--no-verify")
    follow(tree, no_way(tree))


def by_default_target(tree):
    tree.remove(WANTS)
    tree.put("/usr/lib/systemd/system/my.target", "[Unit]\nWants=x.service  ssh.service\n")
    tree.link(f"{UNITS}/default.target", "../../../usr/lib/systemd/system/my.target")


def by_lines_as_systemd_reads_them(tree):
    """Blanks around the sign, a line that goes on, and a comment in between."""
    by_default_target(tree)
    tree.put("/usr/lib/systemd/system/my.target", "[Unit]\nWants = x.service \\\n# y.service\n  ssh.service\n")


def by_socket(tree):
    tree.remove(WANTS)
    tree.link(f"{UNITS}/sockets.target.wants/ssh.socket", "/lib/systemd/system/ssh.socket")


def by_vendor(tree):
    tree.remove(WANTS)
    tree.link("/usr/lib/systemd/system/multi-user.target.wants/ssh.service", "../ssh.service")


def by_condition_that_is_taken_back(tree):
    barred(tree)
    tree.put(f"{UNITS}/ssh.service.d/a.conf", "[Unit]\nConditionPathExists=\n")


def by_conditions_that_hold(tree):
    """One of several that trigger does; of what is made at a boot nothing is known."""
    own_condition(tree, "ConditionPathExists=|/etc/ssh/enable_me", "ConditionPathExists=|!/etc/ssh/not",
                  "ConditionPathExists=/run/x", "AssertPathExists=/etc/ssh/sshd_config", "ConditionPathExists=!/%m")


def by_conditions_taken_back_by_another(tree):
    own_condition(tree, "ConditionPathExists=/etc/ssh/enable_me", "ConditionVirtualization=")


def by_environment(tree):
    """What the file says goes before what the unit sets, and what it takes back."""
    tree.put("/etc/default/ssh", "SSHD_OPTS=-oListenAddress=127.0.0.1\n")
    tree.put(f"{UNITS}/ssh.service", "[Service]\nEnvironment=SSHD_OPTS=-oListenAddress=10.0.0.1\n"
             "EnvironmentFile=/etc/default/ssh\nEnvironmentFile=\nEnvironmentFile=-/etc/default/gone\n"
             "ExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n")


def by_alias_that_is_none(tree):
    loopback_by_alias(tree)
    tree.remove(f"{UNITS}/sshd.service")


def by_own_unit(tree):
    dangling(tree)
    tree.put(f"{UNITS}/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")


def by_masked_link_of_another_target(tree):
    by_vendor(tree)
    tree.link(f"{UNITS}/rescue.target.wants/ssh.service", "/dev/null")


def by_command_with_an_address(tree):
    """Addresses add up; a variable stands for what its file says."""
    tree.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=10.0.0.1'\n")
    tree.put(f"{UNITS}/ssh.service.d/a.conf",
             f"[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=\nExecStart=/usr/sbin/sshd $SSHD_OPTS {LOOPBACK}\n")


def by_command_with_the_usual_file(tree):
    tree.put(f"{UNITS}/ssh.service.d/a.conf",
             "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/sshd_config -E /var/log/sshd\n")


def by_one_address_of_two(tree):
    loopback(tree)
    tree.put("/etc/ssh/sshd_config.d/20-b.conf", "ListenAddress 10.0.0.1\n")


WAYS = {f.__name__: f for f in (by_masked_link_of_another_target, by_command_with_an_address,
                                by_command_with_the_usual_file, by_default_target, by_lines_as_systemd_reads_them, by_socket, by_vendor,
                                by_own_unit, by_one_address_of_two, by_condition_that_is_taken_back,
                                by_conditions_that_hold, by_conditions_taken_back_by_another, by_environment,
                                by_alias_that_is_none)}


@pytest.mark.parametrize("way", WAYS)
def test_another_door_of_an_image_lets_ours_go(way, debian):
    WAYS[way](debian)
    debian.apply("--no-verify")
    result = debian.run("remove")
    assert result.returncode == 0, result.stderr


def test_unit_of_the_administrator_with_our_name_keeps_its_link(debian):
    """`remove`, which removing the package runs, takes what has our mark, not what has our name."""
    link = f"{UNITS}/sockets.target.wants/sshd-vsock.socket"
    debian.put(f"{UNITS}/sshd-vsock.socket", "[Socket]\nListenStream=vsock::22\nAccept=yes\n")
    debian.link(link, f"{UNITS}/sshd-vsock.socket")
    before = debian.state()
    result = debian.run("remove")
    assert result.returncode == 0 and "nothing to do" in result.stderr
    assert debian.state() == before


@pytest.mark.parametrize("family,address,refused", [
    ("inet", "::1", True), ("inet6", "127.0.0.1", True), ("INET", "::1", True),
    ("any", "::1", False), ("inet", "127.0.0.1", False)])
@pytest.mark.parametrize("options", ((), ("--no-verify",)))
def test_address_of_a_family_that_sshd_refuses(family, address, refused, options, debian):
    """Written into the image, it would end every sshd of it, the door's too."""
    debian.put("/etc/ssh/sshd_config.d/50-a.conf", f"AddressFamily {family}   # no IPv6 here\n"
               "AddressFamily any\n")
    result = debian.apply(*options, config=f"listen_address: '{address}'\n",
                          status=1 if refused else 0)
    assert (f"sshd would refuse {address} of listen_address: AddressFamily is " in result.stderr
            ) == refused
    written = debian.at("/etc/ssh/sshd_config.d/10-sshd-vsock.conf").exists()
    assert written == (bool(options) and not refused)
    result = debian.run("plan", *options, config=f"listen_address: '{address}'\n")
    assert (result.returncode == 1) == refused
    assert ("sshd would refuse" in result.stderr) == refused
    assert debian.at(f"{UNITS}/sshd-vsock.socket").exists()


@pytest.mark.parametrize("written", (False, True))
def test_address_of_a_family_that_sshd_refuses_where_tcp_is_closed(written, debian):
    """It would open at the first boot; now or by an earlier run nothing is in the way but that."""
    listen = "listen_address: '::1'\n"
    if written:
        debian.apply("--no-verify", config=listen)
    debian.apply("--no-verify", config="disable_tcp: true\n")
    debian.put("/etc/ssh/sshd_config.d/50-a.conf", "AddressFamily inet\n")
    before = debian.state()
    assert "sshd would refuse ::1" in debian.apply(config=listen, status=1).stderr
    after = debian.state()
    assert {path: after[path] for path in after if path != "/etc/sshd-vsock.yaml"} == {
        path: before[path] for path in before if path != "/etc/sshd-vsock.yaml"}
    assert debian.run("plan", config=listen).returncode == 1
    assert debian.run("plan", config=listen).returncode == 1


@pytest.mark.parametrize("options,refused", [
    ("-4", True), ("-o AddressFamily=inet", True), ("-f /etc/ssh/other", True), ("-6", False),
    ("-oAddressFamily=any -f /etc/ssh/other", False)])
def test_family_of_the_options_of_the_unit(options, refused, debian):
    debian.put("/etc/default/ssh", f"SSHD_OPTS='{options}'\n")
    debian.put("/etc/ssh/other", "AddressFamily inet\nListenAddress ::1\n")
    result = debian.apply("--no-verify", config="listen_address: '::1'\n",
                          status=1 if refused else 0)
    assert ("option -4" in result.stderr) == refused


def by_option(options):
    return lambda tree: tree.put("/etc/default/ssh", f"SSHD_OPTS='{options}'\n")


def by_late_dropin(tree):
    tree.put(f"{UNITS}/ssh.socket.d/zzzz.conf", "[Socket]\nListenStream=0.0.0.0:2022\n")


@pytest.mark.parametrize("layout,way,named", (
    ("debian12", by_option("-f /etc/ssh/other"), "its option -f /etc/ssh/other"),
    ("debian12", by_option("-oListenAddress=0.0.0.0"), "its option -o ListenAddress=0.0.0.0"),
    ("debian12", by_option("-oListenAddress=10.0.0.1:2222"), "its option -o ListenAddress=10.0.0.1:2222"),
    ("debian12", by_option("-oListenAddress=10.0.0.1:22"), None),
    ("debian12", by_option("-f /etc/ssh/sshd_config"), None),
    ("ubuntu2210", by_option("-oListenAddress=0.0.0.0"), None),
    ("ubuntu2210", by_late_dropin, f"{UNITS}/ssh.socket.d/zzzz.conf"),
    ("debian12", by_late_dropin, None),  # no boot starts that socket
))
def test_address_that_would_not_hold_is_refused(layout, way, named, folder):
    """Nobody can ask the kernel of an image where its sshd listens."""
    tree = layouts.make(layout, Tree(folder / "tree"))
    tree.put("/etc/ssh/other", "Port 22\n")
    way(tree)
    config = "listen_address: 10.0.0.1:22\n"
    result = tree.run("apply", "--no-verify", config=config)
    assert result.returncode == (1 if named else 0), result.stderr
    for other in "{}\n", "disable_tcp: true\n":  # where no address is wanted, any is right
        assert tree.run("plan", "--no-verify", config=other).returncode == 10
    path = tree if str(named).startswith("/") else ""
    said = f"sshd would listen elsewhere than listen_address says, by {path}{named}; TCP stays as it was"
    assert (said in result.stderr) == (named is not None), result.stderr
    assert tree.run("plan", "--no-verify", config=config).returncode == (1 if named else 0)
    if named and not path:
        tree.put("/etc/default/ssh", "SSHD_OPTS='-o ListenAddress=10.0.0.1:22'\n")
        tree.apply("--no-verify", config=config)
    if path:  # the fix, in either way
        rename = tree.at(named).with_name("a.conf")
        tree.at(named).rename(rename)
        assert tree.run("plan", "--no-verify", config=config).returncode == 10
        tree.put(named, "[Socket]\nListenStream=/run/ssh.sock\n")
        tree.apply("--no-verify", config=config)


def test_file_of_ours_that_is_empty_is_no_mask(debian):
    """Nor is "systemctl unmask" a way to mend that: it is no unit."""
    debian.put("/etc/modules-load.d/sshd-vsock.conf")
    assert "exists and is not managed by sshd-vsock; fix: move it away" in debian.apply(status=1).stderr


def test_file_out_of_etc_that_nothing_includes_is_left_alone(debian):
    """It has our mark, for it was a file of ours once."""
    debian.put("/etc/ssh/sshd_config", "Port 22\n")
    debian.put("/opt/x.conf", "#sshd-vsock# ListenAddress 0.0.0.0\nListenAddress 10.0.0.1\n")
    debian.link("/etc/ssh/sshd_config.d/50-x.conf", "/opt/x.conf")
    debian.apply("--no-verify")
    assert debian.run("remove").returncode == 0


def test_listener_without_an_sshd_is_no_way_in(debian):
    """openssh-server is gone: the package of ours can go, too."""
    disabled(debian)
    debian.apply("--no-verify")
    no_way(debian)
    debian.remove("/usr/sbin/sshd")
    assert debian.run("remove").returncode == 0
