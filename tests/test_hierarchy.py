"""The hierarchy stage fills the tables, and a file can override the rules."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from krone_tui.abstraction.extractors import FileExtractor, RulesExtractor, csv_cell
from krone_tui.abstraction.hierarchy import build_hierarchy, hierarchy_lines
from krone_tui.abstraction.rules import TemplateText
from krone_tui.errors import Cancelled, KroneError
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

TEMPLATES = [
    "Receiving block <*>",
    "Received block <*>",
    "Received block <*> from <*>",
    "Session <*> opened for user <*>",
    "Session <*> closed",
    '=HYPERLINK("http://<*>") refused',
]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.create(None, Settings(_env_file=None)) as store:
        ids = range(10, 10 + len(TEMPLATES))
        store.append(
            "template",
            pa.table(
                {
                    "template_id": pa.array(ids, pa.int32()),
                    "text": TEMPLATES,
                    "records": pa.array([1] * len(TEMPLATES), pa.int64()),
                    "example": TEMPLATES,
                    "component": pa.array([None] * len(TEMPLATES), pa.string()),
                }
            ),
        )
        yield store


def column(store: Store, query: str) -> list[object]:
    return [row[0] for row in store.connection.execute(query).fetchall()]


def test_each_template_is_one_leaf_of_one_tree(store: Store) -> None:
    result = build_hierarchy(store)
    assert column(store, "SELECT level FROM node WHERE node_id = 0") == ["root"]
    assert column(store, "SELECT count(*) FROM node") == [
        1 + result.entities + result.actions + result.statuses
    ]
    assert result.statuses == len(TEMPLATES)
    paths = store.connection.execute(
        """SELECT t.entity = e.name AND t.action = a.name AND t.status = s.name AND e.parent_id = 0
                  AND s.template_id = t.template_id
           FROM template t JOIN node s ON s.node_id = t.leaf JOIN node a ON a.node_id = s.parent_id
           JOIN node e ON e.node_id = a.parent_id"""
    ).fetchall()
    assert paths == [(True,)] * len(TEMPLATES)


def test_two_templates_with_one_status_are_two_nodes(store: Store) -> None:
    build_hierarchy(store)
    assert len(set(column(store, "SELECT leaf FROM template WHERE status = 'received'"))) == 2
    assert column(store, "SELECT DISTINCT entity || '/' || action FROM template WHERE text LIKE 'Rece%'") == [
        "Block/receive"
    ]


def test_building_again_replaces_the_first_tree(store: Store) -> None:
    build_hierarchy(store)
    first = store.connection.execute("SELECT * FROM node ORDER BY 1").fetchall()
    build_hierarchy(store, RulesExtractor())
    assert store.connection.execute("SELECT * FROM node ORDER BY 1").fetchall() == first


def test_a_log_without_templates_has_a_root_alone() -> None:
    with Store.create(None, Settings(_env_file=None)) as empty:
        result = build_hierarchy(empty)
        assert (result.entities, result.actions, result.statuses) == (0, 0, 0)
        assert column(empty, "SELECT name FROM node") == ["ROOT"]


def test_progress_is_reported_and_can_stop_the_stage(store: Store) -> None:
    seen: list[StageProgress] = []
    build_hierarchy(store, progress=seen.append)
    assert (seen[-1].stage, seen[-1].done, seen[-1].total) == ("hierarchy", len(TEMPLATES), len(TEMPLATES))

    def stop(_: StageProgress) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        build_hierarchy(store, progress=stop)


def write_hierarchy(store: Store, path: Path) -> None:
    """As `krone-tui hierarchy -o` does."""
    path.write_text("".join(f"{line}\n" for line in hierarchy_lines(store)), encoding="utf-8")


def test_what_is_written_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    build_hierarchy(store)
    names = "SELECT entity, action, status FROM template ORDER BY template_id"
    before = store.connection.execute(names).fetchall()
    write_hierarchy(store, tmp_path / "tree.csv")
    source = FileExtractor(tmp_path / "tree.csv")
    build_hierarchy(store, source)
    assert store.connection.execute(names).fetchall() == before
    assert source.matched == source.asked == len(TEMPLATES)


def test_no_cell_of_the_written_file_is_a_formula(store: Store, tmp_path: Path) -> None:
    build_hierarchy(store)
    write_hierarchy(store, tmp_path / "tree.csv")
    with (tmp_path / "tree.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert csv_cell("'=x") != csv_cell("=x")


def test_a_file_overrides_what_it_has_and_leaves_the_rest_to_the_rules(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "template,entity,action,status\nreceiving  Block <*>,Replica,copy,failed to copy\n", encoding="utf-8"
    )
    build_hierarchy(store, FileExtractor(path))
    rows = store.connection.execute(
        "SELECT entity, action, status, outcome FROM template ORDER BY template_id"
    ).fetchall()
    assert rows[0] == ("Replica", "copy", "failed to copy", "failure")
    assert rows[1][:3] == ("Block", "receive", "received")


def test_a_published_tree_is_read_with_its_numbers_and_nones_removed(tmp_path: Path) -> None:
    path = tmp_path / "x_krone_tree.csv"
    path.write_text(
        "event_id,log_template,action,status,entity_1,action_1\n"
        "1,Served chunk <*>,serving,none_7,Chunk,serving\n2,Lost chunk <*>,x,failed_12,Chunk,none_0\n",
        encoding="utf-8",
    )
    found = FileExtractor(path).extract(
        [TemplateText("Served chunk <*>", None), TemplateText("Lost chunk <*>", None)]
    )
    assert [(x.entity, x.action, x.status, x.outcome) for x in found] == [
        ("Chunk", "serving", "served", "success"),
        ("Chunk", "report", "failed", "failure"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must begin with the columns"),
        (b"a,b\n1,2\n", "must begin with the columns"),
        (b"template,entity,action,status\n", "holds no template"),
        (b"template,entity,action,status\nonly one\n", "too few columns in line 2"),
        (b'template,entity,action,status\n"open\n', "is not CSV"),
        (b"\xff\xfe\x00bad", "not UTF-8"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(KroneError, match=says) as caught:
        FileExtractor(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KroneError, match="cannot be read"):
        FileExtractor(tmp_path / "none.csv")


DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.mark.skipif(not (DATA / "krone").is_dir(), reason="no benchmark data: set KRONE_TUI_BENCH_DATA")
@pytest.mark.parametrize("path", sorted(DATA.glob("krone/*_krone_tree.csv")), ids=lambda path: path.stem)
def test_published_trees_are_read_whole(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    source = FileExtractor(path)
    found = source.extract([TemplateText(row["log_template"], None) for row in rows])
    assert source.matched == len(rows)
    assert all(leaf.entity and leaf.action and leaf.status for leaf in found)
