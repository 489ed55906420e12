"""Failure modes: deviations that are the same, named and ranked, most suspicious first."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from krone_tui.detection.bursts import CAP, bursts
from krone_tui.detection.deviation import Deviation
from krone_tui.detection.sequences import FloatArray

TITLE_CHARACTERS = 120
STATEMENT_WORDS = 4
"""Words that templates must share after their first one to be one statement, said under several names."""


@dataclass(frozen=True)
class ModeNames:
    """Puts deviations into words."""

    keys: list[tuple[str, str, str, str]]
    """By template index: entity, action, status, text."""

    def key(self, deviation: Deviation) -> tuple[object, ...]:
        """What executions of one failure mode have in common.

        Many loggers begin a message with the name of who speaks: the same failure, told by several, is one.
        """
        if deviation.kind == "severe":
            _, statement = self._spoken(deviation)
            if sum(any(map(str.isalpha, word)) for word in statement.split()) >= STATEMENT_WORDS:
                return deviation.kind, statement
        return deviation.key

    def title_of_all(self, deviations: Sequence[Deviation], weight: Sequence[float]) -> str:
        """What deviates in all of one failure mode, in words; names in front by their executions."""
        if len({deviation.templates for deviation in deviations}) == 1 or deviations[0].kind != "severe":
            return self.title(deviations[0])
        said: defaultdict[str, float] = defaultdict(float)
        for deviation, executions in zip(deviations, weight, strict=True):
            said[self._spoken(deviation)[0]] += executions
        most = min(said, key=lambda name: (-said[name], name))
        return _short(f"{most.rstrip(':')} and {len(said) - 1} more: {self._spoken(deviations[0])[1]}")

    def _spoken(self, deviation: Deviation) -> tuple[str, str]:
        """The first word of what deviates, and the others."""
        name, _, statement = " ".join(self.keys[deviation.templates[0]][3].split()).partition(" ")
        return name, statement

    def title(self, deviation: Deviation) -> str:
        """What deviates, in words."""
        texts = [_short(self.keys[template][3]) for template in deviation.templates]
        said = texts[0]
        match deviation.kind, len(texts):
            case "missing", 1:
                said = f"ends after: {texts[0]}"
            case "missing", _:
                said = f"missing: {texts[0]}"
            case "order", 2:
                said = f"out of order: {texts[0]} → {texts[1]}"
            case "order", _:
                said = f"begins with: {texts[0]}"
            case "count", 2:
                said = f"not equally often: {texts[0]} and {texts[1]}"
            case "count", _:
                said = f"unusual count: {texts[0]}"
        return said

    def path(self, deviation: Deviation) -> str:
        """entity › action › status of what deviates."""
        entity, action, status, _ = self.keys[deviation.templates[0]]
        return f"{entity} › {action} › {status}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1] + "…"


def order_modes(
    deviations: list[Deviation],
    score: list[float],
    weight: list[float],
    severity: FloatArray,
    names: ModeNames,
    bins: FloatArray,
    totals: FloatArray,
) -> tuple[list[int], list[dict[str, object]]]:
    """([deviations] failure_mode_id, from 1; rows of the failure modes in the order of their ids).

    A mode is the more suspicious the surer its executions are flagged (twice the distance from the threshold),
    the more of them there are (by doublings), the surer its words report a failure, and the more it keeps to a time of
    its own, as an incident does: `bins`, [deviations, BINS], and `totals`, [BINS], of all executions.
    """
    members: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, deviation in enumerate(deviations):
        members[names.key(deviation)].append(index)

    def mean(indices: list[int]) -> float:
        return sum(score[i] * weight[i] for i in indices) / max(sum(weight[i] for i in indices), 1e-9)

    def rank(indices: list[int]) -> tuple[float, str]:
        first = deviations[indices[0]]
        severe = float(severity[first.templates[0]]) if first.kind in ("severe", "new", "count") else 0.0
        sure = max(2.0 * mean(indices) - 1.0, 0.0)
        doublings = math.log2(1.0 + sum(weight[i] for i in indices))
        timely = float(bursts(bins[indices].sum(axis=0)[None, :], totals)[0]) / CAP
        return -sure * doublings * (0.5 + severe) * (0.5 + timely), names.title(first)

    number = [0] * len(deviations)
    rows: list[dict[str, object]] = []
    for mode, indices in enumerate(sorted(members.values(), key=rank), start=1):
        first = deviations[indices[0]]
        for index in indices:
            number[index] = mode
        rows.append(
            {
                "failure_mode_id": mode,
                "title": names.title_of_all([deviations[i] for i in indices], [weight[i] for i in indices]),
                "level": first.level,
                "path": names.path(first),
                "kind": first.kind,
                "score": mean(indices),
            }
        )
    return number, rows
