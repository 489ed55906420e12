"""Log text made harmless for a terminal: shown, never obeyed."""

import unicodedata

MOST_MARKS = 4
"""Combining marks on one letter: more than any script stacks, and few enough not to run over the lines around."""

_HARMLESS_CONTROLS = {"\t": "    ", "\n": " ⏎ "}
_STEERING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks by their category that print as nothing."""


def printable(text: str, most: int | None = None) -> str:
    """Text with what a terminal, a browser or a reader would not see as text spelled out (`\\x1b`, `\\u202e`).

    Control, bidirectional and zero-width characters, and combining marks beyond `MOST_MARKS` in a row. Text longer
    than `most` is cut first.
    """
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    if text.isprintable() and text.isascii():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character in _HARMLESS_CONTROLS:
            shown.append(_HARMLESS_CONTROLS[character])
        elif category in _STEERING or character in _FILLERS or marks > MOST_MARKS:
            shown.append(_spelled(character))
        else:
            shown.append(character)
    return "".join(shown)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
