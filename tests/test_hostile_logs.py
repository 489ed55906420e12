"""Logs made to break a reader: they are read to their end, in time that grows with their length alone."""

import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import small_log

from krone_tui.abstraction import masking
from krone_tui.errors import KroneError
from krone_tui.executions import identifiers
from krone_tui.ingest import ingest, reading, stage
from krone_tui.ingest.formats import header_formats, wrappers
from krone_tui.investigation import run_stages
from krone_tui.settings import Settings
from krone_tui.store import Store
from krone_tui.store.questions import ask, matches

SETTINGS = Settings(threads=1)

SLOWEST = 6.0
"""Seconds of processor time for a megabyte of the worst text: a busy or an old machine is ten times slower than ours."""


@pytest.fixture
def store() -> Store:
    return Store.create(None, SETTINGS)


@pytest.fixture
def investigated(store: Store, tmp_path: Path) -> Callable[[str | bytes], Store]:
    """Runs all stages on a log of this text."""

    def run(text: str | bytes) -> Store:
        log = tmp_path / "app.log"
        log.write_bytes(text if isinstance(text, bytes) else text.encode())
        run_stages(store, [str(log)], SETTINGS)
        records = store.scalar("SELECT count(*) FROM parsed_record")
        assert records == store.scalar("SELECT count(*) FROM membership")
        return store

    return run


def test_three_million_carriage_returns_before_a_newline(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"a\n" + b"\r" * 3_000_000 + b"\nb" + b"\r" * 3_000_000 + b"c\n")
    began = time.process_time()
    data = b"".join(chunk.data for chunk in reading.Reader(str(log)).chunks())
    assert time.process_time() - began < 5
    assert data == b"a\n\nb" + b"\r" * 3_000_000 + b"c\n"


def test_times_at_the_ends_of_the_calendar_and_beyond(investigated: Callable[[str], Store]) -> None:
    times = ["1970-01-01 00:00:00", "9999-12-31 23:59:59", "1969-12-31 23:59:59"]
    # Years before the epoch are what a program writes that has no time, or two digits of a year.
    no_times = [
        "0001-01-01 00:00:01",
        "0024-01-23 01:00:03",
        "2026-02-30 10:00:00",
        "2026-13-45 99:99:99",
        "0000-00-00 00:00:00",
    ]
    store = investigated(
        "".join(f"{when} INFO app ok {n}\n" for n, when in enumerate((times + no_times) * 20))
    )
    found = store.row(
        "SELECT count(*), count(time), min(time)::VARCHAR, max(time)::VARCHAR FROM parsed_record"
    )
    assert found == (160, 60, "1969-12-31 23:59:59", "9999-12-31 23:59:59")


@pytest.mark.parametrize("key", ["time", "ts"])
def test_times_that_are_no_instants(investigated: Callable[[str], Store], key: str) -> None:
    odd = [
        '"infinity"',
        '"-infinity"',
        "1e308",
        "-1",
        '"290309-12-22 (BC) 00:00:00"',
        '"294246-12-31"',
        "null",
        "[]",
    ]
    good = '"2026-03-14T10:00:00Z"'
    store = investigated(
        "".join(f'{{"{key}":{when},"msg":"x {n}"}}\n' for n, when in enumerate([good, *odd] * 20))
    )
    assert store.row("SELECT count(*), count(time) FROM parsed_record") == (180, 20)


def test_a_time_that_jumps_back_and_forth_with_the_clocks(investigated: Callable[[str], Store]) -> None:
    hours = ["01:59:59", "03:00:00", "02:59:59", "02:00:00"]
    store = investigated(
        "".join(f"2026-10-25 {hours[n % 4]} INFO app req-{n // 4:06x} ok\n" for n in range(200))
    )
    assert store.scalar("SELECT count(*) FROM execution WHERE end_time < start_time") == 0


def test_times_without_a_year_on_the_29th_of_february(investigated: Callable[[str], Store]) -> None:
    store = investigated("".join(f"Feb 29 10:00:{n % 60:02} host app[{n}]: ok\n" for n in range(100)))
    assert store.scalar("SELECT count(time) FROM parsed_record") == 100


