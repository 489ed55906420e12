"""A template's text as tokens: words, variables, breaks between clauses, function names, exceptions,
key=value."""

import re
from dataclasses import dataclass
from functools import lru_cache

from krone_tui.abstraction.lexicon import Word, lexicon, look_up, verb_of_part

VARIABLE = "<*>"
MAX_CHARACTERS = 2000
MAX_CHUNKS = 60
"""Chunks parted by white space that are read of one template: what a message is about comes early."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a template."""

    kind: str
    """`word`, `var` (variable, number, path), `break`, `func`, `exc`, `kv`."""
    text: str
    """As written; of a `break` its character; of a `kv` the value."""
    names: tuple[str, ...] = ()
    """As part of a name: of a word its singular, split where it is CamelCase; of a `func` its object; of an
    `exc` its class without the ending; of a `kv` the key."""
    owner: tuple[str, ...] = ()
    """Of a `func`: the class or module it belongs to."""
    action: str = ""
    """Of a `func`: base of its verb, or empty."""
    word: Word | None = None


_PIECE = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_GLUED = (
    (re.compile(r"(?<=[\w\]]) +=(?!=) *"), "="),
    (re.compile(r"\.{2,}|…|-{3,}|={3,}|\*{3,}|_{4,}"), " : "),
    (re.compile(r"([,;|])(?=\S)"), r"\1 "),
    (re.compile(r"(?<=[A-Za-z)\]])(?<!::):(?=[A-Za-z<(\[])(?!:)"), ": "),
    (re.compile(r"(?<=\])(?=\w)|(?<=\))(?=[A-Za-z])"), " "),
    (re.compile(r"->|=>|-->"), " , "),
    (re.compile(r"\b([Cc])(?:an|ould) not\b"), r"\1annot"),
)
_EXCEPTION = re.compile(
    r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Exception|Error|Fault|Throwable|Failure)|[A-Z]\w+Exception\w*)$"
)
_KEY_VALUE = re.compile(r"^\W*([A-Za-z_][\w.\-\[\]]*)(?:=|:=|:(?=\"))(.*)$")
_ERROR_CODE = re.compile(r"^(?=.*_)[A-Z][A-Z0-9_]{3,}$")
_CALL = re.compile(r"^([A-Za-z_][\w.:$]*?)\((.*)$")
_PATHLIKE = re.compile(r"^(?:/|\\\\|[A-Za-z]:[\\/]|\.{1,2}/)|://|/.*/|\\\w+\\|^[\w.+-]+@[\w.-]+|^#")
_IDENTIFIER = re.compile(r"^[A-Za-z_][\w$]*(?:(?:\.|::|\$)[A-Za-z_]\w*)*$")
_SOURCE_FILE = re.compile(r"\.(?:c|cc|cpp|h|hpp|java|py|go|rs|js|ts|rb|php|cs|scala|kt):?(?:<\*>|\d+)?:?$")
_FILE_ENDING = re.compile(
    r"\.(?:conf|cfg|log|txt|xml|json|ya?ml|sh|exe|dll|so|jar|db|dat|tmp|lock|pid|sock|img|gz|csv|ini)$", re.I
)
_WORD = re.compile(r"^[A-Za-z][A-Za-z'’\-]*$")
_OPENERS = "([{<\"'`“"
_CLOSERS = ")]}>\"'`”"
_AGENT = frozenset(
    [
        "manager",
        "handler",
        "service",
        "server",
        "worker",
        "factory",
        "listener",
        "controller",
        "executor",
        "scheduler",
        "monitor",
    ]
)
_READ_WRITE = frozenset({"read", "write", "wait"})
_ASKING = frozenset({"is", "has", "should", "can"})


def split_identifier(identifier: str) -> list[str]:
    """The parts of a CamelCase, snake_case or dotted name, as written; a plural of capitals (`IDOs`) stays
    whole."""
    return [piece for part in re.split(r"[_\W]+", identifier) for piece in _PIECE.findall(part)]


def tokenize(text: str) -> list[Token]:
    """The tokens of a template, in order; only its beginning when it is very long."""
    text = text[:MAX_CHARACTERS]
    for pattern, replacement in _GLUED:
        text = pattern.sub(replacement, text)
    tokens: list[Token] = []
    for chunk in text.split(None, MAX_CHUNKS)[:MAX_CHUNKS]:
        tokens.extend(_chunk_tokens(chunk))
    return tokens


