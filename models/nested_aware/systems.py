"""Simulated systems to train on: random applications, workflows, concurrency, windows and faults. No real log.

Two kinds, as real logs come in two kinds: executions that an identifier holds together (a workflow with branches,
loops, parallel parts, benign retries), and windows of a host's records (background jobs, boots, chatter).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing

from krone_tui.detection.levels import LEVEL_SEVERITY, SMALL_LOG, WORDS

ERROR, FATAL, WARN = LEVEL_SEVERITY["ERROR"], LEVEL_SEVERITY["FATAL"], LEVEL_SEVERITY["WARN"]
Sequence = list[int]
IntArray = np.typing.NDArray[np.int64]
Rng = np.random.Generator


@dataclass
class Alphabet:
    """The templates of one application, made as they are needed."""

    rng: Rng
    leveled: bool
    """Records carry a level, which says more surely than words what is an error."""
    coarse: float
    """Chance that what would be an action of its own is filed under one its entity has already: how coarse the
    hierarchy is that rules read from the templates."""
    entity: list[int] = field(default_factory=list)
    action: list[int] = field(default_factory=list)
    severity: list[float] = field(default_factory=list)
    entities: int = 0
    actions: list[int] = field(default_factory=list)

    def new_entity(self) -> int:
        self.entities += 1
        return self.entities - 1

    def new_action(self, entity: int) -> int:
        if self.rng.random() < self.coarse:
            there = [action for action, of in enumerate(self.actions) if of == entity]
            if there:
                return int(self.rng.choice(there))
        self.actions.append(entity)
        return len(self.actions) - 1

    def template(self, action: int, severity: float) -> int:
        self.entity.append(self.actions[action])
        self.action.append(action)
        self.severity.append(severity)
        return len(self.entity) - 1

    def calm(self) -> float:
        """Severity of a harmless template: low, now and then mistaken."""
        roll = self.rng.random()
        if roll < 0.92:
            return WORDS * float(self.rng.beta(1, 20))
        return WORDS * float(self.rng.beta(2, 4) if roll < 0.975 else self.rng.beta(5, 2))

    def alarming(self) -> float:
        """Of a template that reports trouble which is nobody's concern: a retry, a client that left, a card declined."""
        if self.leveled and self.rng.random() < 0.4:
            return ERROR if self.rng.random() < 0.4 else WARN
        return WORDS * float(self.rng.beta(3, 3) if self.rng.random() < 0.6 else self.rng.beta(8, 2))

    def failing(self) -> float:
        """Of a template that reports a failure: high, now and then missed."""
        if self.leveled and self.rng.random() < 0.75:
            return float(self.rng.choice([FATAL, ERROR, WARN], p=[0.15, 0.7, 0.15]))
        roll = self.rng.random()
        return WORDS * float(
            self.rng.beta(12, 1)
            if roll < 0.75
            else self.rng.beta(3, 2)
            if roll < 0.88
            else self.rng.beta(1, 10)
        )

    def complaining(self) -> float:
        """Of a template that reads as failure and is written all day long."""
        return self.failing() if not self.leveled or self.rng.random() < 0.5 else self.alarming()


@dataclass
class Execution:
    """One simulated execution."""

    steps: Sequence
    faulty: bool = False
    touched: set[int] = field(default_factory=set)
    """Positions of records that a fault added or changed, or that stand next to what it took away."""


@dataclass
class System:
    """One simulated log."""

    executions: list[Execution]
    """In the order of time."""
    alphabet: Alphabet
    windows: bool


def _log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _size(rng: Rng) -> int:
    low, high = ((20, SMALL_LOG), (SMALL_LOG, 4000), (4000, 12000))[int(rng.choice(3, p=[0.12, 0.76, 0.12]))]
    return int(_log_uniform(rng, low, high))


# ---- time: a log's beginning is 0, its end 1 ------------------------------------------------------------------


