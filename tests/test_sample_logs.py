"""The sample incidents: what is shipped is what the simulator writes, and the labels say what the log shows.

The ground truth is checked against the log's text alone: patterns below, none of them from the simulator.
"""

import csv
import gzip
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "sample_logs"


@dataclass(frozen=True)
class Shape:
    """How an incident's log is read: where a record begins, and where its execution's identifier stands."""

    header: re.Pattern[str]
    identifier: re.Pattern[str]


SHAPES = {
    "pool-exhaustion": Shape(
        re.compile(r"(2026-03-14 \d\d:\d\d:\d\d\.\d{3}) (?:INFO|WARN|ERROR) \[[\w-]+\] c\.shop\.[\w.]+ - "),
        re.compile(r" - \[(req-[0-9a-f]{8})\] "),
    ),
    "bad-node": Shape(
        re.compile(
            r"(2026-04-02T\d\d:\d\d:\d\d\.\d{3}Z) (?:INFO|WARN|ERROR) "
            r"(?:wrk|sched)-\d\d \[[\w-]+\] lake\.[\w.]+: "
        ),
        re.compile(r": (att-\d{4}-\d{5}-\d) "),
    ),
    "credential-attack": Shape(
        re.compile(r"(Apr 1[78] \d\d:\d\d:\d\d) bastion1 [a-z]+(?:\[\d+\])?: "),
        re.compile(r"^\S+ \d+ \S+ bastion1 [a-z]+\[(\d+)\]: "),
    ),
    "rolling-upgrade": Shape(
        re.compile(r'\{"ts":"(2026-05-06T\d\d:\d\d:\d\d\.\d{3}Z)","level":"(?:info|warn)",'),
        re.compile(r'"trace_id":"([0-9a-f]{32})"'),
    ),
}


@dataclass(frozen=True)
class Label:
    """One row of a labels file."""

    execution: str
    label: str
    cause: str
    first_line: int
    last_line: int


@cache
def log_lines(name: str) -> list[str]:
    return gzip.decompress((SAMPLES / f"{name}.log.gz").read_bytes()).decode().splitlines()


@cache
def labels(name: str) -> dict[str, Label]:
    with (SAMPLES / f"{name}.labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            Label(row["execution"], row["label"], row["cause"], int(row["first_line"]), int(row["last_line"]))
            for row in csv.DictReader(file)
        ]
    assert len({row.execution for row in rows}) == len(rows), "an execution is labelled twice"
    return {row.execution: row for row in rows}


