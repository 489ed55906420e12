"""The command line: which command is meant, and how every one of them ends."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from krone_tui import __version__
from krone_tui.commands.open import open_
from krone_tui.commands.output import write
from krone_tui.commands.scan import scan
from krone_tui.commands.signals import Signals
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


app.command("open")(open_)
app.command("scan")(scan)


def main() -> None:
    """Entry point: one clear sentence and exit code 2 for what the user can mend."""
    _open_missing_streams()
    try:
        code = _run(sys.argv[1:])
    except BaseException:
        # A query that a signal interrupts raises an error of DuckDB's own instead.
        if Signals.received is None:
            raise
        code = 128 + Signals.received
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """The exit code of one command."""
    try:
        code = app(arguments or ["--help"], prog_name="krone-tui", standalone_mode=False)
        write("", flush=True)
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
