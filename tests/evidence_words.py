"""What tests of evidence call executions, and how they read its sentences."""

import re

from krone_tui.explanation.sentences import Sentence


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


def first_word(text: str) -> str:
    """What tells the steps of these logs apart: the first word of the message or the quotation."""
    found = re.match(r"[A-Za-z]+", text)
    assert found is not None
    return found[0]


def match(pattern: str, sentence: Sentence) -> tuple[str, ...]:
    """The groups of a pattern, in which “_” stands for a quotation and # for a number, in all of a sentence."""
    expression = re.escape(pattern).replace("_", r"(\w+)[^”]*").replace(r"\#", r"([\d,]+)")
    found = re.fullmatch(expression, sentence.text)
    assert found is not None, sentence.text
    return tuple(group.replace(",", "") for group in found.groups())
