"""--json: one document per run, described by its schema, however the run ends."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

import layouts
from tree import CHECKOUT, UNITS, Tree, program, run

SCHEMA = json.loads((CHECKOUT / "schemas/sshd-vsock.report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
VERBS = ("check", "plan", "apply", "status", "remove", "client")
READING = ("plan", "status", "client")
CLOSE = "disable_tcp: true\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA root@image\n"


def document(result):
    """The one document on standard output, validated; messages are not in it."""
    report = json.loads(result.stdout)
    VALIDATOR.validate(report)
    assert result.stdout.count("\n") == 1 and result.stdout.endswith("}\n")
    assert report["exit"] == result.returncode
    assert "sshd-vsock:" not in result.stdout.replace(str(report["text"]), "")
    return report


def report_of(tree, verb, *options, config=None, status=None):
    """Runs a verb on the tree; returns its document."""
    result = tree.run(verb, "--json", *options, config=config)
    if status is not None:
        assert result.returncode == status, result.stderr
    report = document(result)
    assert report["verb"] == verb and report["root"] == str(tree)
    return report


def test_schema_is_strict():
    """It is valid itself, and no object of it takes a key that it does not name."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    def walk(node):
        if isinstance(node, list):
            for value in node:
                walk(value)
        elif isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                assert node["additionalProperties"] is False
                assert sorted(node["required"]) == sorted(node["properties"])
            for value in node.values():
                walk(value)

    walk(SCHEMA)


def test_schema_knows_every_cause():
    """The table of causes.c, but for the one that is none."""
    source = (CHECKOUT / "module/core/plan/causes.c").read_text("utf-8")
    table = source[source.index("causes[N_CAUSES]"):]
    ids = re.findall(r'^\s*\[CAUSE_\w+\] = \{\s*"([a-z-]+)"', table, re.M)
    assert ids[0] == "none" and len(ids) > 20
    assert sorted(ids[1:]) == sorted(SCHEMA["definitions"]["cause"]["enum"])


