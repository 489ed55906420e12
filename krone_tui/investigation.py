"""Opens logs: runs the stages in order, keeps the result, serves it to whoever asks."""

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from krone_tui import __version__, earlier
from krone_tui.abstraction import AskingExtractor, Extractor, build_hierarchy, mine_templates
from krone_tui.detection import detect
from krone_tui.earlier import AGAIN, RESULT_SETTINGS, cache_file, open_cache
from krone_tui.errors import Cancelled, KroneError
from krone_tui.executions import group_by_notes, group_executions, normal_before_notes
from krone_tui.explanation import adjudicate
from krone_tui.hierarchies import as_edited, chosen_extractor, placed_notes
from krone_tui.ingest import SourceFile, ingest, packed, resolve_sources
from krone_tui.knowledge import resolve_baseline
from krone_tui.progress import Progress, silent
from krone_tui.seqs import build_seqs
from krone_tui.settings import Settings
from krone_tui.store import SCHEMA_VERSION, Store, facts, grown, kept
from krone_tui.store.judging import Judging
from krone_tui.store.zones import find_zones

STAGES = ("ingest", "templates", "hierarchy", "executions", "seqs", "detection")
"""In the order they run."""
_LEAST_ADDRESSES = 1280 << 20
"""Bytes of address space, of which the libraries reserve far more than they use; with 512 MB in use all works."""


@dataclass(frozen=True)
class Opened:
    """How an investigation came to be."""

    from_cache: bool
    notes: tuple[str, ...]
    """What the user must know, one sentence each."""


