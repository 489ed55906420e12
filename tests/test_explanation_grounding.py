"""A sentence is fact only when the lines it cites bear it out."""

import pytest

from krone_tui.explanation.grounding import ground, parse_answer
from krone_tui.explanation.request import Fact, LogRecord, Prompt

PROMPT = Prompt(
    "",
    "",
    facts=(
        Fact(
            "After “allocate” 19,421 of 19,421 normal executions show “receiving”; "
            "here “writeBlock exception” follows",
            (12, 15),
        ),
        Fact("The step “capture” is missing"),
    ),
    records=(
        LogRecord(12, "allocating blk_7 on 10.0.0.7:50010", level="INFO"),
        LogRecord(15, "writeBlock blk_7 received exception java.io.IOException [disk 3]", level="ERROR"),
        LogRecord(19, "heartbeat of 10.0.0.9 took 41 ms"),
    ),
    context="Place: storage › write",
)


def answer(sentence: str) -> str:
    rest = "Why it is unusual: Capture is missing. [E2]\nWhat to check next: Check blk_7. [12]"
    return f"Verdict: anomalous\nWhat happened: {sentence}\n{rest}"


@pytest.mark.parametrize(
    "sentence",
    [
        "The block blk_7 was allocated on 10.0.0.7:50010. [12]",
        "An exception was received while writing blk_7. [12, 15]",
        "Receiving follows in 19421 of 19,421 normal executions. [12]",
        "The log says “writeBlock blk_7 received exception java.io.IOException (disk 3)”. [15]",
        'It says "received exception" while the storage writes. [15]',
        "The heartbeat took 41 ms. [19]",
    ],
)
def test_what_the_cited_lines_say_is_supported(sentence: str) -> None:
    claim = ground(answer(sentence), PROMPT)[1][0]
    assert claim.supported, claim.why_not
    assert claim.why_not == ""


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The block blk_7 was allocated. [99]", "line 99, which it was not given"),
        ("Evidence says so. [E9]", "E9, which it was not given"),
        ("The block blk_8 was allocated. [12]", "does not name blk_8"),
        ("The block blk_7 was allocated. [19]", "does not"),
        ("The heartbeat took 4 ms. [19]", "does not name 4"),
        ("The heartbeat of 10.0.0 took long. [19]", "does not name 10.0.0"),
        ("The heartbeat of 10.0.0.7:50010 came. [19]", "does not name 10.0.0.7:50010"),
        ("The heartbeat took three ms. [19]", "does not say three"),
        ("A firewall dropped the heartbeat. [19]", "“firewall”"),
        ('It says "disk full" here. [15]', "“disk full”"),
        ("The heartbeat was not received. [19]", "denies"),
        ("This execution is unusual. [12]", "says nothing of what it cites"),
        ("The block blk_7 was allocated.", "cites no line"),
    ],
)
def test_what_they_do_not_say_is_not(sentence: str, why: str) -> None:
    claim = ground(answer(sentence), PROMPT)[1][0]
    assert not claim.supported
    assert why in claim.why_not
    assert claim.text, "it is kept"


def test_an_answer_is_taken_apart_into_its_parts() -> None:
    verdict, claims, whole = ground(answer("One blk_7. [12] Two exceptions. [15, 19]"), PROMPT)
    assert verdict == "anomalous"
    assert whole
    assert [(claim.part, claim.lines) for claim in claims] == [
        ("What happened", (12,)),
        ("What happened", (15, 19)),
        ("Why it is unusual", ()),
        ("What to check next", (12,)),
    ]


@pytest.mark.parametrize("cut", range(0, 150, 7))
def test_an_answer_cut_short_is_never_whole(cut: int) -> None:
    text = answer("The block blk_7 was allocated. [12]")
    _, claims, whole = ground(text[:cut], PROMPT)
    assert whole == (cut >= len(text))
    assert all(claim.lines or claim.why_not or "E2" in text[:cut] for claim in claims)


def test_a_log_that_quotes_an_answer_does_not_become_one() -> None:
    _, claims, _ = parse_answer(answer("The log says “Verdict: probably normal (1)”. [12]"))
    assert claims[0] == ("What happened", "The log says “Verdict: probably normal (1)”.", ("12",))
