"""`krone-tui knowledge`: the verdicts of a knowledge base, listed, carried to a colleague, forgotten."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krone_tui.commands.output import print_lines
from krone_tui.commands.tables import age, print_table
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.store.verdicts import Verdict

knowledge = typer.Typer(help="List, export, import or forget the verdicts given on the screen.")

_Name = Annotated[
    str | None,
    typer.Option(
        "--knowledge", metavar="NAME", help="Which knowledge base; needless where there is only one."
    ),
]


@knowledge.command("list")
def list_(
    name: _Name = None,
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only those with this text, in any case.")] = "",
) -> None:
    """Show every verdict, the latest first: its number, whose it is, its age, on what."""
    from krone_tui.store import verdicts

    path = _existing(name)
    rows = [
        row for row in _read(path) if search.lower() in f"{row.title} {row.path} {row.comment or ''}".lower()
    ]
    if rows:
        now = verdicts.now()
        print_table(
            ("id", "verdict", "by", "age", "on", "what", "where", "comment"),
            [
                (
                    str(row.verdict_id),
                    row.verdict,
                    row.source if row.in_force else f"({row.source})",
                    age((now - row.given_at).total_seconds()),
                    "failure mode" if row.scope == verdicts.MODE else "Seq",
                    row.title,
                    row.path,
                    row.comment or "",
                )
                for row in rows
            ],
            right=("id",),
        )
        print_lines([""], always_utf8=False)
    print_lines([f"{len(rows):,} verdict{'' if len(rows) == 1 else 's'} in {path}"], always_utf8=False)


@knowledge.command("export")
def export(
    name: _Name = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file, not standard output.")
    ] = None,
) -> None:
    """Write every verdict as JSON lines, for a colleague."""
    from krone_tui.settings import write_new
    from krone_tui.store import verdicts

    lines = list(verdicts.to_json_lines(_read(_existing(name))))
    if output is None or str(output) == "-":
        print_lines(lines, always_utf8=True)
        return
    try:
        write_new(output, "".join(f"{line}\n" for line in lines))
    except FileExistsError:
        raise KroneError(f"{output} is there already; name another file.") from None
    except OSError as error:
        raise KroneError(f"{output} cannot be written: {error.strerror or error}.") from error


@knowledge.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What export wrote; '-' is standard input.")],
    name: _Name = None,
) -> None:
    """Add the verdicts of such a file that are not there yet."""
    from krone_tui.store import verdicts
    from krone_tui.store.knowledge import KnowledgeBase

    given = _given(file)
    path = _path(name, new=True)
    with KnowledgeBase.writing(path) as base:
        new = len(verdicts.bring_in(base, given))
    print_lines(
        [f"{new:,} new verdict{'' if new == 1 else 's'} of {len(given):,} in {path}"], always_utf8=False
    )


@knowledge.command("forget")
def forget(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID…]", help="Numbers that list shows.", show_default=False)
    ] = None,
    name: _Name = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget every verdict.")] = False,
) -> None:
    """Take verdicts back: they no longer count in any log."""
    from krone_tui.store import verdicts
    from krone_tui.store.knowledge import KnowledgeBase

    if bool(ids) == everything:
        raise KroneError(
            "Name the verdicts to forget by the numbers that `krone-tui knowledge list` shows, or --all."
        )
    path = _existing(name)
    with KnowledgeBase.writing(path) as base:
        kept = [row.verdict_id for row in verdicts.listed(base)]
        unknown = sorted(set(ids or ()) - set(kept))
        if unknown:
            raise KroneError(
                f"There is no verdict {unknown[0]} in {path}; `krone-tui knowledge list` shows all."
            )
        wanted = kept if everything else sorted(set(ids or ()))
        verdicts.forget(base, wanted)
    print_lines(
        [f"{len(wanted):,} verdict{'' if len(wanted) == 1 else 's'} forgotten in {path}"], always_utf8=False
    )


def _read(path: Path) -> list[Any]:
    from krone_tui.store import verdicts
    from krone_tui.store.knowledge import KnowledgeBase

    with KnowledgeBase.reading(path) as base:
        return verdicts.listed(base)


def _existing(name: str | None) -> Path:
    path = _path(name)
    if not path.exists():
        raise KroneError(
            f"There is no knowledge base {path}; a verdict given on the screen (m, a) makes one."
        )
    return path


def _path(name: str | None, *, new: bool = False) -> Path:
    """The file of the knowledge base that is meant: the one named, or the only one there is."""
    from krone_tui.settings import load_settings
    from krone_tui.store.knowledge import KnowledgeBase

    settings = load_settings(knowledge=name)
    if settings.knowledge:
        return KnowledgeBase.locate(settings.knowledge, settings)
    names = KnowledgeBase.names(settings)
    if len(names) == 1:
        return KnowledgeBase.locate(names[0], settings)
    if names:
        raise KroneError(f"There are the knowledge bases {', '.join(names)}; name one with --knowledge.")
    if new:
        raise KroneError("There is no knowledge base yet; name one with --knowledge, and it is made.")
    raise KroneError("There is no knowledge base yet; a verdict given on the screen (m, a) makes one.")


def _given(file: str) -> "list[Verdict]":
    from krone_tui.store import verdicts

    if file != "-":
        return verdicts.from_file(Path(file))
    try:
        return verdicts.from_json_lines(line.decode("utf-8") for line in sys.stdin.buffer)
    except UnicodeDecodeError:
        raise KroneError("Standard input holds no verdicts: it is not UTF-8.") from None