def _stretch(rng: Rng) -> tuple[float, float]:
    """When an incident goes on: for a while, or from its onset to the log's end."""
    length = _log_uniform(rng, 0.01, 0.5)
    if rng.random() < 0.4:
        return 1.0 - length, 1.0
    begin = float(rng.uniform(0.0, 1.0 - length))
    return begin, begin + length


When = Callable[[float], float]


def _always(_at: float) -> float:
    return 1.0


def _season(rng: Rng, ever: float) -> When:
    """A harmless thing's own time: as a rule always; else a batch's hours, a burst, a new version from one moment on."""
    roll = rng.random()
    if roll >= ever:
        return _always
    kind = rng.choice(["hours", "burst", "from", "until"], p=[0.35, 0.3, 0.25, 0.1])
    if kind == "hours":
        period = float(rng.uniform(0.05, 0.5))
        open_share = float(rng.uniform(0.1, 0.5))
        phase = float(rng.uniform(0.0, 1.0))
        return lambda at: 1.0 / open_share if (at / period + phase) % 1.0 < open_share else 0.0
    if kind == "burst":
        begin, end = _stretch(rng)
        return lambda at: 1.0 / (end - begin) if begin <= at < end else 0.0
    turn = float(rng.uniform(0.1, 0.9))
    if kind == "from":
        return lambda at: 1.0 if at >= turn else 0.0
    return lambda at: 1.0 if at < turn else 0.0


def _storm(rng: Rng) -> When:
    """Chances, as they are, of something harmless that many do at once: a switch restarts, all hosts are started."""
    length = _log_uniform(rng, 0.002, 0.15)
    begin = float(rng.uniform(0.0, 1.0 - length))
    chance = float(rng.uniform(0.05, 0.9))
    return lambda at: chance if begin <= at < begin + length else 0.0


def _storm_steps(rng: Rng, alphabet: Alphabet, entities: list[int]) -> Sequence:
    """What a storm makes a host or a request write: as often alarming as not."""
    steps = []
    for _ in range(int(rng.choice([1, 2, 3, 6], p=[0.4, 0.25, 0.2, 0.15]))):
        action = alphabet.new_action(int(rng.choice(entities)) if entities else alphabet.new_entity())
        roll = rng.random()
        worry = alphabet.calm if roll < 0.4 else alphabet.alarming if roll < 0.7 else alphabet.complaining
        steps.append(alphabet.template(action, worry()))
    return steps


def _struck(rng: Rng, count: int, incident: tuple[float, float]) -> tuple[IntArray, int]:
    """Executions a failure mode may strike, in random order, and how many it does.

    Anywhere, and mostly seldom: what fails often and all day long is repaired, or minded no more. Or as an incident does, its own
    or the one that other failure modes come with, in which most may fail.
    """
    roll = rng.random()
    if roll < 0.45:
        # Some systems fail at the same place in every tenth execution, for months; and in a small log a few are many.
        share = _log_uniform(rng, 0.0003, 0.02) if rng.random() < 0.94 else float(rng.uniform(0.02, 0.15))
        least = int(rng.integers(1, 4)) if count < SMALL_LOG else 1
        return rng.permutation(count), max(least, int(rng.poisson(share * count)))
    share = _log_uniform(rng, 0.0005, 0.03) if rng.random() < 0.8 else float(rng.uniform(0.03, 0.2))
    begin, end = incident if roll < 0.75 else _stretch(rng)
    inside = np.arange(int(begin * count), max(int(end * count), int(begin * count) + 1))
    wanted = max(1, int(rng.poisson(share * count)))
    return rng.permutation(inside), min(wanted, max(1, int(len(inside) * rng.uniform(0.3, 1.0))))


# ---- executions held together by an identifier -------------------------------------------------------------------

Block = Callable[[Rng, float], Sequence]
"""What a part of a workflow writes, at a moment of the log."""


def _step(templates: Sequence) -> Block:
    return lambda _rng, _at: list(templates)


def _chain(blocks: list[Block]) -> Block:
    return lambda rng, at: [step for block in blocks for step in block(rng, at)]


