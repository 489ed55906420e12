"""What leaves the tool: findings as text and as JSON lines."""

from collections.abc import Iterator
from enum import StrEnum

from krone_tui.report import jsonl, text
from krone_tui.report.onset import Stretch, find_onset
from krone_tui.report.safe import printable
from krone_tui.store import Store


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSONL = "jsonl"


def write(store: Store, format_: Format, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """The findings, line by line; `everything` adds the executions that were not flagged."""
    if format_ is Format.JSONL:
        return jsonl.lines(store, everything=everything, with_lines=with_lines)
    return text.lines(store, everything=everything)


__all__ = ["Format", "Stretch", "find_onset", "printable", "write"]
