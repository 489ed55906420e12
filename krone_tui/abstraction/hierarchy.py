"""The hierarchy stage: from `template` to `node`, and each template's entity, action, status, outcome and
leaf."""

import csv
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from krone_tui.abstraction.extractors import Extractor, RulesExtractor, csv_cell, shown
from krone_tui.abstraction.rules import TemplateText
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
    counts: Mapping[str, int] = field(default_factory=dict)
    """What the extractor did and took."""


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
    extractor = source or RulesExtractor()
    leaves = extractor.extract(texts)
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
        nodes.get("entity", 0),
        nodes.get("action", 0),
        nodes.get("status", 0),
        time.perf_counter() - start,
        extractor.counts,
    )


def hierarchy_lines(store: Store) -> Iterator[str]:
    """The hierarchy as CSV `template,entity,action,status,outcome`, a row at a time without its line end.

    No cell reads as a formula in a spreadsheet, none holds a control character; `FileExtractor` reads it.
    """
    rows = template_leaves(store)
    names = ("text", "entity", "action", "status", "outcome")
    yield ",".join(("template", *names[1:]))
    for row in zip(*(rows[name].to_pylist() for name in names), strict=True):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([csv_cell(shown(cell or "")) for cell in row])
        yield line.getvalue()
