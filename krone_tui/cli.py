"""The command line: parse, call, print."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from krone_tui import __version__
from krone_tui.errors import Cancelled, KroneError


class _PathsFirst(TyperGroup):
    """`krone-tui app.log` is `krone-tui open app.log`: what is no command is a path."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {"--help", "--version", "--install-completion", "--show-completion"}
        if args and args[0].startswith("-") and args[0].split("=")[0] not in own:
            # Options of `open`, or '-' for standard input.
            args = ["open", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_PathsFirst,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a huge log to the few executions that went wrong, and why: offline, in the terminal.\n\n"
    "`krone-tui app.log` opens the screen; `krone-tui scan app.log` prints the findings. A path named like a command is "
    "written `./scan`. `-` reads standard input.",
)

Paths = Annotated[list[str], typer.Argument(metavar="LOG…", help="Files (also .gz .bz2 .xz .zst), folders, patterns, or '-'.", show_default=False)]
GroupBy = Annotated[str | None, typer.Option(metavar="NAME|REGEX", help="Group records by this identifier.")]
Baseline = Annotated[list[Path] | None, typer.Option(metavar="PATH", help="Logs known to be good; may be given several times.")]
NormalBefore = Annotated[str | None, typer.Option(metavar="TIME", help="What ended before this time is normal (ISO 8601).")]
SensitivityOption = Annotated[str | None, typer.Option("--sensitivity", metavar="low|normal|high", help="How readily an execution is flagged.")]
IdleGap = Annotated[float | None, typer.Option(metavar="SECONDS", help="Pause that ends a window, where windows are used.")]
Exhaustive = Annotated[bool | None, typer.Option("--exhaustive", help="Judge every level, without early exit.", show_default=False)]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor keep the investigation.")]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Threads to use; as many as cores otherwise.")]
Llm = Annotated[Path | None, typer.Option(metavar="GGUF", help="The model file that explains findings.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"krone-tui {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_asked: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command("open")
def open_(
    paths: Paths,
    group_by: GroupBy = None,
    baseline: Baseline = None,
    normal_before: NormalBefore = None,
    sensitivity: SensitivityOption = None,
    idle_gap: IdleGap = None,
    exhaustive: Exhaustive = None,
    no_cache: NoCache = False,
    threads: Threads = None,
    llm: Llm = None,
    ascii_: Annotated[bool, typer.Option("--ascii", help="Draw with plain ASCII characters.")] = False,
) -> None:
    """Open the screen on logs. This is what `krone-tui LOG…` does."""
    settings = _settings(group_by, baseline, normal_before, sensitivity, idle_gap, exhaustive, no_cache, threads, llm)
    from krone_tui.ingest import resolve_sources

    # What cannot be read is said before the screen opens.
    resolve_sources(paths)
    from krone_tui.tui import run

    raise typer.Exit(run(paths, settings, ascii=ascii_))


@app.command()
def scan(
    paths: Paths,
    format_: Annotated[str, typer.Option("--format", metavar="text|jsonl", help="How to write the findings.")] = "text",
    all_: Annotated[bool, typer.Option("--all", help="Add the executions that were not flagged.")] = False,
    with_lines: Annotated[bool, typer.Option("--with-lines", help="jsonl: add every line number of an execution.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when something is flagged.")] = False,
    group_by: GroupBy = None,
    baseline: Baseline = None,
    normal_before: NormalBefore = None,
    sensitivity: SensitivityOption = None,
    idle_gap: IdleGap = None,
    exhaustive: Exhaustive = None,
    no_cache: NoCache = False,
    threads: Threads = None,
) -> None:
    """Print the findings: the flagged executions by failure mode, with the evidence."""
    from krone_tui import report

    if format_ not in set(report.Format):
        raise KroneError(f"--format is one of {', '.join(report.Format)}, not '{format_}'.")
    settings = _settings(group_by, baseline, normal_before, sensitivity, idle_gap, exhaustive, no_cache, threads, None)
    from krone_tui.investigation import Investigation
    from krone_tui.store import views

    with _progress() as progress, Investigation.open(paths, settings, progress) as investigation:
        progress.stop()
        for note in investigation.opened.notes:
            typer.echo(report.printable(note), err=True)
        for line in report.write(investigation.store, report.Format(format_), everything=all_, with_lines=with_lines):
            typer.echo(line)
        flagged = views.summary(investigation.store).flagged
    if exit_code and flagged:
        raise typer.Exit(1)


def _settings(
    group_by: str | None,
    baseline: list[Path] | None,
    normal_before: str | None,
    sensitivity: str | None,
    idle_gap: float | None,
    exhaustive: bool | None,
    no_cache: bool,
    threads: int | None,
    llm: Path | None,
) -> Any:
    from krone_tui.settings import load_settings

    return load_settings(
        group_by=group_by,
        baseline=tuple(baseline) if baseline else None,
        normal_before=normal_before,
        sensitivity=sensitivity,
        idle_gap=idle_gap,
        exhaustive=exhaustive,
        use_cache=False if no_cache else None,
        threads=threads,
        llm=llm,
    )


class _progress:  # noqa: N801
    """Progress of the stages on stderr, when that is a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "_progress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = TextColumn("{task.description:<11}"), BarColumn(), TextColumn("{task.completed:,.0f} {task.fields[unit]}"), TimeElapsedColumn()
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __call__(self, report: Any) -> None:
        if self._bar is None:
            return
        if report.stage not in self._tasks:
            self._tasks[report.stage] = self._bar.add_task(report.stage, total=report.total, unit=report.unit)
        self._bar.update(self._tasks[report.stage], completed=report.done, total=report.total)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __exit__(self, *_: object) -> None:
        self.stop()


def main() -> None:
    """Entry point: one clear sentence and exit code 2 for what the user can mend."""
    try:
        app(standalone_mode=True)
    except Cancelled:
        sys.exit(130)
    except KroneError as error:
        sys.stderr.write(f"krone-tui: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader of the output has left (`| head`): nothing more is wanted, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
