"""Which header formats a line cannot have, told by its first characters, before any pattern is compiled.

RE2 takes about a millisecond for each of the hundred patterns, however few lines there are, and a line can begin few of
them. What is excluded here never matches; what is not excluded may or may not.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LENGTH = 12
"""Of a line so many characters are looked at: a date and what parts it tells most formats apart, and more takes longer."""

_OTHER, _END = 128, 129
"""Kinds of characters: ASCII ones are their own; all others; behind the line's end."""
_KINDS = 130
_BYTES = 17
"""Hold a bit for each kind."""
_ANYTHING = (1 << _KINDS) - 1
_CHARACTER = _ANYTHING ^ (1 << _END)
_PLACES = (1 << LENGTH) - 1

_TOKEN = re.compile(
    r"(?P<group>\(\?:|\(\?i:|\(\?P<\w+>|\()"
    r"|(?P<close>\))"
    r"|(?P<either>\|)"
    r"|(?P<repeat>[*+?]|\{\d+(?:,\d*)?\})\??"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<escape>\\(?:x\{[0-9A-Fa-f]+\}|.))"
    r"|(?P<edge>[$^])"
    r"|(?P<any>\.)"
    r"|(?P<plain>[^\\\[(])",
    re.DOTALL,
)


class _UnreadError(ValueError):
    """The pattern has something in it that is not read here."""


def _bits(characters: str) -> int:
    return sum(1 << min(ord(character), _OTHER) for character in set(characters))


