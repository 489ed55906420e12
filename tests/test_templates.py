"""The templates stage on small logs, in a real database."""

import csv
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from krone_tui.abstraction import shapes
from krone_tui.abstraction.templates import TemplatesResult, mine_messages, mine_templates, template_texts
from krone_tui.errors import Cancelled
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store import Store

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.create(None, Settings()) as opened:
        yield opened


def fill(
    store: Store,
    messages: list[str],
    components: list[str | None] | None = None,
    levels: list[str | None] | None = None,
) -> None:
    nothing: list[str | None] = [None] * len(messages)
    numbers = pa.array(range(len(messages)), pa.int64())
    columns = {
        "record_id": numbers,
        "source_id": pa.array([0] * len(messages), pa.int32()),
        "first_line": numbers,
        "last_line": numbers,
        "message": pa.array(messages, pa.string()),
        "component": pa.array(components or nothing, pa.string()),
        "level": pa.array(levels or nothing, pa.string()),
    }
    store.append("parsed_record", pa.table(columns))


def of_records(store: Store) -> list[str]:
    rows = store.arrow("SELECT t.text FROM record JOIN template AS t USING (template_id) ORDER BY record_id")
    texts: list[str] = rows.column("text").to_pylist()
    return texts


def together(*messages: str) -> bool:
    return len(set(mine_messages(messages))) == 1


@pytest.mark.parametrize(
    "pair",
    [
        ("session opened for user bob", "session closed for user bob"),
        ("payment 12 accepted", "payment 13 declined"),
        ("disk sda1 is healthy", "disk sda2 is unhealthy"),
        ("connection to 10.0.0.1:80 refused", "connection to 10.0.0.2:81 reset"),
        ("lock held force=true", "lock held force=false"),
        ("[instance: 7] VM Started", "[instance: 8] VM Stopped"),
        ("task 1 moved from NEW to RUNNING", "task 2 moved from RUNNING to FAILED"),
        ('10.0.0.1 "GET /a/b HTTP/1.1" 200', '10.0.0.2 "DELETE /a/c HTTP/1.1" 200'),
    ],
)
def test_messages_that_differ_in_a_constant_word_stay_apart(pair: tuple[str, str]) -> None:
    assert not together(*pair)


def test_many_different_outcomes_stay_apart_too() -> None:
    verbs = """accepted declined refunded settled voided captured expired disputed reversed rejected blocked
        cancelled retried"""
    messages = [f"payment 1 {verb}" for verb in verbs.split()]
    assert len(set(mine_messages(messages))) == len(messages)


def test_a_failure_among_many_names_keeps_its_own_template() -> None:
    names = ["anna", "bert", "carl", "dora", "emil", "finn", "gina", "hugo"]
    mined = mine_messages([f"lookup of {name} in cache" for name in names] + ["lookup of failed in cache"])
    assert set(mined[:-1]) == {"lookup of <*> in cache"}
    assert mined[-1] == "lookup of failed in cache"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (
            ["Served block blk_-12 to /10.0.0.1", "Served block blk_7 to /10.9.0.1"],
            "Served block blk_<*> to <*>",
        ),
        (
            [f"Failed password for {u}" for u in ["root", "ftp", "git", "backup", "mysql"]],
            "Failed password for <*>",
        ),
        (["session opened for user anna", "session opened for user bert"], "session opened for user <*>"),
        (
            ["in sync with 10.0.0.1, stratum 2", "in sync with LOCAL(0), stratum 10"],
            "in sync with <*>, stratum <*>",
        ),
        (["delete blk_1", "delete blk_1 blk_2", "delete blk_1 blk_2 blk_-3"], "delete blk_<*>"),
        (["free 3.5 KB now", "free 1.0 B now"], "free <*> now"),
        (
            ["from [rack_x1] ok", "from [rack_y1] ok", "from [rack_z2] ok", "from [rack_w2] ok"],
            "from [<*>] ok",
        ),
        (
            [
                "s-12ab opened for ann",
                "s-cafe opened for ann",
                "s-ce41 opened for ann",
                "s-dd1b opened for ann",
            ],
            "s-<*> opened for ann",
        ),
    ],
)
def test_messages_that_differ_in_values_share_a_readable_template(messages: list[str], text: str) -> None:
    assert set(mine_messages(messages)) == {text}


def test_many_first_words_are_a_variable_and_few_are_not() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    users = [f"{a}{b}{a}o joined the cluster" for a, b in zip(letters, reversed(letters), strict=True)]
    assert set(mine_messages(users)) == {"<*> joined the cluster"}
    daemons = [f"{name} startup succeeded" for name in ("cupsd", "klogd", "sdpd", "portmap", "ntpd", "sshd")]
    assert mine_messages(daemons) == daemons


def test_templates_do_not_depend_on_the_order_of_records(store: Store) -> None:
    messages = [f"job {n} {how} on node-{n % 7}" for n in range(60) for how in ("started", "done", "failed")]
    shuffled = random.Random(5).sample(messages, len(messages))
    fill(store, messages)
    mine_templates(store)
    first = store.arrow("SELECT template_id, text, records FROM template ORDER BY ALL").to_pylist()
    with Store.create(None, Settings()) as other:
        fill(other, shuffled)
        mine_templates(other)
        assert (
            other.arrow("SELECT template_id, text, records FROM template ORDER BY ALL").to_pylist() == first
        )


