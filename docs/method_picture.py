"""Makes the picture of docs/method.md: `python docs/method_picture.py` writes docs/method.svg.

One execution of the shipped incident, read by krone-tui itself: its records, and the Seqs they make at each level.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SAMPLE = "sample_logs/pool-exhaustion.log.gz"
EXECUTION = "req-cf21f2f9"
QUERY = f"""
SELECT r.first_line, t.text, t.entity, t.action, t.status, t.outcome = 'failure' AS fails
FROM record r JOIN execution e USING (execution_id) JOIN template t USING (template_id)
WHERE e.identifier = '{EXECUTION}' ORDER BY r.record_id
"""

ROW, TOP_EDGE, WIDTH = 24, 66, 960
COLUMNS = {"records": (16, 384), "status": (416, 150), "action": (582, 150), "entity": (748, 196)}
"""Left edge and width in pixels."""
# A ground of its own and dark letters on it: readable on a light page and on a dark one.
STYLE = """
text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, monospace; fill: #24292f }
.head { font-weight: bold } .small { font-size: 11px; fill: #57606a }
rect { fill: #ffffff; stroke: #8c959f } .ground { fill: #f6f8fa; stroke: #d0d7de } .fails { fill: #ffd8d3; stroke: #cf222e }
path { stroke: #57606a; fill: none } .stop { stroke: #cf222e; stroke-dasharray: 4 3 }
"""


@dataclass(frozen=True)
class Step:
    """One record as it is read."""

    line: int
    text: str
    path: tuple[str, str, str]
    """entity, action, status"""
    fails: bool


def steps() -> list[Step]:
    """The records of the execution, in order."""
    command = [sys.executable, "-m", "krone_tui.cli", "sql", SAMPLE, QUERY, "--format", "json", "--no-cache"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    return [
        Step(row["first_line"], row["text"], (row["entity"], row["action"], row["status"]), row["fails"])
        for row in json.loads(done.stdout)
    ]


def spans(found: list[Step], depth: int) -> Iterator[tuple[int, list[Step]]]:
    """Runs of records below the same entity (1), the same action (2); at 3 each record is one."""
    at = 0
    for _, run in groupby(
        enumerate(found), lambda item: item[1].path[:depth] + ((item[0],) if depth == 3 else ())
    ):
        members = [step for _, step in run]
        yield at, members
        at += len(members)


def picture(found: list[Step]) -> str:
    """The SVG."""
    lines = list(_heads())
    for at, step in enumerate(found):
        lines.append(
            _text(COLUMNS["records"][0], at, f"{step.line}  {_cut(step.text.removeprefix('[req-<*>] '), 46)}")
        )
    for depth, level in ((3, "status"), (2, "action"), (1, "entity")):
        for at, members in spans(found, depth):
            fails = level == "status" and members[0].fails
            lines += _box(level, at, len(members), members[0].path[depth - 1], fails)
    bottom = TOP_EDGE + len(found) * ROW
    lines += _routing(bottom)
    height = bottom + 118
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
        f"<title>One execution as nested Seqs, and the way each of them is judged</title>\n<style>{STYLE}</style>\n"
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def _heads() -> Iterator[str]:
    titles = {
        "records": (f"records of {EXECUTION}", "one template each"),
        "status": ("S-Seqs", "statuses of an action"),
        "action": ("A-Seqs", "actions of an entity"),
        "entity": ("E-Seq", "entities of the execution"),
    }
    for name, (title, below) in titles.items():
        left = COLUMNS[name][0]
        yield f'<text class="head" x="{left}" y="28">{escape(title)}</text>'
        yield f'<text class="small" x="{left}" y="46">{escape(below)}</text>'


def _box(level: str, at: int, rows: int, name: str, fails: bool) -> list[str]:
    left, width = COLUMNS[level]
    top = TOP_EDGE + at * ROW
    kind = ' class="fails"' if fails else ""
    return [
        f'<rect{kind} x="{left}" y="{top + 2}" width="{width}" height="{rows * ROW - 4}" rx="3"/>',
        f'<text x="{left + 8}" y="{top + rows * ROW / 2 + 4:g}">{escape(_cut(name, width // 8))}</text>',
    ]


def _routing(top: int) -> list[str]:
    """The way of judging, below the columns."""
    lines = [
        f'<text class="head" x="16" y="{top + 34}">judged from left to right, equal Seqs once:</text>',
        f'<text class="small" x="16" y="{top + 56}">known? → Local-Context → Nested-Aware</text>',
        f'<text class="small" x="16" y="{top + 74}">each sees what the one before could not clear</text>',
        f'<text class="small" x="416" y="{top + 96}">flagged here: the levels to the right are not judged (early exit)</text>',
    ]
    for left, right in (("status", "action"), ("action", "entity")):
        start, end = COLUMNS[left][0] + COLUMNS[left][1] / 2, COLUMNS[right][0] + COLUMNS[right][1] / 2
        lines.append(f'<path d="M {start:g} {top + 40} H {end:g} l -7 -4 m 7 4 l -7 4"/>')
    for name, words in (("status", "1. status"), ("action", "2. action"), ("entity", "3. entity")):
        lines.append(f'<text x="{COLUMNS[name][0]}" y="{top + 28}">{words}</text>')
    lines.append(f'<path class="stop" d="M {COLUMNS["status"][0] + 75} {top + 44} v 38"/>')
    return lines


def _text(left: int, at: int, words: str) -> str:
    return f'<text class="small" x="{left}" y="{TOP_EDGE + at * ROW + 16}">{escape(words)}</text>'


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


if __name__ == "__main__":
    (TOP / "docs" / "method.svg").write_text(picture(steps()), encoding="utf-8")
