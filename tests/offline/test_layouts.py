"""What apply makes of each distribution's layout, and that systemd's own tools see it alike."""

import shutil
import subprocess
from pathlib import Path

import pytest

import layouts
from tree import UNITS, Tree, changes

GOLDEN = Path(__file__).with_name("golden")
CLOSE = "disable_tcp: true\n"
LISTEN = "listen_address: 127.0.0.1\n"
PRESET = "/etc/systemd/system-preset/10-sshd-vsock.preset"
DROPIN = "/etc/ssh/sshd_config.d/10-sshd-vsock.conf"
SOCKET_DROPIN = f"{UNITS}/ssh.socket.d/zz-sshd-vsock.conf"  # where a socket unit is enabled
DOOR = {f"{UNITS}/{name}" for name in (
    "sshd-vsock.socket", "sshd-vsock@.service", "sshd-vsock-keygen.service",
    "sshd-vsock-hostkeys.service", "sshd-vsock-provision.service", "sockets.target.wants/sshd-vsock.socket",
    "multi-user.target.wants/sshd-vsock-provision.service")}
OPEN = DOOR | {PRESET, "/etc/modules-load.d/sshd-vsock.conf", "/etc/hosts"}

# What takes the keys of a credential: systemd 252, and an sshd_config that is the administrator's.
CREDENTIAL = {f"{UNITS}/sshd-vsock-credential.service", "/etc/ssh/sshd-vsock.conf"}
WITHOUT_CREDENTIAL = ("debian11", "rhel8", "ubuntu2004", "ubuntu2204", "ubuntu2210", "opensuse")

# Which units listen on TCP there.
SSH, SSHD = {"ssh.service", "ssh.socket"}, {"sshd.service", "sshd.socket"}
TCP = {name: SSHD if name in ("rhel8", "rhel9", "rhel10", "opensuse") else SSH
       for name in layouts.LAYOUTS}
TCP["arch"] = {"sshd.service"}

# Options that the vendor's sshd unit passes, beyond the bare command.
ENVIRONMENT = {name: ("/etc/default/ssh", "$SSHD_OPTS") for name in layouts.LAYOUTS}
ENVIRONMENT |= {name: ("/etc/sysconfig/sshd", "$OPTIONS") for name in ("rhel9", "rhel10")}
ENVIRONMENT["opensuse"] = ("/etc/sysconfig/ssh", "$SSHD_OPTS")
ENVIRONMENT["arch"] = None


@pytest.fixture(name="layout", params=layouts.LAYOUTS)
def layout_name(request):
    """The name of each layout."""
    return request.param


@pytest.fixture(name="tree")
def layout_tree(layout, folder):
    """A tree with that layout."""
    return layouts.make(layout, Tree(folder / layout, layouts.binary(layout)))


def files(paths, *states):
    """Those of the paths that are no folders."""
    return {path for path in paths
            if any(path in state and state[path][-1] is not None for state in states)}


def applied(tree, config="", *options):
    """Runs apply; returns the files it changed."""
    before = tree.state()
    tree.apply(*options, config=config)
    after = tree.state()
    return files(changes(before, after), before, after)


def systemctl(tree, *words):
    """This machine's systemctl, on the tree."""
    return subprocess.run(["systemctl", f"--root={tree}", *words], text=True, capture_output=True,
                          check=False)


def enabled(tree, unit):
    """What systemctl calls the unit's state."""
    result = systemctl(tree, "is-enabled", unit)
    return result.stdout.strip() or result.stderr.strip()


def links(tree):
    """The enablement links of foreign units."""
    return {path: entry for path, entry in tree.state().items()
            if path.startswith(f"{UNITS}/") and path.count("/") == 5 and "sshd-vsock" not in path}


def opened(layout):
    """All that an image gets while nothing closes."""
    return OPEN if layout in WITHOUT_CREDENTIAL else OPEN | CREDENTIAL


def test_by_default_the_door_and_nothing_else(layout, tree):
    assert applied(tree) == opened(layout)
    for unit in ("sshd-vsock.socket", "sshd-vsock-provision.service"):
        assert enabled(tree, unit) == "enabled"
    for unit in TCP[layout]:
        assert enabled(tree, unit) != "masked"


