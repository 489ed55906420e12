"""Which header formats a source uses, from a sample of its lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.ingest.formats import HeaderFormat, Wrapper, header_formats, lines_with, wrappers
from krone_tui.ingest.structured import (
    is_docker,
    is_otlp,
    json_layout,
    json_objects,
    logfmt_layout,
    table_layouts,
)
from krone_tui.store.columns import column
from krone_tui.store.questions import Asking, captured, matches, parsed_times, unwrap
from krone_tui.store.record_layouts import Layout, LogfmtLayout, TextLayout, Unwrap
from krone_tui.store.times import ELAPSED, Clock

SAMPLE_LINES = 1_000
"""Enough to see a format that one line in a hundred has."""

_MIN_SHARE = 0.01
"""Of the sample: a format rarer than that is taken for chance."""
_MIN_RARE = 2
"""Lines of a format that nothing else looks like."""
_MIN_BESIDE = 2
"""Lines without a time that begin alike: fewer are taken for a part of the record before."""
_MIN_TABLE_SHARE = 0.05
"""Of the lines must have as many values as columns were named: a comment may name some too."""
_MIN_RECURRING = 3
_RECURRING_SHARE = 0.8
"""Of the lines of a format must share their name with two others."""
_NO_NAMES = re.compile(
    r"\.(?i:bak|bin|bz2|c|cc|cfg|class|com|conf|cpp|crt|csv|dat|db|dll|docx?|exe|gif|go|gz|h|html|ini|io|jar|java|jpg|js|json"
    r"|key|lib|local|log|md|net|org|pdf|pem|php|pid|png|properties|py|rb|rpm|rs|service|sh|so|sock|socket|sql|tar|target"
    r"|tgz|timer|tmp|toml|ts|txt|war|xlsx?|xml|xz|ya?ml|zip)$"
)
"""What comes last in the name of a file, a unit or a host, and in no logger's."""
_NESTED_SHARE = 0.2
"""Of the lines of a format that covers this one wholly and is no less telling: else this one is chance, unless it is rare."""
_WRAPPED_SHARE = 0.8
"""Of the lines must have a wrapper for it to be taken off; a start-up banner may lack it."""
_INNER_SHARE = 0.5
"""Of the lines inside a soft wrapper must have a header."""
_REUSED_SHARE = 0.98
"""Of a source's lines must fit the formats of an earlier source for these to be taken over."""
_BLANKS = " \t"
_INDENTED_TIME = re.compile(r"[ \t].{0,160}?(?:\d:\d\d|\d\d\.\d\d\.\d\d|\d{6})")
"""Without digits like these an indented line has no time. To try all formats on frames and settings would take long."""
_MIN_INDENTED_SHARE = 0.2
"""Of the lines must be indented and have a header with a time there: rarer ones are parts of what a record shows."""
_MAX_SAMPLE_CHARACTERS = 20_000
"""Of one line: headers are short."""