def _optional(block: Block, chance: float, when: When = _always) -> Block:
    return lambda rng, at: block(rng, at) if rng.random() < min(chance * when(at), 0.98) else []


def _choice(blocks: list[Block], shares: list[float]) -> Block:
    return lambda rng, at: blocks[int(rng.choice(len(blocks), p=shares))](rng, at)


def _repeat(block: Block, low: int, high: int) -> Block:
    return lambda rng, at: [step for _ in range(int(rng.integers(low, high + 1))) for step in block(rng, at)]


def _tail_repeat(block: Block, chance: float) -> Block:
    """A loop whose count has a long tail."""
    return lambda rng, at: [
        step for _ in range(min(int(rng.geometric(chance)), 60)) for step in block(rng, at)
    ]


def merge(rng: Rng, parts: list[Sequence], mixing: float) -> Sequence:
    """Interleave parts as parallel workers write; `mixing` 0: one after another, 1: fully at random."""
    if rng.random() >= mixing:
        return [step for part in parts for step in part]
    lane = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    rng.shuffle(lane)
    at = [0] * len(parts)
    result = []
    for which in lane:
        result.append(parts[which][at[which]])
        at[which] += 1
    return result


def _parallel(block: Block, workers: int, mixing: float) -> Block:
    return lambda rng, at: merge(rng, [block(rng, at) for _ in range(workers)], mixing)


def _random_step(alphabet: Alphabet) -> Sequence:
    """The statuses of one action: started … done, of one entity, sometimes of a new one."""
    rng = alphabet.rng
    entity = (
        int(rng.integers(alphabet.entities))
        if alphabet.entities and rng.random() < 0.5 + 0.45 * alphabet.coarse
        else alphabet.new_entity()
    )
    action = alphabet.new_action(entity)
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
    # Some systems complain as a matter of course.
    severity = alphabet.calm if rng.random() < 0.95 else alphabet.alarming
    return [alphabet.template(action, severity()) for _ in range(count)]


def _random_block(alphabet: Alphabet, depth: int, mixing: float) -> Block:  # noqa: PLR0911
    rng = alphabet.rng
    if depth == 0 or rng.random() < 0.4:
        return _step(_random_step(alphabet))
    inside = _chain([_random_block(alphabet, depth - 1, mixing) for _ in range(int(rng.integers(1, 4)))])
    kind = rng.choice(
        ["optional", "choice", "repeat", "tail", "parallel", "chain"], p=[0.2, 0.15, 0.12, 0.16, 0.25, 0.12]
    )
    if kind == "optional":
        return _optional(inside, _log_uniform(rng, 0.002, 0.95), _season(rng, 0.15))
    if kind == "choice":
        shares = rng.dirichlet(np.full(2, 0.7))
        other = _chain([_random_block(alphabet, depth - 1, mixing) for _ in range(int(rng.integers(1, 3)))])
        return _choice([inside, other], shares.tolist())
    if kind == "repeat":
        low = int(rng.integers(1, 5))
        return _repeat(inside, low, low + (int(rng.integers(0, 3)) if rng.random() < 0.4 else 0))
    if kind == "tail":
        return _tail_repeat(inside, float(rng.uniform(0.2, 0.9)))
    if kind == "parallel":
        return _parallel(inside, int(rng.integers(2, 5)), mixing)
    return inside


