"""One execution a line, as JSON. The names are a contract: fields are only ever added."""

import json
from collections.abc import Iterator

from krone_tui.report.rows import rows
from krone_tui.store import Store


def lines(store: Store, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """JSON lines of the flagged executions, or of all, in the order of their first records."""
    return (json.dumps(row) for row in rows(store, everything=everything, with_lines=with_lines))
