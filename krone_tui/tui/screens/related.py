"""What a failure mode has to do with others, in a line or two."""

from krone_tui.store.relations import Related
from krone_tui.store.views import FailureModeRow
from krone_tui.tui.findings import Findings
from krone_tui.tui.screens.mode_rows import short_title
from krone_tui.tui.text import duration, safe

_MOST = 3
"""Failure modes found in the same executions that are named."""
_TITLE = 44
"""Characters of another failure mode's title."""


def related_words(mode: FailureModeRow, findings: Findings) -> str:
    """`Starts 3.0 s after mode 2 (…). Also in 212 of these 320: mode 5 (…).`; '' where it stands alone."""
    related = findings.related.get(mode.failure_mode_id, Related())
    parts = []
    if related.after is not None:
        other, seconds = related.after
        parts.append(f"{_start(seconds, 'Starts')} {_name(other, findings)}.")
    if related.before is not None:
        other, seconds = related.before
        when = f"starts {duration(seconds)} later" if seconds else "starts with it"
        name = _name(other, findings)
        parts.append(f"{name[0].upper()}{name[1:]} {when}.")
    if related.shared:
        named = ", ".join(
            f"{count:,} {_name(other, findings)}" if len(related.shared) > 1 else _name(other, findings)
            for other, count in related.shared[:_MOST]
        )
        more = f" and {len(related.shared) - _MOST} more" if len(related.shared) > _MOST else ""
        first = "" if len(related.shared) > 1 else f"{related.shared[0][1]:,} of "
        parts.append(f"Also in {first}these {mode.executions:,}: {named}{more}.")
    return " ".join(parts)


def _start(seconds: float, verb: str) -> str:
    return f"{verb} {duration(seconds)} after" if seconds else f"{verb} with"


def _name(failure_mode_id: int, findings: Findings) -> str:
    other = findings.mode(failure_mode_id)
    return f"mode {failure_mode_id}" + (f" ({safe(short_title(other.title), _TITLE)})" if other else "")
