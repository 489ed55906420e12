"""Templates that begin alike are quoted by what tells them apart; a single normal execution is told as one."""

from types import SimpleNamespace
from typing import Any

import pytest

from krone_tui.explanation.quoting import SHOWN_TEXT, Quotes
from krone_tui.explanation.writer import Writer
from krone_tui.store.evidence import Step, TemplateName, Usage
from krone_tui.store.lines import Line

HEAD = "[<*>] db=shop,user=app,client=[local] LOG: duration: <*> ms statement: SELECT id, customer, total, currency FROM"
ORDERS, CUSTOMERS = f"{HEAD} orders WHERE id = <*>", f"{HEAD} customers WHERE id = <*>"
SHORT = "connection received: host=<*> port=<*>"
ALONE = "checkpoint complete: " + "wrote <*> buffers, " * 8 + "and that was all"


@pytest.fixture
def quotes() -> Quotes:
    return Quotes([ORDERS, CUSTOMERS, SHORT, ALONE])


def test_a_template_that_fits_is_quoted_whole(quotes: Quotes) -> None:
    assert quotes.of(SHORT) == f"“{SHORT}”"


def test_a_long_one_that_begins_like_no_other_is_cut_at_its_end(quotes: Quotes) -> None:
    assert quotes.of(ALONE) == f"“{ALONE[: SHOWN_TEXT - 1]}…”"


def test_long_ones_that_begin_alike_are_quoted_by_what_differs(quotes: Quotes) -> None:
    one, other = quotes.of(ORDERS), quotes.of(CUSTOMERS)
    assert one != other
    assert one.endswith("orders WHERE id = <*>”")
    assert other.endswith("customers WHERE id = <*>”")
    for said in (one, other):
        assert said.startswith("“[<*>] ")
        assert " … " in said
        assert SHOWN_TEXT // 2 < len(said) <= SHOWN_TEXT + 2


def test_what_differs_long_before_its_end_begins_there(quotes: Quotes) -> None:
    rest = " AND status = <*>" * 12
    long = Quotes([ORDERS + rest, CUSTOMERS + rest])
    assert "… orders WHERE" in long.of(ORDERS + rest)
    assert "… customers WHERE" in long.of(CUSTOMERS + rest)
    assert len(long.of(ORDERS + rest)) <= SHOWN_TEXT + 2


def test_one_long_word_is_quoted_from_its_beginning() -> None:
    quotes = Quotes(["x" * 150 + "a", "x" * 150 + "b"])
    assert len(quotes.of("x" * 150 + "a")) <= SHOWN_TEXT + 2


@pytest.mark.parametrize(
    ("normal", "having", "said"),
    [
        (0, 0, "occurs"),
        (1, 0, "occurs; the one normal window does not have it"),
        (1, 1, "occurs; the one normal window has it too"),
        (2, 0, "occurs; none of 2 normal windows has it"),
        (40, 3, "occurs; only 3 of 40 normal windows have it"),
    ],
)
def test_a_new_step_is_told_with_how_many_normal_windows_have_it(normal: int, having: int, said: str) -> None:
    usual: Any = SimpleNamespace(unit="windows", normal=normal, usage=lambda _: Usage(having, 1, 1, 1))
    writer = Writer(
        {1: TemplateName(SHORT, "Connection", "receive", "received", 0.1)},
        Quotes([SHORT]),
        usual,
        [Step(0, 1, Line(7), 7, None, None)],
    )
    assert writer._new(1).text == f"“{SHORT}” {said}"
