"""Where a log states its zone, times are in UTC, and it is said so wherever they are shown."""

# ruff: noqa: DTZ001 - times are kept without a zone

import json
from datetime import datetime
from pathlib import Path

import pytest
from screens import opened, shown, until
from simple_logs import JOB_STEPS, UNSEEN_ERROR, investigated, jobs, render, settings, write

from krone_tui.errors import KroneError
from krone_tui.investigation import Investigation
from krone_tui.report import Format
from krone_tui.report import write as report
from krone_tui.settings import load_settings
from krone_tui.store import views
from krone_tui.store.zones import Zones, zones_of
from krone_tui.tui.narrowing import parse_time_range

AS_WRITTEN, UTC = Zones(False, ()), Zones(True, ())


@pytest.mark.parametrize(
    ("text", "time", "zones"),
    [
        ("2026-03-14 02:10:03 INFO up", datetime(2026, 3, 14, 2, 10, 3), AS_WRITTEN),
        ("2026-03-14 02:10:03,120 INFO up", datetime(2026, 3, 14, 2, 10, 3, 120_000), AS_WRITTEN),
        ("Mar 14 02:10:03 host sshd[1]: up", datetime(2026, 3, 14, 2, 10, 3), AS_WRITTEN),
        ("2026-03-14T02:10:03Z INFO up", datetime(2026, 3, 14, 2, 10, 3), UTC),
        ("2026-03-14 02:10:03.001 UTC [7] LOG: up", datetime(2026, 3, 14, 2, 10, 3), UTC),
        ('{"ts":1773454203.5,"msg":"up"}', datetime(2026, 3, 14, 2, 10, 3, 500_000), UTC),
        ("2026-03-14 02:10:03 CET LOG: up", datetime(2026, 3, 14, 1, 10, 3), Zones(True, ("+01:00",))),
        ("2026-03-14T02:10:03+05:30 up", datetime(2026, 3, 13, 20, 40, 3), Zones(True, ("+05:30",))),
        ("[14/Mar/2026:02:10:03 -0700] GET /", datetime(2026, 3, 14, 9, 10, 3), Zones(True, ("-07:00",))),
        ("2026-03-14T02:10:03+13:00 up", datetime(2026, 3, 13, 13, 10, 3), Zones(True, ("+13:00",))),
        ("Mar 14, 2026 8:00:03 PM EST up", datetime(2026, 3, 15, 1, 0, 3), Zones(True, ("-05:00",))),
        ("[    3.042] usb 1-1: up", datetime(1970, 1, 1, 0, 0, 3), AS_WRITTEN),
        ("continued without any time", datetime(2026, 3, 14, 2, 10, 3), AS_WRITTEN),
    ],
)
def test_the_zone_of_a_time_is_found_on_what_was_written(text: str, time: datetime, zones: Zones) -> None:
    assert zones_of([(time, text)]) == zones


def test_a_log_that_states_a_zone_here_and_none_there_is_not_all_in_utc() -> None:
    mixed = [
        (datetime(2026, 3, 14, 1, 10, 3), "2026-03-14T02:10:03+01:00 up"),
        (datetime(2026, 3, 14, 2, 10, 3), "2026-03-14 02:10:03 up"),
    ]
    assert zones_of(mixed) == Zones(False, ("+01:00",))


def test_summer_and_winter_time_are_both_named() -> None:
    both = [
        (datetime(2026, 3, 29, 0, 10, 3), "2026-03-29T01:10:03+01:00 up"),
        (datetime(2026, 3, 29, 1, 10, 3), "2026-03-29T03:10:03+02:00 up"),
    ]
    assert zones_of(both) == Zones(True, ("+01:00", "+02:00"))


def zoned_log(path: Path, zone: str) -> Path:
    """Jobs at 08:00 of a log whose lines end their times in a zone; two of them fail."""
    odd = {150: (*JOB_STEPS[:3], UNSEEN_ERROR), 160: (*JOB_STEPS[:3], UNSEEN_ERROR)}
    return write(
        path,
        render(jobs(200, 1, odd), lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}{zone}"),
    )


@pytest.mark.parametrize("format_", [Format.TEXT, Format.MARKDOWN, Format.HTML])
@pytest.mark.parametrize(("zone", "said"), [("+02:00", True), ("Z", False), ("", False)])
def test_reports_say_that_times_are_in_utc_where_the_lines_have_another_zone(
    tmp_path: Path, format_: Format, zone: str, said: bool
) -> None:
    with investigated([zoned_log(tmp_path / "zoned.log", zone)]) as store:
        text = "\n".join(report(store, format_, everything=False, with_lines=False))
    assert ("UTC (its lines are written in +02:00)" in text) == said