def test_the_tables_say_what_the_records_said(store: Store) -> None:
    fill(
        store,
        ["took 5 ms", "took 7 ms\n  trace", "took 9 ms", "ready", ""],
        ["b", "a", "b", None, None],
        ["INFO", "WARN", "INFO", None, None],
    )
    result = mine_templates(store)
    assert (result.templates, result.shapes, result.records) == (3, 3, 5)
    rows = store.arrow(
        "SELECT template_id, text, records, example, component, level, entity, leaf FROM template ORDER BY 1"
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (1, "took <*>", 3, "took 5 ms", "b", "INFO", None, None),
        (2, "", 1, "", None, None, None, None),
        (3, "ready", 1, "ready", None, None, None, None),
    ]
    shapes = store.arrow(
        "SELECT shape_id, text, records, example, component, template_id FROM shape ORDER BY 1"
    )
    assert tuple(shapes.to_pylist()[0].values()) == (0, "took <*>", 3, "took 5 ms", "b", 1)
    assert of_records(store) == ["took <*>", "took <*>", "took <*>", "ready", ""]


def test_every_record_has_one_template_over_many_chunks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "CHUNK_BYTES", 1)
    messages = [f"step {n} of {kind}" for n in range(900) for kind in ("load", "save", "scan")]
    fill(store, messages)
    heard: list[StageProgress] = []
    mine_templates(store, heard.append)
    assert [report.done for report in heard] == [0, 1000, 2000, 2700]
    assert of_records(store) == [
        f"step <*> of {kind}" for _ in range(900) for kind in ("load", "save", "scan")
    ]


def test_a_second_run_replaces_the_first(store: Store) -> None:
    fill(store, ["a 1", "b 2"])
    first, second = mine_templates(store), mine_templates(store)
    assert (first.templates, first.records) == (second.templates, second.records) == (2, 2)
    assert store.arrow("SELECT count(*) AS n FROM record_shape").to_pylist() == [{"n": 2}]


def test_no_records_are_no_templates(store: Store) -> None:
    result = mine_templates(store)
    assert (result.templates, result.shapes, result.records) == (0, 0, 0)


def test_a_cancelled_run_stops(store: Store) -> None:
    def cancel(_: StageProgress) -> None:
        raise Cancelled("stopped")

    fill(store, ["a"])
    with pytest.raises(Cancelled):
        mine_templates(store, cancel)


def test_messages_without_end_of_variety_are_masked_more_coarsely(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "MAX_SHAPES", 50)
    rng = random.Random(3)
    noise = ["".join(rng.choices("abcdefghij", k=7)) for _ in range(400)]
    fill(
        store,
        [
            f"user typed text {a} and then {b} {c}"
            for a, b, c in zip(noise, noise[1:], noise[2:], strict=False)
        ],
    )
    result = mine_templates(store)
    assert result.shapes <= 50
    assert set(of_records(store)) == {"user typed <*>"}


def test_pure_noise_still_ends_in_a_few_templates(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_SHAPES", 50)
    rng = random.Random(3)
    fill(store, [" ".join("".join(rng.choices("abcdefghij", k=7)) for _ in range(5)) for _ in range(400)])
    assert mine_templates(store).templates == 1


def test_a_large_bucket_of_shapes_is_bounded() -> None:
    rng = random.Random(4)
    words = ["".join(rng.choices("abcdefghij", k=6)) for _ in range(3000)]
    shapes = [f"ask {a} for {b}" for a, b in zip(words, reversed(words), strict=True)]
    assert set(template_texts(shapes)) == {"ask <*> for <*>"}


def test_hostile_bytes_and_giant_messages_are_only_text(store: Store) -> None:
    messages = [
        "\x00\x01 <*> [bold]",
        "'; DROP TABLE shape; --",
        "x " * 5_000_000,
        "A" * 10_000_000,
        "日本語 12",
    ]
    fill(store, messages)
    assert mine_templates(store).records == len(messages)
    assert max(map(len, of_records(store))) < 5000


def benchmark() -> object:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import templates
    finally:
        sys.path.pop(0)
    return templates


def test_grouping_accuracy_on_public_labelled_logs() -> None:
    bench = benchmark()
    files = sorted((bench.DATA / "loghub").glob("*_structured.csv"))  # type: ignore[attr-defined]
    if not files:
        pytest.skip(f"no labelled logs in {bench.DATA}; set KRONE_TUI_BENCH_DATA")  # type: ignore[attr-defined]
    scores = []
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        result, predicted = bench.mined({"message": [row["Content"] for row in rows]})  # type: ignore[attr-defined]
        assert isinstance(result, TemplatesResult)
        scores.append(bench.grouping_accuracy(predicted, [row["EventId"] for row in rows])[0])  # type: ignore[attr-defined]
    assert sum(scores) / len(scores) >= 0.97
    assert min(scores) >= 0.93
