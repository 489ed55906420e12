"""Messages whose form is fixed by a protocol: HTTP access lines (RFC 9112 request and status line) and SQL
statements."""

import re

from krone_tui.abstraction.lexicon import look_up
from krone_tui.abstraction.rules_clauses import Name
from krone_tui.abstraction.rules_reading import Reading, read
from krone_tui.abstraction.rules_tokens import MAX_CHARACTERS, VARIABLE, split_identifier

_METHODS = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE"
_REQUEST = re.compile(
    rf"\b({_METHODS})[\s\"']+((?:https?://|/|<\*>)[^\s\"']*)[\"']?(?:\s+HTTP/(?:[\d.]+|<\*>))?[\"']?(.*)",
    re.S,
)
_FIELDS = re.compile(
    rf"\bmethod[=:]\s*\"?({_METHODS}|<\*>)\"?.*?\b(?:path|uri|url|route)[=:]\s*\"?([^\s\",]+)(.*)",
    re.S | re.I,
)
_CODE = re.compile(r"(?:^|[\s=:\"])([1-5])(?:\d\d|xx)(?=[\s,;)\]\"]|$)")
_CLASSES = {
    "1": ("1xx informational", "progress"), "2": ("2xx success", "success"), "3": ("3xx redirect", "none"),
    "4": ("4xx client error", "failure"), "5": ("5xx server error", "failure"),
}  # fmt: skip
_UNTELLING = re.compile(r"^(?:api|rest|v\d+|<\*>|index|www|\d+|https?:|)$", re.I)

_SQL = re.compile(
    r"(?:^|[:=\"'`(>]\s*|\bquery:?\s+|\bstatement:?\s+|\bexecut\w+:?\s+)"
    r"(?:(SELECT)\b.*?\bFROM|(INSERT)\s+(?:IGNORE\s+)?INTO|(REPLACE)\s+INTO|(UPDATE)(?=\s+\S+\s+SET\b)|(DELETE)\s+FROM"
    r"|(CREATE|ALTER|DROP|TRUNCATE)\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|VIEW|DATABASE|SCHEMA)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)"
    r"\s+([^\s(;,]+)",
    re.S,
)


def read_special(text: str) -> Reading | None:
    """The reading of an HTTP access line or an SQL statement; None when the text is neither."""
    text = text[:MAX_CHARACTERS]
    if found := _REQUEST.search(text) or _FIELDS.search(text):
        return _http(found[1], found[2], found[3] or "", text)
    if found := _SQL.search(text) or (
        _SQL.search(text.upper()) if text[:7].lower().startswith(_SQL_STARTS) else None
    ):
        verb = next(group for group in found.groups()[:-1] if group)
        return _sql(verb.lower(), found[found.re.groups], text)
    return None


_SQL_STARTS = ("select ", "insert ", "update ", "delete ")


def _http(method: str, path: str, rest: str, text: str) -> Reading:
    segments = re.sub(r"^https?://[^/]*", "", path).split("?")[0].split("/")
    telling = next((part for part in segments if not _UNTELLING.match(part) and VARIABLE not in part), "")
    name: Name = tuple(
        look_up(piece.lower()).noun for piece in split_identifier(telling) if not piece.isdigit()
    )[:3]
    reading = Reading(names=[name or ("http", "request")])
    reading.action = method.lower() if VARIABLE not in method else "request"
    if code := _CODE.search(rest):
        reading.status, reading.outcome = _CLASSES[code[1]]
        return reading
    words = read(rest.replace('"', " ")) if rest.strip(' "') else Reading()
    reading.status = (
        words.status
        if words.outcome == "failure"
        else ("starting" if text.startswith("Start") else "answered")
    )
    reading.outcome = words.outcome if words.outcome == "failure" else "none"
    return reading


def _sql(verb: str, table: str, text: str) -> Reading:
    bare = table.strip("`\"'[]").rsplit(".", 1)[-1].strip("`\"'[]").lower()
    name: Name = tuple(look_up(piece).noun for piece in split_identifier(bare) if not piece.isdigit())[:3]
    reading = Reading(names=[name if name and VARIABLE not in bare else ("sql", "statement")])
    around = read(
        re.split(r"\b(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE)\b", text, flags=re.I)[
            0
        ]
    )
    reading.action = verb
    failed = around.outcome == "failure"
    reading.status, reading.outcome = (around.status, "failure") if failed else ("issued", "none")
    return reading
