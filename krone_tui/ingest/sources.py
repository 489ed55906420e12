"""Which files a run reads, and in which order."""

import errno
import glob
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from krone_tui.errors import KroneError
from krone_tui.ingest.reading import looks_binary, sniff_compression

STDIN = "-"

_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|lzma|zst|zstd)$")
_NUMBERED = re.compile(r"^(?P<base>.+?)\.(?P<number>\d{1,4})(?P<end>\.[A-Za-z]+)?$")
_DATED = re.compile(
    r"^(?P<base>.+?)[-._]?(?P<date>(?:19|20)\d{2}[-_.]?\d{2}[-_.]?\d{2}(?:[-_.T]?\d+)*)(?P<end>\.[A-Za-z]+)?$"
)


@dataclass(frozen=True)
class SourceFile:
    """One file or pipe to read."""

    path: str
    """As the user named it, or below the folder the user named; '-' is standard input."""
    size: int | None
    """In bytes, on disk; None for a pipe."""
    mtime_ns: int | None
    """When it was last written, in nanoseconds since 1970; None for a pipe."""
    named: bool
    """The user named this very file; a file found in a folder or by a pattern may turn out to be no log."""


def resolve_sources(paths: Sequence[str]) -> list[SourceFile]:
    """The files behind what the user named, each once, a rotated set oldest first.

    Folders are read recursively, without hidden files and without files that are not text. Raises
    `KroneError` for a path that does not exist or cannot be read, and for a folder or a pattern without logs.
    """
    if not paths:
        raise KroneError("No log was named: give a file, a folder, a pattern, or '-' for standard input.")
    found: list[SourceFile] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        batch = [SourceFile(STDIN, None, None, named=True)] if path == STDIN else _resolve(path)
        for source in batch:
            identity = _identity(source.path)
            if identity not in seen:
                seen.add(identity)
                found.append(source)
    return _oldest_first(found)


def _resolve(path: str) -> list[SourceFile]:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        if glob.has_magic(path):
            return _resolve_pattern(path)
        if os.path.islink(path):  # noqa: PTH114 (the text is the user's, kept as it is)
            raise KroneError(f"{path} is a symbolic link to a file that does not exist.") from None
        raise KroneError(f"{path} does not exist.") from None
    except PermissionError:
        raise KroneError(f"{path} cannot be read: permission denied.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KroneError(f"{path} is a loop of symbolic links.") from None
        raise KroneError(f"{path} cannot be read: {error.strerror}.") from None
    if stat.S_ISDIR(status.st_mode):
        return _resolve_folder(path)
    return [_file(path, status, named=True)]


def _file(path: str, status: os.stat_result, *, named: bool) -> SourceFile:
    mode = status.st_mode
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise KroneError(f"{path} is a {'socket' if stat.S_ISSOCK(mode) else 'device'}, not a log.")
    # /dev/stdin and the pipes of a shell's <(command) are read like standard input.
    if stat.S_ISCHR(mode) and not (path.startswith(("/dev/stdin", "/dev/fd/", "/proc/self/fd/"))):
        raise KroneError(f"{path} is a device, not a log.")
    if named and not os.access(path, os.R_OK):
        raise KroneError(f"{path} cannot be read: permission denied.")
    if stat.S_ISREG(mode):
        return SourceFile(path, status.st_size, status.st_mtime_ns, named)
    return SourceFile(path, None, None, named)


def _resolve_pattern(pattern: str) -> list[SourceFile]:
    found: list[SourceFile] = []
    for path in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 (an absolute pattern too)
        found += [SourceFile(s.path, s.size, s.mtime_ns, named=False) for s in _resolve(path)]
    if not found:
        raise KroneError(f"No file fits the pattern {pattern}.")
    return found


def _resolve_folder(folder: str) -> list[SourceFile]:
    if not os.access(folder, os.R_OK | os.X_OK):
        raise KroneError(f"{folder} cannot be read: permission denied.")
    found = [source for path in _walk(folder) if (source := _log_in_folder(path)) is not None]
    if not found:
        raise KroneError(f"The folder {folder} holds no log.")
    return found


def _walk(folder: str) -> Iterator[str]:
    """Files below a folder in the order of their names; one reached twice through links is entered once."""
    entered: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = Path(current).stat()
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        visible = [entry for entry in entries if not entry.name.startswith(".")]
        yield from (entry.path for entry in visible if _is(entry, stat.S_ISREG))
        waiting += [entry.path for entry in reversed(visible) if _is(entry, stat.S_ISDIR)]


def _is(entry: os.DirEntry[str], kind: object) -> bool:
    try:
        return entry.is_file() if kind is stat.S_ISREG else entry.is_dir()
    except OSError:
        return False


def _log_in_folder(path: str) -> SourceFile | None:
    try:
        with Path(path).open("rb") as file:
            head = file.read(4096)
        status = Path(path).stat()
    except PermissionError:
        # Reading reports it: a log that is left out must not go unnoticed.
        return SourceFile(path, 0, 0, named=False)
    except OSError:
        return None
    if not head or (sniff_compression(head) == "none" and looks_binary(head)):
        return None
    return _file(path, status, named=False)


def _identity(path: str) -> tuple[int, int]:
    status = os.fstat(sys.stdin.fileno()) if path == STDIN and not sys.stdin.closed else None
    if status is None:
        status = Path(path).stat()
    return status.st_dev, status.st_ino


def _oldest_first(sources: list[SourceFile]) -> list[SourceFile]:
    """Members of one rotated set stand together, where the first of them stood, oldest first."""
    sets: dict[tuple[str, str], list[tuple[tuple[int, int, str], SourceFile]]] = {}
    for source in sources:
        folder, name = os.path.split(source.path)
        base, age = _rotation(name)
        sets.setdefault((folder, base), []).append((age, source))
    return [
        source for members in sets.values() for _, source in sorted(members, key=lambda member: member[0])
    ]


def _rotation(name: str) -> tuple[str, tuple[int, int, str]]:
    """The name of the set, and a key for its order: dated, then numbered from high to low, then current."""
    plain = _COMPRESSED.sub("", name)
    if match := _DATED.match(plain):
        return _set_name(match), (0, 0, match["date"])
    if match := _NUMBERED.match(plain):
        return _set_name(match), (1, -int(match["number"]), "")
    return plain, (2, 0, "")


def _set_name(match: re.Match[str]) -> str:
    # app-2024-01-01.log and app.log, app.1.log and app.log.1 are of one set.
    return match["base"] + (match["end"] or "")
