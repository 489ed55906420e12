"""The templates stage: from messages to templates, the leaves of the hierarchy.

Messages are masked and counted in DuckDB; what follows sees distinct masked messages ("shapes") only, so its
cost does not grow with the log. Shapes with the same punctuation and first word go through Drain (He et al.,
ICWS 2017), with a low similarity threshold; each of its clusters is then split again wherever the words that
differ are constants, in the spirit of IPLoM (Makanju et al., KDD 2009): few values, or words that tell how
something went. What remains is one template. One configuration serves every log.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from drain3.drain import Drain

from krone_tui.abstraction.masking import FIRST_LINE_LIMIT, WILDCARD, finish, load_words, mask
from krone_tui.abstraction.shapes import mask_all, mask_on
from krone_tui.errors import KroneError
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.store import Store, baseline
from krone_tui.store import templates as queries
from krone_tui.store.telling_numbers import readable

SIMILARITY = 0.5
"""Share of equal words that Drain asks for. Low, because `_split` undoes what should not have been joined."""

FEW_WORDS = 5
"""From so many different plain words in one place on, the place is a variable. 4, 5 and 6 score the same on
public labelled logs, within 0.001; at 7 an early version took a small set of user names apart."""

FEW_NUMBERED = 4
"""The same for words with a masked number inside (`node-<*>`, `rack<*>`): names more often than words are."""

FEW_KINDS = 12
"""The same for capitals (`SCREEN_ON`), derived words (`privileged`) and values of a kind (`cmd=rename`)."""

FEW_FIRST_WORDS = 24
"""The same for a first word: it names what the message is about, more often than it is a value."""

FEW_NAMES = 5
"""The same for first words that several statements share (players, users): these are names sooner."""

NAMED_STATEMENTS = 3
"""Statements that a first word must begin, each beside so many others, to be a name."""

MANY_STATES = 40
"""From so many on, words that look like states are names after all."""

BUCKET_LIMIT = 1000
"""Shapes with one first word and punctuation that Drain is given; of more, rare words are masked first,
since Drain compares each shape with every cluster of its bucket."""


@dataclass(frozen=True)
class TemplatesResult:
    """What the stage did."""

    templates: int
    shapes: int
    """Distinct masked messages."""
    records: int
    masking_detail: int
    """How coarsely messages were masked, 0 the finest: more where a log's messages differ without end."""
    seconds: float
    masked: queries.Masked | None
    """What a later run over more records need not mask again; None where it was masked more coarsely."""


def mine_templates(
    store: Store, progress: Progress = silent, masked: queries.Masked | None = None
) -> TemplatesResult:
    """Read `parsed_record` and `learnt_shape`, write `shape`, `record_shape` and `template`; what they held is replaced.

    template_id counts from 1, by descending number of records, then by text; so the same records give the
    same templates and ids, whatever their order. Entity, action, status and severity stay NULL.
    What was learnt counts like records that were read. `masked`: what `record_shape` holds already, which is kept.
    Raises `KroneError` where what was learnt is masked less coarsely than this log needs, and what `progress` raises;
    the tables are then incomplete.
    """
    started = time.perf_counter()
    extent = queries.extent(store, FIRST_LINE_LIMIT)
    learnt_detail = baseline.detail(store)
    detail = learnt_detail or 0
    found = mask_on(store, extent, masked, progress) if masked is not None and learnt_detail is None else None
    while found is None and (found := mask_all(store, extent, detail, progress)) is None:
        if learnt_detail is not None:
            raise KroneError(
                "This log has too many different messages to be compared with the knowledge base message by message; "
                "name the good logs themselves (--baseline LOG)."
            )
        detail += 1
    texts = list(found.texts)
    learnt = baseline.shape_counts(store)
    texts += sorted(learnt.keys() - set(texts))
    of_shape = template_texts(texts)
    records: Counter[str] = Counter()
    for shape_id, count in zip(*queries.shape_counts(store), strict=True):
        records[of_shape[shape_id]] += count
    for text, of in zip(texts, of_shape, strict=True):
        records[of] += learnt.get(text, 0)
    ordered = sorted(records, key=lambda text: (-records[text], text))
    ids = {text: number for number, text in enumerate(ordered, start=1)}
    queries.write_templates(
        store, texts, [ids[text] for text in of_shape], [readable(text) for text in ordered]
    )
    progress(StageProgress("templates", extent.records, extent.records, "records"))
    seconds = time.perf_counter() - started
    return TemplatesResult(
        len(ordered), len(texts), extent.records, detail, seconds, None if detail else found
    )


