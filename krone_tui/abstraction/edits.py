"""The user's own places for templates: a hierarchy file of an application, kept in the data folder, that grows with every edit."""

import contextlib
import csv
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

from krone_tui.abstraction.extractors import csv_cell, normalised_template
from krone_tui.abstraction.hierarchy import hierarchy_lines
from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store import Store

_COLUMNS = 4
"""template, entity, action, status; what follows is told, not read back."""


def own_hierarchy(settings: Settings, log: str) -> Path:
    """Where the edits for the application that wrote a log are kept: by the log's name without rotation and compression."""
    name = re.sub(r"(\.(gz|bz2|xz|zst|log|txt|json|\d+|\d{4}-?\d{2}-?\d{2}))+$", "", Path(log).name.lower())
    return (
        settings.data_dir / "hierarchies" / f"{re.sub(r'[^a-z0-9._-]+', '_', name).strip('._') or 'log'}.csv"
    )


def try_edits(store: Store, path: Path, edits: Mapping[str, tuple[str, str, str]]) -> Path:
    """Write all templates of this investigation with the edits made to them, and what the file knew of other templates.

    edits: template text → (entity, action, status). They are written to a file beside `path`, which is returned and
    which `keep_edits` puts in its place. Raises `KroneError` when it cannot be written.
    """
    tried = path.with_name(f"{path.stem}.tried{path.suffix}")
    changed = {normalised_template(text): place for text, place in edits.items()}
    header, *rows = csv.reader(hierarchy_lines(store))
    lines = [header[:_COLUMNS]]
    seen: set[str] = set()
    for row in rows:
        key = normalised_template(row[0].removeprefix("'"))
        seen.add(key)
        place = changed.get(key)
        lines.append([row[0], *(csv_cell(name) for name in place)] if place else row[:_COLUMNS])
    try:
        if path.exists():
            _, *old = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
            lines += [row for row in old if row and normalised_template(row[0].removeprefix("'")) not in seen]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_name(f".{tried.name}.{os.getpid()}")
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(lines)
        aside.write_text(text.getvalue(), encoding="utf-8")
        aside.replace(tried)
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise KroneError(
            f"The hierarchy file {path} cannot be written: {getattr(error, 'strerror', None) or error}."
        ) from error
    return tried


def keep_edits(tried: Path, path: Path) -> None:
    """Put what was tried in force for every later opening of the log. Raises `KroneError` when it cannot be."""
    try:
        tried.replace(path)
    except OSError as error:
        raise KroneError(
            f"The hierarchy file {path} cannot be written: {error.strerror or error}."
        ) from error


def drop_edits(tried: Path) -> None:
    """Leave nothing of what was tried and not kept."""
    with contextlib.suppress(OSError):
        tried.unlink()