@cache
def executions(name: str) -> dict[str, tuple[str, int, int]]:
    """From the log alone: identifier → its records' text, first and last physical line."""
    shape = SHAPES[name]
    found: dict[str, tuple[str, int, int]] = {}
    identifier: str | None = None
    for number, line in enumerate(log_lines(name), start=1):
        if shape.header.match(line):
            match = shape.identifier.search(line)
            identifier = match[1] if match else None
        if identifier is not None:
            text, first, _ = found.get(identifier, ("", number, number))
            found[identifier] = (f"{text}{line}\n", first, number)
    return found


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All incidents, written anew by the command line."""
    folder = tmp_path_factory.mktemp("samples")
    simulate("all", "--out", str(folder))
    return folder


def simulate(*arguments: str) -> str:
    command = [sys.executable, str(SAMPLES / "simulate.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", SHAPES)
def test_shipped_files_are_what_the_simulator_writes(name: str, regenerated: Path) -> None:
    log, again = SAMPLES / f"{name}.log.gz", regenerated / f"{name}.log.gz"
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(log.read_bytes())
    assert (regenerated / f"{name}.labels.csv").read_bytes() == (SAMPLES / f"{name}.labels.csv").read_bytes()
    # zlib-ng packs the same content into other bytes than zlib does.
    if "zlib-ng" not in zlib.ZLIB_RUNTIME_VERSION:
        assert again.read_bytes() == log.read_bytes()


@pytest.mark.parametrize("name", SHAPES)
def test_archives_carry_no_time_and_no_file_name(name: str) -> None:
    header = (SAMPLES / f"{name}.log.gz").read_bytes()[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"
    assert header[4:8] == bytes(4)


def test_another_seed_gives_another_log_of_the_same_kind(tmp_path: Path) -> None:
    simulate("bad-node", "--out", str(tmp_path), "--seed", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad-node.labels.csv", "bad-node.log.gz"]
    other = gzip.decompress((tmp_path / "bad-node.log.gz").read_bytes()).decode().splitlines()
    assert other != log_lines("bad-node")
    assert abs(len(other) / len(log_lines("bad-node")) - 1) < 0.1


def test_an_unknown_incident_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        simulate("no-such-incident", "--out", str(tmp_path))
    assert refused.value.returncode == 2
    assert "no-such-incident" in refused.value.stderr
    assert not list(tmp_path.iterdir())


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.glob("*.*")) < 6_000_000
    assert all(len(log_lines(name)) <= 100_000 for name in SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_records_are_in_order_of_time(name: str) -> None:
    times = [match[1] for line in log_lines(name) if (match := SHAPES[name].header.match(line))]
    assert times == sorted(times)
    continued = [line for line in log_lines(name) if not SHAPES[name].header.match(line)]
    stack = re.compile(r"\tat |\t\.\.\. \d+ more$|Caused by: |(?:com|java|lake)\.[\w.]+: ")
    assert all(stack.match(line) for line in continued)
    assert bool(continued) == (name in ("pool-exhaustion", "bad-node"))


@pytest.mark.parametrize("name", SHAPES)
def test_every_execution_of_the_log_has_one_label_with_its_lines(name: str) -> None:
    from_log = {execution: (first, last) for execution, (_, first, last) in executions(name).items()}
    assert {row.execution: (row.first_line, row.last_line) for row in labels(name).values()} == from_log


@pytest.mark.parametrize("name", SHAPES)
def test_anomalous_executions_are_few_and_have_a_cause(name: str) -> None:
    rows = labels(name).values()
    assert {row.label for row in rows} == {"0", "1"}
    assert all(bool(row.cause) == (row.label == "1") for row in rows)
    assert 0.01 <= sum(row.label == "1" for row in rows) / len(rows) <= 0.05


@pytest.mark.parametrize("name", SHAPES)
def test_executions_run_side_by_side(name: str) -> None:
    rows = list(labels(name).values())
    overlapping = sum(later.first_line <= row.last_line for row, later in pairwise(rows))
    assert overlapping / len(rows) > 0.2


def spray(text: str) -> bool:
    """A password without a key before it, and no session after it."""
    return "password of" in text and "shown for" not in text and " opened for " not in text


def takeover(text: str) -> bool:
    return "password of t.okafor matches" in text and "shown for" not in text


def unchecked(text: str) -> bool:
    return " committed as version" in text and " spills as written" not in text


# What the log itself must show of each cause, in the order in which one cause comes before another.
SIGNS: dict[str, dict[str, Callable[[str], bool]]] = {
    "pool-exhaustion": {
        "rejected-by-breaker": lambda text: "call not sent" in text,
        "pool-timeout": lambda text: "LeaseTimeoutException" in text,
        "connection-leaked": lambda text: text.count(" taken by ") > text.count(" returned after "),
        "capture-missing": lambda text: " created for customer " in text and "capture" not in text.lower(),
        "captured-twice": lambda text: text.count(" confirmed by nordpay") == 2,
    },
    "bad-node": {
        "out-of-memory": lambda text: "OutOfMemoryError" in text,
        "checksum-mismatch": lambda text: "DigestMismatchException" in text,
        "read-over-and-over": lambda text: text.count("short read") >= 4,
        "committed-unchecked": unchecked,
    },
    "credential-attack": {"password-spray": spray, "account-takeover": takeover},
    "rolling-upgrade": {
        "event-parked": lambda text: "parcel.planned.parked" in text,
        "slot-missing": lambda text: "answered 202" in text and " reserved for " not in text,
        "slot-reserved-twice": lambda text: text.count(" reserved for ") == 2,
        "event-read-late": lambda text: "not understood" in text,
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_cause_is_given_where_the_log_shows_it_and_nowhere_else(name: str) -> None:
    def shown(text: str) -> str:
        return next((cause for cause, sign in SIGNS[name].items() if sign(text)), "")

    from_log = {execution: shown(text) for execution, (text, _, _) in executions(name).items()}
    assert {row.execution: row.cause for row in labels(name).values()} == from_log


def test_silent_failures_have_no_line_that_reads_as_one() -> None:
    silent = [row.execution for row in labels("pool-exhaustion").values() if row.cause == "capture-missing"]
    assert silent
    for execution in silent:
        text = executions("pool-exhaustion")[execution][0]
        assert "POST /v1/orders answered 200" in text
        assert not re.search(r"error|fail|exception|timeout|gave up", text, re.IGNORECASE)


def test_warnings_and_stack_traces_are_in_normal_executions_too() -> None:
    for name, oddity in (
        ("pool-exhaustion", "ClientGoneException"),
        ("pool-exhaustion", "slow statement"),
        ("pool-exhaustion", "sending again"),
        ("pool-exhaustion", "try 2 of 2"),
        ("bad-node", "IOException: connection reset"),
        ("bad-node", "short read"),
        ("bad-node", "asked to make room"),
        ("credential-attack", "does not match"),
        ("credential-attack", "not set up yet"),
        ("credential-attack", "3 tries used up"),
        ("rolling-upgrade", "left to the next reader"),
        ("rolling-upgrade", "courier answered busy"),
    ):
        normal = [row.execution for row in labels(name).values() if row.label == "0"]
        assert any(oddity in executions(name)[execution][0] for execution in normal), (name, oddity)


def test_all_of_the_bad_node_is_on_one_worker() -> None:
    disk = {"checksum-mismatch", "read-over-and-over", "committed-unchecked"}
    hosts: dict[str, Counter[str]] = {cause: Counter() for cause in (*disk, "out-of-memory")}
    for row in labels("bad-node").values():
        if row.cause:
            placed = re.search(r" placed on (wrk-\d\d)", executions("bad-node")[row.execution][0])
            assert placed
            hosts[row.cause][placed[1]] += 1
    assert all(set(hosts[cause]) == {"wrk-17"} for cause in disk)
    assert len(hosts["out-of-memory"]) > 3
    finished = [line for line in log_lines("bad-node") if " SUCCEEDED, " in line]
    assert len(finished) == 7
    assert all(" 0 failed" in line for line in finished)


@pytest.mark.parametrize("name", SHAPES)
def test_an_incidents_page_counts_and_names_what_is_in_the_labels(name: str) -> None:
    page = (SAMPLES / f"{name}.md").read_text(encoding="utf-8")
    rows = labels(name)
    counted = {cause: int(count) for cause, count in re.findall(r"^\| `([\w-]+)` \| (\d+) \|", page, re.M)}
    assert counted == Counter(row.cause for row in rows.values() if row.cause)
    examples = re.findall(r"^- `(\S+)` \(`([\w-]+)`, lines (\d+)–(\d+)\)", page, re.M)
    assert {cause for _, cause, _, _ in examples} == set(counted)
    for execution, cause, first, last in examples:
        assert rows[execution] == Label(execution, "1", cause, int(first), int(last))
    assert f"## How krone-tui finds it\n\n    krone-tui sample_logs/{name}.log.gz\n" in page


def test_the_overview_has_the_figures_of_all_four() -> None:
    page = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for name in SHAPES:
        rows = labels(name).values()
        anomalous = sum(row.label == "1" for row in rows)
        figures = f"| {len(log_lines(name)):,} | {len(rows):,} | {anomalous} ({anomalous / len(rows):.1%}) |"
        line = next(line for line in page.splitlines() if line.startswith(f"| [{name}]({name}.md) |"))
        assert figures in line
