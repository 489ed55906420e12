"""What keeps to one part of the log's time is told from what does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krone_tui.detection.bursts import BINS, CAP, bursts

EVEN = np.full(BINS, 100.0)


def placed(*at: tuple[int, int], even: int = 0) -> np.ndarray:
    counts = np.full(BINS, float(even))
    for part, number in at:
        counts[part] += number
    return counts


def test_what_is_spread_evenly_is_no_burst() -> None:
    assert bursts(np.array([placed(even=3), placed(even=60)]), EVEN).tolist() == [0.0, 0.0]


def test_one_execution_is_no_burst() -> None:
    assert bursts(placed((4, 1))[None, :], EVEN)[0] == 0.0


def test_a_stretch_is_one_wherever_it_lies_and_however_long_it_is() -> None:
    short = placed((20, 12))
    long = placed(*((part, 4) for part in range(10, 14)))
    until_the_end = placed(*((part, 4) for part in range(BINS - 8, BINS)))
    assert (bursts(np.array([short, long, until_the_end]), EVEN) > 3).all()


def test_more_of_it_in_the_same_stretch_is_never_less_of_a_burst() -> None:
    values = [bursts(placed((7, number))[None, :], EVEN)[0] for number in range(2, 40)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(CAP)


def test_everyday_cases_beside_the_stretch_take_from_it() -> None:
    pure, mixed = bursts(np.array([placed((7, 20)), placed((7, 20), even=2)]), EVEN)
    assert 0 < mixed < pure


def test_what_follows_the_log_s_own_rhythm_is_no_burst() -> None:
    busy = EVEN.copy()
    busy[5:9] = 4_000.0
    assert bursts((busy / 100.0)[None, :], busy)[0] == 0.0


def test_a_log_without_executions_has_none() -> None:
    assert bursts(np.zeros((2, BINS)), np.zeros(BINS)).tolist() == [0.0, 0.0]


@given(st.lists(st.integers(0, 50), min_size=BINS, max_size=BINS))
def test_a_burst_is_within_its_bounds_and_the_same_backwards(counts: list[int]) -> None:
    given_ = np.array([counts], dtype=np.float64)
    value = bursts(given_, EVEN)[0]
    assert 0.0 <= value <= CAP
    assert bursts(given_[:, ::-1], EVEN)[0] == pytest.approx(value)
