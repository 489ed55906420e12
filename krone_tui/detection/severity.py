"""Severity: from a template's words to the probability that it reports a failure.

The words become hashed pieces here, in Python; the shipped graph looks up what each piece weighs and adds. Nothing in
this module depends on the locale, on the process (no `hash()`), or on the application that wrote the log.
"""

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from krone_tui.detection.onnx import open_session
from krone_tui.errors import KroneError

FEATURISER_VERSION = 3
"""Raised with every change of what `word_features` returns; a manifest names the one it was trained on."""

_WORDS, _PAIRS, _PIECES = 60_000, 140_000, 60_000
"""Columns for words, pairs of words and pieces of words. So many that nine in ten belong to nothing the model was taught:
a word that nobody taught weighs nothing, where it would speak with the weight of the failure it falls on."""

_FLAGS = (
    "empty",
    "alarm",
    "denied_alarm",
    "relief",
    "alarm_and_relief",
    "denial",
    "inability",
    "exclamation",
)
WIDTH = _WORDS + _PAIRS + _PIECES + len(_FLAGS)
"""Columns in all, the few flags last."""
_SCALE = np.ones(WIDTH, dtype=np.float32)
"""What a present column counts: whole words most, pieces of words (there are many in each) least."""
_SCALE[_WORDS : _WORDS + _PAIRS] = 0.7
_SCALE[_WORDS + _PAIRS : -len(_FLAGS)] = 0.5

_CHUNK = 128
"""Templates featurised at once by `SeverityModel.score`; bounds memory to this × the longest one's pieces."""

_LONGEST = 4000
"""Characters of a template that are read: what a message says, it says at its beginning."""

_VARIABLE = re.compile(r"<[*A-Z_]*>|\b0x[0-9a-fA-F]+\b|\b[a-z][a-z+]{0,15}://\S*")
_PATH = re.compile(r"(?<![\w.])(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w.+@-]+(?:[/\\][\w.+@-]*)+|(?<!\S)/[\w.+@-]+")
_WORD = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|(?<![\w.])0(?![\w.]*\w)|[^\W\d_]+|[,;:.!?()\[\]{}|=>]+"
)
_CANNOT = re.compile(r"(?i)\bcan(?:not|'?t)\b")
_NOT = re.compile(r"(?i)n't\b")
_ADDRESS = re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{6,}\b")

_DENIALS = frozenset(
    {"no", "not", "never", "without", "none", "non", "neither", "nor", "0", "zero", "nothing"}
)
_INABILITY = frozenset(
    {"cannot", "unable", "could", "can", "did", "does", "was", "is", "has", "were", "will", "would"}
)
_NONE = frozenset({"0", "none", "zero", "false"})
_PREFIXES = frozenset({"un", "in", "de", "re", "mi"})
_ENDINGS = ("ing", "ed", "able", "ible")
"""They part "unpausing", which is work, from "unreachable", which is trouble."""
_IO = re.compile(r"(?i)\bi/o\b")
_REACH = 3
"""Words after a denial that it denies, unless the clause ends first."""

# How words that alarm begin. They only form the context features (denied, relieved, followed by a noun), so
# that "no <alarm> found" and "<alarm> handler" read alike for an alarm the corpus never joined to them.
_ALARM = re.compile(
    r"(?:abort|abnormal|anomal|broke|broken|bug|catastroph|collision|conflict|corrupt|crash|"
    r"critical|damag|danger|dead|defect|degrad|denied|deny|die|died|discard|disconnect|down|"
    r"drop|duplicate|emergenc|err|error|except|exceed|exhaust|expire|fail|fatal|fault|halt|"
    r"hang|hung|illegal|incorrect|inconsisten|interrupted|invalid|issue|kill|lost|loss|leak|"
    r"malform|mismatch|miss|overflow|overrun|panic|parity|poison|problem|refus|reject|retr|"
    r"rollback|segfault|sever|shutdown|stall|starv|stuck|suspect|threat|throttl|timeout|timed|"
    r"unavailab|unexpected|unreach|unrecover|violat|vulnerab|warn|wrong)"
)
_NOT_ALARMS = frozenset(
    {"deny", "diet", "download", "downloaded", "downloading", "downstream", "errand", "failover", "retrieval"}
    | {"retrieve", "retrieved", "retrieving", "several"}
)
"""Words that begin like an alarm and are none. To deny is what rules do; to be denied is a failure."""
_NOT_ALARM = re.compile(
    r"deadlin|down(?:grad|hill|link|mix|sampl|scal|siz|time|ward)|drop(?:box|down|let|off|out)|"
    r"issu(?:ed|er|ers|ing|ance)$|lossless|mission|retrain|retract|retrofit|severit|hangup|hanger|bugzilla"
)
"""How others begin that are none either."""
_RELIEF = re.compile(
    r"(?:recover|correct(?:ed|ing|able)|succe|clear|resolv|restor|repair|heal|ok$|okay|pass|clean|fixed|"
    r"ignor|handl|benign|harmless|normal|fine$|good$)"
)


