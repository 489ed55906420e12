"""`krone-tui cache`: the investigations that are kept, so that a log opens at once the next time."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.output import print_lines
from krone_tui.commands.tables import age, print_table, size
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.store.kept import Kept

cache = typer.Typer(help="Show or remove the investigations that are kept.")


@cache.command("list")
def list_() -> None:
    """Show what is kept: logs, size, age, settings, and how much it is in all."""
    from krone_tui.settings import load_settings
    from krone_tui.store import kept

    settings = load_settings()
    found = kept.listed(settings.cache_dir, settings)
    if found:
        print_table(
            ("log", "size", "last used", "settings"),
            [(_logs(one), size(one.size), age(time.time() - one.last_used), _settings(one)) for one in found],
            right=("size", "last used"),
        )
        print_lines([""], always_utf8=False)
    count = f"{len(found):,} investigation{'s' if len(found) != 1 else ''}"
    total = sum(one.size for one in found)
    print_lines(
        [
            f"{count}, {size(total)} of at most {size(settings.cache_bytes)} (cache_bytes), in {settings.cache_dir}",
            *(["The longest unused go first when it is more."] if found else []),
        ],
        always_utf8=False,
    )


@cache.command("clear")
def clear(
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOG…]", help="Logs, or folders of them; all otherwise.", show_default=False),
    ] = None,
) -> None:
    """Remove what is kept of some logs, or all of it. The logs themselves stay."""
    from krone_tui.settings import load_settings
    from krone_tui.store import kept

    settings = load_settings()
    found = kept.listed(settings.cache_dir, settings)
    if logs:
        found = [one for name in logs for one in _of(name, found)]
    try:
        gone = kept.remove(list(dict.fromkeys(found)))
    except OSError as error:
        raise KroneError(f"{settings.cache_dir} cannot be cleared: {error.strerror or error}.") from error
    count = f"{len(gone):,} investigation{'s' if len(gone) != 1 else ''}"
    print_lines([f"Removed {count}, {size(sum(one.size for one in gone))}."], always_utf8=False)


def _of(name: str, found: "list[Kept]") -> "list[Kept]":
    """The kept investigations of a log, or of a folder's logs; also of a log that is gone."""
    wanted = Path(name).expanduser().resolve()
    of_it = [one for one in found if any(wanted in (log, *log.parents) for log in map(Path, one.logs))]
    if not of_it:
        raise KroneError(f"Nothing is kept of {name}; `krone-tui cache list` shows what is.")
    return of_it


def _logs(one: "Kept") -> str:
    if not one.logs:
        return f"({one.state})"
    first = one.logs[0] if len(one.logs) == 1 else f"{one.logs[0]} and {len(one.logs) - 1:,} more"
    return first if one.state == "whole" else f"{first} ({one.state})"


def _settings(one: "Kept") -> str:
    return ", ".join(one.settings)
