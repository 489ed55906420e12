"""Executions that the log began or ended amid: which they are, and that what they lack tells nothing."""

from pathlib import Path

import numpy as np
import pytest
from simple_logs import investigated, write

from krone_tui.detection.profiles import PROFILE_FEATURES, compare_profiles
from krone_tui.detection.sequences import Sequences
from krone_tui.executions.edges import goes_on
from krone_tui.store.edges import Ends, Pauses

START, WORK, DONE, ODD = range(4)
FAR = 10_000.0


def ends(*executions: tuple[int, float]) -> Ends:
    """(outermost template, seconds to the edge) each."""
    template, seconds = zip(*executions, strict=True)
    return Ends(np.arange(len(template)), np.array(template), np.array(seconds))


def pauses(*seen: tuple[int, float]) -> Pauses:
    template, seconds = zip(*seen, strict=True)
    return Pauses(np.array(template), np.array(seconds), 1.0)


USUAL = [(DONE, FAR)] * 50
LONG_WORK = pauses(*[(START, 1.0)] * 50, *[(WORK, 20.0)] * 40, *[(WORK, 60.0)] * 10)


@pytest.mark.parametrize(
    ("template", "seconds", "expected"),
    [
        pytest.param(WORK, 15.0, True, id="others paused longer there and went on"),
        pytest.param(WORK, 61.0, False, id="none ever paused as long there"),
        pytest.param(START, 5.0, False, id="all go on at once there"),
        pytest.param(DONE, 1.0, False, id="all end there"),
        pytest.param(ODD, 15.0, True, id="nothing is known of it, and pauses are long"),
        pytest.param(ODD, 100.0, False, id="nothing is known of it, and no pause is as long"),
    ],
)
def test_one_that_ends_near_the_log_s_end_is_cut_where_it_would_have_gone_on(
    template: int, seconds: float, expected: bool
) -> None:
    assert goes_on(ends(*USUAL, (template, seconds)), LONG_WORK).tolist() == [False] * 50 + [expected]


def test_where_as_many_ended_for_good_before_one_is_not_taken_to_go_on() -> None:
    for stopped, expected in ((9, True), (11, False)):
        found = goes_on(ends(*USUAL, *[(WORK, FAR)] * stopped, (WORK, 50.0)), LONG_WORK)
        assert found.tolist() == [False] * (50 + stopped) + [expected]


def test_what_a_cut_one_lacks_is_not_missed_and_no_example_of_lacking_it() -> None:
    def surprise_of_missing(cut: bool) -> list[float]:
        # 200 whole ones, 20 that the log ended amid, and one that lacks the end and was not cut.
        steps = np.array([0, 1, 2, 0, 1, 0, 1, 3])
        flags = np.array([False, cut, False])
        weight = np.array([200.0, 0.02 if cut else 20.0, 1.0])
        bins = np.ones((3, 8), dtype=np.float32)
        sequences = Sequences(
            steps, np.array([0, 3, 5, 8]), np.zeros(3, dtype=np.int64), weight, np.zeros(3), bins, flags
        )
        found = compare_profiles(sequences)
        missing = found.features[:, PROFILE_FEATURES.index("missing")]
        assert missing.tolist() == pytest.approx(found.missing_surprise.tolist(), abs=1e-5)
        return found.missing_surprise.tolist()

    as_it_is, forgiven = surprise_of_missing(False), surprise_of_missing(True)
    assert as_it_is[1] > 0.9
    assert forgiven[1] == 0.0
    assert forgiven[2] > as_it_is[2] + 1.0


def rides(count: int, *, until: float, stops: set[int]) -> list[str]:
    """Rides that begin every two seconds and go on for minutes, as far as `until` seconds; some stop without a word."""
    lines = []
    for ride in range(count):
        for after, text in (
            (0, "requested"),
            (2, "accepted"),
            (90 + ride % 7, "started"),
            (300, "completed"),
        ):
            if ride in stops and text == "completed":
                break
            lines.append((2.0 * ride + after, f"INFO ride-{ride:04x}7{ride:03d} trip {text}"))
    return [
        f"2026-03-02 {8 + int(at) // 3600:02d}:{int(at) // 60 % 60:02d}:{int(at) % 60:02d} {text}"
        for at, text in sorted(lines)
        if at < until
    ]


def test_of_long_executions_those_under_way_when_the_log_ends_are_left_alone(tmp_path: Path) -> None:
    stopped = {100, 333}
    log = write(tmp_path / "rides.log", rides(900, until=1800.0, stops=stopped))
    with investigated([log]) as store:
        rows = store.rows(
            "SELECT e.identifier, v.flagged, e.records FROM execution_verdict AS v JOIN execution AS e USING (execution_id)"
        )
    unfinished = [one for one, _, records in rows if records < 4]
    assert len(unfinished) > 140
    assert {int(one[-3:]) for one, flagged, _ in rows if flagged} == stopped
