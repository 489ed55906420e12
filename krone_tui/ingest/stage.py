"""The ingest stage: sources in, `source` and `parsed_record` out."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from krone_tui.errors import KroneError
from krone_tui.ingest.bookmark import Bookmark, OutdatedBookmarkError
from krone_tui.ingest.detection import Shape
from krone_tui.ingest.prefetch import Prefetch
from krone_tui.ingest.reading import EmptySourceError, NotALogError, Reader
from krone_tui.ingest.source_parser import SourceParser
from krone_tui.ingest.sources import SourceFile, resolve_sources
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.store import records
from krone_tui.store.connection import Store
from krone_tui.store.record_layouts import Clock

STAGE = "ingest"
_CHUNKS_AHEAD = 2
_BATCHES_AHEAD = 1
"""One is written, one waits, one is made: more would only take memory."""


@dataclass(frozen=True)
class IngestResult:
    """What one run of the stage read."""

    sources: int
    lines: int
    """Physical lines."""
    records: int
    seconds: float
    notes: tuple[str, ...]
    """What the user must know, one sentence each: a truncated archive, a file that was left out."""
    bookmark: Bookmark | None
    """Where a later run can go on when the log has grown."""


def ingest(
    store: Store,
    paths: Sequence[str],
    progress: Progress = silent,
    baseline: Sequence[str] = (),
    bookmark: Bookmark | None = None,
) -> IngestResult:
    """Read logs into the tables `source` and `parsed_record`, in one transaction.

    paths: files, folders, patterns, or '-' for standard input. `baseline` names logs known to be good, which
    are read after them and marked as such. `bookmark`: the tables hold what an earlier run read up to there, and
    reading goes on. Raises `KroneError` with one sentence when a path cannot be read or nothing in it is a log,
    `OutdatedBookmarkError` where the files are not as they were before the bookmark, and whatever `progress`
    raises: the tables stay as they were.
    """
    began = time.perf_counter()
    files = resolve_sources(paths)
    good = resolve_sources(baseline) if baseline else []
    records.prepare(store)
    records.begin(store)
    try:
        run = _Run(store, [*files, *good], progress, bookmark)
        for file in files[len(bookmark.before) if bookmark is not None else 0 :]:
            run.read(file)
        if not run.sources:
            raise KroneError(run.notes[0] if run.notes else "There is no line to read.")
        for file in good:
            run.read(file, is_baseline=True)
    except BaseException:
        records.rollback(store)
        raise
    records.commit(store)
    seconds = time.perf_counter() - began
    # What is known to be good is read after the log, and is no part of what grows.
    reached = run.bookmark if not good else None
    return IngestResult(run.sources, run.lines, run.records, seconds, tuple(run.notes), reached)


class _Run:
    """The state that goes from one source to the next."""

    def __init__(
        self, store: Store, files: Sequence[SourceFile], progress: Progress, bookmark: Bookmark | None
    ) -> None:
        self._store = store
        self._progress = progress
        sizes = [file.size for file in files]
        self._total = None if None in sizes else sum(size or 0 for size in sizes)
        self._done = self._position = 0
        self._shapes: list[Shape] = []
        self._before: tuple[SourceFile, ...] = ()
        self._going_on = bookmark if bookmark is not None and bookmark.mark is not None else None
        self.bookmark = bookmark
        self.sources = 0
        self.notes: list[str] = []
        self.lines = 0
        self.records = 0
        if bookmark is not None:
            count = len(bookmark.before)
            self._before = tuple(files[:count])
            if self._before != bookmark.before or [f.path for f in files[count : count + 1]] != [
                bookmark.path
            ]:
                raise OutdatedBookmarkError
            self._done = sum(file.size or 0 for file in self._before)
            self._shapes = list(bookmark.shapes)
            self.sources, self.lines, self.records = bookmark.sources, bookmark.lines, bookmark.records
            self.notes = list(bookmark.notes)

    def read(self, file: SourceFile, *, is_baseline: bool = False) -> None:
        """Read one source, or note why it was left out."""
        place = self._going_on or self._before_the_first_line(file)
        # Before the first line of the first file is no place to go on at: there is nothing to go on with.
        self.bookmark = place if self._before or place.mark is not None else None
        self._before, self._going_on = (*self._before, file), None
        try:
            reader = Reader(file.path)
        except KroneError as error:
            if file.named:
                raise
            self.notes.append(f"Left out: {error}")
            return
        try:
            self._read(file, reader, place, is_baseline)
        except EmptySourceError as error:
            self.notes.append(str(error))
        except NotALogError as error:
            if file.named:
                raise
            self.notes.append(f"Left out: {error}")
        finally:
            reader.close()
        self._done, self._position = self._done + (file.size or 0), 0

    def _before_the_first_line(self, file: SourceFile) -> Bookmark:
        return Bookmark(
            before=self._before,
            path=file.path,
            latest=_clock(file).latest,
            sources=self.sources,
            lines=self.lines,
            first_record=self.records,
            notes=tuple(self.notes),
            shapes=tuple(self._shapes),
        )

    def _read(self, file: SourceFile, reader: Reader, place: Bookmark, is_baseline: bool) -> None:
        source_id, clock = self.sources, _clock(file)
        bytes_read, undecodable = self._go_on(place, reader, clock), place.undecodable
        reached = self.bookmark
        # Three threads at once: one decompresses, one finds where records begin, this one writes them.
        asked = self._store.cursor()
        records.prepare(asked)
        parser = SourceParser(asked, clock, self._shapes, place.parser)
        ahead = Prefetch(reader.chunks(), _CHUNKS_AHEAD)

        def texts() -> Iterator[bytes]:
            nonlocal bytes_read, undecodable, reached
            for chunk in ahead.consume():
                bytes_read += chunk.raw_bytes
                undecodable += chunk.undecodable_lines
                self._position = chunk.position
                yield chunk.data
                # Asked for the next one, the parser has finished with this one.
                if chunk.mark is not None and (known := parser.state()) is not None:
                    reached = replace(
                        place,
                        mark=chunk.mark,
                        parser=known,
                        undecodable=undecodable,
                        shapes=tuple(self._shapes),
                    )

        batches = Prefetch(parser.batches(texts()), _BATCHES_AHEAD)
        try:
            for batch in batches.consume(self._report):
                append = records.append_otlp if batch.otlp else records.append_records
                self.records += append(self._store, batch.rows, batch.layouts, source_id, self.records, clock)
                self._report()
        finally:
            ahead.stop()
            batches.stop()
            # Its thread asks the database; what it waits for has stopped. The first one may wait for a pipe for ever.
            batches.join()
            asked.close()
        turned = records.settle_clock(self._store, source_id, parser.layouts, parser.wrapper, clock)
        self.bookmark = reached and replace(reached, turned=turned, latest=clock.latest)
        self.lines += parser.lines
        if reader.note:
            self.notes.append(f"{file.path}: {reader.note}")
        row = records.SourceRow(
            source_id=source_id,
            path=file.path,
            format=", ".join(parser.format_names()) or "plain",
            compression=reader.compression,
            is_baseline=is_baseline,
            bytes=bytes_read,
            lines=parser.lines,
            undecodable_lines=undecodable,
            note=reader.note,
        )
        records.append_source(self._store, row)
        self.sources += 1

    def _go_on(self, bookmark: Bookmark, reader: Reader, clock: Clock) -> int:
        """Have the reader begin at the bookmark; returns how many bytes come before it."""
        if bookmark.mark is None or bookmark.parser is None:
            return 0

        def compared(position: int) -> None:
            self._position = position
            self._report()

        shape = bookmark.parser.shape
        alike = records.read_alike(shape.layouts, shape.wrapper, Clock(bookmark.latest), clock)
        if bookmark.turned or not alike or not reader.go_on_at(bookmark.mark, compared):
            raise OutdatedBookmarkError
        return bookmark.mark.offset

    def _report(self) -> None:
        done = self._done + self._position
        self._progress(
            StageProgress(
                STAGE, done if self._total is None else min(done, self._total), self._total, "bytes"
            )
        )


def _clock(file: SourceFile) -> Clock:
    """When the source was last written, in this machine's zone, as logs without a zone mostly are."""
    seconds = file.mtime_ns / 1e9 if file.mtime_ns is not None else time.time()
    return Clock(datetime.fromtimestamp(seconds))  # noqa: DTZ006
