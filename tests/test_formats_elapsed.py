"""Times that only say what has passed since a start: kept where all of a log is of one start, and said to be that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from krone_tui.ingest import ingest
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

Read = Callable[..., tuple[list[tuple[Any, ...]], tuple[str, ...]]]

_NOTE = "The log says no dates: its times are since the start, which 1970-01-01 00:00:00 stands for."
_BOOT = [f"[{n:5}.250000] usb 1-{n}: new device" for n in range(12)]
_CLOCKED = [f"2026-03-14 08:00:{n:02} INFO up {n}" for n in range(12)]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The times of the records of logs made of these lines, and what is noted of them."""

    def run(*logs: list[str]) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
        paths = []
        for number, lines in enumerate(logs):
            log = tmp_path / f"{number}.log"
            log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            paths.append(str(log))
        with Store.create(None, Settings(threads=1)) as store:
            notes = ingest(store, paths).notes
            times = store.rows("SELECT CAST(time AS VARCHAR) FROM parsed_record ORDER BY record_id")
            return times, notes

    return run


@pytest.mark.parametrize(
    "line",
    ["[   71.500000] x", "[71.500s][info][gc] x", "[71500ms][info][gc] x", "[71500000000ns][info ][gc  ] x"],
)
def test_a_time_since_a_start_is_counted_from_the_epoch_and_noted(read: Read, line: str) -> None:
    times, notes = read([line] * 12)
    assert times == [("1970-01-01 00:01:11.5",)] * 12
    assert notes == (_NOTE,)


def test_milliseconds_since_1970_are_a_clock_s(read: Read) -> None:
    times, notes = read(["[1773475200250ms][info][gc] x"] * 12)
    assert times == [("2026-03-14 08:00:00.25",)] * 12
    assert notes == ()


@pytest.mark.parametrize(
    "logs",
    [
        [[*_BOOT, *_CLOCKED]],
        [_BOOT, _CLOCKED],
        [_BOOT, _BOOT],
        [[*_BOOT[11:], *["[   30.000000] up"] * 9, *_BOOT]],
    ],
    ids=["clock in the same file", "clock in another file", "two files", "started again"],
)
def test_beside_other_times_a_time_since_a_start_is_none(read: Read, logs: list[list[str]]) -> None:
    times, notes = read(*logs)
    assert {time[:4] for (time,) in times if time} <= {"2026"}
    assert notes == ()


def test_a_log_whose_times_were_taken_away_is_read_from_its_beginning_again(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{line}\n" for line in [*_BOOT, "[  500.000000] up", *_BOOT]), encoding="utf-8")
    with Store.create(None, Settings(threads=1)) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr("krone_tui.ingest.stage._SMALL_BYTES", 0)
        patch.setattr("krone_tui.ingest.reading.CHUNK_BYTES", 64)
        patch.setattr("krone_tui.ingest.reading._READ_BYTES", 64)
        assert ingest(store, [str(log)]).bookmark is None


def test_lines_that_are_a_little_out_of_order_are_of_one_start(read: Read) -> None:
    times, notes = read([*_BOOT, "[    5.000000] late", *["[   12.000000] up"] * 9])
    assert all(time for (time,) in times)
    assert notes == (_NOTE,)


def test_a_container_s_time_stands_before_one_since_a_start(read: Read) -> None:
    lines = [f"2026-03-14T08:00:{n:02}.123456789Z stdout F {line}" for n, line in enumerate(_BOOT)]
    times, notes = read(lines)
    assert times[3] == ("2026-03-14 08:00:03.123456",)
    assert notes == ()
