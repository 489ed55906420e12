"""What all simulated systems are made of: templates, executions, the log's time, and whom a failure strikes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing

from krone_tui.detection.levels import LEVEL_SEVERITY, SAID_QUIETLY, SMALL_LOG, WORDS

ERROR, FATAL, WARN = LEVEL_SEVERITY["ERROR"], LEVEL_SEVERITY["FATAL"], LEVEL_SEVERITY["WARN"]
Sequence = list[int]
IntArray = np.typing.NDArray[np.int64]
Rng = np.random.Generator
RECURRING = 0.01
"""Chance from which harmless trouble is everyday trouble."""
SELDOM = 0.001
"""Chance of what hardly ever comes."""


@dataclass
class Alphabet:
    """The templates of one application, made as they are needed."""

    rng: Rng
    leveled: bool
    """Records carry a level, which says more surely than words what is an error."""
    coarse: float
    """Chance that what would be an action of its own is filed under one its entity has already: how coarse the
    hierarchy is that rules read from the templates."""
    talk: float = 1.0
    """How much it says of its everyday troubles: many applications say nothing, some say little else."""
    plain: bool = False
    """Few ways to go on, nothing strange when all is well, and little that fails: what most logs are most of the time."""
    disciplined: bool = False
    """Error levels are kept for failures: everyday trouble is a warning, or information whose words sound worse."""
    minded: bool = False
    """Errors that recur are minded no more, but one that hardly ever comes is a failure."""
    varied: float = 0.0
    """Chance that a step is written in one of several ways: what was asked for, found or decided becomes part of the
    template, so that hardly two executions write the same set of them."""
    entity: list[int] = field(default_factory=list)
    action: list[int] = field(default_factory=list)
    severity: list[float] = field(default_factory=list)
    entities: int = 0
    actions: list[int] = field(default_factory=list)

    def new_entity(self) -> int:
        self.entities += 1
        return self.entities - 1

    def any_entity(self) -> int:
        """One of those there are, or the first."""
        return int(self.rng.integers(self.entities)) if self.entities else self.new_entity()

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

    def _said(self, low: float, high: float) -> float:
        """What words say that are read so: a draw of the beta distribution; less where levels say it louder."""
        return WORDS * (SAID_QUIETLY if self.leveled else 1.0) * float(self.rng.beta(low, high))

    def calm(self) -> float:
        """Severity of a harmless template: low, now and then mistaken."""
        roll = self.rng.random()
        if roll < 0.92:
            return self._said(1, 20)
        return self._said(2, 4) if roll < 0.975 else self._said(5, 2)

    def _says_error(self, chance: float) -> bool:
        """Whether harmless trouble that comes with such a chance may have an error's level."""
        return not self.disciplined and (chance >= RECURRING or not self.minded)

    def alarming(self, chance: float = 1.0) -> float:
        """Of a template that reports trouble which is nobody's concern: a retry, a client that left, a card declined."""
        if self.leveled and self.rng.random() < 0.4 and self.rng.random() < 0.4 and self._says_error(chance):
            return ERROR
        said = self._said(3, 3) if self.rng.random() < 0.6 else self._said(8, 2)
        return max(said, WARN) if self.leveled and self.rng.random() < 0.5 else said

    def failing(self) -> float:
        """Of a template that reports a failure: high, now and then missed."""
        if self.leveled and self.rng.random() < (0.75 if self.disciplined else 0.65):
            return FATAL if self.rng.random() < 0.18 else ERROR
        roll = self.rng.random()
        said = self._said(12, 1) if roll < 0.75 else self._said(3, 2) if roll < 0.88 else self._said(1, 10)
        return max(said, WARN) if self.leveled and self.rng.random() < 0.4 else said

    def complaining(self, chance: float = 1.0) -> float:
        """Of a template that reads as failure and is written all day long."""
        if not self.leveled:
            return self.failing()
        if not self._says_error(chance) or self.rng.random() < 0.5:
            return self.alarming(chance)
        return self.failing()


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


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def discipline(rng: Rng, alphabet: Alphabet) -> None:
    """How the application uses its levels."""
    roll = rng.random()
    alphabet.disciplined = alphabet.leveled and bool(roll < 0.35)
    alphabet.minded = alphabet.leveled and bool(roll < 0.8)


def log_size(rng: Rng) -> int:
    low, high = ((8, SMALL_LOG), (SMALL_LOG, 4000), (4000, 12000))[int(rng.choice(3, p=[0.15, 0.73, 0.12]))]
    return int(log_uniform(rng, low, high))


