"""Verdicts in a knowledge base: given, taken back, listed, carried to another one as JSON lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from krone_tui.errors import KroneError
from krone_tui.store.connection import Store
from krone_tui.store.knowledge import KnowledgeBase
from krone_tui.store.overlay import Word

NORMAL, ANOMALOUS = "normal", "anomalous"
MODE, SEQ = "mode", "seq"
PERSON, MODEL, DETECTOR = "person", "model", "detector"
_LONGEST = 10_000
"""Characters of any text in an imported verdict."""


@dataclass(frozen=True)
class Verdict:
    """One verdict as it is given."""

    scope: str
    """'mode' or 'seq'."""
    key: str
    verdict: str
    """'normal' or 'anomalous'."""
    source: str
    """'person', 'model' or 'detector'."""
    given_at: datetime
    """In UTC, without a zone."""
    comment: str | None
    title: str
    path: str
    detail: str | None = None
    """JSON."""


@dataclass(frozen=True)
class VerdictRow(Verdict):
    """One verdict as it is kept: the latest of its source on its key that was not taken back."""

    verdict_id: int = 0
    in_force: bool = True
    """False where a stronger source's word stands over it."""


def now() -> datetime:
    """The time, as verdicts carry it."""
    return datetime.now(UTC).replace(tzinfo=None)


_LATEST = """
latest AS (
    SELECT * FROM verdict WHERE retracted_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY scope, key, source ORDER BY given_at DESC, verdict_id DESC) = 1
)
"""
_RANK = "CASE source WHEN 'person' THEN 0 WHEN 'model' THEN 1 ELSE 2 END"


def listed(base: KnowledgeBase) -> list[VerdictRow]:
    """One row for each source on each key, the latest first."""
    rows = base.rows(
        f"""
        WITH {_LATEST}
        SELECT scope, key, verdict, source, given_at, comment, coalesce(title, ''), coalesce(path, ''), detail, verdict_id,
               source <> '{DETECTOR}' AND row_number() OVER (PARTITION BY scope, key ORDER BY {_RANK}) = 1
        FROM latest ORDER BY given_at DESC, verdict_id DESC
        """
    )
    return [VerdictRow(*row) for row in rows]


def words(base: KnowledgeBase) -> list[Word]:
    """What counts: of each key a person's word, or else a model's."""
    return [
        Word(row.scope, row.key, row.verdict, row.source, row.given_at, row.comment, row.title, row.path)
        for row in listed(base)
        if row.in_force
    ]


def add(base: KnowledgeBase, given: Sequence[Verdict]) -> list[int]:
    """Keep verdicts; returns their ids."""
    first = int(base.scalar("SELECT coalesce(max(verdict_id), 0) + 1 FROM verdict"))
    ids = list(range(first, first + len(given)))
    schema = pa.schema(
        [("verdict_id", pa.int64())]
        + [(name, pa.timestamp("us") if name == "given_at" else pa.string()) for name in _FIELDS]
    )
    rows = [
        {"verdict_id": number, **{name: getattr(one, name) for name in _FIELDS}}
        for number, one in zip(ids, given, strict=True)
    ]
    base.append("verdict", pa.Table.from_pylist(rows, schema))
    return ids


def forget(base: KnowledgeBase, ids: Sequence[int]) -> list[int]:
    """Take verdicts back, with the earlier ones of the same source on the same key; returns the ids of all of these."""
    rows = base.rows(
        """
        UPDATE verdict SET retracted_at = $now
        WHERE retracted_at IS NULL
          AND (scope, key, source) IN (SELECT (scope, key, source) FROM verdict WHERE verdict_id IN (SELECT unnest($ids)))
        RETURNING verdict_id
        """,
        {"now": now(), "ids": list(ids)},
    )
    return [int(row[0]) for row in rows]


def retract(base: KnowledgeBase, ids: Sequence[int]) -> None:
    """Take back just these verdicts: an earlier one of the same source on the same key stands again."""
    base.rows(
        "UPDATE verdict SET retracted_at = $now WHERE retracted_at IS NULL AND verdict_id IN (SELECT unnest($ids))",
        {"now": now(), "ids": list(ids)},
    )


def restore(base: KnowledgeBase, ids: Sequence[int]) -> None:
    """Let verdicts that were taken back stand again."""
    base.rows(
        "UPDATE verdict SET retracted_at = NULL WHERE verdict_id IN (SELECT unnest($ids))", {"ids": list(ids)}
    )


