"""One execution as a tree: entity span → action span → status → record, filled as far as it is looked at."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from krone_tui.store.screen import Spans, SpanTimes
from krone_tui.store.views import ExecutionRow, FindingRow, RecordRow
from krone_tui.tui import keys
from krone_tui.tui.text import count, duration, safe

PAGE = 500
"""Records of one action span that are fetched at a time."""
SPANS = 150
"""Spans under one parent that are shown at a time."""
_MOST_CHARACTERS = 400
"""Of a message in the tree."""
_LONG_GAP = 1.0
"""Seconds of silence before a span from which the tree tells it."""


@dataclass(frozen=True)
class Item:
    """What one node of the tree stands for."""

    kind: str
    """'execution', 'entity', 'action', 'status', 'record', 'missing', 'more'."""
    position: int
    """Of its first record in the execution."""
    length: int
    record: RecordRow | None = None
    """Of a status with one record, and of a record."""


@dataclass(frozen=True)
class Marks:
    """Where an execution deviates."""

    findings: tuple[FindingRow, ...]
    templates: dict[int, str]
    """template_id → text, of what is missing."""

    def span(self, position: int, length: int) -> bool:
        """Whether a span holds part of a finding."""
        return any(
            finding.position < position + length and position < finding.position + finding.length
            for finding in self.findings
        )

    def record(self, record: RecordRow) -> bool:
        """Whether a record is one of the deviating steps."""
        return any(
            finding.position <= record.position < finding.position + finding.length
            and finding.kind != "missing"
            and record.template_id in finding.template_ids
            for finding in self.findings
        )

    def missing_after(self, position: int, length: int) -> list[str]:
        """Templates that are missing where a span ends."""
        return [
            self.templates.get(finding.template_ids[0], "")
            for finding in self.findings
            if finding.kind == "missing"
            and len(finding.template_ids) > 1
            and position < finding.position + finding.length <= position + length
        ]


class ExecutionTree(Tree[Item], inherit_bindings=False):
    """The tree of one execution."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("list")]
    DEFAULT_CSS = """
    ExecutionTree { height: 1fr; background: ansi_default; color: ansi_default; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .tree--cursor { background: ansi_default; color: ansi_default; text-style: underline; }
        & > .tree--guides, & > .tree--guides-hover, & > .tree--guides-selected { color: ansi_default; text-style: none; }
        & > .tree--highlight-line { background: ansi_default; }
        &:focus { background-tint: ansi_default 0%; }
        &:focus > .tree--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
        &:focus > .tree--guides, &:focus > .tree--guides-hover, &:focus > .tree--guides-selected { color: ansi_default; }
    }
    """
    ICON_NODE = "▶ "
    ICON_NODE_EXPANDED = "▼ "

    class RecordsWanted(Message):
        """An action span was unfolded whose records are not there yet."""

        def __init__(self, node: TreeNode[Item], position: int, length: int) -> None:
            super().__init__()
            self.node = node
            self.position = position
            self.length = length

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 3
        self.auto_expand = False
        self._marks = Marks((), {})
        self._start: datetime | None = None
        self._spans: Spans | None = None
        self._asked: set[int] = set()
        self._leading: re.Pattern[str] | None = None
        """The identifier in front of a message, which is the same in every line."""

    def show_execution(self, execution: ExecutionRow, spans: Spans, marks: Marks) -> None:
        """Show another execution: entity spans folded, with their times; nothing below them yet."""
        self._marks, self._start, self._spans = marks, execution.start_time, spans
        self._asked.clear()
        own = re.escape(execution.identifier)
        self._leading = None if execution.is_window else re.compile(rf"\[{own}\]:?\s+(?=\S)|{own}:\s+(?=\S)")
        self.clear()
        self._place(self.root, self._inside(self.root), 0)
        self.root.expand()

    def entity_at(self, position: int) -> TreeNode[Item] | None:
        """The entity span that holds a record, with its action spans filled in."""
        node = self._span_at(self.root, position)
        if node is not None:
            self._fill_actions(node)
        return node

    def _span_at(self, parent: TreeNode[Item], position: int) -> TreeNode[Item] | None:
        node = _holding(parent, position)
        if node is not None and node.data is not None and node.data.kind == "more":
            self._show_more(node, position)
            node = _holding(parent, position)
        return node

    def more(self, node: TreeNode[Item]) -> None:
        """Show what a line stands for that says that there is more; records are asked for."""
        item, parent = node.data, node.parent
        if item is None or parent is None:
            return
        if parent.is_root or (parent.data is not None and parent.data.kind == "entity"):
            line = node.line
            self._show_more(node, item.position)
            self.call_after_refresh(self.move_cursor_to_line, line)
        else:
            self.post_message(self.RecordsWanted(node, item.position, min(item.length, PAGE)))

    def action_at(self, position: int) -> TreeNode[Item] | None:
        """The action span that holds a record, with everything above it unfolded."""
        entity = self.entity_at(position)
        if entity is None:
            return None
        entity.expand()
        action = self._span_at(entity, position)
        if action is not None:
            action.expand()
        return action

    def wants(self, node: TreeNode[Item], position: int) -> tuple[int, int] | None:
        """(first position, number) of the records to fetch so that one can be shown; None when they are there."""
        item = node.data
        if item is None or item.kind != "action" or node.id in self._asked:
            return None
        self._asked.add(node.id)
        # The page that holds the position wanted, so that a deviation deep in a long span is found at once.
        first = item.position + max(0, (position - item.position) // PAGE * PAGE)
        return first, min(PAGE, item.position + item.length - first)

    def fill(self, node: TreeNode[Item], records: Sequence[RecordRow]) -> None:
        """Put records under an action span, or in place of a line that stood for more of them."""
        action = node
        if node.data is not None and node.data.kind == "more":
            assert node.parent is not None
            action = node.parent
            node.remove()
        item = action.data
        if item is None or not records:
            return
        before, after = (
            records[0].position - item.position,
            item.position + item.length - records[-1].position - 1,
        )
        if before and not action.children:
            self._more(action, item.position, before)
        for _, run in groupby(records, key=lambda record: record.template_id):
            self._add_status(action, list(run))
        if after:
            self._more(action, records[-1].position + 1, after)
        else:
            for missing in self._marks.missing_after(item.position, item.length):
                action.add_leaf(
                    Text(f"?? missing here: {safe(missing, _MOST_CHARACTERS)}", "bold"),
                    Item("missing", records[-1].position, 1),
                )

    def go_to(self, position: int) -> bool:
        """Put the cursor on the node of a record, unfolding its status; False when it is not there yet."""
        action = self.action_at(position)
        if action is None:
            return False
        node = _holding(action, position)
        if node is None or node.data is None or node.data.kind == "more":
            self.move_cursor(action)
            return False
        inner = _holding(node, position)
        if inner is not None:
            node.expand()
            node = inner
        self._settle(node)
        return True

    def _settle(self, node: TreeNode[Item]) -> None:
        """Put the cursor on a node, with the spans above it in sight where they fit."""
        # Lines are counted when somebody asks how many there are; until then a node just unfolded has none, and
        # the cursor would land on the first.
        _ = self.last_line
        self.move_cursor(node)
        height = self.size.height
        self._centre(node)

        def once_more() -> None:
            if self.size.height != height:
                self._centre(node)

        # The tree is as high as its lines: with other ones, it has its height once it has been laid out.
        self.call_after_refresh(once_more)

    def _centre(self, node: TreeNode[Item]) -> None:
        if node.line >= 0:
            self.scroll_to(
                y=max(0, node.line - max(2, self.size.height // 2)), animate=False, immediate=True, force=True
            )

    def _more(self, action: TreeNode[Item], position: int, length: int) -> None:
        action.add_leaf(Text(f"… {count(length, 'more record')} (Enter)"), Item("more", position, length))

    def _fill_actions(self, entity: TreeNode[Item]) -> None:
        item = entity.data
        if entity.children or item is None or item.kind != "entity":
            return
        self._place(entity, self._inside(entity), item.position)

    def _inside(self, parent: TreeNode[Item]) -> Spans:
        """The spans right under a node."""
        assert self._spans is not None
        item = parent.data
        if item is None or parent.is_root:
            return self._spans.of_level("entity")
        return self._spans.of_level("action").between(item.position, item.position + item.length)

    def _show_more(self, node: TreeNode[Item], position: int) -> None:
        """Put a page of spans in the place of a line that stood for them: the page that holds a position."""
        item, parent = node.data, node.parent
        assert item is not None
        assert parent is not None
        spans = self._inside(parent).between(item.position, item.position + item.length)
        self._place(parent, spans, position, before=node)
        node.remove()

    def _place(
        self,
        parent: TreeNode[Item],
        spans: Spans,
        position: int,
        before: TreeNode[Item] | None = None,
    ) -> None:
        """Add the page of spans that holds a position; a line each for those before and after it."""
        first = spans.at(position) // SPANS * SPANS
        end = min(first + SPANS, len(spans))
        self._more_spans(parent, spans.part(0, first), before)
        previous = spans[first - 1] if first else None
        for at in range(first, end):
            span = spans[at]
            label = self._span_label(span, previous)
            parent.add(label, Item(span.level, span.position, span.length), before=before)
            previous = span
        self._more_spans(parent, spans.part(end, len(spans)), before)

    def _more_spans(self, parent: TreeNode[Item], spans: Spans, before: TreeNode[Item] | None) -> None:
        if len(spans):
            first, last = spans[0], spans[len(spans) - 1]
            records = last.position + last.length - first.position
            flagged = "!! " if self._marks.span(first.position, records) else ""
            label = Text(f"{flagged}… {count(len(spans), 'more span')}, {count(records, 'record')} (Enter)")
            parent.add_leaf(label, Item("more", first.position, records), before=before)

    def _add_status(self, action: TreeNode[Item], run: list[RecordRow]) -> None:
        first = run[0]
        if len(run) == 1:
            action.add_leaf(self._record_label(first, first.status), Item("status", first.position, 1, first))
            return
        flagged = any(self._marks.record(record) for record in run)
        label = Text(no_wrap=True).append("!! " if flagged else "", "bold")
        label.append(f"{safe(first.status)} ×{len(run)}", "bold" if flagged else "")
        label.append(f"  {self._offset(first.time)} to {self._offset(run[-1].time)}", "dim")
        status = action.add(label, Item("status", first.position, len(run), first))
        for record in run:
            status.add_leaf(self._record_label(record, ""), Item("record", record.position, 1, record))

    def _record_label(self, record: RecordRow, status: str) -> Text:
        flagged = self._marks.record(record)
        label = Text(no_wrap=True).append("!! " if flagged else "", "bold")
        if status:
            label.append(safe(status), "bold" if flagged else "")
            label.append("  ")
        label.append(
            f"{self._offset(record.time)} {'' if record.first_line.file else 'L'}{safe(record.first_line.place)} ",
            "dim",
        )
        if record.level and record.level not in ("INFO", "I", "DEBUG", "TRACE"):
            label.append(safe(record.level) + " ", "bold")
        leading = self._leading.match(record.message) if self._leading else None
        message = record.message[leading.end() :] if leading else record.message
        label.append(safe(message, _MOST_CHARACTERS), "bold" if flagged else "")
        return label

    def _span_label(self, span: SpanTimes, before: SpanTimes | None) -> Text:
        flagged = self._marks.span(span.position, span.length)
        label = Text(no_wrap=True).append("!! " if flagged else "", "bold")
        label.append(safe(span.name), "bold" if flagged else "")
        times = f"  {self._offset(span.start)}"
        if span.start and span.end and span.end > span.start:
            times += f" for {duration((span.end - span.start).total_seconds())}"
        label.append(f"{times}  {count(span.length, 'record')}", "dim")
        if before is not None and before.end and span.start:
            gap = (span.start - before.end).total_seconds()
            if gap >= _LONG_GAP:
                label.append(f"  after {duration(gap)} of silence")
        return label

    def _offset(self, time: datetime | None) -> str:
        if time is None or self._start is None:
            return ""
        seconds = (time - self._start).total_seconds()
        return (
            f"{'-' if seconds < 0 else '+'}{abs(seconds):.3f}s"
            if abs(seconds) < 100
            else f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}"
        )

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Item]) -> None:
        """Fill what was unfolded."""
        event.stop()
        self._fill_actions(event.node)
        item = event.node.data
        if item is None:
            return
        if item.kind == "entity" and len(event.node.children) == 1:
            # The only action of an entity: nobody wants to unfold twice.
            event.node.children[0].expand()
        wanted = self.wants(event.node, item.position)
        if wanted is not None:
            self.post_message(self.RecordsWanted(event.node, *wanted))

    def get_label_width(self, node: TreeNode[Item]) -> int:
        """Labels are cut at the right edge: the tree never scrolls sideways."""
        return 1

    def process_label(self, label: str | Text) -> Text:
        """Labels are text, never markup."""
        return Text(label) if isinstance(label, str) else label

    def render_label(self, node: TreeNode[Item], base_style: Style, style: Style) -> Text:
        """The sign of a node that unfolds, and its label."""
        label = super().render_label(node, base_style, style)
        label.no_wrap = True
        return label


def _holding(parent: TreeNode[Item], position: int) -> TreeNode[Item] | None:
    for node in parent.children:
        item = node.data
        if (
            item is not None
            and item.kind != "missing"
            and item.position <= position < item.position + item.length
        ):
            return node
    return None