# ---- time: a log's beginning is 0, its end 1 ------------------------------------------------------------------


def stretch(rng: Rng) -> tuple[float, float]:
    """When an incident goes on: for a while, or from its onset to the log's end."""
    length = log_uniform(rng, 0.01, 0.5)
    if rng.random() < 0.4:
        return 1.0 - length, 1.0
    begin = float(rng.uniform(0.0, 1.0 - length))
    return begin, begin + length


When = Callable[[float], float]


def always(_at: float) -> float:
    return 1.0


def season(rng: Rng, ever: float) -> When:
    """A harmless thing's own time: as a rule always; else a batch's hours, a burst, a new version from one moment on."""
    roll = rng.random()
    if roll >= ever:
        return always
    kind = rng.choice(["hours", "burst", "from", "until"], p=[0.35, 0.3, 0.25, 0.1])
    if kind == "hours":
        period = float(rng.uniform(0.05, 0.5))
        open_share = float(rng.uniform(0.1, 0.5))
        phase = float(rng.uniform(0.0, 1.0))
        return lambda at: 1.0 / open_share if (at / period + phase) % 1.0 < open_share else 0.0
    if kind == "burst":
        begin, end = stretch(rng)
        return lambda at: 1.0 / (end - begin) if begin <= at < end else 0.0
    turn = float(rng.uniform(0.1, 0.9))
    if kind == "from":
        return lambda at: 1.0 if at >= turn else 0.0
    return lambda at: 1.0 if at < turn else 0.0


def storm(rng: Rng) -> When:
    """Chances, as they are, of something harmless that many do at once: a switch restarts, all hosts are started."""
    length = log_uniform(rng, 0.002, 0.15)
    begin = float(rng.uniform(0.0, 1.0 - length))
    chance = float(rng.uniform(0.05, 0.9))
    return lambda at: chance if begin <= at < begin + length else 0.0


def storm_steps(rng: Rng, alphabet: Alphabet, entities: list[int]) -> Sequence:
    """What a storm makes a host or a request write: as often alarming as not."""
    steps = []
    for _ in range(int(rng.choice([1, 2, 3, 6], p=[0.4, 0.25, 0.2, 0.15]))):
        action = alphabet.new_action(int(rng.choice(entities)) if entities else alphabet.new_entity())
        roll = rng.random()
        worry = alphabet.calm if roll < 0.4 else alphabet.alarming if roll < 0.7 else alphabet.complaining
        steps.append(alphabet.template(action, worry()))
    return steps


def struck(rng: Rng, count: int, incident: tuple[float, float], *, plain: bool) -> tuple[IntArray, int]:
    """Executions a failure mode may strike, in random order, and how many it does.

    Anywhere, and mostly seldom: what fails often and all day long is repaired, or minded no more. Or as an incident does, its own
    or the one that other failure modes come with, in which most may fail.
    """
    roll = rng.random()
    if roll < 0.45:
        # Some systems fail at the same place in every tenth execution, for months; and in a small log a few are many.
        share = (
            log_uniform(rng, 0.0003, 0.03 if plain else 0.02)
            if rng.random() < 0.94
            else float(rng.uniform(0.02, 0.15))
        )
        least = (
            int(rng.integers(1, 5 if plain else 4)) if count < (4 * SMALL_LOG if plain else SMALL_LOG) else 1
        )
        return rng.permutation(count), max(least, int(rng.poisson(share * count)))
    share = log_uniform(rng, 0.0005, 0.03) if rng.random() < 0.8 else float(rng.uniform(0.03, 0.2))
    begin, end = incident if roll < 0.75 else stretch(rng)
    inside = np.arange(int(begin * count), max(int(end * count), int(begin * count) + 1))
    wanted = max(1, int(rng.poisson(share * count)))
    return rng.permutation(inside), min(wanted, max(1, int(len(inside) * rng.uniform(0.3, 1.0))))


def failure_modes(rng: Rng, alphabet: Alphabet, most: int) -> int:
    """How many things go wrong in one log: mostly one or two, in large applications up to `most`."""
    few = alphabet.plain and rng.random() < 0.7
    return int(rng.integers(1, 3 if few else most + 1))


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


def jitter(rng: Rng, steps: Sequence, chance: float) -> Sequence:
    """Neighbours change places: two threads reach the log in either order."""
    steps = list(steps)
    for at in np.flatnonzero(rng.random(max(len(steps) - 1, 0)) < chance):
        steps[at], steps[at + 1] = steps[at + 1], steps[at]
    return steps
