"""A sentence of evidence, and how it cites the lines it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_LINES = 6
"""Line numbers named in one sentence; of more, the first ones and how many there are."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of evidence, and the lines it rests on."""

    text: str
    """Without the line numbers and the full stop."""
    lines: tuple[int, ...]
    """1-based physical lines of the execution's source; empty where the sentence speaks of other executions."""

    def __str__(self) -> str:
        return f"{self.text}{cite(self.lines)}."


def cite(lines: Sequence[int]) -> str:
    """` (lines 3, 4, 9)`, shortened when there are many; '' without any."""
    if not lines:
        return ""
    shown = ", ".join(str(line) for line in lines[:SHOWN_LINES])
    more = f" and {len(lines) - SHOWN_LINES:,} more" if len(lines) > SHOWN_LINES else ""
    return f" (line{'s' if len(lines) > 1 else ''} {shown}{more})"
