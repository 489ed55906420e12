"""Mail servers are read so that an id holds the records of a mail, or of a session, together."""

import base64
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from simple_logs import Event, grouped, job, render, syslog, write

from krone_tui.ingest import ingest
from krone_tui.settings import Settings
from krone_tui.store.connection import Store


def seconds(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def mail_id(index: int) -> str:
    """As Exim makes it: the time, the process and a fraction, each of digits and letters."""
    return (
        f"1w1G{chr(65 + index // 26 % 26)}{chr(97 + index % 26)}-0000{index:02x}"[:13] + f"-{index % 60:02}"
    )


EXIM_STEPS = (
    "[2{a}1] {id} <= anna@example.org H=web1 [10.0.4.{a}] P=esmtp S={b}",
    "[2{a}2] {id} => ben@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.9] QT=1s DT=0s",
    "[2{a}2] {id} Completed",
)


@pytest.mark.parametrize("process", [True, False], ids=["with +pid", "without"])
def test_an_exim_mail_is_held_together_by_its_id_whether_or_not_a_process_stands_before_it(
    tmp_path: Path, process: bool
) -> None:
    steps = [step if process else step.partition("] ")[2] for step in EXIM_STEPS]
    rng = random.Random(3)
    work = [job(mail_id(index), 0.8 * index, rng, steps) for index in range(120)]
    with grouped([write(tmp_path / "mainlog", render(work, seconds))]) as (store, result):
        assert result.grouped_by == "id at the start"
        assert (result.executions, result.windows) == (120, 0)
        assert store.scalar("SELECT count(process) FROM parsed_record") == (360 if process else 0)


def test_what_exim_says_before_it_names_its_process_is_no_part_of_a_mail(tmp_path: Path) -> None:
    work = [job(mail_id(index), float(index), random.Random(3), EXIM_STEPS) for index in range(90)]
    work.append([Event(40.0, "Warning: purging the environment.\n Suggested action: use keep_environment.")])
    with grouped([write(tmp_path / "mainlog", render(work, seconds))]) as (store, _):
        found = store.rows(
            "SELECT level, process, message, time IS NOT NULL FROM parsed_record WHERE last_line > first_line"
        )
    said = "purging the environment.\n Suggested action: use keep_environment."
    assert found == [("WARNING", None, said, True)]


def session_id(index: int) -> str:
    """As Dovecot makes it: time and address in base 64, with its signs."""
    return base64.b64encode(random.Random(index).randbytes(6) + b"\xf8\xff\x7f\x00\x00\x01").decode()


DOVECOT_STEPS = (
    "auth: Debug: passwd-file(u{a},10.0.0.{a},<{id}>): Performing passdb lookup",
    "auth: Debug: client in: AUTH\t1\tPLAIN\tservice=imap\tsession={id}\tlip=10.0.0.2\tresp=<hidden>",
    "imap-login: Info: Login: user=<u{a}>, method=PLAIN, rip=10.0.0.{a}, lip=10.0.0.2, session=<{id}>",
    "imap(u{a})<{b}><{id}>: Debug: Mailbox INBOX: Mailbox opened",
    "imap(u{a})<{b}><{id}>: Info: Disconnected: Logged out in={a} out={b}",
)


def dovecot_sessions(count: int, prefix: str = "") -> list[list[Event]]:
    rng = random.Random(7)
    work = [job(session_id(index), 1.2 * index, rng, DOVECOT_STEPS) for index in range(count)]
    work.append(
        [Event(5.0 * index, f"auth: Debug: auth client connected (pid={index})") for index in range(9)]
    )
    return [[Event(event.seconds, prefix + event.text) for event in one] for one in work]


@pytest.mark.parametrize(
    ("stamp", "prefix"),
    [(seconds, ""), (syslog, ""), (syslog, "mx1 dovecot: "), (syslog, "mx1 dovecot[812]: ")],
    ids=["a file of its own", "with the times it has by default", "syslog", "syslog with a process"],
)
def test_a_dovecot_session_is_held_together_however_its_lines_name_it(
    tmp_path: Path, stamp: Callable[[datetime], str], prefix: str
) -> None:
    log = write(tmp_path / "dovecot.log", render(dovecot_sessions(80, prefix), stamp))
    with grouped([log]) as (store, result):
        assert result.grouped_by == "session"
        assert (
            store.scalar("SELECT min(records) FROM execution WHERE NOT is_window")
            == store.scalar("SELECT max(records) FROM execution WHERE NOT is_window")
            == len(DOVECOT_STEPS)
        )
        assert result.executions - result.windows == 80
        assert store.rows(
            "SELECT DISTINCT component, level, host, left(message, 20) FROM parsed_record WHERE process IS NOT NULL ORDER BY ALL"
        ) == [
            ("imap", "DEBUG", "mx1" if prefix else None, "Mailbox INBOX: Mailb"),
            ("imap", "INFO", "mx1" if prefix else None, "Disconnected: Logged"),
        ]


def test_a_few_lines_of_dovecot_amid_another_mail_server_s_are_read_as_its_own(tmp_path: Path) -> None:
    lines = [
        f"Mar 14 08:{n // 60:02}:{n % 60:02} mx1 postfix/qmgr[18]: 4Fx{n:07X}: removed" for n in range(500)
    ]
    for at in (400, 200, 30):
        lines.insert(
            at, "Mar 14 08:00:00 mx1 dovecot: imap(anna)<77><k7Qx0vBgJrUKAAAB>: Error: no space left"
        )
    found = columns(tmp_path, lines, "component, process, level, message, fields->>'session'")
    assert found[30] == ("imap", "77", "ERROR", "no space left", "k7Qx0vBgJrUKAAAB")
    assert found[29] == ("postfix/qmgr", "18", None, "4Fx000001D: removed", None)


def columns(folder: Path, lines: Sequence[str], shown: str) -> list[tuple[object, ...]]:
    log = write(folder / "one.log", lines)
    with Store.create(None, Settings(threads=1)) as store:
        ingest(store, [str(log)])
        return store.rows(f"SELECT {shown} FROM parsed_record ORDER BY record_id")
