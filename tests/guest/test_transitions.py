"""From one configuration to another, whatever is wrong, and whatever becomes of the run: at no
moment listens sshd more widely than before and wanted, and there is always a way in."""

import itertools
import random

import pytest

from guest import Guest
from guest.steps import ANYWHERE
from guest.walk import Step, install, walk

TIME = "verify_timeout: 5\n"
CONFIGS = {
    "default": TIME,
    "loopback": TIME + "listen_address: 127.0.0.1\n",
    "another": TIME + "listen_address: 127.0.0.9\n",
    "closed": TIME + "disable_tcp: true\n",
    "port": TIME + "port: 222\n",
}
WANTED = {"loopback": {"127.0.0.1:22"}, "another": {"127.0.0.9:22"}, "closed": set()}
# Besides: the file is not there, and the program took itself out.
NO_FILE, REMOVED = "nofile", "removed"
STARTS = [*CONFIGS, NO_FILE]
TARGETS = [*CONFIGS, NO_FILE, REMOVED]
PAIRS = list(itertools.product(STARTS, TARGETS))

CONDITIONS = ["good", "dead", "nobody", "nohost", "own"]
PARTS = 5

# And one that is about one target alone: somebody else has its port.
ALL = [*itertools.product(CONDITIONS, range(PARTS)), ("taken", 0)]
INTERRUPTED = list(itertools.product(["good", "dead", "nohost"], range(PARTS)))

@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("ip link set lo up")
        install(guest, CONFIGS)
        yield guest


def wanted(config):
    """Where sshd listens in the end."""
    return WANTED.get(config, ANYWHERE)


def port(config):
    """Where the door is in the end."""
    return {REMOVED: set(), "port": {222}}.get(config, {22})


def takes_away(before, after):
    """Whether somebody who gets in before does not afterwards."""
    return after != ANYWHERE and not before <= after


def part(which, condition=None):
    """Every fifth of the pairs: a Latin square, each start and each target is in it."""
    if condition == "taken":
        return [(a, "port") for a in STARTS if a != "port"]
    return [(a, b) for a, b in PAIRS if (STARTS.index(a) + TARGETS.index(b)) % PARTS == which]


def reset(config):
    """The way to a start, with no proof that would take time."""
    return Step(config, "reset", "--no-verify", expected=wanted(config))


def route(pairs, lands):
    """The steps from pair to pair, with a reset where one does not begin where the last ended."""
    left, at = list(pairs), None
    while left:
        pair = next((p for p in left if p[0] == at), left[0])
        left.remove(pair)
        if pair[0] != at:
            yield reset(pair[0])
        yield pair
        at = lands(*pair)


# ---- the laws ----------------------------------------------------------------------------------

def ends(condition, start, to):
    """Where sshd has to listen afterwards, on which port the door is, and the exit status."""
    before = wanted(start)
    after, doors, status = wanted(to), port(to), 0
    if condition in ("dead", "nobody", "nohost") and takes_away(before, after):
        after, status = before, 4
    elif condition == "nohost" and to in WANTED:
        status = 4  # confined since before, on a machine that no host reaches by now
    if condition == "own" and to == "closed":
        after, status = before, 1
    if condition == "dead" and to != REMOVED:
        # a door that was there before goes back to its port
        doors, status = port(start) or doors, 4
    if condition == "taken":
        doors, status = port(start) | {222}, 4
    return after, doors, status


def expect_no_wider(step):
    """Neither for the kernel, which was asked all the time, nor by what sshd says of itself."""
    allowed = step.before | wanted(step.config)
    assert ANYWHERE <= allowed or step.moments <= allowed, step


def expect_no_pause(step):
    """Nobody is proven to come in otherwise: sshd is not stopped, and listens nowhere only while it
    reads its files again, as often as it does that."""
    if step.before:
        assert not step.is_new(0), step
        assert step.seen.count(set()) <= len(step.times("Received SIGHUP")), step