@pytest.mark.parametrize("config", ("", CLOSE, LISTEN))
def test_without_a_proof_an_image_stays_open(layout, tree, config):
    assert applied(tree, config) == opened(layout)
    assert not any(enabled(tree, unit) == "masked" for unit in TCP[layout])


def test_closing_masks_just_what_is_there(layout, tree):
    kept = links(tree)
    masks = {f"{UNITS}/{unit}" for unit in TCP[layout]}
    records = {layouts.record(unit) for unit in TCP[layout]}
    assert applied(tree, CLOSE, "--no-verify") == opened(layout) | masks | records
    for unit in TCP[layout]:
        assert tree.at(f"{UNITS}/{unit}").readlink() == Path("/dev/null")
        assert enabled(tree, unit) == "masked"
    for unit in ("sshd-vsock.socket", "sshd-vsock-provision.service"):
        assert enabled(tree, unit) == "enabled"
    assert links(tree) == kept


@pytest.mark.parametrize("config", (CLOSE, "", None))
def test_masks_that_an_earlier_version_recorded_are_ours(config, folder):
    tree = layouts.make("debian12", Tree(folder / "tree"))
    before = tree.state()
    tree.apply("--no-verify", config=CLOSE)
    closed = tree.state()
    layouts.join_presets(tree)
    if config is None:
        assert tree.run("remove").returncode == 0
        assert files(changes(before, tree.state()), before, tree.state()) == set()
        return
    tree.apply("--no-verify", config=config)
    assert "nothing to do" in tree.apply("--no-verify", config=config).stderr
    if config == CLOSE:
        assert changes(closed, tree.state()) == set()
    else:
        assert enabled(tree, "ssh.service") == "enabled"
        assert not list(tree.at(PRESET).parent.glob("*ssh*.service.preset")) and b"disable" not in tree.read(PRESET)


def test_debians_alias_is_masked_with_its_unit(folder):
    tree = layouts.make("debian12", Tree(folder / "tree"))
    applied(tree, CLOSE, "--no-verify")
    assert enabled(tree, "sshd.service") == "masked"
    assert tree.at(f"{UNITS}/sshd.service").readlink() == Path("/lib/systemd/system/ssh.service")


def test_listening_elsewhere_is_one_file_where_sshd_listens_itself(layout, tree):
    before = tree.state()
    changed = applied(tree, LISTEN, "--no-verify")
    sockets = {SOCKET_DROPIN} if layout in ("ubuntu2210", "ubuntu2404") else set()
    if layout == "rhel8":
        assert changed == opened(layout) | {"/etc/ssh/sshd_config"}
        text, old = tree.read("/etc/ssh/sshd_config"), before["/etc/ssh/sshd_config"]
        assert text.endswith(old[-1])
        block = text[:-len(old[-1])].decode().splitlines()
        assert "ListenAddress 127.0.0.1" in block
        assert all(line.startswith("#") for line in block if line != "ListenAddress 127.0.0.1")
        assert tree.state()["/etc/ssh/sshd_config"][:4] == old[:4]
        assert not tree.at("/etc/ssh/sshd_config.d").exists()
    else:
        assert changed == opened(layout) | {DROPIN} | sockets
        lines = tree.read(DROPIN).decode().splitlines()
        assert [line for line in lines if not line.startswith("#")] == ["ListenAddress 127.0.0.1"]
    if layout == "opensuse":
        assert not tree.at("/etc/ssh/sshd_config").exists()


def streams(tree):
    """What the drop-in has the socket listen on."""
    return [line.removeprefix("ListenStream=")
            for line in tree.read(SOCKET_DROPIN).decode().splitlines()
            if line.startswith("ListenStream=")][1:]


