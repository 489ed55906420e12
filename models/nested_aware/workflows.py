"""Systems whose executions an identifier holds together: workflows with branches, loops, parallel parts, everyday troubles."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from faults import break_some
from simulated import (
    Alphabet,
    Execution,
    Rng,
    Sequence,
    System,
    When,
    always,
    discipline,
    jitter,
    log_size,
    log_uniform,
    merge,
    season,
    storm,
    storm_steps,
)

Block = Callable[[Rng, float], Sequence]
"""What a part of a workflow writes, at a moment of the log."""


NEARLY_ALWAYS = 0.05
"""Chance that a part which may be left out hardly ever is."""


def _step(templates: Sequence) -> Block:
    return lambda _rng, _at: list(templates)


def _ways(ways: list[Sequence], shares: list[float]) -> Block:
    return lambda rng, _at: list(ways[int(rng.choice(len(ways), p=shares))])


def _usually(block: Block, left_out: float) -> Block:
    return lambda rng, at: [] if rng.random() < left_out else block(rng, at)


def _chain(blocks: list[Block]) -> Block:
    return lambda rng, at: [step for block in blocks for step in block(rng, at)]


def _optional(block: Block, chance: float, when: When = always) -> Block:
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


def _parallel(block: Block, workers: int, mixing: float) -> Block:
    return lambda rng, at: merge(rng, [block(rng, at) for _ in range(workers)], mixing)


def _random_step(alphabet: Alphabet) -> Block:
    """The statuses of one action: started … done, of one entity, sometimes of a new one; and sometimes in many ways."""
    rng = alphabet.rng
    entity = (
        int(rng.integers(alphabet.entities))
        if alphabet.entities and rng.random() < 0.5 + 0.45 * alphabet.coarse
        else alphabet.new_entity()
    )
    action = alphabet.new_action(entity)
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
    # Some systems complain as a matter of course.
    severity = alphabet.calm if rng.random() < (0.995 if alphabet.plain else 0.95) else alphabet.alarming
    if rng.random() >= alphabet.varied:
        return _step([alphabet.template(action, severity()) for _ in range(count)])
    ways = int(log_uniform(rng, 2, 16))
    usual = 1.0 / np.arange(1, ways + 1) ** rng.uniform(0.2, 2.5)
    # One of the statuses tells what it was about, the others are the same whatever that is.
    told = int(rng.integers(count))
    same = [alphabet.template(action, severity()) for _ in range(count)]
    own = [same[told], *(alphabet.template(action, alphabet.calm()) for _ in range(ways - 1))]
    return _ways([[*same[:told], way, *same[told + 1 :]] for way in own], (usual / usual.sum()).tolist())


def _random_block(alphabet: Alphabet, depth: int, mixing: float) -> Block:  # noqa: PLR0911
    rng = alphabet.rng
    if depth == 0 or rng.random() < 0.4:
        return _random_step(alphabet)
    inside = _chain([_random_block(alphabet, depth - 1, mixing) for _ in range(int(rng.integers(1, 4)))])
    kind = rng.choice(
        ["optional", "choice", "repeat", "tail", "parallel", "chain"], p=[0.2, 0.15, 0.12, 0.16, 0.25, 0.12]
    )
    if kind == "optional":
        if rng.random() < NEARLY_ALWAYS:
            return _usually(inside, log_uniform(rng, 0.0005, 0.05))
        return _optional(inside, log_uniform(rng, 0.002, 0.95), season(rng, 0.15))
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


def _random_workflow(alphabet: Alphabet, mixing: float) -> Block:
    rng = alphabet.rng
    blocks = [
        _random_block(alphabet, int(rng.integers(0, 2 if alphabet.plain else 3)), mixing)
        for _ in range(int(rng.integers(2, 8)))
    ]
    # Rare and harmless: what makes plain rarity fail.
    for _ in range(int(rng.integers(0, 2 if alphabet.plain else 6))):
        alarms = rng.random() < (0.04 if alphabet.plain else 0.3)
        # What alarms and recurs all the time is as usual as what recurs: nobody minds it any more.
        chance = log_uniform(rng, 0.0003, 0.4 if alarms else 0.08)
        severity = alphabet.alarming(chance) if alarms else alphabet.calm()
        entity = alphabet.any_entity()
        steps = [
            alphabet.template(alphabet.new_action(entity), severity) for _ in range(int(rng.integers(1, 4)))
        ]
        blocks.insert(
            int(rng.integers(1, len(blocks) + 1)), _optional(_step(steps), chance, season(rng, 0.4))
        )
    if alphabet.plain and rng.random() < 0.3:
        # Here what is minded is seldom, and what is often is not minded.
        steps = [alphabet.template(alphabet.new_action(alphabet.any_entity()), alphabet.complaining())]
        blocks.insert(
            int(rng.integers(1, len(blocks) + 1)), _optional(_step(steps), log_uniform(rng, 0.04, 0.6))
        )
    storms = 0 if alphabet.plain else int(rng.choice([0, 1, 2, 3], p=[0.7, 0.15, 0.09, 0.06]))
    for _ in range(storms):
        steps = storm_steps(rng, alphabet, list(range(alphabet.entities)))
        # A chance of one, at the times of the storm.
        blocks.insert(int(rng.integers(1, len(blocks) + 1)), _optional(_step(steps), 1.0, storm(rng)))
    for _ in range(int(rng.poisson(1.6 * alphabet.talk))):
        at = int(rng.integers(len(blocks)))
        chance = log_uniform(rng, 0.0005, 0.06)
        words = [
            alphabet.template(
                alphabet.new_action(int(rng.integers(alphabet.entities))),
                alphabet.alarming(chance) if rng.random() < 0.8 else alphabet.complaining(chance),
            )
            for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])))
        ]
        blocks[at] = _retried(blocks[at], words, chance, season(rng, 0.3))
    exits = [
        _exit(alphabet, len(blocks))
        for _ in range(int(rng.poisson((0.1 if alphabet.plain else 0.4) + 0.8 * alphabet.talk)))
    ]
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


def _exit(alphabet: Alphabet, blocks: int) -> _Exit:
    rng = alphabet.rng
    calm = rng.random() < (0.4 if alphabet.talk else 0.95)
    chance = log_uniform(rng, 0.0005, 0.08)
    words = [
        alphabet.template(
            alphabet.new_action(int(rng.integers(alphabet.entities))),
            alphabet.calm()
            if calm
            else alphabet.alarming(chance)
            if rng.random() < 0.8
            else alphabet.complaining(chance),
        )
        for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])))
    ]
    return _Exit(
        int(rng.integers(1, blocks + 1)),
        words,
        bool(rng.random() < 0.6),
        chance,
        season(rng, 0.25),
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


def workflow_system(rng: Rng) -> System:
    """A system whose executions an identifier holds together."""
    alphabet = Alphabet(rng, bool(rng.random() < 0.5), float(rng.choice([0.0, 0.3, 0.6, 0.85])))
    mixing = float(rng.choice([0.0, 0.3, 1.0], p=[0.45, 0.25, 0.3]))
    swaps = float(rng.choice([0.0, 0.02, 0.15], p=[0.6, 0.25, 0.15]))
    kinds = int(rng.choice([1, 2, 3, 5, 8], p=[0.35, 0.2, 0.2, 0.15, 0.1]))
    alphabet.plain = bool(rng.random() < 0.35)
    alphabet.varied = 0.0 if rng.random() < 0.5 else float(rng.uniform(0.1, 0.7))
    discipline(rng, alphabet)
    alphabet.talk = (
        0.0
        if alphabet.plain
        else float(rng.choice([0.0, 0.5, 1.5, 3.0], p=[0.4, 0.25, 0.2, 0.15])) / kinds**0.5
    )
    workflows = [_random_workflow(alphabet, mixing) for _ in range(kinds)]
    shares = 1.0 / np.arange(1, kinds + 1) ** rng.uniform(0.5, 2.5)
    # What is asked for once a day, or once in ten thousand times: rare kinds are no failures.
    rare_kinds = 0 if alphabet.plain else int(rng.choice([0, 1, 3, 6], p=[0.4, 0.25, 0.2, 0.15]))
    rare = [log_uniform(rng, 0.0004, 0.01) for _ in range(rare_kinds)]
    workflows += [_random_workflow(alphabet, mixing) for _ in rare]
    shares = np.r_[shares / shares.sum(), rare]
    shares /= shares.sum()
    kinds += len(rare)
    if kinds > 1 and rng.random() < 0.5:
        # All kinds are received and answered alike.
        entry, answer = _random_step(alphabet), _random_step(alphabet)
        workflows = [_chain([entry, workflow, answer]) for workflow in workflows]
    size = log_size(rng)
    seasons = [season(rng, 0.3) for _ in range(kinds)]
    executions = []
    for number in range(size):
        at = number / size
        share = shares * np.array([season(at) for season in seasons])
        kind = int(rng.choice(kinds, p=share / share.sum() if share.sum() > 0 else shares))
        steps = jitter(rng, workflows[kind](rng, at), swaps)[:300]
        if not steps:
            continue
        executions.append(Execution(steps))
    break_some(rng, executions, alphabet)
    return System(executions, alphabet, windows=False)