def mine_messages(messages: Sequence[str]) -> list[str]:
    """The template text of each message, without a database: for benchmarks and small inputs."""
    shapes = {message: mask(message) for message in set(messages)}
    distinct = sorted(set(shapes.values()))
    of_shape = dict(zip(distinct, template_texts(distinct), strict=True))
    return [of_shape[shapes[message]] for message in messages]


# ---------------------------------------------------------------------------------------------------------
# From shapes to templates


@dataclass(frozen=True)
class _Shape:
    """A shape cut into what may vary (words) and what holds them (frame)."""

    words: tuple[str, ...]
    frame: str
    """Punctuation and spaces, with `_SLOT` for each word."""
    number: int
    """Position in the caller's list."""


_Group = tuple[tuple[str, ...], list[_Shape]]
"""A template's words and its shapes."""

_SLOT = "\x00"
_VARIES = "\x01"
"""Drain's own wildcard: other than `<*>`, so that masked values count as equal words."""

_LEXICON = load_words()
# A word keeps an index or argument that is a bare variable: `LOCAL(<*>)`, `lint[<*>]`. Dots that do not join
# letters (an ellipsis, a leader, a full stop) belong to the frame.
_WORD = re.compile(r"(?:[^\s=:,()\[\]{}\"'|;.\x00]|\.(?![.\s]|$))+(?:\(<\*>\)|\[<\*>\]|\{<\*>\})*")
_SPACES = re.compile(r"\s+")
_CAPITALS = re.compile(r"(?:[\w$]+[./])*[A-Z][A-Z_]+")
_INFLECTED = re.compile(r"[a-z]{3,}(?:ed|ing)")
_DERIVED = re.compile(
    r"[A-Za-z]{2,}(?:ed|ing|able|ible|[ts]ion|ment|ful|less|ous|ive|ly|[ae]nce|ity)|(?:un|im|in|dis|non|ir|il)[a-z]{4,}"
)


def template_texts(shapes: Sequence[str]) -> list[str]:
    """The template of each shape (a masked first line), as text: constant words and `<*>`.

    Equal sets of shapes give equal templates whatever their order.
    """
    shapes = _without_letter_ids(shapes)
    buckets: dict[tuple[str, str], list[_Shape]] = defaultdict(list)
    for number in sorted(range(len(shapes)), key=shapes.__getitem__):
        shape = _cut(shapes[number], number)
        buckets[shape.frame, shape.words[0] if shape.words else ""].append(shape)
    groups = [group for bucket in buckets.values() for group in _mine_bucket(bucket)]
    result = [""] * len(shapes)
    for words, members in _join_first_words(groups):
        text = finish(_render(members[0].frame, words))
        for shape in members:
            result[shape.number] = text
    return result


_NUMBERED = re.compile(r"(?<![\w<*>.\-])([A-Za-z][A-Za-z0-9]*[\-_#])<\*>(?![\w<*>.\-])")
_LETTERED = re.compile(r"(?<![\w<*>.\-])([A-Za-z][A-Za-z0-9]*[\-_#])[a-f]{2,8}(?![\w<*>.\-])")


