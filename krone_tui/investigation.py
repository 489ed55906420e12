"""Opens logs: runs the stages in order, keeps the result, serves it to whoever asks."""

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from krone_tui import __version__
from krone_tui.abstraction import build_hierarchy, mine_templates
from krone_tui.detection import detect, model_files
from krone_tui.errors import KroneError
from krone_tui.executions import group_executions
from krone_tui.ingest import SourceFile, ingest, resolve_sources
from krone_tui.progress import Progress, silent
from krone_tui.resources import data_folder
from krone_tui.seqs import build_seqs
from krone_tui.settings import Settings
from krone_tui.store import SCHEMA_VERSION, Store, facts, integrity

STAGES = ("ingest", "templates", "hierarchy", "executions", "seqs", "detection")
"""In the order they run."""
_RESULT_SETTINGS = ("group_by", "idle_gap", "normal_before", "sensitivity", "exhaustive")
"""Settings that change what the stages write, and therefore name a cache of their own."""

_DAMAGED = ".damaged"
_ABANDONED = 24 * 3600.0
"""Seconds after which nobody writes to a half-written investigation any more."""
_FULL = ("IOException", "OutOfMemoryException", "TransactionException", "FatalException")
"""DuckDB's errors that are the machine's: a full disk, too little memory."""


@dataclass(frozen=True)
class Opened:
    """How an investigation came to be."""

    from_cache: bool
    notes: tuple[str, ...]
    """What the user must know, one sentence each."""


class Investigation:
    """One log, or several read together, with everything found in them."""

    def __init__(
        self, store: Store, opened: Opened, temporary: tempfile.TemporaryDirectory[str] | None
    ) -> None:
        self.store = store
        self.opened = opened
        self._temporary = temporary

    @classmethod
    def open(
        cls,
        paths: Sequence[str],
        settings: Settings,
        progress: Progress = silent,
        building: Callable[[Store], None] | None = None,
    ) -> Self:
        """Investigate logs, or take what an earlier run found in the same ones.

        paths: files, folders, patterns, or '-' for standard input. `building` is handed the store before the
        stages run, so that another thread can interrupt them. Raises `KroneError` with one sentence, and
        whatever `progress` raises.
        """
        sources = resolve_sources(paths)
        baseline = resolve_sources([str(path) for path in settings.baseline]) if settings.baseline else []
        _refuse_odd_names([*sources, *baseline])
        cache = _cache_file(sources, baseline, settings)
        notes: list[str] = []
        if cache is not None:
            store = _open_cache(cache, settings, notes)
            if store is not None:
                return cls(store, Opened(True, (*notes, *facts.notes(store))), None)
            cache = _writable(cache, notes)
        return cls._build(paths, settings, progress, building, cache, notes)

    @classmethod
    def _build(
        cls,
        paths: Sequence[str],
        settings: Settings,
        progress: Progress,
        building: Callable[[Store], None] | None,
        cache: Path | None,
        notes: list[str],
    ) -> Self:
        """Run all stages in a file aside; rename it to the cache file once it is whole."""
        temporary = None
        folder = cache.parent if cache else Path(tempfile.gettempdir())
        try:
            if cache is None:
                temporary = tempfile.TemporaryDirectory(prefix="krone-tui-")
                aside = Path(temporary.name) / "investigation.duckdb"
            else:
                aside = cache.with_name(f".{cache.stem}.{os.getpid()}.{threading.get_ident()}.partial")
            try:
                aside.unlink(missing_ok=True)
                with Store.create(aside, settings) as store:
                    if building is not None:
                        building(store)
                    notes.extend(run_stages(store, paths, settings, progress))
                    store.connection.execute("CHECKPOINT")
                if cache is not None:
                    aside.replace(cache)
                    _forget_oldest(cache.parent, settings.cache_bytes, keep=cache)
                finished = Store.open(cache or aside, settings)
            except BaseException:
                aside.unlink(missing_ok=True)
                aside.with_name(aside.name + ".wal").unlink(missing_ok=True)
                if temporary is not None:
                    temporary.cleanup()
                raise
        except OSError as error:
            raise KroneError(
                f"The investigation cannot be kept in {folder}: {error.strerror or error}; "
                f"name another folder with {'KRONE_TUI_CACHE_DIR' if cache else 'TMPDIR'}."
            ) from error
        except Store.QueryError as error:
            if type(error).__name__ not in _FULL:
                raise
            raise KroneError(
                f"The investigation cannot be kept in {folder}, which may be full, or needs more memory than "
                f"KRONE_TUI_MEMORY_LIMIT allows: {_first_line(error)}."
            ) from error
        finished.seal()
        return cls(finished, Opened(False, tuple(notes)), temporary)

    def close(self) -> None:
        """Close the database; a temporary one is removed."""
        self.store.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def run_stages(
    store: Store, paths: Sequence[str], settings: Settings, progress: Progress = silent
) -> tuple[str, ...]:
    """All stages in order on an empty store. Returns notes for the user, one sentence each."""
    read = _timed(
        store,
        "ingest",
        lambda: ingest(store, paths, progress, baseline=[str(path) for path in settings.baseline]),
    )
    _timed(store, "templates", lambda: mine_templates(store, progress))
    _timed(store, "hierarchy", lambda: build_hierarchy(store, None, progress))
    _timed(store, "executions", lambda: group_executions(store, settings, progress))
    _timed(store, "seqs", lambda: build_seqs(store, progress))
    judged = _timed(store, "detection", lambda: detect(store, settings, progress))
    notes = (*read.notes, *judged.notes)
    facts.write(
        store,
        {
            "krone_tui": __version__,
            "schema": str(SCHEMA_VERSION),
            "paths": " ".join(paths),
            "baseline": _baseline_in_force(settings),
            "sensitivity": settings.sensitivity.value,
            "notes": "\n".join(notes),
            "complete": "yes",
        },
    )
    return notes


