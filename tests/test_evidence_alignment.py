"""Two executions side by side: every step of both once, in order, and the right mark at each."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from krone_tui.explanation import alignment, cite
from krone_tui.store.comparison import Step
from krone_tui.store.lines import Line

STEPS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from("st")), max_size=14)
Names = list[tuple[str, str, str]]


def rows(own: Names, normal: Names) -> tuple[alignment.Row, ...]:
    order = sorted({*own, *normal})

    def built(names: Names) -> tuple[alignment.Node, ...]:
        return alignment.build(
            [Step(at, *name, order.index(name), "".join(name)) for at, name in enumerate(names)]
        )

    return alignment.align(built(own), built(normal))


def leaves(found: Sequence[alignment.Row]) -> list[alignment.Row]:
    return [leaf for row in found for leaf in (leaves(row.children) if row.children else [row])]


@given(STEPS, STEPS)
@settings(max_examples=60)
def test_every_step_of_both_executions_stands_in_the_rows_once_and_in_order(
    own: Names, normal: Names
) -> None:
    found = leaves(rows(own, normal))
    for side, names in (("here", own), ("normal", normal)):
        nodes = [node for row in found if (node := getattr(row, side)) is not None]
        positions = [at for node in nodes for at in range(node.position, node.position + node.length)]
        assert positions == list(range(len(names)))
        assert [name for node in nodes for name in node.length * [node.detail]] == ["".join(n) for n in names]


@given(STEPS, STEPS)
@settings(max_examples=60)
def test_same_means_the_same_step_on_both_sides_and_one_sided_rows_have_one_side(
    own: Names, normal: Names
) -> None:
    for row in leaves(rows(own, normal)):
        if row.mark in ("same", "count"):
            assert row.here is not None and row.normal is not None
            assert row.here.detail == row.normal.detail
            assert (row.here.length == row.normal.length) is (row.mark == "same")
        else:
            assert (row.here is None) is not (row.normal is None)
            assert row.mark == "moved" or (row.mark == "extra") is (row.here is not None)


@given(STEPS, STEPS)
@settings(max_examples=60)
def test_what_moved_left_one_place_for_another(own: Names, normal: Names) -> None:
    moved = [row for row in leaves(rows(own, normal)) if row.mark == "moved"]
    here = Counter(row.here.detail for row in moved if row.here is not None for _ in range(row.here.length))
    there = Counter(
        row.normal.detail for row in moved if row.normal is not None for _ in range(row.normal.length)
    )
    assert here == there


@given(STEPS)
@settings(max_examples=20)
def test_an_execution_beside_itself_is_the_same_throughout(own: Names) -> None:
    found = rows(own, own)
    assert {row.mark for row in found} <= {"same"}
    assert alignment.tally(found)["same"] == len(own)


def test_line_numbers_are_cited_in_words_and_shortened_when_many() -> None:
    assert cite([]) == ""
    assert cite([Line(8)]) == " (line 8)"
    assert cite([Line(3), Line(4), Line(9)]) == " (lines 3, 4, 9)"
    assert (
        cite([Line(3), Line(7, "api.log"), Line(9, "api.log"), Line(4)])
        == " (line 3; lines 7, 9 of api.log; line 4)"
    )
    assert cite([Line(number) for number in range(1, 1_009)]) == " (lines 1, 2, 3, 4, 5, 6 and 1,002 more)"