def _without_letter_ids(shapes: Sequence[str]) -> list[str]:
    """Mask `s-cafe` where there is `s-<*>`: a hexadecimal id that happens to have no digit."""
    prefixes = {prefix for shape in shapes for prefix in _NUMBERED.findall(shape)}
    return [
        _LETTERED.sub(lambda found: f"{found[1]}<*>" if found[1] in prefixes else found[0], shape)
        for shape in shapes
    ]


def _cut(text: str, number: int) -> _Shape:
    text = _SPACES.sub(" ", text.replace(_SLOT, " ")).strip()
    return _Shape(tuple(_WORD.findall(text)), _WORD.sub(_SLOT, text), number)


def _render(frame: str, words: Sequence[str]) -> str:
    pieces = frame.split(_SLOT)
    return "".join(piece + word for piece, word in zip(pieces, (*words, ""), strict=True))


class _WordDrain(Drain):  # type: ignore[misc]
    """Drain over words that are already cut; nothing is persisted."""

    def get_content_as_tokens(self, content: tuple[str, ...]) -> tuple[str, ...]:
        return content


def _mine_bucket(bucket: list[_Shape]) -> list[_Group]:
    """Shapes of one frame and first word to templates."""
    if len(bucket) == 1:
        return [(bucket[0].words, bucket)]
    words_of = _without_rare_words([shape.words for shape in bucket])
    shapes_of: dict[tuple[str, ...], list[_Shape]] = defaultdict(list)
    for shape, words in zip(bucket, words_of, strict=True):
        shapes_of[words].append(shape)
    drain = _WordDrain(
        depth=4, sim_th=SIMILARITY, param_str=_VARIES, parametrize_numeric_tokens=False, max_children=10**9
    )
    clusters: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    for words in shapes_of:
        cluster, _ = drain.add_log_message(words)
        clusters[cluster.cluster_id].append(words)
    pieces = bucket[0].frame.split(_SLOT)
    return [
        (template, [shape for words in rows for shape in shapes_of[words]])
        for cluster_rows in clusters.values()
        for template, rows in _split(cluster_rows, pieces)
    ]


