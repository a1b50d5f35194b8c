"""What the documents say is what the program does: names, numbers and paths are compared with the
program's own help and tables, both ways.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tree import program

CHECKOUT = Path(__file__).resolve().parents[2]
MANUAL = CHECKOUT / "doc/sshd-vsock.8"
CONFIG_MANUAL = CHECKOUT / "doc/sshd-vsock.yaml.5"
README = CHECKOUT / "README.md"
GUIDE = CHECKOUT / "doc/CONTRIBUTING.md"
DESIGN = CHECKOUT / "doc/DESIGN.md"
SECURITY = CHECKOUT / "doc/SECURITY.md"
CATALOG = CHECKOUT / "doc/sshd-vsock.catalog"
COMPLETIONS = CHECKOUT / "doc/completions"
SCHEMA = json.loads((CHECKOUT / "schemas/sshd-vsock.schema.json").read_text())

# Code spans that name something in the checkout.
CHECKOUT_PATH = re.compile(r"`((?:module|tests|images|doc|schemas|packaging)/[\w./-]*)`")
# What DESIGN.md says of files of module/, by their layer.
MODULE_PATH = re.compile(r"`((?:core|host|cli)/[\w./-]+\.[ch])`")

# Words of ours that a reader of other manuals does not know; theirs are in CONTRIBUTING's table.
# "proven" is also a word of --json, and "door" a key of it.
OWN_WORDS = re.compile(r"\b(doors?|folders?|proofs?|prov(?:e[sdn]?|ing)|mend(?:s|ed|ing)?|undone|"
                       r"t(?:akes?|aken|ook)(?: \w+)? out(?! of))\b", re.I)
PROSE = [path for part in ("README.md", "NEWS", "doc", "images", "packaging")
         for path in sorted([CHECKOUT / part, *(CHECKOUT / part).rglob("*")]) if path.is_file()]

# Patterns: Debian has a directory of its own for zsh.
INSTALLED = """
sbin/sshd-vsock
lib/systemd/catalog/sshd-vsock.catalog
share/man/man8/sshd-vsock.8
share/man/man5/sshd-vsock.yaml.5
share/bash-completion/completions/sshd-vsock
share/zsh/*/_sshd-vsock
share/fish/vendor_completions.d/sshd-vsock.fish
share/licenses/sshd-vsock/LICENSE
share/sshd-vsock/sshd-vsock.schema.json
share/sshd-vsock/sshd-vsock.report.schema.json
share/sshd-vsock/sshd-vsock.cil
share/doc/sshd-vsock/README.md
share/doc/sshd-vsock/NEWS
share/doc/sshd-vsock/BENCHMARKS.md
share/doc/sshd-vsock/COMPARISON.md
share/doc/sshd-vsock/fleet.md
share/doc/sshd-vsock/platforms.md
share/doc/sshd-vsock/CONTRIBUTING.md
share/doc/sshd-vsock/DESIGN.md
share/doc/sshd-vsock/SECURITY.md
share/doc/sshd-vsock/examples/sshd-vsock.yaml
""".split()


def run(*command, **options):
    """Runs it and returns what it printed; fails where it does."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def help_text():
    """What --help prints."""
    return run(program(), "--help")


def verbs():
    """The verbs of --help."""
    part = help_text().split("Verbs:\n")[1].split("\n\n")[0]
    return set(re.findall(r"^  (\w+) ", part, re.M))


def options():
    """The long options of --help."""
    part = help_text().split("Options:\n")[1].split("\n\n")[0]
    return set(re.findall(r"^  (--[\w-]+)", part, re.M))


def statuses():
    """The exit statuses of the program's own table."""
    return set(re.findall(r"EXIT_\w+ = (\d+)", (CHECKOUT / "module/cli/run.h").read_text()))


def section(page, name):
    """The mdoc source of one section."""
    found = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", page.read_text(), re.M | re.S)
    assert found, f"{page.name} has no section {name}"
    return found.group(1)


def entries(page, name):
    """The sources of a section's list entries by what they are tagged with."""
    parts = re.split(r"^\.It (.*)\n", section(page, name), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def rendered(page):
    """The page as its reader sees it, without any white space: lines break anywhere."""
    text = run("mandoc", "-T", "ascii", str(page))
    return re.sub(r"\s+|.\x08", "", text)


def table(header):
    """Rows of the README's table with this header, by the first cell."""
    found = re.search(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", README.read_text(), re.M)
    assert found, f"README.md has no table that begins with {header}"
    rows = [re.split(r"(?<!\\) *\| *", row.strip("| ")) for row in found.group(1).splitlines()]
    return {row[0]: " | ".join(row[1:]) for row in rows}


def c_rows(text, name):
    """The rows `[NAME_…] = { "…", … }` of a C table, each a list of strings, literals joined."""
    rows = []
    for start in re.finditer(rf"\[{name}\w+\] = {{", text):
        row = [""]
        for token in re.finditer(r'"((?:[^"\\]|\\.)*)"|([,}])', text[start.end():]):
            if token[2] == "}":
                break
            if token[2] == ",":
                row.append("")
            else:
                row[-1] += token[1].replace('\\"', '"')
        rows.append(row)
    return rows


def causes():
    """[id, what, fix] of every cause but "it answers"."""
    found = c_rows((CHECKOUT / "module/core/plan/causes.c").read_text(), "CAUSE_")
    assert len(found) > 20 and found[0][0] == "none"
    return found[1:]


def test_rule_of_selinux_that_is_printed_is_one_of_the_file():
    """And what a policy may not know stands in a block that it then leaves out."""
    rules = re.sub("^;.*\n", "", (CHECKOUT / "packaging/selinux/sshd-vsock.cil").read_text("utf-8"),
                   flags=re.M)
    always = re.sub(r"\(optional \w+\s+\(allow \w+ sshd_t \(vsock_socket \([a-z ]+\)\)\)\)\n", "", rules)
    (fix,) = [fix for name, _, fix in causes() if name == "selinux"]
    assert re.search("'(.*)'", fix)[1] + "\n" == always
    assert "\"semodule -i /usr/share/sshd-vsock/sshd-vsock.cil\"" in fix


def run_plan(tree, config):
    """What `plan` prints for an image, with all that is closed there."""
    command = [program(), f"--root={tree}", "--config=-", "--no-verify", "plan"]
    result = subprocess.run(command, input=config, check=False, capture_output=True, text=True)
    assert result.returncode == 10, result.stderr
    return result.stdout


def complete(*words):
    """What bash offers for the last word, which may be empty."""
    script = """
        source "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "$(complete -p sshd-vsock | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    out = run("bash", "-u", "-c", script, "bash", str(COMPLETIONS / "sshd-vsock.bash"), *words)
    return set(out.split())


@pytest.mark.parametrize("page", [MANUAL, CONFIG_MANUAL], ids=lambda page: page.name)
def test_manual_has_no_lint(page):
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], check=False,
                            capture_output=True, text=True)
    # The clock of a build machine may be behind the page.
    faults = [line for line in result.stdout.splitlines() if "date in the future" not in line]
    assert faults == []


def test_help_says_what_no_verify_gives_up():
    """Each verb that takes it loses something else by it."""
    assert re.search(r"--no-verify +close TCP unverified; remove: even the only way in\n", help_text())


def test_help_fits_a_terminal():
    assert max(map(len, help_text().splitlines())) <= 80


def test_verbs_are_in_manual_and_readme():
    assert {tag.removeprefix("Cm ") for tag in entries(MANUAL, "VERBS")} == verbs()
    assert {cell.strip("`") for cell in table("verb")} == verbs()


def test_options_are_in_manual_and_readme():
    tags = " ".join(re.sub(r" Ns = Ns Ar \w+", "", tag) for tag in entries(MANUAL, "OPTIONS"))
    assert {f"-{word}" for word in re.findall(r"-[\w-]+", tags)} == options()
    assert set(re.findall(r"--[\w-]+", " ".join(table("option")))) == options()


def test_short_options_are_in_manual_and_completions():
    short = set(re.findall(r"\((-\w)\)", help_text()))
    assert short
    tags = " ".join(entries(MANUAL, "OPTIONS"))
    assert {f"-{letter}" for letter in re.findall(r"\bFl (\w) ,", tags)} == short
    zsh = (COMPLETIONS / "_sshd-vsock").read_text()
    assert {f"-{letter}" for letter in re.findall(r"{-(\w),", zsh)} == short
    fish = (COMPLETIONS / "sshd-vsock.fish").read_text()
    assert {f"-{letter}" for letter in re.findall(r" -s (\w) ", fish)} == short


def test_exit_statuses_are_everywhere():
    part = help_text().split("Exit status:\n")[1]
    assert set(re.findall(r"(?:^  |; )(\d+) ", part, re.M)) == statuses()
    assert set(entries(MANUAL, "EXIT STATUS")) == statuses()
    assert set(table("exit")) == statuses()


def test_every_cause_is_in_the_troubleshooting_table():
    tags = [tag.removeprefix("Cm ") for tag in entries(MANUAL, "TROUBLESHOOTING")]
    assert tags == [identifier for identifier, _, _ in causes()]
    text = rendered(MANUAL)
    for identifier, what, fix in causes():
        wanted = "".join(f"{identifier}{what}.Fix:{fix}.".split())
        assert wanted in text, identifier


def test_limits_are_those_of_the_socket(debian):
    plan = run_plan(debian, "")
    total = re.search(r"^\+MaxConnections=(\d+)$", plan, re.M)[1]
    share = re.search(r"^\+MaxConnectionsPerSource=(\d+)$", plan, re.M)[1]
    words = " ".join(MANUAL.read_text().split())
    assert f"At most {total} connections, {share} of them from one CID" in words
    assert f"holds all {share} of CID 1" in words
    assert f"At most {total} connections, {share} per CID" in SECURITY.read_text()


@pytest.mark.parametrize("config", ["disable_tcp: true", "listen_address: 127.0.0.1",
                                    "hushlogin: true"])
def test_every_path_that_apply_writes_is_in_the_manual(debian, config):
    written = re.findall(r"^(?:\+\+\+|link) (/\S+)", run_plan(debian, config), re.M)
    assert len(written) > 6
    known = section(MANUAL, "FILES")
    for path in written:
        path = re.sub(r"^(/root|/home/\w+)/", "~/", path)
        path = re.sub(r"^.*/([\w-]+\.target\.wants)/.*", r"\1", path)
        path = re.sub(r"(10-sshd-vsock-)sshd?\.\w+(\.preset)$", r"\1UNIT\2", path)
        assert re.search(rf"(?<![\w.]){re.escape(path)}(?![\w./])", known), path


