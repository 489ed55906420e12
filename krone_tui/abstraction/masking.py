"""Masks: what varies in a message becomes `<*>`.

Two steps, so that the cost grows with the log only once: `RECORD_PATTERN` is one RE2 alternation that DuckDB
applies to every record; `finish` applies the finer masks to the distinct results. Both come from masks.toml.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from krone_tui.store.templates import MASKING

WILDCARD = "<*>"
"""What stands for a variable, in masked messages and in templates."""

FIRST_LINE_LIMIT = 4096
"""Characters of a message's first line that are looked at: no template is longer, the rest is payload."""


@dataclass(frozen=True)
class Mask:
    """One kind of variable."""

    name: str
    """What it masks, in words."""
    per: str
    """`record`: part of the one pass over every record. `shape`: applied to that pass's distinct results."""
    pattern: str
    """A regular expression; within RE2's language when `per` is `record`."""
    to: str
    """What a match becomes."""
    samples: tuple[tuple[str, str], ...]
    """Texts and what all masks together must make of them."""


def load_masks() -> tuple[Mask, ...]:
    """Every mask of masks.toml, in the order in which they apply."""
    entries = tomllib.loads(Path(__file__).with_name("masks.toml").read_text(encoding="utf-8"))["mask"]
    return tuple(
        Mask(
            name=entry["name"],
            per=entry["per"],
            pattern=entry["pattern"],
            to=entry.get("to", WILDCARD),
            samples=tuple((text, masked) for text, masked in entry["samples"]),
        )
        for entry in entries
    )


MASKS = load_masks()

RECORD_PATTERN = "|".join(mask.pattern for mask in MASKS if mask.per == "record")
"""The alternation of all per-record masks, for RE2 (DuckDB) and, with `re.ASCII`, for Python alike."""

_RECORD_REGEX = re.compile(RECORD_PATTERN, re.ASCII)
_SHAPE_REGEXES = tuple((re.compile(mask.pattern), mask.to) for mask in MASKS if mask.per == "shape")


def masks_digest() -> str:
    """Of the rules that make shapes: equal where the shapes of two logs can be compared."""
    rules = (MASKING, FIRST_LINE_LIMIT, [(mask.per, mask.pattern, mask.to) for mask in MASKS])
    return hashlib.blake2b(repr(rules).encode(), digest_size=16).hexdigest()


def finish(text: str) -> str:
    """Apply the finer masks to one result of the per-record pass."""
    if WILDCARD not in text and not _MAY_VARY.search(text):
        return text
    for regex, replacement in _SHAPE_REGEXES:
        text = regex.sub(replacement, text)
    return text


def mask(message: str) -> str:
    """Mask one message in Python: what the stage does in DuckDB and `finish`, but for the numbers that tell what
    happened; for tests and small inputs.
    """
    line = message.split("\n", 1)[0]
    if len(line) > FIRST_LINE_LIMIT:
        line = re.sub(r"\S*$", "0", line[:FIRST_LINE_LIMIT])
    return finish(_RECORD_REGEX.sub(WILDCARD, line))


# A finer mask that can match a text without any wildcard needs one of these; most texts have none.
_MAY_VARY = re.compile(r"[@/.=]|\(\)")


@dataclass(frozen=True)
class Words:
    """Words that tell a constant from a variable; see masks.toml."""

    state: frozenset[str]
    missing: frozenset[str]
    name_cues: frozenset[str]
    kind_cues: frozenset[str]


def load_words() -> Words:
    """The word lists of masks.toml, in lower case."""
    lists = tomllib.loads(Path(__file__).with_name("masks.toml").read_text(encoding="utf-8"))["words"]
    return Words(**{name: frozenset(words.split()) for name, words in lists.items()})
