"""Identifiers known by their place or shape alone, and those that are used again."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from simple_logs import JOB_STEPS, SESSION_STEPS, Event, grouped, job, render, syslog, write


def test_process_ids_that_are_used_again_and_again_still_tell_executions_apart(tmp_path: Path) -> None:
    rng = random.Random(4)
    work = [
        [
            Event(event.seconds, f"box {event.text}")
            for event in job(str(2000 + index % 20), 200.0 * index, rng, SESSION_STEPS, 3.0)
        ]
        for index in range(200)
    ]
    log = write(tmp_path / "sessions.log", render(work, syslog))
    with grouped([log]) as (_, result):
        assert result.grouped_by in ("process", "component and process")
        assert (result.executions, result.windows) == (200, 0)


def queue_id(index: int) -> str:
    """Ten hexadecimal digits, of which many have no letter and many no digit."""
    rng = random.Random(index)
    return "".join(rng.choice(("0123456789", "ABCDEF", "0123456789ABCDEF")[index % 3]) for _ in range(10))


MAIL_STEPS = (
    "mx1 postfix/smtpd[2{a}]: {id}: client=unknown[10.2.0.{a}]",
    "mx1 postfix/cleanup[3{a}]: {id}: message-id=<9f{b}c{a}e7@example.org>",
    "mx1 postfix/qmgr[18]: {id}: from=<a@example.org>, size={b}, nrcpt=1 (queue active)",
    "mx1 postfix/smtp[4{a}]: {id}: to=<b@example.net>, relay=mail[192.0.2.1]:25, status=sent (250 OK)",
    "mx1 postfix/qmgr[18]: {id}: removed",
)


def test_queue_ids_hold_a_mail_together_whatever_digits_they_have(tmp_path: Path) -> None:
    rng = random.Random(5)
    work = [job(queue_id(index), 1.5 * index, rng, MAIL_STEPS) for index in range(120)]
    log = write(tmp_path / "mail.log", render(work, syslog))
    with grouped([log]) as (store, result):
        assert result.grouped_by == "id at the start"
        assert (result.executions, result.windows) == (120, 0)
        assert store.scalar("SELECT min(records) FROM execution") == len(MAIL_STEPS)


@pytest.mark.parametrize(
    ("candidate", "name"),
    [
        ("id at the start", lambda i: f"1OY{i:03d}-JHLv64-Fi"),
        ("id at the start", lambda i: f"jA9J1UvC{i:06d}"),
        ("address:port", lambda i: f"client 10.0.{i % 3}.7:{41_000 + 13 * i}"),
    ],
    ids=["three parts", "letters and digits", "address and port"],
)
def test_ids_known_by_their_place_or_shape_tell_work_apart(
    tmp_path: Path, candidate: str, name: Callable[[int], str]
) -> None:
    steps = tuple(
        "{id} " + step.partition(": ")[2].replace(" for {id}", "").replace("{id}", "it") for step in JOB_STEPS
    )
    rng = random.Random(6)
    work = [job(name(index), 0.7 * index, rng, steps) for index in range(60)]
    log = write(tmp_path / "work.log", render(work))
    with grouped([log]) as (_, result):
        assert (result.grouped_by, result.executions) == (candidate, 60)


@pytest.mark.parametrize(
    ("candidate", "template", "name"),
    [
        ("task_id=*", '{text}\t{{"task_id": {id}, "runner": "r-7"}}', lambda i: f"{48_120_000 + 7 * i}"),
        ("[id] inside", "{text} worker [{id}]", lambda i: f"{i:08x}-5fc7-{i * 31:06d}@10.5.255.71"),
        ("uuid", "{text} of {id}", lambda i: f"{i * 2654435761 % 2**32:08x}-d6a8-11ef-86bc-5bd1c80ef731"),
        ("run=*", '"{text}" run="{id}" reason="Update"', lambda i: f"team-a/embed-28{i:05d}-x{i % 7}k"),
        ("batch *", "Batch {id}: {text}", lambda i: f"B{71_400 + 3 * i}"),
    ],
    ids=[
        "in a JSON object behind the message",
        "in brackets amid the message",
        "a whole UUID, not a part",
        "a name behind its namespace",
        "a number behind a letter",
    ],
)
def test_ids_inside_the_message_tell_work_apart(
    tmp_path: Path, candidate: str, template: str, name: Callable[[int], str]
) -> None:
    steps = tuple(
        "INFO  "
        + template.replace(
            "{text}",
            step.partition(": ")[2].replace(" for {id}", "").replace("{id}", "it").replace("{b}", "9"),
        )
        for step in JOB_STEPS
    )
    rng = random.Random(7)
    work = [job(name(index), 0.7 * index, rng, steps) for index in range(60)]
    log = write(tmp_path / "work.log", render(work))
    with grouped([log]) as (_, result):
        assert (result.grouped_by, result.executions) == (candidate, 60)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("receiveTimestamp", lambda i: f"2026-03-01T10:00:{i // 4:02d}.5Z"),
        ("flushed", lambda i: f"2026-03-01T10:00:{i // 4:02d}.5Z"),
        ("response.status", lambda i: (200, 204, 404, 500)[i // 80]),
        ("remote_port", lambda i: 41_000 + 13 * (i // 4)),
        ("uptime", lambda i: f"{i // 4}.25s"),
        ("url", lambda i: f"/shop/v2/basket{i // 4}"),
    ],
)
def test_times_measurements_and_paths_are_no_identifiers(
    tmp_path: Path, key: str, value: Callable[[int], object]
) -> None:
    steps = ("taken from the queue", "looked up", "written", "answered")
    lines = []
    for i in range(240):
        first, _, second = key.partition(".")
        field = {first: {second: value(i)} if second else value(i)}
        head = {"ts": f"2026-03-01T10:{i // 60:02d}:{i % 60:02d}Z", "level": "info", "msg": steps[i % 4]}
        lines.append(json.dumps(head | field))
    log = write(tmp_path / "app.log", lines)
    with grouped([log]) as (_, result):
        assert result.grouped_by == "window"


def test_an_uptime_in_brackets_is_no_identifier(tmp_path: Path) -> None:
    steps = ("start of the pause", "marked", "swept", "end of the pause")
    lines = [f"[{i // 4 * 1.75:.3f}s] {steps[i % 4]}" for i in range(240)]
    log = write(tmp_path / "vm.log", lines)
    with grouped([log]) as (_, result):
        assert result.grouped_by == "window"