def test_readme_shows_a_run_of_this_program(debian):
    run_shown = README.read_text().split("What `images/try` shows")[1].split("\n## ")[0]
    for words in ("booting a throw-away", "sshd-vsock: verified: SSH-2.0-OpenSSH", "\n    logged in"):
        assert words in run_shown
    shown = set(re.findall(r"sshd-vsock: (?:write|link) (/\S+)", run_shown))
    planned = set(re.findall(r"^(?:\+\+\+|link) (/\S+)", run_plan(debian, ""), re.M))
    assert shown == planned


def test_keys_are_in_manual_readme_and_example():
    keys = set(SCHEMA["properties"])
    assert {tag.removeprefix("Cm ") for tag in entries(CONFIG_MANUAL, "KEYS")} == keys
    assert {cell.strip("`") for cell in table("key")} == keys
    example = (CHECKOUT / "images/sshd-vsock.yaml").read_text()
    assert set(re.findall(r"^#?(\w+):", example, re.M)) == keys


@pytest.mark.parametrize("key", SCHEMA["properties"])
def test_default_and_limits_of_a_key_are_documented(key):
    schema = SCHEMA["properties"][key]
    manual, readme = entries(CONFIG_MANUAL, "KEYS")[f"Cm {key}"], table("key")[f"`{key}`"]
    default = schema.get("default", "none")
    default = default if isinstance(default, str) else json.dumps(default)
    assert re.search(rf"Default: {default}\b", manual)
    assert readme.split(" | ")[0] == default
    if "minimum" in schema:
        limits = f"{schema['minimum']} to {schema['maximum']}"
        assert limits in manual and limits in readme


