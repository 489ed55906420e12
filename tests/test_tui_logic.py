"""What the screen decides without a terminal: harmless text, alignment, filters, ranges of time, the onset, the keys."""

# ruff: noqa: DTZ001 - times in a log have no zone

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from rich.segment import Segment
from textual.color import Color

from krone_tui.errors import KroneError
from krone_tui.explanation import alignment
from krone_tui.report import find_onset
from krone_tui.store.comparison import Step
from krone_tui.store.screen import Spans, SpanTimes, TimeRange
from krone_tui.store.views import ExecutionRow, FailureModeRow, Summary
from krone_tui.tui import keys
from krone_tui.tui.ascii_filter import AsciiFilter
from krone_tui.tui.narrowing import parse_filter, parse_time_range
from krone_tui.tui.screens.compare import _none_normal
from krone_tui.tui.screens.help import help_lines
from krone_tui.tui.text import duration, safe, sparkline
from krone_tui.tui.widgets.incident_header import IncidentHeader


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("[bold red]x[/]", "[bold red]x[/]"),
        ("a\x1b]0;t\x07b", "a\\x1b]0;t\\x07b"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("one\ntwo", "one ⏎ two"),
        ("\x9b31m", "\\x9b31m"),
        ("grüße", "grüße"),
    ],
)
def test_log_text_is_shown_and_never_obeyed(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


def test_every_character_that_could_steer_a_terminal_is_spelled_out() -> None:
    steering = [
        chr(code)
        for code in (
            *range(0x20),
            0x7F,
            *range(0x80, 0xA0),
            *range(0x202A, 0x202F),
            *range(0x2066, 0x206A),
            0xFEFF,
        )
    ]
    for character in steering:
        assert character not in safe(f"a{character}b"), hex(ord(character))


def test_ascii_keeps_every_column_in_its_place() -> None:
    segments = AsciiFilter().apply([Segment("─▶ a › 漢 é ▁█")], Color(0, 0, 0))
    assert segments[0].text == "-> a > ?? ? .#"


def _steps(*names: str) -> list[Step]:
    """`Block.receive.done` for each record."""
    texts = sorted(set(names))
    return [Step(at, *name.split("."), texts.index(name), name) for at, name in enumerate(names)]


def _align(here: list[str], normal: list[str]) -> tuple[alignment.Row, ...]:
    # Templates must have the same numbers on both sides.
    order = sorted(set(here) | set(normal))

    def steps(names: list[str]) -> tuple[alignment.Node, ...]:
        return alignment.build(
            [Step(at, *name.split("."), order.index(name), name) for at, name in enumerate(names)]
        )

    return alignment.align(steps(here), steps(normal))


def test_equal_executions_align_as_the_same() -> None:
    names = ["Block.allocate.done", "Block.receive.done", "File.close.done"]
    rows = _align(names, names)
    assert [row.mark for row in rows] == ["same", "same"]
    assert alignment.tally(rows)["same"] == 3


def test_a_missing_and_an_extra_step_are_found_at_the_level_where_they_are() -> None:
    rows = _align(
        ["Block.allocate.done", "Block.receive.failed", "File.close.done"],
        ["Block.allocate.done", "Block.receive.done", "File.close.done"],
    )
    shown = [
        (row.mark, row.depth, (row.here or row.normal).name)
        for row in alignment.flatten(rows, everything=False)
    ]  # type: ignore[union-attr]
    assert shown == [
        ("inside", 0, "Block"),
        ("same", 1, "allocate"),
        ("inside", 1, "receive"),
        ("missing", 2, "done"),
        ("extra", 2, "failed"),
        ("same", 0, "File"),
    ]


def test_steps_in_another_order_are_moved_not_missing() -> None:
    rows = _align(["A.x.done", "B.y.done"], ["B.y.done", "A.x.done"])
    total = alignment.tally(rows)
    assert (total["moved"], total["missing"], total["extra"]) == (1, 0, 0)


def test_a_step_that_comes_more_often_counts() -> None:
    rows = _align(["A.x.done"] * 5, ["A.x.done"] * 3)
    total = alignment.tally(rows)
    assert (total["count"], total["same"]) == (2, 3)


def test_spans_are_found_by_level_and_place() -> None:
    rows = [
        SpanTimes("entity", "Order", 0, 3, START, END),
        SpanTimes("action", "accept", 0, 1, START, START),
        SpanTimes("action", "store", 1, 2, None, None),
        SpanTimes("entity", "Mail", 3, 1, END, END),
        SpanTimes("action", "send", 3, 1, END, END),
    ]
    spans = Spans(pa.Table.from_pylist([row._asdict() for row in rows]))
    entities, actions = spans.of_level("entity"), spans.of_level("action")
    assert [entities[at] for at in range(len(entities))] == [rows[0], rows[3]]
    inside = actions.between(0, 3)
    assert [inside[at] for at in range(len(inside))] == [rows[1], rows[2]]
    assert [entities.at(position) for position in (0, 2, 3, 9)] == [0, 0, 1, 1]
    assert actions.between(1, 9).at(0) == 0
    assert len(actions.part(1, 3)) == 2
    assert len(actions.part(3, 3)) == len(actions.between(4, 9)) == 0


def _mode(**changes: object) -> FailureModeRow:
    values = {
        "failure_mode_id": 1,
        "title": "refused by peer",
        "level": "status",
        "path": "Block › receive › refused",
        "kind": "new",
        "score": 0.9,
    }
    values |= {"executions": 3, "first_seen": None, "last_seen": None, "example_execution": 0}
    return FailureModeRow(**(values | changes))  # type: ignore[arg-type]


def test_filter_terms_must_all_hold() -> None:
    assert parse_filter("kind:new entity:block refused score:0.8").admits(_mode(), {}, {})
    assert not parse_filter("kind:new score:0.95").admits(_mode(), {}, {})
    assert not parse_filter("refused timeout").admits(_mode(), {}, {})
    assert parse_filter("component:gateway").admits(_mode(), {}, {1: "shop.Gateway"})


def test_a_score_that_is_no_number_is_told() -> None:
    with pytest.raises(KroneError, match="score"):
        parse_filter("score:high")


START, END = datetime(2026, 3, 14, 22, 0), datetime(2026, 3, 15, 4, 0)


def test_a_time_without_a_date_is_looked_for_within_the_log() -> None:
    assert parse_time_range("02:10..02:40", START, END) == TimeRange(
        datetime(2026, 3, 15, 2, 10), datetime(2026, 3, 15, 2, 40)
    )
    assert parse_time_range("23:00..", START, END) == TimeRange(datetime(2026, 3, 14, 23, 0))
    assert parse_time_range("20m", START, END) == TimeRange(END - timedelta(minutes=20))
    assert parse_time_range("", START, END) == TimeRange()


@pytest.mark.parametrize("wrong", ["yesterday", "02:10", "02:40..02:10", "25:00.."])
def test_a_range_that_is_none_is_refused_with_how_to_write_it(wrong: str) -> None:
    with pytest.raises(KroneError):
        parse_time_range(wrong, START, END)


def test_the_onset_is_where_flagged_executions_begin_to_crowd() -> None:
    quiet, loud = [(100, 1)] * 20, [(100, 30)] * 5
    found = find_onset([*quiet, *loud, *quiet])
    assert found is not None
    assert (found.first, found.end) == (20, 25)


def test_an_even_log_has_no_onset() -> None:
    assert find_onset([(100, 3 + at % 3) for at in range(60)]) is None
    assert find_onset([(100, 0)] * 10) is None


def test_sparkline_never_hides_a_single_execution() -> None:
    assert sparkline([0, 1, 1000]) == " ▁█"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.02, "20 ms"), (12.34, "12.3 s"), (250, "4m 10s"), (11100, "3h 05m"), (200_000, "2.3 d")],
)
def test_durations_read_at_a_glance(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_no_key_means_two_things_on_one_screen() -> None:
    for place in keys.SCREENS:
        bound = [one for key in keys.KEYS if place in key.places for one in key.keys.split(",")]
        assert len(bound) == len(set(bound)), place


def test_every_key_is_in_the_help_of_its_screen() -> None:
    for place in keys.SCREENS:
        text = "\n".join(line.plain for line in help_lines(place, 200))
        assert all(key.help in text for key in keys.for_place(place) if place not in ("loading", "help"))


def test_the_header_leaves_its_room_to_the_grouping_where_there_are_no_times() -> None:
    header = IncidentHeader()
    header.set_reactive(
        IncidentHeader.summary, Summary(1, 80, 80, 40, 0, 1, 1, 2, None, None, None, "job *", "", "", "")
    )
    assert "80 records  by job *" in header.render().plain


@pytest.mark.parametrize(
    ("is_window", "said"),
    [(True, "No other window is normal"), (False, "No other execution grouped by status is normal")],
)
def test_what_cannot_be_compared_is_told_by_its_kind(is_window: bool, said: str) -> None:
    row = ExecutionRow(
        1,
        "404",
        "status",
        is_window,
        False,
        "app.log",
        None,
        None,
        1,
        9,
        9,
        9,
        1,
        True,
        0.9,
        None,
        1,
        None,
        None,
    )
    assert _none_normal(row).startswith(said)
