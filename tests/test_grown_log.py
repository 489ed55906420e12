"""A log that has grown since it was opened: read on from where it ended, with the result of a full read."""

import contextlib
import gzip
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few hundred lines, so that a small log has many."""
    monkeypatch.setattr(reading, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(reading, "_READ_BYTES", BLOCK)
    monkeypatch.setattr(source_parser, "_MIN_REDETECTED_LINES", 40)


def clock(second: float) -> str:
    hours, rest = divmod(int(second), 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}"


def steps(rng: random.Random, number: int) -> list[tuple[str, str]]:
    """(level, message) of one request, a few of which fail, some with a message seen nowhere else."""
    request = f"req-{number + 4096:x}"
    lines = [
        ("INFO", f"[{request}] received order"),
        ("INFO", f"[{request}] checking stock of item {rng.randint(1, 50)}"),
    ]
    if rng.random() < 0.05:
        lines.append(
            (
                "ERROR",
                f"[{request}] payment failed: {rng.choice(['refused', 'rejected', 'broken', 'late'])} by 10.0.0.7",
            )
        )
    else:
        lines += [
            ("INFO", f"[{request}] charged card in {rng.randint(2, 90)} ms"),
            ("INFO", f"[{request}] shipped order"),
        ]
    if rng.random() < 0.02:
        lines.append(
            (
                "WARN",
                f"[{request}] {rng.choice(['alpha', 'beta', 'gamma', 'delta'])} gr\u00fc\u00dfe \u2603 odd {rng.randint(1, 9)}",
            )
        )
    return [*lines, ("INFO", f"[{request}] closed request")]


def traces(rng: random.Random, number: int) -> str:
    text = ""
    for level, message in steps(rng, number):
        text += f"2026-03-14 {clock(number * 2)},123 {level:5} [pool-{number % 4}] com.shop.Api - {message}\n"
        if level == "ERROR":
            frames = "".join(f"\tat com.shop.Pay.step{n}(Pay.java:{n})\n" for n in range(rng.randint(1, 9)))
            text += f"java.lang.IllegalStateException: no answer\n{frames}Caused by: java.io.IOException: gone\n\t... 3 more\n"
    return text


def json_lines(rng: random.Random, number: int) -> str:
    return "".join(
        json.dumps(
            {
                "ts": f"2026-03-14T{clock(number * 2)}Z",
                "level": level,
                "logger": "shop",
                "msg": text,
                "n": number,
            }
        )
        + "\n"
        for level, text in steps(rng, number)
    )


def docker(rng: random.Random, number: int) -> str:
    return "".join(
        json.dumps({"log": line + "\n", "stream": "stdout", "time": f"2026-03-14T{clock(number * 2)}.5Z"})
        + "\n"
        for line in traces(rng, number).splitlines()
    )


def containers(rng: random.Random, number: int) -> str:
    return "".join(
        f"2026-03-14T{clock(number * 2)}.123456789Z stdout F {line}\n"
        for line in traces(rng, number).splitlines()
    )


def plain(rng: random.Random, number: int) -> str:
    return "".join(f"{text}\r\n" if number % 3 else f"{text}\n\n" for _, text in steps(rng, number))


def syslog(rng: random.Random, number: int) -> str:
    return "".join(
        f"Mar 14 {clock(number * 2)} web{number % 3} shop[{number % 7}]: {t}\n" for _, t in steps(rng, number)
    )


def mixed(rng: random.Random, number: int) -> str:
    """One format at first, another one later on, and lines of none."""
    if number < 40 or number % 5:
        return traces(rng, number)
    return (
        f"[{number}] loose words here\nE0314 {clock(number)}.123456 77 pay.go:{number}] lost {number}\n" * 20
    )


FORMATS = [traces, json_lines, docker, containers, plain, syslog, mixed]
Writer = Callable[[random.Random, int], str]


def written(write: Writer, seed: int, requests: int = 90) -> bytes:
    rng = random.Random(seed)
    text = "".join(write(rng, number) for number in range(requests)).encode()
    # A few bytes that are no UTF-8.
    return text.replace(b"item 7\n", b"item \xff\xfe\n").replace(b'item 7"', b'item \xff"')


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


def same_as_a_full_read(paths: list[Path], cache: Path) -> bool:
    """Whether the log was read on; what was found must be what a full read finds."""
    chosen = Settings(cache_dir=cache)
    with Store.create(None, chosen) as store:
        notes = run_stages(store, [str(path) for path in paths], chosen)
        expected = all_rows(store)
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
    max_examples=2,
    deadline=None,
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


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that was opened when it had half of its bytes, and has all of them now."""
    path = tmp_path / "app.log"
    written_at(path, GROWN[:HALF])
    with opened([path], tmp_path / "cache"):
        pass
    written_at(path, GROWN)
    return path


