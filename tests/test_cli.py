"""What `krone-tui scan` prints, and with which exit code."""

import json
import re
from datetime import datetime
from typing import Any

from conftest import Krone, small_log


def executions(krone: Krone, *options: str) -> list[dict[str, Any]]:
    """The JSON lines of the small log."""
    ran = krone.here("scan", krone.log(), "--format", "jsonl", *options).worked()
    assert ran.err == ""
    return [json.loads(line) for line in ran.out.splitlines()]


def test_text_names_the_lines_the_grouping_and_the_failure(krone: Krone) -> None:
    out = krone.here("scan", krone.log()).worked().out
    assert out.startswith("197 lines, 197 records, 2026-03-14 00:00:00 to 2026-03-14 00:01:18\n")
    assert "40 executions, grouped by req-*" in out
    assert "3 flagged" in out
    assert "payment failed" in out


def test_jsonl_holds_the_flagged_executions(krone: Krone) -> None:
    flagged = executions(krone)
    assert [one["execution"] for one in flagged] == ["req-100c", "req-1019", "req-1026"]
    assert {one["flagged"] for one in flagged} == {True}


def test_jsonl_keeps_its_contract(krone: Krone) -> None:
    every = executions(krone, "--all")
    assert len(every) == 40
    assert sum(one["lines"] for one in every) == 197
    assert [one["first_line"] for one in every] == sorted(one["first_line"] for one in every)
    for one in every:
        assert set(one) >= {
            "execution", "grouped_by", "source", "start", "end", "lines", "first_line", "last_line", "flagged",
            "score", "level", "failure_mode", "finding",
        }  # fmt: skip
        assert one["source"].endswith("app.log")
        assert datetime.fromisoformat(one["start"]) <= datetime.fromisoformat(one["end"])
        assert 0 <= one["score"] <= 1
        assert (one["level"] in ("entity", "action", "status")) is one["flagged"]
        assert (one["failure_mode"] is not None) is one["flagged"]
        assert (one["finding"] is not None) is one["flagged"]
        if one["flagged"]:
            finding = one["finding"]
            assert all(
                one["first_line"] <= first <= last <= one["last_line"] for first, last in finding["spans"]
            )
            assert finding["seq"]
            assert all(sentence["text"] for sentence in finding["evidence"])


def test_line_numbers_are_those_of_the_file(krone: Krone) -> None:
    every = executions(krone, "--all", "--with-lines")
    lines = small_log(40)
    for one in every:
        assert len(one["line_numbers"]) == one["lines"]
        assert all(f"[{one['execution']}]" in lines[number - 1] for number in one["line_numbers"])
    assert sorted(number for one in every for number in one["line_numbers"]) == list(range(1, 198))


def test_evidence_points_at_the_lines_that_failed(krone: Krone) -> None:
    lines = small_log(40)
    for one in executions(krone):
        cited = {number for sentence in one["finding"]["evidence"] for number in sentence["lines"]}
        assert any("payment failed" in lines[number - 1] for number in cited)


def test_text_with_all_lists_every_execution(krone: Krone) -> None:
    out = krone.here("scan", krone.log(), "--all").worked().out
    assert (
        len(re.findall(r"^req-\w+  \d records  \d\.\d\d  (?:normal|failure mode \d+)$", out, re.MULTILINE))
        == 40
    )


def test_exit_code_tells_whether_something_is_flagged(krone: Krone) -> None:
    log = krone.log()
    assert krone("scan", log, "--exit-code").code == 1
    assert krone.here("scan", log).code == 0
    calm = krone.work / "calm.log"
    calm.write_text("".join(line for line in small_log(12)), encoding="utf-8")
    assert krone.here("scan", calm, "--exit-code").code == 0


def test_grouping_by_another_identifier(krone: Krone) -> None:
    by_item = executions(krone, "--all", "--group-by", r"item (\d+)")
    assert sum(one["lines"] for one in by_item) == 197
    assert len([one for one in by_item if one["lines"] == 1]) >= 40


def test_a_folder_is_read_without_its_hidden_and_binary_files(krone: Krone) -> None:
    folder = krone.work / "logs"
    folder.mkdir()
    krone.log("logs/app.log")
    (folder / ".hidden.log").write_text("hidden\n")
    (folder / "core").write_bytes(bytes(range(256)) * 20)
    assert krone.here("scan", "logs").worked().out.startswith("197 lines")


def test_several_logs_are_read_together(krone: Krone) -> None:
    krone.log("a.log")
    krone.log("b.log")
    assert krone.here("scan", "a.log", "b.log").worked().out.startswith("394 lines")
    assert krone.here("scan", "a.log", "./a.log").worked().out.startswith("197 lines")


def test_the_version(krone: Krone) -> None:
    assert re.fullmatch(r"krone-tui \d+\.\d+\.\d+\n", krone("--version").worked().out)


def test_help_names_every_option(krone: Krone) -> None:
    out = krone("scan", "--help").worked().out
    for option in (
        "--format",
        "--all",
        "--with-lines",
        "--exit-code",
        "--group-by",
        "--baseline",
        "--normal-before",
    ):
        assert option in out
