"""In which zone the times of a log are: found on its records, where a stated zone has been taken to UTC."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from krone_tui.store.connection import Store

_LOOKED_AT = 96
"""Records that are looked at, evenly over the log: a log states the same zones throughout, or summer and winter time."""
_CHARACTERS = 4_000
"""Of each: its header, or the beginning of a JSON object. What ends there may be cut."""
_DAY = 24 * 60
_QUARTER = 15
"""Minutes that every zone's distance from UTC is a multiple of."""
_FURTHEST = 14 * 60
"""Minutes that a zone is at most away from UTC."""
_LEAST_EPOCH = 100_000_000
"""Seconds from which a number is a date: smaller ones tell what has passed since a start."""
_UTC, _AS_WRITTEN = ("Z", "UTC", "GMT"), "as written"
_WRITTEN = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.,]\d+)?(?: ?(?P<half>[AP])M\b)?"
    r" ?(?P<zone>Z\b|[+-]\d{2}:?\d{2}\b|[+-]\d{2}\b|[A-Z]{2,5}\b)?"
)


@dataclass(frozen=True)
class Zones:
    """What a log states."""

    utc: bool
    """All its times are in UTC: each states its zone, or counts from the epoch."""
    stated: tuple[str, ...]
    """Distances from UTC that it states and that shifted its times, as `+01:00`, in order."""


def find_zones(store: Store) -> Zones:
    """What the records of the log under analysis state; neither in a log without times."""
    step = max(1, int(store.scalar("SELECT count(*) FROM parsed_record")) // _LOOKED_AT)
    rows = store.rows(
        f"""
        SELECT p.time, left(coalesce(p.raw, coalesce(p.prefix, '') || p.message), {_CHARACTERS})
        FROM parsed_record AS p JOIN source AS o USING (source_id)
        WHERE p.record_id IN (SELECT range * {step} FROM range({_LOOKED_AT + 1})) AND p.time IS NOT NULL AND NOT o.is_baseline
        """
    )
    return zones_of((row[0], str(row[1])) for row in rows)


def zones_of(records: Iterable[tuple[datetime, str]]) -> Zones:
    """The zones of some records' (time as it was read, text as it was written)."""
    found = [_minutes_ahead(time, text) for time, text in records]
    # A record in which no time is found again tells nothing, as one that got the time of the record before.
    known = [minutes for minutes in found if minutes is not None]
    shifts = sorted({minutes for minutes in known if isinstance(minutes, int) and minutes})
    return Zones(bool(known) and _AS_WRITTEN not in known, tuple(_offset(minutes) for minutes in shifts))


def _minutes_ahead(time: datetime, text: str) -> int | str | None:
    """Minutes that the zone stated is ahead of UTC; 'as written' where none is; None where the time is not found."""
    seconds = int((time - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001 (times are kept without a zone)
    if seconds >= _LEAST_EPOCH and f"{seconds}" in text:
        return 0
    for written in _WRITTEN.finditer(text):
        if written.end() == _CHARACTERS:
            return None
        ahead, zone = _ahead(time, written), written["zone"]
        if ahead == 0:
            return 0 if zone in _UTC or _stated(zone) == 0 else _AS_WRITTEN
        if ahead is not None and zone is not None:
            return ahead
    return None


def _ahead(time: datetime, written: re.Match[str]) -> int | None:
    """Minutes between a time as it stands in the text and as it was read; None where no zone explains them."""
    hour = int(written["hour"])
    if written["half"]:
        hour = hour % 12 + (12 if written["half"] == "P" else 0)
    minutes = hour * 60 + int(written["minute"]) - time.hour * 60 - time.minute
    ahead = (minutes + _DAY // 2) % _DAY - _DAY // 2
    stated = _stated(written["zone"])
    if stated is not None:
        # Modulo a day: +13:00 is not told apart from -11:00 by the time of day alone.
        return stated if (stated - minutes) % _DAY == 0 and int(written["second"]) == time.second else None
    fits = ahead % _QUARTER == 0 and abs(ahead) <= _FURTHEST and int(written["second"]) == time.second
    return ahead if fits else None


def _stated(zone: str | None) -> int | None:
    """Minutes ahead of UTC that `+0130`, `+01:30` or `+01` says; None for a name."""
    if not zone or zone[0] not in "+-":
        return None
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:]))


def _offset(minutes: int) -> str:
    """`+01:00` for 60."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
