"""`krone-tui knowledge`, and verdicts in `krone-tui scan`, as a user runs them."""

import json
from collections.abc import Callable
from pathlib import Path

from conftest import Krone

from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store import targets, views
from krone_tui.store.knowledge import KnowledgeBase
from krone_tui.store.verdicts import NORMAL


def judge(krone: Krone, log: Path, **given: object) -> Path:
    """Say that the first failure mode of a log is normal; returns the knowledge base's file."""
    data = krone.work.parent / "data" / "krone-tui"
    chosen = Settings(cache_dir=krone.cache, data_dir=data, threads=1, **given)  # type: ignore[arg-type]
    with Investigation.open([str(log)], chosen) as one:
        of = targets.mode_target(one.store, views.failure_modes(one.store)[0].failure_mode_id)
        assert of is not None
        one.judging.give(one.store, of, NORMAL, "known: \x1b[31mred")
        assert one.judging.path is not None
        return one.judging.path


def flagged(krone: Krone, *arguments: str | Path) -> int:
    return len(krone.here("scan", *arguments, "--format", "jsonl").worked().out.splitlines())


def test_scan_heeds_verdicts_unless_told_not_to(krone: Krone) -> None:
    log = krone.log()
    assert flagged(krone, log) == 3
    judge(krone, log)
    assert flagged(krone, log) == 0
    assert flagged(krone, log, "--no-knowledge") == 3
    assert "1 verdict: 3 executions cleared" in krone("scan", log, "--exit-code").worked().out
    assert krone.here("scan", log, "--exit-code", "--no-knowledge").code == 1
    rows = [
        json.loads(line)
        for line in krone.here("scan", log, "--all", "--format", "jsonl").worked().out.splitlines()
    ]
    assert [(row["flagged"], row["verdict_by"]) for row in rows if row["verdict"] == "normal"] == [
        (False, "person")
    ] * 3
    assert {row["verdict"] for row in rows} == {"normal", None}


def test_list_shows_verdicts_and_never_obeys_them(krone: Krone) -> None:
    judge(krone, krone.log())
    out = krone.here("knowledge", "list").worked().out
    assert "payment failed" in out
    assert "known: \\x1b[31mred" in out
    assert "\x1b" not in out
    assert "1 verdict in " in out
    assert "0 verdicts in " in krone.here("knowledge", "list", "--search", "nothing like it").worked().out


def test_export_forget_and_import_go_round(krone: Krone) -> None:
    log = krone.log()
    judge(krone, log)
    krone.here("knowledge", "export", "-o", "verdicts.jsonl").worked()
    written = krone.work / "verdicts.jsonl"
    assert written.stat().st_mode & 0o777 == 0o600
    assert krone.here("knowledge", "export").worked().out == written.read_text(encoding="utf-8")
    krone.here("knowledge", "export", "-o", "verdicts.jsonl").failed_with("verdicts.jsonl", "already")
    assert "1 verdict forgotten" in krone.here("knowledge", "forget", "1").worked().out
    assert flagged(krone, log) == 3
    # What was forgotten may come back from a colleague.
    assert "1 new verdict of 1" in krone.here("knowledge", "import", "verdicts.jsonl").worked().out
    assert flagged(krone, log) == 0
    assert "0 new verdicts of 1" in krone("knowledge", "import", "-", stdin=written.read_bytes()).worked().out
    assert (
        "1 new verdict of 1"
        in krone.here("knowledge", "import", "verdicts.jsonl", "--knowledge", "second").worked().out
    )
    krone.here("knowledge", "list").failed_with("app, second", "--knowledge")
    assert "1 verdict in " in krone.here("knowledge", "list", "--knowledge", "second").worked().out


def test_what_cannot_be_done_is_said_in_a_sentence(krone: Krone) -> None:
    krone.here("knowledge", "list").failed_with("no knowledge base yet")
    judge(krone, krone.log())
    krone.here("knowledge", "forget").failed_with("--all")
    krone.here("knowledge", "forget", "7").failed_with("no verdict 7")
    krone.here("knowledge", "list", "--knowledge", "nosuch").failed_with("nosuch")
    krone.here("knowledge", "list", "--knowledge", "no/../such").failed_with("no/../such")
    krone.here("knowledge", "import", "nowhere.jsonl").failed_with("nowhere.jsonl")
    krone.here("knowledge", "import", ".").failed_with("cannot be read")
    krone("knowledge", "import", "-", stdin=b"\xff\xfe").failed_with("UTF-8")
    krone("knowledge", "import", "-", stdin=b'{"scope": "mode"}\n').failed_with("Line 1")


def test_a_damaged_knowledge_base_is_noted_and_the_scan_goes_on(krone: Krone) -> None:
    log = krone.log()
    judge(krone, log).write_bytes(b"no database at all" * 300)
    ran = krone.here("scan", log).worked()
    assert "3 flagged" in ran.out
    assert ran.err.startswith("No verdict counts: ")
    assert len(ran.err.splitlines()) == 1


def test_in_a_data_folder_that_is_read_only_verdicts_count_and_cannot_be_given(
    krone: Krone, obey_permissions: Callable[[], None]
) -> None:
    log = krone.log()
    path = judge(krone, log)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        ran = krone.run([*krone.command, "scan", str(log)], before=obey_permissions).worked()
        assert "0 flagged" in ran.out
        ran = krone.run([*krone.command, "knowledge", "forget", "--all"], before=obey_permissions)
        ran.failed_with(str(path))
    finally:
        path.parent.chmod(0o700)


def test_a_knowledge_base_that_another_program_holds_is_waited_for_then_said(
    krone: Krone,
) -> None:
    path = judge(krone, krone.log())
    with KnowledgeBase.writing(path):
        krone("knowledge", "list").failed_with("in use")
