"""The GBNF grammar of an explanation: its parts, its sentences, and the only numbers and names that they may
hold.
"""

import re
from collections.abc import Iterable

from krone_tui.explanation.request import Prompt

VERDICTS = ("anomalous", "probably anomalous", "probably normal", "cannot tell")
PARTS = ("What happened", "Why it is unusual", "What to check next")
_MAX_VALUES = 120
"""Names and numbers that sentences may use; llama.cpp tries each at every word."""
_MAX_REFERENCES = 40
_VALUE_LENGTH = 48
_QUOTE_LENGTH = 90
_WORDS = re.compile(r"[^\s\"'`<>(){}\[\],;|‹›⁅⁆¦…“”]+")
_EDGE = ".:!?=*→-/"
_PLAIN = re.compile(r"[A-Za-z][a-z]{0,19}(?:[-'][a-z]{1,12})?\Z")
_SHORTENED = re.compile(r" (?:⏎|…\([\d,]+ characters left out\)…|\(\+\d+ more lines\))")
_ROUND = str.maketrans("[]", "()")

_LEADS_OF_RECORDS = {
    "What happened": ("The log says", "Then comes", "It ends with", "It begins with"),
    "What to check next": ("Check why the log says", "Check what comes before", "Check what comes after"),
}
_LEADS_OF_EVIDENCE = {"Why it is unusual": ("Evidence:", "Compared with normal executions:")}


def values(texts: Iterable[str]) -> list[str]:
    """The words of the texts that are no plain English letters: numbers, identifiers, paths, other scripts;
    in order.
    """
    found: dict[str, None] = {}
    for text in texts:
        for match in _WORDS.finditer(text):
            word = match.group().strip(_EDGE)
            if word and len(word) <= _VALUE_LENGTH and word.isprintable() and not _PLAIN.match(word):
                found.setdefault(word)
    return list(found)[:_MAX_VALUES]


def free_grammar(prompt: Prompt) -> str:
    """A verdict and three parts of one or two sentences, each ending in the references that it rests on.

    References are those of the prompt alone. A word is made of letters, or is a value that stands in the
    prompt: no number can be invented. A value follows a word, so that no list of values runs on. GBNF as in
    llama.cpp's grammars/README.md.
    """
    references = list(prompt.references)[:_MAX_REFERENCES]
    known = values(
        [*(fact.text for fact in prompt.facts), *(r.message for r in prompt.records), prompt.context]
    )
    rules = [
        _root(dict.fromkeys(PARTS, "claims")),
        f"verdict ::= {any_of(VERDICTS)}",
        'claims ::= claim (" " claim)?',
        'claim ::= sentence " [" reference (", " reference){0,3} "]"' if references else "claim ::= sentence",
        'sentence ::= [A-Z] [a-z]{0,15} run{1,4} "."',
        f'run ::= ((" " | ", ") word){{1,6}}{" (" + _literal(" ") + " value)?" if known else ""}',
        'word ::= plain | "\\"" plain (" " plain){0,4} "\\""',
        "plain ::= [A-Za-z] [a-z]{0,19} ([-'] [a-z]{1,12})?",
    ]
    if references:
        rules.append(f"reference ::= {any_of(references)}")
    if known:
        rules.append(f"value ::= {any_of(known)}")
    return "\n".join(rules) + "\n"


def guided_grammar(prompt: Prompt) -> str:
    """The same parts for a model too small to write: it chooses the verdict, the records and the evidence to
    point at.

    What it chooses stands there word for word, with its own reference.
    """
    quotes = [
        f" “{quote(record.message)}”. [{record.line}]" for record in prompt.records if quote(record.message)
    ]
    facts = []
    for number, fact in enumerate(prompt.facts, 1):
        cited = ", ".join(map(str, fact.lines[:4])) if fact.lines else f"E{number}"
        facts.append(f" {_SHORTENED.sub(' …', fact.text).translate(_ROUND)}. [{cited}]")
    quoted, stated = (
        ("quote", "fact") if quotes and facts else ("quote", "quote") if quotes else ("fact", "fact")
    )
    leads = _LEADS_OF_RECORDS | _LEADS_OF_EVIDENCE
    rules = [
        _root(
            {
                PARTS[0]: f'lead0 {quoted} (" " lead0 {quoted})?',
                PARTS[1]: f"lead1 {stated}",
                PARTS[2]: f"lead2 {quoted}",
            }
        ),
        f"verdict ::= {any_of(VERDICTS)}",
        *(f"lead{number} ::= {any_of(leads[part])}" for number, part in enumerate(PARTS)),
    ]
    if quotes:
        rules.append(f"quote ::= {any_of(dict.fromkeys(quotes))}")
    if facts:
        rules.append(f"fact ::= {any_of(dict.fromkeys(facts))}")
    return "\n".join(rules) + "\n"


def _root(parts: dict[str, str]) -> str:
    return 'root ::= "Verdict: " verdict "\\n" ' + ' "\\n" '.join(
        f'"{part}: " {rule}' for part, rule in parts.items()
    )


def quote(message: str) -> str:
    """The beginning of a message, as it stands there, up to the end of a word."""
    text = _SHORTENED.split(message)[0].translate(str.maketrans("“”", '""')).translate(_ROUND)
    return text if len(text) <= _QUOTE_LENGTH else text[:_QUOTE_LENGTH].rsplit(" ", 1)[0]


def any_of(words: Iterable[str]) -> str:
    """A rule that allows one of these texts, each as it stands."""
    return " | ".join(map(_literal, words))


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
