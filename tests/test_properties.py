"""What holds for any input, however odd: nothing crashes, no line is lost, the same input gives the same result."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krone_tui.abstraction.masking import FIRST_LINE_LIMIT, mask
from krone_tui.errors import KroneError
from krone_tui.ingest import ingest, reading
from krone_tui.ingest.formats import header_formats, wrappers
from krone_tui.investigation import run_stages
from krone_tui.settings import Settings
from krone_tui.store import Store

QUICK = settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
WHOLE = settings(QUICK, max_examples=2)

_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
_SAMPLES = [sample.line.encode() for form in header_formats() for sample in form.samples]
_WRAPPED = [wrapper.sample.encode() for wrapper in wrappers()]
_ODD = [
    b"",
    b" ",
    b"\t at x.Y.z(Y.java:1)",
    b"Caused by: java.lang.Error: x",
    b"\x1b]0;owned\x07\x1b[2J",
    b"\xff\xfe\xfd",
    b"\xed\xa0\x80 half a surrogate",
    "\u202e\u200b\u0301\u2028\x85 odd".encode(),
    b"carriage\rreturn",
    b"\r\r\r",
    b"nul\0byte",
    b"2026-02-30 25:61:61 INFO no such time",
    b"9999-12-31 23:59:59 INFO app last",
    b"0001-01-01 00:00:00 INFO app first",
    b"infinity INFO app never",
    b'{"time":"infinity","level":"info","msg":"x"}',
    b'{"time":"290309-12-22 (BC) 00:00:00","ts":1e308,"msg":"x"}',
    b'{"ts":99999999999999999999999,"msg":null,"":{"":1},"a\\"b":2,"*":3,"\\u0000":4}',
    b'{"msg":"\\ud800","level":["x"],"time":{"a":1}}',
    b'{"a":' * 300 + b"1" + b"}" * 300,
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"-1","body":null},7,null]}]},5]}',
    b'{"log":"part","stream":"stdout","time":"infinity"}',
    b'a=b time=infinity msg="x\\"',
    b"=== ' OR 1=1; DROP TABLE record; --",
    b"$1 \\1 {x} %s <*> [bold]",
    b"x" * 5000,
]
_LINE = st.one_of(
    st.sampled_from(_SAMPLES),
    st.sampled_from(_WRAPPED),
    st.sampled_from(_ODD),
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass").replace(b"\n", b"")),
)
LOGS = st.builds(
    lambda blocks, last, end: (
        b"".join(line + end for block, times in blocks for line in block * times) + last
    ),
    st.lists(st.tuples(st.lists(_LINE, min_size=1, max_size=6), st.integers(1, 12)), min_size=1, max_size=5),
    _LINE,
    st.sampled_from([b"\n", b"\n", b"\r\n"]),
)
"""Bytes of a log: blocks of lines, each repeated, with or without a newline at the end."""


def lines_of(log: bytes) -> int:
    """Physical lines, a last one without newline included."""
    return log.count(b"\n") + (not log.endswith(b"\n"))


def shown(log: bytes) -> list[str]:
    """The lines as they are to be kept: bytes that are no UTF-8 visible, without carriage returns at their ends."""
    text = log.decode("utf-8", "backslashreplace")
    lines = text.removesuffix("\n").split("\n")
    return [line.rstrip("\r") for line in lines[:-1]] + [
        lines[-1].rstrip("\r") if text.endswith("\n") else lines[-1]
    ]


def read(
    log: bytes, compression: str = "none"
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]] | None:
    """Sources and records of a log; None where it is refused."""
    with TemporaryDirectory() as folder, Store.create(None, Settings(threads=1)) as store:
        path = Path(folder) / "log"
        path.write_bytes(_COMPRESSIONS[compression](log))
        try:
            ingest(store, [str(path)])
        except KroneError as error:
            assert "bug" not in str(error)
            return None
        sources = store.rows("SELECT format, bytes, lines, undecodable_lines, note FROM source")
        return sources, store.rows("SELECT * FROM parsed_record ORDER BY record_id")


@given(LOGS, st.sampled_from(sorted(_COMPRESSIONS)))
@QUICK
def test_every_line_lies_in_exactly_one_record(log: bytes, compression: str) -> None:
    found = read(log, compression)
    if found is None:
        return
    (source,), records = found
    text = log.lstrip(b"\0") if "NUL" in str(source[4]) else log
    if text.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) or reading.looks_binary(text[:4096]):
        return
    assert source[2] == lines_of(text)
    spans = [(record[2], record[3]) for record in records]
    if source[0] != "otlp":
        assert [first for first, _ in spans] == [1, *(last + 1 for _, last in spans[:-1])]
    assert spans[-1][1] == source[2]
    assert [record[0] for record in records] == list(range(len(records)))


@given(LOGS)
@QUICK
def test_the_text_of_the_records_is_the_text_of_the_lines(log: bytes) -> None:
    found = read(log)
    if (
        found is None
        or found[0][0][4] is not None
        or log.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"))
    ):
        return
    if found[0][0][0] == "otlp" or b"\x1b[" in log or reading._utf16_without_mark(log[:4096]):
        return
    kept = [
        line
        for record in found[1]
        for line in (record[13] if record[13] is not None else (record[11] or "") + record[12]).split("\n")
        if line
    ]
    assert kept == [line for line in shown(log) if line]


@given(LOGS)
@settings(QUICK, max_examples=6)
def test_the_same_bytes_give_the_same_records(log: bytes) -> None:
    assert read(log) == read(log)


@given(LOGS)
@WHOLE
def test_every_record_lies_in_exactly_one_execution(log: bytes) -> None:
    results = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(log)
        for _ in range(2):
            with Store.create(None, Settings(threads=1)) as store:
                try:
                    run_stages(store, [str(path)], Settings(threads=1))
                except KroneError:
                    return
                records = store.scalar("SELECT count(*) FROM parsed_record")
                assert store.row("SELECT count(*), count(DISTINCT record_id) FROM membership") == (
                    records,
                    records,
                )
                assert store.scalar("SELECT sum(records) FROM execution") == records
                results.append(
                    [
                        store.rows(f"SELECT * FROM {table} ORDER BY ALL")
                        for table in (
                            "template",
                            "node",
                            "membership",
                            "execution",
                            "execution_verdict",
                            "failure_mode",
                        )
                    ]
                )
    assert results[0] == results[1]


@given(
    st.text()
    | st.lists(st.sampled_from(["a", "1", "-", ".", "/", ":", "=", '"', "<*>", " ", "é"])).map("".join)
)
@settings(QUICK, max_examples=200)
def test_a_mask_never_fails_and_never_blows_up(message: str) -> None:
    masked = mask(message)
    assert masked == mask(message)
    assert len(masked) <= 3 * min(len(message), FIRST_LINE_LIMIT) + 3


@pytest.mark.parametrize("size", [1, 3, 7, 4096])
def test_pieces_of_any_size_make_the_same_chunks(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_bytes("".join(f"gr\u00fcn {n}\r\n" for n in range(3000)).encode("utf-16"))
    whole = b"".join(chunk.data for chunk in reading.Reader(str(log)).chunks())
    monkeypatch.setattr(reading, "_READ_BYTES", size * 1024)
    monkeypatch.setattr(reading, "CHUNK_BYTES", size * 512)
    assert b"".join(chunk.data for chunk in reading.Reader(str(log)).chunks()) == whole
    assert io.BytesIO(whole).readlines()[0] == "grün 0\n".encode()