# The files of the unit's folders, with their lines of [Socket]; and what the address becomes.
STREAMS = {
    "vsock as well": ({"/etc/systemd/system/ssh.socket.d/vsock.conf": "ListenStream=vsock::22"},
                      ["127.0.0.1:22"]),
    "vsock on another port": ({"/etc/systemd/system/ssh.socket.d/vsock.conf":
                               "ListenStream=vsock::22\nListenStream=vsock::1022"},
                              ["127.0.0.1:22", "vsock::1022"]),
    "another port": ({"/etc/systemd/system/ssh.socket.d/override.conf":
                      "ListenStream=\nListenStream=[::]:2222\nListenStream=0.0.0.0:2223"},
                     ["127.0.0.1:2222", "127.0.0.1:2223"]),
    "by name, not by folder": ({"/usr/lib/systemd/system/ssh.socket.d/b.conf":
                                "ListenStream=\nListenStream=2222\nListenStream=/run/b",
                                "/etc/systemd/system/ssh.socket.d/a.conf": "ListenStream=/run/a",
                                "/usr/local/lib/systemd/system/socket.d/c.conf":
                                "ListenStream=@c"},
                               ["127.0.0.1:2222", "/run/b", "@c"]),
    "hidden by another folder's": ({"/usr/lib/systemd/system/ssh.socket.d/a.conf":
                                    "ListenStream=2222",
                                    "/etc/systemd/system/ssh.socket.d/a.conf":
                                    "ListenStream=vsock::5"},
                                   ["127.0.0.1:22", "vsock::5"]),
    "read after ours": ({"/etc/systemd/system/ssh.socket.d/zzz.conf":
                         "ListenStream=vsock::5\nListenStream=/run/x"},
                        ["127.0.0.1:22"]),
    "not read": ({"/etc/systemd/system/ssh.socket.d/.a.conf": "ListenStream=2222",
                  "/etc/systemd/system/ssh.socket.d/a.conf~": "ListenStream=2222",
                  "/run/systemd/system/ssh.socket.d/a.conf": "ListenStream=2222"},
                 ["127.0.0.1:22"]),
    "the administrator's unit": ({"/etc/systemd/system/ssh.socket":
                                  "ListenStream=2200\nListenStream=/run/own"},
                                 ["127.0.0.1:2200", "/run/own"]),
}


@pytest.mark.parametrize("case", STREAMS)
def test_socket_unit_keeps_its_ports_and_what_is_not_tcp(case, folder):
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    files, expected = STREAMS[case]
    for path, lines in files.items():
        tree.put(path, f"[Socket]\n{lines}\n")
    tree.apply()
    before = tree.state()
    tree.apply("--no-verify", config=LISTEN)
    assert streams(tree) == expected
    assert "nothing to do" in tree.apply("--no-verify", config=LISTEN).stderr
    tree.apply("--no-verify")
    assert changes(before, tree.state()) == set()


@pytest.mark.parametrize("config", (None, "{}\n"))
def test_lines_of_a_file_that_is_included_no_more_are_given_back(config, debian):
    """The administrator took the Include out meanwhile."""
    path, main = "/etc/ssh/sshd_config.d/50-x.conf", debian.read("/etc/ssh/sshd_config")
    text = "# mine\nListenAddress 0.0.0.0\n"
    debian.put(path, text, 0o640)
    before = debian.state()[path]
    debian.apply("--no-verify", config="listen_address: 127.0.0.1\n")
    assert b"#sshd-vsock# ListenAddress" in debian.read(path)
    debian.put("/etc/ssh/sshd_config", main.replace(b"Include", b"#Include"))
    if config:
        debian.apply("--no-verify", config=config)
    else:
        assert debian.run("remove").returncode == 0
    assert debian.state()[path] == before
    assert "nothing to do" in (debian.apply(config=config) if config else debian.run("remove")).stderr


def test_file_out_of_etc_that_is_included_no_more_stays(debian):
    """Such a file is nobody's to edit, whatever stands in it."""
    debian.put("/opt/x.conf", "#sshd-vsock# ListenAddress 0.0.0.0\n")
    debian.link("/etc/ssh/sshd_config.d/50-x.conf", "/opt/x.conf")
    debian.put("/etc/ssh/sshd_config", debian.read("/etc/ssh/sshd_config").replace(b"Include", b"#Include"))
    debian.apply()
    before = debian.state()
    assert "nothing to do" in debian.apply().stderr
    assert debian.run("remove").returncode == 0
    assert debian.state()["/opt/x.conf"] == before["/opt/x.conf"]


@pytest.mark.parametrize("included", (True, False))
@pytest.mark.parametrize("link, target, file", (
    ("sshd_config.d", "scd", "scd/50-x.conf"), ("sshd_config.d", "/etc/ssh.d", "../ssh.d/50-x.conf"),
    ("sshd_config.d/50-x.conf", "../50.conf", "50.conf"),
    ("sshd_config.d/50-x.conf", "/etc/ssh/sshd_config", None)))
