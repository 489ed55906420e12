"""Verdicts and known templates of several knowledge bases put into one."""

from dataclasses import dataclass

import pyarrow as pa

from krone_tui.store.knowledge import KnowledgeBase


@dataclass(frozen=True)
class Given:
    """What people, models and detectors gave a knowledge base: its tables `verdict` and `known_template`."""

    verdict: pa.Table
    known_template: pa.Table


def read_given(kb: KnowledgeBase) -> Given:
    """All verdicts, those taken back too, and all known templates."""
    return Given(kb.arrow("SELECT * FROM verdict"), kb.arrow("SELECT * FROM known_template"))


def add_given(kb: KnowledgeBase, given: Given) -> None:
    """Put verdicts beside those that are there: equal ones become one, taken back where either was.

    All are kept; which one stands (the newest of a source on a key) does not depend on the order of additions, for ids
    are given anew by time.
    """
    kb.connection.register("new_verdict", given.verdict)
    kb.connection.register("new_template", given.known_template)
    for statement in (_ALL_VERDICTS, "DELETE FROM verdict", _VERDICTS, "DROP TABLE all_verdict", _TEMPLATES):
        kb.connection.execute(statement).fetchall()
    kb.connection.unregister("new_verdict")
    kb.connection.unregister("new_template")


_ALL_VERDICTS = """
CREATE OR REPLACE TEMP TABLE all_verdict AS
SELECT * EXCLUDE (verdict_id, retracted_at), max(retracted_at) AS retracted_at
FROM (FROM verdict UNION ALL BY NAME FROM new_verdict) GROUP BY ALL
"""

_VERDICTS = """
INSERT INTO verdict BY NAME
SELECT row_number() OVER (ORDER BY given_at, scope, key, source, verdict, comment, title, path, detail) AS verdict_id, *
FROM all_verdict ORDER BY verdict_id
"""

_TEMPLATES = """
INSERT INTO known_template SELECT text FROM new_template ANTI JOIN known_template USING (text) ORDER BY text
"""
