"""Log text made harmless for a terminal: shown, never obeyed."""

import unicodedata

_HARMLESS_CONTROLS = {"\t": "    ", "\n": " ⏎ "}


def printable(text: str, most: int | None = None) -> str:
    """Text with control, bidirectional-override and zero-width characters spelled out (`\\x1b`, `\\u202e`)."""
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        _HARMLESS_CONTROLS.get(character)
        or (
            character
            if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
            else _spelled(character)
        )
        for character in text
    )


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
