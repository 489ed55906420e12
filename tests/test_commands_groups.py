"""`krone-tui groups`: what the records were grouped by, and why."""

import json
import re

from conftest import Krone
from in_terminal import sent_to_terminal


def test_the_choice_its_reason_and_the_runners_up(krone: Krone) -> None:
    out = krone.here("groups", krone.log()).worked().out
    assert out.startswith("40 executions, grouped by req-*.\n")
    assert "100% of the records carry it" in out
    rows = [line for line in out.splitlines() if re.search(r"\d%", line)]
    assert re.match(r">  req-\*  +message +100% +40 ", rows[1]), rows
    against = out.partition("\nWhat speaks against the others:\n")[2]
    assert "\nitem *: a value goes with one kind of step only.\n" in against
    assert "--group-by" in out


def test_what_was_asked_for_is_said(krone: Krone) -> None:
    out = krone.here("groups", krone.log(), "--group-by", r"item (\d+)").worked().out
    assert re.search(r"^>  item \(\\d\+\) ", out, re.MULTILINE)
    assert "It was asked for" in out
    assert re.search(r"^   req-\* ", out, re.MULTILINE)


def test_a_log_without_identifier_is_grouped_by_windows(krone: Krone) -> None:
    path = krone.work / "plain.log"
    path.write_text("".join(f"2026-03-14 00:{n // 60:02}:{n % 60:02} INFO tick\n" for n in range(600)))
    out = krone.here("groups", path).worked().out
    assert re.match(r"\d+ executions, all of them windows: each source's records", out)
    assert "No identifier holds the records together well enough." in out


def test_json_has_every_measure(krone: Krone) -> None:
    found = json.loads(krone.here("groups", krone.log(), "--format", "json").worked().out)
    assert found["grouped_by"] == "req-*"
    assert found["executions"] == 40
    assert [one["name"] for one in found["candidates"] if one["chosen"]] == ["req-*"]
    chosen = found["candidates"][0]
    assert (chosen["coverage"], chosen["executions"], chosen["kind"]) == (1.0, 40, "message")
    assert chosen["score"] == max(one["score"] for one in found["candidates"])
    assert found["candidates"][-1]["name"] == "window"


def test_a_pipe_gets_the_same_whatever_the_terminal(krone: Krone) -> None:
    log = krone.log()
    plain = krone("groups", log, COLUMNS="40", TERM="xterm-256color", FORCE_COLOR="1").worked().out
    assert plain == krone("groups", log, COLUMNS="200", TERM="dumb").worked().out
    assert "\x1b" not in plain


def test_a_terminal_gets_a_table_as_wide_as_itself(krone: Krone) -> None:
    sent = sent_to_terminal(krone, "groups", krone.log(), columns=80)
    table = sent.partition("What speaks")[0]
    assert "─" * 20 in table
    assert max(len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)) for line in table.splitlines()[2:]) <= 80


def test_a_format_that_does_not_exist(krone: Krone) -> None:
    krone.here("groups", krone.log(), "--format", "yaml").failed_with("--format", "json", "'yaml'")
    assert krone.kept() == []
