"""A sentence of evidence, and how it cites the lines it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from krone_tui.store.lines import Line

SHOWN_LINES = 6
"""Line numbers named in one sentence; of more, the first ones and how many there are."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of evidence, and the lines it rests on."""

    text: str
    """Without the line numbers and the full stop."""
    lines: tuple[Line, ...]
    """Empty where the sentence speaks of other executions."""

    def __str__(self) -> str:
        return f"{self.text}{cite(self.lines)}."


def cite(lines: Sequence[Line]) -> str:
    """` (lines 3, 4, 9)`, ` (line 3; line 7 of api.log)`, shortened when there are many; '' without any."""
    if not lines:
        return ""
    parts = [
        _of_file(file, [int(line) for line in few])
        for file, few in groupby(lines[:SHOWN_LINES], lambda line: line.file)
    ]
    more = f" and {len(lines) - SHOWN_LINES:,} more" if len(lines) > SHOWN_LINES else ""
    return f" ({'; '.join(parts)}{more})"


def _of_file(file: str, lines: list[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}{f' of {file}' if file else ''}"


def files_of(lines: Sequence[Line]) -> dict[str, list[str]]:
    """For documents beside their numbers: `files`, one for each line, '' where the execution begins; nothing where all are there."""
    return {"files": [line.file for line in lines]} if any(line.file for line in lines) else {}
