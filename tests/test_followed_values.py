"""One request through several services that name it differently: its value is followed, its lines say their file."""

import json
import re
from pathlib import Path

import pytest
from simple_logs import investigated

from krone_tui.explanation import evidence
from krone_tui.store import views
from krone_tui.store.lines import short_names

FAILING = (40, 41, 97)


def trace(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}c0ffee{number:04x}"


def write_services(folder: Path, requests: int = 160) -> None:
    """A gateway in JSON, pricing with the id in a column of its own, and a proxy that puts it in braces."""
    folder.mkdir()
    lines: dict[str, list[str]] = {"gateway.log": [], "pricing.log": [], "proxy.log": []}
    for number in range(requests):
        id_, at = trace(number), f"2026-03-14T08:{number // 60:02}:{number % 60:02}"
        failed = number in FAILING

        def said(part: int, message: str, id_: str = id_, at: str = at) -> str:
            return json.dumps({"ts": f"{at}.{part}00Z", "level": "info", "traceId": id_, "msg": message})

        lines["gateway.log"] += [said(1, "checkout received"), said(2, "asking for a price")]
        lines["pricing.log"].append(f"{at.replace('T', ' ')}.300 | INFO     | {id_} | pricing cart")
        if failed:
            lines["pricing.log"].append(f"{at.replace('T', ' ')}.400 | ERROR    | {id_} | database is locked")
            lines["gateway.log"].append(said(5, "checkout ended early"))
        else:
            lines["pricing.log"].append(f"{at.replace('T', ' ')}.400 | INFO     | {id_} | cart priced")
            lines["gateway.log"] += [said(5, "cart priced"), said(6, "checkout completed")]
        lines["proxy.log"].append(
            f"{at}.700Z INFO edge 10.0.0.{number % 9}:4{number:03} {{{id_}}} POST /checkout"
        )
    for name, text in lines.items():
        (folder / name).write_text("\n".join(text) + "\n", encoding="utf-8")


def test_a_request_is_one_execution_however_its_services_name_it(tmp_path: Path) -> None:
    write_services(tmp_path / "services")
    with investigated([tmp_path / "services"]) as store:
        found = views.summary(store)
        assert (found.executions, found.windows, found.grouped_by) == (160, 0, "traceId")
        assert found.grouping_reason.endswith("480 other records have its values elsewhere.")
        files = store.rows(
            """SELECT DISTINCT list(DISTINCT source_id ORDER BY source_id)
               FROM membership JOIN parsed_record USING (record_id) GROUP BY execution_id"""
        )
        assert files == [([0, 1, 2],)]


def test_evidence_names_the_file_of_a_line_in_another_service(tmp_path: Path) -> None:
    write_services(tmp_path / "services")
    with investigated([tmp_path / "services"]) as store:
        flagged = views.executions(store, flagged=True)
        assert {one.identifier for one in flagged} == {trace(number) for number in FAILING}
        first = next(one for one in flagged if one.identifier == trace(40))
        assert first.source.endswith("gateway.log")
        assert views.other_files(store, first.execution_id) == 2
        said = [str(sentence) for sentence in evidence(store, first.execution_id)]
        (locked,) = [sentence for sentence in said if "database is locked” occurs" in sentence]
        line = int(re.findall(r"\(line (\d+) of pricing\.log\)", locked)[0])
        text = (tmp_path / "services" / "pricing.log").read_text(encoding="utf-8").splitlines()[line - 1]
        assert "database is locked" in text and trace(40) in text
        records = views.records(store, first.execution_id)
        assert [record.first_line.place for record in records][-1] == "proxy.log:41"
        assert views.records(store, first.execution_id, 2, 1)[0].first_line.file == "pricing.log"


def test_a_regular_expression_is_looked_for_in_headers_and_json_too(tmp_path: Path) -> None:
    write_services(tmp_path / "services")
    with investigated([tmp_path / "services"], group_by="[0-9a-f]{8}c0ffee[0-9a-f]{4}") as store:
        found = views.summary(store)
        assert (found.executions, found.windows) == (160, 0)
        assert not store.scalar("SELECT count(*) FROM execution WHERE records < 6")


def test_a_number_that_could_be_anything_is_not_followed(tmp_path: Path) -> None:
    lines = []
    for number in range(200):
        at = f"2026-03-14 08:{number // 60:02}:{number % 60:02}"
        lines += [
            f"{at},100 INFO [req={500_000 + number}] received",
            f"{at},200 INFO [req={500_000 + number}] answered",
        ]
        lines += [f"{at},300 INFO read {500_000 + number} bytes in a while"] * 2
    log = tmp_path / "app.log"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with investigated([log], group_by="req=*") as store:
        found = views.summary(store)
        assert found.executions - found.windows == 200
        assert not store.scalar(
            "SELECT count(*) FROM membership JOIN execution USING (execution_id) JOIN template USING (template_id) "
            "WHERE NOT is_window AND text LIKE 'read%'"
        )


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/l/a.log", "/l/b.log"], ["a.log", "b.log"]),
        (["/l/p1/app.log", "/l/p2/app.log", "/l/b.log"], ["p1/app.log", "p2/app.log", "b.log"]),
        (["-"], ["-"]),
        (["a.log", "x/a.log"], ["a.log", "x/a.log"]),
    ],
)
def test_a_file_is_named_as_shortly_as_tells_it_apart(paths: list[str], names: list[str]) -> None:
    assert short_names(paths) == names
