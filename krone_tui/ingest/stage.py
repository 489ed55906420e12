"""The ingest stage: sources in, `source` and `parsed_record` out."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from krone_tui.errors import KroneError
from krone_tui.ingest.bookmark import Bookmark, OutdatedBookmarkError
from krone_tui.ingest.detection import Shape
from krone_tui.ingest.formats import formats_from_a_start
from krone_tui.ingest.prefetch import Prefetch
from krone_tui.ingest.reading import Chunk, EmptySourceError, NotALogError, Reader
from krone_tui.ingest.shapes import find_shapes
from krone_tui.ingest.source_parser import SourceParser, sample
from krone_tui.ingest.sources import SourceFile, resolve_sources
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.store import records
from krone_tui.store.connection import Store
from krone_tui.store.questions import ask
from krone_tui.store.times import Clock

STAGE = "ingest"
_CHUNKS_AHEAD = 2
_BATCHES_AHEAD = 1
"""One is written, one waits, one is made: more would only take memory."""
_SMALL_BYTES = 256 << 10
"""On disk: with a smaller file threads and queries of its own would take longer than its lines do."""
_TOGETHER_BYTES = 4 << 20
_TOGETHER = 128
"""Of small files that are read together, so many bytes or files: few enough that progress is seen."""
_ELAPSED_NOTE = "The log says no dates: its times are since the start, which 1970-01-01 00:00:00 stands for."


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
        run.read(files[len(bookmark.before) if bookmark is not None else 0 :])
        if not run.sources:
            raise KroneError(run.notes[0] if run.notes else "There is no line to read.")
        run.read(good, is_baseline=True)
        elapsed = records.settle_elapsed(store, formats_from_a_start())
    except BaseException:
        records.rollback(store)
        raise
    records.commit(store)
    seconds = time.perf_counter() - began
    # What is known to be good is read after the log, and is no part of what grows; times that were taken away would come
    # back in what is added.
    reached = run.bookmark if not good and elapsed is not False else None
    notes = (*run.notes, _ELAPSED_NOTE) if elapsed else tuple(run.notes)
    return IngestResult(run.sources, run.lines, run.records, seconds, notes, reached)


@dataclass(frozen=True)
class _Read:
    """What was read of a source."""

    file: SourceFile
    bytes: int
    undecodable_lines: int
    compression: str
    note: str | None
    """What is wrong with it."""


@dataclass(frozen=True)
class _Small:
    """A file that was read to its end at once."""

    read: _Read
    chunk: Chunk


@dataclass(frozen=True)
class _LeftOut:
    """A file that holds no log."""

    file: SourceFile
    why: str


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
        self._shapes: tuple[Shape, ...] = ()
        self._before: list[SourceFile] = []
        self._going_on = bookmark if bookmark is not None and bookmark.mark is not None else None
        self.bookmark = bookmark
        self.sources = 0
        self.notes: list[str] = []
        self.lines = 0
        self.records = 0
        if bookmark is not None:
            count = len(bookmark.before)
            self._before = list(files[:count])
            if tuple(self._before) != bookmark.before or [f.path for f in files[count : count + 1]] != [
                bookmark.path
            ]:
                raise OutdatedBookmarkError
            self._done = sum(file.size or 0 for file in self._before)
            self._shapes = bookmark.shapes
            self.sources, self.lines, self.records = bookmark.sources, bookmark.lines, bookmark.records
            self.notes = list(bookmark.notes)

    def read(self, files: Sequence[SourceFile], *, is_baseline: bool = False) -> None:
        """Read sources, or note why they were left out."""
        left = deque(files)
        while left:
            if small := self._small_ones(left):
                self._read_together(small, is_baseline)
            else:
                self._read_alone(left.popleft(), is_baseline)

    def _small_ones(self, left: deque[SourceFile]) -> list[_Small | _LeftOut]:
        """The next files as long as they are small, taken off those that are left."""
        small: list[_Small | _LeftOut] = []
        size = 0
        while left and self._going_on is None and len(small) < _TOGETHER and size < _TOGETHER_BYTES:
            if (one := _read_small(left[0])) is None:
                break
            small.append(one)
            size += one.read.bytes if isinstance(one, _Small) else 0
            left.popleft()
        return small

    def _read_together(self, small: Sequence[_Small | _LeftOut], is_baseline: bool) -> None:
        """Write what small files hold; what is asked of their lines is asked of all of them at once."""
        logs = [one for one in small if isinstance(one, _Small)]
        samples = [sample(one.chunk.data) for one in logs]
        clocks = [_clock(one.read.file) for one in logs]
        shapes = find_shapes(self._store, samples, clocks, self._shapes, self._report)
        parsers = [SourceParser(self.sources + number, clock) for number, clock in enumerate(clocks)]
        for parser, (shape, _) in zip(parsers, shapes, strict=True):
            parser.shape = shape
        parsed = ask(
            self._store,
            [parser.whole(one.chunk.data) for parser, one in zip(parsers, logs, strict=True)],
            self._report,
        )
        batches = [batch for batches in parsed for batch in batches]
        counts: Counter[int] = Counter()
        for batch, count in zip(batches, records.append(self._store, batches, self.records), strict=True):
            counts[batch.source_id] += count
        rows: list[records.SourceRow] = []
        found = zip(parsers, shapes, strict=True)
        for one in small:
            file = one.read.file if isinstance(one, _Small) else one.file
            # A later run goes on before the last file at most.
            if one is small[-1]:
                self._come_to(self._before_the_first_line(file))
            self._before.append(file)
            if isinstance(one, _Small):
                parser, (_, self._shapes) = next(found)
                self.records += counts[parser.source_id]
                self._position = one.chunk.position
                self._report()
                rows.append(self._end(one.read, parser, self.bookmark, is_baseline=is_baseline))
            else:
                self.notes.append(one.why)
            self._done, self._position = self._done + (file.size or 0), 0
        records.append_sources(self._store, rows)

    def _read_alone(self, file: SourceFile, is_baseline: bool) -> None:
        place = self._going_on or self._before_the_first_line(file)
        self._come_to(place)
        self._before.append(file)
        self._going_on = None
        try:
            reader = Reader(file.path)
        except KroneError as error:
            self.notes.append(_why_left_out(file, error))
            return
        try:
            self._read(file, reader, place, is_baseline)
        except NotALogError as error:
            self.notes.append(_why_left_out(file, error))
        finally:
            reader.close()
        self._done, self._position = self._done + (file.size or 0), 0

    def _come_to(self, place: Bookmark) -> None:
        # Before the first line of the first file is no place to go on at: there is nothing to go on with.
        self.bookmark = place if self._before or place.mark is not None else None

    def _before_the_first_line(self, file: SourceFile) -> Bookmark:
        return Bookmark(
            before=tuple(self._before),
            path=file.path,
            latest=_clock(file).latest,
            sources=self.sources,
            lines=self.lines,
            first_record=self.records,
            notes=tuple(self.notes),
            shapes=self._shapes,
        )

    def _read(self, file: SourceFile, reader: Reader, place: Bookmark, is_baseline: bool) -> None:
        clock = _clock(file)
        bytes_read, undecodable = self._go_on(place, reader, clock), place.undecodable
        reached = self.bookmark
        # Three threads at once: one decompresses, one finds where records begin, this one writes them.
        asked = self._store.cursor()
        records.prepare(asked)
        parser = SourceParser(self.sources, clock, place.parser)
        ahead = Prefetch(reader.chunks(), _CHUNKS_AHEAD)

        def parsed() -> Iterator[records.Batch]:
            nonlocal bytes_read, undecodable, reached
            for chunk in ahead.consume():
                bytes_read += chunk.raw_bytes
                undecodable += chunk.undecodable_lines
                self._position = chunk.position
                if parser.shape is None:
                    ((parser.shape, self._shapes),) = find_shapes(
                        asked, [sample(chunk.data)], [clock], self._shapes
                    )
                yield from ask(asked, [parser.parse(chunk.data)])[0]
                if chunk.mark is not None and (known := parser.state()) is not None:
                    reached = replace(
                        place, mark=chunk.mark, parser=known, undecodable=undecodable, shapes=self._shapes
                    )
            yield from ask(asked, [parser.end()])[0]

        batches = Prefetch(parsed(), _BATCHES_AHEAD)
        try:
            for batch in batches.consume(self._report):
                self.records += sum(records.append(self._store, [batch], self.records))
                self._report()
        finally:
            ahead.stop()
            batches.stop()
            # Its thread asks the database; what it waits for has stopped. The first one may wait for a pipe for ever.
            batches.join()
            asked.close()
        read = _Read(file, bytes_read, undecodable, reader.compression, reader.note)
        records.append_sources(self._store, [self._end(read, parser, reached, is_baseline=is_baseline)])

    def _end(
        self, read: _Read, parser: SourceParser, reached: Bookmark | None, *, is_baseline: bool
    ) -> records.SourceRow:
        """Settle what only a whole source tells, once its records are written."""
        turned = records.settle_clock(
            self._store, parser.source_id, parser.layouts, parser.wrapper, parser.clock
        )
        self.bookmark = reached and replace(reached, turned=turned, latest=parser.clock.latest)
        self.sources += 1
        self.lines += parser.lines
        if read.note:
            self.notes.append(f"{read.file.path}: {read.note}")
        return records.SourceRow(
            source_id=parser.source_id,
            path=read.file.path,
            format=", ".join(parser.format_names()) or "plain",
            compression=read.compression,
            is_baseline=is_baseline,
            bytes=read.bytes,
            lines=parser.lines,
            undecodable_lines=read.undecodable_lines,
            note=read.note,
        )

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


def _read_small(file: SourceFile) -> _Small | _LeftOut | None:
    """What the file holds, or why it is left out; None where it is not small, or cannot be opened."""
    if file.size is None or file.size > _SMALL_BYTES:
        return None
    try:
        reader = Reader(file.path)
    except KroneError:
        return None
    try:
        chunks = list(islice(reader.chunks(), 2))
    except NotALogError as error:
        return _LeftOut(file, _why_left_out(file, error))
    finally:
        reader.close()
    # After a mark something may come, now or in a later run.
    if len(chunks) > 1 or chunks[0].mark is not None:
        return None
    (chunk,) = chunks
    return _Small(
        _Read(file, chunk.raw_bytes, chunk.undecodable_lines, reader.compression, reader.note), chunk
    )


def _why_left_out(file: SourceFile, error: KroneError) -> str:
    """What to note of a file that is no log; raises the error again where the user named this very file."""
    if isinstance(error, EmptySourceError):
        return str(error)
    if file.named:
        raise error
    return f"Left out: {error}"


def _clock(file: SourceFile) -> Clock:
    """When the source was last written, in this machine's zone, as logs without a zone mostly are."""
    seconds = file.mtime_ns / 1e9 if file.mtime_ns is not None else time.time()
    return Clock(datetime.fromtimestamp(seconds))  # noqa: DTZ006
