"""Log text and figures made fit for the screen: harmless, short, aligned."""

from datetime import datetime

from krone_tui.report import printable

_UNSEEN = dict.fromkeys([0x2800, *range(0xFE00, 0xFE10)], " ") | dict.fromkeys(
    [0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "
)
"""Characters that print as nothing, or as a blank that is none, though Unicode calls them letters, marks or spaces."""

BARS = " ▁▂▃▄▅▆▇█"
"""A column's eight heights, for sparklines and the histogram."""


def safe(text: str, most: int | None = None) -> str:
    """One line of text that a terminal shows and never obeys; every string of a log passes here before it is drawn.

    Control, bidirectional and zero-width characters are spelled out; a line break reads `⏎`; longer than `most` is cut.
    """
    shown = printable(text, most)
    return shown if shown.isascii() else shown.translate(_UNSEEN)


def safe_lines(text: str) -> list[str]:
    """Several lines of log text, each made harmless."""
    return [safe(line.rstrip("\r")) for line in text.split("\n")]


def clock(time: datetime | None, *, day: bool = False, millis: bool = False) -> str:
    """A time of day, with the date in front when `day`, blank when there is none."""
    if time is None:
        return ""
    shown = f"{time:%Y-%m-%d %H:%M:%S}" if day else f"{time:%H:%M:%S}"
    return f"{shown}.{time.microsecond // 1000:03d}" if millis else shown


def moment(time: datetime | None, *, day: bool) -> str:
    """A time of day; where a log is of several days, with month and day in front."""
    return f"{time:%m-%d %H:%M:%S}" if time is not None and day else clock(time)


def end_of(text: str, most: int) -> str:
    """The end of a path that is too long for its place, after `…`: which file it is stands there."""
    return text if len(text) <= most else "…" + text[len(text) - most + 1 :]


def duration(seconds: float | None) -> str:
    """A span of time in at most seven characters: `340 ms`, `12.5 s`, `4m 10s`, `3h 05m`, `2.1 d`."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m {int(seconds % 60):02d}s"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)}h {int(seconds % 3600 // 60):02d}m"
    return f"{seconds / 86400:.1f} d"


def count(number: int, what: str) -> str:
    """`1 record`, `1,200 records`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def short_count(number: int) -> str:
    """A count in at most five characters: `812`, `12.3k`, `4.5M`."""
    if number < 10_000:
        return str(number)
    if number < 1_000_000:
        return f"{number / 1000:.1f}k" if number < 100_000 else f"{number // 1000}k"
    return f"{number / 1_000_000:.1f}M"


def sparkline(values: list[int]) -> str:
    """One character a value, scaled to the largest; a value above zero is never blank."""
    most = max(values, default=0)
    if most == 0:
        return " " * len(values)
    return "".join(BARS[0 if value == 0 else max(1, round(value / most * 8))] for value in values)
