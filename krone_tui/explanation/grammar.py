"""The GBNF grammar of an explanation: its parts, its sentences, and the only numbers and names that they may hold."""

import re
from collections.abc import Iterable

from krone_tui.explanation.request import Prompt

VERDICTS = ("anomalous", "probably anomalous", "probably normal", "cannot tell")
PARTS = ("What happened", "Why it is unusual", "What to check next")
_MAX_VALUES = 120
"""Names and numbers that sentences may use; llama.cpp tries each at every word."""
_MAX_REFERENCES = 40
_VALUE_LENGTH = 48
_WORDS = re.compile(r"[^\s\"'`<>(){}\[\],;|‹›⁅⁆¦…]+")
_EDGE = ".:!?=*→-/"
_PLAIN = re.compile(r"[A-Za-z][a-z]{0,19}(?:[-'][a-z]{1,12})?\Z")


def values(texts: Iterable[str]) -> list[str]:
    """The words of the texts that are no plain English letters: numbers, identifiers, paths, other scripts; in order."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _WORDS.finditer(text):
            word = match.group().strip(_EDGE)
            if word and len(word) <= _VALUE_LENGTH and word.isprintable() and not _PLAIN.match(word):
                found.setdefault(word)
    return list(found)[:_MAX_VALUES]


def explanation_grammar(prompt: Prompt) -> str:
    """A verdict and three parts of one or two sentences, each ending in the references that it rests on.

    References are those of the prompt alone. A word is made of letters, or is a value that stands in the prompt:
    no number can be invented. GBNF as in llama.cpp's grammars/README.md.
    """
    references = list(prompt.references)[:_MAX_REFERENCES]
    known = values([*(fact.text for fact in prompt.facts), *(r.message for r in prompt.records), prompt.context])
    rules = [
        'root ::= "Verdict: " verdict "\\n" ' + ' "\\n" '.join(f'"{part}: " claims' for part in PARTS),
        f"verdict ::= {_any_of(VERDICTS)}",
        'claims ::= claim (" " claim)?',
        'claim ::= sentence " [" reference (", " reference){0,3} "]"' if references else "claim ::= sentence",
        f'sentence ::= ([A-Z] [a-z]{{0,15}}{" | value" if known else ""}) ((" " | ", ") word){{3,26}} "."',
        f"word ::= plain | quoted{' | value' if known else ''}",
        "plain ::= [A-Za-z] [a-z]{0,19} ([-'] [a-z]{1,12})?",
        'quoted ::= "\\"" plain (" " plain){0,4} "\\""',
    ]
    if references:
        rules.append(f"reference ::= {_any_of(references)}")
    if known:
        rules.append(f"value ::= {_any_of(known)}")
    return "\n".join(rules) + "\n"


def _any_of(words: Iterable[str]) -> str:
    return " | ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
