"""The command line: which command is meant, and how every one of them ends."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from krone_tui import __version__
from krone_tui.commands import completion
from krone_tui.commands.cache import cache
from krone_tui.commands.config import config
from krone_tui.commands.explain import explain
from krone_tui.commands.groups import groups
from krone_tui.commands.hierarchy import hierarchy
from krone_tui.commands.knowledge import knowledge
from krone_tui.commands.learn import learn
from krone_tui.commands.merge import merge
from krone_tui.commands.models import models
from krone_tui.commands.open import open_
from krone_tui.commands.output import write
from krone_tui.commands.samples import samples
from krone_tui.commands.scan import scan
from krone_tui.commands.signals import Signals
from krone_tui.commands.sql import sql
from krone_tui.commands.tables import harmless
from krone_tui.errors import Cancelled, KroneError

_DEBUG = "--debug"


class _PathsFirst(TyperGroup):
    """`krone-tui app.log` is `krone-tui open app.log`: what is no command is a path."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version", _DEBUG}
        if args and args[0].startswith("-") and args[0].split("=")[0] not in own:
            # Options of `open`, or '-' for standard input.
            args = ["open", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_PathsFirst,
    add_completion=False,
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
    _debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show where an error comes from; anywhere on the line.")
    ] = False,
) -> None:
    pass


EVERY_DAY = "Every day"
LOOK_CLOSER = "Look closer"
HERE = "This installation"

app.command("open", rich_help_panel=EVERY_DAY)(open_)
app.command("scan", rich_help_panel=EVERY_DAY)(scan)
app.command("explain", rich_help_panel=EVERY_DAY)(explain)
app.command("samples", rich_help_panel=EVERY_DAY)(samples)
app.command("groups", rich_help_panel=LOOK_CLOSER)(groups)
app.command("hierarchy", rich_help_panel=LOOK_CLOSER)(hierarchy)
app.command("sql", rich_help_panel=LOOK_CLOSER)(sql)
app.command("learn", rich_help_panel=LOOK_CLOSER)(learn)
app.command("merge", rich_help_panel=LOOK_CLOSER)(merge)
app.command("models", rich_help_panel=HERE)(models)
app.add_typer(knowledge, name="knowledge", rich_help_panel=LOOK_CLOSER)
app.add_typer(cache, name="cache", rich_help_panel=HERE)
app.command("config", rich_help_panel=HERE)(config)
app.command("completion", rich_help_panel=HERE)(completion.completion)


def main() -> None:
    """Entry point: one clear sentence and exit code 2 for what the user can mend, and for what is our own fault."""
    _open_missing_streams()
    # NumPy's linear algebra sets memory aside for every core, and ends the program where it may not have it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.meta_path.insert(0, _WithoutPandas())
    if completion.VARIABLE in os.environ:
        completion.enable()
    arguments, debug = _without_debug(sys.argv[1:])
    try:
        code = _run(arguments, debug)
    except BaseException as error:
        # A query that a signal interrupts raises an error of DuckDB's own instead.
        if Signals.received is not None:
            code = 128 + Signals.received
        elif isinstance(error, Exception):
            code = _failed(_unexpected(error, debug), error if debug else None)
        else:
            raise
    sys.exit(code)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, which may stand anywhere before `--`, and whether it was there."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    rest = [word for word in options if word != _DEBUG] + arguments[len(options) :]
    return rest, _DEBUG in options


def _run(arguments: list[str], debug: bool) -> int:
    """The exit code of one command."""
    try:
        code = app(arguments or ["--help"], prog_name="krone-tui", standalone_mode=False)
        write("", flush=True)
    except (KeyboardInterrupt, Cancelled, typer.Abort):
        return 130
    except KroneError as error:
        return _failed(str(error), error if debug else None)
    except _USAGE_ERROR as error:
        return _failed(_usage(error, arguments))
    except OSError as error:
        # Of the help, which Typer writes by itself; all else is reported where it happens.
        if error.filename is not None:
            raise
        return _failed(f"The output cannot be written: {error.strerror or error}.", error if debug else None)
    # Help is shown when nothing is named, but a script whose variable was empty must hear of it.
    return (code or 0) if arguments else 2


def _unexpected(error: Exception, debug: bool) -> str:
    """One sentence for what nobody foresaw, and hence is a bug of ours."""
    said = " ".join(str(error).split())
    name = f"{type(error).__name__}: {said}" if said else type(error).__name__
    how = "the lines above" if debug else f"what {_DEBUG} adds"
    return f"This is a bug of krone-tui ({name[:300]}); please report it with {how}."


def _failed(sentence: str, error: BaseException | None = None) -> int:
    """Say what is wrong, below the traceback of `error`. Either may quote a log, which must not be obeyed."""
    for line in "".join(traceback.format_exception(error)).splitlines() if error is not None else ():
        sys.stderr.write(f"{harmless(line)}\n")
    sys.stderr.write(f"krone-tui: {harmless(sentence)}\n")
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


class _WithoutPandas:
    """Says that pandas is not installed: nothing here needs it.

    Where it is, PyArrow would load it for a third of a second before it makes a column of a list, to see whether
    the list is one of pandas.
    """

    @staticmethod
    def find_spec(fullname: str, _path: object, _target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("krone-tui does without pandas", name=fullname)


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