@dataclass(frozen=True)
class Shape:
    """How one source's lines are to be read."""

    layouts: tuple[Layout, ...]
    """In the order of trial; none: the source has no headers."""
    wrapper: Unwrap | None = None
    otlp: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What `source.format` calls the layouts."""
        return tuple(layout.name for layout in self.layouts)


@dataclass(frozen=True)
class _Given:
    """What holds of all that is asked about one source."""

    clock: Clock
    alone: bool
    """Formats that none of its lines have are excluded first. Of many sources that are asked about together DuckDB
    compiles the patterns once for all, and it takes longer to exclude than to try."""


def detect(lines: pa.Array, clock: Clock, *, alone: bool = True) -> Asking[Shape]:
    """How the sampled lines are to be read: their wrapper, and their header formats in order of trial.

    lines: Arrow strings, each with or without its newline. alone: hardly any other source is asked about at the same
    time; it decides how long it takes, not what is found.
    """
    texts = [text.rstrip("\n")[:_MAX_SAMPLE_CHARACTERS] for text in lines.to_pylist()]
    texts = [text for text in texts if text.strip()]
    if not texts:
        return Shape(())
    given = _Given(clock, alone)
    objects = json_objects(texts)
    if is_otlp(objects):
        return Shape((), otlp=True)
    colours = any("\x1b[" in text for text in texts)
    for wrapper in _possible_wrappers(texts, colours):
        if wrapper.varies:
            continue
        if wrapper.unwrap.kind == "json" and not (
            is_docker(objects) and len(objects) >= _WRAPPED_SHARE * len(texts)
        ):
            continue
        if (shape := (yield from _wrapped(texts, wrapper, colours, given))) is not None:
            return shape
    plain = Unwrap("", kind="none", colours=True) if colours else None
    bare = texts
    if plain is not None:
        inside = (yield from unwrap(_strings(texts), plain, clock)).column("body").to_pylist()
        bare = [text.rstrip("\n") for text in inside]
    layouts = yield from _layouts(bare, given)
    dropping = {item.name for item in header_formats() if item.drops}
    if any(layout.name in dropping for layout in layouts):
        for wrapper in wrappers():
            if (
                wrapper.varies
                and (shape := (yield from _wrapped(texts, wrapper, colours, given))) is not None
            ):
                return shape
    return Shape(layouts, plain)


def fits(lines: pa.Array, shape: Shape) -> Asking[bool]:
    """Whether another source's shape reads these lines too: found faster than by trying all formats.

    Shapes with generic formats or with keys are not taken over: these lines may allow a better one.
    """
    if shape.wrapper or not shape.layouts:
        return False
    if not all(
        isinstance(layout, TextLayout) and layout.times and not layout.generic for layout in shape.layouts
    ):
        return False
    hits = yield from matches(lines, shape.layouts)
    return bool(hits.any(axis=1).mean() >= _REUSED_SHARE)


def further_layouts(lines: pa.Array, shape: Shape, clock: Clock, *, many: bool) -> Asking[Shape]:
    """The shape with the formats added that the sampled lines, which none of its own fits, are written in.

    many: they are so large a part of the source that they may be written in any; else they mostly continue records.
    """
    texts = [text[:_MAX_SAMPLE_CHARACTERS] for text in lines.to_pylist()]
    given = _Given(clock, alone=True)
    found = (yield from _layouts(texts, given)) if many else ()
    more = [layout for layout in found if layout.name not in shape.names and _tells_more_than_level(layout)]
    if not more:
        more = yield from _layouts_beside(texts, shape.layouts, given)
    return replace(shape, layouts=(*shape.layouts, *more)) if more else shape


def _possible_wrappers(texts: list[str], colours: bool) -> list[Wrapper]:
    """Those that enough lines may have: to take one off tells as much, and takes far longer."""
    # Below colour codes the first characters are others.
    if colours:
        return list(wrappers())
    lines, least = _strings(texts), _WRAPPED_SHARE * len(texts)
    return [
        wrapper
        for wrapper in wrappers()
        if wrapper.unwrap.kind != "text" or lines_with(wrapper.unwrap.pattern, lines) >= least
    ]


def _wrapped(texts: list[str], wrapper: Wrapper, colours: bool, given: _Given) -> Asking[Shape | None]:
    taken_off = replace(wrapper.unwrap, colours=colours)
    inside = yield from unwrap(_strings(texts), taken_off, given.clock)
    bodies = [text.rstrip("\n") for text in inside.column("body").to_pylist()]
    if wrapper.unwrap.kind == "text":
        wrapped = sum(bool(prefix) for prefix in inside.column("prefix").to_pylist())
        if wrapped < _WRAPPED_SHARE * len(texts):
            return None
    if wrapper.varies:
        # A line's own number, or the first word of what it says, is of hardly any other line.
        said = Counter(text for text in inside.column("thread").to_pylist() if text)
        if len(said) < 2 or sum(count for count in said.values() if count > 1) < _WRAPPED_SHARE * len(texts):
            return None
    layouts = yield from _layouts(bodies, given)
    if wrapper.unwrap.kind == "json" or "(?P<time>" in wrapper.unwrap.pattern:
        # The wrapper's time is a clock's: one that counts from a start would stand before it.
        layouts = tuple(map(_without_elapsed, layouts))
    if wrapper.soft:
        telling = [
            layout
            for layout in layouts
            if _tells_more_than_level(layout) and (not wrapper.for_level or _states_level(layout))
        ]
        headed = yield from _headed_share(bodies, telling)
        # A header that may stand behind the outer one by itself needs no help.
        alone = yield from _headed_share(texts, telling)
        if headed < _INNER_SHARE or (wrapper.for_level and alone >= headed):
            return None
    return Shape(layouts, taken_off)


def _without_elapsed(layout: Layout) -> Layout:
    if isinstance(layout, TextLayout) and ELAPSED in layout.times:
        return replace(layout, times=tuple(kind for kind in layout.times if kind != ELAPSED))
    return layout


def _headed_share(texts: list[str], layouts: Sequence[Layout]) -> Asking[float]:
    if not layouts:
        return 0.0
    return float((yield from matches(_strings(texts), layouts)).any(axis=1).mean())


def _tells_more_than_level(layout: Layout) -> bool:
    return not isinstance(layout, TextLayout) or bool(layout.times)


def _states_level(layout: Layout) -> bool:
    if isinstance(layout, TextLayout):
        return "level" in layout.groups
    return bool(getattr(layout, "roles", {}).get("level"))


def _layouts(texts: Sequence[str], given: _Given) -> Asking[tuple[Layout, ...]]:
    """Structured layouts first, then header formats, each with the time formats that its lines need."""
    texts = [text for text in texts if text.strip()]
    found: list[Layout] = []
    left = list(texts)
    minimum = max(1.0, _MIN_SHARE * len(texts))
    objects = json_objects(left)
    if len(objects) >= minimum:
        found.append(json_layout(objects))
        left = [text for text in left if not json_objects([text])]
    for table in table_layouts(left):
        fit = (yield from matches(_strings(left), [table]))[:, 0]
        if fit.sum() >= max(1.0, _MIN_TABLE_SHARE * len(fit)):
            found.append(table)
            left = [text for text, hit in zip(left, fit, strict=True) if not hit]
    specific = [item for item in header_formats() if not item.generic]
    generic = [item for item in header_formats() if item.generic]
    left = yield from _take_headers(left, specific, found, total=len(texts), given=given)
    if left:
        pairs = (yield from matches(_strings(left), [LogfmtLayout("logfmt", {})]))[:, 0]
        layout = logfmt_layout([text for text, hit in zip(left, pairs, strict=True) if hit])
        # Pairs alone are no header: a time, a level or a message must be among them.
        if pairs.sum() >= minimum and any(layout.roles.get(role) for role in ("time", "level", "message")):
            found.append(layout)
            left = [text for text, hit in zip(left, pairs, strict=True) if not hit]
    left = yield from _take_indented(left, found, total=len(texts), given=given)
    left = yield from _take_headers(left, generic, found, total=len(texts), given=given)
    return (*found, *(yield from _layouts_beside(left, found, given)))


def _take_indented(texts: list[str], found: list[Layout], *, total: int, given: _Given) -> Asking[list[str]]:
    """Add to `found` the headers that indented lines have behind their blanks; returns the lines without one.

    A report or another log quotes a log so. total: how many lines were sampled. Only headers with a time count: by
    anything else a stack trace, or a block of settings, would fall to pieces.
    """
    inside = [text.lstrip(_BLANKS) for text in texts if _INDENTED_TIME.match(text)]
    least = _MIN_INDENTED_SHARE * total
    if len(inside) < least:
        return texts
    timed = [item for item in header_formats() if item.needs_time and not item.drops]
    headers: list[Layout] = []
    left = yield from _take_headers(inside, timed, headers, total=total, given=given)
    if len(inside) - len(left) < least:
        return texts
    found += [layout.indented() for layout in headers if isinstance(layout, TextLayout)]
    read = set(inside).difference(left)
    return [text for text in texts if text[0] not in _BLANKS or text.lstrip(_BLANKS) not in read]


def _layouts_beside(texts: Sequence[str], found: Sequence[Layout], given: _Given) -> Asking[list[Layout]]:
    """What another program writes amid lines with a time: rare, but headers that no part of a record begins with.

    Where records have many lines, or each is its line, what follows them needs no header of its own.
    """
    timed = any(isinstance(layout, TextLayout) and layout.times for layout in found)
    texts = [text for text in texts if text.strip() and not text[0].isspace()]
    if not timed or not texts or any(getattr(layout, "multiline", False) for layout in found):
        return []
    telling = [
        item
        for item in header_formats()
        if item.beside or (item.needs_time and not item.generic and not item.min_share)
    ]
    more: list[Layout] = []
    yield from _take_headers(list(texts), telling, more, total=len(texts), given=given, beside=True)
    return [layout for layout in more if all(layout.name != other.name for other in found)]


def _take_headers(
    texts: list[str],
    formats: Sequence[HeaderFormat],
    found: list[Layout],
    *,
    total: int,
    given: _Given,
    beside: bool = False,
) -> Asking[list[str]]:
    """Add to `found` the formats that the lines are written in; returns the lines that none of them fits."""
    if not texts:
        return texts
    lines = _strings(texts)
    if given.alone:
        formats = [item for item in formats if _may_match(item, lines)]
    if not formats:
        return texts
    hits = yield from matches(lines, [item.layout for item in formats])
    candidates: list[tuple[HeaderFormat, Layout, npt.NDArray[np.bool_]]] = []
    for number, item in enumerate(formats):
        if not hits[:, number].any():
            continue
        mask, layout = hits[:, number], item.layout
        if isinstance(layout, TextLayout) and layout.times:
            needed, readable = yield from _needed_times(lines, mask, layout, given.clock)
            # A time that may be left out may also stand on a later line of the record.
            layout = needed if needed.times or item.needs_time else layout
            if item.needs_time:
                mask = readable
        if mask.any():
            candidates.append((item, layout, mask))
    left = np.ones(len(texts), dtype=bool)
    for item, layout, mask in candidates:
        mine = mask & left
        least = _MIN_BESIDE if beside and item.beside else max(1.0, item.min_share * total)
        if mine.sum() < (_MIN_RARE if item.rare else max(least, _MIN_SHARE * total)):
            continue
        if not item.rare and _is_chance(item, mask, candidates):
            continue
        if item.recurs and not (yield from _recurs(item, lines.filter(column(mask)))):
            continue
        found.append(layout)
        left &= ~mask
    return [text for text, unfit in zip(texts, left, strict=True) if unfit]


def _may_match(item: HeaderFormat, lines: pa.Array) -> bool:
    return not isinstance(item.layout, TextLayout) or lines_with(item.layout.pattern, lines) > 0


def _is_chance(
    item: HeaderFormat,
    mask: npt.NDArray[np.bool_],
    candidates: list[tuple[HeaderFormat, Layout, npt.NDArray[np.bool_]]],
) -> bool:
    """Whether a plainer format reads all of these lines and many more: they only happen to look like this."""
    return any(
        other is not item
        and not other.generic
        and other.needs_time
        and (mask & theirs).sum() >= 0.95 * mask.sum()
        and mask.sum() < _NESTED_SHARE * theirs.sum()
        for other, _, theirs in candidates
    )


def _recurs(item: HeaderFormat, lines: pa.Array) -> Asking[bool]:
    """Whether most of these lines share what the format calls a name with many, and it ends as no file or host does."""
    said = (yield from captured(lines, item.layout, item.recurs)).to_pylist()
    shared = sum(count for count in Counter(said).values() if count >= _MIN_RECURRING)
    files = sum(bool(_NO_NAMES.search(text)) for text in said)
    return shared >= _RECURRING_SHARE * len(said) and files <= (1 - _RECURRING_SHARE) * len(said)


def _needed_times(
    lines: pa.Array, mask: npt.NDArray[np.bool_], layout: TextLayout, clock: Clock
) -> Asking[tuple[TextLayout, npt.NDArray[np.bool_]]]:
    """The layout with as few time formats as read the sample, and the lines whose time can be read."""
    readable = np.zeros((len(mask), len(layout.times)), dtype=bool)
    readable[mask] = yield from parsed_times(lines.filter(column(mask)), layout, clock)
    kept: list[int] = []
    left = mask.copy()
    while (gains := (readable & left[:, None]).sum(axis=0)).any():
        kept.append(int(gains.argmax()))
        left &= ~readable[:, kept[-1]]
    return replace(layout, times=tuple(layout.times[number] for number in kept)), mask & ~left


def _strings(texts: Sequence[str]) -> pa.Array:
    parts = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return pa.LargeStringArray.from_buffers(len(parts), pa.py_buffer(offsets), pa.py_buffer(b"".join(parts)))