def _random_workflow(alphabet: Alphabet, mixing: float, talk: float) -> Block:
    rng = alphabet.rng
    blocks = [
        _random_block(alphabet, int(rng.integers(0, 3)), mixing) for _ in range(int(rng.integers(2, 8)))
    ]
    # Rare and harmless: what makes plain rarity fail.
    for _ in range(int(rng.integers(0, 6))):
        alarms = rng.random() < 0.3
        severity = alphabet.alarming() if alarms else alphabet.calm()
        entity = int(rng.integers(alphabet.entities)) if alphabet.entities else alphabet.new_entity()
        steps = [
            alphabet.template(alphabet.new_action(entity), severity) for _ in range(int(rng.integers(1, 4)))
        ]
        # What alarms and recurs all the time is as usual as what recurs: nobody minds it any more.
        chance = _log_uniform(rng, 0.0003, 0.4 if alarms else 0.08)
        blocks.insert(
            int(rng.integers(1, len(blocks) + 1)), _optional(_step(steps), chance, _season(rng, 0.4))
        )
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.7, 0.15, 0.09, 0.06]))):
        steps = _storm_steps(rng, alphabet, list(range(alphabet.entities)))
        # A chance of one, at the times of the storm.
        blocks.insert(int(rng.integers(1, len(blocks) + 1)), _optional(_step(steps), 1.0, _storm(rng)))
    for _ in range(int(rng.poisson(1.6 * talk))):
        at = int(rng.integers(len(blocks)))
        words = [
            alphabet.template(
                alphabet.new_action(int(rng.integers(alphabet.entities))),
                alphabet.alarming() if rng.random() < 0.8 else alphabet.complaining(),
            )
            for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])))
        ]
        blocks[at] = _retried(blocks[at], words, _log_uniform(rng, 0.0005, 0.06), _season(rng, 0.3))
    exits = [_exit(alphabet, len(blocks), talk) for _ in range(int(rng.poisson(0.4 + 0.8 * talk)))]
    return _leaving(blocks, exits)


def _retried(block: Block, words: Sequence, chance: float, when: When) -> Block:
    """Now and then an attempt fails, which is said, and the next one does not."""

    def attempts(rng: Rng, at: float) -> Sequence:
        steps: Sequence = []
        while rng.random() < min(chance * when(at), 0.5) and len(steps) < 60:
            tried = block(rng, at)
            steps += [*tried[: int(rng.integers(len(tried) + 1))], *words]
        return [*steps, *block(rng, at)]

    return attempts


@dataclass(frozen=True)
class _Exit:
    """A way a workflow may end early and in good order: not found, declined, nothing to do."""

    after: int
    """Blocks that come before."""
    words: Sequence
    closes: bool
    """The last block still comes: the answer, the disconnect."""
    chance: float
    when: When


def _exit(alphabet: Alphabet, blocks: int, talk: float) -> _Exit:
    rng = alphabet.rng
    calm = rng.random() < (0.4 if talk else 0.95)
    words = [
        alphabet.template(
            alphabet.new_action(int(rng.integers(alphabet.entities))),
            alphabet.calm()
            if calm
            else alphabet.alarming()
            if rng.random() < 0.8
            else alphabet.complaining(),
        )
        for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])))
    ]
    return _Exit(
        int(rng.integers(1, blocks + 1)),
        words,
        bool(rng.random() < 0.6),
        _log_uniform(rng, 0.0005, 0.08),
        _season(rng, 0.25),
    )


def _leaving(blocks: list[Block], exits: list[_Exit]) -> Block:
    """All blocks in turn, unless one of the exits is taken."""

    def run(rng: Rng, at: float) -> Sequence:
        steps: Sequence = []
        for number, block in enumerate(blocks):
            steps += block(rng, at)
            for way in exits:
                if way.after == number + 1 and rng.random() < min(way.chance * way.when(at), 0.9):
                    last = blocks[-1](rng, at) if way.closes and number + 1 < len(blocks) else []
                    return [*steps, *way.words, *last]
        return steps

    return run


def _jitter(rng: Rng, steps: Sequence, chance: float) -> Sequence:
    """Neighbours change places: two threads reach the log in either order."""
    steps = list(steps)
    for at in np.flatnonzero(rng.random(max(len(steps) - 1, 0)) < chance):
        steps[at], steps[at + 1] = steps[at + 1], steps[at]
    return steps


Fault = Callable[[Rng, Sequence], Execution | None]


