"""What a simulated system wrote, in order of time, and how it becomes a log file with labels."""

import csv
import gzip
import io
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple


class Entry(NamedTuple):
    """One record: seconds since the journal's start, its physical lines, and the execution it belongs to."""

    at: float
    text: str
    execution: str | None


@dataclass(frozen=True)
class Written:
    """What `Journal.write` wrote."""

    log: Path
    labels: Path
    lines: int
    """Physical lines of the log."""
    executions: int
    causes: Counter[str]
    """Failure mode → anomalous executions."""


@dataclass
class Journal:
    """Collects records in any order; causes are the ground truth of the anomalous executions."""

    start: datetime
    entries: list[Entry] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)

    def add(self, at: float, text: str, execution: str | None = None) -> None:
        """Append a record, `at` seconds after the start; `text` may span lines."""
        self.entries.append(Entry(at, text, execution))

    def time(self, at: float) -> datetime:
        """The wall clock `at` seconds after the start."""
        return self.start + timedelta(seconds=at)

    def write(self, folder: Path, name: str) -> Written:
        """Write `NAME.log.gz` and `NAME.labels.csv` into `folder`; the same journal gives the same bytes."""
        # A stable sort: records of one instant stay in the order in which they were added.
        ordered = sorted(self.entries, key=lambda entry: entry.at)
        spans: dict[str, list[int]] = {}
        line = 0
        for entry in ordered:
            first, line = line + 1, line + 1 + entry.text.count("\n")
            if entry.execution is not None:
                spans.setdefault(entry.execution, [first, line])[1] = line
        log = folder / f"{name}.log.gz"
        log.write_bytes(_gzip("".join(f"{entry.text}\n" for entry in ordered).encode()))
        labels = folder / f"{name}.labels.csv"
        labels.write_bytes(self._labels(spans).encode())
        return Written(log, labels, line, len(spans), Counter(self.causes.values()))

    def _labels(self, spans: dict[str, list[int]]) -> str:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["execution", "label", "cause", "first_line", "last_line"])
        for execution, (first, last) in spans.items():
            cause = self.causes.get(execution, "")
            rows.writerow([execution, int(bool(cause)), cause, first, last])
        return text.getvalue()


def _gzip(content: bytes) -> bytes:
    """Gzip without a time or a name in the header, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as archive:
        archive.write(content)
    return buffer.getvalue()


def seeded(name: str, seed: int) -> Random:
    """A generator of its own for one incident; text seeds do not depend on the interpreter's hash seed."""
    return Random(f"{name}:{seed}")


def latency(rng: Random, median_ms: float, sigma: float = 0.45) -> float:
    """A skewed latency in seconds around a median in milliseconds."""
    return rng.lognormvariate(math.log(median_ms), sigma) / 1000


def arrivals(rng: Random, seconds: float, per_second: float, wave: float = 0.25) -> list[float]:
    """Arrival times over a period, with a slow wave of `wave` around the mean rate (0…1)."""
    times = []
    at = 0.0
    peak = per_second * (1 + wave)
    while (at := at + rng.expovariate(peak)) < seconds:
        rate = per_second * (1 + wave * math.sin(at / 1100))
        if rng.random() < rate / peak:
            times.append(at)
    return times


def every(rng: Random, seconds: float, period: float, jitter: float = 0.02) -> list[float]:
    """Times of a periodic job over a period in seconds, with a jitter as a share of the period."""
    first = rng.uniform(0, period)
    count = int((seconds - first) // period) + 1
    return [max(0.0, first + n * period + rng.uniform(-jitter, jitter) * period) for n in range(count)]


def pick(rng: Random, weighted: dict[str, float]) -> str:
    """One key, by weight."""
    return rng.choices(list(weighted), weights=list(weighted.values()))[0]
