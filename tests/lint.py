#!/usr/bin/python3
"""The sizes of functions and files in C, for what does not fit on a page is two things; the layers of
module/: no include points up; and of the charters what a script can check: who may do what.

Works on clang-formatted sources only: a function opens with `{` and closes with `}` alone in column
0, and nothing else has either there.
"""

import math
import re
import sys
from pathlib import Path

FUNCTION_LIMIT = 80
FUNCTION_P90_LIMIT = 45
# From the bottom up: what is decided without looking at the system, what touches it, the program.
LAYERS = ("core/util", "core/format", "core/plan", "host", "host/check", "cli")
FILE_LIMIT = 400
# Who may do what: calls, and the files of module/host whose charters say that they make them.
ONLY = {
    "opens a path": (r"openat2?|fopen|fdopendir|opendir|__NR_openat2|memfd_create",
                     "rootfs atomic-file descriptor proc lock scratch sshd-query vsock"),
    "renames": (r"rename|renameat2?", "atomic-file"),
    "makes a link": (r"symlink|symlinkat|link|linkat", "atomic-file"),
    "removes": (r"unlink|unlinkat|rmdir|remove", "atomic-file rootfs lock scratch"),
    "makes a directory": (r"mkdir|mkdirat", "atomic-file scratch sshd-query"),
    "changes owner or mode": (r"f?chown|f?chmod|fchownat|fchmodat", "atomic-file scratch"),
    "forks": (r"fork|vfork|clone|posix_spawnp?", "spawn home-child user-file waiting"),
    "executes": (r"execv|execve|execvp|execl|execlp|fexecve|system|popen", "spawn"),
    "ends processes": (r"kill|killpg|pidfd_send_signal", "spawn home-child user-file orphans scratch"),
    "opens a socket": (r"socket", "vsock sock-diag tcp-listeners"),
    "connects": (r"connect", "vsock"),
    "listens": (r"listen|accept4?", ""),
    "loads a library": (r"dl(?:m?open|v?sym|close)", "libsystemd"),
    "speaks to systemd": (r"sd_bus_\w+", "systemd systemd-boot systemd-command systemd-jobs systemd-sockets systemd-unit"),
    "reads or writes the journal": (r"sd_journal_\w+", "journal log"),
    "prints": (r"printf|vprintf|f?puts|f?putc|putchar|fprintf|vfprintf|fwrite|perror|dprintf",
               "main"),
}

# Who says what was seen does not look: these files call nothing that asks the system.
SAYS_ONLY = "messages messages-logins status-text report report-client plan-print udiff"
ASKS = r"systemd_\w+|verify_\w+|diagnose\w*|sshd_effective\w*|rootfs_\w+|survey_\w+|journal_\w+|" \
    r"tcp_\w+|run_find_\w+|logins_\w+|proc_\w+|spawn_\w+"


def signature_start(lines, opening):
    """The first line of the declaration that the brace in line `opening` ends."""
    start = opening
    while start > 0 and lines[start - 1] and not re.match(r"[#}/ ]\*?|.*;$", lines[start - 1]):
        start -= 1
    return start


def functions(path):
    """Yields (name, line, length) of every function in the file; the signature counts."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = signature_start(lines, number)
        elif line == "}" and start is not None:
            named = re.search(r"(\w+)\(", " ".join(lines[start:number]))
            yield named.group(1) if named else "?", start + 1, number - start + 1
            start = None


def sources(root):
    """All C sources under the checkout's folders that hold ours."""
    return sorted(path for folder in ("module", "tests")
                  for path in (root / folder).rglob("*.[ch]"))


def layer(path):
    """The rank of the layer that a path below module/ is in, and its folder; a file may include its
    own layer and those before."""
    folder = str(Path(path).parent)
    return LAYERS.index(folder) if folder in LAYERS else -1


def climbs(root, path):
    """The includes of a file that point up, and those that do not say where: (line, what)."""
    name = path.relative_to(root)
    if name.parts[0] != "module":
        return
    rank = layer(name.relative_to("module"))
    if rank < 0:
        yield 1, f"in none of the layers {', '.join(LAYERS)}"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        named = re.match(r'#include "([^"]+)"', line)
        if named and not 0 <= layer(named.group(1)) <= rank:
            yield number, f"{named.group(1)} is not below it"


def cleanups(root, path):
    """What is cleaned up at the end of its scope without having been given a value: (line, what)."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"\s+AUTO[A-Z_]*(?:\(\w+\))? [^=()]*;$", line):
            yield number, "cleaned up at the end of its scope, and has no value from its start"


def effects(root, path):
    """The calls of a file of module/ that its name is not in ONLY for: (line, what)."""
    if path.relative_to(root).parts[0] != "module" or path.suffix != ".c":
        return
    code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', lambda m: "\n" * m[0].count("\n"),
                  path.read_text(encoding="utf-8"), flags=re.S)
    rules = dict(ONLY)
    if path.stem in SAYS_ONLY.split():
        rules["asks the system and says what it saw"] = (ASKS, "")
    for what, (calls, allowed) in rules.items():
        if path.stem in allowed.split():
            continue
        for found in re.finditer(rf"(?<![\w.>])(?:{calls})\(", code):
            line = code.count("\n", 0, found.start()) + 1
            # the name of a function or a macro of the file's own is no call
            if not re.search(rf"^(?:static|#define)[^;()]*\b{re.escape(found[0])}", code, re.M):
                yield line, f"{found[0]}) here, but only {allowed or 'nobody'} {what}"


def p90(numbers):
    """The length that nine of ten do not exceed."""
    return sorted(numbers)[math.ceil(0.9 * len(numbers)) - 1] if numbers else 0


def main():
    """Prints each fault as file:line: error, then one line of numbers; exits 1 after a fault."""
    root = Path(__file__).resolve().parents[1]
    faults, lengths, longest_file = [], [], 0
    for path in sources(root):
        name = path.relative_to(root)
        size = len(path.read_text(encoding="utf-8").splitlines())
        longest_file = max(longest_file, size)
        if size > FILE_LIMIT:
            faults.append(f"{name}:{FILE_LIMIT}: error: {size} lines, at most {FILE_LIMIT}")
        faults += [f"{name}:{line}: error: {what}"
                   for line, what in (*climbs(root, path), *cleanups(root, path), *effects(root, path))]
        for function, line, length in functions(path):
            lengths.append(length)
            if length > FUNCTION_LIMIT:
                faults.append(f"{name}:{line}: error: {function} has {length} lines, "
                              f"at most {FUNCTION_LIMIT}")
    if p90(lengths) > FUNCTION_P90_LIMIT:
        faults.append(f"error: function length p90 is {p90(lengths)}, at most {FUNCTION_P90_LIMIT}")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(lengths)} functions, p90 {p90(lengths)} lines, longest {max(lengths, default=0)}; "
          f"longest file {longest_file}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