def test_json_keys_that_mean_something_elsewhere(investigated: Callable[[str], Store]) -> None:
    def line(n: int) -> str:
        odd = {
            "": 1,
            "*": n // 4,
            'a"b': n // 4,
            "a\\b": {'c"': 1, "": 2, "*": 3},
            "$": 1,
            "\n": {"\x1f": 1},
            "%s'": ")",
        }
        return (
            json.dumps({"time": f"2026-03-14T10:00:{n % 60:02}Z", "level": "info", "msg": f"hi {n}", **odd})
            + "\n"
        )

    assert investigated("".join(map(line, range(200)))).scalar("SELECT count(*) FROM parsed_record") == 200


def test_json_nested_without_end(investigated: Callable[[str], Store]) -> None:
    deep = '{"time":"2026-03-14T10:00:00Z","msg":"x","a":' + '{"a":' * 50_000 + "1" + "}" * 50_001 + "\n"
    plain = "".join(f'{{"time":"2026-03-14T10:00:{n:02}Z","msg":"x"}}\n' for n in range(50))
    assert investigated(plain + deep + plain).scalar("SELECT count(*) FROM parsed_record") == 101


@pytest.mark.parametrize("between", ["", "\n", "\n\n"])
def test_text_after_a_json_line_and_blank_ones_is_no_part_of_it(
    investigated: Callable[[str], Store], between: str
) -> None:
    text = "2026-03-14 10:00:00 INFO app ready\n" * 5
    json_line = '{"time":"2026-03-14T10:00:00Z","level":"info","msg":"x"}\n'
    store = investigated((text + json_line + between + "fail: x\n   indented\n") * 20)
    assert store.scalar("SELECT count(*) FROM parsed_record WHERE message = 'x'") == 20
    assert store.scalar("SELECT count(*) FROM parsed_record WHERE message LIKE 'fail: x%'") == 20


def test_lone_surrogates_and_nul_in_json(investigated: Callable[[str], Store]) -> None:
    odd = ["\\ud800", "\\u0000", "\\udc00\\ud800", "ok"]
    lines = [f'{{"time":"2026-03-14T10:00:{n % 60:02}Z","msg":"x {odd[n % 4]}"}}\n' for n in range(100)]
    assert investigated("".join(lines)).scalar("SELECT count(*) FROM parsed_record") == 100


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_codings_with_half_a_character_at_the_end(
    investigated: Callable[[bytes], Store], coding: str
) -> None:
    store = investigated("".join(small_log(40)).encode(coding) + b"\x00")
    assert store.scalar("SELECT count(*) FROM parsed_record WHERE message LIKE '%order%'") >= 40
    assert store.scalar("SELECT format FROM source") != "plain"


def test_a_hole_that_rotation_left_is_told_and_left_out(investigated: Callable[[bytes], Store]) -> None:
    store = investigated(b"\0" * 3_000_000 + "".join(small_log(40)).encode())
    lines, note = store.row("SELECT lines, note FROM source")
    assert lines == 197
    assert "begins with NUL bytes" in note
    assert store.scalar("SELECT count(time) FROM parsed_record") == 197


def test_nothing_but_a_byte_order_mark(store: Store, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"\xef\xbb\xbf")
    with pytest.raises(KroneError, match=r"app\.log is empty"):
        ingest(store, [str(tmp_path / "app.log")])


def test_a_line_that_no_memory_holds(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 10 << 20)
    log = tmp_path / "app.log"
    log.write_bytes(b"2026-03-14 10:00:00 INFO app ok\n" * 300_000 + b"x" * (20 << 20) + b"\nlost\n")
    result = ingest(store, [str(log)])
    assert "a line of more than 10 MB" in result.notes[0]
    assert 250_000 < result.lines <= 300_000
    log.write_bytes(b"x" * (20 << 20))
    with pytest.raises(KroneError, match="not a text log"):
        ingest(store, [str(log)])


