"""A line's first characters exclude most header formats, and none that it has."""

import random

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from krone_tui.ingest.formats import header_formats, may_begin, wrappers
from krone_tui.ingest.formats.beginnings import Beginnings
from krone_tui.settings import Settings
from krone_tui.store.connection import Store
from krone_tui.store.questions import ask, matches
from krone_tui.store.record_layouts import TextLayout

_LAYOUTS = [item.layout for item in header_formats()] + [
    TextLayout(item.name, item.unwrap.pattern, item.unwrap.times) for item in wrappers()
]
_SAMPLES = [sample.line for item in header_formats() for sample in item.samples] + [
    item.sample for item in wrappers()
]


def matched(lines: list[str], layouts: list[TextLayout]) -> npt.NDArray[np.bool_]:
    """What RE2 says: lines × layouts."""
    with Store.create(None, Settings(threads=1)) as store:
        return ask(store, [matches(pa.array(lines, pa.large_string()), layouts)])[0]


def changed(lines: list[str], rng: random.Random) -> list[str]:
    """The lines with a few of their first characters left out, doubled, or replaced."""
    found = []
    for line in lines:
        characters = list(line)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(min(len(characters), 20)) if characters else 0
            characters[at : at + rng.randint(0, 2)] = rng.choice(
                [
                    [],
                    [" "],
                    ["\t"],
                    ["["],
                    ["<"],
                    ["3"],
                    ["-"],
                    ["/"],
                    ["x"],
                    ["K"],
                    ["\u212a"],
                    ["ſ"],
                    ["世"],
                ]
            ) * rng.randint(1, 2)
        found.append("".join(characters))
    return found


def test_no_format_is_excluded_that_a_line_has() -> None:
    lines, rng = list(_SAMPLES), random.Random(3)
    for _ in range(8):
        lines += changed(_SAMPLES, rng)
    lines += ["", " ", "x", "2026", "2026-03-14", "\x00", "世界", *(line[:8] for line in _SAMPLES)]
    possible = may_begin(lines, [*header_formats(), *wrappers()])
    found = matched(lines, _LAYOUTS)
    assert found.sum() > len(_SAMPLES)
    wrong = [(lines[row], _LAYOUTS[number].name) for row, number in np.argwhere(found & ~possible)]
    assert wrong == []


def test_most_formats_are_excluded() -> None:
    lines = ["Mar 14 03:01:02 web1 shop[3]: shipped", '{"time": "2026-03-14"}', "shipped order 17"]
    assert (may_begin(lines, header_formats()).sum(axis=1) < len(header_formats()) / 6).all()
    assert may_begin(["2026-03-14 03:01:02 shipped"], header_formats()).sum() < len(header_formats()) / 2


@pytest.mark.parametrize(
    "pattern",
    [
        "a|bc|",
        "(?:a|bc)d",
        "(?:ab?)*c",
        "(?:a{2}|b){1,2}c",
        "a{0}b",
        "a{2,}b",
        "a+?b*?c??d",
        "[a-c]{2}d",
        "[^a-c]d",
        r"[\w.-]+ \d",
        r"[]a]b",
        r"\bab\b",
        "(?i:ks)a",
        "a(?i:b|c)d",
        r"\x{4e16}a",
        "世?a",
        r"a\.b\[",
        ".b$",
        r"\S\s\S",
        "(?P<one>a)(?:(?P<two>b)|c)",
        # What is not read excludes nothing.
        r"\pLa",
        "(?s:.)a",
        "[[:alpha:]]b",
    ],
)
def test_what_a_pattern_may_begin_with(pattern: str) -> None:
    rng = random.Random(pattern)
    letters = "abcdksKS .-[]1\n\u212aſ世"
    lines = [
        "a.b[",
        "ks 1",
        "K\u017fa",
        *letters,
        *("".join(rng.choices(rng.choice(["abcd", letters]), k=rng.randint(0, 5))) for _ in range(900)),
    ]
    # A header's pattern has a place for it; where it has none, all of it is the header.
    found = matched(lines, [TextLayout("one", f"(?:{pattern})", ())])[:, 0]
    possible = Beginnings([pattern]).possible(lines)[:, 0]
    assert found.any()
    assert not (found & ~possible).any()


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("abc", "ab"),
        ("abc", "abd"),
        (r"\d{4}-\d", "2026 03"),
        (r"(?:<\d>)?\[x", "3[x"),
        ("(?:Jan|Feb) ", "Mar 3"),
        ("[^a]b", "ab"),
        ("(?i:ab)c", "aXc"),
    ],
)
def test_what_it_cannot_begin_with(pattern: str, line: str) -> None:
    assert not Beginnings([pattern]).possible([line]).any()


def test_what_is_asked_side_by_side_is_what_each_asks() -> None:
    lines = [pa.array(_SAMPLES[at : at + 9], pa.large_string()) for at in range(0, 90, 9)]
    layouts = [_LAYOUTS[at : at + 5] for at in range(10)]
    with Store.create(None, Settings(threads=1)) as store:
        together = ask(store, [matches(*one) for one in zip(lines, layouts, strict=True)])
        for found, one in zip(together, zip(lines, layouts, strict=True), strict=True):
            assert np.array_equal(found, ask(store, [matches(*one)])[0])
            assert found.shape == (9, 5)
