"""Bytes of a source, decompressed, decoded, and cut at newlines."""

import bz2
import codecs
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import zstandard

from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 8 << 20
"""What is handled at once: large enough for vectorised work, small enough that a pipe shows progress."""

MAX_LINE_BYTES = 128 << 20
"""No log has such a line, and it would have to fit the memory several times over."""
_HOLE = re.compile(rb"\0{64,}+")
"""What stands before the text of a file that was cut while it was written (`copytruncate`): not a line of the log."""
_READ_BYTES = 1 << 20
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark its own begins with.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_RETURNS = re.compile(rb"(?<!\r)\r++\n")
"""Carriage returns before a newline; each run of them is looked at once, however long it is."""
_CONTROL = bytes(set(range(32)) - set(b"\b\t\n\f\r\x1b")) + b"\x7f"
_MAX_CONTROL_SHARE = 0.08
"""Compressed data has a tenth of control bytes, text with a stray one far fewer."""


class NotALogError(KroneError):
    """The source is not text."""


class EmptySourceError(NotALogError):
    """The source holds nothing."""


@dataclass(frozen=True)
class Mark:
    """A place between two chunks of a plain file, at which whoever reads the file again can begin."""

    offset: int
    """Bytes of the chunks before."""
    read: int
    """Bytes that were read by then, the first of the next chunk among them: where chunks are cut depends on them."""
    digest: str
    """Of those bytes: SHA-256, which today's processors compute faster than any other hash that is as hard to fool."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a source."""

    data: bytes
    """UTF-8, lines ended by a newline alone, also the last one."""
    raw_bytes: int
    """How many decompressed bytes it stands for."""
    undecodable_lines: int
    position: int
    """How many bytes of the file on disk had been read."""
    mark: Mark | None = None
    """Its end, where a later run can go on; None where that would not give what reading all of it gives."""


def sniff_compression(head: bytes) -> str:
    """How a source that starts with these bytes is compressed: none, gzip, bzip2, xz, zstd."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "none")


def looks_binary(head: bytes) -> bool:
    """Whether these first bytes are no text; long runs of NUL, as a rotated log can have, do not count."""
    if head.startswith(tuple(mark for mark, _ in _BOMS[1:])) or _utf16_without_mark(head):
        return False
    counted = re.sub(rb"\0{16,}", b"", head)
    if not counted:
        return True
    control = len(counted) - len(counted.translate(None, _CONTROL))
    return control > _MAX_CONTROL_SHARE * len(counted)


class Reader:
    """Reads one source; after the chunks are used up, `note` says what was wrong with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.note: str | None = None
        try:
            # Closed by close(); standard input is not ours to close.
            self._file: BinaryIO = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
        except OSError as error:
            raise KroneError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
        self._counted = _Counted(self._file)
        self._buffered = io.BufferedReader(self._counted, _READ_BYTES)
        try:
            self.compression = sniff_compression(self._buffered.peek(8))
        except OSError as error:
            raise KroneError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
        self._is_file = path != "-" and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        # Of the blocks so far; None where the file cannot be marked: it is no plain one, or its text not its bytes.
        self._digest = hashlib.sha256() if self._is_file and self.compression == "none" else None
        self._read = self._handed_on = 0
        self._held_back: bytes | None = None

    def close(self) -> None:
        """Close the file; a pipe in which a thread waits for more is left to that thread, as closing it would wait too."""
        if self.path != "-" and (self._is_file or not self._counted.reading):
            self._file.close()

    def go_on_at(self, mark: Mark, idle: Callable[[int], None]) -> bool:
        """Whether the file still begins with what was read before the mark; then `chunks` yields what follows it.

        `idle` is called with how many bytes were compared, and may raise to give up.
        """
        if self._digest is None:
            return False
        held_back: list[bytes] = []
        while self._read < mark.read:
            end = mark.offset if self._read < mark.offset else mark.read
            piece = self._buffered.read(min(_READ_BYTES, end - self._read))
            if not piece:
                return False
            if self._read >= mark.offset:
                held_back.append(piece)
            self._digest.update(piece)
            self._read += len(piece)
            idle(self._read)
        self._handed_on, self._held_back = mark.offset, b"".join(held_back)
        return self._digest.hexdigest() == mark.digest

    def chunks(self) -> Iterator[Chunk]:
        """Chunks of about CHUNK_BYTES of whole lines; raises `NotALogError` when there is no text."""
        rest: list[bytes] = []
        held = 0
        handed_on = False
        decode: Callable[[bytes, bool], bytes] | None = None
        if self._held_back is not None:
            rest, held, handed_on, decode = [self._held_back], len(self._held_back), True, _as_is
        for block in self._blocks():
            text = block
            self._count(block)
            if decode is None:
                text = self._after_hole(block)
                if not text:
                    continue
                if looks_binary(text[: 64 << 10]):
                    raise NotALogError(f"{self._shown} is not a text log: it holds binary data.")
                decode, text = _decoder(text)
                if decode is not _as_is or len(text) != len(block):
                    self._digest = None
            text = decode(text, False)
            rest.append(text)
            held += len(text)
            if held >= CHUNK_BYTES and (cut := text.rfind(b"\n") + 1):
                whole = b"".join((*rest[:-1], text[:cut]))
                rest, held = [text[cut:]], len(text) - cut
                handed_on = True
                self._handed_on += len(whole)
                yield self._chunk(whole, mark=self._mark())
            elif held > MAX_LINE_BYTES:
                self.note = (
                    f"It has a line of more than {MAX_LINE_BYTES >> 20} MB: from there on it was left out."
                )
                if not handed_on:
                    raise NotALogError(f"{self._shown} is not a text log. {self.note}")
                return
        if decode is None:
            raise EmptySourceError(
                f"{self._shown} is empty." if not self.note else f"{self._shown} holds no text: {self.note}"
            )
        last = b"".join((*rest, decode(b"", True)))
        if not last and not handed_on:
            raise EmptySourceError(f"{self._shown} is empty.")
        if last:
            yield self._chunk(last if last.endswith(b"\n") else last + b"\n", added=not last.endswith(b"\n"))

    @property
    def _shown(self) -> str:
        return "Standard input" if self.path == "-" else self.path

    def _after_hole(self, block: bytes) -> bytes:
        """What is left of a block before which there was no text."""
        if not (hole := _HOLE.match(block)):
            return block
        self.note = "The file begins with NUL bytes, which were left out: it was cut while it was written."
        return block[hole.end() :]

    def _blocks(self) -> Iterator[bytes]:
        try:
            yield from _OPENERS[self.compression](self._buffered)
        except EOFError:
            self.note = "The compressed file ends too early: what came after is lost."
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile, OSError) as error:
            if self.compression == "none":
                raise KroneError(f"{self._shown} cannot be read to its end: {error}.") from None
            self.note = f"The compressed file is damaged ({error}): lines after the damage are lost or wrong."

    def _count(self, block: bytes) -> None:
        """Keep the digest of what was read; a short block ends where the file ended then, and will not once it has grown."""
        self._read += len(block)
        if self._digest is not None:
            if len(block) == _READ_BYTES:
                self._digest.update(block)
            else:
                self._digest = None

    def _mark(self) -> Mark | None:
        if self._digest is None or self.note is not None:
            return None
        return Mark(self._handed_on, self._read, self._digest.hexdigest())

    def _chunk(self, data: bytes, *, added: bool = False, mark: Mark | None = None) -> Chunk:
        size = len(data) - added
        data, undecodable = _valid_utf8(data)
        data = data.replace(b"\r\n", b"\n")
        if b"\r\n" in data:
            data = _RETURNS.sub(b"\n", data)
        position = self._counted.count
        return Chunk(data, size, undecodable, position, mark)


