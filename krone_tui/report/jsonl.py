"""One execution a line, as JSON. The names are a contract: fields are only ever added."""

import json
from collections.abc import Iterator
from typing import Any

from krone_tui.explanation import Evidence
from krone_tui.store import Store, views
from krone_tui.store import evidence as evidence_queries
from krone_tui.store import report as queries


def lines(store: Store, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """JSON lines of the flagged executions, or of all, in the order of their first records."""
    writer = Evidence(store)
    executions = {
        one.execution_id: one for one in views.executions(store, flagged=None if everything else True)
    }
    for batch in queries.batches(list(executions)):
        numbers = queries.line_numbers(store, batch) if with_lines else {}
        steps = evidence_queries.steps(store, [number for number in batch if executions[number].flagged])
        for number in batch:
            row = as_dict(writer, executions[number], steps.get(number))
            if with_lines:
                row["line_numbers"] = numbers.get(number, [])
            yield json.dumps(row)


def as_dict(
    writer: Evidence, execution: views.ExecutionRow, steps: list[evidence_queries.Step] | None
) -> dict[str, Any]:
    """One execution with its finding; times as ISO 8601."""
    return {
        "execution": execution.identifier,
        "grouped_by": execution.grouped_by,
        "source": execution.source,
        "start": execution.start_time.isoformat() if execution.start_time else None,
        "end": execution.end_time.isoformat() if execution.end_time else None,
        "lines": execution.lines,
        "first_line": execution.first_line,
        "last_line": execution.last_line,
        "flagged": execution.flagged,
        "score": round(execution.score, 4),
        "level": execution.level,
        "failure_mode": execution.failure_mode_id,
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
            {"text": sentence.text, "lines": list(sentence.lines)} for sentence in writer.of(execution, steps)
        ],
    }
