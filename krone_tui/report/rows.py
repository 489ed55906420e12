"""Executions as rows: what the JSON formats and CSV have in common."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from krone_tui.explanation import Evidence, files_of
from krone_tui.store import Store, facts, views
from krone_tui.store import evidence as evidence_queries
from krone_tui.store import report as queries

Iso = Callable[[datetime | None], str | None]
"""Writes a time."""


def rows(store: Store, *, everything: bool, with_lines: bool) -> Iterator[dict[str, Any]]:
    """A row for each flagged execution, or for each of all, in the order of their first records."""
    writer, iso = Evidence(store), iso_times(store)
    for batch in queries.execution_batches(store, flagged=None if everything else True):
        ids = [execution.execution_id for execution in batch]
        numbers = queries.line_numbers(store, ids) if with_lines else {}
        steps = evidence_queries.steps(
            store, [execution.execution_id for execution in batch if execution.flagged]
        )
        for execution in batch:
            row = _as_row(writer, iso, execution, steps.get(execution.execution_id))
            if with_lines:
                row["line_numbers"] = numbers.get(execution.execution_id, [])
            yield row


def iso_times(store: Store) -> Iso:
    """How this log's times are written as ISO 8601: with a `Z` where all of them are in UTC; None for no time."""
    zone = "Z" if facts.read(store).get("times") == facts.UTC else ""
    return lambda time: f"{time.isoformat()}{zone}" if time else None


def _as_row(
    writer: Evidence, iso: Iso, execution: views.ExecutionRow, steps: list[evidence_queries.Step] | None
) -> dict[str, Any]:
    """One execution with its finding; times as ISO 8601."""
    return {
        "execution": execution.identifier,
        "grouped_by": execution.grouped_by,
        "source": execution.source,
        "start": iso(execution.start_time),
        "end": iso(execution.end_time),
        "lines": execution.lines,
        "first_line": execution.first_line,
        "last_line": execution.last_line,
        "flagged": execution.flagged,
        "score": round(execution.score, 4),
        "level": execution.level,
        "failure_mode": execution.failure_mode_id,
        "verdict": execution.verdict,
        "verdict_by": execution.verdict_by,
        "finding": _finding(writer, execution, steps) if execution.flagged and steps else None,
    }


def _finding(
    writer: Evidence, execution: views.ExecutionRow, steps: list[evidence_queries.Step]
) -> dict[str, Any] | None:
    found = writer.findings(execution.variant_id)
    if not found:
        return None
    first = found[0]
    return {
        "kind": first.kind,
        "parent_path": first.parent_path,
        "seq": list(first.seq),
        "spans": [
            [step.first_line, step.last_line]
            for step in steps[first.position : first.position + first.length]
        ],
        "detector": first.detector,
        "evidence": [
            {"text": sentence.text, "lines": list(sentence.lines), **files_of(sentence.lines)}
            for sentence in writer.of(execution, steps)
        ],
    }
