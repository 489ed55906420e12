"""What a record says in a line: the one that says something, with the cause that a structured log keeps apart."""

import json
from pathlib import Path

import pytest
from simple_logs import settings

from krone_tui.abstraction import mine_templates
from krone_tui.ingest import ingest
from krone_tui.investigation import Investigation
from krone_tui.store import Store, views


def templates(log: Path, lines: list[str]) -> list[str]:
    """The templates of a log, the most frequent first."""
    log.write_text("\n".join(lines) + "\n")
    with Store.create(None, settings()) as store:
        ingest(store, [str(log)])
        mine_templates(store)
        return [str(text) for (text,) in store.rows("SELECT text FROM template ORDER BY records DESC, text")]


REQUEST = "91787948-26ae-4639-aea0-4b141c2115"


def test_a_first_line_that_is_blank_or_announces_is_told_with_the_next(tmp_path: Path) -> None:
    lines = []
    for number in range(30):
        tag, time = f"[{REQUEST}{number:02}]", f"2026-03-12 08:{number:02}:02.064"
        lines += [f"{time} INFO {tag} Started GET", f"{time} INFO {tag} Completed 200 OK"]
        if number == 20:
            lines += [f"{time} FATAL {tag}   ", f"{tag} Redis::CannotConnectError (refused):", f"{tag}   "]
        if number == 21:
            lines += [f"{time} WARN closing connection:", "missed heartbeats from client", "and more"]
    found = templates(tmp_path / "web.log", lines)
    assert "[<*>] [<*>] Redis::CannotConnectError (refused):" in found
    assert "closing connection: missed heartbeats from client" in found
    assert len(found) == 4


def structured(time: int, **fields: object) -> str:
    return json.dumps({"ts": 1710230469 + time, "level": "info", **fields})


def test_an_error_and_a_failing_status_beside_the_message_are_told_with_it(tmp_path: Path) -> None:
    # The error comes where the sample of lines that decides on the layout does not look.
    lines = [structured(n, msg="request completed", status=200 + n % 2, id=f"r-{n}") for n in range(20_000)]
    lines[7_000] = structured(7_000, msg="request completed", status=503, id="r-7000")
    lines[7_001] = structured(7_001, msg="quote failed", error="tax service: deadline exceeded")
    lines[7_002] = structured(7_002, msg="saved", error=None)
    lines[7_003] = structured(
        7_003, msg="no route to host", err={"message": "no route to host", "stack": "x"}
    )
    assert set(templates(tmp_path / "app.json", lines)) == {
        "request completed",
        "request completed status=5xx",
        "quote failed error=tax service: deadline exceeded",
        "saved",
        "no route to host",
    }


def test_logfmt_tells_its_error_too(tmp_path: Path) -> None:
    lines = [f'time=2026-03-12T08:00:{n % 60:02}Z level=info msg="sync done" shard={n}' for n in range(50)]
    lines[20] = 'time=2026-03-12T08:00:20Z level=error msg="sync failed" err="lost the leader"'
    assert set(templates(tmp_path / "app.log", lines)) == {"sync done", "sync failed error=lost the leader"}


def test_a_json_object_without_a_message_is_put_into_words_its_error_first(tmp_path: Path) -> None:
    def audit(number: int, kind: str, **more: object) -> str:
        token = f"hmac-sha256:{number:08x}c99929854b0154105e55400829b06533"
        auth = {"client_token": token, "policies": ["default", "ci"]}
        return json.dumps(
            {
                "time": f"2026-03-12T08:{number // 60:02}:{number % 60:02}Z",
                "type": kind,
                "auth": auth,
                "request": {"path": "kv/a"},
                **more,
            },
            separators=(",", ":"),
        )

    lines = [audit(number, kind) for number in range(100) for kind in ("request", "response")]
    lines[51] = audit(25, "response", error="1 error occurred:\n\t* permission denied\n\n")
    assert set(templates(tmp_path / "audit.log", lines)) == {
        "type=request auth policies=[default ci] request path=kv/a",
        "type=response auth policies=[default ci] request path=kv/a",
        (
            "error=<*> error occurred: * permission denied type=response auth policies=[default ci] request path=kv/a "
            "error=<*> error occurred:\\n\\t* permission denied\\n\\n"
        ),
    }