@lru_cache(maxsize=65536)
def _chunk_tokens(chunk: str) -> tuple[Token, ...]:
    if chunk == VARIABLE:
        return (Token("var", chunk),)
    if pair := _KEY_VALUE.match(chunk):
        value = pair[2].rstrip(",;)]}").strip("\"'`(")
        end = (Token("break", chunk[-1]),) if chunk[-1] in ";)]" else ()
        return (Token("kv", value, (pair[1].lower().strip("_-"),)), *end)
    before: list[Token] = []
    after: list[Token] = []
    core = chunk.replace("s(s)", "s").replace("(s)", "s").replace("(es)", "es")
    while core and (core[0] in _OPENERS or core[0] in "*#~!?.,;:=+-|&@%") and not core.startswith(VARIABLE):
        before.append(Token("break", core[0]))
        core = core[1:]
    call = core
    while core and (core[-1] in _CLOSERS or core[-1] in "*,;:.!?=-|") and not core.endswith(VARIABLE):
        after.append(Token("break", core[-1]))
        core = core[:-1]
    if _CALL.match(call) and (token := _function(call)):
        return (*before, token, *(Token("break", c) for c in call[call.rfind(")") + 1 :] if c in ":;,."))
    return (*before, *_core_tokens(core), *reversed(after))


def _core_tokens(core: str) -> list[Token]:  # noqa: PLR0911 - one case a form
    if not core:
        return []
    if _SOURCE_FILE.search(core) or _PATHLIKE.search(core):
        return [Token("var", core)]
    if VARIABLE in core:
        return _around_variables(core)
    if found := _EXCEPTION.match(core):
        return [_exception(core, found[1])]
    if _ERROR_CODE.match(core):
        return [Token("var", core)]
    if _WORD.match(core):
        return [_word(core)]
    if "(" in core or "[" in core:
        head, _, rest = re.sub(r"[\])]", " ", core).replace("[", "(").partition("(")
        inside = [token for part in rest.replace("(", " ").split() for token in _chunk_tokens(part)]
        return [*_chunk_tokens(head), Token("break", "("), *inside, Token("break", ")")] if head else inside
    if _IDENTIFIER.match(core):
        return [_identifier(core)]
    if "/" in core and not any(c.isdigit() for c in core) and core.lower() not in ("i/o", "input/output"):
        return (
            [_word(core.split("/", maxsplit=1)[0])]
            if _WORD.match(core.split("/", maxsplit=1)[0])
            else [Token("var", core)]
        )
    if core.lower() in ("i/o", "input/output"):
        return [Token("word", core, ("i/o",), word=look_up("i/o"))]
    if not any(c.isalpha() for c in core) or core[0].isdigit():
        return [Token("var", core)]
    if name := re.match(r"[A-Za-z][A-Za-z\-]+", core):
        return [_word(name[0].strip("-"))]
    return [Token("var", core)]


def _around_variables(core: str) -> list[Token]:
    """`blk_<*>`, `eth<*>`, `job[<*>]`, `<*>:50010:Got`: the words beside a variable, the variable itself."""
    tokens: list[Token] = []
    # The name before an id (`blk_<*>`) begins a name of its own: "PacketResponder blk_<*>" are two things.
    if re.match(r"[A-Za-z]+[_-]<\*>", core):
        tokens.append(Token("break", "_"))
    for part in re.split(r"(<\*>)", core):
        if part == VARIABLE:
            if not tokens or tokens[-1].kind != "var":
                tokens.append(Token("var", part))
        elif part and any(c.isalpha() for c in part):
            piece = re.sub(r"^[^A-Za-z]+|[^A-Za-z]+$", "", part)
            if (
                len(piece) > 1
                and not _PATHLIKE.search(part)
                and not _FILE_ENDING.search(part)
                and part[0] != "."
            ):
                if (
                    tokens
                    and tokens[-1].kind == "var"
                    and ":" in part[: len(part) - len(part.lstrip("0123456789:"))]
                ):
                    tokens.append(Token("break", ":"))
                tokens.extend(_chunk_tokens(piece))
    return tokens


def _word(text: str) -> Token:
    lower = text.lower().replace("’", "'")
    if lower.endswith("'s"):
        lower = lower[:-2]
    if text[0].islower() and not text.islower() and (function := _function(text)):
        return function
    pieces = name_pieces(text)
    if len(pieces) > 1:
        if found := _EXCEPTION.match(text):
            return _exception(text, found[1])
        return Token("word", text, tuple(look_up(piece.lower()).noun for piece in pieces))
    if not (text.islower() or text.isupper() or text.istitle()) and lower not in lexicon().forms:
        return Token("word", text, (lower,))
    word = look_up(lower)
    return Token("word", text, tuple(word.noun.split()), word=word)


