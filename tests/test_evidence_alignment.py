"""Two sequences side by side: every step of both once, and the right mark at each."""

import difflib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from krone_tui.explanation.evidence import AlignedStep, align, cite

STEPS = st.lists(st.integers(0, 4), max_size=14)


def marks(own: list[int], normal: list[int]) -> list[tuple[str, int]]:
    return [(row.mark, row.template_id) for row in align(own, normal)]


@given(STEPS, STEPS)
@settings(max_examples=60, deadline=None)
def test_every_step_of_both_sequences_stands_in_the_list_once_and_in_order(
    own: list[int], normal: list[int]
) -> None:
    rows = align(own, normal)
    here = [(row.position, row.template_id) for row in rows if row.position is not None]
    there = [(row.normal_position, row.template_id) for row in rows if row.normal_position is not None]
    assert here == list(enumerate(own))
    assert there == list(enumerate(normal))
    assert all(row.position is not None or row.normal_position is not None for row in rows)


@given(STEPS, STEPS)
@settings(max_examples=60, deadline=None)
def test_steps_are_extra_or_missing_by_as_many_as_one_side_has_more(
    own: list[int], normal: list[int]
) -> None:
    rows = align(own, normal)
    extra = Counter(row.template_id for row in rows if row.mark == "extra")
    missing = Counter(row.template_id for row in rows if row.mark == "missing")
    assert extra == Counter(own) - Counter(normal)
    assert missing == Counter(normal) - Counter(own)


@given(STEPS, STEPS)
@settings(max_examples=60, deadline=None)
def test_what_moved_left_one_place_for_another(own: list[int], normal: list[int]) -> None:
    moved = [row for row in align(own, normal) if row.mark == "moved"]
    here = Counter(row.template_id for row in moved if row.normal_position is None)
    there = Counter(row.template_id for row in moved if row.position is None)
    assert here == there
    assert here.total() + there.total() == len(moved)


@given(STEPS, STEPS)
@settings(max_examples=60, deadline=None)
def test_joined_steps_are_those_of_difflib_s_matching_blocks(own: list[int], normal: list[int]) -> None:
    joined = [(row.position, row.normal_position) for row in align(own, normal) if row.mark == "same"]
    blocks = difflib.SequenceMatcher(None, own, normal, autojunk=False).get_matching_blocks()
    assert joined == [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]


def test_equal_sequences_are_the_same_throughout() -> None:
    assert align([3, 1, 1], [3, 1, 1]) == [
        AlignedStep("same", step, at, at) for at, step in enumerate([3, 1, 1])
    ]


def test_a_step_more_a_step_less_and_a_step_elsewhere_are_told_apart() -> None:
    assert marks([1, 9, 2, 3], [1, 2, 3]) == [("same", 1), ("extra", 9), ("same", 2), ("same", 3)]
    assert marks([1, 3], [1, 2, 3]) == [("same", 1), ("missing", 2), ("same", 3)]
    assert marks([2, 3, 4, 1], [1, 2, 3, 4]) == [
        ("moved", 1),
        ("same", 2),
        ("same", 3),
        ("same", 4),
        ("moved", 1),
    ]


def test_nothing_beside_something_is_all_missing_or_all_extra() -> None:
    assert marks([], [1, 2]) == [("missing", 1), ("missing", 2)]
    assert marks([1, 2], []) == [("extra", 1), ("extra", 2)]
    assert marks([], []) == []


def test_line_numbers_are_cited_in_words_and_shortened_when_many() -> None:
    assert cite([]) == ""
    assert cite([8]) == " (line 8)"
    assert cite([3, 4, 9]) == " (lines 3, 4, 9)"
    assert cite(range(1, 1_009)) == " (lines 1, 2, 3, 4, 5, 6 and 1,002 more)"
