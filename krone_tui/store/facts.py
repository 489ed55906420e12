"""Queries of what is known of the investigation as a whole, and of what its making took."""

import pyarrow as pa

from krone_tui.store.connection import Store


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


def write_work(
    store: Store, stage: str, seconds: float, counts: dict[str, float], *, finished: bool = False
) -> None:
    """Keep what a stage took and counted; `finished`: in memory, beside an investigation that is whole."""
    names = list(counts) or [""]
    store.append(
        "added_work" if finished else "work",
        pa.table(
            {
                "stage": [stage] * len(names),
                "seconds": [seconds] * len(names),
                "counter": names,
                "value": [float(counts.get(name, 0)) for name in names],
            }
        ),
    )


def read_work(store: Store) -> list[tuple[str, float, str, float]]:
    """(stage, seconds, what is counted, how many), in the order the stages ran."""
    return [
        (str(stage), float(seconds), str(counter), float(value))
        for stage, seconds, counter, value in store.rows("SELECT stage, seconds, counter, value FROM work")
    ]
