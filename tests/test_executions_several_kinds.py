"""Logs of several kinds of work, each with an identifier of its own; and identifiers that only look like one."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from simple_logs import Event, grouped, investigated, job, render, write

from krone_tui.store import groupings

BREW = (
    "INFO  brew Charge {id}: mash in at {a} degrees",
    "INFO  brew Charge {id}: lautering with {b} l",
    "INFO  brew Charge {id}: boiling",
    "INFO  brew Charge {id}: moved to tank {a}",
)
ORDER = (
    "INFO  keg Auftrag FA{id} started",
    "INFO  keg Auftrag FA{id} pallet {a} full",
    "INFO  keg Auftrag FA{id} reported to ERP",
)
CLEANING = (
    "INFO  cip CIP{id} rinsing",
    "INFO  cip CIP{id} caustic at {a} degrees",
    "INFO  cip CIP{id} acid",
    "INFO  cip CIP{id} done, filler {a} released",
)
TOGETHER = {"charge *", "FA*", "CIP*"}


def brewery(
    count: int, lacking: Sequence[int] = (), numbers: tuple[int, int, int] = (0, 88_000, 4_400)
) -> list[list[Event]]:
    """Brews, orders and cleanings side by side; of the cleanings some lack the acid."""
    rng = random.Random(8)
    work = []
    for index in range(count):
        cleaning = [step for step in CLEANING if "acid" not in step or index not in lacking]
        for steps, name in (
            (BREW, f"B25279-{numbers[0] + index:03d}"),
            (ORDER, str(numbers[1] + index)),
            (cleaning, str(numbers[2] + index)),
        ):
            work.append(job(name, 3.0 * index + rng.random(), rng, steps))
    return work


def test_each_kind_of_work_is_held_together_by_its_own_identifier(tmp_path: Path) -> None:
    log = write(tmp_path / "brewery.log", render(brewery(80)))
    with grouped([log]) as (store, result):
        assert set(result.grouped_by.split(" or ")) == TOGETHER
        assert (result.executions, result.windows) == (240, 0)
        assert Counter(store.rows("SELECT records FROM execution")) == {(4,): 160, (3,): 80}
        chosen = groupings.candidates(store)[0]
        assert (chosen.name, chosen.kind, chosen.coverage) == (result.grouped_by, "several", 1.0)
        assert (
            store.scalar("SELECT count(*) FROM execution WHERE identifier IN ('B25279-007', 'CIP4407')") == 2
        )


def test_several_can_be_asked_for_and_one_of_them(tmp_path: Path) -> None:
    log = write(tmp_path / "brewery.log", render(brewery(40)))
    with grouped([log], group_by="CIP* or charge *") as (_, result):
        assert (result.grouped_by, result.executions - result.windows) == ("CIP* or charge *", 80)
    with grouped([log], group_by="CIP*") as (_, result):
        assert (result.grouped_by, result.executions - result.windows) == ("CIP*", 40)


def test_equal_numbers_of_unlike_things_are_not_one_execution(tmp_path: Path) -> None:
    steps = ("INFO  {kind} {id} accepted", "INFO  {kind} {id} worked on", "INFO  {kind} {id} closed")
    rng = random.Random(3)
    work = [
        job(str(4_000 + index), 2.0 * index, rng, [step.replace("{kind}", kind) for step in steps])
        for index in range(40)
        for kind in ("ticket", "parcel")
    ]
    log = write(tmp_path / "desk.log", render(work))
    with grouped([log]) as (store, result):
        assert set(result.grouped_by.split(" or ")) == {"ticket *", "parcel *"}
        assert (result.executions, result.windows) == (80, 0)
        assert store.scalar("SELECT count(*) FROM execution WHERE identifier = 'ticket 4007'") == 1


def test_what_was_learnt_of_several_kinds_judges_another_log_of_them(tmp_path: Path) -> None:
    good = write(tmp_path / "good.log", render(brewery(150)))
    log = write(tmp_path / "today.log", render(brewery(60, (13, 31), (300, 89_000, 5_400))))
    with investigated([log], baseline=(good,)) as store:
        flagged = store.rows("SELECT identifier FROM execution_verdict WHERE flagged ORDER BY 1")
        assert flagged == [("CIP5413",), ("CIP5431",)]


def test_one_that_holds_nearly_all_records_stays_alone(tmp_path: Path) -> None:
    rng = random.Random(2)
    steps = [f"{step} of ticket {{id}}" for step in ORDER]
    log = write(
        tmp_path / "orders.log", render([job(str(88_000 + index), index, rng, steps) for index in range(80)])
    )
    with grouped([log]) as (_, result):
        assert " or " not in result.grouped_by
        assert (result.executions, result.windows) == (80, 0)


@pytest.mark.parametrize(
    ("candidate", "name"),
    [
        ("sid *", lambda i: f"sid 0x{i * 2654435761 % 2**48:012x}"),
        ("order *", lambda i: f"order B25279-{i:03d}"),
        ("CIP*", lambda i: f"CIP{4400 + i}"),
        ("<name|number>", lambda i: f"<road-warrior|{i}>"),
    ],
)
def test_one_more_shape_of_an_identifier(tmp_path: Path, candidate: str, name: object) -> None:
    rng = random.Random(6)
    steps = (
        "INFO  {id} received",
        "INFO  {id} ringing for {b} ms",
        "INFO  {id} answered",
        "INFO  {id} ended",
    )
    log = write(
        tmp_path / "calls.log",
        render([job(name(index), 0.7 * index, rng, steps) for index in range(60)]),  # type: ignore[operator]
    )
    with grouped([log]) as (_, result):
        assert (result.grouped_by, result.executions) == (candidate, 60)


def test_where_most_records_are_of_values_that_never_end_it_is_no_identifier(tmp_path: Path) -> None:
    """A hundred rare workers that live shortly do not make workers identifiers, of which three write nearly everything."""
    rng = random.Random(1)
    lines = []
    for index in range(3_000):
        worker = index % 3 if rng.random() < 0.9 else 100 + index // 30
        lines.append(
            f"2026-03-02 08:{index // 60:02d}:{index % 60:02d} INFO worker-{worker:03d} "
            + ("polled the queue", "took a job", "put a job back", "slept")[index % 4]
        )
    with grouped([write(tmp_path / "pool.log", lines)]) as (_, result):
        assert result.grouped_by == "window"


def test_over_several_files_an_execution_s_life_is_measured_by_time(tmp_path: Path) -> None:
    """Of two services with a file each, the order's records are near in time and far apart in the files."""
    rng = random.Random(5)
    work = [
        job(f"ord_{5000 + index}", 2.0 * index, rng, ("INFO  {id} a", "INFO  {id} b", "INFO  {id} c"))
        for index in range(200)
    ]
    other = [
        [Event(event.seconds + 0.2, event.text.replace("INFO ", "INFO  pay")) for event in execution]
        for execution in work
    ]
    logs = [write(tmp_path / "api.log", render(work)), write(tmp_path / "pay.log", render(other))]
    with grouped(logs) as (store, result):
        assert (result.grouped_by, result.executions, result.windows) == ("ord_*", 200, 0)
        assert groupings.candidates(store)[0].locality > 0.9


def test_a_value_that_goes_on_through_the_whole_log_is_no_execution_unless_asked_for(tmp_path: Path) -> None:
    """Requests, and what is written where there is no request."""
    rng = random.Random(9)
    steps = ("INFO  request={id} received", "INFO  request={id} looked up", "INFO  request={id} answered")
    work = [job(f"r{5000 + index}", 2.0 * index, rng, steps) for index in range(150)]
    idle = [[Event(1.0 * second, "INFO  request=none0 polled the queue")] for second in range(300)]
    log = write(tmp_path / "app.log", render([*work, *idle]))
    with grouped([log]) as (store, result):
        assert (result.grouped_by, result.executions - result.windows) == ("request=*", 150)
        assert store.scalar("SELECT sum(records) FROM execution WHERE is_window") == 300
        reason = groupings.candidates(store)[0].reason
        assert reason.endswith("1 value that goes on through the whole log is left to windows.")
    with grouped([log], group_by="request=*") as (_, result):
        assert (result.executions, result.windows) == (151, 0)