@pytest.mark.parametrize(
    "message",
    ["{n} " + "a{n} b=c " * 800, "x" * 200_000 + " {n}", "[" * 4000 + "{n}", '{{"k{n}": ' * 300],
    ids=["pairs", "one word", "brackets", "objects"],
)
def test_many_long_messages(investigated: Callable[[str], Store], message: str) -> None:
    text = "".join(f"2026-03-14 10:00:{n % 60:02} INFO app {message.format(n=n)}\n" for n in range(60))
    began = time.process_time()
    investigated(text)
    assert time.process_time() - began < 5 + SLOWEST * len(text) / 1e6


def test_as_many_templates_as_lines(investigated: Callable[[str], Store]) -> None:
    syllables = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"]

    def word(number: int) -> str:
        return "".join(syllables[int(digit)] for digit in f"{number * 7919 % 1_000_003:06}")

    lines = (
        f"2026-03-14 10:00:{n % 60:02} INFO app {word(n)} {word(n + 7)} {word(n + 31)}\n"
        for n in range(20_000)
    )
    store = investigated("".join(lines))
    assert store.scalar("SELECT count(*) FROM parsed_record") == 20_000


def test_one_execution_of_very_many_records(investigated: Callable[[str], Store]) -> None:
    steps = ["received", "checked", "stored", "sent"]
    lines = (
        f"2026-03-14 10:{n // 60 % 60:02}:{n % 60:02} INFO app req-{'00c0ffee' if n % 20 else f'{n:08x}'} {steps[n % 4]} it\n"
        for n in range(20_000)
    )
    assert investigated("".join(lines)).scalar("SELECT sum(records) FROM execution") == 20_000


def test_all_lines_equal(investigated: Callable[[str], Store]) -> None:
    store = investigated("2026-03-14 10:00:00 INFO app ready\n" * 20_000)
    assert store.scalar("SELECT count(*) FROM template") == 1


# ---------------------------------------------------------------------------------------------------------
# Patterns

_PIECES = [
    "a", "1", "-", "_", ".", "/", ":", "=", "<*>", "a.", "a1", "ab-1", "a@", "a=", 'a="', "{", "[", "(", "<*>.", "<*>/", "a<*>",
    "Jan ", "10.", "ff:", "::", " ", "a ", "<*> ", "\\", '"', "'", "\t", "\x1b[", "k=v ", ",", "é", "2026-03-14 ", "[a] ", "https://",
]  # fmt: skip
_ENDS = ["", "!", "g", "\0"]