@pytest.mark.parametrize(
    "stamp", ["08:{0:02}:{1:02} ", "2026-03-12T08:{0:02}:{1:02}Z ", "[08:{0:02}:{1:02}] "]
)
def test_requests_of_dotnet_s_console_logger_are_told_apart_by_their_scope(
    tmp_path: Path, stamp: str
) -> None:
    lines: list[str] = []
    for number in range(120):
        time = stamp.format(number // 60, number % 60)
        scope = (
            f"      => SpanId:{number:016x}, TraceId:{number + 7:032x}, ParentId:0000000000000000 => ConnectionId:0HN1K2"
            f" => RequestPath:/orders RequestId:0HN1K2:{number:08X}"
        )

        def say(category: str, text: str, level: str = "info", time: str = time, scope: str = scope) -> None:
            lines.extend(
                [f"{time}{level}: Shop.{category}[1]", scope, *(f"      {row}" for row in text.split("\n"))]
            )

        say("Hosting", "Request starting HTTP/1.1 POST http://shop/orders")
        if number == 70:
            say(
                "Database",
                "Failed executing the command\nSELECT 1\nSystem.TimeoutException: no answer",
                "fail",
            )
        else:
            say("Database", "Executed the command\nSELECT 1")
            say("Orders", f"Order {number} saved")
        say("Hosting", "Request finished HTTP/1.1 POST http://shop/orders")
    log = tmp_path / "shop.log"
    log.write_text("\n".join(lines) + "\n")
    with Investigation.open([str(log)], settings()) as investigation:
        summary = views.summary(investigation.store)
        assert (summary.executions, summary.grouped_by, summary.flagged) == (120, "RequestId", 1)
        mode = views.failure_modes(investigation.store)[0]
        assert mode.title == "Failed executing the command"


def test_dhcp_s_conversations_are_told_apart_by_the_card_s_address(tmp_path: Path) -> None:
    lines = []
    for number in range(200):
        card = f"aa:bb:cc:00:{number // 256:02x}:{number % 256:02x}"
        for step, text in enumerate(
            ("DHCPDISCOVER from {0}", "DHCPOFFER on 10.0.{1}.9 to {0}", "DHCPREQUEST for 10.0.{1}.9 from {0}")
        ):
            lines.append(
                f"Mar 12 08:{number // 60:02}:{number % 60:02} gate dhcpd[7]: {text.format(card, number)} via eth{step % 2}"
            )
    log = tmp_path / "dhcpd.log"
    log.write_text("\n".join(lines) + "\n")
    with Investigation.open([str(log)], settings()) as investigation:
        summary = views.summary(investigation.store)
        assert (summary.executions, summary.grouped_by) == (200, "MAC address")


PLAYERS = ("Maja", "CreeperTom", "Notch", "Dragon", "BuilderBob", "Anna")
EVENTS = ("joined the game", "left the game", "was slain by Zombie", "lost connection: Disconnected")


def test_names_that_several_statements_begin_with_are_no_statements_of_their_own(tmp_path: Path) -> None:
    lines = [f"2026-03-12 08:00:00 INFO {player} {event}" for player in PLAYERS for event in EVENTS]
    lines += [
        f"2026-03-12 08:00:01 INFO {verb} the {thing} service"
        for verb in ("Starting", "Started", "Stopping", "Stopped", "Reloading", "Reloaded")
        for thing in ("mail", "web", "time", "name")
    ]
    found = templates(tmp_path / "game.log", lines)
    assert {f"<*> {event}" for event in EVENTS} <= set(found)
    assert any(text.startswith("Starting the") for text in found)
    assert any(text.startswith("Stopped the") for text in found)


def test_a_process_in_the_header_that_addresses_confirm_keeps_the_records_without_an_address(
    tmp_path: Path,
) -> None:
    lines = []
    for number in range(150):
        process, address = f"<0.{1000 + 7 * number}.0>", f"10.42.{number % 4}.95:{40000 + number}"
        head = f"2026-03-12 08:{number // 60:02}:{number % 60:02}.724990+00:00 [info] {process}"
        lines += [
            f"{head} accepting AMQP connection {process} ({address} -> 10.42.0.5:5672)",
            f"{head} connection {process} ({address} -> 10.42.0.5:5672) has a name: worker",
        ]
        if number % 30 == 7:
            lines.append(
                f"{head.replace('info', 'error')} PLAIN login refused: user 'orders' - invalid credentials"
            )
        lines.append(f"{head} closing AMQP connection {process} ({address} -> 10.42.0.5:5672)")
    log = tmp_path / "broker.log"
    log.write_text("\n".join(lines) + "\n")
    with Investigation.open([str(log)], settings()) as investigation:
        summary = views.summary(investigation.store)
        assert (summary.executions, summary.grouped_by, summary.flagged) == (150, "thread", 5)