_DIGITS = _bits("0123456789")
_WORD = _DIGITS | _bits("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SPACES = _bits("\t\n\f\r ")
_CLASSES = {
    "d": _DIGITS,
    "w": _WORD,
    "s": _SPACES,
    "D": _CHARACTER ^ _DIGITS,
    "W": _CHARACTER ^ _WORD,
    "S": _CHARACTER ^ _SPACES,
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_EDGES = frozenset("bB")


class Beginnings:
    """What lines may begin with in each of several formats."""

    def __init__(self, patterns: Sequence[str | None]) -> None:
        """patterns: RE2, each to be found at the start of a line; None: nothing is known of it."""
        allowed = np.ones((LENGTH, _KINDS, len(patterns)), dtype=np.bool_)
        for number, pattern in enumerate(patterns):
            if pattern is None:
                continue
            bits = b"".join(kinds.to_bytes(_BYTES, "little") for kinds in kinds_at(pattern))
            rows = np.frombuffer(bits, dtype=np.uint8).reshape(LENGTH, _BYTES)
            allowed[:, :, number] = np.unpackbits(rows, axis=1, count=_KINDS, bitorder="little")
        self._allowed = allowed

    def possible(self, lines: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which line may be of which format: lines × formats."""
        kinds = np.full((len(lines), LENGTH), _END, dtype=np.uint8)
        for number, line in enumerate(lines):
            begins = line[:LENGTH].encode("ascii", "replace") if line.isascii() else _with_others(line)
            kinds[number, : len(begins)] = np.frombuffer(begins, dtype=np.uint8)
        found = np.ones((len(lines), self._allowed.shape[2]), dtype=np.bool_)
        for place in range(LENGTH):
            found &= self._allowed[place, kinds[:, place]]
        return found


def _with_others(line: str) -> bytes:
    return bytes(min(ord(character), _OTHER) for character in line[:LENGTH])


def kinds_at(pattern: str) -> list[int]:
    """For each place in a line the kinds of characters, as bits, that may stand there where the pattern matches."""
    try:
        return _Reading(pattern).kinds
    except _UnreadError:
        return [_ANYTHING] * LENGTH


class _Reading:
    """A walk over a pattern with all places at once where a match may have come to, one bit each.

    Places are told apart, but not the ways that lead there: more is held possible than is, and never less.
    """

    def __init__(self, pattern: str) -> None:
        self.kinds = [0] * LENGTH
        self._pattern = pattern
        tokens = list(_TOKEN.finditer(pattern))
        if sum(len(token[0]) for token in tokens) < len(pattern):
            raise _UnreadError(pattern)
        self._tokens = [(token.lastgroup or "", token[token.lastgroup or 0]) for token in tokens]
        self._next = 0
        ended = self._alternatives(1, folded=False)
        if self._next < len(self._tokens):
            raise _UnreadError(pattern)
        if ended:
            # Behind the match may be whatever there is, or nothing.
            first = (ended & -ended).bit_length() - 1
            self.kinds[first:] = [_ANYTHING] * (LENGTH - first)

    def _alternatives(self, places: int, *, folded: bool) -> int:
        ended = self._sequence(places, folded=folded)
        while self._peek() == "either":
            self._next += 1
            ended |= self._sequence(places, folded=folded)
        return ended

    def _sequence(self, places: int, *, folded: bool) -> int:
        depth = 0
        while (kind := self._peek()) is not None and (depth or kind not in ("either", "close")):
            if places:
                places = self._repeated(places, folded=folded)
            else:
                # What follows stands too far behind to be looked at.
                depth += (kind == "group") - (kind == "close")
                self._next += 1
        return places

    def _repeated(self, places: int, *, folded: bool) -> int:
        begins = self._next
        once = self._one(places, folded=folded)
        if self._peek() != "repeat":
            return once
        ends, how = self._next, self._tokens[self._next][1]
        least, most = _times(how)
        # No more than LENGTH characters are looked at: further rounds add nothing.
        least, most = min(least, LENGTH), min(most, LENGTH)
        reached = places if least == 0 else 0
        for done in range(1, most + 1):
            before, places = places, once if done == 1 else self._again(places, begins, folded=folded)
            if done >= least:
                if reached | places == reached and done > least and before == places:
                    break
                reached |= places
            if not places:
                break
        self._next = ends + 1
        return reached

    def _again(self, places: int, begins: int, *, folded: bool) -> int:
        self._next = begins
        return self._one(places, folded=folded)

    def _one(self, places: int, *, folded: bool) -> int:
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "group":
            ended = self._alternatives(places, folded=folded or text == "(?i:")
            if self._peek() != "close":
                raise _UnreadError(self._pattern)
            self._next += 1
            return ended
        if kind == "edge" or (kind == "escape" and text[1] in _EDGES):
            return places
        characters = _characters(kind, text)
        return self._step(places, _folded(characters) if folded else characters)

    def _step(self, places: int, characters: int) -> int:
        left = places
        while left:
            place = left.bit_length() - 1
            self.kinds[place] |= characters
            left ^= 1 << place
        return places << 1 & _PLACES

    def _peek(self) -> str | None:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else None


def _times(how: str) -> tuple[int, int]:
    if how[0] != "{":
        return {"*": (0, LENGTH), "+": (1, LENGTH), "?": (0, 1)}[how]
    least, comma, most = how[1:-1].partition(",")
    return int(least), int(most) if most else LENGTH if comma else int(least)


@functools.cache
def _characters(kind: str, text: str) -> int:
    if kind == "any":
        return _CHARACTER
    if kind == "plain":
        return _bits(text)
    if kind == "escape":
        return _CLASSES.get(text[1]) or _bits(_escaped(text))
    if kind == "set":
        return _set(text[1:-1])
    raise _UnreadError(text)


def _escaped(text: str) -> str:
    if text.startswith("\\x{"):
        return chr(int(text[3:-1], 16))
    name = text[1]
    if name in _CONTROLS:
        return _CONTROLS[name]
    if name.isalnum():
        raise _UnreadError(text)
    return name


def _set(inside: str) -> int:
    negated = inside.startswith("^")
    parts = re.findall(r"\\x\{[0-9A-Fa-f]+\}|\\.|[^\\]", inside[negated:], re.DOTALL)
    found, at = 0, 0
    while at < len(parts):
        part = parts[at]
        if part == "[":
            # Of a class such as [:alpha:], perhaps.
            raise _UnreadError(inside)
        if part[0] == "\\" and part[1:] in _CLASSES:
            found |= _CLASSES[part[1:]]
        elif at + 2 < len(parts) and parts[at + 1] == "-":
            first, last = (ord(_escaped(one) if one[0] == "\\" else one) for one in (part, parts[at + 2]))
            found |= _bits("".join(map(chr, range(first, min(last, _OTHER) + 1)))) or _bits(chr(_OTHER))
            at += 2
        else:
            found |= _bits(_escaped(part) if part[0] == "\\" else part)
        at += 1
    if not negated:
        return found
    # What stands for all other characters says of none of them that it is excluded.
    return (_CHARACTER & ~found) | 1 << _OTHER


@functools.cache
def _folded(characters: int) -> int:
    # Some letters of other scripts are the same as ASCII ones but for their case.
    both = "".join(chr(kind) for kind in range(128) if characters >> kind & 1)
    return characters | _bits(both.lower() + both.upper()) | 1 << _OTHER
