"""Failure modes that have to do with one another are told together: in the same executions, or one right after the other."""

# ruff: noqa: DTZ001 - times in a log have no zone

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from krone_tui.settings import load_settings
from krone_tui.store import Store, views
from krone_tui.store.relations import related_modes
from krone_tui.tui.findings import Findings
from krone_tui.tui.screens.mode_rows import short_title, told_apart
from krone_tui.tui.screens.related import related_words

START = datetime(2026, 3, 14, 1, 0)


@pytest.fixture
def store() -> Store:
    """An hour of executions, a second apart; two failure modes begin at minutes 40:00 and 40:03, one is spread evenly."""
    store = Store.create(None, load_settings())
    modes = dict.fromkeys(range(2400, 2460, 6), 1) | dict.fromkeys(range(2403, 2460, 6), 2)
    modes |= dict.fromkeys(range(10, 3600, 300), 3)
    ids = list(range(3600))
    # One variant a failure mode; variant 0 is normal.
    variants = [modes.get(second, 0) for second in ids]
    times = [START + timedelta(seconds=second) for second in ids]
    store.append(
        "execution",
        pa.table(
            {
                "execution_id": ids, "identifier": [f"r{one}" for one in ids], "grouped_by": ["r"] * 3600, "is_window": [False] * 3600,
                "is_good": [False] * 3600, "source_id": [0] * 3600, "start_time": times, "end_time": times, "first_line": ids,
                "last_line": ids, "records": [1] * 3600, "lines": [1] * 3600, "variant_id": variants,
            }
        ),
    )  # fmt: skip
    for variant in range(4):
        number = variants.count(variant)
        store.connection.execute(
            "INSERT INTO variant VALUES ($id, false, false, [1], $number, 0)",
            {"id": variant, "number": number},
        )
        if not variant:
            continue
        first = times[variants.index(variant)]
        store.append(
            "failure_mode",
            pa.table(
                {
                    "failure_mode_id": [variant], "title": [f"[r-<*>] failure {variant}"], "level": ["status"], "path": ["A › b › c"],
                    "kind": ["new"], "score": [0.9], "executions": [number], "first_seen": [first], "last_seen": [first],
                    "example_execution": [variants.index(variant)],
                }
            ),
        )  # fmt: skip
        store.append(
            "variant_verdict",
            pa.table(
                {"variant_id": [variant], "flagged": [True], "score": [0.9], "failure_mode_id": [variant]}
            ),
        )
    # Every execution of the second failure mode holds a finding of the third, too.
    for finding, (variant, mode) in enumerate([(1, 1), (2, 2), (2, 3), (3, 3)]):
        store.connection.execute(
            "INSERT INTO finding VALUES ($id, $variant, 0, 'status', 'new', 0, 1, [1], 0.9, 'test', NULL, $mode)",
            {"id": finding, "variant": variant, "mode": mode},
        )
    return store


def test_one_that_starts_right_after_another_is_told_with_the_seconds_between(store: Store) -> None:
    related = related_modes(store)
    assert related[2].after == (1, 3.0)
    assert related[1].before == (2, 3.0)


def test_one_that_is_there_all_the_time_has_no_onset(store: Store) -> None:
    related = related_modes(store)
    assert 3 not in related


def test_one_found_in_the_executions_of_another_is_told_with_how_many(store: Store) -> None:
    assert related_modes(store)[2].shared == ((3, 10),)


def test_the_words_name_the_other_failure_modes_without_the_identifier_in_front(store: Store) -> None:
    findings = Findings(views.failure_modes(store), {}, related_modes(store), {}, {})
    second = findings.mode(2)
    assert second is not None
    assert related_words(second, findings) == (
        "Starts 3.0 s after mode 1 (failure 1). Also in 10 of these 10: mode 3 (failure 3)."
    )


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("[req-<*>] gave up", "gave up"),
        ("[<*>] [<*>] Redis::CannotConnectError", "Redis::CannotConnectError"),
        ("missing: [req-<*>] sent", "missing: sent"),
        ("[db] gave up", "[db] gave up"),
        ("[<*>]", "[<*>]"),
        ("ends after: <*>: from=<<*>>, size=<*>", "ends after: from=<<*>>, size=<*>"),
        ("not equally often: <*>: queued and <*>: sent", "not equally often: queued and <*>: sent"),
        ("unusual count: [<*>] <*> <*>: sent", "unusual count: sent"),
        ("(<*>) - - lost its peer", "lost its peer"),
        ("<*> <*> lost its peer", "lost its peer"),
        ("<*> of <*> done", "<*> of <*> done"),
        ("<*>/v1/orders failed", "<*>/v1/orders failed"),
        ("<*> = <*> set", "<*> = <*> set"),
        ("<*>: <*>", "<*>: <*>"),
    ],
)
def test_only_values_in_front_are_left_out_of_a_title(title: str, short: str) -> None:
    assert short_title(title) == short


def test_titles_lose_the_middle_that_they_share_where_they_would_be_cut_before_they_differ() -> None:
    titles = [
        "BLOCK* NameSystem.addStoredBlock: Redundant request received",
        "BLOCK* ask <*> to replicate blk_<*> to datanodes <*>",
        "BLOCK* ask <*> to replicate blk_<*> to datanodes <*> <*>",
        "BLOCK* NameSystem.addStoredBlock: request for a block of no file",
        "unusual count: SELECT sku FROM order_items GROUP BY sku",
        "unusual count: SELECT sku FROM order_items ORDER BY <*>",
    ]
    assert told_apart(titles, 80) == titles
    assert told_apart(titles, 34) == [
        "BLOCK* … Redundant request received",
        titles[1],
        titles[2],
        "BLOCK* … request for a block of no file",
        "unusual count: … GROUP BY sku",
        "unusual count: … ORDER BY <*>",
    ]
    assert told_apart([titles[0]] * 2, 34) == [titles[0]] * 2
