"""The command line: parse, call, print."""

import io
import os
import signal
import sys
from collections.abc import Iterable
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
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a huge log to the few executions that went wrong, and why: offline, in the terminal.\n\n"
    "`krone-tui app.log` opens the screen; `krone-tui scan app.log` prints the findings. "
    "A path named like a command is written `./scan`. `-` reads standard input.",
)

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG…", help="Files (also .gz .bz2 .xz .zst), folders, patterns, or '-'.", show_default=False
    ),
]
GroupBy = Annotated[str | None, typer.Option(metavar="NAME|REGEX", help="Group records by this identifier.")]
Baseline = Annotated[
    list[Path] | None, typer.Option(metavar="PATH", help="Logs known to be good; may be given several times.")
]
NormalBefore = Annotated[
    str | None, typer.Option(metavar="TIME", help="What ended before this time is normal (ISO 8601).")
]
SensitivityOption = Annotated[
    str | None,
    typer.Option("--sensitivity", metavar="low|normal|high", help="How readily an execution is flagged."),
]
IdleGap = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Pause that ends a window, where windows are used.")
]
Exhaustive = Annotated[
    bool | None,
    typer.Option("--exhaustive", help="Judge every level, without early exit.", show_default=False),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor keep the investigation.")]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Threads to use; as many as cores otherwise.")]
Llm = Annotated[Path | None, typer.Option(metavar="GGUF", help="The model file that explains findings.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"krone-tui {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
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
    settings = _settings(
        group_by, baseline, normal_before, sensitivity, idle_gap, exhaustive, no_cache, threads, llm
    )
    from krone_tui.ingest import resolve_sources

    # What cannot be read is said before the screen opens.
    resolve_sources(paths)
    from krone_tui.tui import run

    raise typer.Exit(run(paths, settings, ascii=ascii_))


@app.command()
def scan(
    paths: Paths,
    format_: Annotated[
        str, typer.Option("--format", metavar="text|jsonl", help="How to write the findings.")
    ] = "text",
    all_: Annotated[bool, typer.Option("--all", help="Add the executions that were not flagged.")] = False,
    with_lines: Annotated[
        bool, typer.Option("--with-lines", help="jsonl: add every line number of an execution.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something is flagged.")
    ] = False,
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
    _Signals.watch()
    from krone_tui import report

    if format_ not in set(report.Format):
        raise KroneError(f"--format is one of {', '.join(report.Format)}, not '{format_}'.")
    settings = _settings(
        group_by, baseline, normal_before, sensitivity, idle_gap, exhaustive, no_cache, threads, None
    )
    from krone_tui.investigation import Investigation
    from krone_tui.store import views

    with _progress() as progress, Investigation.open(paths, settings, progress) as investigation:
        progress.stop()
        for note in investigation.opened.notes:
            typer.echo(report.printable(note), err=True)
        flagged = views.summary(investigation.store).flagged
        chosen = report.Format(format_)
        lines = report.write(investigation.store, chosen, everything=all_, with_lines=with_lines)
        _print(lines, always_utf8=chosen is report.Format.JSONL)
    if exit_code and flagged:
        raise typer.Exit(1)


def _print(lines: Iterable[str], *, always_utf8: bool) -> None:
    """Write lines to standard output until its reader has enough (`| head`); a full disk is an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What an old character set lacks is spelled out; JSON is UTF-8 whatever the terminal speaks.
        sys.stdout.reconfigure(encoding="utf-8" if always_utf8 else None, errors="backslashreplace")
    for line in lines:
        if not _write(line + "\n"):
            return
    _write("", flush=True)


def _write(text: str, *, flush: bool = False) -> bool:
    """Write to standard output; False when nobody reads it any more. Raises `KroneError` on a full disk."""
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except OSError as error:
        # Python flushes once more at exit; that must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return False
        raise KroneError(f"The output cannot be written: {error.strerror or error}.") from error
    return True


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

            columns = (
                TextColumn("{task.description:<11}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
                TimeElapsedColumn(),
            )
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


class _Stop(BaseException):
    """A signal asked for the end. No `Exception`, so that nothing on its way takes it for a failure."""


class _Signals:
    """Ends a command without a screen on Ctrl-C, `kill` and a hangup, leaving nothing behind."""

    received: int | None = None

    @classmethod
    def watch(cls) -> None:
        """From here on, the first such signal unwinds the command; a second one is not held up by that."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Where it is ignored (`nohup`), it stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, cls._stop)

    @classmethod
    def _stop(cls, number: int, _frame: object) -> None:
        cls.received = number
        signal.signal(number, signal.SIG_DFL)
        raise _Stop


def main() -> None:
    """Entry point: one clear sentence and exit code 2 for what the user can mend."""
    _open_missing_streams()
    try:
        code = _run(sys.argv[1:])
    except BaseException:
        # A query that a signal interrupts raises an error of DuckDB's own instead.
        if _Signals.received is None:
            raise
        code = 128 + _Signals.received
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """The exit code of one command."""
    try:
        code = app(arguments or ["--help"], prog_name="krone-tui", standalone_mode=False)
        _write("", flush=True)
    except (KeyboardInterrupt, Cancelled, typer.Abort):
        return 130
    except KroneError as error:
        return _failed(str(error))
    except _USAGE_ERROR as error:
        return _failed(_usage(error, arguments))
    except OSError as error:
        # Of the help, which Typer writes by itself; all else is reported where it happens.
        if error.filename is not None:
            raise
        return _failed(f"The output cannot be written: {error.strerror or error}.")
    # Help is shown when nothing is named, but a script whose variable was empty must hear of it.
    return (code or 0) if arguments else 2


def _failed(sentence: str) -> int:
    sys.stderr.write(f"krone-tui: {sentence}\n")
    return 2


_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer raises for a command line it cannot read; it has no public name for it."""


def _usage(error: Any, arguments: list[str]) -> str:
    """One sentence for a command line that cannot be read, with how to write a path that looks like none."""
    sentence = str(error.format_message()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "krone-tui"
    looks_like_option = [word for word in arguments if word.startswith("-") and Path(word).exists()]
    if looks_like_option:
        return f"{sentence}; the file {looks_like_option[0]} is written ./{looks_like_option[0]}."
    if len(arguments) == 1 and Path(arguments[0]).exists():
        return f"{sentence}; the file {arguments[0]} is written ./{arguments[0]}."
    return f"{sentence}; see `{command} --help`."


def _open_missing_streams() -> None:
    """Open what the caller closed (`<&-`, `>&-`), or the next file opened would take its place."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


if __name__ == "__main__":
    main()
