"""The hierarchy stage: from `template` to `node`, and each template's entity, action, status, outcome and
leaf."""

import csv
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from krone_tui.abstraction.extractors import Extractor, RulesExtractor, csv_cell
from krone_tui.abstraction.rules import TemplateText
from krone_tui.errors import KroneError
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.store.connection import Store
from krone_tui.store.hierarchy import LEAF_COLUMNS, template_leaves, template_texts, write_leaves


@dataclass(frozen=True)
class HierarchyResult:
    """What the hierarchy stage made."""

    entities: int
    """Distinct entities: nodes below ROOT."""
    actions: int
    """Distinct (entity, action) pairs: nodes below entities."""
    statuses: int
    """Status nodes: one a template."""
    seconds: float


def build_hierarchy(
    store: Store, source: Extractor | None = None, progress: Progress = silent
) -> HierarchyResult:
    """Fill `node` and the columns entity, action, status, outcome, leaf of `template`; both are made anew
    each time.

    `source` is the extractor, by default the rules. Raises `KroneError` when the source does.
    """
    start = time.perf_counter()
    rows = template_texts(store)
    count = rows.num_rows
    progress(StageProgress("hierarchy", 0, count, "templates"))
    texts = [
        TemplateText(text, component)
        for text, component in zip(rows["text"].to_pylist(), rows["component"].to_pylist(), strict=True)
    ]
    leaves = (source or RulesExtractor()).extract(texts)
    columns = [
        rows["template_id"],
        *([getattr(leaf, name) for leaf in leaves] for name in ("entity", "action", "status", "outcome")),
    ]
    arrays = [
        pa.array(c, f.type) if isinstance(c, list) else c.cast(f.type)
        for c, f in zip(columns, LEAF_COLUMNS, strict=True)
    ]
    nodes = write_leaves(store, pa.table(arrays, schema=LEAF_COLUMNS))
    progress(StageProgress("hierarchy", count, count, "templates"))
    return HierarchyResult(
        nodes.get("entity", 0), nodes.get("action", 0), nodes.get("status", 0), time.perf_counter() - start
    )


def write_hierarchy(store: Store, path: Path) -> None:
    """Write the hierarchy as CSV `template,entity,action,status,outcome`, to be edited and read by
    `FileExtractor`.

    No cell reads as a formula in a spreadsheet. The file is written aside and renamed. Raises `KroneError`.
    """
    rows = template_leaves(store)
    names = ("text", "entity", "action", "status", "outcome")
    aside = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            aside = file.name
            writer = csv.writer(file)
            writer.writerow(("template", *names[1:]))
            writer.writerows(
                [csv_cell(cell or "") for cell in row]
                for row in zip(*(rows[name].to_pylist() for name in names), strict=True)
            )
        Path(aside).replace(path)
    except (OSError, UnicodeError) as error:
        if aside:
            with suppress(OSError):
                os.unlink(aside)  # noqa: PTH108
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise KroneError(f"The hierarchy cannot be written to {path}: {reason}.") from error
