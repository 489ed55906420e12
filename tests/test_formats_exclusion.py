"""Formats that no line has are excluded by Arrow's RE2 before DuckDB's is asked: both must say the same of every line."""

import random
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from krone_tui.ingest.detection import detect
from krone_tui.ingest.formats import header_formats, lines_with, wrappers
from krone_tui.settings import Settings
from krone_tui.store.connection import Store
from krone_tui.store.questions import ask, matches
from krone_tui.store.record_layouts import TextLayout
from krone_tui.store.times import Clock

_LAYOUTS = [item.layout for item in header_formats() if isinstance(item.layout, TextLayout)] + [
    TextLayout(item.name, item.unwrap.pattern, item.unwrap.times) for item in wrappers()
]
_SAMPLES = [sample.line for item in header_formats() for sample in item.samples] + [
    item.sample for item in wrappers()
]
_CLOCK = Clock(datetime(2026, 3, 15))  # noqa: DTZ001 (its times are in no zone)
_ODD = ["", " ", "x", "2026", "2026-03-14", "\x00", "世界", "one\ntwo", "\u212aK", "2026-03-14 03:01:02\r"]
_PUT_IN = [*" \t[]<>(3-/x|:", "K", "\u212a", "ſ", "世", "\u0663", "\v", "\xa0", "\n", "🜚", "\x85"]


def strings(lines: list[str]) -> pa.Array:
    """The lines as they are asked about."""
    return pa.array(lines, pa.large_string())


def changed(line: str, rng: random.Random) -> str:
    """The line with a few of its characters left out, or others put in."""
    characters = list(line)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(characters) + 1)
        characters[at : at + rng.randint(0, 2)] = rng.choices(_PUT_IN, k=rng.randint(0, 2))
    return "".join(characters)


def test_both_engines_find_as_many_lines_of_each_format() -> None:
    rng = random.Random(3)
    lines = [*_SAMPLES, *_ODD, *(changed(line, rng) for _ in range(8) for line in _SAMPLES)]
    with Store.create(None, Settings(threads=1)) as store:
        (found,) = ask(store, [matches(strings(lines), _LAYOUTS)])
    assert found.any(axis=0).all()
    counts = {layout.name: lines_with(layout.pattern, strings(lines)) for layout in _LAYOUTS}
    assert counts == dict(zip(counts, found.sum(axis=0).tolist(), strict=True))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a", 2),
        ("(?P<one>b)|a", 3),
        ("b", 1),
        (r"\d{2}", 0),
        (r"\x{4e16}", 1),
        ("(?i:k)", 1),
        (r"\w+$", 2),
        ("", 6),
    ],
)
def test_a_pattern_is_found_at_the_start_of_a_line_alone(pattern: str, expected: int) -> None:
    assert lines_with(pattern, strings(["a", "ab c", "ba", "", "\u212a1", "世 12"])) == expected


@pytest.mark.parametrize("before", ["", "2024-01-01T10:00:00.5Z stdout F "])
def test_what_is_excluded_first_changes_no_shape(before: str) -> None:
    sources = [
        strings([before + line for line in _SAMPLES[at : at + 7]]) for at in range(0, len(_SAMPLES), 7)
    ]
    with Store.create(None, Settings(threads=1)) as store:
        alone = ask(store, [detect(source, _CLOCK, alone=True) for source in sources[::2]])
        together = ask(store, [detect(source, _CLOCK, alone=False) for source in sources[::2]])
    assert alone == together
    assert len({name for shape in alone for name in shape.names}) > 20


def test_duckdb_is_asked_about_few_formats_of_a_source_alone() -> None:
    line = "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok"
    asked = {
        alone: len(next(detect(strings([line] * 5), _CLOCK, alone=alone)).flags) for alone in (True, False)
    }
    assert 0 < asked[True] < len(header_formats()) / 10
    assert asked[False] > len(header_formats()) / 2


def test_what_is_asked_side_by_side_is_what_each_asks() -> None:
    lines = [strings(_SAMPLES[at : at + 9]) for at in range(0, 90, 9)]
    layouts = [_LAYOUTS[at : at + 5] for at in range(10)]
    with Store.create(None, Settings(threads=1)) as store:
        together = ask(store, [matches(*one) for one in zip(lines, layouts, strict=True)])
        for found, one in zip(together, zip(lines, layouts, strict=True), strict=True):
            assert np.array_equal(found, ask(store, [matches(*one)])[0])
            assert found.shape == (9, 5)
