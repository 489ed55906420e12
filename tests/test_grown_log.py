"""A log that has grown since it was opened: read on from where it ended, with the result of a full read."""

import contextlib
import functools
import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from growing_logs import FORMATS, Writer, json_lines, syslog, traces, written
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from krone_tui.abstraction import shapes
from krone_tui.errors import Cancelled
from krone_tui.ingest import packed, reading, source_parser, unpacked
from krone_tui.investigation import Investigation, run_stages
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store import Store

CHUNK, BLOCK = 4 << 10, 1 << 10
COMPARED = [
    "source",
    "parsed_record",
    "shape",
    "record_shape",
    "template",
    "node",
    "grouping_candidate",
    "membership",
    "variant",
    "execution",
    "seq",
    "variant_seq",
    "finding",
    "failure_mode",
    "variant_verdict",
]
READ_ON = "The log has grown: it was read from line "


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    """Chunks of a few hundred lines, so that a small log has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK_BYTES", CHUNK)
        patch.setattr(reading, "_READ_BYTES", BLOCK)
        patch.setattr(source_parser, "_MIN_REDETECTED_LINES", 40)
        yield


def written_at(path: Path, content: bytes, day: int = 15) -> None:
    """Write a log, last written to on that day of March 2026, an hour later for each mebibyte."""
    path.write_bytes(content)
    at = (1773532800 + 86400 * (day - 15)) * 10**9 + len(content) * 3_600_000
    os.utime(path, ns=(at, at))


@contextlib.contextmanager
def opened(paths: list[Path], cache: Path, **given: object) -> Iterator[Investigation]:
    chosen = Settings(cache_dir=cache, **given)  # type: ignore[arg-type]
    with Investigation.open([str(path) for path in paths], chosen) as investigation:
        yield investigation


def all_rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    rows = {table: sorted(store.rows(f"SELECT * FROM {table}"), key=repr) for table in COMPARED}
    # Where to go on from next is the same too.
    return rows | {"bookmark": store.rows("SELECT place FROM bookmark")}


@functools.cache
def full_read(
    files: tuple[tuple[str, bytes, int], ...], _shapes: int
) -> tuple[tuple[str, ...], dict[str, list[tuple[object, ...]]]]:
    """Notes and rows of a full read, once for the same files (name, content, time) and the same limit of shapes."""
    chosen = Settings(use_cache=False)
    with Store.create(None, chosen) as store:
        notes = run_stages(store, [name for name, _, _ in files], chosen)
        return notes, all_rows(store)


def same_as_a_full_read(paths: list[Path], cache: Path) -> bool:
    """Whether the log was read on; what was found must be what a full read finds."""
    files = tuple((str(path), path.read_bytes(), path.stat().st_mtime_ns) for path in paths)
    notes, expected = full_read(files, shapes.MAX_SHAPES)
    with opened(paths, cache) as one:
        assert not one.opened.from_cache
        found = all_rows(one.store)
        for table, rows in expected.items():
            assert found[table] == rows, table
        first = one.store.rows("SELECT record_id FROM parsed_record LIMIT 100")
        assert first == [(number,) for number in range(len(first))]
        told = [note for note in one.opened.notes if note.startswith("The log has grown")]
        assert [note for note in one.opened.notes if note not in told] == list(notes)
    assert len(list(cache.iterdir())) == 1
    return any(note.startswith(READ_ON) for note in told)


@pytest.mark.parametrize("write", FORMATS)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.floats(0.2, 1), min_size=2, max_size=2))
@settings(
    max_examples=1,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_growing_by_any_bytes_gives_what_a_full_read_gives(
    write: Writer, seed: int, cuts: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("grown")
    log, cache, text = folder / "app.log", folder / "cache", written(write, seed)
    ends = sorted({int(cut * len(text)) for cut in cuts})
    for number, end in enumerate(ends):
        written_at(log, text[:end])
        # There is a place to go on at when there was a whole chunk.
        read_on = same_as_a_full_read([log], cache)
        before = ends[number - 1] if number else 0
        assert read_on or before <= CHUNK + 2 * BLOCK
        assert before >= CHUNK or not read_on


GROWN = written(traces, 7)
"""A log of many chunks; what it was is its first half."""
HALF = len(GROWN) // 2


@pytest.fixture(scope="module")
def opened_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `app.log` of half of the bytes, and `kept`, what was found in it."""
    folder = tmp_path_factory.mktemp("grown")
    written_at(folder / "app.log", GROWN[:HALF])
    with opened([folder / "app.log"], folder / "kept"):
        return folder


