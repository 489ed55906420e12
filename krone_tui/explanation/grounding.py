"""Grounding: an answer taken apart into sentences, and each held against the records and evidence that it
cites.
"""

import re
from functools import cache
from importlib import resources

from krone_tui.explanation.grammar import PARTS, VERDICTS
from krone_tui.explanation.request import Claim, Prompt

_CLAIM = re.compile(r"\s*(?P<text>.+?)\s*(?:\[(?P<cited>E?\d+(?:, E?\d+)*)\](?= |\Z)|\Z)", re.DOTALL)
_TOKEN = re.compile(r"(?:[^\s\"`<>(){}\[\],;|‹›⁅⁆¦…“”]|(?<=\d),(?=\d{3}(?!\d)))+")
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"")
_ALIKE = str.maketrans({"[": "(", "]": ")", "“": '"', "”": '"'})
_EDGE = ".:!?=*→-/'"
_WORD_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_SUFFIXES = (
    "ations",
    "ation",
    "ingly",
    "edly",
    "ings",
    "ing",
    "ions",
    "ion",
    "ies",
    "ied",
    "ed",
    "es",
    "ly",
    "er",
    "s",
    "e",
    "y",
)
_DENIALS = r"\b(?:no|not|never|none|without|neither|nor|cannot|\w+n't|missing|absent)\b"
_READS_AS_DENIAL = rf"{_DENIALS}|\b(?:fail|lack|refus|reject|declin|miss)\w*"
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2)
}


def parse_answer(answer: str) -> tuple[str, list[tuple[str, str, tuple[str, ...]]], bool]:
    """An answer's verdict, its claims as (part, sentence, references cited), and whether it is whole."""
    first = re.match(r"Verdict: (.*?)(?:\n|\Z)", answer)
    verdict = first.group(1) if first and first.group(1) in VERDICTS else ""
    claims: list[tuple[str, str, tuple[str, ...]]] = []
    whole = bool(verdict)
    for part in PARTS:
        section = re.search(rf"^{re.escape(part)}: (.*)$", answer, re.MULTILINE)
        text = section.group(1) if section else ""
        whole = whole and text.endswith("]")
        for match in _CLAIM.finditer(text):
            cited = match["cited"]
            claim = (part, match["text"], tuple(dict.fromkeys(cited.split(", "))) if cited else ())
            if claim not in claims:
                claims.append(claim)
    return verdict, claims, whole


def ground(answer: str, prompt: Prompt) -> tuple[str, tuple[Claim, ...], bool]:
    """The verdict, the sentences with whether what they cite bears them out, and whether the answer is whole.

    A sentence is supported when every reference exists, every name, number and quotation of it stands in what
    it cites (or in the place, baseline and steps, which are the tool's own facts), every other word stands
    there
    or names no fact (`plain_words.txt`), and at least one word of substance is shared.
    """
    verdict, claims, whole = parse_answer(answer)
    references = prompt.references
    sentences = []
    for part, text, cited in claims:
        why_not = why_unsupported(text, cited, references, prompt.context)
        sentences.append(Claim(part, text, _lines(cited, prompt), not why_not, why_not))
    return verdict, tuple(sentences), whole


def _lines(cited: tuple[str, ...], prompt: Prompt) -> tuple[int, ...]:
    """The physical lines behind references; evidence without lines has none."""
    return tuple(sorted({int(reference) for reference in cited if reference.isdigit()}))


def why_unsupported(text: str, cited: tuple[str, ...], references: dict[str, str], context: str) -> str:
    """One phrase, or nothing for a sentence that is borne out."""
    if not cited:
        return "cites no line"
    unknown = [reference for reference in cited if reference not in references]
    if unknown:
        return f"cites {'line ' if unknown[0].isdigit() else ''}{unknown[0]}, which it was not given"
    behind = "\n".join(references[reference] for reference in cited)
    said = _spoken(f"{behind}\n{context}")
    for match in _QUOTED.finditer(text):
        quotation = match[1] or match[2]
        if _spoken(quotation) not in said:
            return f"what it cites does not say “{quotation}”"
    if re.search(_DENIALS, text, re.IGNORECASE) and not re.search(_READS_AS_DENIAL, behind, re.IGNORECASE):
        return "denies something; what it cites denies nothing"
    return _word_not_borne_out(text, cited, behind, context)


def _spoken(text: str) -> str:
    """Text as quotations are compared: no case, one space, one kind of bracket and quotation mark."""
    return " ".join(text.lower().translate(_ALIKE).split())


def _word_not_borne_out(text: str, cited: tuple[str, ...], behind: str, context: str) -> str:
    known = f"{behind}\n{context}"
    stems = _stems(known)
    substance = False
    for match in _TOKEN.finditer(text):
        token = match.group().strip(_EDGE)
        if not token or token in cited:
            continue
        if _is_value(token):
            if not _stands_in(token, known):
                return f"what it cites does not name {token}"
            substance = True
            continue
        for word in _WORD_PARTS.findall(token):
            stem = _stem(word)
            if stem in stems:
                substance = substance or stem not in _plain_stems()
            elif word.lower() in _NUMBER_WORDS:
                if not _stands_in(_NUMBER_WORDS[word.lower()], known):
                    return f"what it cites does not say {word}"
            elif stem not in _plain_stems():
                return f"what it cites does not speak of “{word}”"
    return "" if substance else "says nothing of what it cites"


def _is_value(token: str) -> bool:
    """A number, an identifier, a path, a word in capitals: something that is right or wrong as it stands."""
    return bool(re.search(r"\d|[_/.:@=#$%&+~\\]|[a-z][A-Z]|[A-Z]{2}", token))


def _stands_in(value: str, text: str) -> bool:
    """Whether the value occurs, not as a part of a longer one; thousands separators do not matter."""
    plain_value, plain_text = (re.sub(r"(?<=\d),(?=\d{3}\b)", "", each).lower() for each in (value, text))
    pattern = rf"(?<![^\W_])(?<!\d[.,]){re.escape(plain_value)}(?![^\W_])(?![.,]\d)"
    return re.search(pattern, plain_text) is not None


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _WORD_PARTS.findall(text))


@cache
def _stem(word: str) -> str:
    """A word without its ending, so that `receiving` meets `received`."""
    lower = word.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) - len(suffix) >= 3:
            lower = lower.removesuffix(suffix)
            break
    return lower[:-1] if len(lower) > 3 and lower[-1] == lower[-2] else lower


@cache
def _plain_stems() -> frozenset[str]:
    text = resources.files(__package__).joinpath("plain_words.txt").read_text(encoding="utf-8")
    words = (word for line in text.splitlines() if not line.startswith("#") for word in line.split())
    return frozenset(_stem(word) for word in words)
