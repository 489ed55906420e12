"""What goes wrong in executions that an identifier holds together: failure modes, each with its share."""

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from simulated import Alphabet, Execution, Rng, Sequence, failure_modes, stretch, struck

ROOM = 512
"""Templates that faults may add to those that there are."""
ALWAYS = 20
"""Executions in which two steps must keep an order for another one to be wrong; in a small log, half of them."""
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
        p=[0.12, 0.16, 0.10, 0.22, 0.06, 0.07, 0.08, 0.02, 0.03, 0.04, 0.10]
        if alphabet.plain
        else [0.12, 0.11, 0.10, 0.22, 0.06, 0.08, 0.10, 0.03, 0.04, 0.04, 0.10],
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
            if to == at:
                return None
            return Execution([*rest[:to], target, *rest[to:]], True, {to})
        foreign = [int(rng.integers(len(alphabet.entity))) for _ in range(int(rng.integers(1, 3)))]
        return Execution([*steps[:at], *foreign, *steps[at:]], True, set(range(at, at + len(foreign))))

    return apply


def _orders(normal: Counter[tuple[int, ...]], steps: int) -> npt.NDArray[np.int32]:
    """[steps, steps] how many executions have the first one before the second."""
    before = np.zeros((steps, steps), dtype=np.int32)
    for execution, times in normal.items():
        first = _firsts(execution)
        # Of steps in the order of their first place, each comes before all later ones.
        for at, step in enumerate(first):
            before[step, first[at + 1 :]] += times
    return before


def _new_order(steps: Sequence, before: npt.NDArray[np.int32], always: float) -> bool:
    """Whether a step comes before one that it never came before, and after which it came at least `always` times."""
    first = np.array(_firsts(steps))
    earlier = np.triu(np.ones((len(first), len(first)), dtype=bool), 1)
    pairs = np.ix_(first, first)
    return bool((earlier & (before[pairs] == 0) & (before.T[pairs] >= always)).any())


def _firsts(steps: Iterable[int]) -> Sequence:
    return list(dict.fromkeys(steps))


def break_some(rng: Rng, executions: list[Execution], alphabet: Alphabet) -> None:
    """Apply a few failure modes, each to its share of the executions."""
    normal = Counter(tuple(execution.steps) for execution in executions)
    profiles = {tuple(sorted(steps)) for steps in normal}
    before = _orders(normal, len(alphabet.entity) + ROOM)
    always = min(ALWAYS, len(executions) / 2)
    incident = stretch(rng)
    for _ in range(failure_modes(rng, alphabet, 8)):
        usual = executions[int(rng.integers(len(executions)))].steps
        fault = _random_fault(alphabet, usual)
        places, wanted = struck(rng, len(executions), incident, plain=alphabet.plain)
        for at in places[: wanted * 8]:
            if wanted == 0:
                break
            if executions[at].faulty:
                continue
            broken = fault(rng, executions[at].steps)
            # What the system does when it is well is no failure, however it came about; in another order it is one where
            # something comes first that never does.
            if broken is None or tuple(broken.steps) in normal:
                continue
            if tuple(sorted(broken.steps)) in profiles and not _new_order(broken.steps, before, always):
                continue
            executions[at] = broken
            wanted -= 1