def test_it_is_told_from_where_on_it_was_read_and_only_then(log: Path, tmp_path: Path) -> None:
    with opened([log], tmp_path / "cache") as investigation:
        (note,) = investigation.opened.notes
        line = int(note.removeprefix(READ_ON).removesuffix(" on.").replace(",", ""))
        assert 0 < GROWN[:HALF].count(b"\n") - line < (CHUNK + 2 * BLOCK) / 40
    with opened([log], tmp_path / "cache") as investigation:
        assert investigation.opened.from_cache
        assert not investigation.opened.notes


@pytest.mark.parametrize("at", [0, HALF - CHUNK - 3 * BLOCK])
def test_a_log_with_other_bytes_before_is_read_wholly(log: Path, tmp_path: Path, at: int) -> None:
    written_at(log, GROWN[:at] + bytes([GROWN[at] ^ 1]) + GROWN[at + 1 :])
    assert not same_as_a_full_read([log], tmp_path / "cache")


def test_a_log_that_was_cut_is_read_wholly(log: Path, tmp_path: Path) -> None:
    written_at(log, GROWN[:CHUNK])
    assert not same_as_a_full_read([log], tmp_path / "cache")


def test_a_log_with_another_end_is_read_on_where_it_is_as_it_was(log: Path, tmp_path: Path) -> None:
    written_at(
        log, GROWN[: HALF - 100] + b"2026-03-14 12:00:00,000 INFO  [x] com.shop.Api - another end\n" * 9
    )
    assert same_as_a_full_read([log], tmp_path / "cache")


def test_other_settings_are_another_investigation(log: Path, tmp_path: Path) -> None:
    with opened([log], tmp_path / "cache", sensitivity="high") as investigation:
        assert not investigation.opened.notes
    assert len(list((tmp_path / "cache").iterdir())) == 2


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
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in (20, 5):
        monkeypatch.setattr("krone_tui.abstraction.shapes.MAX_SHAPES", limit)
        assert same_as_a_full_read([log], tmp_path / "cache")
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
def test_a_damaged_earlier_investigation_spoils_nothing(log: Path, tmp_path: Path, how: str) -> None:
    (kept,) = (tmp_path / "cache").iterdir()
    damage(kept, how)
    assert not same_as_a_full_read([log], tmp_path / "cache")


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
def test_an_odd_earlier_investigation_spoils_nothing(log: Path, tmp_path: Path, query: str) -> None:
    (kept,) = (tmp_path / "cache").iterdir()
    with Store.reopen(kept, Settings()) as store:
        store.rows(query)
    assert same_as_a_full_read([log], tmp_path / "cache") == (query == "DELETE FROM record_shape")


def test_an_error_while_going_on_is_a_full_read(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fails(*given: object, **named: object) -> None:
        asked.append(given)
        raise ValueError("odd")

    monkeypatch.setattr("krone_tui.abstraction.templates.mask_on", fails)
    shutil.copytree(tmp_path / "cache", tmp_path / "copy")
    assert not same_as_a_full_read([log], tmp_path / "cache")
    assert asked
    with opened([log], tmp_path / "copy") as one:
        assert one.opened.notes[0].endswith("could not be read on, and was read wholly: odd.")


def test_reading_on_can_be_stopped(log: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = sorted(cache.iterdir())

    def stop(report: StageProgress) -> None:
        if report.stage == "executions":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        Investigation.open([str(log)], Settings(cache_dir=cache), stop)
    assert sorted(cache.iterdir()) == before
    assert same_as_a_full_read([log], cache)


def test_a_bookmark_is_read_as_it_was_written(log: Path, tmp_path: Path) -> None:
    with opened([log], tmp_path / "cache") as investigation:
        text = str(investigation.store.scalar("SELECT place FROM bookmark"))
    bookmark = unpacked(text)
    assert bookmark is not None
    assert packed(bookmark) == text
    assert bookmark.mark is not None
    assert GROWN[: bookmark.mark.offset].endswith(b"\n")
    assert unpacked("null") is unpacked("[]") is unpacked(text[:-1]) is None