def test_file_of_two_names_is_edited_once(link, target, file, included, debian):
    """As configuration management has it: a run that saw two would trip over its own edit."""
    path = f"/etc/ssh/{file}" if file else "/etc/ssh/sshd_config"
    if link == "sshd_config.d":
        debian.remove("/etc/ssh/sshd_config.d")
    if file:
        debian.put(path, "# mine\nListenAddress 0.0.0.0\n", 0o640)
    else:
        debian.put(path, debian.read(path) + b"ListenAddress 0.0.0.0\n")
    debian.link(f"/etc/ssh/{link}", target)
    before = debian.state()[path.replace("/ssh/..", "")]
    debian.apply("--no-verify", config="listen_address: 127.0.0.1\n")
    assert b"#sshd-vsock# ListenAddress" in debian.read(path)
    if not included:
        main = debian.read("/etc/ssh/sshd_config")
        debian.put("/etc/ssh/sshd_config", main.replace(b"Include", b"#Include"))
    result = debian.run("remove")
    assert result.returncode == 0, result.stderr
    assert b"#sshd-vsock#" not in debian.read(path)
    assert debian.state()[path.replace("/ssh/..", "")] == before or (not file and not included)
    assert "nothing to do" in debian.run("remove").stderr


def test_socket_unit_that_the_vendor_enables_is_confined_too(debian):
    """Flatcar's links are in /usr; one of /etc to /dev/null takes such a link away."""
    link = "sockets.target.wants/ssh.socket"
    debian.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    debian.link(f"/usr/lib/systemd/system/{link}", "../ssh.socket")
    debian.apply("--no-verify", config="listen_address: 127.0.0.1\n")
    assert b"127.0.0.1:22" in debian.read(SOCKET_DROPIN)
    debian.link(f"{UNITS}/{link}", "/dev/null")
    debian.apply("--no-verify", config="listen_address: 127.0.0.1\n")
    assert not debian.at(SOCKET_DROPIN).exists()


def test_socket_unit_without_tcp_is_left_alone(folder):
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    tree.put(f"{UNITS}/ssh.socket.d/x.conf",
             "[Socket]\nListenStream=\nListenStream=vsock::1022\n")
    tree.apply("--no-verify", config=LISTEN)
    assert not tree.at(SOCKET_DROPIN).exists()


@pytest.mark.parametrize("layout_name,port", (("ubuntu2404", 2222), ("ubuntu2210", 22)))
def test_port_of_sshd_is_the_sockets_where_a_generator_makes_it_so(layout_name, port, folder):
    tree = layouts.make(layout_name, Tree(folder / "tree"))
    tree.put("/etc/ssh/sshd_config.d/port.conf", "Port 2222\n")
    tree.apply("--no-verify", config=LISTEN)
    assert streams(tree) == [f"127.0.0.1:{port}"]
    tree.put(f"{UNITS}/ssh.socket.d/b.conf", "[Socket]\nListenStream=\nListenStream=2200\n")
    tree.apply("--no-verify", config=LISTEN)
    assert streams(tree) == ["127.0.0.1:2200"]


@pytest.mark.parametrize("lines, want", (
    ("ListenAddress 0.0.0.0:2222", ["127.0.0.1:2222"]), ("ListenAddress [::]:2222", ["127.0.0.1:2222"]),
    ("ListenAddress 10.0.0.1", ["127.0.0.1:22"]), ("Port 2200\nListenAddress 10.0.0.1", ["127.0.0.1:2200"]),
    ("Port 2200\nListenAddress ::1\nListenAddress 10.0.0.1:2222", ["127.0.0.1:2200", "127.0.0.1:2222"]),
    ("Port 2200\nListenAddress 10.0.0.1:2222", ["127.0.0.1:2222"]),
    ("ListenAddress localhost:2222", ["127.0.0.1:2222"]), ("Port 2200\nListenAddress web1", ["127.0.0.1:2200"])))