def _error_steps(alphabet: Alphabet, near: int | None) -> Sequence:
    """Templates only a failure writes; of a known entity, of its very action, or of a new one."""
    rng = alphabet.rng
    roll = rng.random()
    if near is not None and roll < 0.45:
        action = alphabet.action[near]
    elif near is not None and roll < 0.75:
        action = alphabet.new_action(alphabet.entity[near])
    else:
        action = alphabet.new_action(
            alphabet.new_entity()
            if roll < 0.9 or not alphabet.entities
            else int(rng.integers(alphabet.entities))
        )
    return [
        alphabet.template(action, alphabet.failing())
        for _ in range(int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1])))
    ]


def _random_fault(alphabet: Alphabet, usual: Sequence) -> Fault:
    """One failure mode: the same thing goes wrong at the same step, each time a little differently."""
    rng = alphabet.rng
    target = int(usual[int(rng.integers(len(usual)))])
    kind = rng.choice(
        [
            "truncate",
            "error",
            "replace",
            "missing",
            "repeat",
            "segment",
            "reorder",
            "foreign",
            "odd",
            "flood",
            "error_truncate",
        ],
        p=[0.14, 0.12, 0.12, 0.16, 0.05, 0.07, 0.08, 0.03, 0.04, 0.05, 0.14],
    )
    errors = _error_steps(alphabet, target)
    flood_size = int(rng.integers(4, 80))
    repeat_size = int(rng.choice([1, 2, int(rng.integers(3, 20))]))
    reach = int(rng.integers(1, 7))
    odd = alphabet.template(alphabet.new_action(alphabet.entity[target]), alphabet.calm())

    def apply(rng: Rng, steps: Sequence) -> Execution | None:  # noqa: PLR0911, PLR0912
        places = [at for at, step in enumerate(steps) if step == target]
        if not places:
            return None
        at = places[int(rng.integers(len(places)))]
        if kind in ("truncate", "error_truncate"):
            tail = errors if kind == "error_truncate" else []
            if kind == "truncate" and at >= len(steps) - 1:
                return None
            result = [*steps[: at + 1], *tail]
            return Execution(result, True, set(range(at, len(result))))
        if kind == "error":
            return Execution(
                [*steps[: at + 1], *errors, *steps[at + 1 :]], True, set(range(at + 1, at + 1 + len(errors)))
            )
        if kind == "flood":
            burst = [errors[int(rng.integers(len(errors)))] for _ in range(flood_size)]
            return Execution(
                [*steps[: at + 1], *burst, *steps[at + 1 :]], True, set(range(at + 1, at + 1 + flood_size))
            )
        if kind == "replace":
            return Execution([*steps[:at], *errors, *steps[at + 1 :]], True, set(range(at, at + len(errors))))
        if kind == "missing":
            result = (
                [step for step in steps if step != target]
                if rng.random() < 0.7
                else [*steps[:at], *steps[at + 1 :]]
            )
            if not result:
                return None
            kept = min(places[0], len(result) - 1)
            return Execution(result, True, {max(kept - 1, 0), kept})
        if kind == "repeat":
            return Execution(
                [*steps[:at], *[target] * repeat_size, *steps[at:]], True, set(range(at, at + repeat_size))
            )
        if kind == "segment":
            # Done over again: sent twice, or a storm of retries.
            again = [*steps[at : at + reach]] * repeat_size
            return Execution([*steps[:at], *again, *steps[at:]], True, set(range(at, at + len(again))))
        if kind == "odd":
            # A message that says nothing bad, and that only what goes wrong writes, often in place of a step.
            return Execution([*steps[:at], odd, *steps[at + int(rng.integers(2)) :]], True, {at})
        if kind == "reorder":
            rest = [*steps[:at], *steps[at + 1 :]]
            to = int(rng.integers(len(rest) + 1))
            if abs(to - at) < 2:
                return None
            return Execution([*rest[:to], target, *rest[to:]], True, {to})
        foreign = [int(rng.integers(len(alphabet.entity))) for _ in range(int(rng.integers(1, 3)))]
        return Execution([*steps[:at], *foreign, *steps[at:]], True, set(range(at, at + len(foreign))))

    return apply


