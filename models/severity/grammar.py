"""Sentences grown from small word lists: failures, and beside them the ordinary life of the same words.

The hand-written corpus teaches how logs speak; this teaches what carries the meaning: "failed to open the
index" and "opened the index" share all but the words that matter.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random

_HERE = Path(__file__).parent
_NEUTRAL = _HERE.joinpath("neutral.txt").read_text(encoding="utf-8").split()
"""Words that say nothing about failure: they stand in names of failing and of ordinary sentences alike."""

_RAW = tomllib.loads(_HERE.joinpath("grammar.toml").read_text(encoding="utf-8"))
_LISTS: dict[str, list[str]] = {
    name: value if isinstance(value, list) else value.strip().replace("\n", "|").split("|")
    for name, value in _RAW.items()
}
_VERBS = [tuple(verb.split("/")) for verb in _LISTS["verbs"]]
_GROUPS = (
    (1.0, "failures"),
    (1.0, "lasting"),
    (1.0, "parameters_failed"),
    (0.0, "ordinary"),
    (0.0, "alarm_at_rest"),
    (0.0, "parameters"),
    (0.0, "parameters"),  # twice: verbose logs are full of them
    (0.5, "grey"),
)


def sentences(seed: int, per_pattern: int) -> list[tuple[float, str]]:
    """Labelled sentences, `per_pattern` of each pattern, the same for the same seed.

    A label is 1 for a failure, 0 for none, 0.5 for grey.
    """
    random = Random(seed)
    return [
        (label, _fill(pattern, random))
        for label, group in _GROUPS
        for pattern in _LISTS[group]
        for _ in range(per_pattern)
    ]


def bare() -> list[tuple[float, str]]:
    """Each word and phrase of the lists with as little around it as can be, labelled as in `sentences`."""
    lists = _LISTS
    return [
        *((1.0, reason) for reason in lists["reasons"]),
        *((1.0, f"{reason} <*>") for reason in lists["reasons"]),
        *((1.0, f"<*> is {state}") for state in lists["bad_states"]),
        *((0.0, f"<*> is {state}") for state in lists["good_states"]),
        *((1.0, f"{alarm} at <*>") for alarm in lists["alarms"]),
        *((0.0, f"no {alarm}") for alarm in lists["alarms"]),
        *((0.0, f"{verb[1]} <*>") for verb in _VERBS),
        *((0.0, f"{verb[2]} <*>") for verb in _VERBS),
        *((1.0, f"failed to {verb[0]} <*>") for verb in _VERBS),
        *((0.0, f"{thing} <*>") for thing in lists["things"]),
    ]


def _fill(pattern: str, random: Random) -> str:
    text = _each(pattern, "{thing}", lambda: random.choice(_LISTS["things"]))
    text = _each(text, "{word}", lambda: random.choice(_NEUTRAL))
    text = _each(text, "{name}", lambda: _name(random))
    do, done, doing = random.choice(_VERBS)
    for slot, value in (
        ("{do}", do),
        ("{done}", done),
        ("{doing}", doing),
        ("{Do}", do.capitalize()),
        ("{Thing}", random.choice(_LISTS["things"]).capitalize()),
        ("{reason}", random.choice(_LISTS["reasons"])),
        ("{bad}", random.choice(_LISTS["bad_states"])),
        ("{good}", random.choice(_LISTS["good_states"])),
        ("{alarm}", random.choice(_LISTS["alarms"])),
    ):
        text = text.replace(slot, value)
    if random.random() < 0.2:
        text = text[0].upper() + text[1:]
    return random.choice(_LISTS["prefixes"]) + text


def _each(text: str, slot: str, value: Callable[[], str]) -> str:
    """Every occurrence of `slot` filled with a value of its own."""
    while slot in text:
        text = text.replace(slot, value(), 1)
    return text


def _name(random: Random) -> str:
    first, second = random.choice(_NEUTRAL), random.choice(_NEUTRAL + _LISTS["things"])
    return (first if random.random() < 0.5 else first.capitalize()) + second.capitalize()
