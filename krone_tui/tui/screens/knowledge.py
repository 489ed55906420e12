"""The knowledge base: every verdict, whose it is and how old; search, revise, forget, export, import."""

from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.errors import KroneError
from krone_tui.settings import write_new
from krone_tui.store import Store, targets, verdicts
from krone_tui.store.overlay import Change
from krone_tui.store.verdicts import ANOMALOUS, NORMAL, VerdictRow
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.prompt import Prompt
from krone_tui.tui.text import clock, count, duration, safe, short_count
from krone_tui.tui.verdicts import changed
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.text_panel import TextPanel

_LABELS = ["verdict", "by", "age", "execs", "on", "what"]
_WIDTHS: list[int | None] = [9, 8, 7, 5, 4, None]


class KnowledgeScreen(KroneScreen):
    """Verdicts, the latest first; all of the one under the cursor below."""

    PLACE = "knowledge"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("knowledge")]
    DEFAULT_CSS = "KnowledgeScreen TextPanel { height: 7; }"

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[VerdictRow] = []
        self._shown: list[VerdictRow] = []
        self._concerned: dict[tuple[str, str], int] = {}
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """Title, verdicts, the one under the cursor, keys."""
        yield PaneTitle("Knowledge")
        yield ArrowTable(_LABELS, _WIDTHS)
        yield PaneTitle("", id="which")
        yield TextPanel()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Read the verdicts."""
        self.query_one(ArrowTable).focus()
        self.fill(self.krone.renew())

    async def renew(self) -> None:
        """Read the verdicts again."""
        try:
            self._rows = await self.desk.ask(self.desk.investigation.judging.listed)
            self._concerned = await self.desk.ask(targets.concerned)
        except (KroneError, Store.QueryError) as error:
            self._rows = []
            self.krone.say(str(error))
        # Another screen may have asked for this before this one was drawn, or after it was left.
        if self.query(ArrowTable):
            self._show()

    def _show(self) -> None:
        wanted = self._wanted.lower()
        self._shown = [
            row
            for row in self._rows
            if wanted in f"{row.verdict} {row.source} {row.title} {row.path} {row.comment or ''}".lower()
        ]
        now = verdicts.now()
        columns = [
            [row.verdict for row in self._shown],
            [row.source if row.in_force else f"({row.source})" for row in self._shown],
            [duration((now - row.given_at).total_seconds()).rjust(7) for row in self._shown],
            [short_count(self._here(row)).rjust(5) for row in self._shown],
            [row.scope for row in self._shown],
            [f"{row.comment}: {row.title}" if row.comment else row.title for row in self._shown],
        ]
        table = self.query_one(ArrowTable)
        cursor = table.cursor_row
        table.show(
            pa.table(
                {label: pa.array(one, pa.string()) for label, one in zip(_LABELS, columns, strict=True)}
            ),
            cursor=cursor,
        )
        judging = self.desk.investigation.judging
        name = f"{safe(judging.name)} ({judging.how})" if judging.name else "none yet"
        if judging.how == "switched off":
            name = "switched off by --no-knowledge"
        narrowed = f", {len(self._shown):,} with “{safe(self._wanted, 30)}”" if self._wanted else ""
        self.query_one(
            PaneTitle
        ).title = f"Knowledge base: {name}  {count(len(self._rows), 'verdict')}{narrowed}"
        self._follow()

    def _here(self, row: VerdictRow) -> int:
        return self._concerned.get((row.scope, row.key), 0)

    @property
    def _selected(self) -> VerdictRow | None:
        at = self.query_one(ArrowTable).cursor_row
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def on_data_table_row_highlighted(self, event: ArrowTable.RowHighlighted) -> None:
        """The panel follows the cursor."""
        event.stop()
        self._follow()

    def _follow(self) -> None:
        row, which, panel = self._selected, self.query_one("#which", PaneTitle), self.query_one(TextPanel)
        if row is None:
            which.title = ""
            panel.show(Text(self._empty()))
            return
        what = "failure mode" if row.scope == verdicts.MODE else "Seq"
        which.title = f"{row.verdict} by {_whose(row.source)}, {clock(row.given_at, day=True)} UTC"
        text = Text().append(f"{what}: {safe(row.title)}\n", "bold").append(safe(row.path))
        if row.comment:
            text.append(f"\n“{safe(row.comment)}”")
        text.append(f"\nIn this log: {count(self._here(row), 'execution')}.")
        if not row.in_force:
            text.append(" A stronger source's word stands over it.")
        panel.show(text)

    def _empty(self) -> str:
        if self._rows:
            return f"No verdict has “{safe(self._wanted, 60)}”; x shows all."
        return (
            "No verdict yet. On a failure mode or a node of the tree: m this is normal, a this is anomalous."
        )

    def action_find(self) -> None:
        """Ask what to look for."""
        hint = "In titles, paths, comments, sources; any case. Empty shows all."
        self.krone.push_screen(Prompt("Search the verdicts", hint, self._wanted), self._find)

    def _find(self, wanted: str | None) -> None:
        if wanted is not None:
            self._wanted = wanted.strip()
            self._show()

    def action_show_all(self) -> None:
        """Every verdict again."""
        self._find("")

    def action_normal(self) -> None:
        """Say that it is normal."""
        self._revise(NORMAL)

    def action_anomalous(self) -> None:
        """Say that it is anomalous."""
        self._revise(ANOMALOUS)

    def _revise(self, verdict: str) -> None:
        row = self._selected
        if row is None:
            return

        def answered(comment: str | None) -> None:
            if comment is not None:
                judging = self.desk.investigation.judging
                change = self.desk.ask(judging.revise, row, verdict, comment.strip())
                self.fill(changed(self.krone, change, verdict.capitalize()))

        hint = "Enter keeps it with this comment, which may be empty. Esc: leave it."
        self.krone.push_screen(
            Prompt(f"This is {verdict}: {safe(row.title, 200)}", hint, row.comment or ""), answered
        )

    def action_forget(self) -> None:
        """Take the verdict back."""
        row = self._selected
        if row is not None:
            change = self.desk.ask(self.desk.investigation.judging.forget, [row])
            self.fill(changed(self.krone, change, "Forgotten"))

    def action_export(self) -> None:
        """Write the verdicts in sight to a file."""
        if not self._shown:
            self.krone.say("There is no verdict to export.")
            return
        name = self.desk.investigation.judging.name
        hint = "A new file of JSON lines, for a colleague. Enter writes it, Esc leaves it."
        self.krone.push_screen(
            Prompt(f"Export {count(len(self._shown), 'verdict')} to", hint, f"{name}-verdicts.jsonl"),
            self._export,
        )

    def _export(self, written: str | None) -> None:
        if not written:
            return
        target = Path(written).expanduser()
        try:
            write_new(target, "".join(f"{line}\n" for line in verdicts.to_json_lines(self._shown)))
        except FileExistsError:
            self.krone.say(f"{target} is there already; name another file.")
        except (OSError, ValueError) as error:
            self.krone.say(f"{target} cannot be written: {getattr(error, 'strerror', None) or error}.")
        else:
            self.krone.say(f"{count(len(self._shown), 'verdict')} written to {target.absolute()}")

    def action_import(self) -> None:
        """Read verdicts from a file."""
        hint = "A file that Export wrote. Enter reads it, Esc leaves it."
        self.krone.push_screen(Prompt("Import verdicts from", hint), self._import)

    def _import(self, written: str | None) -> None:
        if written:
            self.fill(self._bring_in(Path(written.strip()).expanduser()))

    async def _bring_in(self, path: Path) -> None:
        judging = self.desk.investigation.judging

        def bring_in(store: Store) -> tuple[int, Change]:
            return judging.bring_in(store, verdicts.from_file(path))

        try:
            new, change = await self.desk.ask(bring_in)
        except (KroneError, Store.QueryError) as error:
            self.krone.say(str(error))
            return
        await self.krone.renew()
        self.krone.say(
            f"{count(new, 'new verdict')}: {change}. u undoes it." if new else "All of them are here already."
        )


def _whose(source: str) -> str:
    return f"a {source}"
