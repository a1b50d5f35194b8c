"""The program and the JSON schema accept and refuse the same configurations, and the program says
what is wrong word by word as the goldens beside the corpus have it.

corpus/config/good and bad: both agree. bad-syntax: what only the program sees (places of keys,
anchors, tags, numbers that YAML versions read differently, users), so only it is asked.
"""

import concurrent.futures
import ipaddress
import json
import os
import pathlib
import random
import re
import resource
import subprocess

import jsonschema
import pytest
import yaml

import tree

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = CHECKOUT / "tests/corpus/config"
EXAMPLE = CHECKOUT / "images/sshd-vsock.yaml"
SCHEMA = json.loads((CHECKOUT / "schemas/sshd-vsock.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
PROGRAM = os.environ.get("SSHD_VSOCK") or tree.program()
SUMMARY = re.compile(r"[^\n]*: (\d+) faults? in the configuration; nothing was touched\n\Z")

# Users of the tree on which the corpus is checked.
USERS = ["root", "admin", "no", "true", "A.b-c_9", "_x", "123", "1password", "n", ".5", "null",
         "a" * 32, *(f"user{i}" for i in range(40)), *(f"more{i}" for i in range(40))]

# What a configuration can be refused for that no JSON schema can see.
ONLY_THE_PROGRAM = re.compile(r"there is no user|needs quotes|is listed twice")


def files(*folders):
    """The corpus, as test parameters."""
    return [pytest.param(path, id=f"{folder}/{path.stem}")
            for folder in folders for path in sorted((CORPUS / folder).glob("*.yaml"))]


@pytest.fixture(name="users", scope="module")
def tree_with_users(tmp_path_factory):
    """A tree that knows USERS."""
    top = tmp_path_factory.mktemp("users")
    (top / "etc").mkdir()
    (top / "etc/passwd").write_text("".join(
        f"{name}:x:{uid}:1000::/home/x:/bin/sh\n" for uid, name in enumerate(USERS, 1000)))
    return top


def check(users, config, name="-", folder=None, binary=PROGRAM):
    """Exit status and messages of `check`; the configuration's name is `name`, without a path."""
    done = subprocess.run([binary, "-q", f"--root={users}", f"--config={name}", "check"],
                          cwd=folder, input=config, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stderr.decode("utf-8")


def faults(stderr):
    """The faults alone; the line that counts them must count right."""
    summary = SUMMARY.search(stderr)
    assert summary, stderr
    text = stderr[:summary.start()]
    shown = len(re.findall(r"^\S+?(?::\d+:\d+)?: error: ", text, re.M))
    assert min(int(summary[1]), 20) == shown, stderr
    return text


def schema_accepts(data):
    """What an editor with the schema would say."""
    try:
        value = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError):
        return False
    return VALIDATOR.is_valid({} if value is None else value)


def test_schema_is_a_schema():
    """It is valid itself, and tells an editor something about each key."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["additionalProperties"] is False
    for key, value in SCHEMA["properties"].items():
        assert value["title"] and value["description"], key
        # listen_address has none: absence is a state of its own
        assert ("default" in value) == (key != "listen_address"), key
        if "default" in value:
            assert VALIDATOR.is_valid({key: value["default"]}), key


def test_corpus_is_there():
    """An empty glob would pass."""
    assert len(files("good")) >= 30 and len(files("bad")) >= 60 and len(files("bad-syntax")) >= 40


@pytest.mark.parametrize("path", files("good"))
def test_good(path, users):
    """Both accept."""
    assert check(users, b"", path.name, path.parent) == (0, "")
    assert schema_accepts(path.read_bytes())


@pytest.mark.parametrize("path", files("bad"))
def test_bad(path, users):
    """Both refuse, the program with these words."""
    assert not schema_accepts(path.read_bytes())
    status, stderr = check(users, b"", path.name, path.parent)
    assert status == 2
    assert faults(stderr) == path.with_suffix(".err").read_text()


@pytest.mark.parametrize("path", files("bad-syntax"))
def test_bad_syntax(path, users):
    """The program refuses, with these words."""
    status, stderr = check(users, b"", path.name, path.parent)
    assert status == 2
    assert faults(stderr) == path.with_suffix(".err").read_text()


def test_no_stray_goldens():
    """Each belongs to a file."""
    for err in CORPUS.glob("*/*.err"):
        assert err.with_suffix(".yaml").exists(), err


# ---- keys ---------------------------------------------------------------------------------------


def keys_of_the_program():
    """The rows of the table in config.c."""
    source = (CHECKOUT / "module/core/plan/config.c").read_text()
    table = re.search(r"struct field fields\[\] = \{\n(.*?)\n\};", source, re.S)
    return re.findall(r'^\s*\{ "(\w+)", FIELD_', table[1], re.M)


def test_keys_are_the_same():
    """In the same order, since that is the order in which configurations are rendered."""
    assert keys_of_the_program() == list(SCHEMA["properties"])


@pytest.mark.parametrize("key", SCHEMA["properties"])
def test_key_is_known(key, users):
    """The binary has the row as well: its fault is about the value, not about the key."""
    status, stderr = check(users, f"{key}: {{}}\n".encode())
    assert status == 2
    assert f": error: {key}: " in stderr


@pytest.mark.parametrize("key", [k for k, v in SCHEMA["properties"].items() if "minimum" in v])
def test_limits_are_the_same(key, users):
    """Both ends, from both sides."""
    low, high = SCHEMA["properties"][key]["minimum"], SCHEMA["properties"][key]["maximum"]
    for value, status in ((low, 0), (high, 0), (low - 1, 2), (high + 1, 2)):
        assert check(users, f"{key}: {value}\n".encode())[0] == status, value


def test_defaults_are_the_same(debian):
    """A configuration that states the schema's defaults is one with nothing to say."""
    defaults = {k: v["default"] for k, v in SCHEMA["properties"].items() if "default" in v}
    done = subprocess.run([PROGRAM, f"--root={debian}", "--config=-", "plan"],
                          input=yaml.safe_dump(defaults).encode(), capture_output=True, check=False)
    assert b"+StandardInputText=# all defaults\n" in done.stdout, done.stderr


def test_example(users):
    """The documented example is valid, and names every key."""
    text = EXAMPLE.read_text()
    assert check(users, text.encode()) == (0, "")
    assert schema_accepts(text)
    assert set(re.findall(r"^#?(\w+):", text, re.M)) == set(SCHEMA["properties"])
    # with what is commented out, one key at a time
    for line in re.findall(r"^#(\w+: .*)$", text, re.M):
        assert check(users, line.encode())[0] == 0 and schema_accepts(line), line


# ---- random configurations ----------------------------------------------------------------------


def random_ipv4(rng):
    """Any."""
    return str(ipaddress.IPv4Address(rng.getrandbits(32)))


def random_ipv6(rng):
    """Any, with gaps often, in one of its forms."""
    groups = [rng.choice([0, 0, 1, 9, rng.getrandbits(16)]) for _ in range(8)]
    address = ipaddress.IPv6Address(b"".join(g.to_bytes(2, "big") for g in groups))
    form = rng.randrange(4)
    if form == 0:
        return str(address).upper()
    if form == 1:
        return address.exploded
    if form == 2:
        return f"::ffff:{random_ipv4(rng)}"
    return str(address)


STRINGS = {
    "ipv4": random_ipv4,
    "ipv6": random_ipv6,
    "ipv4_port": lambda rng: f"{random_ipv4(rng)}:{rng.randint(1, 65535)}",
    "ipv6_port": lambda rng: f"[{random_ipv6(rng)}]"
                             + rng.choice(["", f":{rng.randint(1, 65535)}"]),
    "user": lambda rng: rng.choice(USERS),
}


def generate(schema, rng):
    """A value that the (sub)schema accepts."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return STRINGS[name](rng) if name in STRINGS else generate(SCHEMA["definitions"][name], rng)
    if "anyOf" in schema:
        return generate(rng.choice(schema["anyOf"]), rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema["type"] == "boolean":
        return rng.random() < 0.5
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        return rng.choice([low, high, rng.randint(low, high)])
    assert schema["type"] == "array", schema
    count = rng.randint(schema.get("minItems", 0), schema.get("maxItems", 16))
    return list(dict.fromkeys(generate(schema["items"], rng) for _ in range(count)))


def random_config(rng):
    """One that the whole schema accepts."""
    while True:
        keys = [key for key in SCHEMA["properties"] if rng.random() < 0.6]
        rng.shuffle(keys)
        config = {key: generate(SCHEMA["properties"][key], rng) for key in keys}
        if VALIDATOR.is_valid(config):
            return config


def mutate_value(value, rng):
    """Something near, or something else."""
    if isinstance(value, str) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice(["", ".", ":", "0", "f", "[", " ", "%", "é", "\n"]) \
            + value[at + rng.randrange(2):]
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return rng.choice([value + [value[at]], value[:at] + [mutate_value(value[at], rng)]
                           + value[at + 1:], [value], [], (value * 17)[:17]])
    return rng.choice([True, False, None, 0, -1, 301, 2**32 - 1, 2**40, 22.5, "", "true", "22",
                       "localhost", "::1", [], {}, [True], [1], {"a": 1}])


def mutate(config, rng):
    """With one to three changes, that may or may not matter."""
    config = dict(config)
    for _ in range(rng.choice([1, 1, 1, 2])):
        key = rng.choice([*SCHEMA["properties"], *config, *config, "prot"])
        config[key] = mutate_value(config.get(key), rng)
    return config


def dump(config, rng):
    """As text, in one of YAML's styles."""
    return yaml.safe_dump(config, default_flow_style=rng.choice([True, False, None]),
                          sort_keys=False, allow_unicode=rng.random() < 0.5).encode()


def judge_all(users, texts):
    """The program's word on each, one in eight with sanitizers; several at once, since starting it
    is what costs."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(
            lambda at: check(users, texts[at], binary=tree.hardened() if at % 8 else PROGRAM),
            range(len(texts))))


def test_every_string_has_a_generator():
    """Else the random tests would leave one out."""
    assert {k for k, v in SCHEMA["definitions"].items() if "pattern" in v} == set(STRINGS)


def test_random_configurations(users):
    """What the schema allows, the program accepts, but for addresses equal in other words."""
    rng = random.Random(2718)
    texts = [dump(random_config(rng), rng) for _ in range(300)]
    accepted = 0
    for text, (status, stderr) in zip(texts, judge_all(users, texts)):
        assert schema_accepts(text), text
        if status != 0:
            assert status == 2 and "is listed twice" in stderr, (text, stderr)
        accepted += status == 0
    assert accepted > 280


def test_mutated_configurations(users):
    """They agree, whatever it is."""
    rng = random.Random(31415)
    texts = [dump(mutate(random_config(rng), rng), rng) for _ in range(700)]
    seen = {True: 0, False: 0}
    for text, (status, stderr) in zip(texts, judge_all(users, texts)):
        wanted = schema_accepts(text)
        seen[wanted] += 1
        assert status in (0, 2), (text, stderr)
        if wanted and status == 2:
            for line in re.findall(r": error: (.*)", faults(stderr)):
                assert ONLY_THE_PROGRAM.search(line), (text, stderr)
        else:
            assert (status == 0) == wanted, (text, stderr)
    assert seen[True] > 20 and seen[False] > 100, seen


# ---- hostile sizes ------------------------------------------------------------------------------

HOSTILE = {
    "200 KB of [": b"[" * 200_000,
    "64 KiB of [": b"[" * 65_536,
    "64 KiB of {a: ": (b"{a: " * 16_384),
    "64 KiB of - ": b"- " * 32_768,
    "64 KiB of ? ": b"? " * 32_768,
    "64 KiB of anchors": b"[" + b"&a b," * 13_000 + b"]",
    "64 KiB of one key": b"a: 1\n" * 13_000,
    "64 KiB of keys": b"".join(b"k%d: 1\n" % i for i in range(6_500)),
    "64 KiB of controls": b"#\x01\n" * 21_000,
    "64 KiB of one word": b"a" * 65_536,
    "64 KiB of quotes": b'"' * 65_536,
    "64 KiB of one address": b"listen_address: [" + b"'::1'," * 10_000 + b"]",
}


# Of processor time, so that a busy machine fails no test; the sanitizers take several times more.
SLOW = os.path.exists(PROGRAM) and b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()
LIMIT = 0.05 * (8 if SLOW else 1)


def spent():
    """Seconds that the children so far have computed."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_size(name, users):
    """Refused, and at once: in 50 ms, the start of the program included."""
    times = []
    for _ in range(3):
        begin = spent()
        status, stderr = check(users, HOSTILE[name])
        times.append(spent() - begin)
        assert status == 2
    faults(stderr)
    assert len(stderr) < 16_384
    assert min(times) < LIMIT


def test_size_limit(users):
    """64 KiB are accepted, one byte more is not."""
    text = b"port: 22\n#"
    assert check(users, text.ljust(65_536, b"x"))[0] == 0
    status, stderr = check(users, text.ljust(65_537, b"x"))
    assert status == 2
    assert faults(stderr) == "<stdin>: error: is larger than 64 KiB\n"


def test_node_limit(users):
    """4,096 values are read, one more is not."""
    text = b"hushlogin: [" + b"1," * 4093
    assert "more than" not in check(users, text + b"]")[1]
    assert "hushlogin" not in check(users, text + b"1]")[1].split("\n")[0]
    assert ": error: more than 4096 values\n" in check(users, text + b"1]")[1]