class WordFeatures(NamedTuple):
    """The hashed pieces of n texts, a text with fewer than the most padded with what counts 0."""

    columns: NDArray[np.int64]
    """[n, most] 0 … WIDTH-1."""
    amounts: NDArray[np.float32]
    """[n, most] 0…1, how much each counts."""


def word_features(texts: Sequence[str]) -> WordFeatures:
    """The hashed pieces of each text.

    A piece counts the less the longer its text, so that long and short texts are comparable. Variables (`<*>`), numbers
    other than a lone 0, addresses, URLs and paths are left out; CamelCase and snake_case are split. The same text gives the
    same row everywhere, but for the padding.
    """
    found = [_columns(text) for text in texts]
    most = max((len(present) for present, _ in found), default=0)
    columns = np.zeros((len(texts), most), dtype=np.int64)
    amounts = np.zeros((len(texts), most), dtype=np.float32)
    for row, (present, words) in enumerate(found):
        columns[row, : len(present)] = present
        # The fourth root: a failure named once in a long sentence stays visible, and noise does not add up.
        amounts[row, : len(present)] = _SCALE[present] / (1.0 + words) ** 0.25
    return WordFeatures(columns, amounts)


class SeverityModel:
    """The shipped severity graph, or one like it, ready to score templates."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the graph at `path`; `threads` 0 leaves the number to ONNX Runtime.

        Raises `KroneError` when it cannot be loaded or does not take `WordFeatures` to one number each.
        """
        try:
            self._session: Any = open_session(path, threads)
        except Exception as error:  # ONNX Runtime raises its own types, and RuntimeError
            raise KroneError(f"The severity model {path} cannot be loaded: {_first_line(error)}.") from error
        inputs = {one.name: one.type for one in self._session.get_inputs()}
        wanted = {"columns": "tensor(int64)", "amounts": "tensor(float)"}
        if inputs != wanted or len(self._session.get_outputs()) != 1:
            raise KroneError(f"The severity model {path} does not take the columns and amounts of words.")
        self._path = path

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability, 0…1, that each text reports a failure: float32 [n].

        Raises `KroneError` when the graph fails or answers with anything but n probabilities.
        """
        scores = np.zeros(len(texts), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            try:
                (answer,) = self._session.run(None, word_features(chunk)._asdict())
            except Exception as error:
                raise KroneError(f"The severity model {self._path} failed: {_first_line(error)}.") from error
            if answer.size != len(chunk):
                raise KroneError(
                    f"The severity model {self._path} gave {answer.size} scores for {len(chunk)} texts."
                )
            scores[start : start + len(chunk)] = answer.reshape(-1)
        if not np.all((scores >= 0) & (scores <= 1)):  # false for NaN too
            raise KroneError(f"The severity model {self._path} gave a score that is no probability.")
        return scores


def _columns(text: str) -> tuple[list[int], int]:
    """The columns a text sets, and how many words it has."""
    columns: set[int] = set()
    flags: set[str] = set()
    previous, previous_class = "^", "^"
    count = 0
    for word, denied, ends_clause in _words(text):
        if not word:
            previous, previous_class = "|", "|"
            continue
        count += 1
        known = _word(word, denied)
        columns.update(known.columns)
        if known.flag:
            flags.add(known.flag)
        if word in _DENIALS:
            flags.add("inability" if previous in _INABILITY else "denial")
        columns.add(_pair(previous, known.stem))
        if known.kind != known.stem or previous_class != previous:
            columns.add(_pair(previous_class, known.kind))
        previous, previous_class = known.stem, known.kind
        if ends_clause:
            columns.add(_pair(known.stem, "$"))
    if not count:
        flags.add("empty")
    if {"alarm", "relief"} <= flags:
        flags.add("alarm_and_relief")
    if "!" in text:
        flags.add("exclamation")
    columns.update(_WORDS + _PAIRS + _PIECES + _FLAGS.index(flag) for flag in flags)
    return sorted(columns), count


def _words(text: str) -> list[tuple[str, bool, bool]]:
    """Each word in lower case, whether it is denied, whether its clause ends after it; '' between clauses."""
    text = _VARIABLE.sub(" ", text[:_LONGEST].replace("’", "'"))
    text = _ADDRESS.sub(" ", _PATH.sub(" ", _IO.sub("io", text)))
    text = _NOT.sub(" not", _CANNOT.sub("can not", text))
    tokens = [*(token.lower() for token in _WORD.findall(text)), ".", "."]
    words = []
    reach = 0
    for position in range(len(tokens) - 2):
        token, following, after = tokens[position : position + 3]
        if not token.isalnum():
            if token not in {"=", ">"}:
                reach = 0
                words.append(("", False, False))
            continue
        # "errors: 0", "failed=0", "error none": the denial stands behind what it denies.
        behind = following if following.isalnum() else after
        told_none = behind in _NONE and token not in _DENIALS
        words.append((token, reach > 0 or told_none, not following.isalnum()))
        reach = _REACH if token in _DENIALS else max(reach - 1, 0)
    return words


class _Known(NamedTuple):
    """What is remembered of a word."""

    stem: str
    kind: str
    """What stands for it in pairs that generalise: its stem, its denial, or that it alarms or relieves."""
    flag: str
    columns: tuple[int, ...]


@lru_cache(maxsize=65536)
def _word(word: str, denied: bool) -> _Known:
    stem = _stem(word)
    alarms = bool(_ALARM.match(word)) and word not in _NOT_ALARMS and not _NOT_ALARM.match(word)
    relieves = bool(_RELIEF.match(word))
    # A denied word speaks in other columns: in "no error found", "error" must stay silent.
    mark = "not " if denied else ""
    if denied:
        kind, flag = f"not {stem}", "denied_alarm" if alarms else ""
    elif alarms:
        kind, flag = "!ALARM", "alarm"
    elif relieves:
        kind, flag = "+RELIEF", "relief"
    else:
        kind, flag = stem, ""
    pieces: set[str] = set()
    if len(word) > 3:
        padded = f"{word}_"
        pieces = {padded[at : at + size] for size in (4, 5) for at in range(len(padded) - size + 1)}
        if word[:2] in _PREFIXES:
            ending = next((known for known in _ENDINGS if word.endswith(known)), "")
            pieces.add(f"^{word[:2]} {ending}")
    columns = {_bucket(f"w {mark}{word}", _WORDS), _bucket(f"s {mark}{stem}", _WORDS)}
    columns.update(_WORDS + _PAIRS + _bucket(f"p {mark}{piece}", _PIECES) for piece in pieces)
    return _Known(stem, kind, flag, tuple(sorted(columns)))


@lru_cache(maxsize=65536)
def _pair(left: str, right: str) -> int:
    return _WORDS + _bucket(f"b {left} {right}", _PAIRS)


def _bucket(piece: str, size: int) -> int:
    """A stable place for a piece: CRC-32, whose bits are mixed because it is linear in them."""
    value = zlib.crc32(piece.encode("utf-8"))
    return ((value * 2654435761 & 0xFFFFFFFF) >> 8) % size


def _stem(word: str) -> str:
    """The word without a common ending: enough to join fails, failed, failing and failure."""
    for ending in (
        "ations",
        "ation",
        "ures",
        "ure",
        "ings",
        "ing",
        "ions",
        "ion",
        "ed",
        "es",
        "ly",
        "s",
        "e",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
