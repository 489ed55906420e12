"""Header formats are data; every one carries sample lines, and each must be read as it says."""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from krone_tui.ingest import ingest
from krone_tui.ingest.detection import Shape, detect
from krone_tui.ingest.formats import HeaderFormat, header_formats, key_names, wrappers
from krone_tui.settings import Settings
from krone_tui.store.connection import Store
from krone_tui.store.questions import ask
from krone_tui.store.record_layouts import TextLayout
from krone_tui.store.times import Clock

_SAMPLES = [(item, sample) for item in header_formats() for sample in item.samples]
_COLUMNS = ("time", "level", "component", "host", "process", "thread", "message")
_END_OF_2024 = datetime(2024, 12, 31, 12).timestamp()  # noqa: DTZ001 (a leap year, in the machine's zone)


@pytest.fixture(scope="module")
def samples_read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Each sample in a log of its own, all of them read side by side: as many queries as one of them would take.

    What another log was written in is not tried first, as though each were the only one.
    """
    folder = tmp_path_factory.mktemp("samples")
    logs = [folder / f"{number:03}.log" for number in range(len(_SAMPLES))]
    for log, (_, sample) in zip(logs, _SAMPLES, strict=True):
        log.write_text((sample.line + "\n") * 12)
        os.utime(log, (_END_OF_2024, _END_OF_2024))

    def alone(
        store: Store, samples: Sequence[pa.Array], clocks: Sequence[Clock], *_: object
    ) -> list[tuple[Shape, tuple[Shape, ...]]]:
        return [(shape, ()) for shape in ask(store, list(map(detect, samples, clocks)))]

    with pytest.MonkeyPatch.context() as patch, Store.create(None, Settings(threads=1)) as store:
        patch.setattr("krone_tui.ingest.stage.find_shapes", alone)
        # Times since a start are kept in a log that has no others: each is such a log.
        patch.setattr("krone_tui.store.records.settle_elapsed", lambda *_: None)
        assert ingest(store, [str(log) for log in logs]).sources == len(logs)
        yield store


@pytest.mark.parametrize(
    "number", range(len(_SAMPLES)), ids=[f"{item.name}-{n}" for n, (item, _) in enumerate(_SAMPLES)]
)
def test_each_sample_line_is_read_in_its_own_format(samples_read: Store, number: int) -> None:
    item, sample = _SAMPLES[number]
    names = samples_read.rows("SELECT format FROM source WHERE source_id = $number", {"number": number})
    records = samples_read.rows(
        f"SELECT CAST(time AS VARCHAR), {', '.join(_COLUMNS[1:])} FROM parsed_record WHERE source_id = $number",
        {"number": number},
    )
    assert names == [(item.name,)]
    assert len(records) == 12
    found = dict(zip(_COLUMNS, records[0], strict=True))
    expected = {column: sample.expected.get(column) for column in _COLUMNS}
    # The year (the date) that a line leaves out is the file's business, not the format's.
    if str(expected["time"]).startswith("--"):
        found["time"] = "--" + found["time"][5:]
    elif str(expected["time"]).startswith("T"):
        found["time"] = "T" + found["time"][11:]
    assert found == expected


def test_every_format_has_samples_and_a_name_of_its_own() -> None:
    names = [item.name for item in header_formats()] + [item.unwrap.name for item in wrappers()]
    assert len(names) == len(set(names))
    assert all(item.samples for item in header_formats())


@pytest.mark.parametrize(
    "item", [f for f in header_formats() if isinstance(f.layout, TextLayout)], ids=lambda f: f.name
)
def test_a_pattern_captures_by_name_only(item: HeaderFormat) -> None:
    assert isinstance(item.layout, TextLayout)
    unescaped = re.sub(r"\\.|\[(?:\\.|[^\]\\])+\]", "", item.layout.pattern)
    captures = re.findall(r"\((?!\?)|\(\?P<\w+>", unescaped)
    assert all(capture.startswith("(?P<") for capture in captures)
    assert len(item.layout.groups) == len(set(item.layout.groups))


def test_no_key_name_stands_for_two_columns_with_the_same_rank() -> None:
    roles = key_names().roles
    assert {"time", "level", "message", "component", "host", "process", "thread", "status", "error"} == set(
        roles
    )
    assert len({names[0] for names in roles.values()}) == len(roles)


def test_a_program_s_own_header_behind_the_journal_s_is_read_and_its_lines_stay_apart(tmp_path: Path) -> None:
    log = tmp_path / "journal.log"
    lines = [
        "Mar 04 04:30:05 worker-3 kubelet[2111]: E0304 04:30:05.995434    2111 dns.go:153] Nameserver limits exceeded",
        'Mar 04 04:30:06 worker-3 containerd[988]: time="2024-03-04T04:30:06.1Z" level=info msg="StopContainer returns" id=1',
        "Mar 04 04:30:07 worker-3 kernel: eth0: link up",
        "Mar 04 04:30:08 worker-3 kubelet[2111]: I0304 04:30:08.000001    2111 kubelet.go:12] SyncLoop ADD",
    ]
    log.write_text("\n".join(lines * 50) + "\n")
    with Store.create(None, Settings(threads=1)) as store:
        assert ingest(store, [str(log)]).records == 200
        found = store.rows(
            "SELECT DISTINCT host, level, component, message, coalesce(raw, prefix || message) FROM parsed_record ORDER BY 4"
        )
    assert [row[:4] for row in found] == [
        ("worker-3", "E", "dns.go", "Nameserver limits exceeded"),
        ("worker-3", "INFO", "containerd", "StopContainer returns"),
        ("worker-3", "I", "kubelet.go", "SyncLoop ADD"),
        ("worker-3", None, "kernel", "eth0: link up"),
    ]
    assert sorted(row[4] for row in found) == sorted(lines)