def workflow_system(rng: Rng) -> System:
    """A system whose executions an identifier holds together."""
    alphabet = Alphabet(rng, bool(rng.random() < 0.5), float(rng.choice([0.0, 0.3, 0.6, 0.85])))
    mixing = float(rng.choice([0.0, 0.3, 1.0], p=[0.3, 0.3, 0.4]))
    jitter = float(rng.choice([0.0, 0.02, 0.15], p=[0.5, 0.3, 0.2]))
    kinds = int(rng.choice([1, 2, 3, 5, 8], p=[0.35, 0.2, 0.2, 0.15, 0.1]))
    # How much an application says of its everyday troubles differs: many say nothing, some say little else.
    talk = float(rng.choice([0.0, 0.5, 1.5, 3.0], p=[0.4, 0.25, 0.2, 0.15])) / kinds**0.5
    workflows = [_random_workflow(alphabet, mixing, talk) for _ in range(kinds)]
    shares = 1.0 / np.arange(1, kinds + 1) ** rng.uniform(0.5, 2.5)
    # What is asked for once a day, or once in ten thousand times: rare kinds are no failures.
    rare = [
        _log_uniform(rng, 0.0004, 0.01)
        for _ in range(int(rng.choice([0, 1, 3, 6], p=[0.4, 0.25, 0.2, 0.15])))
    ]
    workflows += [_random_workflow(alphabet, mixing, talk) for _ in rare]
    shares = np.r_[shares / shares.sum(), rare]
    shares /= shares.sum()
    kinds += len(rare)
    if kinds > 1 and rng.random() < 0.5:
        # All kinds are received and answered alike.
        entry, answer = _step(_random_step(alphabet)), _step(_random_step(alphabet))
        workflows = [_chain([entry, workflow, answer]) for workflow in workflows]
    size = _size(rng)
    cut = float(rng.choice([0.0, 0.0, 0.001]))
    seasons = [_season(rng, 0.3) for _ in range(kinds)]
    executions = []
    for number in range(size):
        at = number / size
        share = shares * np.array([season(at) for season in seasons])
        kind = int(rng.choice(kinds, p=share / share.sum() if share.sum() > 0 else shares))
        steps = _jitter(rng, workflows[kind](rng, at), jitter)[:300]
        if not steps:
            continue
        if rng.random() < cut and len(steps) > 3:
            # The log begins or ends in the middle of it.
            steps = (
                steps[int(rng.integers(1, len(steps))) :]
                if rng.random() < 0.5
                else steps[: int(rng.integers(1, len(steps)))]
            )
        executions.append(Execution(steps))
    _break_some(rng, executions, alphabet)
    return System(executions, alphabet, windows=False)


def _break_some(rng: Rng, executions: list[Execution], alphabet: Alphabet) -> None:
    """Apply a few failure modes, each to its share of the executions."""
    normal = {tuple(execution.steps) for execution in executions}
    profiles = {tuple(sorted(execution.steps)) for execution in executions}
    incident = _stretch(rng)
    for _ in range(int(rng.integers(1, 9))):
        usual = executions[int(rng.integers(len(executions)))].steps
        fault = _random_fault(alphabet, usual)
        places, wanted = _struck(rng, len(executions), incident)
        for at in places[: wanted * 8]:
            if wanted == 0:
                break
            if executions[at].faulty:
                continue
            broken = fault(rng, executions[at].steps)
            # What the system does when it is well is no failure, however it came about.
            if broken is None or tuple(broken.steps) in normal or tuple(sorted(broken.steps)) in profiles:
                continue
            executions[at] = broken
            wanted -= 1


# ---- windows of a host's records ---------------------------------------------------------------------------------


def _random_job(alphabet: Alphabet, entity: int) -> Sequence:
    rng = alphabet.rng
    length = int(rng.choice([1, 2, 3, 5, 8], p=[0.45, 0.25, 0.15, 0.1, 0.05]))
    action = alphabet.new_action(entity)
    job = []
    for _ in range(length):
        if rng.random() < 0.4:
            action = alphabet.new_action(entity)
        job.append(alphabet.template(action, alphabet.calm() if rng.random() < 0.93 else alphabet.alarming()))
    return job


