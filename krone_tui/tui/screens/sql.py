"""A SQL prompt over the investigation's documented tables."""

from textwrap import wrap
from typing import ClassVar

import pyarrow as pa
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from krone_tui.errors import KroneError
from krone_tui.store import schema, sql
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import count
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.text_line import TextLine

MOST = 10_000
"""Rows of a result that are fetched."""
_FIRST = "Enter runs it, Tab to the rows, Esc back. "


class SqlScreen(KroneScreen):
    """A line to write in, rows below it; the tables to begin with."""

    PLACE = "sql"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("sql")]
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    SqlScreen Input { height: 1; border: none; padding: 0 1; background: ansi_default; color: ansi_default; }
    SqlScreen Input:focus { border: none; background-tint: ansi_default 0%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.running = False

    def compose(self) -> ComposeResult:
        """Prompt, title, rows, keys."""
        yield TextLine(placeholder="SELECT …", select_on_focus=False)
        yield PaneTitle(_FIRST + "The documented tables:")
        yield ArrowTable(["table", "columns"], [22, None])
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Begin with the tables and their columns."""
        self.fill(self._list_tables())

    async def _list_tables(self) -> None:
        tables = await self.desk.ask(schema.documented)
        columns = [", ".join(column.name for column in table.columns) for table in tables]
        self.query_one(PaneTitle).title = _FIRST + "The documented tables:"
        self.query_one(ArrowTable).show(
            pa.table({"table": pa.array([table.name for table in tables], pa.string()), "columns": columns}),
            labels=["table", "columns"],
            widths=[22, None],
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the query; of an empty line, list the tables again."""
        event.stop()
        if self.running:
            return
        # In place of one another: the tables that were asked for first must not cover the answer.
        work = self._run(event.value) if event.value.strip() else self._list_tables()
        self.fill(work, exclusive=True)

    async def _run(self, query: str) -> None:
        title = self.query_one(PaneTitle)
        title.title = "Running … (Esc stops)"
        self.running = True
        try:
            labels, found = await self.desk.long.ask(sql.first_rows, query, MOST)
        except KroneError as error:
            title.title = "No answer; an empty line and Enter list the tables again"
            # A table row is one line: a message longer than the terminal is wide goes on in the next one.
            lines = wrap(str(error), max(20, self.size.width - 4))
            self.query_one(ArrowTable).show(
                pa.table({"error": pa.array(lines, pa.string())}), labels=["error"]
            )
            return
        finally:
            self.running = False
        rows = pa.table([_as_text(column) for column in found.columns], names=found.column_names)
        title.title = f"{count(found.num_rows, 'row')}" + (
            f" (the first {MOST:,})" if found.num_rows == MOST else ""
        )
        self.query_one(ArrowTable).show(rows, labels=list(labels), widths=[None] * len(labels))

    def stop(self) -> bool:
        """Stop the query; False when none was running."""
        if self.running:
            self.desk.long.interrupt()
        return self.running


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
