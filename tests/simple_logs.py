"""Small real logs of simple systems, and the stages run over them: what several test modules share."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from krone_tui.abstraction import build_hierarchy, mine_templates
from krone_tui.executions import ExecutionsResult, group_executions
from krone_tui.ingest import ingest
from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store import Store

START = datetime(2026, 3, 2, 8, 0, 0)  # noqa: DTZ001 - logs state no zone


@dataclass(frozen=True)
class Event:
    """One record to be written: when it happens, and what comes after the time in its header."""

    seconds: float
    text: str


def settings(**given: object) -> Settings:
    """Settings of a test: nothing kept, one thread, so that tests do not crowd each other out."""
    return Settings(**{"use_cache": False, "threads": 1, **given})  # type: ignore[arg-type]


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"


def syslog(at: datetime) -> str:
    return f"{at:%b} {at.day:2d} {at:%H:%M:%S}"


def render(executions: Sequence[Sequence[Event]], stamp: Callable[[datetime], str] | None = iso) -> list[str]:
    """The lines of executions that run side by side, in the order of time; without times when `stamp` is None."""
    events = sorted(
        (event for execution in executions for event in execution), key=lambda event: event.seconds
    )
    if stamp is None:
        return [event.text for event in events]
    return [f"{stamp(START + timedelta(seconds=round(event.seconds, 3)))} {event.text}" for event in events]


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


JOB_STEPS = (
    "INFO  jobs.Scheduler: Accepted {id} from queue fast",
    "INFO  jobs.Storage: Opened volume for {id} at /data/vol{a}",
    "INFO  jobs.Storage: Wrote chunk for {id} of {b} bytes",
    "INFO  jobs.Storage: Wrote chunk for {id} of {b} bytes",
    "INFO  jobs.Index: Updated index for {id} with {b} keys",
    "INFO  jobs.Storage: Closed volume for {id}",
    "INFO  jobs.Scheduler: Finished {id} in {b} ms",
)
"""What every normal job logs."""
UNSEEN_ERROR = "ERROR jobs.Storage: Disk failure while writing chunk for {id}: checksum mismatch"


def job(
    name: str,
    start: float,
    rng: random.Random,
    steps: Sequence[str] = JOB_STEPS,
    pace: float = 0.4,
) -> list[Event]:
    """One job's records, `pace` seconds apart or a little more."""
    events = []
    at = start
    for step in steps:
        events.append(Event(at, step.format(id=name, a=rng.randint(1, 40), b=rng.randint(1000, 90000))))
        at += pace * rng.uniform(0.5, 1.5)
    return events


def jobs(
    count: int,
    seed: int,
    steps_of: Mapping[int, Sequence[str]] | None = None,
    name: Callable[[int], str] = lambda index: f"blk_-{7_000_000 + 7919 * index}",
    spacing: float = 0.7,
) -> list[list[Event]]:
    """Jobs that overlap in time; `steps_of` gives those that do not run like the others, by their index."""
    rng = random.Random(seed)
    odd = steps_of or {}
    return [job(name(index), index * spacing, rng, odd.get(index, JOB_STEPS)) for index in range(count)]


@contextmanager
def grouped(paths: Sequence[Path], **given: object) -> Iterator[tuple[Store, ExecutionsResult]]:
    """A database in memory after the stages up to the grouping into executions."""
    chosen = settings(**given)
    with Store.create(None, chosen) as store:
        ingest(store, [str(path) for path in paths], baseline=[str(path) for path in chosen.baseline])
        mine_templates(store)
        build_hierarchy(store, None)
        yield store, group_executions(store, chosen)


@contextmanager
def investigated(paths: Sequence[Path], **given: object) -> Iterator[Store]:
    """The database of a whole investigation."""
    with Investigation.open([str(path) for path in paths], settings(**given)) as investigation:
        yield investigation.store


SESSION_STEPS = (
    "sshd[{id}]: Connection from 10.0.0.{a} port {b}",
    "sshd[{id}]: Accepted publickey for deploy from 10.0.0.{a} port {b} ssh2",
    "sshd[{id}]: pam_unix(sshd:session): session opened for user deploy",
    "sshd[{id}]: Received disconnect from 10.0.0.{a}: disconnected by user",
    "sshd[{id}]: pam_unix(sshd:session): session closed for user deploy",
)


def sessions(host: str, count: int) -> list[list[Event]]:
    """Overlapping logins on one host, of the process ids 2000, 2001, …: equal ids on two hosts are two sessions."""
    rng = random.Random(host)
    return [
        [
            Event(event.seconds, f"{host} {event.text}")
            for event in job(str(2000 + index), 5.0 * index, rng, SESSION_STEPS, 3.0)
        ]
        for index in range(count)
    ]


def json_lines(work: Sequence[Sequence[Event]]) -> list[str]:
    """JSON lines of jobs named `@` and four characters, which stand in the field `trace_id` alone, after a `t`."""
    lines = []
    for event in sorted((event for one in work for event in one), key=lambda event: event.seconds):
        level, _, text = event.text.partition(" ")
        name = text.partition("@")[2][:4]
        row = {
            "time": f"{(START + timedelta(seconds=round(event.seconds, 3))).isoformat()}Z",
            "level": level,
            "msg": text.partition(": ")[2].replace(f"@{name}", "it"),
            "trace_id": f"t{name}",
            "region": "eu",
        }
        lines.append(json.dumps(row))
    return lines