def _add_complaints(rng: Rng, alphabet: Alphabet, role_jobs: list[list[Sequence]]) -> None:
    """Daemons that complain all day, and nobody minds: the whole window of a host that has such a role."""
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))):
        daemon = alphabet.new_entity()
        actions = [alphabet.new_action(daemon) for _ in range(int(rng.integers(1, 4)))]
        words = [
            alphabet.template(
                int(rng.choice(actions)), alphabet.complaining() if rng.random() < 0.75 else alphabet.calm()
            )
            for _ in range(int(rng.integers(1, 9)))
        ]
        usual = 1.0 / np.arange(1, len(words) + 1) ** rng.uniform(0.2, 2.5)
        at_length = int(_log_uniform(rng, 1, 200))
        jobs = role_jobs[int(rng.integers(len(role_jobs)))]
        for _ in range(int(rng.integers(1, 5))):
            count = max(1, int(at_length * rng.uniform(0.5, 1.0)))
            jobs.append([int(word) for word in rng.choice(words, size=count, p=usual / usual.sum())])


def _random_tail(rng: Rng, alphabet: Alphabet, daemons: list[int]) -> list[Sequence]:
    """Jobs that run now and then, some of them complaining."""
    tail = [
        _random_job(alphabet, int(rng.choice(daemons)) if rng.random() < 0.6 else alphabet.new_entity())
        for _ in range(int(_log_uniform(rng, 10, 400)))
    ]
    for job in tail:
        if rng.random() < (0.12 if alphabet.leveled else 0.25):
            alphabet.severity[job[0]] = alphabet.alarming() if rng.random() < 0.5 else alphabet.complaining()
    return tail


def window_system(rng: Rng) -> System:
    """A system read in windows of each host's records."""
    alphabet = Alphabet(rng, bool(rng.random() < 0.5), float(rng.choice([0.0, 0.3, 0.6, 0.85])))
    daemons = [alphabet.new_entity() for _ in range(int(rng.integers(3, 25)))]
    common = [_random_job(alphabet, int(rng.choice(daemons))) for _ in range(int(rng.integers(3, 15)))]
    roles = int(rng.integers(1, 6))
    role_jobs = [
        [_random_job(alphabet, alphabet.new_entity()) for _ in range(int(rng.integers(0, 6)))]
        for _ in range(roles)
    ]
    _add_complaints(rng, alphabet, role_jobs)
    # And common jobs that end in a complaint.
    for job in common:
        if rng.random() < 0.08:
            job.append(alphabet.template(alphabet.action[job[-1]], alphabet.complaining()))
    tail = _random_tail(rng, alphabet, daemons)
    tail_times = [_season(rng, 0.4) for _ in tail]
    boots = [_random_boot(alphabet, daemons) for _ in range(int(rng.integers(0, 6)))]
    boot_chance = _log_uniform(rng, 0.0005, 0.04)
    # Hosts are often started together.
    boot_time = _season(rng, 0.5)
    storms = [
        (_storm(rng), _storm_steps(rng, alphabet, daemons))
        for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.45, 0.2, 0.18, 0.17])))
    ]
    if boots and rng.random() < 0.3:
        storms.append((_storm(rng), boots[0]))

    role_share = 1.0 / np.arange(1, roles + 1) ** rng.uniform(0.3, 2.5)
    role_share /= role_share.sum()
    common_share = 1.0 / np.arange(1, len(common) + 1) ** rng.uniform(0.5, 2.0)
    common_share /= common_share.sum()
    tail_share = 1.0 / np.arange(1, len(tail) + 1) ** rng.uniform(0.3, 1.5)
    tail_share /= tail_share.sum()
    tail_chance = _log_uniform(rng, 0.001, 0.05)
    mean_jobs = float(_log_uniform(rng, 1.0, 12.0))
    mixing = float(rng.choice([0.0, 0.3, 1.0]))
    limit = int(rng.choice([60, 120, 256]))
    executions = []
    size = _size(rng)
    for number in range(size):
        at = number / size
        tail_now = tail_share * np.array([season(at) for season in tail_times])
        role = int(rng.choice(roles, p=role_share))
        parts: list[Sequence] = []
        for _ in range(1 + int(rng.poisson(mean_jobs * rng.gamma(2.0, 0.5)))):
            roll = rng.random()
            if roll < tail_chance and tail_now.sum() > 0:
                parts.append(tail[int(rng.choice(len(tail), p=tail_now / tail_now.sum()))])
            elif role_jobs[role] and roll < 0.5:
                parts.append(role_jobs[role][int(rng.integers(len(role_jobs[role])))])
            else:
                job = common[int(rng.choice(len(common), p=common_share))]
                parts.append(job * int(rng.integers(1, 4)) if rng.random() < 0.1 else job)
        if boots and rng.random() < min(boot_chance * boot_time(at), 0.5):
            boot = boots[int(rng.integers(len(boots)))]
            begin = int(rng.integers(len(boot))) if rng.random() < 0.3 else 0
            parts.append(_jitter(rng, boot[begin:], 0.05))
        for storm, words in storms:
            if rng.random() < storm(at):
                parts.append(words * int(rng.choice([1, 1, 2, 8])))
        steps = merge(rng, parts, mixing)[:limit]
        executions.append(Execution(steps))
    _break_windows(rng, executions, alphabet, daemons, limit)
    return System(executions, alphabet, windows=True)