class _Counted(io.RawIOBase):
    """A raw stream that counts what was read from it."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner
        self.count = 0
        self.reading = False
        """A thread waits for what comes next."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        read = getattr(self._inner, "read1", self._inner.read)
        self.reading = True
        try:
            data: bytes = read(len(view))
        finally:
            self.reading = False
        view[: len(data)] = data
        self.count += len(data)
        return len(data)


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_READ_BYTES):
        yield block


class _Decompressed(Protocol):
    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> object: ...


def _standard(
    opener: Callable[[BinaryIO], _Decompressed],
) -> Callable[[BinaryIO], Iterator[bytes]]:
    def blocks(file: BinaryIO) -> Iterator[bytes]:
        # read1 hands out what is decompressed before it fails at the end of a truncated file.
        with contextlib.closing(opener(file)) as stream:
            while block := stream.read1(_READ_BYTES):
                yield block

    return blocks


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
    fresh = True
    # Small pieces in: what comes out of one cannot be bounded.
    while piece := file.read(16 << 10):
        while piece:
            if block := frame.decompress(piece):
                yield block
            fresh, piece = False, b""
            if frame.eof:
                piece, fresh = frame.unused_data, True
                frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
    if not fresh:
        raise EOFError


_OPENERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "none": _plain,
    "gzip": _standard(lambda file: gzip.GzipFile(fileobj=file)),
    "bzip2": _standard(bz2.BZ2File),
    "xz": _standard(lzma.LZMAFile),
    "zstd": _zstd,
}


def _utf16_without_mark(head: bytes) -> bool:
    return (
        len(head) >= 16
        and head[1::2].count(0) > 0.4 * len(head[1::2])
        and head[::2].count(0) < 0.02 * len(head)
    )


def _decoder(head: bytes) -> tuple[Callable[[bytes, bool], bytes], bytes]:
    """How the bytes become UTF-8, and the first block without its byte order mark."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return (_recoder(name) if name != "utf-8" else _as_is), head[len(mark) :]
    return (_recoder("utf-16-le") if _utf16_without_mark(head[:4096]) else _as_is), head


def _as_is(data: bytes, _final: bool) -> bytes:
    return data


def _recoder(name: str) -> Callable[[bytes, bool], bytes]:
    decoder = codecs.getincrementaldecoder(name)("backslashreplace")
    return lambda data, final: decoder.decode(data, final).encode("utf-8", "backslashreplace")


def _valid_utf8(data: bytes) -> tuple[bytes, int]:
    """The data with each byte that is not UTF-8 written as \\xNN, and how many lines had one."""
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError:
        shown = data.decode("utf-8", "backslashreplace").encode("utf-8")
        # A valid line keeps its length, so only longer ones were changed.
        pairs = zip(data.split(b"\n"), shown.split(b"\n"), strict=True)
        return shown, sum(len(before) != len(after) for before, after in pairs)
    return data, 0