def _timed(store: Store, stage: str, run: Callable[[], Any]) -> Any:
    """Run a stage; keep its seconds and its counts in `work`."""
    started = time.perf_counter()
    result = run()
    counts = {
        name: value
        for name, value in vars(result).items()
        if isinstance(value, int | float) and name != "seconds"
    }
    counts |= getattr(result, "counts", {})
    facts.write_work(store, stage, time.perf_counter() - started, counts)
    return result


def _baseline_in_force(settings: Settings) -> str:
    if settings.baseline:
        return "the logs " + ", ".join(str(path) for path in settings.baseline)
    if settings.normal_before:
        return f"this log before {settings.normal_before}"
    return "this log itself"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def _cache_file(
    sources: Sequence[SourceFile], baseline: Sequence[SourceFile], settings: Settings
) -> Path | None:
    """Where the investigation of just these inputs with just these settings is kept; None where it is not."""
    if not settings.use_cache or any(source.mtime_ns is None for source in (*sources, *baseline)):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for part in (
        __version__,
        SCHEMA_VERSION,
        *(getattr(settings, name) for name in _RESULT_SETTINGS),
        *model_files(data_folder("models")),
        "plugged in",
        *model_files(settings.data_dir / "models"),
        *((Path(source.path).resolve(), source.size, source.mtime_ns) for source in sources),
        "baseline",
        *((Path(source.path).resolve(), source.size, source.mtime_ns) for source in baseline),
    ):
        digest.update(repr(part).encode())
    return settings.cache_dir / f"{digest.hexdigest()}.duckdb"


def _open_cache(cache: Path, settings: Settings, notes: list[str]) -> Store | None:
    """A finished cache, opened; a damaged one is set aside."""
    with contextlib.suppress(Store.QueryError, OSError):
        if not cache.exists():
            return None
        store = Store.open(cache, settings)
        try:
            whole = integrity.is_whole(store) and facts.read(store).get("complete") == "yes"
        except BaseException:
            store.close()
            raise
        if whole:
            # When it was last used decides which one goes first; in a folder that is read-only none goes.
            with contextlib.suppress(OSError):
                os.utime(cache)
            store.seal()
            return store
        store.close()
    damaged = cache.with_suffix(_DAMAGED)
    try:
        cache.replace(damaged)
    except FileNotFoundError:
        # Another process was faster.
        return None
    except OSError as error:
        notes.append(f"The cache of this log, {cache}, cannot be used or set aside: {error.strerror}.")
        return None
    notes.append(
        f"The cache of this log was damaged; it is set aside as {damaged}, and the log is read again."
    )
    return None


def _writable(cache: Path, notes: list[str]) -> Path | None:
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


def _forget_oldest(folder: Path, limit: int, keep: Path) -> None:
    """Delete the investigations longest unused until the rest fits the limit in bytes.

    What a crash left half-written goes too, a day later. Other processes may do the same at once.
    """
    found: list[tuple[float, int, Path]] = []
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            status = file.stat()
            if file.name.startswith(".") and ".partial" in file.name:
                if time.time() - status.st_mtime > _ABANDONED:
                    file.unlink()
            elif file.suffix in (".duckdb", _DAMAGED):
                found.append((status.st_mtime, status.st_size, file))
    total = sum(size for _, size, _ in found)
    for _, size, file in sorted(found):
        if total <= limit:
            break
        if file != keep:
            total -= size
            file.unlink(missing_ok=True)


def _refuse_odd_names(sources: Sequence[SourceFile]) -> None:
    """Names are kept and shown as UTF-8; a file whose name is not can still be piped in."""
    for source in sources:
        try:
            source.path.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(source.path).decode("utf-8", "backslashreplace")
            raise KroneError(
                f"The name of the file {shown} is not UTF-8; rename it, or read it with '-'."
            ) from None
