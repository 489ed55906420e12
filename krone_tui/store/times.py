"""SQL that reads a time as a log writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

ELAPSED = "elapsed"
"""How a time is written that only says what has passed since a start: seconds, or with `s`, `ms` or `ns` behind them.

It is told from 1970-01-01 00:00:00 on, which stands for that start: order, pauses and rates are true, dates are not.
"""

_COUNTED = ("epoch", "hex", ELAPSED)
"""How a time is written that is a count, and has no date to read: `hex` is seconds and a part of one, both hexadecimal."""


@dataclass(frozen=True)
class Clock:
    """What completes a time that lacks its year, or its date."""

    latest: datetime
    """No record is later: when the source was last written, in the zone the log was written in."""


def quoted(text: str) -> str:
    """A SQL string literal for any text."""
    return "'" + text.replace("'", "''") + "'"


def first_of(*expressions: str | None) -> str:
    """SQL: the first one that is not NULL."""
    given = [expression for expression in expressions if expression]
    return given[0] if len(given) == 1 else f"coalesce({', '.join(given)})"


def time_expression(text: str, kinds: Sequence[str], clock: Clock) -> str:
    """SQL: a TIMESTAMP, in UTC where the text states a zone, else as written; NULL where none fits."""
    found = first_of(*(_one_time(text, kind, clock) for kind in kinds))
    # 'infinity', years BC and five-digit years are times to DuckDB, and none to compute with; no log is older than the
    # epoch, but two digits of a year pass for four. least() and greatest() pass over NULL.
    first, end = "TIMESTAMP '1969-12-31'", "TIMESTAMP '10000-01-01'"
    return f"nullif(nullif(greatest(least({found}, {end}), {first}), {first}), {end})"


def period_of(kind: str) -> str | None:
    """What a time format leaves open: 'year', 'day', or None when it is complete."""
    if kind == "iso" or kind in _COUNTED or "%Y" in kind or "%y" in kind:
        return None
    return "year" if "%d" in kind else "day"


def _one_time(text: str, kind: str, clock: Clock) -> str:
    if kind == "iso":
        # TIMESTAMPTZ honours an offset or a zone's name, an unknown name leaves the time as written.
        # The session's zone is UTC.
        clean = f"replace(replace(replace({text}, ',', '.'), ' +', '+'), ' -', '-')"
        zoned = f"make_timestamp(epoch_us(TRY_CAST({clean} AS TIMESTAMPTZ)))"
        return f"coalesce({zoned}, TRY_CAST({clean} AS TIMESTAMP))"
    if kind in _COUNTED:
        return _counted_time(text, kind)
    period = period_of(kind)
    if period == "year":
        if kind.startswith("%m%d"):
            # A month may lack its zero: 516 is 16 May.
            text = f"CASE WHEN strpos({text}, ' ') = 4 THEN '0' || {text} ELSE {text} END"
        # A leap year, so that 29 February is a date.
        parsed = f"try_strptime('2000 ' || {text}, {quoted('%Y ' + kind)})"
        return f"({parsed} + to_years({clock.latest.year - 2000}))"
    if period == "day":
        days = (clock.latest.date() - datetime(1900, 1, 1).date()).days  # noqa: DTZ001 (a date only)
        return f"(try_strptime({text}, {quoted(kind)}) + to_days({days}))"
    parsed = f"try_strptime({text}, {quoted(kind)})"
    return f"make_timestamp(epoch_us({parsed}))" if "%z" in kind else parsed


def _counted_time(text: str, kind: str) -> str:
    if kind == "epoch":
        # The unit by magnitude: seconds up to 1e11 (year 5138), then milli-, micro-, nanoseconds.
        number = f"TRY_CAST({text} AS DECIMAL(38, 9))"
        units = ((1e11, 1e6), (1e14, 1e3), (1e17, 1))
        whens = " ".join(f"WHEN {number} < {limit:.0f} THEN {factor}" for limit, factor in units)
        unit = f"CASE {whens} ELSE 0.001 END"
        usable = f"{number} BETWEEN 1e8 AND 4e18"
        return (
            f"CASE WHEN {usable} THEN make_timestamp(CAST(CAST({number} AS DOUBLE) * ({unit}) AS BIGINT)) END"
        )
    if kind == "hex":
        # Seconds, and behind the full stop eight digits of nanoseconds, or fewer of microseconds.
        seconds, rest = (f"TRY_CAST('0x' || split_part({text}, '.', {part}) AS BIGINT)" for part in (1, 2))
        unit = f"CASE WHEN length(split_part({text}, '.', 2)) = 8 THEN 1000 ELSE 1 END"
        return f"make_timestamp({seconds} * 1000000 + {rest} // {unit})"
    number = f"TRY_CAST(regexp_extract({text}, '^[0-9.]+') AS DOUBLE)"
    unit = f"CASE regexp_extract({text}, '[a-z]+') WHEN 'ms' THEN 1e3 WHEN 'ns' THEN 1e-3 ELSE 1e6 END"
    microseconds = f"{number} * ({unit})"
    return f"CASE WHEN {microseconds} < 1e17 THEN make_timestamp(CAST(round({microseconds}) AS BIGINT)) END"
