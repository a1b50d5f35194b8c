"""A walk through configurations in one go: walk.sh does it in the guest, this reads what it saw."""

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).with_name("walk.sh")
HERE = "/run/walk"
STARTS = re.compile(r"ActiveState=(\S+) InvocationID=(\S*)")


@dataclass
class Step:
    """One run of the program: what was asked for, and what was seen of it."""

    config: str
    how: str = "done"
    options: str = "-"
    lines: int = 0
    delay: float = 0
    # where somebody is to listen in the end, which is waited for; None: what comes is right
    expected: set = None
    status: int = -1
    begin: int = 0
    end: int = 0
    # sets of addresses, sampled; the first is that of before the run
    seen: list = field(default_factory=list)
    # addresses by what sshd itself says in the journal
    opened: set = field(default_factory=set)
    journal: list = field(default_factory=list)
    # vsock ports on which somebody listens afterwards
    doors: set = field(default_factory=set)
    # states of ssh.service and of the door's socket, before and after
    starts: list = field(default_factory=list)
    output: str = ""

    def is_new(self, unit):
        """Whether sshd (0) or the door's socket (1) ran before and has been down meanwhile."""
        before, after = (states[unit] for states in self.starts)
        return before[0] == "active" and before != after

    @property
    def before(self):
        """Where somebody listened when the run began."""
        return self.seen[0]

    @property
    def after(self):
        """Where somebody listens in the end."""
        return self.seen[-1]

    @property
    def moments(self):
        """All addresses on which somebody listened at any time meanwhile."""
        return set().union(*self.seen) | self.opened

    def times(self, words):
        """When these words are in the journal."""
        return [line.split()[0] for line in self.journal if words in line]

    def __repr__(self):
        return (f"{self.config} ({self.how} {self.lines} {self.delay}, {self.options}): "
                f"status {self.status} after {(self.end - self.begin) / 1e6:.1f} s\n"
                f"{self.seen}\n{self.output}" + "\n".join(self.journal))


def address(word):
    """Of /proc/net/tcp: 0100007F:0016 is 127.0.0.1:22."""
    digits, port = word.split(":")
    words = [bytes.fromhex(digits[at:at + 8])[::-1] for at in range(0, len(digits), 8)]
    if len(words) == 1:
        return f"{socket.inet_ntop(socket.AF_INET, words[0])}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, b''.join(words))}]:{int(port, 16)}"


def word(text):
    """The other way round."""
    host, _, port = text.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    packed = socket.inet_pton(family, host.strip("[]"))
    words = [packed[at:at + 4][::-1].hex().upper() for at in range(0, len(packed), 4)]
    return f"{''.join(words)}:{int(port):04X}"


def hint(addresses):
    """As the script has them: those of IPv4 come first."""
    if addresses is None:
        return "-"
    return ",".join(word(text) for text in sorted(addresses)) or "none"


def install(guest, configs):
    """Puts the script and the configurations (name to text) where it looks for them."""
    guest.put(f"{HERE}/walk.sh", SCRIPT.read_bytes())
    for name, text in configs.items():
        guest.put(f"{HERE}/{name}.yaml", text)


def walk(guest, condition, steps):
    """Takes the steps, one after the other, and fills in what was seen; returns them."""
    asked = "".join(f"{s.config} {s.options} {s.how} {s.lines} {s.delay} {hint(s.expected)}\n"
                    for s in steps)
    result = guest.run(f"bash {HERE}/walk.sh {condition} <<'END'\n{asked}END\n",
                       timeout=60 * len(steps))
    samples, journal = [], []
    at = -1
    for line in result.stdout.splitlines():
        tag, _, rest = line.partition(" ")
        if tag == "begin":
            at += 1
            steps[at].begin = int(rest.split()[0])
            steps[at].starts = [STARTS.findall(rest)]
        elif tag == "end":
            steps[at].end, steps[at].status = (int(word) for word in rest.split()[:2])
            steps[at].starts += [STARTS.findall(rest)]
        elif tag == "err":
            steps[at].output += rest + "\n"
        elif tag == "vsock":
            steps[at].doors |= {int(port) for port in re.findall(r"\*:(\d+) ", rest)}
        elif tag == "sample":
            time, *words = rest.split()
            samples.append((int(time), {address(word) for word in words}))
        elif tag == "journal":
            journal.append((int(float(rest.split()[0]) * 1e6), rest))
    assert at == len(steps) - 1 and result.status <= 1, result.stdout + result.stderr
    for step in steps:
        fill(step, samples, journal)
    return steps


def fill(step, samples, journal):
    """What was seen in the time of this step."""
    before = [seen for time, seen in samples if time <= step.begin][-1:]
    step.seen = before + [seen for time, seen in samples if step.begin < time <= step.end]
    step.journal = [line for time, line in journal if step.begin <= time <= step.end]
    for line in step.journal:
        found = re.search(r"sshd\[\d+\]: Server listening on (\S+) port (\d+)", line)
        if found:
            host, port = found.groups()
            step.opened |= {f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}
