"""Features of sequences against a reading of their definitions in plain Python, one execution after another."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krone_tui.detection.bursts import BINS, CAP, bursts
from krone_tui.detection.features import (
    HARDLY_EXCEEDED,
    RARE_SHARE,
    SEQ_FEATURES,
    StepContext,
    seq_features,
    step_surprise,
)
from krone_tui.detection.sequences import Sequences, surprise

CODES = 4
"""Step codes of each of two parents; each code belongs to one parent."""
SEVERITY = [0.0, 0.1, 0.9, 0.6, 0.0, 1.0, 0.2, 0.7]
ENTITY = [0, 0, 1, 1, 2, 2, 2, 3]
ACTION = [0, 1, 2, 2, 3, 3, 4, 5]
CONTEXT = StepContext(np.array(SEVERITY), np.array(ENTITY), np.array(ACTION))


@dataclass(frozen=True)
class Case:
    """One distinct sequence."""

    parent: int
    steps: tuple[int, ...]
    self_weight: int
    good_weight: int

    @property
    def weight(self) -> int:
        return self.self_weight + self.good_weight

    @property
    def moves(self) -> set[tuple[int, int]]:
        return set(pairwise((-1, *self.steps, -1)))


def case(row: tuple[int, list[int], tuple[int, int]]) -> Case:
    parent, steps, weights = row
    return Case(parent, tuple(parent * CODES + step for step in steps), *weights)


WEIGHTS = st.tuples(st.integers(0, 40), st.integers(0, 9)).filter(any)
CASES = st.lists(
    st.tuples(st.integers(0, 1), st.lists(st.integers(0, CODES - 1), min_size=1, max_size=7), WEIGHTS).map(
        case
    ),
    min_size=1,
    max_size=9,
    unique_by=lambda one: one.steps,
)


def sequences(cases: list[Case]) -> Sequences:
    return Sequences(
        np.array([step for one in cases for step in one.steps]),
        np.r_[0, np.cumsum([len(one.steps) for one in cases])],
        np.array([one.parent for one in cases]),
        np.array([one.self_weight for one in cases], dtype=np.float64),
        np.array([one.good_weight for one in cases], dtype=np.float64),
        np.array([over_time(one) for one in cases], dtype=np.float32),
    )


def over_time(one: Case) -> list[float]:
    """All its executions in one part of the log's time, which follows from its steps."""
    return [float(one.self_weight) if part == sum(one.steps) % 4 else 0.0 for part in range(BINS)]


def burst(cases: list[Case], test: Callable[[Case], bool]) -> float:
    """Of what the cases that pass a test have in common."""
    counts = np.sum([over_time(one) for one in cases if test(one)], axis=0)
    totals = np.sum([over_time(one) for one in cases], axis=0)
    return float(bursts(counts[None, :], totals)[0])


def doubt(support: float, total: float) -> float:
    return max(-math.log10((support + 0.5) / (total + 1.0)), 0.0)


class Reference:
    """What one sequence looks like beside the others of its parent, itself taken off once."""

    def __init__(self, cases: list[Case], at: int) -> None:
        self.me = cases[at]
        self.peers = [one for one in cases if one.parent == self.me.parent]
        self.own = 1 if self.me.self_weight else 0

    def having(self, test: Callable[[Case], bool]) -> int:
        """Other executions of this parent that pass a test."""
        return sum(one.weight for one in self.peers if test(one)) - self.own

    @property
    def total(self) -> int:
        return self.having(lambda one: True)

    def rarity(self, step: int) -> float:
        return doubt(self.having(lambda one: step in one.steps), self.total)

    def tail(self, value: Callable[[Case], int], among: Callable[[Case], bool]) -> float:
        """How far out a value lies, on its side, among those that pass a test."""
        mine = value(self.me)
        most = self.having(lambda one: among(one) and value(one) <= mine)
        least = self.having(lambda one: among(one) and value(one) >= mine)
        return doubt(min(most, least), self.having(among))

    def count_tail(self, step: int) -> float:
        return self.tail(lambda one: one.steps.count(step), lambda one: step in one.steps)

    def count_excess(self, step: int) -> float:
        """By how many doublings its count is beyond what nearly all others with the step reach."""
        counts = sorted(
            one.steps.count(step) for one in self.peers for _ in range(one.weight) if step in one.steps
        )
        needed = HARDLY_EXCEEDED * (len(counts) - 1)
        usual = next(count for at, count in enumerate(counts, start=1) if at >= needed)
        return max(math.log2(self.me.steps.count(step) / usual), 0.0)

    def length_tail(self) -> float:
        return self.tail(lambda one: len(one.steps), lambda one: True)

    def move_rarity(self, move: tuple[int, int]) -> float:
        leaving = self.total if move[0] < 0 else self.having(lambda one: move[0] in one.steps)
        return doubt(self.having(lambda one: move in one.moves), leaving)

    def within(self, step: int, parent: list[int]) -> float:
        """Rarity of a step among the executions that touch its entity or action."""
        touching = self.having(lambda one: any(parent[other] == parent[step] for other in one.steps))
        return doubt(self.having(lambda one: step in one.steps), touching)

    def excess(self, test: Callable[[Case], bool]) -> float:
        """How surely more of the log under analysis passes a test than of the baseline."""
        mine = sum(one.self_weight for one in self.peers if test(one)) - self.own
        good = sum(one.good_weight for one in self.peers if test(one))
        mine_of = sum(one.self_weight for one in self.peers) - self.own
        good_of = sum(one.good_weight for one in self.peers)
        if not good_of or not mine or mine / (mine + good) <= mine_of / (mine_of + good_of):
            return 0.0
        share = mine_of / (mine_of + good_of)
        ratio = mine * math.log(mine / ((mine + good) * share))
        if good:
            ratio += good * math.log(good / ((mine + good) * (1 - share)))
        return min(ratio / math.log(10), CAP)


