"""Profiles and nearest neighbours against a comparison of each execution with each other one in plain Python."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krone_tui.detection.bursts import BINS
from krone_tui.detection.nearest import OTHER_BEGINNING, SUPPORT_BONUS, nearest_normal
from krone_tui.detection.profiles import ABOUT_AS_SURE, MASSES, PROFILE_FEATURES, compare_profiles
from krone_tui.detection.sequences import Sequences

WEIGHTS = st.tuples(st.integers(0, 40), st.integers(0, 9)).filter(any)
ROWS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=7).map(tuple), WEIGHTS),
    min_size=2,
    max_size=10,
    unique_by=lambda row: row[0],
)
Row = tuple[tuple[int, ...], tuple[int, int]]
TOLERANCE = 2e-3
"""Distances are computed from squares in single precision."""
HARDLY = math.log10(2) + 1e-6
"""The surprise of an exception to a rule without any other case: there, nothing is missing."""


def sequences(rows: Sequence[Row]) -> Sequences:
    return Sequences(
        np.array([step for steps, _ in rows for step in steps]),
        np.r_[0, np.cumsum([len(steps) for steps, _ in rows])],
        np.zeros(len(rows), dtype=np.int64),
        np.array([weights[0] for _, weights in rows], dtype=np.float64),
        np.array([weights[1] for _, weights in rows], dtype=np.float64),
        np.zeros((len(rows), BINS), dtype=np.float32),
    )


def doubt(support: float, total: float) -> float:
    return max(-math.log10((support + 0.5) / (total + 1.0)), 0.0)


def distance(left: Counter[int], right: Counter[int]) -> float:
    return math.dist(*([math.log1p(one[step]) for step in range(6)] for one in (left, right)))


def profile(steps: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(Counter(steps).items()))


def radius(rows: Sequence[Row], at: int, share: float) -> float:
    """The radius around an execution that holds this share of the others."""
    me = Counter(rows[at][0])
    here = [one for one in rows if profile(one[0]) == profile(rows[at][0])]
    own = 1 if any(self_weight for _, (self_weight, _) in here) else 0
    needed = max(share * sum(sum(weights) for _, weights in rows), 1.0)
    around = sorted((distance(me, Counter(steps)), sum(weights)) for steps, weights in rows)
    held = -own
    for far, weight in around:
        held += weight
        if held >= needed:
            return far
    return around[-1][0]


def missing(rows: Sequence[Row], at: int) -> dict[tuple[int, int], float]:
    """(absent step, present step) → how sure the presence of one makes the other, this execution taken off."""
    present = set(rows[at][0])
    rules = {}
    for because in present:
        support = sum(sum(weights) for steps, weights in rows if because in steps)
        for absent in set(range(6)) - present:
            both = sum(sum(weights) for steps, weights in rows if because in steps and absent in steps)
            if any(absent in steps for steps, _ in rows):
                rules[absent, because] = doubt(max(support - both - 1, 0), support - 1)
    return rules


@given(ROWS)
@settings(max_examples=60)
def test_radii_hold_the_share_of_executions_they_are_named_for(rows: list[Row]) -> None:
    features = compare_profiles(sequences(rows)).features
    for at, (steps, _) in enumerate(rows):
        found = dict(zip(PROFILE_FEATURES, features[at].tolist(), strict=True))
        norm = distance(Counter(steps), Counter())
        for mass in MASSES:
            expected = radius(rows, at, mass)
            assert found[f"radius_{mass}"] == pytest.approx(expected, abs=TOLERANCE)
            assert found[f"relative_radius_{mass}"] == pytest.approx(expected / norm, abs=TOLERANCE)


def test_a_missing_step_is_expected_for_the_most_frequent_step_that_tells_it_about_as_surely() -> None:
    # 0: in all; 3: in some, which never lack 2, while one in 600 with 0 lacks it too.
    rows: list[Row] = [((0, 1, 2), (400, 0)), ((0, 1, 2, 3), (200, 0)), ((0, 1), (2, 0)), ((0, 1, 3), (1, 0))]
    result = compare_profiles(sequences(rows))
    assert (result.missing_step[3], result.missing_because[3]) == (2, 0)


def test_a_step_is_silently_missing_where_no_other_step_tells_why() -> None:
    # 0, 1 and 2 as a rule; 3 in place of 2, as a request that is declined says so; and neither.
    rows: list[Row] = [
        ((0, 1, 2), (400, 0)),
        ((0, 1, 3), (6, 0)),
        ((0, 1), (5, 0)),
        ((0, 1, 2, 4), (20, 0)),
        ((0, 1, 4), (1, 0)),
    ]
    features = compare_profiles(sequences(rows)).features
    missing, silently = (
        features[:, PROFILE_FEATURES.index(name)].tolist() for name in ("missing", "silently_missing")
    )
    assert missing[1] == missing[2] == pytest.approx(doubt(11, 431))
    assert silently == pytest.approx([0.0, 0.0, missing[2], 0.0, missing[4]])


@given(ROWS)
@settings(max_examples=60)
def test_what_is_silently_missing_is_never_more_surprising_than_what_is_missing(rows: list[Row]) -> None:
    features = compare_profiles(sequences(rows)).features
    missing, silently = (
        features[:, PROFILE_FEATURES.index(name)] for name in ("missing", "silently_missing")
    )
    assert (silently <= missing).all()


@given(ROWS)
@settings(max_examples=60)
def test_the_missing_step_is_the_one_most_surely_implied_by_a_present_one(rows: list[Row]) -> None:
    result = compare_profiles(sequences(rows))
    for at in range(len(rows)):
        rules = missing(rows, at)
        best = max(rules.values(), default=0.0)
        if best <= HARDLY:
            assert result.missing_surprise[at] <= HARDLY
        else:
            assert result.missing_surprise[at] == pytest.approx(best, abs=1e-5)
            premises = {
                one: sure for (absent, one), sure in rules.items() if absent == result.missing_step[at]
            }
            assert max(premises.values()) == pytest.approx(best, abs=1e-5)
            assert premises[int(result.missing_because[at])] >= ABOUT_AS_SURE * best - 1e-5
        surely = {absent for (absent, _), sure in rules.items() if sure > 1.5}
        found = dict(zip(PROFILE_FEATURES, result.features[at].tolist(), strict=True))
        assert found["missing"] == pytest.approx(result.missing_surprise[at], abs=1e-5)
        assert found["missing_steps"] == pytest.approx(math.log1p(len(surely)), abs=1e-5)


@given(ROWS)
@settings(max_examples=60)
def test_support_of_profiles_and_of_sets_of_steps_is_counted_over_equal_ones(rows: list[Row]) -> None:
    features = compare_profiles(sequences(rows)).features
    total = sum(sum(weights) for _, weights in rows)
    has_good = any(good for _, (_, good) in rows)
    for at, (steps, (own_weight, _)) in enumerate(rows):
        found = dict(zip(PROFILE_FEATURES, features[at].tolist(), strict=True))
        own = 1 if own_weight else 0
        same = [weights for other, weights in rows if profile(other) == profile(steps)]
        alike = [weights for other, weights in rows if set(other) == set(steps)]
        assert found["profile_rarity"] == pytest.approx(
            doubt(sum(map(sum, same)) - own, total - own), abs=1e-5
        )
        assert found["set_rarity"] == pytest.approx(doubt(sum(map(sum, alike)) - own, total - own), abs=1e-5)
        assert found["profile_unknown"] == float(has_good and not any(good for _, good in same))
        assert found["set_unknown"] == float(has_good and not any(good for _, good in alike))


@given(ROWS)
@settings(max_examples=30)
def test_order_does_not_change_a_profile(rows: list[Row]) -> None:
    turned = [(steps[::-1], weights) for steps, weights in rows]
    one, other = compare_profiles(sequences(rows)), compare_profiles(sequences(turned))
    np.testing.assert_array_equal(one.features, other.features)


FLAGS = st.lists(st.booleans(), min_size=10, max_size=10)


@given(ROWS, FLAGS, FLAGS, st.booleans())
@settings(max_examples=60)
def test_the_nearest_normal_execution_is_one_that_none_is_nearer_than(
    rows: list[Row], flags: list[bool], doubts: list[bool], windows: bool
) -> None:
    flagged, doubtful = np.array(flags[: len(rows)]), np.array(doubts[: len(rows)])
    nearest = nearest_normal(sequences(rows), flagged, doubtful, windows=windows)
    normal = [at for at, (_, (_, good)) in enumerate(rows) if not flagged[at] or good]
    normal = [at for at in normal if not doubtful[at] or rows[at][1][1]] or normal

    def cost(here: int, there: int) -> float:
        steps, weights = rows[there]
        begins_otherwise = not windows and steps[0] != rows[here][0][0]
        return (
            distance(Counter(rows[here][0]), Counter(steps))
            - SUPPORT_BONUS * math.log10(sum(weights) + 1)
            + OTHER_BEGINNING * begins_otherwise
        )

    for at in range(len(rows)):
        if not flagged[at] or not normal:
            assert nearest[at] == -1
        else:
            assert int(nearest[at]) in normal
            assert cost(at, int(nearest[at])) == pytest.approx(
                min(cost(at, other) for other in normal), abs=TOLERANCE
            )


def test_an_execution_far_from_all_others_has_the_greatest_radius() -> None:
    rows: list[Row] = [((0, 1, 2), (100, 0)), ((0, 1, 2, 2), (50, 0)), ((0, 4, 5, 5, 5), (1, 0))]
    radii = compare_profiles(sequences(rows)).features[:, PROFILE_FEATURES.index("radius_0.02")]
    assert radii.argmax() == 2