class Investigation:
    """One log, or several read together, with everything found in them."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        opened: Opened,
        temporary: tempfile.TemporaryDirectory[str] | None,
    ) -> None:
        self.store = store
        self.judging = Judging(settings)
        """The reader's verdicts, which count from here on."""
        self.opened = replace(opened, notes=(*opened.notes, *self.judging.begin(store)))
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
        _refuse_little_memory()
        sources = resolve_sources(paths)
        known = resolve_baseline(settings)
        baseline = resolve_sources(known.logs) if known.logs else []
        _refuse_odd_names([*sources, *baseline])
        extractor = chosen_extractor(paths, settings, progress)
        cache = cache_file(sources, baseline, known, settings, extractor)
        notes: list[str] = []
        if cache is not None:
            store = open_cache(cache, settings, notes)
            if store is not None:
                found = cls(store, settings, Opened(True, (*notes, *facts.notes(store))), None)
                return found._as_edited(extractor, paths, settings)._adjudicated(settings, progress)
            cache = kept.writable(cache, notes)
        built = cls._build(paths, settings, progress, building, cache, notes, extractor)
        return built._as_edited(extractor, paths, settings)._adjudicated(settings, progress)

    @classmethod
    def _build(
        cls,
        paths: Sequence[str],
        settings: Settings,
        progress: Progress,
        building: Callable[[Store], None] | None,
        cache: Path | None,
        notes: list[str],
        extractor: Extractor | None,
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
                _remove(aside)
                before = earlier.of_the_same_log(cache) if cache is not None else []
                notes.extend(_made(aside, before, paths, settings, progress, building, extractor))
                if cache is not None:
                    aside.replace(cache)
                    earlier.forget(before)
                    kept.forget_oldest(cache.parent, settings.cache_bytes, keep=cache)
                finished = Store.open(cache or aside, settings)
            except BaseException:
                _remove(aside)
                if temporary is not None:
                    temporary.cleanup()
                raise
        except OSError as error:
            raise KroneError(
                f"The investigation cannot be kept in {folder}: {error.strerror or error}; "
                f"name another folder with {'KRONE_TUI_CACHE_DIR' if cache else 'TMPDIR'}."
            ) from error
        except MemoryError as error:
            raise KroneError(
                "The memory that this program may have is used up; allow it more, or read a part of the log."
            ) from error
        except Store.QueryError as error:
            if type(error).__name__ not in Store.MACHINE_ERRORS:
                raise
            raise KroneError(
                f"The investigation cannot be kept in {folder}, which may be full, or needs more memory than "
                f"KRONE_TUI_MEMORY_LIMIT allows: {_first_line(error)}."
            ) from error
        finished.seal()
        return cls(finished, settings, Opened(False, tuple(notes)), temporary)

    def _as_edited(self, extractor: Extractor | None, paths: Sequence[str], settings: Settings) -> Self:
        """With a note where places count that the user gave templates on the screen."""
        notes = as_edited(self.store, extractor, paths, settings)
        self.opened = replace(self.opened, notes=(*self.opened.notes, *notes))
        return self

    def _adjudicated(self, settings: Settings, progress: Progress) -> Self:
        """With what the detectors left open judged by a local model, where the settings ask for that."""
        if not settings.adjudicate:
            return self
        try:
            result = adjudicate(self.store, self.judging, settings, progress)
            if result.counts:
                work = facts.Work("adjudication", result.seconds, result.counts)
                facts.write_work(self.store, [work], finished=True)
        except BaseException:
            self.close()
            raise
        self.opened = replace(self.opened, notes=(*self.opened.notes, *result.notes))
        return self

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


def _made(
    aside: Path,
    before: Sequence[Path],
    paths: Sequence[str],
    settings: Settings,
    progress: Progress,
    building: Callable[[Store], None] | None,
    extractor: Extractor | None,
) -> tuple[str, ...]:
    """Make the investigation in the file `aside`, out of an earlier one of the log where that gives the same; its notes."""

    def make(store: Store, begun: earlier.Begun | None) -> tuple[str, ...]:
        with store:
            if building is not None:
                building(store)
            notes = run_stages(store, paths, settings, progress, extractor, begun)
            store.connection.execute("CHECKPOINT")
        return notes

    failed = ""
    begun = earlier.begun(before, aside, settings)
    if begun is not None:
        try:
            return (begun.note, *make(begun.store, begun))
        except Exception as error:
            # Whatever an earlier investigation brings along, the log itself decides. Ctrl-C is a RuntimeError to DuckDB.
            if isinstance(error, Cancelled | RuntimeError) or type(error).__name__ == "InterruptException":
                raise
            failed = (
                f"The log has grown, but could not be read on, and was read wholly: {_first_line(error)}."
            )
    _remove(aside)
    notes = make(Store.create(aside, settings), None)
    return (failed, *notes) if failed else notes


def _remove(aside: Path) -> None:
    aside.unlink(missing_ok=True)
    aside.with_name(aside.name + ".wal").unlink(missing_ok=True)


def run_stages(
    store: Store,
    paths: Sequence[str],
    settings: Settings,
    progress: Progress = silent,
    extractor: Extractor | None = None,
    begun: earlier.Begun | None = None,
) -> tuple[str, ...]:
    """All stages in order on an empty store, or on one that was begun. Returns notes for the user, one sentence each.

    extractor: where the hierarchy comes from; what the settings say, when it is not given.
    """
    bookmark, masked = (begun.bookmark, begun.masked) if begun is not None else (None, None)
    extractor = extractor or chosen_extractor(paths, settings, progress)
    known = resolve_baseline(settings)
    known.load(store)
    work: list[facts.Work] = []
    read = _timed(work, "ingest", lambda: ingest(store, paths, progress, known.logs, bookmark))
    mined = _timed(work, "templates", lambda: mine_templates(store, progress, masked))
    _timed(work, "hierarchy", lambda: build_hierarchy(store, extractor, progress))
    _timed(work, "executions", lambda: group_executions(store, settings, progress))
    _timed(work, "seqs", lambda: build_seqs(store, progress))
    judged = _timed(work, "detection", lambda: detect(store, settings, progress))
    facts.write_work(store, work)
    grown.keep_bookmark(store, packed(read.bookmark), mined.masked)
    zones = find_zones(store)
    asked = (
        *group_by_notes(store, settings.group_by),
        *normal_before_notes(store, settings.normal_before, zones),
    )
    notes = (*read.notes, *known.notes(store), *placed_notes(extractor, settings), *asked, *judged.notes)
    facts.write(
        store,
        {
            "krone_tui": __version__,
            "schema": str(SCHEMA_VERSION),
            "paths": " ".join(paths),
            "baseline": known.in_words() or _else_normal(settings),
            "times": facts.UTC if zones.utc else "as written",
            "zones": ", ".join(zones.stated),
            "sensitivity": settings.sensitivity.value,
            "notes": "\n".join(notes),
            "complete": AGAIN if isinstance(extractor, AskingExtractor) and extractor.problem else "yes",
            **_kept_as(store, settings),
        },
    )
    return notes


def _timed(work: list[facts.Work], stage: str, run: Callable[[], Any]) -> Any:
    """Run a stage; add its seconds and its counts to `work`."""
    started = time.perf_counter()
    result = run()
    counts = {
        name: value
        for name, value in vars(result).items()
        if isinstance(value, int | float) and name != "seconds"
    }
    counts |= getattr(result, "counts", {})
    work.append(facts.Work(stage, time.perf_counter() - started, counts))
    return result


def _kept_as(store: Store, settings: Settings) -> dict[str, str]:
    """What `krone-tui cache list` says of this investigation."""
    chosen = {name: getattr(settings, name) for name in (*RESULT_SETTINGS, "hierarchy")}
    shown = {
        name: str(value)
        for name, value in chosen.items()
        if value != Settings.model_fields[name].get_default()
    }
    if settings.baseline:
        shown["baseline"] = ", ".join(str(path) for path in settings.baseline)
    return kept.describe([str(Path(path).resolve()) for path in facts.log_paths(store)], shown)


def _else_normal(settings: Settings) -> str:
    """The baseline where none is named."""
    if settings.normal_before:
        return f"this log before {settings.normal_before}"
    return "this log itself"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def _refuse_little_memory() -> None:
    """Libraries end the program without a word where they may not reserve addresses."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= allowed < _LEAST_ADDRESSES:
        raise KroneError(
            f"This program may use {allowed >> 20:,} MB of memory addresses and needs {_LEAST_ADDRESSES >> 20:,} MB; "
            "allow it more (ulimit -v unlimited)."
        )


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