def test_address_of_sshd_is_the_sockets_where_a_generator_makes_it_so(lines, want, folder):
    """Also once ours has commented it out."""
    tree = layouts.make("ubuntu2404", Tree(folder / "tree"))
    tree.put("/etc/ssh/sshd_config.d/port.conf", f"{lines}\n")
    tree.apply("--no-verify", config=LISTEN)
    assert streams(tree) == want
    assert "nothing to do" in tree.apply("--no-verify", config=LISTEN).stderr


@pytest.mark.parametrize("config", ("", CLOSE, LISTEN, "hushlogin: true\nport: 2222\n"))
def test_a_second_run_changes_nothing(tree, config):
    tree.apply("--no-verify", config=config)
    before = tree.state(times=True)
    result = tree.apply("--no-verify", config=config)
    assert tree.state(times=True) == before
    assert "nothing to do" in result.stderr
    assert tree.run("plan", "--no-verify", config=config).returncode == 0


@pytest.mark.parametrize("empty", (False, True))
@pytest.mark.parametrize("config", ("", CLOSE, LISTEN, "hushlogin: true\n"))
def test_ostree_gets_no_second_etc(config, empty, folder):
    """Its /etc is made of /usr/etc when it is deployed: what is written there is what one gets."""
    tree, usual = Tree(folder / "ostree"), Tree(folder / "usual")
    for each in tree, usual:
        layouts.rhel10(each)
        each.put("/etc/sshd-vsock.yaml", config)
    tree.at("/etc").rename(tree.at("/usr/etc"))
    if empty:
        tree.at("/etc").mkdir()
    before = tree.state()
    assert tree.run("--no-verify", "plan").returncode == 10
    assert "/usr/etc" in tree.apply("--no-verify").stderr
    usual.apply("--no-verify")
    assert list(tree.at("/etc").iterdir()) == [] if empty else not tree.at("/etc").exists()
    usual.at("/etc").rename(usual.at("/usr/etc"))
    if empty:
        usual.at("/etc").mkdir()
    assert tree.state() == usual.state()
    assert "nothing to do" in tree.apply("--no-verify").stderr
    assert tree.run("--no-verify", "status").returncode == 0
    assert tree.run("--no-verify", "remove").returncode == 0
    assert not any(tree.at(path).is_file() for path in changes(before, tree.state()))


@pytest.mark.parametrize("config", (CLOSE, LISTEN))
def test_going_back_restores(tree, config):
    tree.apply()
    before = tree.state()
    tree.apply("--no-verify", config=config)
    assert tree.state() != before
    tree.apply()
    after = tree.state()
    assert files(changes(before, after), before, after) <= {
        f"{UNITS}/sshd-vsock-provision.service"}  # carries a configuration from standard input
    tree.apply(config="")
    tree.apply("--no-verify", config=config)
    tree.apply("--no-verify")
    assert files(changes(before, tree.state()), before, tree.state()) == set()


@pytest.mark.parametrize("config", ("", CLOSE, LISTEN, "hushlogin: true\n"))
def test_remove_leaves_no_file_behind(layout, tree, config):
    """Arch enables no sshd: there the door is the only way in, and goes when told to only."""
    before = tree.state()
    tree.apply("--no-verify", config=config)
    if layout == "arch":
        assert tree.run("remove").returncode == 4
        assert tree.run("remove", "--no-verify").returncode == 0
        tree.apply("--no-verify", config=config)
    result = tree.run("remove", *["--no-verify"] * (layout == "arch"))
    assert result.returncode == 0, result.stderr
    after = tree.state()
    assert files(changes(before, after), before, after) == set()
    assert "nothing to do" in tree.run("remove").stderr


def test_remove_leaves_what_others_masked(layout, tree):
    unit = sorted(TCP[layout])[0]
    tree.link(f"{UNITS}/{unit}", "/dev/null")
    tree.apply("--no-verify", config=CLOSE)
    assert tree.run("remove", "--no-verify").returncode == 0
    assert enabled(tree, unit) == "masked"
    for other in TCP[layout] - {unit}:
        assert enabled(tree, other) != "masked"


