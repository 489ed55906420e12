"""One execution as a tree, with its evidence beside or below."""

import asyncio
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from krone_tui.store import Store, views
from krone_tui.store import screen as queries
from krone_tui.store.targets import targets_at
from krone_tui.store.verdicts import ANOMALOUS, NORMAL
from krone_tui.tui import deviations, keys
from krone_tui.tui.screens.base import WIDE, KroneScreen
from krone_tui.tui.text import clock, count, duration, end_of, safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.evidence_panel import EvidencePanel
from krone_tui.tui.widgets.execution_tree import ExecutionTree, Item, Marks


class ExecutionScreen(KroneScreen):
    """The tree of an execution; n and N go on to other executions in place."""

    PLACE = "execution"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("execution")]
    DEFAULT_CSS = """
    ExecutionScreen {
        #title { height: 2; text-wrap: nowrap; text-overflow: ellipsis; background: ansi_default; color: ansi_default; }
        #panes { layout: vertical; height: 1fr; background: ansi_default; }
        #tree { height: auto; max-height: 58%; }
        #evidence { height: 1fr; background: ansi_default; }
        &.-wide #panes { layout: horizontal; }
        &.-wide #tree { height: 100%; max-height: 100%; }
        &.-wide #evidence { width: 40%; height: 100%; }
    }
    """

    def __init__(self, execution_id: int, position: int | None = None) -> None:
        """`position` of the record to show; None: the deviation."""
        super().__init__()
        self.execution_id = execution_id
        self._position = position
        self._findings: list[views.FindingRow] = []
        self._finding = 0

    def compose(self) -> ComposeResult:
        """Title, tree, evidence, keys."""
        yield Static(id="title", markup=False)
        with Container(id="panes"):
            yield ExecutionTree(id="tree")
            with Vertical(id="evidence"):
                yield PaneTitle("Evidence", id="evidence-title")
                yield EvidencePanel()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Show the execution."""
        self._show(self.execution_id, self._position)

    def _show(self, execution_id: int, position: int | None, *, from_end: bool = False) -> None:
        self.execution_id = execution_id
        self.krone.current_execution = execution_id
        self.fill(self._fill(execution_id, position, from_end), group="fill", exclusive=True)

    async def _fill(self, execution_id: int, position: int | None, from_end: bool) -> None:
        panel = self.query_one(EvidencePanel)
        # Both at once: neither rests on the other, and a long execution takes its time for each.
        await asyncio.gather(
            self._fill_tree(execution_id, position, from_end),
            self.desk.evidence.tell(execution_id, lambda _, sentences: panel.show_evidence(sentences)),
        )

    async def _fill_tree(self, execution_id: int, position: int | None, from_end: bool) -> None:
        found = await self.desk.ask(_whole, execution_id)
        if found is None:
            return
        execution, self._findings, spans, other_files = found
        self._finding = len(self._findings) - 1 if from_end and self._findings else 0
        marks = Marks(tuple(self._findings), self.krone.templates)
        tree = self.query_one(ExecutionTree)
        tree.show_execution(execution, spans, marks)
        # Its height is fixed: nothing else has to move.
        self.query_one("#title", Static).update(self._title(execution, other_files), layout=False)
        await self._unfold(position)

    async def _unfold(self, position: int | None) -> None:
        """Unfold every deviating span, then put the cursor on the one wanted."""
        for finding in self._findings[::-1]:
            for at in {finding.position, finding.position + finding.length - 1}:
                await self._reveal(at)
        if position is not None:
            await self._reveal(position)
            self.query_one(ExecutionTree).go_to(position)
        elif self._findings:
            await self._go_to_finding()
        else:
            self.query_one(ExecutionTree).action_scroll_home()

    async def _reveal(self, position: int) -> None:
        """Have the records of the action span that holds a position in the tree."""
        tree = self.query_one(ExecutionTree)
        action = tree.action_at(position)
        wanted = tree.wants(action, position) if action is not None else None
        if action is not None and wanted is not None:
            tree.fill(action, await self.desk.ask(views.records, self.execution_id, *wanted))

    async def _go_to_finding(self) -> None:
        at = await self.desk.ask(deviations.place, self.execution_id, self._findings[self._finding])
        await self._reveal(at)
        self.query_one(ExecutionTree).go_to(at)

    def _title(self, execution: views.ExecutionRow, other_files: int) -> Text:
        mode = self.krone.findings.mode(execution.failure_mode_id)
        in_mode, in_all = self.krone.findings.place(execution.execution_id)
        what = f"mode {mode.failure_mode_id}" if mode else "not flagged"
        after = f"  {what}{f' ({in_mode})' if mode and in_mode else ''}, score {execution.score:.2f}"
        if execution.verdict is not None:
            after += f", {execution.verdict} by a {execution.verdict_by}'s verdict"
        room = self.size.width - len(f"!! {after}  {in_all}")
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        text.append("!! " if execution.flagged else "", "bold")
        text.append(safe(execution.identifier, max(16, min(60, room))), "bold").append(after)
        text.append(f"  {in_all}\n" if in_all else "\n", "dim")
        times = (
            clock(execution.start_time, day=True, millis=self.size.width >= WIDE)
            if execution.start_time
            else "no times"
        )
        if execution.start_time and execution.end_time:
            times += f" for {duration((execution.end_time - execution.start_time).total_seconds())}"
        text.append(
            f"{times}  {count(execution.records, 'record')}  lines {execution.first_line:,}–{execution.last_line:,} of "
        )
        before = text.plain.rpartition("\n")[2]
        after = f" + {count(other_files, 'file')}" if other_files else ""
        text.append(
            end_of(safe(execution.source), max(8, self.size.width - len(before) - len(after)))
        ).append(after)
        return text

    async def renew(self) -> None:
        """Show what verdicts have changed, the cursor where it is."""
        item = self._under_cursor()
        self._show(self.execution_id, item.position if item is not None else None)

    def action_normal(self) -> None:
        """The Seq under the cursor is normal."""
        self._judge(NORMAL)

    def action_anomalous(self) -> None:
        """The Seq under the cursor is anomalous."""
        self._judge(ANOMALOUS)

    def _judge(self, verdict: str) -> None:
        item = self._under_cursor()
        if item is not None:
            self.fill(self._ask_verdict(item, verdict))

    async def _ask_verdict(self, item: Item, verdict: str) -> None:
        level = "action" if item.kind == "entity" else "status"
        found = await self.desk.ask(targets_at, self.execution_id, item.position, item.length, level)
        self.krone.judge(*found, verdict)

    def on_execution_tree_records_wanted(self, event: ExecutionTree.RecordsWanted) -> None:
        """Fetch the records of a span that was unfolded by hand."""
        self.fill(self._fetch(event), group="fetch")

    async def _fetch(self, event: ExecutionTree.RecordsWanted) -> None:
        wanted_of = self.execution_id
        records = await self.desk.ask(views.records, wanted_of, event.position, event.length)
        if wanted_of == self.execution_id:
            self.query_one(ExecutionTree).fill(event.node, records)

    def next_pane(self, step: int) -> None:
        """Tree and evidence in turn."""
        tree, panel = self.query_one(ExecutionTree), self.query_one(EvidencePanel)
        (panel if tree.has_focus else tree).focus(scroll_visible=False)
        self.query_one("#evidence-title", PaneTitle).active = not tree.has_focus

    def _under_cursor(self) -> Item | None:
        node = self.query_one(ExecutionTree).cursor_node
        return node.data if node is not None else None

    def action_switch(self) -> None:
        """Unfold or fold; on a record, the raw log."""
        tree = self.query_one(ExecutionTree)
        node = tree.cursor_node
        if node is None or node.data is None:
            return
        if node.data.kind == "more":
            tree.more(node)
        elif node.allow_expand:
            node.toggle()
        elif node.data.record is not None:
            self.action_raw()

    def action_unfold(self) -> None:
        """Unfold, or step inside."""
        tree = self.query_one(ExecutionTree)
        node = tree.cursor_node
        if node is not None and node.allow_expand and not node.is_expanded:
            node.expand()
        else:
            tree.action_cursor_down()

    def action_fold(self) -> None:
        """Fold, or step outside."""
        tree = self.query_one(ExecutionTree)
        node = tree.cursor_node
        if node is not None and node.allow_expand and node.is_expanded:
            node.collapse()
        elif node is not None and node.parent is not None and not node.parent.is_root:
            tree.move_cursor(node.parent)

    def action_compare(self) -> None:
        """Compare with a normal execution."""
        self.krone.open_comparison(self.execution_id)

    def action_explain(self) -> None:
        """Ask the local model."""
        self.krone.open_explanation(self.execution_id)

    def action_raw(self) -> None:
        """The raw log around the record under the cursor."""
        item = self._under_cursor()
        self.krone.open_raw(self.execution_id, item.position if item is not None else None)

    def action_export(self) -> None:
        """Take a summary along."""
        self.krone.export(self.execution_id)

    def action_next_finding(self) -> None:
        """Next finding here, then in the next execution."""
        self._walk(1)

    def action_previous_finding(self) -> None:
        """The one before."""
        self._walk(-1)

    def _walk(self, step: int) -> None:
        if 0 <= self._finding + step < len(self._findings):
            self._finding += step
            self.fill(self._go_to_finding(), group="fill", exclusive=True)
            return
        found = self.krone.findings.step(self.execution_id, step)
        if found is not None:
            self._show(found[1], None, from_end=step < 0)


def _whole(
    store: Store, execution_id: int
) -> tuple[views.ExecutionRow, list[views.FindingRow], queries.Spans, int] | None:
    """(the execution, what was found in it, its spans, other files it goes on in); None when there is none of that id."""
    execution = views.execution(store, execution_id)
    if execution is None:
        return None
    return (
        execution,
        views.findings(store, execution.variant_id),
        queries.span_times(store, execution_id),
        views.other_files(store, execution_id),
    )
