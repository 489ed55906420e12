"""`krone-tui config`: the settings in force, and a file to change them in."""

from pathlib import Path
from typing import Annotated, Any

import typer

from krone_tui.commands.output import print_lines
from krone_tui.commands.tables import print_table
from krone_tui.errors import KroneError


def config(
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write a config.toml with every setting and its meaning, if there is none."
        ),
    ] = False,
) -> None:
    """Show the settings in force and where each comes from."""
    from krone_tui.settings import config_file, config_template

    if write:
        _write(config_file(), config_template())
        return
    from krone_tui.settings import load_settings, origins

    settings, given = load_settings(), origins()
    print_table(
        ("setting", "value", "from", "meaning"),
        [
            (name, _shown(getattr(settings, name)), given.get(name, "default"), field.description or "")
            for name, field in type(settings).model_fields.items()
        ],
    )
    there = "" if config_file().exists() else ", which is not there; `krone-tui config --write` makes one"
    print_lines(
        [
            "",
            f"The file is {config_file()}{there}.",
            "The environment (KRONE_TUI_NAME) wins over it, and the command line over both.",
        ],
        always_utf8=False,
    )


def _shown(value: Any) -> str:
    """A setting as a person writes it; nothing where it is not set."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _write(path: Path, text: str) -> None:
    """Make the file, whole or not at all; one that is there is never touched."""
    from krone_tui.settings import write_new

    try:
        write_new(path, text)
    except FileExistsError:
        if not path.exists():
            raise KroneError(f"{path} cannot be written: {path.parent} is no folder.") from None
        raise KroneError(
            f"{path} is there already and stays as it is; move it away to have a new one."
        ) from None
    except OSError as error:
        raise KroneError(f"{path} cannot be written: {error.strerror or error}.") from error
    print_lines([f"Wrote {path}: every setting is in it, commented out."], always_utf8=False)