def test_main_file_of_the_vendor_without_addresses_is_not_in_the_way(debian):
    """Nothing in it is to be edited."""
    debian.put("/usr/share/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n")
    debian.remove("/etc/ssh/sshd_config")
    debian.link("/etc/ssh/sshd_config", "/usr/share/sshd_config")
    debian.apply("--no-verify", config=LISTEN)
    assert debian.at("/etc/ssh/sshd_config.d/10-sshd-vsock.conf").exists()
    debian.put("/usr/share/sshd_config", "Port 22\n")
    assert "leads out of /etc" in debian.apply("--no-verify", config=LISTEN, status=1).stderr


def test_include_behind_match_all_counts(debian):
    """There a Match block ends, and all that follows is for everybody."""
    debian.put("/etc/ssh/sshd_config", "Match User x\n X11Forwarding no\nMatch all\n"
               "Include /etc/ssh/sshd_config.d/*.conf\n")
    file = debian.put("/etc/ssh/sshd_config.d/a.conf", "ListenAddress 0.0.0.0\n")
    debian.apply("--no-verify", config=LISTEN)
    assert file.read_bytes() == b"#sshd-vsock# ListenAddress 0.0.0.0\n"
    assert debian.at("/etc/ssh/sshd_config.d/10-sshd-vsock.conf").exists()


@pytest.mark.parametrize("path, target", (
    (f"{UNITS}/ssh.service", "../../../dev/null"),
    (f"{UNITS}/ssh.service", "//dev//./null"),
    (f"{UNITS}/ssh.service", "/etc/../dev/null"),
    (f"{UNITS}/ssh.service", "none.service"),
    (f"{UNITS}/ssh.service", "empty.service"),
    (f"{UNITS}/ssh.service", None),
    ("/usr/local/lib/systemd/system/ssh.service", "/dev/null"),
    ("/usr/local/lib/systemd/system/ssh.service", None),
))
def test_mask_is_one_however_it_is_written(path, target, debian):
    """As systemd takes it: a link to /dev/null in any spelling, by whatever links; an empty file."""
    debian.link(f"{UNITS}/none.service", "/dev/null")
    debian.put("/dev/null")
    debian.put(f"{UNITS}/empty.service")
    if target:
        debian.link(path, target)
    else:
        debian.put(path)
    before = debian.state()
    own = debian.at(f"{UNITS}/ssh.service")
    debian.apply("--no-verify", config=CLOSE)
    assert path.startswith("/usr/local") or debian.state()[path] == before[path]
    assert "ssh.service: closed" in debian.run("status").stdout
    debian.apply("--no-verify", config="{}")
    assert debian.state()[path] == before[path]
    assert own.is_symlink() == (target is not None and own.name in path and UNITS in path)
    assert debian.run("remove").returncode == 4
    assert debian.run("remove", "--no-verify").returncode == 0
    assert debian.state()[path] == before[path]


def test_a_unit_that_comes_later_is_closed_and_all_of_them_open_again(layout, tree):
    """An upgrade brings another unit; what was masked before must not be taken for foreign."""
    units = sorted(TCP[layout])
    late = tree.at(f"/usr/lib/systemd/system/{units[-1]}")
    away = late.rename(late.with_suffix(".away"))
    tree.apply("--no-verify", config=CLOSE)
    away.rename(late)
    tree.apply(config=CLOSE)  # the first phase only, as it is when the proof fails
    tree.apply("--no-verify", config=CLOSE)
    assert {enabled(tree, unit) for unit in units} == {"masked"}
    tree.apply("--no-verify")
    assert "masked" not in {enabled(tree, unit) for unit in units}


@pytest.mark.parametrize("machine_id", (None, "", "uninitialized\n"))
def test_presets_of_a_first_boot_change_nothing(layout, tree, machine_id):
    tree.apply("--no-verify", config=CLOSE)
    tree.remove("/etc/machine-id")
    if machine_id is not None:
        tree.put("/etc/machine-id", machine_id)
    for mode in ("enable-only", "full"):
        result = systemctl(tree, "preset-all", f"--preset-mode={mode}")
        assert result.returncode == 0, result.stderr
        for unit in TCP[layout]:
            assert enabled(tree, unit) == "masked"
        for unit in ("sshd-vsock.socket", "sshd-vsock-provision.service"):
            assert enabled(tree, unit) == "enabled"
        assert "nothing to do" in tree.apply("--no-verify", config=CLOSE).stderr