@given(CASES)
@settings(max_examples=60)
def test_rarity_of_steps_transitions_counts_and_lengths_is_that_of_a_count_by_hand(cases: list[Case]) -> None:
    found = step_surprise(sequences(cases))
    pairs = zip(
        found.pair_owner,
        found.pair_step,
        found.pair_count,
        found.pair_rarity,
        found.pair_count_tail,
        strict=True,
    )
    seen = {(int(owner), int(step)): (int(count), rarity, tail) for owner, step, count, rarity, tail in pairs}
    moves = zip(found.move_owner, found.move_from, found.move_to, found.move_rarity, strict=True)
    seen_moves = {(int(owner), (int(left), int(right))): rarity for owner, left, right, rarity in moves}
    for at, one in enumerate(cases):
        reference = Reference(cases, at)
        assert {step for owner, step in seen if owner == at} == set(one.steps)
        for step in one.steps:
            expected = one.steps.count(step), reference.rarity(step), reference.count_tail(step)
            assert seen[at, step] == pytest.approx(expected)
        assert {move for owner, move in seen_moves if owner == at} == one.moves
        for move in one.moves:
            assert seen_moves[at, move] == pytest.approx(reference.move_rarity(move))
        assert found.length_tail[at] == pytest.approx(reference.length_tail())


def expected_features(cases: list[Case], at: int) -> dict[str, float]:
    me, reference = cases[at], Reference(cases, at)
    steps = sorted(set(me.steps))
    rarity = {step: reference.rarity(step) for step in steps}
    moves = {move: reference.move_rarity(move) for move in me.moves}
    entity_rarity = {step: reference.within(step, ENTITY) for step in steps}
    good_total = sum(one.good_weight for one in reference.peers)
    self_total = sum(one.self_weight for one in reference.peers)
    good = {step: sum(one.good_weight for one in reference.peers if step in one.steps) for step in steps}
    new = [step for step in steps if good_total and not good[step]]
    severe = sum(SEVERITY[step] for step in me.steps if rarity[step] > 1.0)
    self_share = {
        step: sum(one.self_weight for one in reference.peers if step in one.steps) / max(self_total, 1)
        for step in new
    }
    bursting = {
        step: burst(cases, lambda one, step=step: step in one.steps) if rarity[step] > 1.0 else 0.0
        for step in steps
    }
    excess = {step: reference.excess(lambda one, step=step: step in one.steps) for step in steps}
    return {
        "seq_rarity": doubt(me.weight - reference.own, reference.total),
        "step_rarity": max(rarity.values()),
        "step_rarity_severe": max(rarity[step] * SEVERITY[step] for step in steps),
        "entity_rarity_severe": max(entity_rarity[step] * SEVERITY[step] for step in steps),
        "entity_rarity": max(entity_rarity.values()),
        "action_rarity": max(reference.within(step, ACTION) for step in steps),
        "severity": max(SEVERITY[step] for step in steps),
        "severe_share": severe / len(me.steps),
        "severe_records": math.log1p(severe),
        "rare_steps": math.log1p(sum(value > -math.log10(RARE_SHARE) for value in rarity.values())),
        "move_rarity": max(moves.values()),
        "move_rarity_mean": sum(moves.values()) / len(moves),
        "first_rarity": moves[-1, me.steps[0]],
        "last_rarity": moves[me.steps[-1], -1],
        "count_tail": max(reference.count_tail(step) for step in steps),
        "count_excess": max(reference.count_excess(step) for step in steps),
        "length_tail": reference.length_tail(),
        "new_steps": math.log1p(len(new)),
        "new_severity": max((SEVERITY[step] for step in new), default=0.0),
        "new_self_share": max(self_share.values(), default=0.0),
        "unknown": float(not me.good_weight and good_total > 0),
        "step_excess": max(excess.values()),
        "step_excess_severe": max(excess[step] * SEVERITY[step] for step in steps),
        "move_excess": max(
            reference.excess(
                lambda one, move=move: move in one.moves and (min(move) >= 0 or one.parent == me.parent)
            )
            for move in moves
        ),
        "burst": burst(cases, lambda one: one is me)
        if doubt(me.weight - reference.own, reference.total) > 1
        else 0.0,
        "step_burst": max(bursting.values()),
        "step_burst_severe": max(bursting[step] * SEVERITY[step] for step in steps),
        "move_burst": max(
            burst(
                cases,
                lambda one, move=move: move in one.moves and (min(move) >= 0 or one.parent == me.parent),
            )
            if rarity_ > 1.0
            else 0.0
            for move, rarity_ in moves.items()
        ),
        "self_size": float(round(math.log10(1 + self_total))),
        "good_size": float(round(math.log10(1 + good_total))),
    }


