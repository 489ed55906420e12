"""What holds between two steps in nearly every execution, and what breaks it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krone_tui.detection.bursts import BINS
from krone_tui.detection.invariants import INVARIANT_FEATURES, SURE, Invariants, compare_pairs
from krone_tui.detection.sequences import Sequences, surprise

ORDERED, PAID, SHIPPED, LOGGED = range(4)


def compared(*variants: tuple[list[int], int], windows: bool = False) -> Invariants:
    """Variants with the executions of each."""
    steps = [steps for steps, _ in variants]
    weight = np.array([weight for _, weight in variants], dtype=np.float64)
    sequences = Sequences(
        np.array([step for one in steps for step in one], dtype=np.int64),
        np.r_[0, np.cumsum([len(one) for one in steps])].astype(np.int64),
        np.zeros(len(steps), dtype=np.int64),
        weight,
        np.zeros(len(steps)),
        np.zeros((len(steps), BINS), dtype=np.float32),
    )
    return compare_pairs(sequences, windows=windows)


def test_what_is_done_before_what_always_comes_first_breaks_an_order() -> None:
    found = compared(([ORDERED, PAID, SHIPPED], 500), ([ORDERED, SHIPPED, PAID], 1))
    assert found.features[0].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert (found.early[1], found.late[1]) == (SHIPPED, PAID)
    assert found.precedence_surprise(1) == pytest.approx(float(surprise(0.0, 500.0)), rel=1e-5)
    assert found.features[1, 1] == pytest.approx(np.log1p(1))


def test_parallel_steps_have_no_order_to_break() -> None:
    found = compared(
        ([ORDERED, LOGGED, PAID], 60), ([ORDERED, PAID, LOGGED], 40), ([LOGGED, ORDERED, PAID], 30)
    )
    assert (found.features[:, :2] == 0).all()
    assert (found.early == -1).all()


def test_a_step_done_twice_where_another_is_done_once_breaks_a_count() -> None:
    found = compared(
        ([ORDERED, PAID], 300), ([ORDERED, PAID, ORDERED, PAID], 200), ([ORDERED, PAID, PAID], 1)
    )
    assert found.features[:2, 2].tolist() == [0.0, 0.0]
    assert found.unequal_surprise(2) == pytest.approx(float(surprise(0.0, 500.0)), rel=1e-5)
    assert {int(found.unequal[2]), int(found.partner[2])} == {ORDERED, PAID}


def test_a_step_that_is_absent_breaks_neither() -> None:
    found = compared(([ORDERED, PAID, SHIPPED], 300), ([ORDERED, SHIPPED], 1))
    assert (found.features == 0).all()


def test_an_execution_does_not_vouch_for_itself_nor_against_a_handful() -> None:
    assert (compared(([ORDERED, PAID], 1), ([PAID, ORDERED], 1)).features == 0).all()
    twice = compared(([ORDERED, PAID], 500), ([PAID, ORDERED], 2))
    assert SURE < twice.precedence_surprise(1) < float(surprise(0.0, 500.0))


def test_windows_have_no_invariants() -> None:
    found = compared(([ORDERED, PAID], 500), ([PAID, ORDERED], 1), windows=True)
    assert found.features.shape == (2, len(INVARIANT_FEATURES))
    assert (found.features == 0).all()


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.integers(1, 40)),
        min_size=1,
        max_size=8,
    )
)
def test_every_pair_counts_as_a_count_by_hand_says(variants: list[tuple[list[int], int]]) -> None:
    found = compared(*variants)
    for at, (steps, _) in enumerate(variants):
        order, counts = [], []
        for a in set(steps):
            for b in set(steps) - {a}:
                both = [(one, weight) for one, weight in variants if a in one and b in one]
                total = sum(weight for _, weight in both) - 1
                if steps.index(a) < steps.index(b):
                    alike = sum(weight for one, weight in both if one.index(a) < one.index(b)) - 1
                    order.append(float(surprise(alike, total)))
                if min(steps.count(a), 9) != min(steps.count(b), 9):
                    unlike = sum(weight for one, weight in both if one.count(a) != one.count(b)) - 1
                    counts.append(float(surprise(unlike, total)))
        for values, column in ((order, 0), (counts, 2)):
            sure = [value for value in values if value > SURE]
            assert found.features[at, column] == pytest.approx(max(sure, default=0.0), abs=1e-5)
            assert found.features[at, column + 1] == pytest.approx(np.log1p(len(sure)), abs=1e-5)
