"""Opens logs: runs the stages in order, keeps the result, serves it to whoever asks."""

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
from krone_tui.detection import detect
from krone_tui.errors import KroneError
from krone_tui.executions import group_executions
from krone_tui.ingest import SourceFile, ingest, resolve_sources
from krone_tui.progress import Progress, silent
from krone_tui.resources import data_folder
from krone_tui.seqs import build_seqs
from krone_tui.settings import Settings
from krone_tui.store import SCHEMA_VERSION, Store, facts

STAGES = ("ingest", "templates", "hierarchy", "executions", "seqs", "detection")
"""In the order they run."""
_RESULT_SETTINGS = ("group_by", "idle_gap", "normal_before", "sensitivity", "exhaustive")
"""Settings that change what the stages write, and therefore name a cache of their own."""


@dataclass(frozen=True)
class Opened:
    """How an investigation came to be."""

    from_cache: bool
    notes: tuple[str, ...]
    """What the user must know, one sentence each."""


class Investigation:
    """One log, or several read together, with everything found in them."""

    def __init__(self, store: Store, opened: Opened, temporary: tempfile.TemporaryDirectory[str] | None) -> None:
        self.store = store
        self.opened = opened
        self._temporary = temporary

    @classmethod
    def open(cls, paths: Sequence[str], settings: Settings, progress: Progress = silent, building: Callable[[Store], None] | None = None) -> Self:
        """Investigate logs, or take what an earlier run found in the same ones.

        paths: files, folders, patterns, or '-' for standard input. `building` is handed the store before the stages
        run, so that another thread can interrupt them. Raises `KroneError` with one sentence, and whatever
        `progress` raises.
        """
        sources = resolve_sources(paths)
        baseline = resolve_sources([str(path) for path in settings.baseline]) if settings.baseline else []
        cache = _cache_file(sources, baseline, settings)
        notes: list[str] = []
        if cache is not None:
            store = _open_cache(cache, settings, notes)
            if store is not None:
                return cls(store, Opened(True, (*notes, *facts.notes(store))), None)
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
        if cache is None:
            temporary = tempfile.TemporaryDirectory(prefix="krone-tui-")
            aside = Path(temporary.name) / "investigation.duckdb"
        else:
            aside = cache.with_name(f".{cache.stem}.{os.getpid()}.{threading.get_ident()}.partial")
        aside.unlink(missing_ok=True)
        try:
            with Store.create(aside, settings) as store:
                if building is not None:
                    building(store)
                notes.extend(run_stages(store, paths, settings, progress))
                store.connection.execute("CHECKPOINT")
            if cache is not None:
                aside.replace(cache)
                _forget_oldest(cache.parent, settings.cache_bytes, keep=cache)
        except BaseException as error:
            aside.unlink(missing_ok=True)
            aside.with_name(aside.name + ".wal").unlink(missing_ok=True)
            if temporary is not None:
                temporary.cleanup()
            if isinstance(error, OSError):
                raise KroneError(f"The investigation cannot be kept in {aside.parent}: {error.strerror or error}; name another folder with KRONE_TUI_CACHE_DIR or use --no-cache.") from error
            raise
        store = Store.open(cache or aside, settings)
        store.seal()
        return cls(store, Opened(False, tuple(notes)), temporary)

    def close(self) -> None:
        """Close the database; a temporary one is removed."""
        self.store.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()


def run_stages(store: Store, paths: Sequence[str], settings: Settings, progress: Progress = silent) -> tuple[str, ...]:
    """All stages in order on an empty store. Returns notes for the user, one sentence each."""
    read = _timed(store, "ingest", lambda: ingest(store, paths, progress, baseline=[str(path) for path in settings.baseline]))
    _timed(store, "templates", lambda: mine_templates(store, progress))
    _timed(store, "hierarchy", lambda: build_hierarchy(store, None, progress))
    _timed(store, "executions", lambda: group_executions(store, settings, progress))
    _timed(store, "seqs", lambda: build_seqs(store, progress))
    _timed(store, "detection", lambda: detect(store, settings, progress))
    facts.write(
        store,
        {
            "krone_tui": __version__,
            "schema": str(SCHEMA_VERSION),
            "paths": " ".join(paths),
            "baseline": _baseline_in_force(settings),
            "sensitivity": settings.sensitivity.value,
            "notes": "\n".join(read.notes),
            "complete": "yes",
        },
    )
    return tuple(read.notes)


def _timed(store: Store, stage: str, run: Callable[[], Any]) -> Any:
    """Run a stage; keep its seconds and its counts in `work`."""
    started = time.perf_counter()
    result = run()
    counts = {name: value for name, value in vars(result).items() if isinstance(value, int | float) and name != "seconds"}
    counts |= getattr(result, "counts", {})
    facts.write_work(store, stage, time.perf_counter() - started, counts)
    return result


def _baseline_in_force(settings: Settings) -> str:
    if settings.baseline:
        return "the logs " + ", ".join(str(path) for path in settings.baseline)
    if settings.normal_before:
        return f"this log before {settings.normal_before}"
    return "this log itself"


def _cache_file(sources: Sequence[SourceFile], baseline: Sequence[SourceFile], settings: Settings) -> Path | None:
    """Where the investigation of just these inputs with just these settings is kept; None where none may be."""
    if not settings.use_cache or any(source.mtime_ns is None for source in (*sources, *baseline)):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for part in (
        __version__,
        SCHEMA_VERSION,
        *(getattr(settings, name) for name in _RESULT_SETTINGS),
        *((manifest.name, manifest.read_bytes()) for manifest in sorted(data_folder("models").glob("*.toml"))),
        *((Path(source.path).resolve(), source.size, source.mtime_ns) for source in sources),
        "baseline",
        *((Path(source.path).resolve(), source.size, source.mtime_ns) for source in baseline),
    ):
        digest.update(repr(part).encode())
    return settings.cache_dir / f"{digest.hexdigest()}.duckdb"


def _open_cache(cache: Path, settings: Settings, notes: list[str]) -> Store | None:
    """A finished cache, opened; a damaged one is set aside."""
    if not cache.exists():
        return None
    try:
        store = Store.open(cache, settings)
        if facts.read(store).get("complete") == "yes":
            os.utime(cache)
            store.seal()
            return store
        store.close()
    except (Store.QueryError, OSError):
        pass
    damaged = cache.with_suffix(".damaged")
    cache.replace(damaged)
    notes.append(f"The cache of this log was damaged; it was set aside as {damaged} and the log is read again.")
    return None


def _forget_oldest(folder: Path, limit: int, keep: Path) -> None:
    """Delete the investigations longest unused until the rest fits the limit in bytes."""
    files = sorted((file for file in folder.glob("*.duckdb") if file != keep), key=lambda file: file.stat().st_mtime)
    total = keep.stat().st_size + sum(file.stat().st_size for file in files)
    for file in files:
        if total <= limit:
            break
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