@given(CASES)
@settings(max_examples=60)
def test_every_feature_is_what_its_definition_gives(cases: list[Case]) -> None:
    given_ = sequences(cases)
    features = seq_features(given_, CONTEXT, step_surprise(given_))
    assert features.shape == (len(cases), len(SEQ_FEATURES))
    for at in range(len(cases)):
        found = dict(zip(SEQ_FEATURES, features[at].tolist(), strict=True))
        assert found == pytest.approx(expected_features(cases, at), abs=1e-5)


@given(CASES, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_features_do_not_depend_on_the_order_in_which_sequences_come(
    cases: list[Case], random: Random
) -> None:
    order = list(range(len(cases)))
    random.shuffle(order)
    one, other = sequences(cases), sequences([cases[at] for at in order])
    features = seq_features(one, CONTEXT, step_surprise(one))
    shuffled = seq_features(other, CONTEXT, step_surprise(other))
    np.testing.assert_allclose(shuffled, features[order], atol=1e-6)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_more_executions_share_is_never_more_surprising(fewer: float, more: float, total: float) -> None:
    fewer, more = sorted((fewer, more))
    assert surprise(more, total) <= surprise(fewer, total)
    assert 0 <= surprise(total, total) <= math.log10(2) + 1e-9
    assert surprise(0.0, total) == pytest.approx(math.log10(2 * (total + 1)))


@pytest.mark.parametrize("executions", [10, 100, 1000])
def test_a_step_seen_once_is_the_more_surprising_the_more_executions_lack_it(executions: int) -> None:
    usual = Case(0, (0, 1), executions, 0)
    found = step_surprise(sequences([usual, Case(0, (0, 2, 1), 1, 0)]))
    by_step = Counter(
        {int(step): value for step, value in zip(found.pair_step, found.pair_rarity, strict=True)}
    )
    assert by_step[2] == pytest.approx(math.log10(2 * (executions + 1)))
    assert by_step[0] == by_step[1] < 0.03


def test_one_execution_does_not_vouch_for_itself_yet_a_second_one_does() -> None:
    def rarity_of_new(times: int) -> float:
        found = step_surprise(sequences([Case(0, (0, 1), 99, 0), Case(0, (0, 2, 1), times, 0)]))
        return float(found.pair_rarity[found.pair_step == 2][0])

    assert rarity_of_new(1) > rarity_of_new(2) > rarity_of_new(10)


def test_a_storm_is_far_out_and_the_longest_of_usual_loops_is_not() -> None:
    loops = [Case(0, (0, *[1] * (1 + index % 6), 2), 30, 0) for index in range(6)]
    found = seq_features(
        sequences(given_ := [*loops, Case(0, (0, *[1] * 48, 2), 1, 0)]),
        CONTEXT,
        step_surprise(sequences(given_)),
    )
    excess = found[:, SEQ_FEATURES.index("count_excess")]
    assert excess.tolist() == [0.0] * 6 + [3.0]
