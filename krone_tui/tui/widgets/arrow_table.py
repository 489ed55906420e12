"""A table over Arrow that shows only what is in sight, however many rows there are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.coordinate import Coordinate
from textual_fastdatatable import ArrowBackend, DataTable
from textual_fastdatatable.column import CELL_X_PADDING

from krone_tui.tui import keys
from krone_tui.tui.text import safe

_MEASURED_ROWS = 200
"""Rows that decide the width of a column without one."""
_MOST_CHARACTERS = 2000
"""Of one cell; more is never in sight."""
Shown = Callable[[Any], str]
"""How a value of a column is written."""


class _HarmlessRows(ArrowBackend):
    """Arrow rows whose values are written, and made harmless, when they are looked at, not all at once."""

    def __init__(self, rows: pa.Table, shown: Mapping[str, Shown]) -> None:
        super().__init__(rows)
        self._shown: list[Callable[[Any], Any]] = [shown.get(name, _harmless) for name in rows.column_names]

    def get_cell_at(self, row_index: int, column_index: int) -> Any:
        return self._shown[column_index](super().get_cell_at(row_index, column_index))

    def get_row_at(self, index: int) -> list[Any]:
        return [show(value) for show, value in zip(self._shown, super().get_row_at(index), strict=True)]

    @property
    def column_content_widths(self) -> list[int]:
        return ArrowBackend(self.data.slice(0, _MEASURED_ROWS)).column_content_widths


def _harmless(value: Any) -> Any:
    return safe(value, _MOST_CHARACTERS) if isinstance(value, str) else value


class ArrowTable(DataTable, inherit_bindings=False):
    """Rows of an Arrow table, one under the cursor; the last column takes the width that is left."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("list")]
    DEFAULT_CSS = """
    ArrowTable {
        height: 1fr; background: ansi_default; color: ansi_default; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .datatable--header { text-style: bold underline; background: ansi_default; color: ansi_default; }
        & > .datatable--header-cursor, & > .datatable--header-hover { background: ansi_default; }
        & > .datatable--hover { background: ansi_default; }
        & > .datatable--even-row, & > .datatable--odd-row { background: ansi_default; }
        & > .datatable--cursor { background: ansi_default; color: ansi_default; text-style: underline; }
        &:focus > .datatable--cursor { text-style: reverse; }
    }
    ArrowTable:dark > .datatable--even-row { background: ansi_default; }
    """

    def __init__(self, labels: list[str], widths: list[int | None], *, id: str | None = None) -> None:  # noqa: A002
        """`widths` are of the content, in columns; None takes what the content needs."""
        self._wanted_widths = widths
        super().__init__(
            backend=_HarmlessRows(pa.table({label: pa.array([], pa.string()) for label in labels}), {}),
            column_labels=[Text(safe(label)) for label in labels],
            column_widths=list(widths),
            cursor_type="row",
            cursor_foreground_priority="css",
            cursor_background_priority="css",
            render_markup=False,
            max_column_content_width=60,
            id=id,
        )

    def show_columns(self, columns: Sequence[tuple[str, int | None, list[str]]]) -> None:
        """Show other rows, given as (label, width or None, values) of each column; the cursor stays on its row."""
        self.show(
            pa.table({label: pa.array(values, pa.string()) for label, _, values in columns}),
            labels=[label for label, _, _ in columns],
            widths=[width for _, width, _ in columns],
            cursor=self.cursor_row,
        )

    def show(
        self,
        rows: pa.Table,
        *,
        cursor: int = 0,
        labels: list[str] | None = None,
        widths: list[int | None] | None = None,
        shown: Mapping[str, Shown] | None = None,
    ) -> None:
        """Show other rows, with other columns where they are given, and put the cursor on one of them.

        `shown`: by name of a column, how its values are written; it must be harmless.
        """
        if labels is not None:
            self._column_labels = [Text(safe(label)) for label in labels]
            self._wanted_widths = widths or [None] * len(labels)
        # textual-fastdatatable wants a new widget for new rows; that would lose the focus and cost a layout with every
        # step of a list that follows another one.
        self.backend = _HarmlessRows(rows, shown or {})
        self.backend.render_markup = False
        self._fit()
        self.set_reactive(DataTable.cursor_coordinate, Coordinate(max(0, min(cursor, rows.num_rows - 1)), 0))
        self.call_after_refresh(self._scroll_cursor_into_view)
        self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """The last column follows the width."""
        self._fit()

    def _fit(self) -> None:
        widths = list(self._wanted_widths)
        self._column_widths = widths
        self._ordered_columns = None
        columns = self.ordered_columns
        if self.size.width and columns:
            before = sum(column.render_width for column in columns[:-1])
            widths[-1] = max(self.scrollable_content_region.width - before - CELL_X_PADDING, 8)
            self._ordered_columns = None
        self._update_count += 1
        self._clear_caches()
        if self.size.width:
            # A table that is hidden is measured when it is shown: to do so here would lay out the whole screen.
            self._update_dimensions([])

    def _set_tooltip_from_cell_at(self, coordinate: Coordinate) -> None:
        """No tooltips: they would read log text as markup."""