def test_schema_knows_every_kind():
    """The words of planprint.c."""
    source = (CHECKOUT / "module/core/plan/plan-print.c").read_text("utf-8")
    kinds = re.findall(r'^\s*\[OP_\w+\] = \{ "([a-z-]+)"', source, re.M)
    assert kinds == SCHEMA["properties"]["operations"]["items"]["properties"]["kind"]["enum"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", layouts.LAYOUTS)
def test_every_verb_on_every_layout(layout, verb, folder):
    """Before apply and after it."""
    tree = layouts.make(layout, Tree(folder / "tree", layouts.binary(layout)))
    for config in (None, CLOSE, "listen_address: 127.0.0.1\n"):
        only_door = verb == "remove" and layout == "arch"  # which enables no sshd
        report = report_of(tree, verb, config=config)
        assert only_door or report["error"] is None
        tree.apply("--no-verify", config=config)
        report_of(tree, verb, config=config, status=4 if only_door else 0)


@pytest.mark.parametrize("verb", READING)
def test_text_is_what_stands_there_without_json(verb, debian):
    """To the byte."""
    report = report_of(debian, verb, config=CLOSE)
    assert report["text"] == debian.run(verb, config=CLOSE).stdout


def test_plan_and_apply_name_the_same_operations(debian):
    """In the same order; what an image leaves to its first boot is not done."""
    planned = report_of(debian, "plan", config=CLOSE, status=10)
    done = report_of(debian, "apply", config=CLOSE, status=0)
    for report in (planned, done):
        assert [op["phase"] for op in report["operations"]] == sorted(
            (op["phase"] for op in report["operations"]), key=["open", "activate", "close"].index)
    assert not any(op["done"] for op in planned["operations"])
    for op in done["operations"]:
        assert op["done"] == (op["phase"] == "open"), op
        op["done"] = False
    assert done["operations"] == planned["operations"]
    assert done["tcp"] is None and done["hushlogin"] is None

    again = report_of(debian, "plan", config=CLOSE, status=0)
    assert {op["phase"] for op in again["operations"]} == {"close"}
    assert report_of(debian, "apply", "--no-verify", config=CLOSE, status=0)["operations"]
    assert report_of(debian, "plan", config=CLOSE, status=0)["operations"] == []


def test_operation_has_its_diff(debian):
    """All of them together are the plan that a person sees."""
    report = report_of(debian, "plan", status=10)
    texts = {op["name"]: op["text"] for op in report["operations"]}
    assert "\n+127.0.0.1 UNKNOWN # sshd-vsock\n" in texts["/etc/hosts"]
    assert texts["/etc/hosts"].startswith("--- /etc/hosts\n+++ /etc/hosts\n@@ ")
    *texts, summary = report["text"].splitlines(keepends=True)
    assert "".join(texts) == "".join(op["text"] for op in report["operations"])
    assert re.fullmatch(r"# \d+ to write, \d+ to link\n", summary)


def test_status_is_data(debian):
    """What a fleet asks for, without a look at the text."""
    debian.apply("--no-verify", config=CLOSE + "hushlogin: [root]\n")
    report = report_of(debian, "status", config=CLOSE + "hushlogin: [root]\n", status=0)
    assert report["operations"] == [] and report["conflicts"] == []
    assert report["hosts_entry"] == {"address": "127.0.0.1", "ours": True, "used": True}
    assert report["drift"] == []
    assert report["hushlogin"] == ["/root/.hushlogin"]
    assert {unit["unit"] for unit in report["tcp"] if unit["masked_by_us"]} == {
        "ssh.service", "ssh.socket"}
    # of a system that does not run there is nothing to say
    assert report["door"] is None and report["verification"] is None and report["host"] is None

    debian.put("/etc/hosts", "127.0.0.1 localhost\n10.0.0.1 UNKNOWN\n")
    debian.remove(f"{UNITS}/sshd-vsock@.service")
    report = report_of(debian, "status", config=CLOSE + "hushlogin: [root]\n", status=10)
    assert report["hosts_entry"] == {"address": "10.0.0.1", "ours": False, "used": True}
    assert [op["name"] for op in report["operations"]] == [f"{UNITS}/sshd-vsock@.service",
                                                           "/etc/hosts"]
    debian.remove("/etc/hosts")
    report = report_of(debian, "status", status=10)
    assert report["hosts_entry"] == {"address": None, "ours": False, "used": True}


@pytest.mark.parametrize("users,why", [("ghost", "no such user: ghost"), ("ana", "no home: ana"),
                                       ("admin, ghost", "no such user: ghost; 1 out of reach")])
def test_status_says_in_data_what_drifted(users, why, debian):
    """Exit 10 has its reason there where no operation is one; a hosts entry that nobody asks is seen."""
    config = f"hushlogin: [{users}]\n"
    debian.put("/etc/passwd", debian.read("/etc/passwd") + b"ana:x:1200:1200:::/bin/sh\n")
    debian.remove("/home/admin")
    debian.apply(config=config)
    debian.put("/etc/nsswitch.conf", "hosts: dns files\n")
    report = report_of(debian, "status", config=config, status=10)
    assert report["error"] is None and report["operations"] == report["conflicts"] == []
    assert report["drift"] == [f".hushlogin files that apply cannot make: {why}"]
    assert report["hosts_entry"]["used"] is False
    assert "".join(f"drift   {line}\n" for line in report["drift"]) in report["text"]
    for verb in "plan", "apply":
        assert report_of(debian, verb, config=config)["drift"] is None


def test_every_kind_of_drift_is_in_the_list(debian):
    """As the text has it, line by line."""
    debian.link(f"{UNITS}/sshd-vsock.socket", "/dev/null")
    report = report_of(debian, "status", config=CLOSE, status=10)
    text = report["text"].split("drift   ")[1].splitlines()
    assert [line.strip() for line in text] == report["drift"]
    assert report["drift"][0].startswith(f"{UNITS}/sshd-vsock.socket is masked; fix: ")
    assert "write /etc/hosts" in report["drift"]


def test_status_claims_nothing_of_homes_that_it_does_not_look_at(debian):
    """A .hushlogin of ours from an earlier configuration is for plan to find."""
    debian.apply(config="hushlogin: [root]\n")
    report = report_of(debian, "status", config="port: 22\n")
    assert "hush    none of those that hushlogin asks for\n" in report["text"] and report["hushlogin"] == []
    found = report_of(debian, "plan", config="port: 22\n", status=10)
    assert "/root/.hushlogin" in found["hushlogin"]


def test_client_is_data(debian):
    """Stanzas, GUID, registry key, host keys."""
    debian.put("/etc/hostname", "Box-1.example\n")
    debian.put("/etc/ssh/ssh_host_ed25519_key", "-----BEGIN PRIVATE KEY-----\n")
    debian.at("/etc/ssh/ssh_host_ed25519_key").chmod(0o600)
    debian.put("/etc/ssh/ssh_host_ed25519_key.pub", KEY)
    client = report_of(debian, "client", config="port: 2222\n", status=0)["client"]
    assert client["name"] == "Box-1.example"
    assert client["host_key_alias"] == "Box-1.example.vsock"
    assert client["guid"] == "000008AE-FACB-11E6-BD58-64006A7986D3"
    assert client["registry_key"].endswith("\\GuestCommunicationServices\\" + client["guid"])
    assert client["known_hosts"] == ["Box-1.example.vsock " + KEY.rsplit(" ", 1)[0]]
    # nobody knows where an image will boot
    assert [way["id"] for way in client["ways"]] == ["linux", "systemd", "socat", "mux", "unix",
                                                     "hvc", "winsocat", "wsl"]
    for way in client["ways"]:
        text = debian.run("client", f"--for={way['id']}", config="port: 2222\n").stdout
        assert text.startswith(f"# {way['about']}\n") and way["ssh_config"] in text
        assert f"Host {way['host']}\n" in way["ssh_config"]
    assert debian.run("client", config="port: 2222\n").stdout.startswith(
        f"# {client['ways'][0]['about']}\n")

    report = report_of(debian, "client", "--known-hosts", status=0)
    assert report["text"] == report["client"]["known_hosts"][0] + "\n"


def test_client_stanzas_are_read_by_ssh(debian, tmp_path):
    """The client of this machine takes each; ports beyond 65535 too."""
    for port in (22, 2222, 65536, 4294967294):
        client = report_of(debian, "client", config=f"port: {port}\n", status=0)["client"]
        for way in client["ways"]:
            config = tmp_path / "config"
            config.write_text(way["ssh_config"])
            done = subprocess.run(["ssh", "-G", "-F", str(config), way["host"]],
                                  capture_output=True, text=True, check=True)
            options = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
            assert options["hostkeyalias"] == "guest.vsock"
            assert options["checkhostip"] == "no"
            assert str(port) in options["proxycommand"] or "CONNECT" in options["proxycommand"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "remove"])
