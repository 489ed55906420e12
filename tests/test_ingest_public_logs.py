"""Real logs of nine systems, parsed by hand by others: the message must be the one they found."""

import csv
import os
from pathlib import Path

import pytest

from krone_tui.ingest import ingest
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

_DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
_LOGS = sorted((_DATA / "loghub").glob("*_2k.log"))


@pytest.mark.skipif(not _LOGS, reason=f"no public logs in {_DATA}; set KRONE_TUI_BENCH_DATA")
@pytest.mark.parametrize("log", _LOGS or [Path("none")], ids=lambda log: log.stem)
def test_the_message_is_the_hand_parsed_content(log: Path) -> None:
    with Store.create(None, Settings(threads=2)) as store:
        result = ingest(store, [str(log)])
        rows = store.connection.execute(
            "SELECT first_line, last_line, message, time FROM parsed_record ORDER BY record_id"
        ).fetchall()
    with Path(f"{log}_structured.csv").open(encoding="utf-8", newline="") as file:
        contents = [row["Content"].strip() for row in csv.DictReader(file)]
    assert sum(last - first + 1 for first, last, _, _ in rows) == result.lines == len(contents)
    found = {first: message.strip() for first, _, message, _ in rows}
    same = sum(found.get(number) == content for number, content in enumerate(contents, start=1))
    assert same >= 0.99 * len(contents)
    assert all(time is not None for *_, time in rows)