def _random_boot(alphabet: Alphabet, daemons: list[int]) -> Sequence:
    """A long list of templates that only a start writes, alarming words among them."""
    rng = alphabet.rng
    boot = []
    trouble = float(rng.uniform(0.0, 0.25))
    for _ in range(int(_log_uniform(rng, 4, 120))):
        action = alphabet.new_action(int(rng.choice(daemons)))
        worry = alphabet.complaining if rng.random() < 0.5 else alphabet.alarming
        boot.append(alphabet.template(action, worry() if rng.random() < trouble else alphabet.calm()))
    return boot


def _break_windows(
    rng: Rng, executions: list[Execution], alphabet: Alphabet, daemons: list[int], limit: int
) -> None:
    incident = _stretch(rng)
    for _ in range(int(rng.integers(1, 5))):
        entity = int(rng.choice(daemons)) if rng.random() < 0.75 else alphabet.new_entity()
        errors = [
            alphabet.template(alphabet.new_action(entity), alphabet.failing())
            for _ in range(int(rng.choice([1, 2, 3, 5], p=[0.4, 0.25, 0.25, 0.1])))
        ]
        # One of the lines of a failure often says nothing by itself.
        if len(errors) > 1 and rng.random() < 0.5:
            alphabet.severity[errors[0]] = alphabet.calm()
        kind = rng.choice(
            ["flood", "single", "alone"], p=[0.45, 0.35, 0.2] if alphabet.leveled else [0.72, 0.1, 0.18]
        )
        size = int(rng.integers(5, limit)) if kind == "flood" else 1
        places, wanted = _struck(rng, len(executions), incident)
        for at in places[:wanted]:
            if executions[at].faulty:
                continue
            burst = errors * max(1, round(size * float(rng.uniform(0.5, 1.0)) / len(errors)))
            if rng.random() < 0.5:
                burst = _jitter(rng, burst, 0.3)
            before = [] if kind == "alone" else executions[at].steps[: max(limit - len(burst), 0)]
            place = int(rng.integers(len(before) + 1))
            steps = [*before[:place], *burst, *before[place:]][:limit]
            executions[at] = Execution(steps, True, set(range(place, min(place + len(burst), limit))))


def random_system(rng: Rng) -> System:
    """A system of either kind."""
    return workflow_system(rng) if rng.random() < 0.6 else window_system(rng)