def _without_rare_words(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Mask words that are rare in their place, until no more than `BUCKET_LIMIT` different rows are left."""
    for share in (0.005, 0.05, 0.5, 2.0):
        if len(set(rows)) <= BUCKET_LIMIT:
            break
        least = len(rows) * share
        frequent = [
            {word for word, n in Counter(place).items() if n >= least} for place in zip(*rows, strict=True)
        ]
        rows = [
            tuple(w if w in kept else WILDCARD for w, kept in zip(row, frequent, strict=True)) for row in rows
        ]
    return rows


def _split(
    rows: list[tuple[str, ...]], pieces: list[str]
) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Split rows of equal length where they differ in constants; the other places are variables."""
    if len(rows) == 1:
        return [(rows[0], rows)]
    values = [set(place) for place in zip(*rows, strict=True)]
    varying = sorted((len(found), place) for place, found in enumerate(values) if len(found) > 1)
    # Fewest values first: splitting there often leaves one value in the other places.
    for rule in (_constant_key, _state_key):
        for _, place in varying:
            key = rule(values[place], _cue(rows[0], pieces, place))
            if key is None:
                continue
            parts: dict[str, list[tuple[str, ...]]] = defaultdict(list)
            for row in rows:
                parts[key(row[place])].append(row)
            if len(parts) > 1:
                return [group for part in parts.values() for group in _split(part, pieces)]
    template = list(rows[0])
    for _, place in varying:
        template[place] = WILDCARD
    return [(tuple(template), rows)]


@dataclass(frozen=True)
class _Cue:
    """What stands before a place."""

    word: str
    """The word before, in lower case; empty at the beginning."""
    prose: bool
    """Nothing but a space between that word and the place."""


def _cue(row: tuple[str, ...], pieces: list[str], place: int) -> _Cue:
    return _Cue(row[place - 1].lower() if place else "", pieces[place] == " ")


_Key = Callable[[str], str]


def _constant_key(found: set[str], cue: _Cue) -> _Key | None:
    """Each value by itself when the place holds a constant."""
    return str if _is_constant(found, cue) else None


def _state_key(found: set[str], cue: _Cue) -> _Key | None:
    """In a place that is a variable: words that tell a state by themselves, all others together."""
    if cue.prose and cue.word in _LEXICON.name_cues:
        return None
    states = {value for value in found if _is_state(value)}
    if not states or len(states) > MANY_STATES:
        return None
    return lambda value: value if value in states else WILDCARD


def _is_constant(found: set[str], cue: _Cue, few_words: int = FEW_WORDS) -> bool:
    """Whether the different words found in one place are a few constants rather than values of a variable."""
    present = [value for value in found if value.lower() not in _LEXICON.missing]
    words = [value for value in present if value != WILDCARD]
    if cue.prose and cue.word in _LEXICON.name_cues:
        return any(word.lower() in _LEXICON.state for word in words)
    if WILDCARD in found:
        plain = [word for word in words if not _is_identifier(word)]
        return bool(plain) and len(plain) == len(words) and len(plain) < few_words
    if cue.word in _LEXICON.kind_cues or 2 * sum(map(_is_kind, words)) >= max(1, len(words)):
        return len(found) < FEW_KINDS
    numbered = sum(WILDCARD in word for word in words)
    if len(words) < len(found) and numbered == len(words):
        return False
    if numbered < len(words) and 2 * sum(map(_is_identifier, words)) >= len(found):
        return False
    return len(found) < (FEW_NUMBERED if numbered else few_words)


def _is_state(word: str) -> bool:
    return word.lower() in _LEXICON.state or _INFLECTED.fullmatch(word) is not None


def _is_kind(word: str) -> bool:
    return (
        word.strip("<*>").lower() in _LEXICON.state
        or _CAPITALS.fullmatch(word) is not None
        or _DERIVED.fullmatch(word) is not None
    )


def _is_identifier(word: str) -> bool:
    return WILDCARD in word or word.count(".") >= 2 or "/" in word.strip("/")


def _join_first_words(groups: Iterable[_Group]) -> Iterable[_Group]:
    """Join templates that differ in nothing but their first word, where it is a variable.

    Drain and the buckets keep first words apart; user names without a digit would be a template each.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[_Group]] = defaultdict(list)
    for words, shapes in groups:
        alike[shapes[0].frame, words[1:]].append((words, shapes))
    names = _names(alike)
    for (_, rest), members in alike.items():
        constant = not any(character.isalpha() for word in rest for character in word)
        firsts = {words[0] for words, _ in members if words}
        if len(firsts) >= FEW_NAMES and firsts <= names and not constant:
            yield (WILDCARD, *rest), [shape for _, shapes in members for shape in shapes]
            continue
        if len(members) < FEW_FIRST_WORDS or constant:
            yield from members
            continue
        cue = _Cue("", prose=False)
        key = (
            None
            if _is_constant(firsts, cue, FEW_FIRST_WORDS)
            else _state_key(firsts, cue) or (lambda _: WILDCARD)
        )
        if key is None:
            yield from members
            continue
        joined: dict[str, list[_Shape]] = defaultdict(list)
        for words, shapes in members:
            joined[key(words[0])].extend(shapes)
        for first, shapes in joined.items():
            yield (first, *rest), shapes


def _names(alike: Mapping[tuple[str, tuple[str, ...]], Sequence[_Group]]) -> frozenset[str]:
    """First words that are names: several statements begin with them and with many others of their kind."""
    begun = Counter(
        words[0]
        for (_, rest), members in alike.items()
        if rest and len(members) >= FEW_NAMES
        for words, _ in members
    )
    return frozenset(
        word
        for word, statements in begun.items()
        if statements >= NAMED_STATEMENTS and not _is_state(word) and not _is_kind(word)
    )
