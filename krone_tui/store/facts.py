"""Queries of what is known of the investigation as a whole, and of what its making took."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from krone_tui.store.connection import Store

UTC = "UTC"
"""The fact 'times', where all of them are in UTC; else they are as written."""


def write(store: Store, facts: dict[str, str]) -> None:
    """Keep facts by name."""
    store.append("fact", pa.table({"name": list(facts), "value": list(facts.values())}))


def read(store: Store) -> dict[str, str]:
    """All facts by name."""
    return {str(name): str(value) for name, value in store.rows("SELECT name, value FROM fact")}


def log_paths(store: Store) -> list[str]:
    """Paths of the files under analysis, as the user named them; not of pipes."""
    return [
        str(path)
        for (path,) in store.rows(
            "SELECT path FROM source WHERE NOT is_baseline AND path <> '-' ORDER BY source_id"
        )
    ]


def notes(store: Store) -> tuple[str, ...]:
    """What the user must know of the sources, one sentence each."""
    return tuple(line for line in read(store).get("notes", "").split("\n") if line)


@dataclass(frozen=True)
class Work:
    """What a stage took and counted."""

    stage: str
    seconds: float
    counts: dict[str, float]


def write_work(store: Store, done: Sequence[Work], *, finished: bool = False) -> None:
    """Keep what stages took and counted; `finished`: in memory, beside an investigation that is whole."""
    rows = [
        {"stage": work.stage, "seconds": work.seconds, "counter": name, "value": float(value)}
        for work in done
        for name, value in (work.counts or {"": 0}).items()
    ]
    store.append("added_work" if finished else "work", pa.Table.from_pylist(rows))


def read_work(store: Store) -> list[tuple[str, float, str, float]]:
    """(stage, seconds, what is counted, how many), in the order the stages ran."""
    return [
        (str(stage), float(seconds), str(counter), float(value))
        for stage, seconds, counter, value in store.rows("SELECT stage, seconds, counter, value FROM work")
    ]
