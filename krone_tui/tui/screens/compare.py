"""An execution beside the nearest normal one, aligned level by level."""

from collections.abc import Iterator
from itertools import islice
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from krone_tui.explanation import alignment
from krone_tui.store import comparison as queries
from krone_tui.store import views
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.mode_rows import short_title
from krone_tui.tui.text import count, safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.line_list import LineList
from krone_tui.tui.widgets.text_panel import TextPanel

_SIGNS = {
    "same": ("=", "same"),
    "inside": ("≠", "inside"),
    "count": ("#", "count"),
    "moved": ("~", "moved"),
    "extra": ("+", "extra"),
    "missing": ("-", "missing"),
}
_MARK_WIDTH = 10
_STEPS = 8
"""Steps of a span that are told at most; two lines hold no more."""


class CompareScreen(KroneScreen):
    """Rows: what is here on the left, what a normal execution has on the right, how they relate between them."""

    PLACE = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("compare")]
    DEFAULT_CSS = """
    CompareScreen {
        #title { height: 3; text-wrap: nowrap; text-overflow: ellipsis; background: ansi_default; color: ansi_default; }
        #whole { height: 2; }
    }
    """

    def __init__(self, execution_id: int) -> None:
        super().__init__()
        self.execution_id = execution_id
        self._rows: tuple[alignment.Row, ...] = ()
        self._shown: list[alignment.Row] = []
        self._everything = False

    def compose(self) -> ComposeResult:
        """Title, rows, keys."""
        yield Static(id="title", markup=False)
        yield LineList()
        yield PaneTitle("Step", id="step")
        whole = TextPanel(id="whole")
        whole.can_focus = False
        yield whole
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Show the comparison."""
        self._show(self.execution_id)

    def _show(self, execution_id: int) -> None:
        self.execution_id = execution_id
        self.krone.current_execution = execution_id
        self.fill(self._fill(execution_id), group="fill", exclusive=True)

    async def _fill(self, execution_id: int) -> None:
        execution = await self.desk.ask(views.execution, execution_id)
        if execution is None:
            return
        found = await self.desk.ask(views.findings, execution.variant_id)
        normal = await self.desk.ask(
            queries.normal_execution, execution_id, found[0].nearest_variant if found else None
        )
        if normal is None:
            self._rows, self._shown = (), []
            self.query_one("#title", Static).update(
                Text.assemble(
                    (safe(execution.identifier), "bold"),
                    f"\n{_none_normal(execution)}",
                )
            )
            self.query_one(LineList).show([])
            return
        normal_id, normal_name, alike = normal
        here_steps = await self.desk.ask(queries.steps, execution_id)
        normal_steps = await self.desk.ask(queries.steps, normal_id)
        # Long executions take a while to align: in the thread, so that keys still work.
        self._rows = await self.desk.ask(
            lambda _: alignment.align(alignment.build(here_steps), alignment.build(normal_steps))
        )
        self.query_one("#title", Static).update(self._title(execution, normal_name, alike, len(normal_steps)))
        self._draw(first_difference=True)

    def _title(
        self, execution: views.ExecutionRow, normal_name: str, alike: int, normal_records: int
    ) -> Text:
        total = alignment.tally(self._rows)
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        differing = [
            f"{total[mark]:,} {word}"
            for mark, word in (
                ("missing", "missing"),
                ("extra", "extra"),
                ("moved", "reordered"),
                ("count", "not as often"),
            )
            if total[mark]
        ]
        text.append(f"{total['same']:,} of {count(execution.records, 'record')} as normal; ")
        text.append((", ".join(differing) or "nothing differs") + "\n", "bold")
        half = self._half()
        text.append(
            _fit(("!! " if execution.flagged else "") + f"here: {safe(execution.identifier)}", half), "bold"
        )
        text.append(" " * (_MARK_WIDTH + 2))
        text.append(f"normal: {safe(normal_name)}\n", "bold")
        text.append(
            _fit(f"{count(execution.records, 'record')}", half)
            + " " * (_MARK_WIDTH + 2)
            + f"{count(normal_records, 'record')}, {count(alike, 'execution')} alike",
            "dim",
        )
        return text

    def _half(self) -> int:
        return max(10, (self.size.width - _MARK_WIDTH - 4) // 2)

    def _draw(self, *, first_difference: bool = False) -> None:
        at = self.query_one(LineList).cursor
        kept = self._shown[at] if at < len(self._shown) and not first_difference else None
        self._shown = alignment.flatten(self._rows, everything=self._everything)
        cursor = 0
        if kept is not None:
            cursor = next((index for index, row in enumerate(self._shown) if row is kept), 0)
        elif first_difference:
            cursor = next(
                (index for index, row in enumerate(self._shown) if row.mark not in ("same", "inside")), 0
            )
        half = self._half()
        self.query_one(LineList).show([_line(row, half) for row in self._shown], cursor=cursor, centre=True)

        self._tell(cursor)

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Tell the step under the cursor in full: a half of the screen seldom holds it."""
        self._tell(event.line)

    def _tell(self, line: int) -> None:
        row = self._shown[line] if line < len(self._shown) else None
        node = (row.here or row.normal) if row is not None else None
        steps = "; ".join(islice(_details(node), _STEPS)) if node is not None else ""
        said = f"{_SIGNS[row.mark][1]}: {steps}" if row is not None else ""
        self.query_one("#whole", TextPanel).show(Text(safe(said, 1000)))

    def on_resize(self, _: events.Resize) -> None:
        """The halves follow the width."""
        if self._rows:
            self._draw()

    def action_switch(self) -> None:
        """Every row, or the differences only."""
        self._everything = not self._everything
        self._draw()

    def action_next_difference(self) -> None:
        """Next row that differs."""
        self._go(1)

    def action_previous_difference(self) -> None:
        """The one before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        lines = self.query_one(LineList)
        at = lines.cursor + step
        while 0 <= at < len(self._shown):
            if self._shown[at].mark not in ("same", "inside"):
                lines.cursor = at
                return
            at += step

    def action_next_finding(self) -> None:
        """Compare the next execution."""
        self._walk(1)

    def action_previous_finding(self) -> None:
        """The one before."""
        self._walk(-1)

    def _walk(self, step: int) -> None:
        found = self.krone.findings.step(self.execution_id, step)
        if found is not None:
            self._show(found[1])

    def action_raw(self) -> None:
        """The raw log around the record under the cursor."""
        at = self.query_one(LineList).cursor
        row = self._shown[at] if at < len(self._shown) else None
        # A missing step has no place here: the last record before it is the nearest.
        while row is not None and row.here is None and at > 0:
            at -= 1
            row = self._shown[at]
        self.krone.open_raw(
            self.execution_id, row.here.position if row is not None and row.here is not None else None
        )


def _none_normal(execution: views.ExecutionRow) -> str:
    """Why there is nothing to compare with: windows and the executions of an identifier are of two kinds."""
    kind = "window" if execution.is_window else f"execution grouped by {safe(execution.grouped_by, 60)}"
    return f"No other {kind} is normal in this log: there is none to compare this one with."


def _line(row: alignment.Row, half: int) -> Text:
    sign, word = _SIGNS[row.mark]
    style = "" if row.mark == "same" else "bold"
    text = Text(no_wrap=True, end="")
    text.append(_fit(_words(row.here, row.depth), half), "dim" if row.mark == "same" else style)
    text.append(f"  {sign} {word:<{_MARK_WIDTH - 2}}", style)
    text.append(_fit(_words(row.normal, row.depth), half), "dim" if row.mark == "same" else style)
    return text


def _words(node: alignment.Node | None, depth: int) -> str:
    if node is None:
        return ""
    name = safe(node.name)
    if node.level == "status":
        times = f" ×{node.length}" if node.length > 1 else ""
        return f"{'  ' * depth}{name}{times}  {safe(short_title(node.detail), 300)}"
    return f"{'  ' * depth}{name}  ({count(node.length, 'record')})"


def _details(node: alignment.Node) -> Iterator[str]:
    """What its steps say, in order."""
    if node.level == "status":
        yield node.detail + (f" ×{node.length}" if node.length > 1 else "")
    for inner in node.children:
        yield from _details(inner)


def _fit(text: str, width: int) -> str:
    """Exactly that many columns."""
    line = Text(text)
    line.truncate(width, overflow="ellipsis", pad=True)
    return line.plain
