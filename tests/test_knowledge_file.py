"""The knowledge base's file and the commands on it: private, whole, shared by processes, left alone when damaged."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TOP, Krone
from simple_logs import jobs, render, settings, write

from krone_tui.errors import KroneError
from krone_tui.knowledge import learn
from krone_tui.store import learnt, merging
from krone_tui.store.knowledge import KnowledgeBase


def test_learn_and_scan_as_a_user_does(krone: Krone) -> None:
    good = krone.log("good.log", 30)
    good.write_text("\n".join(line for line in good.read_text().splitlines() if "refused" not in line) + "\n")
    bad = krone.log("bad.log", 60)
    said = krone("learn", good, "--name", "shop").worked()
    assert said.out.startswith("Learnt shop: 30 executions (2 distinct) of 1 log, grouped by req-*"), said.out
    file = krone.work.parent / "data" / "krone-tui" / "knowledge" / "shop.duckdb"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    scanned = krone("scan", bad, "--baseline", "shop").worked()
    assert "the baseline is the knowledge base shop (30 executions of 1 log)" in scanned.out
    assert "refused" in scanned.out
    before = file.read_bytes()
    krone.here("learn", good, "--name", "shop").failed_with("good.log was learnt into shop before")
    assert file.read_bytes() == before
    copy = krone.work / "copy.log"
    copy.write_bytes(good.read_bytes())
    krone.here("learn", good, copy, "--name", "new").failed_with("copy.log hold the same records")
    assert krone.left_behind() == []


def test_merge_as_a_user_does(krone: Krone) -> None:
    krone.here("learn", krone.log("a.log", 20), "--name", "a").worked()
    krone.here("learn", krone.log("b.log", 30), "--name", "b.duckdb").worked()
    assert (krone.work / "b.duckdb").exists()
    merged = krone.here("merge", "a", "b.duckdb", "-o", "c").worked()
    assert merged.out.startswith("c knows 50 executions"), merged.out
    krone.here("merge", "a", "b.duckdb", "-o", "c").failed_with("--force")
    krone.here("merge", "b.duckdb", "a", "-o", "c", "--force").worked()
    other = krone.work / "notes.duckdb"
    other.write_text("not a knowledge base")
    krone.here("merge", "a", "b.duckdb", "-o", other, "--force").failed_with("is not a knowledge base")
    assert other.read_text() == "not a knowledge base"
    krone.here("merge", "a", "nothing", "-o", "d").failed_with("There is no knowledge base")
    krone.here("merge", "a", "-o", "d").failed_with("at least two")


def test_what_cannot_be_learnt_is_said(krone: Krone) -> None:
    empty = krone.work / "empty.log"
    empty.touch()
    krone.here("learn", empty, "--name", "x").failed_with("empty")
    krone.here("learn", krone.log(), "--name", "a b").failed_with("'a b' cannot name a knowledge base")
    krone.here("scan", krone.log(), "--baseline", "nowhere").failed_with("nowhere does not exist")
    assert not (krone.work.parent / "data" / "krone-tui" / "knowledge" / "x.duckdb").exists()


def test_a_name_that_is_also_a_file_here_is_not_guessed(krone: Krone) -> None:
    log = krone.log("app.log", 30)
    krone.here("learn", log, "--name", "shop").worked()
    (krone.work / "shop").write_bytes(log.read_bytes())
    krone.here("scan", log, "--baseline", "shop").failed_with("name of a knowledge base and of a file here")
    assert "the logs" in krone.here("scan", log, "--baseline", (krone.work / "shop").absolute()).worked().out


def test_a_knowledge_base_with_verdicts_alone_is_no_baseline(krone: Krone) -> None:
    with KnowledgeBase.writing(krone.work / "k.duckdb"):
        pass
    krone.here("scan", krone.log(), "--baseline", "k.duckdb").failed_with("has learnt no log yet")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda whole: b"", "is empty"),
        (lambda whole: b"no database " * 2000, "is not a knowledge base"),
        (lambda whole: whole[: len(whole) // 2], "is damaged"),
        (lambda whole: whole[:20480] + b"x" * 16384 + whole[36864:], "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object, said: str
) -> None:
    monkeypatch.setattr("krone_tui.store.knowledge.PATIENCE", 0.1)
    path = tmp_path / "k.duckdb"
    learn([str(write(tmp_path / "good.log", render(jobs(20, 2))))], path, settings())
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    spoilt = path.read_bytes()
    for opened in (KnowledgeBase.reading, KnowledgeBase.writing):
        with pytest.raises(KroneError, match=said), opened(path) as kb:
            learnt.read(kb)
            merging.read_given(kb)
    assert path.read_bytes() == spoilt


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "k.duckdb"
    with KnowledgeBase.writing(path) as kb:
        kb.set_about("version", "99")
    with pytest.raises(KroneError, match="of version 99"), KnowledgeBase.writing(path):
        pass


def test_a_failure_inside_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "k.duckdb"
    with KnowledgeBase.writing(path):
        pass
    with pytest.raises(ZeroDivisionError), KnowledgeBase.writing(path) as kb:
        kb.set_about("more", "than before")
        raise ZeroDivisionError
    with KnowledgeBase.reading(path) as kb:
        assert "more" not in kb.about()


WRITER = """
import sys
from pathlib import Path
from krone_tui.store.knowledge import KnowledgeBase
for number in range(15):
    with KnowledgeBase.writing(Path(sys.argv[1])) as kb:
        kb.connection.execute("INSERT INTO known_template VALUES ($text)", {"text": f"{sys.argv[2]} {number}"})
"""


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "k.duckdb"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name], cwd=TOP) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with KnowledgeBase.reading(path) as kb:
        assert kb.scalar("SELECT count(*) FROM known_template") == 30
        assert kb.rows("SELECT name FROM about WHERE name = 'version'") == [("version",)]


def test_a_file_in_use_is_waited_for_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "k.duckdb"
    with KnowledgeBase.writing(path):
        pass
    hold = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    monkeypatch.setattr("krone_tui.store.knowledge.PATIENCE", 0.3)
    with pytest.raises(KroneError, match="in use by another program"), KnowledgeBase.reading(path):
        pass
    monkeypatch.undo()
    assert holder.stdin is not None
    holder.stdin.close()
    with KnowledgeBase.writing(path) as kb:
        assert kb.about()["version"] == "1"
    assert holder.wait(timeout=10) == 0
