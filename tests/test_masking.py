"""Masks: their samples, and their cost on hostile lines."""

import re
import time

import pytest

from krone_tui.abstraction.masking import FIRST_LINE_LIMIT, MASKS, RECORD_PATTERN, Mask, finish, mask
from krone_tui.settings import Settings
from krone_tui.store import Store

SAMPLES = [(each, text, masked) for each in MASKS for text, masked in each.samples]


@pytest.mark.parametrize(("each", "text", "masked"), SAMPLES, ids=[f"{m.name}: {t}" for m, t, _ in SAMPLES])
def test_a_mask_does_to_its_sample_what_it_says(each: Mask, text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("each", MASKS, ids=[each.name for each in MASKS])
def test_every_mask_is_needed_by_one_of_its_own_samples(each: Mask) -> None:
    def without(text: str) -> str:
        record = "|".join(m.pattern for m in MASKS if m.per == "record" and m is not each)
        text = re.sub(record, "<*>", text, flags=re.ASCII)
        for other in MASKS:
            if other.per == "shape" and other is not each:
                text = re.sub(other.pattern, other.to, text)
        return text

    assert any(without(text) != masked for text, masked in each.samples)


def test_the_database_and_python_mask_alike() -> None:
    texts = [text for _, text, _ in SAMPLES] + ["naïve café 12 Überlauf", "日本語 42 ログ", "x\ty 1"]
    with Store.create(None, Settings()) as store:
        rows = store.arrow(
            "SELECT regexp_replace(t, $pattern, '<*>', 'g') AS masked FROM unnest($texts) AS u(t)",
            {"pattern": RECORD_PATTERN, "texts": texts},
        )
    assert [finish(text) for text in rows.column("masked").to_pylist()] == [mask(text) for text in texts]


def test_constant_words_stay() -> None:
    for text in (
        "session opened",
        "Bye Bye [preauth]",
        "getMode...",
        "a-b c_d e.f.g",
        "Failed: No such file",
    ):
        assert mask(text) == text


def test_masking_what_is_masked_changes_nothing() -> None:
    for _, _, masked in SAMPLES:
        assert finish(masked) == masked


def test_only_the_first_line_and_its_beginning_count() -> None:
    assert mask("failed\n  at Foo.bar(Foo.java:12)") == "failed"
    long = "payload " + "word " * 100_000
    assert len(mask(long)) <= FIRST_LINE_LIMIT + len("<*>")
    assert mask("A" * 10_000_000) == "<*>"


@pytest.mark.parametrize(
    "unit",
    [
        "a-",
        "<*>",
        "a.b",
        "a",
        "/a",
        "1.a-",
        "x@",
        "a1_",
        "a<*>.",
        "(<*> ",
        "k=",
        "<*>, ",
        "Jan 1 ",
        "a.b@",
        '="',
        "::",
    ],
)
def test_a_hostile_line_costs_no_more_than_a_moment(unit: str) -> None:
    line = (unit * FIRST_LINE_LIMIT)[: FIRST_LINE_LIMIT - 1] + "!"
    started = time.process_time()
    mask(line)
    assert time.process_time() - started < 0.1