def remember_templates(base: KnowledgeBase, texts: Iterable[str]) -> None:
    """Keep the texts of a log's templates; by them the next log of the same application is recognised."""
    base.connection.register("texts", pa.table({"text": pa.array(list(texts), pa.string())}))
    base.rows(
        "INSERT INTO known_template SELECT DISTINCT text FROM texts ANTI JOIN known_template USING (text)"
    )
    base.connection.unregister("texts")


def coverage(base: KnowledgeBase, store: Store) -> float:
    """0…1: the share of a log's records whose template, or masked message, the knowledge base has met."""
    best, total = 0, 0
    for known, texts in (
        ("known_template", store.arrow("SELECT text, records FROM template")),
        ("shape", store.arrow("SELECT text, records FROM shape")),
    ):
        base.connection.register("texts", texts)
        # One row: records of the log, and those of them that are known.
        records, met = base.row(
            f"SELECT coalesce(sum(records), 0), coalesce(sum(records) FILTER (text IN (SELECT text FROM {known})), 0) FROM texts"
        )
        base.connection.unregister("texts")
        best, total = max(best, int(met)), max(total, int(records))
    return best / total if total else 0.0


_FIELDS = ("scope", "key", "verdict", "source", "given_at", "comment", "title", "path", "detail")


def to_json_lines(rows: Iterable[Verdict]) -> Iterator[str]:
    """One verdict a line, for a colleague."""
    for row in rows:
        fields = {name: getattr(row, name) for name in _FIELDS}
        yield json.dumps({**fields, "given_at": row.given_at.isoformat()})


def from_json_lines(lines: Iterable[str]) -> list[Verdict]:
    """The verdicts in lines that `to_json_lines` wrote. Raises `KroneError` that names the first line that is none."""
    return [_verdict(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def from_file(path: Path) -> list[Verdict]:
    """The verdicts in a file of such lines. Raises `KroneError`."""
    try:
        with path.open(encoding="utf-8") as lines:
            return from_json_lines(lines)
    except UnicodeDecodeError:
        raise KroneError(f"{path} is no file of verdicts: it is not UTF-8.") from None
    except (OSError, ValueError) as error:
        raise KroneError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def bring_in(base: KnowledgeBase, given: Sequence[Verdict]) -> list[int]:
    """Keep those verdicts that do not stand there yet; returns their ids."""
    kept = {
        tuple(row)
        for row in base.rows(
            "SELECT scope, key, verdict, source, given_at FROM verdict WHERE retracted_at IS NULL"
        )
    }
    new = {}
    for one in given:
        identity = (one.scope, one.key, one.verdict, one.source, one.given_at)
        if identity not in kept:
            new[identity] = one
    return add(base, list(new.values())) if new else []


def _verdict(number: int, line: str) -> Verdict:
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise KroneError(f"Line {number} is no verdict: it is not JSON.") from None
    if not isinstance(fields, dict):
        raise KroneError(f"Line {number} is no verdict: it is no JSON object.")
    for name, allowed in (
        ("scope", (MODE, SEQ)),
        ("verdict", (NORMAL, ANOMALOUS)),
        ("source", (PERSON, MODEL, DETECTOR)),
    ):
        if fields.get(name) not in allowed:
            raise KroneError(f"Line {number} is no verdict: its '{name}' is none of {', '.join(allowed)}.")
    texts = {name: fields.get(name) for name in ("key", "comment", "title", "path", "detail")}
    for name, value in texts.items():
        missing = value is None and name in ("key", "title", "path")
        if missing or not (value is None or (isinstance(value, str) and _is_text(value))):
            raise KroneError(
                f"Line {number} is no verdict: its '{name}' is no text of at most {_LONGEST:,} characters."
            )
    try:
        given_at = datetime.fromisoformat(fields["given_at"])
        if given_at.tzinfo is not None:
            given_at = given_at.astimezone(UTC).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise KroneError(
            f"Line {number} is no verdict: its 'given_at' is no time like 2026-03-14T02:10:00."
        ) from None
    return Verdict(
        fields["scope"], str(texts["key"]), fields["verdict"], fields["source"], given_at, texts["comment"],
        str(texts["title"]), str(texts["path"]), texts["detail"],
    )  # fmt: skip


def _is_text(value: str) -> bool:
    """Whether a string can be kept: not too long, and without half a surrogate pair."""
    try:
        return len(value) <= _LONGEST and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False
