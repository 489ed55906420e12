"""Every input line is in exactly one record, and every record in exactly one execution, on every log at hand."""

import bz2
import gzip
from pathlib import Path

import pytest
from conftest import BENCH_DATA, TOP, bench_log, small_log

from krone_tui.investigation import Investigation
from krone_tui.settings import Settings

SAMPLES = sorted(path.name for path in (TOP / "sample_logs").glob("*.log.gz"))
PUBLIC = [
    "hdfs_demo.log.gz",
    "thunderbird_demo.log.gz",
    *sorted(f"loghub/{path.name}" for path in (BENCH_DATA / "loghub").glob("*_2k.log")),
]
if len(PUBLIC) == 2:
    PUBLIC.append("loghub/Linux_2k.log")


def physical_lines(path: Path) -> list[str]:
    """The lines of a file, counted and decoded without any code of the project."""
    open_ = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    with open_(path, "rb") as file:
        data = file.read().removeprefix(b"\xef\xbb\xbf")
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.decode("utf-8", "backslashreplace").rstrip("\r") for line in lines]


def lines_of(text: str) -> list[str]:
    """Lines without white space at their ends, and without blank ones at the end."""
    return [line.rstrip() for line in text.rstrip().split("\n")]


def check(*paths: Path, cache: Path | None = None) -> None:
    """Assert it for logs that are investigated together."""
    chosen = Settings(cache_dir=cache) if cache else Settings(use_cache=False)
    with Investigation.open([str(path) for path in paths], chosen) as investigation:
        store = investigation.store
        expected = {str(path): physical_lines(path) for path in paths}
        sources = store.rows("SELECT source_id, path, lines FROM source ORDER BY source_id")
        assert {path: lines for _, path, lines in sources} == {
            path: len(lines) for path, lines in expected.items()
        }

        for source_id, path, _ in sources:
            records = store.rows(
                "SELECT first_line, last_line, text FROM record WHERE source_id = ? ORDER BY first_line",
                [source_id],
            )
            covered = [number for first, last, _ in records for number in range(first, last + 1)]
            assert covered == list(range(1, len(expected[path]) + 1)), "each line once, without gaps"
            for first, last, text in records:
                # Blank lines at a record's end, and above the first record, are counted, not kept.
                read = "\n".join(expected[path][first - 1 : last])
                read = read.lstrip("\n") if first == 1 else read
                assert lines_of(text) == lines_of(read), (path, first, last)

        records = store.scalar("SELECT count(*) FROM parsed_record")
        assert records > 0
        counts = "SELECT count(*), count(DISTINCT record_id), min(record_id), max(record_id) FROM {}"
        for table in ("parsed_record", "record_shape", "membership"):
            assert store.row(counts.format(table)) == (records, records, 0, records - 1), table
        assert (
            store.scalar("SELECT count(*) FROM record WHERE execution_id IS NULL OR template_id IS NULL") == 0
        )
        assert store.scalar("SELECT count(*) FROM membership ANTI JOIN execution USING (execution_id)") == 0
        sums = store.row("SELECT sum(records), sum(lines) FROM execution")
        assert sums == (records, sum(map(len, expected.values())))
        per_execution = "SELECT execution_id, count(*) AS records FROM membership GROUP BY execution_id"
        wrong = f"SELECT count(*) FROM execution e JOIN ({per_execution}) m USING (execution_id)"
        assert store.scalar(f"{wrong} WHERE e.records <> m.records") == 0
        positions = "SELECT execution_id FROM membership GROUP BY ALL HAVING max(position) + 1 <> count(*)"
        assert store.rows(positions) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_on_the_samples(name: str, samples_cache: Path) -> None:
    check(TOP / "sample_logs" / name, cache=samples_cache)


@pytest.mark.parametrize("name", PUBLIC)
def test_on_public_logs(name: str) -> None:
    check(bench_log(name))


def test_on_several_logs_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a.log", tmp_path / "b.log.gz"
    first.write_text("".join(small_log(60)), encoding="utf-8")
    second.write_bytes(gzip.compress("".join(small_log(30)).encode()))
    check(first, second)


@pytest.mark.parametrize(
    "content",
    [
        b"no newline at the end",
        b"\n",
        b"\n\n\nlate\n\n",
        b"2026-03-14 00:00:00 INFO a b\r\n\r\n2026-03-14 00:00:01 INFO c\r\n",
        b"Traceback (most recent call last):\n  File\nValueError: x\n" * 30,
        b"2026-03-14 00:00:00 ERROR x failed\njava.lang.E: y\n\tat a.b(C.java:1)\n\tat d\nCaused by: z\n"
        * 20,
        b'{"time":"2026-03-14T00:00:00Z","msg":"a"}\nnot json\n{"time":"2026-03-14T00:00:01Z","msg":"b"}\n'
        * 20,
        b"caf\xe9 \xff\n" * 40,
        "\ufeffüber\u2028line\x0bpage\x0cend\x85x\n".encode() * 20,
    ],
)
def test_on_odd_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.log"
    path.write_bytes(content)
    check(path)
