"""Many small files are read together: what is found is the same, and a file more takes no statement of its own."""

import gzip
import os
from pathlib import Path

import pytest

from krone_tui.ingest import ingest, packed, stage
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

_AT = 1_700_000_000
_TASK = (
    "[2024-03-13T18:30:{0:02d}.861+0000] {{taskinstance.py:1157}} INFO - Starting attempt {0} of 3\n"
    "[2024-03-13T18:30:{0:02d}.871+0000] {{python.py:194}} ERROR - Failed\n"
    "Traceback (most recent call last):\n"
    '  File "task.py", line {0}, in run\n'
    "ValueError: no {0}\n"
)
_KINDS = [
    _TASK,
    "2024-01-01 10:00:{0:02d} INFO shop.api [req-{0}] served\n" * 3,
    "Dec 31 23:59:{0:02d} web app[12]: last\nJan  1 00:00:01 web app[12]: first\n",
    '{{"ts": "2024-01-01T10:00:{0:02d}Z", "level": "warn", "msg": "queue {0}", "shard": {0}}}\n' * 2,
    '{{"log": "2024-01-01 10:00:{0:02d} INFO in a\\n", "stream": "stdout", "time": "2024-01-01T10:00:00Z"}}\n',
    "2024-01-01T10:00:00.000000000Z stdout F 2024-01-01 10:00:{0:02d} INFO in a pod\n" * 2,
    '{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{"body": {{"stringValue": "hi {0}"}}}}]}}]}}]}}\n',
    "time=2024-01-01T10:00:{0:02d}Z level=info msg=ready\n",
    "\x1b[31mERROR\x1b[0m 10:00:{0:02d} red\n",
    "no header {0}\n  but more\n\nand more",
    "",
    "\x00\x01\x02\x03" * 20,
]


def _folder(folder: Path, count: int, kinds: list[str]) -> Path:
    folder.mkdir()
    for number in range(count):
        text = kinds[number % len(kinds)].format(number % 60).encode()
        log = folder / f"{number:04d}.log"
        log.write_bytes(gzip.compress(text, mtime=0) if number % 7 == 3 else text)
        os.utime(log, (_AT + number * 86_400, _AT + number * 86_400))
    return folder


def _read(*paths: Path) -> dict[str, object]:
    with Store.create(None, Settings(threads=2)) as store:
        seen: list[StageProgress] = []
        result = ingest(store, [str(path) for path in paths], seen.append)
        return {
            "records": store.rows("SELECT * FROM parsed_record"),
            "sources": store.rows("SELECT * FROM source"),
            "notes": result.notes,
            "bookmark": packed(result.bookmark),
            # Before the first line of all, what is reported is a matter of time.
            "progress": [done for done in dict.fromkeys(report.done for report in seen) if done],
        }


def test_files_read_together_give_what_each_gives_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _folder(tmp_path / "logs", 26, _KINDS)
    together = _read(folder)
    monkeypatch.setattr(stage, "_SMALL_BYTES", -1)
    one_by_one = _read(folder)
    assert together == one_by_one
    assert len({formats for _, _, formats, *_ in one_by_one["sources"]}) > 7  # type: ignore[attr-defined]


def test_a_file_among_others_gives_what_it_gives_alone(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "logs", 10, _KINDS[:10])
    together = _read(folder)["records"]
    alone = [record[2:] for log in sorted(folder.iterdir()) for record in _read(log)["records"]]  # type: ignore[attr-defined]
    assert [record[2:] for record in together] == alone  # type: ignore[attr-defined]


class _Counted:
    """A DuckDB connection that counts what it is asked."""

    def __init__(self, connection: object) -> None:
        self.connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> object:
        self.statements += name in ("execute", "sql")
        return getattr(self.connection, name)


def test_a_small_file_more_takes_no_statement_of_its_own(tmp_path: Path) -> None:
    asked = []
    for count in (20, 40):
        folder = _folder(tmp_path / str(count), count, [_TASK])
        with Store.create(None, Settings(threads=1)) as store:
            counted = _Counted(store.connection)
            store.connection = counted  # type: ignore[assignment]
            ingest(store, [str(folder)])
            asked.append(counted.statements)
    # Each by itself would take two or more.
    assert asked[1] - asked[0] < 10
