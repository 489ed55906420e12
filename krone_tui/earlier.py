"""Earlier investigations of the same log in the cache folder: found, opened, and gone on with when the log has grown."""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from krone_tui import __version__
from krone_tui.abstraction import Extractor
from krone_tui.detection import model_files
from krone_tui.ingest import Bookmark, SourceFile, unpacked
from krone_tui.knowledge import Baseline
from krone_tui.resources import data_folder
from krone_tui.settings import Settings
from krone_tui.store import SCHEMA_VERSION, Store, facts, grown, integrity, kept
from krone_tui.store.templates import Masked

RESULT_SETTINGS = ("group_by", "idle_gap", "normal_before", "sensitivity", "exhaustive")
"""Settings that change what the stages write, and therefore name a cache of their own. The content of the hierarchy's
file does so too.
"""
AGAIN = "provisional"
"""An investigation whose model failed on the way: it serves this once, and is made anew the next time."""
_CONTENT = "-"
"""In a cache file's name, between what says which log and settings, and what says which content."""


def cache_file(
    sources: Sequence[SourceFile],
    baseline: Sequence[SourceFile],
    known: Baseline,
    settings: Settings,
    extractor: Extractor | None,
) -> Path | None:
    """Where the investigation of just these inputs with just these settings is kept; None where it is not."""
    if not settings.use_cache or any(source.mtime_ns is None for source in (*sources, *baseline)):
        return None
    log = _digest(
        __version__,
        SCHEMA_VERSION,
        *(getattr(settings, name) for name in RESULT_SETTINGS),
        extractor.identity if extractor else None,
        *model_files(data_folder("models")),
        "plugged in",
        *model_files(settings.data_dir / "models"),
        *(Path(source.path).resolve() for source in sources),
        "baseline",
        *((Path(source.path).resolve(), source.size, source.mtime_ns) for source in baseline),
        "known",
        *known.identity,
    )
    content = _digest(*((source.size, source.mtime_ns) for source in sources))
    return settings.cache_dir / f"{log}{_CONTENT}{content}{kept.WHOLE}"


def _digest(*parts: object) -> str:
    digest = hashlib.blake2b(digest_size=10)
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()


def open_cache(cache: Path, settings: Settings, notes: list[str]) -> Store | None:
    """A finished cache, opened; a damaged one is set aside."""
    with contextlib.suppress(Store.QueryError, OSError):
        if not cache.exists():
            return None
        store = Store.open(cache, settings)
        try:
            made = facts.read(store).get("complete") if integrity.is_whole(store) else None
        except BaseException:
            store.close()
            raise
        if made == AGAIN:
            store.close()
            return None
        if made == "yes":
            # When it was last used decides which one goes first; in a folder that is read-only none goes.
            with contextlib.suppress(OSError):
                os.utime(cache)
            store.seal()
            return store
        store.close()
    damaged = cache.with_suffix(kept.DAMAGED)
    try:
        cache.replace(damaged)
    except FileNotFoundError:
        # Another process was faster.
        return None
    except OSError as error:
        # Of a folder that cannot be written, `kept.writable` tells.
        if os.access(cache.parent, os.W_OK | os.X_OK):
            notes.append(f"The cache of this log, {cache}, cannot be used or set aside: {error.strerror}.")
        return None
    notes.append(
        f"The cache of this log was damaged; it is set aside as {damaged}, and the log is read again."
    )
    return None


@dataclass(frozen=True)
class Begun:
    """An investigation that has what an earlier one of the same log read; the stages go on from there."""

    store: Store
    bookmark: Bookmark
    masked: Masked | None

    @property
    def note(self) -> str:
        """What the user is told."""
        where = f" of {self.bookmark.path}" if self.bookmark.before else ""
        return f"The log has grown: it was read from line {self.bookmark.next_line:,}{where} on."


def of_the_same_log(cache: Path) -> list[Path]:
    """The other investigations of the log with the same settings, of what it held before; the last used first."""
    log = cache.name.partition(_CONTENT)[0]
    found = []
    for path in cache.parent.glob(f"{log}{_CONTENT}*{kept.WHOLE}"):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True) if path != cache]


def begun(earlier: Sequence[Path], aside: Path, settings: Settings) -> Begun | None:
    """The last of these investigations of the log, taken up in the file `aside`; None where none can be.

    Whether the log still begins as it did is seen when it is read.
    """
    # What is known to be good is read, and masked, beside the log.
    if not earlier or settings.baseline:
        return None
    with contextlib.suppress(Store.QueryError, OSError):
        place = grown.kept_bookmark(earlier[0], settings)
        bookmark = unpacked(place) if place is not None else None
        if bookmark is not None:
            lent = grown.lend(earlier[0], aside, settings, records=bookmark.records, sources=bookmark.sources)
            if lent is not None:
                return Begun(lent.store, bookmark, lent.masked)
    return None


def forget(earlier: Sequence[Path]) -> None:
    """Remove investigations of what the log held before: it will not hold just that again."""
    for path in earlier:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
