"""How templates are quoted: those that begin alike by the part that tells them apart."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import takewhile

SHOWN_TEXT = 100
"""Characters of a template that a sentence quotes."""
_BEGINNING = 30
"""Characters kept of a beginning that others share."""
_TOLD = 20
"""Characters that must be in sight of what tells a template apart."""


class Quotes:
    """Quotes the templates of one log."""

    def __init__(self, texts: Iterable[str]) -> None:
        """`texts` of all its templates."""
        # One that is quoted whole needs no other to be told apart from.
        self._sorted = sorted({" ".join(text.split()) for text in texts})

    def of(self, template: str) -> str:
        """A template in quotation marks, at most `SHOWN_TEXT` characters of it."""
        text = " ".join(template.split())
        shared = self._shared(text) if len(text) > SHOWN_TEXT else 0
        if shared <= SHOWN_TEXT - _TOLD:
            return quoted(text)
        # Between words: half a word says nothing.
        begins = text[: text.rfind(" ", 0, _BEGINNING) + 1]
        differs = text.rfind(" ", 0, shared + 1) + 1
        # As much as there is room for of what stands before the difference.
        room = SHOWN_TEXT - len(begins) - 2
        start = text.find(" ", max(len(begins), len(text) - room) - 1) + 1
        return quoted(f"{begins}… {text[min(start or differs, differs) :]}")

    def _shared(self, text: str) -> int:
        """Characters with which the template that is most like it begins as well."""
        at = bisect_left(self._sorted, text)
        beside = [other for other in self._sorted[max(0, at - 1) : at + 2] if other != text]
        return max((_alike(text, other) for other in beside), default=0)


def _alike(one: str, other: str) -> int:
    """Characters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def quoted(text: str, most: int = SHOWN_TEXT) -> str:
    """Text in quotation marks, its end cut off where it is longer than `most` characters."""
    return f"“{text if len(text) <= most else text[: most - 1] + '…'}”"
