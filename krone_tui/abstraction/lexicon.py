"""What the rules know of single words: verbs and their forms, status words, nouns and their singular.

The words themselves stand in `lexicon.toml`; this module makes the forms and looks words up.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_VOWELS = frozenset("aeiou")
_E_DROPPED = re.compile(
    r"(?:[aeiou](?:t|z|s|v|c|g|k)|at|iz|yz|[ncr]c|[rl]v|dg|rg|ng|uc|[ui]r|[^ao]in|pl|bl|tl|dl|cl|gl|us|ns|rs|u)$"
)


@dataclass(frozen=True, slots=True)
class Word:
    """One English word as the rules see it."""

    lower: str
    verb: str
    """Base form of the verb this is a form of; empty when it is none."""
    form: str
    """`base`, `s`, `ing` or `past`; empty for no verb."""
    finite: bool
    """The form reads as a verb wherever it stands; else only where a verb must stand."""
    closed: str
    """`prep`, `det`, `aux`, `neg`, `adv`, `adj`, or empty for an open-class word."""
    failure_noun: bool
    outcome: str
    """`failure`, `success`, `progress` as a status word, or empty."""
    nominal: str
    """Base of the action the noun names (`reception`: receive); empty when it names none."""
    noun: str
    """Singular with abbreviations written out."""


@dataclass(frozen=True)
class Lexicon:
    """The words of `lexicon.toml`, with the verb forms made."""

    forms: dict[str, tuple[str, str, bool]]
    """Word form → base, form, finite."""
    closed: dict[str, str]
    outcomes: dict[str, str]
    nominal: dict[str, str]
    irregular: dict[str, str]
    """Base → past forms, the participle last."""
    verb_abbreviations: dict[str, str]
    noun_abbreviations: dict[str, str]
    phrasal: dict[str, frozenset[str]]
    reasons: tuple[tuple[re.Pattern[str], str], ...]
    failure_verbs: frozenset[str]
    light_verbs: frozenset[str]
    neutral_past: frozenset[str]
    healing_verbs: frozenset[str]
    commands: frozenset[str]
    noun_ings: frozenset[str]
    leading_verbs: frozenset[str]
    plain_failures: frozenset[str]
    failure_phrases: frozenset[str]
    failure_nouns: frozenset[str]
    failure_modifiers: frozenset[str]
    benign_after_failure: frozenset[str]
    good_when_true: frozenset[str]
    vague: frozenset[str]
    entities: frozenset[str]
    no_plurals: frozenset[str]
    component_tails: frozenset[str]
    levels: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    data = tomllib.loads((files("krone_tui.abstraction") / "lexicon.toml").read_text(encoding="utf-8"))
    closed: dict[str, str] = {}
    for name, mark in (
        ("adjectives", "adj"), ("adverbs", "adv"), ("determiners", "det"), ("prepositions", "prep"),
        ("auxiliaries", "aux"), ("negations", "neg"),
    ):  # fmt: skip
        closed.update(dict.fromkeys(data[name].split(), mark))
    reasons = tuple((re.compile(pattern), reason) for pattern, reason in data["reasons"].items())
    sets = {name: frozenset(data[name].split()) for name in (
        "failure_verbs", "light_verbs", "neutral_past", "healing_verbs", "failure_nouns", "failure_modifiers",
        "benign_after_failure", "commands", "noun_ings", "leading_verbs", "plain_failures", "failure_phrases",
    )}  # fmt: skip
    outcomes = {
        word: outcome
        for outcome in ("progress", "success", "failure")
        for word in data["outcomes"][outcome].split()
    }
    return Lexicon(
        forms=_all_forms(data),
        closed=closed,
        outcomes=outcomes,
        nominal=data["nominal"],
        irregular=data["irregular"],
        verb_abbreviations=data["abbreviations"],
        noun_abbreviations=data["noun_abbreviations"],
        phrasal={verb: frozenset(particles.split()) for verb, particles in data["phrasal"].items()},
        reasons=reasons,
        good_when_true=frozenset(data["outcomes"]["good_when_true"].split()),
        vague=frozenset(data["vague"]["nouns"].split()),
        no_plurals=frozenset(data["no_plurals"].split()),
        entities=frozenset(data["vague"]["entities"].split()),
        component_tails=frozenset(data["vague"]["component_tails"].split()),
        levels=frozenset(data["vague"]["levels"].split()),
        **sets,
    )


@lru_cache(maxsize=65536)
def look_up(lower: str) -> Word:
    """What is known, or guessed from its ending, of one lower-case word."""
    words = lexicon()
    closed = words.closed.get(lower, "")
    base, form, finite = words.forms.get(lower, ("", "", False))
    if not base and not closed and lower not in words.outcomes:
        base, form, finite = _guess_form(lower)
    if not base and not closed and len(lower) > 5 and lower.endswith("ly") and lower not in words.outcomes:
        closed = "adv"
    outcome = words.outcomes.get(lower, "")
    if not outcome and base in words.failure_verbs and form in ("past", "ing"):
        outcome = "failure"
    noun = singular(lower)
    return Word(
        lower=lower,
        verb=base,
        form=form,
        finite=finite and closed == "",
        closed=closed,
        failure_noun=noun in words.failure_nouns and form not in ("past", "ing"),
        outcome=outcome,
        nominal=words.nominal.get(noun, ""),
        noun=words.noun_abbreviations.get(noun, noun),
    )


def verb_of_part(part: str) -> str:
    """The verb that one lower-case part of a function's name (`init`, `recv`, `write`) stands for, or
    empty."""
    words = lexicon()
    if part in words.verb_abbreviations:
        return words.verb_abbreviations[part]
    base, _, _ = words.forms.get(part, ("", "", False))
    return base


@lru_cache(maxsize=65536)
def singular(lower: str) -> str:
    """The singular of an English noun in lower case; what does not look like a plural stays as it is."""
    if len(lower) < 4 or not lower.endswith("s") or lower in lexicon().no_plurals:
        return lower
    if lower.endswith(("ss", "us", "is", "ics", "fs")):
        return lower
    if lower.endswith("ies") and len(lower) > 4:
        return lower[:-3] + "y"
    if lower.endswith(("sses", "xes", "ches", "shes", "zzes", "uses")) and not lower.endswith(
        ("auses", "ouses", "aches")
    ):
        return lower[:-2]
    return lower[:-1]


def past_of(base: str) -> str:
    """The past participle of a base verb (`stop`: stopped, `hold`: held, `write`: written)."""
    if base in lexicon().irregular:
        return lexicon().irregular[base].split()[-1]
    one_syllable = len(re.findall(r"[aeiouy]+", base)) == 1
    return _past(base)[-1 if one_syllable else 0]


def _all_forms(data: dict[str, Any]) -> dict[str, tuple[str, str, bool]]:
    forms: dict[str, tuple[str, str, bool]] = {}
    strong = (
        set(data["verbs"].split()) | set(data["failure_verbs"].split()) | set(data["light_verbs"].split())
    )
    ambiguous = set(data["noun_verbs"].split())
    for base in sorted(strong | ambiguous):
        sure = base not in ambiguous
        # "time out", "log in": a noun first, a verb only beside its particle; -ed and -ing are verbs all the
        # same.
        for form in _past(base) + data["irregular"].get(base, "").split():
            forms.setdefault(form, (base, "past", form != base))
        for form in _ing(base):
            forms.setdefault(form, (base, "ing", True))
        forms[base] = (base, "base", sure)
        forms[_third(base)] = (base, "s", sure)
    for british in [form for form in forms if "ize" in form or "izing" in form or "yze" in form]:
        base, form, finite = forms[british]
        forms.setdefault(british.replace("iz", "is").replace("yz", "ys"), (base, form, finite))
    for noun in ("string", "warning", "ring", "timing", "thing", "king", "wiring"):
        forms.pop(noun, None)
    return forms


def _doubles(base: str) -> bool:
    return (
        len(base) > 2
        and base[-1] not in _VOWELS | set("wxyhkcj")
        and base[-2] in _VOWELS
        and (base[-3] not in _VOWELS or base[-3:-1] == "ui")
    )


def _past(base: str) -> list[str]:
    if base.endswith("e"):
        return [base + "d"]
    if base.endswith("y") and base[-2] not in _VOWELS:
        return [base[:-1] + "ied"]
    return [base + "ed", base + base[-1] + "ed"] if _doubles(base) else [base + "ed"]


def _ing(base: str) -> list[str]:
    if base.endswith("ie"):
        return [base[:-2] + "ying"]
    if base.endswith("e") and not base.endswith("ee"):
        return [base[:-1] + "ing"]
    return [base + "ing", base + base[-1] + "ing"] if _doubles(base) else [base + "ing"]


def _third(base: str) -> str:
    if base.endswith(("s", "x", "ch", "sh", "z", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return base[:-1] + "ies"
    return base + "s"


_NOT_VERBS = re.compile(
    r"(?:^(?:warning|timing|wiring|morning|during|lightning|bearing|pricing|billing)|thing|string|spring|king|wing|nning_|eed|[^aeiouy]ed|[^aeiouy]{3,}ing|ceiling|evening|meaning|seed|feed|speed|need|embed)$"
)


def _guess_form(lower: str) -> tuple[str, str, bool]:  # noqa: PLR0911 - one case an ending
    """A verb not listed, known by its ending: `retagging`, `zapped`, `re-queued`."""
    if not lower.replace("-", "").isalpha():
        return "", "", False
    for prefix in ("re-", "un-", "auto-", "pre-", "re", "un", "de", "auto", "pre"):
        rest = lower.removeprefix(prefix)
        if rest != lower and len(rest) > 3 and rest in lexicon().forms and not lower.endswith(("er", "or")):
            base, form, finite = lexicon().forms[rest]
            if form in ("past", "ing"):
                return prefix + base, form, finite
    if len(lower) < 6:
        return "", "", False
    for ending, form in (("ing", "ing"), ("ed", "past")):
        stem = lower.removesuffix(ending)
        if (
            stem != lower
            and len(stem) > 2
            and _VOWELS & set(stem)
            and not (ending == "ing" and _NOT_VERBS.search(lower))
        ):
            if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "sl":
                return stem[:-1], form, True
            if stem.endswith("i"):
                return stem[:-1] + "y", form, True
            return (stem + "e" if _E_DROPPED.search(stem) else stem), form, True
    return "", "", False