@pytest.mark.parametrize(("zone", "end"), [("+02:00", "Z"), ("Z", "Z"), ("", "")])
def test_times_in_json_end_in_z_where_the_log_states_its_zone(tmp_path: Path, zone: str, end: str) -> None:
    with investigated([zoned_log(tmp_path / "zoned.log", zone)]) as store:
        document = json.loads("\n".join(report(store, Format.JSON, everything=False, with_lines=False)))
        row = json.loads(next(iter(report(store, Format.JSONL, everything=False, with_lines=False))))
    times = [
        document["summary"]["start"],
        document["timeline"]["slices"][0]["start"],
        document["failure_modes"][0]["first_seen"],
        document["failure_modes"][0]["records"][0]["time"],
        row["start"],
    ]
    for time in times:
        assert time[19:].lstrip(".0123456789") == end, time
        assert time.startswith("2026-03-02T0" + ("6" if zone == "+02:00" else "8"))
    assert document["summary"]["times"] == ("UTC" if end else "as written")


async def test_the_screen_says_so_in_its_second_line(tmp_path: Path) -> None:
    log = zoned_log(tmp_path / "zoned.log", "+02:00")
    async with opened(log, load_settings(cache_dir=tmp_path / "cache", threads=1)) as (app, pilot):
        assert "baseline: this log itself; times in UTC" in shown(app)
        await pilot.press("t")
        await until(lambda: "+02:00" in shown(app), "the range's hint")
        await pilot.press(*"08:01+02:00..", "enter")
        await until(lambda: "time 06:01:00.." in shown(app), "the range in UTC")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (
            "2026-03-02T08:01:00",
            "All of this log ended before 2026-03-02 08:01:00, so nothing is left to judge",
        ),
        ("2026-03-02T05:00:00", "Nothing of this log ended before 2026-03-02 05:00:00"),
    ],
)
def test_a_time_that_divides_nothing_is_told_with_the_times_of_the_log(
    tmp_path: Path, time: str, said: str
) -> None:
    log = zoned_log(tmp_path / "zoned.log", "+02:00")
    with Investigation.open([str(log)], settings(normal_before=time)) as found:
        (note,) = found.opened.notes
    assert note.startswith(said)
    assert "goes from 2026-03-02 06:00:00 to 2026-03-02 06:02:" in note
    assert "UTC; its lines are written in +02:00" in note


def test_a_time_with_its_offset_divides_the_log(tmp_path: Path) -> None:
    log = zoned_log(tmp_path / "zoned.log", "+02:00")
    with Investigation.open([str(log)], settings(normal_before="2026-03-02T08:01:00+02:00")) as found:
        assert found.opened.notes == ()
        assert 0 < views.summary(found.store).good < 200


def test_a_log_that_is_all_normal_is_not_said_to_deviate_in_nothing(tmp_path: Path) -> None:
    log = zoned_log(tmp_path / "zoned.log", "")
    with investigated([log], normal_before="2026-03-03") as store:
        text = "\n".join(report(store, Format.TEXT, everything=False, with_lines=False))
    assert "Nothing was left to judge: all of it, 2026-03-02 08:00:00 to 2026-03-02 08:02:" in text


def test_a_log_without_times_cannot_be_divided_by_one(tmp_path: Path) -> None:
    log = write(tmp_path / "untimed.log", render(jobs(60, 1), None))
    with Investigation.open([str(log)], settings(normal_before="2026-03-02")) as found:
        assert found.opened.notes == (
            "No times could be read in this log, so nothing of it is known to be before 2026-03-02 00:00:00.",
        )


def test_a_range_of_time_outside_the_log_is_refused() -> None:
    first, last = datetime(2026, 3, 2, 6, 0), datetime(2026, 3, 2, 6, 3)
    for written in ("2026-03-02 08:01..", "..2026-03-02 05:00"):
        with pytest.raises(KroneError, match=r"it goes from 2026-03-02 06:00:00 to 2026-03-02 06:03:00"):
            parse_time_range(written, first, last)
    assert parse_time_range("2026-03-02 08:01+02:00..", first, last).since == datetime(2026, 3, 2, 6, 1)
