"""What leaves the tool: findings as text, JSON, JSON lines, CSV, Markdown and HTML."""

from collections.abc import Iterator
from enum import StrEnum

from krone_tui.report import csv, html, json, jsonl, markdown, text
from krone_tui.report.safe import printable
from krone_tui.report.timeline import Timeline, find_onset
from krone_tui.store import Store


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "md"
    HTML = "html"

    @property
    def has_rows(self) -> bool:
        """It has a row for every execution, which line numbers can be added to."""
        return self in (Format.JSON, Format.JSONL, Format.CSV)


def write(store: Store, format_: Format, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """The findings, line by line; `everything` adds the executions that were not flagged, `with_lines` their line
    numbers to formats that have rows.
    """
    match format_:
        case Format.TEXT:
            return text.lines(store, everything=everything)
        case Format.JSON:
            return json.lines(store, everything=everything, with_lines=with_lines)
        case Format.JSONL:
            return jsonl.lines(store, everything=everything, with_lines=with_lines)
        case Format.CSV:
            return csv.lines(store, everything=everything, with_lines=with_lines)
        case Format.MARKDOWN:
            return markdown.lines(store, everything=everything)
        case Format.HTML:
            return html.lines(store, everything=everything)


__all__ = ["Format", "Timeline", "find_onset", "printable", "write"]
