"""Two executions aligned level by level: entities, then the actions under them, then their statuses."""

import difflib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from krone_tui.store.comparison import Step

MARKS = ("same", "inside", "count", "moved", "extra", "missing")
"""same; inside: it is in both, what is nested in it differs; count: in both, not as often; moved: in both, elsewhere;
extra: only here; missing: only in the normal execution."""


@dataclass(frozen=True)
class Node:
    """An entity span, an action span or a run of equal statuses."""

    level: str
    """'entity', 'action', 'status'."""
    name: str
    position: int
    length: int
    key: Hashable
    """What makes two of them the same in name: the name; of a status, its template."""
    whole: Hashable
    """What makes two of them the same in everything nested in them."""
    children: tuple["Node", ...] = ()
    detail: str = ""
    """Of a status: the template's text."""


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    mark: str
    depth: int
    here: Node | None
    normal: Node | None
    children: tuple["Row", ...] = field(default=())


def build(steps: Sequence[Step]) -> tuple[Node, ...]:
    """The entity spans of one execution, with everything nested in them."""
    return tuple(_entity(list(run)) for _, run in groupby(steps, key=lambda step: step.entity))


def _entity(steps: list[Step]) -> Node:
    actions = tuple(_action(list(run)) for _, run in groupby(steps, key=lambda step: step.action))
    return _span("entity", steps[0].entity, steps, actions)


def _action(steps: list[Step]) -> Node:
    statuses = tuple(_status(list(run)) for _, run in groupby(steps, key=lambda step: step.template_id))
    return _span("action", steps[0].action, steps, statuses)


def _status(steps: list[Step]) -> Node:
    first = steps[0]
    return Node(
        "status",
        first.status,
        first.position,
        len(steps),
        first.template_id,
        (first.template_id, len(steps)),
        (),
        first.text,
    )


def _span(level: str, name: str, steps: list[Step], children: tuple[Node, ...]) -> Node:
    return Node(
        level,
        name,
        steps[0].position,
        len(steps),
        name,
        (name, tuple(child.whole for child in children)),
        children,
    )


def align(here: Sequence[Node], normal: Sequence[Node], depth: int = 0) -> tuple[Row, ...]:
    """Rows in order: spans equal in everything first, then, between them, spans of the same name, the rest on one side."""
    rows: list[Row] = []
    for tag, a0, a1, b0, b1 in _opcodes([node.whole for node in here], [node.whole for node in normal]):
        if tag == "equal":
            rows += [
                _same(mine, theirs, depth) for mine, theirs in zip(here[a0:a1], normal[b0:b1], strict=True)
            ]
        else:
            rows += _between(here[a0:a1], normal[b0:b1], depth)
    return tuple(_mark_moved(rows))


def _between(here: Sequence[Node], normal: Sequence[Node], depth: int) -> list[Row]:
    rows: list[Row] = []
    for tag, a0, a1, b0, b1 in _opcodes([node.key for node in here], [node.key for node in normal]):
        if tag == "equal":
            rows += [
                _inside(mine, theirs, depth) for mine, theirs in zip(here[a0:a1], normal[b0:b1], strict=True)
            ]
        else:
            rows += [_one_sided("missing", node, depth) for node in normal[b0:b1]]
            rows += [_one_sided("extra", node, depth) for node in here[a0:a1]]
    return rows


def _opcodes(here: list[Hashable], normal: list[Hashable]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, here, normal, autojunk=False).get_opcodes()


def _same(here: Node, normal: Node, depth: int) -> Row:
    children = tuple(
        _same(mine, theirs, depth + 1) for mine, theirs in zip(here.children, normal.children, strict=True)
    )
    return Row("same", depth, here, normal, children)


def _inside(here: Node, normal: Node, depth: int) -> Row:
    if here.level == "status":
        return Row("same" if here.length == normal.length else "count", depth, here, normal)
    return Row("inside", depth, here, normal, align(here.children, normal.children, depth + 1))


def _one_sided(mark: str, node: Node, depth: int) -> Row:
    here, normal = (node, None) if mark == "extra" else (None, node)
    return Row(
        mark, depth, here, normal, tuple(_one_sided(mark, child, depth + 1) for child in node.children)
    )


def _mark_moved(rows: list[Row]) -> list[Row]:
    """What is missing in one place and extra in another was only reordered."""
    waiting: dict[Hashable, list[int]] = {}
    for index, row in enumerate(rows):
        if row.mark == "missing" and row.normal is not None:
            waiting.setdefault(row.normal.whole, []).append(index)
    for index, row in enumerate(rows):
        if row.mark == "extra" and row.here is not None and waiting.get(row.here.whole):
            other = waiting[row.here.whole].pop(0)
            rows[index], rows[other] = _moved(row), _moved(rows[other])
    return rows


def _moved(row: Row) -> Row:
    return replace(row, mark="moved", children=tuple(_moved(child) for child in row.children))


def flatten(rows: Sequence[Row], *, everything: bool) -> list[Row]:
    """The rows to show, parents before children: spans that are the same, or wholly on one side, stay folded unless `everything`."""
    shown: list[Row] = []
    for row in rows:
        shown.append(row)
        if row.children and (everything or row.mark in ("inside", "missing", "extra")):
            shown += flatten(row.children, everything=everything)
    return shown


def tally(rows: Sequence[Row]) -> dict[str, int]:
    """Records by mark; of a `count` row, the difference. A moved record counts once."""
    total = dict.fromkeys(MARKS, 0)
    for row in rows:
        if row.children:
            for mark, number in tally(row.children).items():
                total[mark] += number
        elif row.mark == "count" and row.here is not None and row.normal is not None:
            total["count"] += abs(row.here.length - row.normal.length)
            total["same"] += min(row.here.length, row.normal.length)
        elif row.mark == "moved":
            total["moved"] += row.here.length if row.here is not None else 0
        else:
            node = row.here or row.normal
            total[row.mark] += node.length if node is not None else 0
    return total
