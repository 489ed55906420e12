"""Failure modes as rows of a table, with as many columns as the terminal has room for."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from krone_tui.store.views import FailureModeRow
from krone_tui.tui.screens.base import WIDE
from krone_tui.tui.text import moment, safe, short_count, sparkline

_SAID = {False: "confirmed", True: "verdict"}
"""In front of what deviates: a failure mode that somebody confirmed, or one that is all their word."""
_LEADING_IDENTIFIER = re.compile(r"^(missing: |)(?:\[[^\]\s]*<\*>[^\]\s]*\]:?\s*)+")
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
    columns.append(("what deviates", None, [_mode_title(mode) for mode in modes]))
    rows = pa.table({label: pa.array(values, pa.string()) for label, _, values in columns})
    return rows, [label for label, _, _ in columns], [wide for _, wide, _ in columns]


def short_title(title: str) -> str:
    """What deviates without the identifier in brackets that every message of many logs begins with."""
    return _LEADING_IDENTIFIER.sub(r"\1", title) or title


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
