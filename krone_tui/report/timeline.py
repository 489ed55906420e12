"""Executions over the log's time, and when the incident started: the stretch with clearly more flagged ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MIN_GAIN = 12.0
"""Log-likelihood gain of a stretch over one even rate from which it counts: noise alone stays below it in thousands of logs."""
MIN_RATIO = 2.0
"""How many times the rate outside a stretch its rate must be."""


@dataclass(frozen=True)
class Stretch:
    """Slices of the log's time from `first` to before `end`."""

    first: int
    end: int


@dataclass(frozen=True)
class Timeline:
    """Executions and flagged ones in equal slices of the log's time."""

    slices: tuple[tuple[datetime, int, int], ...]
    """(start, executions, flagged executions); empty for a log without times."""
    end: datetime | None
    onset: Stretch | None

    @classmethod
    def of(cls, slices: list[tuple[datetime, int, int]], end: datetime | None) -> "Timeline":
        """With the onset found."""
        return cls(
            tuple(slices), end, find_onset([(executions, flagged) for _, executions, flagged in slices])
        )

    @property
    def onset_time(self) -> datetime | None:
        """When the unusual stretch begins."""
        return self.slices[self.onset.first][0] if self.onset else None


def find_onset(slices: Sequence[tuple[int, int]]) -> Stretch | None:
    """The most unusual stretch of (executions, flagged) slices, by Kulldorff's scan statistic over a binomial; None for an even log."""
    total = sum(executions for executions, _ in slices)
    flagged = sum(bad for _, bad in slices)
    if not 0 < flagged < total:
        return None
    running, running_bad = [0], [0]
    for executions, bad in slices:
        running.append(running[-1] + executions)
        running_bad.append(running_bad[-1] + bad)
    even = _likelihood(flagged, total)
    best, found = MIN_GAIN, None
    for first in range(len(slices)):
        for end in range(first + 1, len(slices) + 1):
            inside, bad = running[end] - running[first], running_bad[end] - running_bad[first]
            outside, bad_outside = total - inside, flagged - bad
            if not inside or not outside or bad * outside < MIN_RATIO * bad_outside * inside:
                continue
            gain = _likelihood(bad, inside) + _likelihood(bad_outside, outside) - even
            if gain > best:
                best, found = gain, Stretch(first, end)
    return found


def _likelihood(bad: int, of: int) -> float:
    """The binomial log-likelihood at its own rate."""
    good = of - bad
    return (bad * math.log(bad / of) if bad else 0.0) + (good * math.log(good / of) if good else 0.0)