def expect_door(step, start):
    """It is not down for a moment, unless for another port; nor removed before TCP is open."""
    if port(step.config) == port(start):
        assert not step.is_new(1), step
    if step.config == REMOVED and not step.before:
        done = step.output
        assert done.index("systemctl start ssh") < done.index("systemctl stop sshd-vsock"), step


@pytest.mark.parametrize("condition,which", ALL)
def test_never_wider_and_always_a_way_in(condition, which, guest):
    def lands(before, after):
        if condition == "good":
            return after
        held = takes_away(wanted(before), wanted(after))
        return None if condition == "dead" and port(before) != port(after) else (
            before if held and condition != "own" else None if held else after)

    plan = list(route(part(which, condition), lands))
    steps = walk(guest, condition, [
        p if isinstance(p, Step) else Step(p[1], expected=ends(condition, *p)[0]) for p in plan])
    for asked, step in zip(plan, steps):
        expect_no_wider(step)
        if isinstance(asked, Step):
            assert step.after == wanted(step.config) and port(step.config) <= step.doors, step
            continue
        start = asked[0]
        assert step.before == wanted(start), step
        seen = step.after, step.doors, step.status
        assert seen == ends(condition, start, step.config), f"from {start} to {step}"
        if condition != "good":
            expect_no_pause(step)
        expect_door(step, start)


# ---- cut short ---------------------------------------------------------------------------------

HOW = ["kill", "pipe", "kill", "hangup"]


def interruptions(condition, pairs, chance):
    """Each run is cut short at a moment of its own, and followed by one that is not."""
    hows = itertools.cycle(HOW)
    for at in route(pairs, lambda before, after: None):
        if isinstance(at, Step):
            yield None, at
        else:
            how, after = next(hows), ends(condition, *at)[0]
            yield at, Step(at[1], how, lines=chance.randint(1, 5),
                           delay=chance.choice([0, 0.02, 0.05, 0.1]),
                           expected=None if how == "kill" else after)
            yield at, Step(at[1], expected=after)


def expect_safe(condition, start, cut, finish):
    """What the end of the first run left, and what the second made of it."""
    after, doors, status = ends(condition, start, cut.config)
    for step in cut, finish:
        assert ANYWHERE <= cut.before | wanted(cut.config) or (
            step.moments <= cut.before | wanted(cut.config)), (cut, finish)
        assert step.after or step.doors, (cut, finish)
        if condition != "good":
            expect_no_pause(step)
    if cut.how != "kill":
        assert (cut.after, cut.doors) == (after, doors), cut
        assert cut.how == "hangup" or cut.status == status, cut
    assert (finish.after, finish.status) == (after, status), (cut, finish)
    assert finish.doors in ([doors] if condition != "dead" else [port(start), port(cut.config)]), (
        cut, finish)


@pytest.mark.parametrize("condition,which", INTERRUPTED)
def test_interrupted_on_the_way(condition, which, guest):
    """Killed at moments spread over its work, or with nobody to tell: what the kill leaves is no
    wider, can be got into, and is finished by the next run; the others go on to the end."""
    chance = random.Random(f"{condition} {which}")
    pairs = [(a, b) for a, b in part(which) if (wanted(a), port(a)) != (wanted(b), port(b))]
    chance.shuffle(pairs)
    plan = list(interruptions(condition, pairs, chance))
    steps = walk(guest, condition, [step for _, step in plan])
    for at, (pair, step) in enumerate(plan):
        if pair and step.how != "done":
            expect_safe(condition, pair[0], step, steps[at + 1])
    ends_of = [step.status for step in steps if step.how == "kill"]
    assert ends_of.count(137) > len(ends_of) / 4, f"few are killed, this proves little: {ends_of}"


# All pairs, each under one of the conditions, and one walk with kills and closed pipes.
EVERY_RUN = {f"{test.__name__}[{row}]" for test, row in [
    *((test_never_wider_and_always_a_way_in, f"{c}-{k}") for k, c in enumerate(CONDITIONS)),
    (test_interrupted_on_the_way, "good-3")]}