def test_presets_of_a_first_boot_keep_what_reopens_tcp(layout, tree):
    """systemd as PID 1 runs preset-all with enable-only: the vendor's links have to survive it."""
    kept = links(tree)
    tree.apply("--no-verify", config=CLOSE)
    assert systemctl(tree, "preset-all", "--preset-mode=enable-only").returncode == 0
    assert kept.items() <= links(tree).items()
    tree.apply("--no-verify")
    assert "masked" not in {enabled(tree, unit) for unit in TCP[layout]}


def test_the_template_passes_the_vendors_options(layout, tree):
    tree.apply()
    lines = tree.read(f"{UNITS}/sshd-vsock@.service").decode().splitlines()
    sshd = "/usr/bin/sshd" if layout == "arch" else "/usr/sbin/sshd"
    wanted = ENVIRONMENT[layout]
    ours = "" if layout in WITHOUT_CREDENTIAL else " $SSHD_VSOCK_OPTIONS"
    found = [line for line in lines if line.startswith("EnvironmentFile=")]
    assert ("EnvironmentFile=-/run/sshd-vsock/environment" in found) == bool(ours)
    found = found[1:] if ours else found
    if layout == "rhel8":
        assert found == ["EnvironmentFile=-/etc/sysconfig/sshd",
                         "EnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config"]
        assert f"ExecStart=-{sshd} -i $OPTIONS $CRYPTO_POLICY" in lines
    elif wanted is None:
        assert not found
        assert f"ExecStart=-{sshd} -i{ours}" in lines
    else:
        assert found == [f"EnvironmentFile=-{wanted[0]}"]
        assert f"ExecStart=-{sshd} -i{ours} {wanted[1]}" in lines


def test_poll_limits_only_where_systemd_knows_them(layout, tree):
    tree.apply()
    new = layout in ("debian13", "testing", "ubuntu2404", "rhel10", "opensuse", "arch")
    assert (b"PollLimit" in tree.read(f"{UNITS}/sshd-vsock.socket")) == new


@pytest.mark.parametrize("layout_name", ("debian11", "debian13", "rhel8"))
def test_every_file_is_what_was_agreed_on(layout_name, folder):
    """Byte for byte; `golden/LAYOUT/` holds the paths with - for /. To renew it, delete the folder
    and run this twice."""
    tree = layouts.make(layout_name, Tree(folder / "tree"))
    tree.apply("--no-verify", config=LISTEN + "port: 2222\nhushlogin: true\n")
    written = {path.lstrip("/").replace("/", "-"): tree.at(path) for path in
               sorted(OPEN | CREDENTIAL | {DROPIN, "/etc/ssh/sshd_config", "/etc/skel/.hushlogin"})
               if tree.at(path).exists() and not tree.at(path).is_symlink()}
    golden = GOLDEN / layout_name
    if not golden.exists():
        golden.mkdir(parents=True)
        for name, path in written.items():
            shutil.copyfile(path, golden / name)
        pytest.fail(f"{golden} was missing and is written now: read it")
    assert set(written) == {path.name for path in golden.iterdir()}
    for name, path in written.items():
        assert path.read_text() == (golden / name).read_text(), name


def test_the_units_are_ones_that_systemd_takes(layout, tree):
    """systemd-analyze reads them with the vendor's units around; it has no complaint about ours."""
    tree.apply("--no-verify", config="port: 2222\n")
    tree.put("/bin/sh" if not tree.at("/bin").exists() else "/usr/bin/sh", "", 0o755)
    for target in ("basic", "shutdown", "sysinit", "sockets"):
        tree.put(f"/usr/lib/systemd/system/{target}.target", "[Unit]\nDescription=x\n")
    result = subprocess.run(
        ["systemd-analyze", f"--root={tree}", "verify", "--man=no", "sshd-vsock.socket",
         "sshd-vsock@x.service", "sshd-vsock-keygen.service", "sshd-vsock-hostkeys.service",
         "sshd-vsock-provision.service",
         *(Path(path).name for path in CREDENTIAL
           if path.endswith(".service") and tree.at(path).exists())],
        text=True, capture_output=True, check=False)
    complaints = [line for line in result.stderr.splitlines()
                  if "sshd-vsock" in line and "PollLimit" not in line
                  and "'ImportCredential'" not in line]  # newer than this machine's
    assert not complaints, result.stderr