def test_bad_configuration(verb, debian):
    """Exit 2, with the faults as on a terminal."""
    report = report_of(debian, verb, config="prot: 22\nport: many\n", status=2)
    assert report["error"]["cause"] == "configuration"
    assert report["faults"].count(": error: ") == 2
    assert "did you mean" in report["faults"]
    assert report["operations"] == []


def test_no_configuration_file(debian):
    """A named one has to be there."""
    report = document(run(f"--root={debian}", "--config=/nowhere.yaml", "--json", "apply"))
    assert report["exit"] == 2
    assert "/nowhere.yaml" in report["faults"]


@pytest.mark.parametrize("verb", ["plan", "apply", "status"])
def test_no_openssh_server(verb, debian):
    """The world is at fault, and there is a fix."""
    debian.remove("/usr/sbin/sshd")
    report = report_of(debian, verb, status=1)
    assert report["error"]["cause"] == "no-sshd"
    assert "openssh-server" in report["error"]["what"]
    assert report["error"]["fix"].startswith("install")


@pytest.mark.parametrize("verb,status", [("plan", 1), ("apply", 1), ("status", 10)])
def test_conflict(verb, status, debian):
    """Each is there as data, and the first as the error."""
    path = f"{UNITS}/sshd-vsock@.service"
    debian.put(path, "[Service]\n")
    debian.link(f"{UNITS}/sshd-vsock.socket", "/dev/null")
    report = report_of(debian, verb, status=status)
    assert [conflict["path"] for conflict in report["conflicts"]] == [
        path, f"{UNITS}/sshd-vsock.socket"]
    if status == 1:
        assert report["error"]["cause"] == "conflict"
        assert (f"{report['error']['what']}; fix: {report['error']['fix']}"
                == f"{debian}{path} {report['conflicts'][0]['reason']}")
        assert report["error"]["fix"].startswith("move it away")
    assert not any(op["done"] for op in report["operations"])


