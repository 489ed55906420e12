"""What deviates in a flagged execution, and where: the step or transition a reader should look at first."""

from dataclasses import dataclass

import numpy as np

from krone_tui.detection.population import Population
from krone_tui.detection.routing import Routed
from krone_tui.detection.sequences import IntArray

MISSING_WEIGHT, SILENT_WEIGHT = 0.75, 0.9
COUNT_WEIGHT = 0.6
ORDER_WEIGHT = 0.5
PRECEDENCE_WEIGHT = 0.7
"""How much a surprise of that kind weighs against that of a new step: the weaker the kind as evidence of a failure, the
less. A step weighs its surprise times a half to one and a half, by how surely it reads as failure."""
ABOUT_AS_STRONG, FAILING_TOO = 0.9, 0.77
"""Share of the strongest step's strength from which the first one is told: what failed first, not what was said of it later. The
second for one that surely reads as failure, though its level says less."""
SURELY = 0.6
"""Severity from which a step surely reads as failure, whatever its level."""
SEVERE = 0.5
"""Severity from which a step reads as failure."""


@dataclass(frozen=True)
class Deviation:
    """The strongest deviation of one variant."""

    kind: str
    """'severe', 'new', 'missing', 'order', 'count'"""
    level: str
    """The level of the Seq that deviates: 'status', 'action', 'entity'."""
    templates: tuple[int, ...]
    """Template indices: the new step; the missing one and the one it was expected with; the transition's two; the counted one,
    and the one that it should be equally often as."""
    position: int
    """Of the deviating span's first record in the execution."""
    length: int
    """Records in the span."""
    strength: float

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """What executions of one failure mode have in common."""
        if self.kind == "missing" and len(self.templates) == 2:
            # What is missing counts, not which step gave it away.
            return "missing step", self.templates[:1]
        return self.kind, self.templates


