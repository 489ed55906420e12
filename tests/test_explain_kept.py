"""An explanation that was given before, told of another execution: its own lines, its own words, held against its records."""

from dataclasses import replace
from pathlib import Path

import pytest
from simple_logs import JOB_STEPS, UNSEEN_ERROR, investigated, jobs, render, write

from krone_tui.explanation import (
    Claim,
    Explanation,
    Fact,
    KeptExplanations,
    LogRecord,
    ModelFile,
    Places,
    Request,
    places_of,
    request_for,
)
from krone_tui.settings import Settings
from krone_tui.store import views

TEMPLATES = ("accepted <*>", "wrote <*>", "wrote <*>", "disk <*> failed", "closed <*>")


def occasion(first: int, name: str, before: int = 0, disk: str = "sda") -> tuple[Request, Places]:
    """The same Seq in another execution: `before` more records stand in front of it."""
    words = [f"accepted {name}", f"wrote {name}", f"wrote {name}", f"disk {disk} failed", f"closed {name}"]
    lines = tuple(range(first, first + 3 * (before + 5), 3))
    records = tuple(
        LogRecord(line, text, deviating="failed" in text)
        for line, text in zip(lines[before:], words, strict=True)
    )
    facts = (
        Fact("“disk <*> failed” occurs; none of 90 normal executions has it", (records[3].line,)),
        Fact("4 executions fail this way"),
    )
    templates = ("ping <*>",) * before + TEMPLATES
    return Request("Disk › fail", "this log itself", facts, records), Places(before, lines, templates)


def said(text: str, *lines: int, supported: bool = True) -> Claim:
    return Claim("What happened", text, lines, supported, "" if supported else "cites no line")


def explanation(*claims: Claim) -> Explanation:
    return Explanation("anomalous", claims, True, "m", 1, 1.0, 1.0, 100, 20)


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    return ModelFile(tmp_path / "m.gguf", 4, "setting")


@pytest.fixture
def kept(tmp_path: Path) -> KeptExplanations:
    return KeptExplanations(Settings(data_dir=tmp_path / "data", llm=None))


FIRST = occasion(100, "job-1")
GIVEN = explanation(
    said("The log says “wrote job-1”.", 106),
    said("Evidence: “disk <*> failed” occurs; none of 90 normal executions has it.", 109),
    said("Evidence: 4 executions fail this way."),
    said("After the job wrote, a disk failed: sda.", 106, 109),
    said("Ask somebody.", supported=False),
)


def test_for_the_same_execution_it_is_what_was_said(kept: KeptExplanations, model: ModelFile) -> None:
    kept.put(1, model, GIVEN, *FIRST)
    assert kept.get(1, model, *FIRST) == GIVEN
    assert kept.get(2, model, *FIRST) is None


@pytest.mark.parametrize("before", [0, 2])
def test_for_another_execution_lines_and_quotations_are_its_own(
    kept: KeptExplanations, model: ModelFile, before: int
) -> None:
    kept.put(1, model, GIVEN, *FIRST)
    there = occasion(500, "job-7", before)
    told = kept.get(1, model, *there)
    assert told is not None
    wrote, failed = there[0].records[2].line, there[0].records[3].line
    assert [claim.lines for claim in told.sentences] == [(wrote,), (failed,), (), (wrote, failed), ()]
    assert told.sentences[0].text == "The log says “wrote job-7”."
    assert [claim.supported for claim in told.sentences] == [True, True, True, True, False]
    assert replace(told, sentences=()) == replace(GIVEN, sentences=())


def test_what_does_not_hold_there_is_marked(kept: KeptExplanations, model: ModelFile) -> None:
    kept.put(1, model, GIVEN, *FIRST)
    request, places = occasion(500, "job-7", disk="nvme0")
    fewer = replace(request, facts=(request.facts[0], Fact("No other execution fails this way")))
    told = kept.get(1, model, fewer, places)
    assert told is not None
    assert [claim.supported for claim in told.sentences] == [True, True, False, False, False]
    assert "sda" in told.sentences[3].why_not


def test_a_record_that_is_not_there_is_not_cited(kept: KeptExplanations, model: ModelFile) -> None:
    kept.put(1, model, GIVEN, *FIRST)
    request, places = occasion(500, "job-7")
    short = Places(places.start, places.lines[:1] + places.lines[3:], TEMPLATES[:1] + TEMPLATES[3:])
    told = kept.get(1, model, request, short)
    assert told is not None
    assert told.sentences[0].lines == ()
    assert told.sentences[0].why_not == "rests on a record that this execution does not have"
    assert told.sentences[3].lines == (509,)
    assert not told.sentences[3].supported


def test_of_a_record_elsewhere_the_one_with_the_same_number_is_meant() -> None:
    places = Places(0, (1, 4, 9, 11), ("a", "b", "a", "b"))
    assert [places.find(_place(offset, "a", number)) for offset, number in ((2, 1), (1, 1), (0, 0), (1, 2))] == [
        9, 9, 1, None,
    ]  # fmt: skip


def _place(offset: int, template: str, number: int):  # type: ignore[no-untyped-def]
    from krone_tui.explanation.kept import _Place

    return _Place(offset, template, number, "")


def test_two_executions_of_one_log_that_fail_alike(
    tmp_path: Path, kept: KeptExplanations, model: ModelFile
) -> None:
    odd = {20: (*JOB_STEPS[:3], UNSEEN_ERROR), 90: (*JOB_STEPS[:3], UNSEEN_ERROR)}
    log = write(tmp_path / "work.log", render(jobs(150, 1, odd, name=lambda index: f"blk_{3000 + index}")))
    text = log.read_text().splitlines()
    with investigated([log]) as store:
        one, other = (views.find_execution(store, f"blk_{3000 + index}") for index in odd)
        assert one is not None and other is not None
        (request, seq), (others, same) = (request_for(store, each.execution_id) for each in (one, other))
        assert seq == same
        at = next(record.line for record in request.records if record.deviating)
        given = explanation(said(f"The log says “{request.records[-1].message}”.", at))
        kept.put(seq, model, given, request, places_of(store, one.execution_id))
        told = kept.get(seq, model, others, places_of(store, other.execution_id))
    assert told is not None
    (claim,) = told.sentences
    assert "blk_3020" in given.sentences[0].text
    assert "blk_3090" in claim.text and "blk_3020" not in claim.text
    assert "checksum mismatch" in text[claim.lines[0] - 1] and "blk_3090" in text[claim.lines[0] - 1]
    assert claim.supported
