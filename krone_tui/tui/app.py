"""The application: loading, then the screens; what every screen can do."""

import asyncio
import gc
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.filter import Monochrome, NoColor
from textual.screen import Screen

from krone_tui.errors import Cancelled, KroneError
from krone_tui.explanation import Explainer
from krone_tui.report.words import zone_words
from krone_tui.settings import Settings
from krone_tui.store import Store, views
from krone_tui.store import screen as queries
from krone_tui.store.screen import TimeRange
from krone_tui.store.targets import Target
from krone_tui.tui import keys, verdicts
from krone_tui.tui.ascii_filter import AsciiFilter
from krone_tui.tui.desk import Desk
from krone_tui.tui.ending import HUNG_UP, hung_up, watch_signals
from krone_tui.tui.findings import Findings
from krone_tui.tui.loader import Loader
from krone_tui.tui.messages import Loaded, LoadFailed, PartlyRead, StageReported
from krone_tui.tui.narrowing import FIELDS, Filter, parse_filter, parse_time_range
from krone_tui.tui.painted_app import PaintedApp
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.compare import CompareScreen
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.explanation import ExplanationScreen
from krone_tui.tui.screens.groups import GroupsScreen
from krone_tui.tui.screens.help import HelpScreen
from krone_tui.tui.screens.hierarchy import HierarchyScreen
from krone_tui.tui.screens.knowledge import KnowledgeScreen
from krone_tui.tui.screens.loading import LoadingScreen
from krone_tui.tui.screens.prompt import Prompt
from krone_tui.tui.screens.raw import RawScreen
from krone_tui.tui.screens.rerun import RerunScreen
from krone_tui.tui.screens.search import SearchScreen
from krone_tui.tui.screens.sql import SqlScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.screens.unflagged import UnflaggedScreen
from krone_tui.tui.screens.work import WorkScreen
from krone_tui.tui.summary import summary_text, write_summary
from krone_tui.tui.text import safe

CANCELLED = 130
"""Exit code when reading was stopped, as a shell has it for an interrupted command."""


