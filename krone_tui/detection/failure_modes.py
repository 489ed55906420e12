"""Failure modes: deviations that are the same, named and ranked, most suspicious first."""

import math
from collections import defaultdict
from dataclasses import dataclass

from krone_tui.detection.bursts import CAP, bursts
from krone_tui.detection.deviation import Deviation
from krone_tui.detection.sequences import FloatArray

TITLE_CHARACTERS = 120


@dataclass(frozen=True)
class ModeNames:
    """Puts deviations into words."""

    keys: list[tuple[str, str, str, str]]
    """By template index: entity, action, status, text."""

    def title(self, deviation: Deviation) -> str:
        """What deviates, in words."""
        texts = [_short(self.keys[template][3]) for template in deviation.templates]
        match deviation.kind, len(texts):
            case "missing", 1:
                return f"ends after: {texts[0]}"
            case "missing", _:
                return f"missing: {texts[0]}"
            case "order", 2:
                return f"out of order: {texts[0]} → {texts[1]}"
            case "order", _:
                return f"begins with: {texts[0]}"
            case "count", _:
                return f"unusual count: {texts[0]}"
        return texts[0]

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

    A mode is the more suspicious the surer its executions are flagged (twice the distance from the threshold, squared),
    the more of them there are (by doublings), the surer its words report a failure, and the more it keeps to a time of
    its own, as an incident does: `bins`, [deviations, BINS], and `totals`, [BINS], of all executions.
    """
    members: defaultdict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for index, deviation in enumerate(deviations):
        members[deviation.key].append(index)

    def mean(indices: list[int]) -> float:
        return sum(score[i] * weight[i] for i in indices) / max(sum(weight[i] for i in indices), 1e-9)

    def rank(item: tuple[tuple[str, tuple[int, ...]], list[int]]) -> tuple[float, str]:
        (kind, templates), indices = item
        severe = float(severity[templates[0]]) if kind in ("severe", "new", "count") else 0.0
        sure = max(2.0 * mean(indices) - 1.0, 0.0) ** 2
        doublings = math.log2(1.0 + sum(weight[i] for i in indices))
        timely = float(bursts(bins[indices].sum(axis=0)[None, :], totals)[0]) / CAP
        return -sure * doublings * (0.5 + severe) * (1.0 + timely), names.title(deviations[indices[0]])

    number = [0] * len(deviations)
    rows: list[dict[str, object]] = []
    for mode, (_, indices) in enumerate(sorted(members.items(), key=rank), start=1):
        first = deviations[indices[0]]
        for index in indices:
            number[index] = mode
        rows.append(
            {
                "failure_mode_id": mode,
                "title": names.title(first),
                "level": first.level,
                "path": names.path(first),
                "kind": first.kind,
                "score": mean(indices),
            }
        )
    return number, rows