def test_examples_of_the_configuration_manual_are_valid(folder):
    (folder / "etc").mkdir()
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nadmin:x:1:1::/:/bin/sh\n")
    examples = re.findall(r"^\.Bd [^\n]*\n(.*?)^\.Ed", section(CONFIG_MANUAL, "EXAMPLES"),
                          re.M | re.S)
    assert len(examples) == 3
    for example in examples:
        run(program(), f"--root={folder}", "--config=-", "check", input=example)


def test_bash_completes_verbs_and_options():
    assert complete("sshd-vsock", "") == verbs() | {"help"}
    assert complete("sshd-vsock", "ve") == {"verify"}
    assert {word.rstrip("=") for word in complete("sshd-vsock", "--")} == options()
    assert {word.rstrip("=") for word in complete("sshd-vsock", "-")} == options() | {"-q", "-v", "-h"}
    assert complete("sshd-vsock", "help", "") == set()
    assert complete("sshd-vsock", "plan", "--no") == {"--no-verify"}
    assert complete("sshd-vsock", "--no-verify", "") == verbs() | {"help"}
    assert complete("sshd-vsock", "plan", "") == set()


def test_bash_completes_files_and_directories(folder):
    (folder / "file.yaml").touch()
    (folder / "folder").mkdir()
    both, one = {f"{folder}/file.yaml", f"{folder}/folder"}, {f"{folder}/folder"}
    for words in (["--config", "=", f"{folder}/"], ["--config", f"{folder}/"],
                  [f"--config={folder}/"]):
        assert complete("sshd-vsock", *words) == both
    for words in (["plan", "--root", "=", f"{folder}/f"], ["--root", f"{folder}/"],
                  [f"--root={folder}/"]):
        assert complete("sshd-vsock", *words) == one