@pytest.fixture
def log(opened_half: Path) -> Path:
    """A log that was opened when it had half of its bytes, and has all of them now; its investigation is in `cache`."""
    shutil.rmtree(opened_half / "cache", ignore_errors=True)
    shutil.copytree(opened_half / "kept", opened_half / "cache")
    written_at(opened_half / "app.log", GROWN)
    return opened_half / "app.log"


def test_it_is_told_from_where_on_it_was_read_and_only_then(log: Path) -> None:
    with opened([log], log.parent / "cache") as investigation:
        (note,) = investigation.opened.notes
        line = int(note.removeprefix(READ_ON).removesuffix(" on.").replace(",", ""))
        assert 0 < GROWN[:HALF].count(b"\n") - line < (CHUNK + 2 * BLOCK) / 40
    with opened([log], log.parent / "cache") as investigation:
        assert investigation.opened.from_cache
        assert not investigation.opened.notes


@pytest.mark.parametrize("at", [0, HALF - CHUNK - 3 * BLOCK])
def test_a_log_with_other_bytes_before_is_read_wholly(log: Path, at: int) -> None:
    written_at(log, GROWN[:at] + bytes([GROWN[at] ^ 1]) + GROWN[at + 1 :])
    assert not same_as_a_full_read([log], log.parent / "cache")


def test_a_log_that_was_cut_is_read_wholly(log: Path) -> None:
    written_at(log, GROWN[:CHUNK])
    assert not same_as_a_full_read([log], log.parent / "cache")


def test_a_log_with_another_end_is_read_on_where_it_is_as_it_was(log: Path) -> None:
    written_at(
        log, GROWN[: HALF - 100] + b"2026-03-14 12:00:00,000 INFO  [x] com.shop.Api - another end\n" * 9
    )
    assert same_as_a_full_read([log], log.parent / "cache")


def test_other_settings_are_another_investigation(log: Path) -> None:
    with opened([log], log.parent / "cache", sensitivity="high") as investigation:
        assert not investigation.opened.notes
    assert len(list((log.parent / "cache").iterdir())) == 2


