"""Failure modes as rows of a table, with as many columns as the terminal has room for."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile

import pyarrow as pa

from krone_tui.store.views import ExecutionRow, FailureModeRow
from krone_tui.tui.screens.base import WIDE
from krone_tui.tui.text import clock, moment, safe, short_count, sparkline

_SAID = {False: "confirmed", True: "verdict"}
"""In front of what deviates: a failure mode that somebody confirmed, or one that is all their word."""
_KIND = r"(?:missing|ends after|begins with|out of order|unusual count|not equally often): "
_LEADING_VALUES = re.compile(
    rf"^({_KIND}|)(?:"
    r"\[[^\]\s]*<\*>[^\]\s]*\]:?\s*"  # an identifier in brackets
    r"|[<(\"']*<\*>[>)\"']*(?:\s*[:;,|]+\s*|(?:\s+-+)+\s+)"  # a value set apart: `<*>: sent`
    # A value before a word, unless it belongs to it: `<*> of <*> done`, `<*> ms late`.
    r"|[<(\"']*<\*>[>)\"']*\s+(?![a-z]{1,3}\s|[^\w<(\"'])"
    r")+(?=.*[^\W\d_])"
)
_COMMON = 20
"""Characters that titles must begin with alike for the middle of them to be left out."""
SPARK = 8
"""Columns of the sparkline: slices of the log's time."""


def mode_table(
    modes: Sequence[FailureModeRow], counts: Mapping[int, int], timelines: Mapping[int, list[int]], width: int
) -> tuple[pa.Table, list[str], list[int | None]]:
    """(rows, labels, widths) of the table, most suspicious first; `counts` are the executions in sight."""
    days = (
        len(
            {mode.first_seen.date() for mode in modes if mode.first_seen}
            | {mode.last_seen.date() for mode in modes if mode.last_seen}
        )
        > 1
    )
    columns: list[tuple[str, int | None, list[str]]] = [
        ("#", 3, [str(mode.failure_mode_id) for mode in modes]),
        ("score", 5, [f"{mode.score:.2f}" for mode in modes]),
    ]
    if width >= WIDE:
        columns.append(("level", 6, [mode.level for mode in modes]))
        columns.append(("kind", 7, [mode.kind for mode in modes]))
        columns.append(("where", 30, [" › ".join(mode.path.split(" › ")[:2]) for mode in modes]))
    columns.append(
        ("execs", 5, [short_count(counts.get(mode.failure_mode_id, 0)).rjust(5) for mode in modes])
    )
    # Where there is little room, minutes must do once the day has to be told.
    seen = 8 if not days else 14 if width >= WIDE else 11
    columns.append(("first", seen, [moment(mode.first_seen, day=days)[:seen] for mode in modes]))
    if width >= WIDE:
        columns.append(("last", seen, [moment(mode.last_seen, day=days) for mode in modes]))
    columns.append(("over time", 9, [sparkline(timelines.get(mode.failure_mode_id, [])) for mode in modes]))
    # A blank on either side of each column, and the scroll bar.
    room = width - 1 - sum((wide or 0) + 2 for _, wide, _ in columns) - 2
    columns.append(("what deviates", None, told_apart([_mode_title(mode) for mode in modes], room)))
    rows = pa.table({label: pa.array(values, pa.string()) for label, _, values in columns})
    return rows, [label for label, _, _ in columns], [wide for _, wide, _ in columns]


def short_title(title: str) -> str:
    """What deviates without the values, as the identifier, that every message of many logs begins with."""
    return _LEADING_VALUES.sub(r"\1", title) or title


def told_apart(titles: Sequence[str], room: int) -> list[str]:
    """The same titles; those that would be cut before they differ, without the middle of what they share."""
    order = sorted(range(len(titles)), key=titles.__getitem__)
    result = list(titles)
    for at, index in enumerate(order):
        title = titles[index]
        beside = [titles[other] for other in order[max(0, at - 1) : at + 2] if titles[other] != title]
        shared = max((_alike(title, other) for other in beside), default=0)
        # Between words: half a word says nothing.
        left = title.rfind(" ", 0, shared + 1)
        kept = max(title.find(" "), title.rfind(" ", 0, room // 2))
        if shared >= max(room - 2, _COMMON) and kept + 3 < left and re.search(r"[^\W\d_]", title[left:]):
            result[index] = f"{title[:kept]} …{title[left:]}"
    return result


def _alike(one: str, other: str) -> int:
    """Characters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _mode_title(mode: FailureModeRow) -> str:
    return (
        f"{_SAID[mode.kind == 'verdict']}: {short_title(mode.title)}"
        if mode.verdict
        else short_title(mode.title)
    )


def mode_words(mode: FailureModeRow) -> str:
    """Where a failure mode deviates and how, in one line: what a narrow table leaves out."""
    seen = ""
    if mode.first_seen and mode.last_seen and mode.last_seen != mode.first_seen:
        days = mode.first_seen.date() != mode.last_seen.date()
        seen = f", {moment(mode.first_seen, day=days)} to {moment(mode.last_seen, day=days)}"
    said = f"; {_SAID[mode.kind == 'verdict']} by a {mode.verdict_by}" if mode.verdict else ""
    comment = f": {mode.verdict_comment}" if mode.verdict_comment else ""
    return safe(f"{mode.path}  ({mode.kind}, {mode.level} level{seen}{said}{comment})")


def evidence_title(execution: ExecutionRow, place: str) -> str:
    """Of the evidence: which execution, when it started, its place among those of its failure mode."""
    name = execution.identifier if len(execution.identifier) <= 30 else execution.identifier[:29] + "…"
    when = f"  {clock(execution.start_time, day=True)}" if execution.start_time else ""
    return f"{name}{when}  {place}"