def test_kinds_of_hosts_are_everywhere():
    said = subprocess.run([program(), "--for=?", "client"], check=False, capture_output=True,
                          text=True).stderr
    kinds = re.search(r"--for names no kind of host \(([^)]*)\)", said)[1].split(", ")
    assert len(kinds) > 7
    assert f"client: {', '.join(kinds)}\n" in help_text()
    assert [tag.removeprefix("Cm ") for tag in entries(MANUAL, "KINDS OF HOSTS")] == kinds
    assert f"{', '.join(kinds[:-1])} or {kinds[-1]} " in table("option")["`--for=HOST`"] + " "
    report = json.loads((CHECKOUT / "schemas/sshd-vsock.report.schema.json").read_text())
    ways = report["properties"]["client"]["oneOf"][1]["properties"]["ways"]
    assert ways["items"]["properties"]["id"]["enum"] == kinds
    for words in ["--for", "=", ""], ["--for", ""], ["--for="]:
        assert complete("sshd-vsock", "client", *words) == set(kinds)
    assert complete("sshd-vsock", "client", "--for=s") == {"systemd", "socat"}
    assert f":host:({' '.join(kinds)})'" in (COMPLETIONS / "_sshd-vsock").read_text()
    out = run("fish", "--no-config", "-c", f"source {COMPLETIONS}/sshd-vsock.fish; "
              "complete -C'sshd-vsock client --for='")
    assert {line.split("\t")[0] for line in out.splitlines()} == {f"--for={k}" for k in kinds}


def test_zsh_completion_knows_verbs_and_options():
    text = (COMPLETIONS / "_sshd-vsock").read_text()
    assert set(re.findall(r'(\w+)\\:"', text)) == verbs() | {"help"}
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert set(re.findall(r"--[\w-]+", code)) == options()
    run("zsh", "-n", str(COMPLETIONS / "_sshd-vsock"))


