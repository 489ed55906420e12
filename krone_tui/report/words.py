"""Phrases that reports share; none of them holds text of a log."""

from datetime import datetime


def counted(number: int, what: str) -> str:
    """`1 execution`, `1,200 executions`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def at(time: datetime | None) -> str:
    """A time to the second; '' for none."""
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else ""


def between(start: datetime | None, end: datetime | None) -> str:
    """`2026-03-14 02:10:00 to 2026-03-14 02:14:09`, or one of them where they are the same; '' without times."""
    if not start or not end:
        return ""
    return at(start) if at(start) == at(end) else f"{at(start)} to {at(end)}"


def zone_words(zones: str) -> str:
    """What follows a log's times where they are not as its lines have them; '' where they are."""
    return f" UTC (its lines are written in {zones})" if zones else ""


def and_in(files: int) -> str:
    """` and in 2 other files`; '' for none."""
    return f" and in {files:,} other file{'' if files == 1 else 's'}" if files else ""


def line_range(first: int, last: int) -> str:
    """`line 8`, `lines 8 to 15`."""
    return f"line {first}" if first == last else f"lines {first} to {last}"