@pytest.mark.parametrize("verb,status", [("plan", 10), ("apply", 0), ("status", 10)])
def test_home_out_of_reach(verb, status, debian):
    """Said, as data too; no failure."""
    debian.remove("/home/admin")
    report = report_of(debian, verb, config="hushlogin: true\n", status=status)
    assert report["skipped"] == [{"path": "/home/admin/.hushlogin",
                                  "reason": "its directory does not exist"}]
    assert report["error"] is None
    assert report_of(debian, verb, config="hushlogin: [root]\n")["skipped"] == []


def test_failed_write(debian):
    """What was done until then is told apart from what was not."""
    place = debian.at("/etc/systemd/system-preset")
    place.write_text("a file where a folder has to be")
    report = report_of(debian, "apply", status=1)
    done = [op["done"] for op in report["operations"]]
    assert True in done and False in done and done == sorted(done, reverse=True)
    assert "system-preset" in report["error"]["what"]


def test_no_host_keys(debian):
    """The one way in which client fails."""
    report = report_of(debian, "client", "--known-hosts", status=1)
    assert "no host keys" in report["error"]["what"] and report["error"]["fix"]


def test_no_root(folder):
    """Not even the tree is there."""
    report = document(run(f"--root={folder}/nowhere", "--json", "plan"))
    assert report["exit"] == 1 and "nowhere" in report["error"]["what"]


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="this machine runs systemd")
@pytest.mark.parametrize("verb", ["plan", "verify", "status", "client"])
def test_not_booted(verb):
    """Said before anything is looked at."""
    report = document(run("--json", verb))
    assert report["exit"] == 1 and report["root"] is None
    assert report["error"]["cause"] == "not-booted"
    assert "--root=DIR" in report["error"]["fix"]


@pytest.mark.parametrize("words", [["frobnicate"], [], ["plan", "apply"], ["--bogus", "plan"],
                                   ["plan", "--config"], ["check", "--no-verify"],
                                   ["verify", "--takeover"], ["apply", "--jump=host"]])
def test_usage(words):
    """A command line that is wrong is a failure like any other, wherever --json stands in it."""
    report = document(run("--json", *words))
    assert report["exit"] == 2 and report["verb"] is None
    assert report["error"]["what"] and report["error"]["fix"]
    for more in ([], ["--bogus", "-x", "--root="]):
        if "--config" not in words:  # whose argument the next word would be
            assert document(run(*words, *more, "--json"))["exit"] == 2


@pytest.mark.parametrize("words", [["--bogus", "--", "--json"], ["--bogus", "--config", "--json"]])
def test_no_option(words):
    """What is an argument asks for no document."""
    result = run(*words)
    assert result.returncode == 2 and result.stdout == ""


def test_bytes_that_are_no_text(debian):
    """Whatever stands in a file, the document is UTF-8."""
    debian.put("/etc/hosts", b"127.0.0.1 localhost # \xff\x1b[2J \xc3\xa9 \xed\xa0\x80 \"\\\n")
    report = report_of(debian, "plan", status=10)
    texts = {op["name"]: op["text"] for op in report["operations"]}
    assert "\\xff\\x1b[2J \u00e9 " in texts["/etc/hosts"]


def test_root_that_is_no_text(folder):
    """A path of any bytes."""
    place = os.fsencode(folder) + b"/\xff\"\n"
    layouts.make("debian12", Tree(os.fsdecode(place)))
    done = subprocess.run([program(), b"--root=" + place, "--json", "plan"], capture_output=True,
                          check=False)
    report = json.loads(done.stdout.decode("utf-8"))
    VALIDATOR.validate(report)
    assert report["exit"] == done.returncode == 10
    assert report["root"].endswith('/\ufffd"\n')


def test_quiet_is_about_messages_only(debian):
    """And messages are on standard error only."""
    loud = debian.run("apply", "--json", config=CLOSE)
    assert "sshd-vsock: write " in loud.stderr and document(loud)
    quiet = debian.run("apply", "--json", "-q", config=CLOSE)
    assert quiet.stderr == "" and document(quiet)


def test_full_disk_is_noticed(debian):
    """A document that did not get out is a failure."""
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run([program(), f"--root={debian}", "--json", "status"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write to standard output" in done.stderr