def test_fish_completion_knows_verbs_and_options():
    file = COMPLETIONS / "sshd-vsock.fish"
    text = file.read_text()
    assert set(re.search(r"set -l verbs (.*)", text)[1].split()) == verbs() | {"help"}
    assert set(re.findall(r" -a (\w+) ", text)) == verbs() | {"help"}
    assert {f"--{word}" for word in re.findall(r"^complete .*-l ([\w-]+)", text, re.M)} == options()
    out = run("fish", "--no-config", "-c", f"source {file}; complete -C'sshd-vsock '")
    assert {line.split("\t")[0] for line in out.splitlines()} == verbs() | {"help"}


PAGES = sorted([README, *(CHECKOUT / "doc").glob("*.md"), *(CHECKOUT / "images").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_and_paths_exist(page):
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in CHECKOUT_PATH.findall(text) if not (CHECKOUT / path).exists()]
    missing += [path for path in MODULE_PATH.findall(text)
                if not (CHECKOUT / "module" / path).exists()]
    assert missing == []


def test_nothing_refers_to_a_document_that_is_not_here():
    """A section sign is for RFCs and papers; the design is doc/DESIGN.md, by its headings."""
    headings = set(re.findall(r"^##+ (.*)$", DESIGN.read_text(), re.M))
    wrong = []
    for path in sorted([*(CHECKOUT / "module").rglob("*.[ch]"), *PAGES]):
        text = re.sub(r"\n \* *", " ", path.read_text())
        wrong += [f"{path.name}: {found}" for found in
                  re.findall(r"\bdesign §|\bshared/\w+|\bfacts/\w+|\bissues? #?\d+", text)]
        wrong += [f"{path.name}: {heading}" for heading in
                  re.findall(r'doc/DESIGN\.md,? "([^"]+)"', text) if heading not in headings]
    assert wrong == []


def test_limits_of_the_socket_are_in_the_design(debian):
    """The settings that DESIGN.md gives reasons for are those of the unit."""
    plan = run_plan(debian, "")
    known = set(re.findall(r"^\| `(\w+=\w+)`", DESIGN.read_text(), re.M))
    assert len(known) > 4
    assert [line for line in known if f"+{line}\n" not in plan and "Poll" not in line] == []


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_prose_uses_the_words_of_the_field(page):
    """The README may speak of a door once, where it explains the idea; the table names them."""
    text = page.read_text()
    if page == GUIDE:
        text = re.sub(r"^\| word \|.*\n(?:\|.*\n)+", "", text, flags=re.M)
    found = [f"{number}: {line}" for number, line in enumerate(text.splitlines(), 1)
             if OWN_WORDS.search(line)]
    allowed = page == README and sum(len(OWN_WORDS.findall(line)) for line in found) == 1
    assert allowed or found == []


def test_code_uses_them_too():
    """But for the words of --json."""
    assert [f"{path}: {line}" for path in sorted((CHECKOUT / "module").rglob("*.[ch]"))
            for line in path.read_text().splitlines()
            if OWN_WORDS.search(re.sub('"(?:door|proven)"', "", line))] == []


def test_the_first_change_of_the_guide_applies():
    """It was made once, built and tested; what it changes has to be there to be changed."""
    (change,) = re.findall(r"^```diff\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    assert len(re.findall(r"^\+\+\+ ", change, re.M)) > 5
    run("git", "apply", "--check", "-", input=change, cwd=CHECKOUT)


def test_functions_that_the_guide_names_exist():
    code = "".join(path.read_text() for path in (CHECKOUT / "module").rglob("*.c"))
    named = set(re.findall(r"`(\w+)\(\)`", GUIDE.read_text()))
    assert named and [name for name in named if not re.search(rf"\b{name}\(", code)] == []


def test_environment_that_the_program_reads_is_in_the_manual():
    code = "".join(path.read_text() for path in (CHECKOUT / "module").rglob("*.c"))
    read = set(re.findall(r'getenv\("(\w+)"\)', code))
    assert len(read) > 3
    assert read <= set(re.findall(r"\bEv (\w+)", section(MANUAL, "ENVIRONMENT")))


def test_guide_has_a_line_for_every_file_of_the_program():
    parts = re.findall(r"^\| `([\w.-]+)` \|", GUIDE.read_text(), re.M)
    files = {path.name for path in (CHECKOUT / "module").rglob("*.[ch]")}
    listed = set()
    for part in parts:
        named = {part} if "." in part else {f"{part}.c", f"{part}.h"}
        listed |= named & files
        assert named & files, part
    assert files - listed == set()


def message_ids():
    """The MESSAGE_IDs of the program, in the order of its table."""
    found = re.findall(r'= "([0-9a-f]{32})"', (CHECKOUT / "module/host/log.c").read_text())
    assert len(found) > 5
    return found


def catalog():
    """[id, headers, text] of each entry of the journal's catalog."""
    found = re.findall(r"^-- ([0-9a-f]{32})\n((?:[\w-]+: [^\n]*\n)+)\n(.*?)(?=^-- |\Z)",
                       CATALOG.read_text(), re.M | re.S)
    return [(number, dict(re.findall(r"^([\w-]+): (.*)$", headers, re.M)), text)
            for number, headers, text in found]


def test_every_message_id_has_an_entry_in_the_catalog():
    """What it means and what to do; each @FIELD@ is one that the message always has."""
    assert [number for number, _, _ in catalog()] == message_ids()
    for number, headers, text in catalog():
        assert set(headers) == {"Subject", "Defined-By", "Support", "Documentation"}, number
        assert len(re.split(r"\n\n", text.strip())) >= 2, number
        fields = set(re.findall(r"@(\w+)@", text))
        assert fields <= ({"SSHD_VSOCK_CAUSE"} if "not verified" in headers["Subject"] else set())
    subjects = [headers["Subject"] for _, headers, _ in catalog()]
    assert len(set(subjects)) == len(subjects)


def test_systemd_reads_the_catalog(folder):
    """As systemd's package does it when a catalog is installed."""
    place = folder / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (place / CATALOG.name).write_bytes(CATALOG.read_bytes())
    (folder / "var/lib/systemd/catalog").mkdir(parents=True)
    result = subprocess.run(["journalctl", f"--root={folder}", "--update-catalog"], check=False,
                            capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    listed = run("journalctl", f"--root={folder}", "--list-catalog")
    assert dict(re.findall(r"^([0-9a-f]{32}) sshd-vsock: (.*)$", listed, re.M)) == {
        number: headers["Subject"] for number, headers, _ in catalog()}


def test_version_is_the_same_everywhere():
    version = re.search(r"project\(sshd-vsock VERSION ([\d.]+)",
                        (CHECKOUT / "CMakeLists.txt").read_text())[1]
    assert (CHECKOUT / "NEWS").read_text().startswith(f"sshd-vsock {version}\n")
    for path, words in {"debian/changelog": rf"\Asshd-vsock \({version}\) ",
                        "packaging/rpm/sshd-vsock.spec": rf"^Version: +{version}$",
                        "packaging/arch/PKGBUILD": rf"^pkgver={version}$"}.items():
        assert re.search(words, (CHECKOUT / path).read_text(), re.M), path
    assert run(program(), "--version") == f"sshd-vsock {version}\n"


def test_installation_puts_everything_in_place(folder):
    """And nothing else."""
    build = Path(program()).parent
    if not (build / "CMakeCache.txt").exists():
        pytest.skip(f"{build} was not made by CMake")
    prefix = re.search(r"^CMAKE_INSTALL_PREFIX:PATH=(.*)$", (build / "CMakeCache.txt").read_text(),
                       re.M)[1]
    run("cmake", "--install", str(build), env={**os.environ, "DESTDIR": str(folder)})
    root = Path(f"{folder}{prefix}")
    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    assert [path for path in INSTALLED if not list(root.glob(path))] == []
    assert len(found) == len(INSTALLED), found
