"""All findings in one JSON document, written piece by piece."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from krone_tui import __version__
from krone_tui.explanation import files_of
from krone_tui.report.incident import AlignedRow, Case, Comparison, Side, cases, timeline
from krone_tui.report.rows import Iso, iso_times, rows
from krone_tui.report.timeline import Timeline
from krone_tui.store import Store, facts, views
from krone_tui.store.unflagged import UnflaggedFailure, unflagged_failures


def lines(store: Store, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """Lines of one object: the summary, the timeline, the failure modes, what reads as failure and is not flagged, and a row for
    each execution as in JSON lines. The names are a contract: fields are only ever added.
    """
    iso = iso_times(store)
    yield "{"
    yield f'"krone_tui": {json.dumps(__version__)},'
    yield f'"summary": {json.dumps(_summary(views.summary(store), iso))},'
    yield f'"timeline": {json.dumps(_timeline(timeline(store), iso))},'
    yield '"failure_modes": ['
    yield from _items(_case(case, iso) for case in cases(store))
    yield "],"
    yield '"unflagged_failures": ['
    yield from _items(_unflagged(one, iso) for one in unflagged_failures(store))
    yield "],"
    yield '"executions": ['
    yield from _items(rows(store, everything=everything, with_lines=with_lines))
    yield "]"
    yield "}"


def _items(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One a line, a comma after each but the last."""
    last = None
    for item in items:
        if last is not None:
            yield last + ","
        last = json.dumps(item)
    if last is not None:
        yield last


def _summary(found: views.Summary, iso: Iso) -> dict[str, Any]:
    return {
        "sources": found.sources,
        "lines": found.lines,
        "records": found.records,
        "executions": found.executions,
        "windows": found.windows,
        "flagged": found.flagged,
        "failure_modes": found.failure_modes,
        "templates": found.templates,
        "start": iso(found.start),
        "end": iso(found.end),
        "first_flagged": iso(found.first_flagged),
        "grouped_by": found.grouped_by,
        "grouping_reason": found.grouping_reason,
        "baseline": found.baseline,
        "verdicts": found.verdicts,
        "times": facts.UTC if found.utc else "as written",
        "zones": found.zones,
    }


def _unflagged(one: UnflaggedFailure, iso: Iso) -> dict[str, Any]:
    return {
        "template": one.text,
        "level": one.level,
        "severity": round(one.severity, 4),
        "records": one.records,
        "executions": one.executions,
        "first_seen": iso(one.first_seen),
        "last_seen": iso(one.last_seen),
        "source": one.source,
        "first_line": one.first_line,
        "example": one.example,
    }


def _timeline(found: Timeline, iso: Iso) -> dict[str, Any]:
    return {
        "onset": iso(found.onset_time),
        "slices": [
            {"start": iso(start), "executions": executions, "flagged": flagged}
            for start, executions, flagged in found.slices
        ],
        "end": iso(found.end),
    }


def _case(case: Case, iso: Iso) -> dict[str, Any]:
    mode, example = case.mode, case.example
    return {
        "failure_mode": mode.failure_mode_id,
        "title": mode.title,
        "level": mode.level,
        "path": mode.path,
        "kind": mode.kind,
        "score": round(mode.score, 4),
        "executions": mode.executions,
        "verdict": mode.verdict,
        "verdict_by": mode.verdict_by,
        "verdict_comment": mode.verdict_comment,
        "first_seen": iso(mode.first_seen),
        "last_seen": iso(mode.last_seen),
        "example": {
            "execution": example.identifier,
            "source": example.source,
            "start": iso(example.start_time),
            "first_line": example.first_line,
            "last_line": example.last_line,
        },
        "evidence": [
            {"text": sentence.text, "lines": list(sentence.lines), **files_of(sentence.lines)}
            for sentence in case.evidence
        ],
        "nearest_normal": _comparison(case.comparison) if case.comparison else None,
        "records": [
            {
                "source": record.source,
                "first_line": record.first_line,
                "last_line": record.last_line,
                "time": iso(record.time),
                "level": record.level,
                "component": record.component,
                "text": record.text,
                "deviating": record.position in case.deviating,
            }
            for record in case.records
        ],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "execution": found.identifier,
        "source": found.source,
        "first_line": found.first_line,
        "last_line": found.last_line,
        "executions": found.executions,
        "records": {"of_normal": found.records, **found.total},
        "rows": [_row(row) for row in found.rows],
        "rows_left_out": found.left_out,
    }


def _row(row: AlignedRow) -> dict[str, Any]:
    return {
        "mark": row.mark,
        "depth": row.depth,
        "level": row.level,
        "here": _side(row.here),
        "normal": _side(row.normal),
    }


def _side(side: Side | None) -> dict[str, Any] | None:
    return {"name": side.name, "first_line": side.first_line, "records": side.records} if side else None
