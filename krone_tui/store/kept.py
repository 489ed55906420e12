"""The investigations kept in the cache folder: of which logs, how large, and which ones go.

Several processes may list, make and remove them at once: a file is whole from the moment it has its name, and one that
is removed stays readable for who has it open.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from krone_tui.settings import Settings
from krone_tui.store import facts, integrity
from krone_tui.store.connection import SCHEMA_VERSION, Store

WHOLE = ".duckdb"
DAMAGED = ".damaged"
_ABANDONED = 24 * 3600.0
"""Seconds after which nobody writes to a half-written investigation any more."""


class State(StrEnum):
    """What a kept file is good for."""

    WHOLE = "whole"
    OUTDATED = "of another version"
    DAMAGED = "damaged"
    HALF_WRITTEN = "being written"


@dataclass(frozen=True)
class Kept:
    """One file of the cache folder."""

    path: Path
    size: int
    """Bytes."""
    last_used: float
    """Seconds since 1970; of a half-written file when it was last written to."""
    state: State
    logs: tuple[str, ...] = ()
    """Absolute paths of the files under analysis; empty where that cannot be read."""
    settings: tuple[str, ...] = ()
    """Settings that are no defaults, each as `name = value`."""


def describe(logs: Sequence[str], settings: dict[str, str]) -> dict[str, str]:
    """The facts that `listed` reads: absolute paths of the logs, and settings that are no defaults."""
    return {"kept_logs": json.dumps(list(logs)), "kept_settings": json.dumps(settings)}


def listed(folder: Path, settings: Settings) -> list[Kept]:
    """What is kept, the last used first. A folder that is not there holds nothing."""
    found = []
    for path in _files(folder):
        with contextlib.suppress(FileNotFoundError):
            found.append(_look_at(path, settings))
    return sorted(found, key=lambda one: (-one.last_used, one.path.name))


def remove(kept: Sequence[Kept]) -> list[Kept]:
    """Delete files; returns those that this process deleted. Files that another process writes to are left alone.

    Raises `OSError` when the folder cannot be written.
    """
    gone = []
    for one in kept:
        if one.state is State.HALF_WRITTEN and not _abandoned(one.last_used):
            continue
        with contextlib.suppress(FileNotFoundError):
            one.path.unlink()
            gone.append(one)
    return gone


def forget_oldest(folder: Path, limit: int, keep: Path) -> None:
    """Delete the investigations longest unused until the rest fits the limit in bytes.

    What a crash left half-written goes too, a day later. Other processes may do the same at once.
    """
    found: list[tuple[float, int, Path]] = []
    for path in _files(folder):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            if _is_half_written(path):
                if _abandoned(status.st_mtime):
                    path.unlink()
            else:
                found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            break
        if path != keep:
            total -= size
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    """The files that are ours; whatever else lies in the folder is not."""
    try:
        return [
            path for path in folder.iterdir() if path.suffix in (WHOLE, DAMAGED) or _is_half_written(path)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_half_written(path: Path) -> bool:
    return path.name.startswith(".") and ".partial" in path.name


def _abandoned(written: float) -> bool:
    return time.time() - written > _ABANDONED


def _look_at(path: Path, settings: Settings) -> Kept:
    status = path.stat()
    if path.suffix != WHOLE or _is_half_written(path):
        state = State.HALF_WRITTEN if _is_half_written(path) else State.DAMAGED
        return Kept(path, status.st_size, status.st_mtime, state)
    try:
        with Store.open(path, settings) as store:
            whole, known = integrity.is_whole(store), facts.read(store)
        logs = tuple(json.loads(known.get("kept_logs", "[]")))
        chosen = tuple(
            f"{name} = {value}" for name, value in json.loads(known.get("kept_settings", "{}")).items()
        )
    except (Store.QueryError, OSError, ValueError):
        if not path.exists():
            # Another process was faster.
            raise FileNotFoundError(path) from None
        return Kept(path, status.st_size, status.st_mtime, State.DAMAGED)
    state = State.WHOLE if whole else State.DAMAGED
    if whole and known.get("schema") != str(SCHEMA_VERSION):
        state = State.OUTDATED
    return Kept(path, status.st_size, status.st_mtime, state, logs, chosen)


def writable(cache: Path, notes: list[str]) -> Path | None:
    """The cache file, or None with a note where its folder cannot be made or written."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=cache.parent):
            return cache
    except OSError as error:
        notes.append(
            f"This investigation is not kept: the cache folder {cache.parent} cannot be written "
            f"({(error.strerror or str(error)).lower()})."
        )
        return None
