"""What the user wants to see of the log: a filter over failure modes, and a range of time. Both combine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from krone_tui.errors import KroneError
from krone_tui.store.screen import TimeRange
from krone_tui.store.views import FailureModeRow

FIELDS = ("kind", "level", "entity", "action", "component", "source", "score")
"""What a filter may name; anything else is text looked for in title, path and templates."""


@dataclass(frozen=True)
class Filter:
    """Terms that must all hold."""

    terms: tuple[tuple[str, str], ...] = ()
    """(one of FIELDS or 'text', what to look for in lower case)."""
    written: str = ""
    """As the user wrote it."""

    def admits(self, mode: FailureModeRow, places: Mapping[int, str], components: Mapping[int, str]) -> bool:
        """Whether a failure mode passes."""
        path = [part.strip().lower() for part in mode.path.split("›")]
        values = {
            "kind": mode.kind,
            "level": mode.level,
            "entity": path[0] if path else "",
            "action": path[1] if len(path) > 1 else "",
            "component": components.get(mode.failure_mode_id, ""),
            "source": components.get(mode.failure_mode_id, ""),
            "text": f"{mode.title} {mode.path} {places.get(mode.failure_mode_id, '')}",
        }
        return all(
            mode.score >= float(what) if name == "score" else what in values[name].lower()
            for name, what in self.terms
        )


def parse_filter(written: str) -> Filter:
    """`kind:new entity:block score:0.9 refused` as a filter. Raises `KroneError` where a score is no number."""
    terms: list[tuple[str, str]] = []
    for word in written.split():
        name, colon, what = word.partition(":")
        if colon and name.lower() in FIELDS:
            if name.lower() == "score" and not re.fullmatch(r"\d*\.?\d+", what):
                raise KroneError(f"score: takes a number from 0 to 1, not '{what}'.")
            terms.append((name.lower(), what.lower()))
        else:
            terms.append(("text", word.lower()))
    return Filter(tuple(terms), written.strip())


def parse_time_range(written: str, first: datetime, last: datetime) -> TimeRange:
    """`02:10..02:40`, `2026-03-14 02:10..`, `..02:40`, or `+20m` (from 20 minutes before the end), within a log's extent.

    A time without a date is that time on the first day of the log on which it falls within the log. Raises `KroneError`
    with how to write it.
    """
    text = written.strip()
    if not text:
        return TimeRange()
    if found := re.fullmatch(r"[+-]?\s*(\d+(?:\.\d+)?)\s*([smhd])", text):
        return TimeRange(
            since=last
            - timedelta(seconds=float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]])
        )
    since, dots, until = (part.strip() for part in text.partition(".."))
    if not dots:
        raise KroneError(
            "Write a range as 02:10..02:40, 02:10.., ..02:40, with a date in front if need be, or 20m for the last 20 minutes."
        )
    start = _moment(since, first, last) if since else None
    end = _moment(until, first, last) if until else None
    if start is not None and end is not None and end <= start:
        raise KroneError("The range ends before it starts.")
    if (start is not None and start > last) or (end is not None and end <= first):
        raise KroneError(
            f"Nothing of the log is in this range: it goes from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}."
        )
    return TimeRange(start, end)


def _moment(text: str, first: datetime, last: datetime) -> datetime:
    try:
        day_time = time.fromisoformat(text if len(text) > 4 else text.zfill(5))
    except ValueError:
        try:
            return _in_utc(datetime.fromisoformat(text))
        except ValueError:
            raise KroneError(f"'{text}' is no time: write 02:10, 02:10:30 or 2026-03-14 02:10.") from None
    day: date = first.date()
    moment = _in_utc(datetime.combine(day, day_time))
    while moment < first and moment + timedelta(days=1) <= last:
        moment += timedelta(days=1)
    return moment


def _in_utc(time: datetime) -> datetime:
    """As records carry times: as given without an offset, in UTC with one."""
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def describe(within: TimeRange) -> str:
    """A range of time in a few words; '' when it is open at both ends."""
    since = f"{within.since:%H:%M:%S}" if within.since else ""
    until = f"{within.until:%H:%M:%S}" if within.until else ""
    return f"{since}..{until}" if since or until else ""
