"""`krone-tui groups LOG…`: what the records were grouped by, and why."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import opened, print_lines
from krone_tui.commands.tables import harmless, print_table
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.settings import Settings
    from krone_tui.store.groupings import CandidateRow
    from krone_tui.store.views import Summary

_WHERE = {
    "message": "message",
    "line": "line",
    "several": "several",
    "header": "header",
    "field": "field",
    "source": "file",
    "window": "time",
}
_LABELS = ("", "identifier", "in", "share", "values", "records", "steps", "alike", "brief", "score")
_NUMBERS = _LABELS[3:]
_HOW_TO_READ = (
    "share    of the records that have a value of it",
    "values   how many there are: each would make an execution",
    "records  with the same value, in the median",
    "steps    different templates with the same value, in the mean: an execution has several",
    "alike    chance that two values begin with the same template: executions of one kind do",
    "brief    share of the log's length that a value does not span: executions come and go",
    "score    all of these together, 0 to 1",
)


@investigates()
def groups(
    paths: Paths,
    settings: "Settings",
    format_: Annotated[str, typer.Option("--format", metavar="text|json", help="How to write it.")] = "text",
) -> None:
    """Explain what the records were grouped by: the chosen identifier and the runners-up."""
    if format_ not in ("text", "json"):
        raise KroneError(f"--format is one of text, json, not '{format_}'.")
    from krone_tui.store import groupings, views

    with opened(paths, settings) as investigation:
        summary, rows = views.summary(investigation.store), groupings.candidates(investigation.store)
        if format_ == "json":
            print_lines([json.dumps(_as_dict(summary, rows), indent=2)], always_utf8=True)
        else:
            _print(summary, rows, settings.group_by is not None)


def _as_dict(summary: "Summary", rows: "list[CandidateRow]") -> dict[str, Any]:
    return {
        "grouped_by": summary.grouped_by,
        "reason": summary.grouping_reason,
        "executions": summary.executions,
        "windows": summary.windows,
        "candidates": [dataclasses.asdict(row) for row in rows],
    }


def _print(summary: "Summary", rows: "list[CandidateRow]", asked_for: bool) -> None:
    chosen = rows[0]
    windows = f", {summary.windows:,} of them windows of records without it" if summary.windows else ""
    head = [f"{summary.executions:,} executions, grouped by {harmless(chosen.name)}{windows}."]
    if chosen.kind == "window":
        head = [
            f"{summary.executions:,} executions, all of them windows: {harmless(chosen.reason).rstrip('.')}."
        ]
    if asked_for:
        head.append("It was asked for (--group-by or the setting group_by).")
    elif chosen.kind == "window":
        head.append("No identifier holds the records together well enough.")
    else:
        head.append(f"It has the best score: {harmless(chosen.reason)}")
    print_lines([*head, ""], always_utf8=False)
    print_table(_LABELS, [_cells(row) for row in rows], right=_NUMBERS)
    others = [row for row in rows if not row.chosen and row.kind != "window"]
    against = [f"{harmless(row.name)}: {_against(row)}." for row in others]
    print_lines(
        [
            *(["", "What speaks against the others:", *against] if others else []),
            "",
            *_HOW_TO_READ,
            "",
            "Choose yourself with --group-by: one of these names, or a regular expression.",
        ],
        always_utf8=False,
    )


def _cells(row: "CandidateRow") -> tuple[str, ...]:
    mark = ">" if row.chosen else ""
    if row.kind == "window":
        # Windows are what is left where no identifier serves; they are not measured.
        return (mark, row.name, _WHERE[row.kind], "", f"{row.executions:,}", "", "", "", "", "")
    return (
        mark,
        row.name,
        _WHERE.get(row.kind, row.kind),
        f"{row.coverage:.0%}",
        f"{row.executions:,}",
        f"{row.records_per_execution:,.0f}",
        f"{row.variety:.1f}",
        f"{row.start_concentration:.0%}",
        f"{row.locality:.0%}",
        f"{row.score:.2f}",
    )


def _against(row: "CandidateRow") -> str:
    """The measure that an identifier does worst in, in words."""
    if row.executions < 3:
        return "it has too few values to tell executions apart"
    weaknesses = (
        (row.coverage, "few records carry it"),
        (row.records_per_execution / 4, "most of its values occur once or twice"),
        ((row.variety - 1) / 1.5, "a value goes with one kind of step only"),
        (row.locality**2, "a value lives through much of the log, as a host or a user does"),
        (0.4 + 0.6 * row.start_concentration**0.5, "its values begin with anything"),
    )
    worst, words = min(weaknesses)
    return words if worst < 0.8 else "it does well, the chosen one better"