class KroneApp(PaintedApp):
    """krone-tui on a terminal."""

    TITLE = "krone-tui"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings()]
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    AUTO_FOCUS = None
    CSS = """
    Toast { background: ansi_default; color: ansi_default; border-left: none; padding: 0 1; margin: 0; text-style: reverse; }
    ToastRack { align: right bottom; margin-bottom: 1; }
    """

    def __init__(self, paths: Sequence[str], settings: Settings, *, ascii: bool = False) -> None:  # noqa: A002
        super().__init__()
        self.settings = settings
        self.explainer = Explainer(settings)
        """The model's process starts with the first question."""
        # The terminal's own colours: right on 16 colours, on light and dark, and short to send.
        self.theme = "ansi-dark"
        self.animation_level = "none"
        # Textual chose the filter for NO_COLOR before it knew the theme; grey would draw black on black here.
        self._filters = [NoColor() if isinstance(one, Monochrome) else one for one in self._filters]
        if ascii:
            self._filters.append(AsciiFilter())
        self.failure: BaseException | None = None
        """Why the log could not be read."""
        self.desk: Desk | None = None
        self.summary: views.Summary | None = None
        self.templates: dict[int, str] = {}
        self.current_execution: int | None = None
        """The one that was looked at last; triage goes there when it is shown again."""
        self.wrapped = False
        """Whether the raw log breaks long lines; so it stays from one raw log to the next."""
        self.findings = Findings([], {}, {}, {}, {})
        self.paths = tuple(paths)
        self._loaders = [Loader(paths, settings)]

    def on_mount(self) -> None:
        """Begin to read."""
        if not self.is_headless:
            watch_signals(self._leave)
            self.set_interval(1.0, lambda: self._leave(HUNG_UP) if hung_up() else None)
        self.push_screen(LoadingScreen(self.paths))
        self._loaders[0].start(self)

    def on_stage_reported(self, message: StageReported) -> None:
        """Show progress."""
        if isinstance(self.screen, LoadingScreen):
            self.screen.report(message.progress)

    def on_partly_read(self, message: PartlyRead) -> None:
        """Show what is known of the log already."""
        if isinstance(self.screen, LoadingScreen):
            self.screen.tell(message.known)

    async def on_loaded(self, message: Loaded) -> None:
        """Open triage."""
        await self._take(Desk(message.investigation))
        await self.switch_screen(TriageScreen())
        # What is there by now stays: to look through it for garbage takes longer than a key may.
        gc.freeze()

    async def _take(self, desk: Desk) -> None:
        """Read what every screen needs of an investigation."""
        self.summary = await desk.ask(views.summary)
        self.templates = await desk.ask(views.template_texts)
        self.findings = await desk.ask(Findings.read)
        self.current_execution = None
        self.desk = desk

    def rerun(
        self,
        settings: Settings,
        what: str,
        keep: Callable[[], Settings] | None = None,
        drop: Callable[[], None] | None = None,
    ) -> None:
        """Read the log again with other settings, in the background, and show what they change.

        `keep` is called when the reader takes that, and says which settings are in force from then on; `drop` when not.
        """
        if "-" in self.paths:
            self.say("What came from standard input cannot be read again; save it to a file first.")
            return
        loader = Loader(self.paths, settings)
        self._loaders.append(loader)
        self.push_screen(RerunScreen(settings, what, loader, keep, drop))

    async def adopt(self, desk: Desk, settings: Settings) -> None:
        """Put another investigation of the same log in the place of the present one, and open its triage."""
        before, self.settings = self.desk, settings
        await self._take(desk)
        while len(self.screen_stack) > 2:
            await self.pop_screen()
        await self.switch_screen(TriageScreen())
        if before is not None:
            await asyncio.to_thread(before.close)

    def on_load_failed(self, message: LoadFailed) -> None:
        """Say why, or leave when it was the user who stopped it."""
        self.failure = message.error
        if isinstance(message.error, Cancelled):
            self.exit(CANCELLED)
        elif isinstance(message.error, KroneError) and isinstance(self.screen, LoadingScreen):
            self.screen.fail(str(message.error))
        else:
            self.exit(2)

    def close(self) -> None:
        """Stop all threads and close the investigation; called when the terminal is restored."""
        self.explainer.close()
        for loader in self._loaders:
            loader.finish()
        if self.desk is not None:
            self.desk.close()

    def open_execution(self, execution_id: int, position: int | None = None) -> None:
        """Show an execution as a tree."""
        self.push_screen(ExecutionScreen(execution_id, position))

    def open_comparison(self, execution_id: int) -> None:
        """Show an execution beside a normal one."""
        self.push_screen(CompareScreen(execution_id))

    def open_explanation(self, execution_id: int) -> None:
        """Have a local model explain what was found in an execution."""
        self.push_screen(ExplanationScreen(execution_id))

    def open_raw(self, execution_id: int, position: int | None) -> None:
        """Show the raw log around a record of an execution."""
        self.push_screen(RawScreen(execution_id, position))

    def export(self, execution_id: int) -> None:
        """Copy and write a summary."""
        self.run_worker(self._export(execution_id))

    async def _export(self, execution_id: int) -> None:
        if self.desk is None:
            return
        sentences = await self.desk.evidence.whole(execution_id)
        text = await self.desk.ask(summary_text, execution_id, sentences)
        execution = await self.desk.ask(views.execution, execution_id)
        self.copy_to_clipboard(text)
        name = execution.identifier if execution else str(execution_id)
        for folder in (Path.cwd(), Path.home()):
            with suppress(OSError):
                written = write_summary(text, name, folder)
                self.say(f"Copied; also in {written}")
                return
        self.say(
            "Copied. No file was written: neither the current folder nor the home folder can be written to."
        )

    def judge(self, targets: Sequence[Target], meant: int, verdict: str) -> None:
        """Ask for a comment, then give a verdict on one of the targets."""
        verdicts.ask_verdict(self, targets, meant, verdict)

    async def renew(self) -> None:
        """Show everything anew: verdicts have changed what is flagged."""
        if self.desk is None:
            return
        self.desk.evidence.forget()
        summary = await self.desk.ask(views.summary)
        found = await self.desk.ask(Findings.read)
        found.filter, within = self.findings.filter, self.findings.within
        counts = await self.desk.ask(queries.mode_counts, within)
        found.take(within, counts, await self.desk.ask(queries.worklist, within))
        self.summary, self.findings = summary, found
        for screen in self.screen_stack:
            if isinstance(screen, TriageScreen | ExecutionScreen | KnowledgeScreen):
                await screen.renew()

    @property
    def several_days(self) -> bool:
        """Whether a time of day does not say when in this log."""
        found = self.summary
        return bool(found and found.start and found.end and found.start.date() != found.end.date())

    def say(self, sentence: str) -> None:
        """Tell something that needs no answer."""
        self.notify(safe(sentence), markup=False, timeout=4)

    def action_go_back(self) -> None:
        """Stop what runs here, or go back."""
        screen = self.screen
        if isinstance(screen, SearchScreen | SqlScreen) and screen.stop():
            return
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def action_stop(self) -> None:
        """Stop reading."""
        self.action_leave()

    def action_leave(self) -> None:
        """Quit; while the log is read, stop that first."""
        if self.failure is not None:
            self.exit(2)
        elif self.desk is None:
            self._loaders[0].cancel()
            self.exit(CANCELLED)
        else:
            self.exit(0)

    def _leave(self, code: int) -> None:
        """Leave, whatever is under way."""
        for loader in self._loaders:
            loader.cancel()
        self.exit(code)

    def action_focus_next(self) -> None:
        """Next pane."""
        self._next_pane(1)

    def action_focus_previous(self) -> None:
        """Previous pane."""
        self._next_pane(-1)

    def _next_pane(self, step: int) -> None:
        if isinstance(self.screen, TriageScreen | ExecutionScreen):
            self.screen.next_pane(step)
        elif step > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_help(self) -> None:
        """All keys."""
        if isinstance(self.screen, KroneScreen) and not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen.PLACE))

    def action_hierarchy(self) -> None:
        """The Log Abstraction Model."""
        self._open_once(HierarchyScreen)

    def action_knowledge(self) -> None:
        """Every verdict."""
        self._open_once(KnowledgeScreen)

    def action_undo(self) -> None:
        """Take back the last verdict."""
        verdicts.undo(self)

    def action_groups(self) -> None:
        """What else records could be grouped by."""
        self._open_once(GroupsScreen)

    def action_work(self) -> None:
        """What the making took."""
        self._open_once(WorkScreen)

    def action_sql(self) -> None:
        """The SQL prompt."""
        self._open_once(SqlScreen)

    def action_unflagged(self) -> None:
        """What reads as failure and is not flagged."""
        self._open_once(UnflaggedScreen)

    def _open_once(self, kind: type[KroneScreen]) -> None:
        if self.desk is not None and not isinstance(self.screen, kind):
            self.push_screen(kind())

    def action_search(self) -> None:
        """Ask what to search."""
        if self.desk is not None:
            hint = "Enter searches identifiers, templates, messages; lower case matches any case; re:… is a regular expression (RE2)."
            self.push_screen(Prompt("Search", hint), self._search)

    def _search(self, pattern: str | None) -> None:
        if pattern and pattern != "re:":
            self.push_screen(SearchScreen(pattern))

    def action_filter(self) -> None:
        """Ask for a filter."""
        if self.desk is not None:
            hint = (
                f"All terms must hold. {' '.join(f'{name}:' for name in FIELDS)} or plain text. Empty clears."
            )
            self.push_screen(
                Prompt("Filter failure modes", hint, self.findings.filter.written, parse_filter), self._filter
            )

    def _filter(self, written: str | None) -> None:
        if written is not None:
            self.findings.narrow(parse_filter(written))
            self._show_narrowed()

    def action_time_range(self) -> None:
        """Ask for a range of time."""
        found = self.summary
        if found is None:
            return
        if found.start is None or found.end is None:
            self.say("This log has no times.")
            return
        start, end = found.start, found.end
        hint = f"02:10..02:40, 02:10.., ..02:40 (a date in front if need be), 20m: the last 20 minutes. The log: {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}{zone_words(found.zones)}."
        self.push_screen(
            Prompt("Range of time", hint, "", lambda text: parse_time_range(text, start, end)),
            self._time_range,
        )

    def _time_range(self, written: str | None) -> None:
        found = self.summary
        if written is not None and found is not None and found.start is not None and found.end is not None:
            self.run_worker(
                self._narrow(parse_time_range(written, found.start, found.end)),
                group="narrow",
                exclusive=True,
            )

    async def _narrow(self, within: TimeRange) -> None:
        assert self.desk is not None
        counts = await self.desk.ask(queries.mode_counts, within)
        self.findings.take(within, counts, await self.desk.ask(queries.worklist, within))
        self._show_narrowed()

    def action_clear_filters(self) -> None:
        """Show everything again."""
        self.findings.narrow(Filter())
        if self.desk is not None:
            self.run_worker(self._narrow(TimeRange()), group="narrow", exclusive=True)

    def _show_narrowed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, TriageScreen):
                screen.show_modes(keep=True)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the screen and of the application, from the key table."""
        place = screen.PLACE if isinstance(screen, KroneScreen) else ""
        for key in keys.for_place(place):
            if key.action not in ("app.command_palette", "app.focus_next", "app.focus_previous"):
                yield SystemCommand(
                    f"{key.label} ({key.shown})", key.help, lambda action=key.action: self._do(action)
                )

    def _do(self, action: str) -> None:
        self.call_later(self.run_action, action if action.startswith("app.") else f"screen.{action}")


__all__ = ["KroneApp", "Store"]