def name_pieces(text: str) -> list[str]:
    """The words of a CamelCase name that reads as several words; one piece for `MySQL`, `SELinux`, `WiFi`."""
    if text.islower() or text.isupper() or not text.isalnum():
        return [text]
    pieces = [piece for piece in _PIECE.findall(text) if not piece.isdigit()]
    lower_start = text[0].islower()
    whole = "".join(pieces) == text and len(pieces) > 1
    if whole and all(
        len(piece) > 2 or (lower_start and index == 0 and len(piece) > 1)
        for index, piece in enumerate(pieces)
    ):
        return pieces if not pieces[-1].isupper() or lower_start else [text]
    return [text]


def _identifier(core: str) -> Token:
    if found := _EXCEPTION.match(core):
        return _exception(core, found[1])
    if re.fullmatch(r"[A-Za-z]{1,3}\d{1,2}", core):
        return Token("word", core, (core.lower(),))
    if function := _function(core):
        return function
    parts = re.split(r"\.|::|\$", core)
    # `rc.sysinit`, `java.util.List`: a short dotted name of lower case stays a name; of a long one the last
    # part counts.
    if core.islower() and 1 < len(parts) <= 2:
        return Token("word", core, (core,))
    pieces = [piece.lower() for piece in split_identifier(parts[-1]) if not piece.isdigit()]
    if len(pieces) == 1 and "_" not in core:
        word = look_up(pieces[0])
        return Token("word", core, tuple(word.noun.split()), word=word)
    return Token("word", core, tuple(look_up(piece).noun for piece in pieces) or (core.lower(),))


def _exception(core: str, name: str) -> Token:
    pieces = [piece.lower() for piece in split_identifier(name)]
    if pieces and pieces[-1] in ("exception", "error", "fault", "throwable", "failure"):
        pieces.pop()
    return Token("exc", core, tuple(pieces[-3:]))


def _function(core: str) -> Token | None:
    """The token of a function's name; None when the name does not read as one."""
    call = _CALL.match(core)
    name = call[1] if call else core
    parts = [part for part in re.split(r"\.|::|\$|:", name) if part]
    if not parts or (call and len(call[2]) > 40):
        return None
    pieces = [piece.lower() for piece in split_identifier(parts[-1]) if not piece.isdigit()]
    owner = tuple(piece.lower() for piece in split_identifier(parts[-2])) if len(parts) > 1 else ()
    verb_at = next((i for i, piece in enumerate(pieces) if _is_verb_part(piece, i, pieces)), None)
    called = call is not None and (call[2].startswith(")") or not pieces or verb_at == 0)
    camel = parts[-1][:1].islower() and any(c.isupper() for c in parts[-1])
    plain = call is None and not camel and "::" not in core and "_" not in parts[-1]
    if (
        not pieces
        or (call is not None and not called)
        or (
            plain
            and not (len(parts) > 1 and parts[-2][:1].isupper() and (parts[-1].islower() or verb_at == 0))
        )
    ):
        return None
    prefixed = len(pieces) > 1 and (pieces[0] in _ASKING or pieces[0] == "on")
    if call is None and verb_at is None and not prefixed and "::" not in core:
        return None
    if call is None and "_" in core and (len(pieces) < 2 or parts[-1].isupper()):
        return None
    action = ""
    rest = list(pieces)
    if pieces[0] in _ASKING and len(pieces) > 1:
        action, rest = "check", pieces[1:]
    elif pieces[0] == "on" and len(pieces) > 1:
        action, rest = "handle", pieces[1:]
    elif verb_at is not None:
        action = verb_of_part(pieces[verb_at])
        # `lib_bll_clear_port`: what stands before the verb is a module's prefix unless nothing follows.
        rest = pieces[verb_at + 1 :] or pieces[:verb_at]
    cut = next((i for i, piece in enumerate(rest) if look_up(piece).closed == "prep" and i), len(rest))
    while rest and look_up(rest[-1]).form in ("past", "ing") and look_up(rest[-1]).finite:
        rest = rest[:-1]
        cut = min(cut, len(rest))
    while len(rest) > 1 and look_up(rest[0]).form == "past":
        rest, cut = rest[1:], cut - 1
    names = [
        look_up(piece).noun
        for piece in rest[:cut]
        if piece not in ("locked", "internal", "async", "impl", "all", "do", "no", "my", "up")
    ]
    return Token("func", core, tuple(names[-3:]), owner, action)


def _is_verb_part(piece: str, index: int, pieces: list[str]) -> bool:
    if not verb_of_part(piece):
        return False
    word = look_up(piece)
    if piece in lexicon().verb_abbreviations:
        return True
    if index == 0:
        return word.form == "base" and (
            word.finite or piece in lexicon().commands or piece in _READ_WRITE or len(pieces) != 2
        )
    return word.form == "base" and word.finite and pieces[-1] not in _AGENT