def test_a_compressed_log_is_read_wholly(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    for end in (HALF, len(GROWN)):
        written_at(path, gzip.compress(GROWN[:end]))
        assert not same_as_a_full_read([path], tmp_path / "cache")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_another_encoding_is_read_wholly(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "app.log"
    for end in (HALF, len(GROWN)):
        written_at(path, GROWN[:end].decode(errors="replace").encode(encoding))
        assert not same_as_a_full_read([path], tmp_path / "cache")


@pytest.mark.parametrize(("day", "read_on"), [(16, True), (15 + 365, False)])
def test_times_without_a_year_are_read_on_in_the_same_year_only(
    tmp_path: Path, day: int, read_on: bool
) -> None:
    path, text = tmp_path / "syslog", written(syslog, 3)
    written_at(path, text[: len(text) // 2])
    assert not same_as_a_full_read([path], tmp_path / "cache")
    written_at(path, text, day)
    assert same_as_a_full_read([path], tmp_path / "cache") == read_on


def test_times_that_a_later_line_moves_to_the_year_before(tmp_path: Path) -> None:
    path, text = tmp_path / "syslog", written(syslog, 3).replace(b"Mar 14", b"Dec 30")
    half = len(text) // 2
    # In March the lines of December are of the year before, from the first opening on.
    for end in (half, len(text)):
        written_at(path, text[:end])
        assert not same_as_a_full_read([path], tmp_path / "cache")
    # Here they are only once lines of January follow.
    for end in (half, len(text) + 1):
        written_at(
            path, text[:end] + (b"" if end == half else b"Jan  2 00:00:01 web0 shop[1]: late\n"), 15 + 291
        )
        assert same_as_a_full_read([path], tmp_path / "cache") == (end > half)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_of_several_files_the_last_may_grow(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    folder, cache = tmp_path / "logs", tmp_path / "cache"
    folder.mkdir()
    written_at(folder / "a.log", compress(written(json_lines, 1)), 13)
    written_at(folder / "b.log", b"", 14)
    written_at(folder / "c.log", b"short\n")
    written_at(folder / "d.log", GROWN[:HALF])
    logs = sorted(folder.iterdir())
    assert not same_as_a_full_read(logs, cache)
    written_at(folder / "d.log", GROWN)
    assert same_as_a_full_read(logs, cache)
    written_at(folder / "c.log", b"short\nlonger\n")
    assert not same_as_a_full_read(logs, cache)


def test_a_file_that_is_too_small_to_go_on_in_is_read_again_but_not_those_before(tmp_path: Path) -> None:
    logs, cache = [tmp_path / "app.log.1", tmp_path / "app.log"], tmp_path / "cache"
    written_at(logs[0], GROWN)
    for number, end in enumerate((300, 900)):
        written_at(logs[1], GROWN[:end])
        assert same_as_a_full_read(logs, cache) == bool(number)


def test_masking_is_done_again_where_it_might_end_otherwise(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in (20, 5):
        monkeypatch.setattr("krone_tui.abstraction.shapes.MAX_SHAPES", limit)
        assert same_as_a_full_read([log], log.parent / "cache")
        written_at(log, GROWN + GROWN[:limit])


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    else:
        # Every block of 4 KiB behind the headers.
        for at in range(3 * 4096, len(data), 4096):
            data[at + 100 : at + 300] = bytes(200)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "blocks"])
def test_a_damaged_earlier_investigation_spoils_nothing(log: Path, how: str) -> None:
    (kept,) = (log.parent / "cache").iterdir()
    damage(kept, how)
    assert not same_as_a_full_read([log], log.parent / "cache")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM bookmark",
        "UPDATE bookmark SET place = replace(place, 'TextLayout', 'NoLayout')",
        "DELETE FROM parsed_record WHERE record_id = 17",
        "DELETE FROM record_shape",
        "UPDATE fact SET value = 'provisional' WHERE name = 'complete'",
    ],
)
def test_an_odd_earlier_investigation_spoils_nothing(log: Path, query: str) -> None:
    (kept,) = (log.parent / "cache").iterdir()
    with Store.reopen(kept, Settings()) as store:
        store.rows(query)
    assert same_as_a_full_read([log], log.parent / "cache") == (query == "DELETE FROM record_shape")


def test_an_error_while_going_on_is_a_full_read(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fails(*given: object, **named: object) -> None:
        asked.append(given)
        raise ValueError("odd")

    monkeypatch.setattr("krone_tui.abstraction.templates.mask_on", fails)
    shutil.copytree(log.parent / "cache", tmp_path / "copy")
    assert not same_as_a_full_read([log], log.parent / "cache")
    assert asked
    with opened([log], tmp_path / "copy") as one:
        assert one.opened.notes[0].endswith("could not be read on, and was read wholly: odd.")


def test_reading_on_can_be_stopped(log: Path) -> None:
    cache = log.parent / "cache"
    before = sorted(cache.iterdir())

    def stop(report: StageProgress) -> None:
        if report.stage == "executions":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        Investigation.open([str(log)], Settings(cache_dir=cache), stop)
    assert sorted(cache.iterdir()) == before
    assert same_as_a_full_read([log], cache)


def test_a_bookmark_is_read_as_it_was_written(log: Path) -> None:
    with opened([log], log.parent / "cache") as investigation:
        text = str(investigation.store.scalar("SELECT place FROM bookmark"))
    bookmark = unpacked(text)
    assert bookmark is not None
    assert packed(bookmark) == text
    assert bookmark.mark is not None
    assert GROWN[: bookmark.mark.offset].endswith(b"\n")
    assert unpacked("null") is unpacked("[]") is unpacked(text[:-1]) is None
