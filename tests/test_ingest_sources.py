"""What is read when a file, a folder, a pattern or a pipe is named, and what is said when it cannot be."""

import bz2
import gzip
import io
import lzma
import os
import random
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from krone_tui.errors import Cancelled, KroneError
from krone_tui.ingest import IngestResult, ingest, resolve_sources
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

_TEXT = "".join(
    f"2024-01-01 10:00:{n % 60:02d} INFO message {n * 7919 % 100_003}\n" for n in range(20_000)
).encode()
_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


def _read(*paths: Path | str) -> tuple[IngestResult, list[tuple[object, ...]], list[str]]:
    with Store.create(None, Settings(threads=2)) as store:
        result = ingest(store, [str(path) for path in paths])
        sources = store.connection.execute(
            "SELECT compression, bytes, lines, undecodable_lines, note FROM source"
        )
        rows = sources.fetchall()
        messages = store.connection.execute("SELECT message FROM parsed_record ORDER BY record_id").fetchall()
    return result, rows, [row[0] for row in messages]


@pytest.mark.parametrize("name", _COMPRESSIONS)
def test_compression_is_known_by_content(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(_COMPRESSIONS[name](_TEXT))
    _, sources, messages = _read(log)
    assert sources == [(name, len(_TEXT), 20_000, 0, None)]
    assert messages[1] == "message 7919"


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_members_written_one_after_the_other_are_all_read(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(_COMPRESSIONS[name](_TEXT) + _COMPRESSIONS[name](_TEXT))
    assert _read(log)[0].lines == 40_000


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_a_truncated_archive_is_read_as_far_as_it_goes(name: str, tmp_path: Path) -> None:
    noise = random.Random(1)
    text = "".join(f"2024-01-01 10:00:00 INFO {noise.getrandbits(200):x}\n" for _ in range(60_000)).encode()
    log = tmp_path / "log"
    packed = _COMPRESSIONS[name](text)
    log.write_bytes(packed[: len(packed) * 3 // 4])
    result, sources, _ = _read(log)
    assert 10_000 < result.lines < 60_000
    assert sources[0][4] == "The compressed file ends too early: what came after is lost."
    assert len(result.notes) == 1


def test_a_damaged_archive_is_said_to_be_damaged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    packed = bytearray(gzip.compress(_TEXT))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = b"\xff" * 64
    log.write_bytes(packed)
    result, _, _ = _read(log)
    assert result.lines > 1000
    assert "damaged" in result.notes[0]


def test_a_compressed_file_cut_before_its_first_byte_of_text(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(_TEXT)[:12])
    with pytest.raises(KroneError, match="holds no text: The compressed file ends too early"):
        _read(tmp_path / "log.gz")


def test_bytes_that_are_not_utf8_are_shown(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(
        b"2024-01-01 10:00:00 INFO gr\xfcn\n2024-01-01 10:00:01 INFO gr\xc3\xbcn\n"
    )
    _, sources, messages = _read(tmp_path / "log")
    assert messages == ["gr\\xfcn", "grün"]
    assert sources[0][3] == 1


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_codings_are_decoded(coding: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(
        "2024-01-01 10:00:00 INFO grün\r\n2024-01-01 10:00:01 INFO ok\r\n".encode(coding)
    )
    _, sources, messages = _read(tmp_path / "log")
    assert messages == ["grün", "ok"]
    assert sources[0][3] == 0


def test_carriage_returns_and_nul_bytes(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(
        b"\0" * 5000 + b"2024-01-01 10:00:00 INFO a\0b\r\n2024-01-01 10:00:01 INFO c\r\r\n"
    )
    _, sources, messages = _read(tmp_path / "log")
    assert sources[0][2] == 2
    assert messages[0] == "a\0b"
    assert messages[1].endswith("c")


def test_a_line_of_ten_megabytes_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(
        b"2024-01-01 10:00:00 INFO " + b"x" * 10_000_000 + b"\n2024-01-01 10:00:01 INFO ok"
    )
    _, _, messages = _read(tmp_path / "log")
    assert [len(message) for message in messages] == [10_000_000, 2]


@pytest.mark.parametrize(
    "data", [Path(sys.executable).resolve().read_bytes()[:100_000], random.Random(2).randbytes(50_000)]
)
def test_binary_data_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(data)
    with pytest.raises(KroneError, match=r"core is not a text log: it holds binary data\.$"):
        _read(tmp_path / "core")


def test_rotated_logs_are_read_oldest_first(tmp_path: Path) -> None:
    for name in ("app.log", "app.log.1", "app.log.10.gz", "app.log.2.gz", "other.log", "app.log-20230101"):
        (tmp_path / name).write_bytes(gzip.compress(b"x\n") if name.endswith("gz") else b"x\n")
    names = [Path(source.path).name for source in resolve_sources([str(tmp_path)])]
    assert names == ["app.log-20230101", "app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log", "other.log"]


def test_folders_are_read_deeply_without_hidden_and_binary_files(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.log").write_text("x\n")
    (tmp_path / ".hidden").write_text("x\n")
    (tmp_path / "picture").write_bytes(random.Random(3).randbytes(5000))
    (tmp_path / "deep" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = resolve_sources([str(tmp_path)])
    assert [Path(source.path).name for source in found] == ["a.log"]
    assert (found[0].size, found[0].mtime_ns) == (2, Path(found[0].path).stat().st_mtime_ns)


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    (tmp_path / "link.log").symlink_to(tmp_path / "a.log")
    assert (
        len(resolve_sources([str(tmp_path / "a.log"), str(tmp_path / "link.log"), f"{tmp_path}/*.log"])) == 1
    )


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"2024-01-01 10:00:00 INFO from a pipe\n")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        result, _, messages = _read("-")
    assert (result.lines, messages) == (1, ["from a pipe"])


def test_an_empty_member_of_a_set_is_noted(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("")
    (tmp_path / "app.log.1").write_text("x\n")
    result, _, _ = _read(tmp_path / "app.log", tmp_path / "app.log.1")
    assert result.sources == 1
    assert result.notes == (f"{tmp_path}/app.log is empty.",)


def _missing(folder: Path) -> Path:
    return folder / "nothing.log"


def _dangling(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "nothing")
    return folder / "link"


def _loop(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def _empty_folder(folder: Path) -> Path:
    return folder


def _device(_: Path) -> Path:
    return Path("/dev/null")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_missing, "does not exist."),
        (_dangling, "is a symbolic link to a file that does not exist."),
        (_loop, "is a loop of symbolic links."),
        (_empty_folder, "holds no log."),
        (_device, "is a device, not a log."),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    make: Callable[[Path], Path], said: str, tmp_path: Path
) -> None:
    with pytest.raises(KroneError) as raised:
        resolve_sources([str(make(tmp_path))])
    assert str(raised.value).endswith(said)


def test_a_socket_is_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(KroneError, match="is a socket, not a log"):
            resolve_sources(["s"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    (tmp_path / "a.log").chmod(0)
    with pytest.raises(KroneError, match="permission denied"):
        resolve_sources([str(tmp_path / "a.log")])


def test_reading_a_pipe_that_falls_silent_can_be_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # Open for reading too, so that opening does not wait for the other side.
    writing = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writing, _TEXT[:1000])
    silent = threading.Event()

    def give_up(_progress: StageProgress) -> None:
        silent.set()
        raise Cancelled

    def run() -> None:
        with Store.create(None, Settings(threads=1)) as store, pytest.raises(Cancelled):
            ingest(store, [str(tmp_path / "pipe")], give_up)

    reader = threading.Thread(target=run, daemon=True)
    reader.start()
    reader.join(20)
    waits = reader.is_alive()
    # Closing is no end while we may read too: a last line lets the thread go that waits for one.
    os.write(writing, b"\n")
    os.close(writing)
    assert silent.is_set()
    assert not waits
