"""The sentence on how windows were cut says what really ended them, in units that a person would say."""

from pathlib import Path

import pytest
from simple_logs import Event, grouped, render, write

from krone_tui.executions.as_learnt import WindowCut
from krone_tui.executions.cut_words import cut_in_words, span
from krone_tui.executions.windows import WINDOW_RECORDS


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.15, "150 ms"),
        (1.0, "1 s"),
        (53.8, "53.8 s"),
        (152.2, "2.5 min"),
        (300.0, "5 min"),
        (3600.0, "1 h"),
        (77_935.9, "21.6 h"),
        (86_400.0, "24 h"),
        (600_000.0, "6.9 days"),
    ],
)
def test_a_span_of_time_is_told_in_the_unit_a_person_would_say(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_the_most_a_window_may_hold_is_told_where_it_ended_one() -> None:
    by_pause, by_time = WindowCut(("host",), 4.0, None, 512), WindowCut(("source_id",), None, 1.0, 512)
    assert cut_in_words(by_pause, 257, 0) == "each host's records, a window ends at a pause of 4 s"
    assert cut_in_words(by_pause, 257, 248).endswith("a pause of 4 s or at 512 records (248 of 257 ended so)")
    assert cut_in_words(by_time, 249, 211).endswith("windows of 1 s or of 512 records (211 of 249 ended so)")


def test_bursts_that_are_longer_than_a_window_may_be_are_said_to_be_cut(tmp_path: Path) -> None:
    """Thirty bursts, ten minutes apart; one in three has more records than a window may."""
    work = [
        [
            Event(600.0 * burst + 0.001 * at, f"INFO poller: {'Polled' if at % 2 else 'Stored'} sensor")
            for at in range(WINDOW_RECORDS + 40 if burst % 3 == 0 else 40)
        ]
        for burst in range(30)
    ]
    log = write(tmp_path / "bursts.log", render(work))
    with grouped([log], group_by="window") as (store, result):
        full = store.scalar(f"SELECT count(*) FROM execution WHERE records = {WINDOW_RECORDS}")
        reason = store.scalar("SELECT reason FROM grouping_candidate WHERE chosen")
    assert full == 10
    assert reason.endswith(f"or at {WINDOW_RECORDS} records (10 of {result.windows} ended so)")


def test_a_log_crowded_into_seconds_is_cut_by_records(tmp_path: Path) -> None:
    """A start that says nearly all within two seconds, and hours later a few words more."""
    start = [Event(0.004 * at, f"INFO boot: {'Probed' if at % 3 else 'Found'} device") for at in range(480)]
    later = [Event(7_200.0 * at, "INFO boot: Clock set") for at in range(1, 5)]
    log = write(tmp_path / "boot.log", render([[*start, *later]]))
    with grouped([log]) as (store, result):
        most = store.scalar("SELECT max(records) FROM execution")
        reason = store.scalar("SELECT reason FROM grouping_candidate WHERE chosen")
    assert result.windows > 40
    assert most < 20
    assert reason.endswith("records, as no times part them")