def adversarial(length: int) -> list[str]:
    """Long texts that repeat what patterns begin with, and end so that a match fails as late as it can."""
    return [
        start + (piece * (length // len(piece) + 1))[:length] + end
        for start in ("", "ab-")
        for piece in _PIECES
        for end in _ENDS
    ]


_MESSAGE_PATTERNS = {
    name: pattern for name, pattern in vars(identifiers).items() if isinstance(pattern, re.Pattern)
} | {mask.name: re.compile(mask.pattern) for mask in masking.MASKS if mask.per == "shape"}


@pytest.mark.parametrize("name", sorted(_MESSAGE_PATTERNS))
def test_a_pattern_over_messages_takes_time_in_proportion(name: str) -> None:
    length = identifiers.SCANNED_CHARACTERS if name.startswith("_") else masking.FIRST_LINE_LIMIT
    for text in adversarial(length):
        began = time.process_time()
        for _ in _MESSAGE_PATTERNS[name].finditer(text):
            pass
        seconds = time.process_time() - began
        assert seconds < SLOWEST * len(text) / 1e6 + 0.01, (text[:20], text[-5:], seconds)


def test_the_pass_over_all_records_takes_time_in_proportion(store: Store) -> None:
    texts = adversarial(masking.FIRST_LINE_LIMIT)
    rows = pa.table({"line": texts})
    store.connection.register("lines", rows)
    began = time.process_time()
    store.rows(
        "SELECT sum(length(regexp_replace(line, $p, '<*>', 'g'))) FROM lines", {"p": masking.RECORD_PATTERN}
    )
    assert time.process_time() - began < SLOWEST * sum(map(len, texts)) / 1e6


def test_header_formats_take_time_in_proportion(store: Store) -> None:
    layouts = [form.layout for form in header_formats()]
    heads = [
        "2026-03-14 10:00:00 INFO ",
        "[2026-03-14 10:00:00,123] INFO ",
        "Mar 14 10:00:00 host app[1",
        '{"a":',
        "x=",
    ]
    texts = [head + piece * (20_000 // len(piece)) for head in heads for piece in _PIECES]
    began = time.process_time()
    ask(store, [matches(pa.array(texts, pa.large_string()), layouts)])
    assert time.process_time() - began < SLOWEST * sum(map(len, texts)) / 1e6 * 3
    assert wrappers()


# ---------------------------------------------------------------------------------------------------------
# Files that are not what they were


def test_a_file_that_grows_while_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK_BYTES", 4096)
    monkeypatch.setattr(reading, "_READ_BYTES", 4096)
    log = tmp_path / "app.log"
    log.write_text("".join(small_log(400)))
    grown = log.open("a")
    with grown:

        def grow(_report: object) -> None:
            if grown.tell() < 2 * 10**6:
                grown.write("2026-03-14 10:00:00 INFO shop.api [req-ffff] late\n")
                grown.flush()

        result = ingest(store, [str(log)], grow)
    assert result.lines >= 1900
    assert store.scalar("SELECT max(last_line) FROM parsed_record") == result.lines


@pytest.mark.parametrize("what", ["cut", "removed", "rotated"])
def test_a_file_that_changes_while_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(reading, "CHUNK_BYTES", 4096)
    monkeypatch.setattr(reading, "_READ_BYTES", 4096)
    log = tmp_path / "app.log"
    log.write_text("".join(small_log(4000)))
    done = []

    def change(_report: object) -> None:
        if not done:
            done.append(what)
            if what == "cut":
                os.truncate(log, 5000)
            elif what == "removed":
                log.unlink()
            else:
                log.rename(tmp_path / "app.log.1")
                log.write_text("other\n")

    result = ingest(store, [str(log)], change)
    whole = what != "cut"
    assert (result.lines == len(small_log(4000))) is whole
    assert store.scalar("SELECT count(*) FROM parsed_record") == result.records > 0


def test_a_file_that_vanishes_before_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "app.log"
    log.write_text("x\n")
    found = stage.resolve_sources([str(log)])
    log.unlink()
    monkeypatch.setattr(stage, "resolve_sources", lambda _paths: found)
    with pytest.raises(KroneError, match="cannot be read: no such file"):
        ingest(store, [str(log)])


def test_a_pipe_with_a_name(store: Store, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_text("".join(small_log(40))), daemon=True).start()
    assert ingest(store, [str(pipe)]).lines == 197


def test_links_that_lead_in_a_circle(store: Store, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "around").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "a.log").write_text("".join(small_log(40)))
    (tmp_path / "logs" / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    assert ingest(store, [str(tmp_path / "logs")]).lines == 197
    with pytest.raises(KroneError, match="loop of symbolic links"):
        ingest(Store.create(None, SETTINGS), [str(tmp_path / "one")])


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE source; --.log", "-rf", "$(id).log", "a\nb.log", "\x1b[2Jx.log", "x[1].log", "{0}%s.log"],
)
def test_a_name_that_means_something_elsewhere(tmp_path: Path, store: Store, name: str) -> None:
    log = tmp_path / name
    log.write_text("".join(small_log(40)))
    run_stages(store, [str(log)], SETTINGS)
    assert store.rows("SELECT path, lines FROM source") == [(str(log), 197)]


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/random"])
def test_a_device_is_no_log(store: Store, path: str) -> None:
    with pytest.raises(KroneError, match="is a device, not a log"):
        ingest(store, [path])