class Deviations:
    """Finds the strongest deviation of any variant of one population."""

    def __init__(self, population: Population, routed: Routed) -> None:
        self._population = population
        self._found = routed.executions.found
        self._profiles = routed.executions.profiles
        self._invariants = routed.executions.invariants
        variants = np.arange(len(population.offsets))
        self._pair_at = np.searchsorted(self._found.pair_owner, variants)
        self._move_order = np.argsort(self._found.move_owner, kind="stable")
        self._move_at = np.searchsorted(self._found.move_owner[self._move_order], variants)

    def of(self, variant: int, span: tuple[int, int] | None) -> Deviation:
        """The strongest deviation, within a span of (position, length) records where a lower level decided."""
        steps = self._population.templates[
            self._population.offsets[variant] : self._population.offsets[variant + 1]
        ]
        candidates = [
            self._step(variant, steps, span),
            self._count(variant, steps, span),
            self._order(variant, steps, span),
            self._precedence(variant, steps, span),
        ]
        if span is None:
            candidates.append(self._missing(variant, steps))
        return max((one for one in candidates if one is not None), key=lambda one: one.strength)

    def _step(self, variant: int, steps: IntArray, span: tuple[int, int] | None) -> Deviation | None:
        pairs = slice(self._pair_at[variant], self._pair_at[variant + 1])
        templates = self._found.pair_step[pairs]
        severity = self._population.severity[templates]
        strength = self._found.pair_rarity[pairs] * (0.5 + severity)
        if span is not None:
            strength = np.where(np.isin(templates, steps[span[0] : span[0] + span[1]]), strength, 0.0)
        enough = np.where(severity >= SURELY, FAILING_TOO, ABOUT_AS_STRONG)
        about = np.flatnonzero(strength >= enough * strength.max())
        best = int(about[(templates[about, None] == steps).argmax(axis=1).argmin()])
        template = int(templates[best])
        position, length = self._run(variant, steps, template)
        kind = "severe" if severity[best] >= SEVERE else "new"
        return Deviation(kind, "status", (template,), position, length, float(strength[best]))

    def _count(self, variant: int, steps: IntArray, span: tuple[int, int] | None) -> Deviation | None:
        counted: tuple[int, ...]
        pairs = slice(self._pair_at[variant], self._pair_at[variant + 1])
        templates = self._found.pair_step[pairs]
        strength = self._found.pair_count_tail[pairs] * COUNT_WEIGHT
        if span is not None:
            strength = np.where(np.isin(templates, steps[span[0] : span[0] + span[1]]), strength, 0.0)
        best = int(strength.argmax())
        counted, most = (int(templates[best]),), float(strength[best])
        uneven, partner = int(self._invariants.unequal[variant]), int(self._invariants.partner[variant])
        if (
            uneven >= 0
            and (uneven_strength := self._invariants.unequal_surprise(variant) * COUNT_WEIGHT) > most
        ):
            inside = span is None or bool((steps[span[0] : span[0] + span[1]] == uneven).any())
            counted, most = ((uneven, partner), uneven_strength) if inside else (counted, most)
        position, length = self._run(variant, steps, counted[0])
        return Deviation("count", "status", counted, position, length, most)

    def _precedence(self, variant: int, steps: IntArray, span: tuple[int, int] | None) -> Deviation | None:
        early, late = int(self._invariants.early[variant]), int(self._invariants.late[variant])
        if early < 0:
            return None
        position = int((steps == early).argmax())
        end = int((steps == late).argmax()) + 1
        if span is not None and not (span[0] <= position and end <= span[0] + span[1]):
            return None
        strength = self._invariants.precedence_surprise(variant) * PRECEDENCE_WEIGHT
        return Deviation(
            "order", self._common_level(early, late), (early, late), position, end - position, strength
        )

    def _order(self, variant: int, steps: IntArray, span: tuple[int, int] | None) -> Deviation | None:
        moves = self._move_order[self._move_at[variant] : self._move_at[variant + 1]]
        strength = self._found.move_rarity[moves] * ORDER_WEIGHT
        if self._population.windows:
            # Where a window of time begins and ends is chance.
            inside = (self._found.move_from[moves] >= 0) & (self._found.move_to[moves] >= 0)
            strength = np.where(inside, strength, 0.0)
        best = int(strength.argmax())
        move = moves[best]
        from_, to = int(self._found.move_from[move]), int(self._found.move_to[move])
        if from_ < 0:
            return Deviation("order", "entity", (to,), 0, 1, float(strength[best]))
        if to < 0:
            # It ends where others go on: what comes after is missing.
            if span is not None and span[0] + span[1] < len(steps):
                return None
            return Deviation(
                "missing",
                "entity",
                (from_,),
                len(steps) - 1,
                1,
                float(strength[best]) / ORDER_WEIGHT * MISSING_WEIGHT,
            )
        at = np.flatnonzero((steps[:-1] == from_) & (steps[1:] == to))
        position = int(at[0])
        if span is not None and not span[0] <= position < span[0] + span[1]:
            return None
        return Deviation(
            "order", self._common_level(from_, to), (from_, to), position, 2, float(strength[best])
        )

    def _missing(self, variant: int, steps: IntArray) -> Deviation | None:
        profiles, population = self._profiles, self._population
        missing, because = int(profiles.missing_step[variant]), int(profiles.missing_because[variant])
        strength = float(profiles.missing_surprise[variant]) * MISSING_WEIGHT
        # What is absent and another step tells so is seen in that step.
        if (silently := float(profiles.silent_surprise[variant]) * SILENT_WEIGHT) >= strength:
            strength = silently
            missing, because = int(profiles.silent_step[variant]), int(profiles.silent_because[variant])
        if missing < 0:
            return None
        if (population.action[steps] == population.action[missing]).any():
            level, same = "status", population.action[steps] == population.action[missing]
        elif (population.entity[steps] == population.entity[missing]).any():
            level, same = "action", population.entity[steps] == population.entity[missing]
        else:
            level, same = "entity", steps == because
        position, length = _first_run(same)
        return Deviation("missing", level, (missing, because), position, length, strength)

    def _run(self, variant: int, steps: IntArray, template: int) -> tuple[int, int]:
        """The S-Seq span with the most records of a template."""
        action = self._population.action[steps]
        starts = np.flatnonzero(np.r_[True, action[1:] != action[:-1]])
        hits = np.add.reduceat((steps == template).astype(np.int64), starts)
        best = int(hits.argmax())
        end = starts[best + 1] if best + 1 < len(starts) else len(steps)
        return int(starts[best]), int(end - starts[best])

    def _common_level(self, left: int, right: int) -> str:
        if self._population.action[left] == self._population.action[right]:
            return "status"
        return "action" if self._population.entity[left] == self._population.entity[right] else "entity"


def _first_run(same: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    first = int(same.argmax())
    rest = np.flatnonzero(~same[first:])
    return first, int(rest[0]) if len(rest) else len(same) - first
