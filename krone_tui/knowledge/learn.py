"""`krone-tui learn`: what a good log teaches, kept in a knowledge base."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from krone_tui.abstraction import masks_digest, mine_templates
from krone_tui.errors import KroneError
from krone_tui.executions import group_executions
from krone_tui.ingest import ingest
from krone_tui.progress import Progress, silent
from krone_tui.settings import Settings
from krone_tui.store import Store, baseline, learnt
from krone_tui.store.knowledge import KnowledgeBase


@dataclass(frozen=True)
class Lesson:
    """What one run learnt, and what the knowledge base holds now."""

    records: int
    executions: int
    """Kept; windows included."""
    sequences: int
    """Distinct ones among them."""
    shapes: int
    """Distinct masked messages."""
    left_out: int
    """Executions of more than `baseline.LONGEST` records, which are not kept."""
    logs: int
    grouped_by: str
    added: bool
    """To what the knowledge base had learnt before."""
    total: learnt.Size
    notes: tuple[str, ...]
    """What the user must know, one sentence each."""


def learn(paths: Sequence[str], into: Path, settings: Settings, progress: Progress = silent) -> Lesson:
    """Read logs known to be good and add what they teach to a knowledge base, made where there is none.

    Records are grouped as the knowledge base's are, where it has any. Raises `KroneError` for logs without records,
    logs that were learnt before, and where the disk is full; the knowledge base then stays as it was.
    """
    before = None
    if into.exists():
        with KnowledgeBase.reading(into) as kb:
            before = learnt.read(kb)
    with tempfile.TemporaryDirectory(prefix="krone-tui-") as folder:
        try:
            with Store.create(Path(folder) / "lesson.duckdb", settings) as store:
                found, grouped_by, notes = _study(store, paths, before, settings, progress)
        except Store.QueryError as error:
            if type(error).__name__ not in Store.MACHINE_ERRORS:
                raise
            said = str(error).strip().split("\n", 1)[0].rstrip(".")
            raise KroneError(
                f"The logs cannot be learnt: {folder} may be full, or KRONE_TUI_MEMORY_LIMIT too low: {said}."
            ) from error
    with KnowledgeBase.writing(into) as kb:
        _refuse_twice(kb, found, into)
        learnt.add(kb, found, f"the knowledge base {into.stem}")
        total = learnt.size(kb)
    counts = found.sequence_count
    return Lesson(
        sum(found.lesson_source["records"].to_pylist()),
        sum(counts["executions"].to_pylist()),
        len(counts),
        len(found.shape),
        found.lesson["left_out"][0].as_py(),
        len(found.lesson_source),
        grouped_by,
        before is not None,
        total,
        notes,
    )


def _study(
    store: Store, paths: Sequence[str], before: learnt.Learnt | None, settings: Settings, progress: Progress
) -> tuple[learnt.Learnt, str, tuple[str, ...]]:
    """Run the stages up to executions: (what they teach, what it is grouped by, notes)."""
    read = ingest(store, paths, progress)
    if not read.records:
        raise KroneError("There is nothing to learn: the logs hold no record.")
    if before is not None:
        baseline.load(store, before, groupings_only=True)
    templates = mine_templates(store, progress)
    executions = group_executions(store, settings, progress)
    found = baseline.teach(store, executions.grouping, masks_digest(), templates.masking_detail)
    names: dict[str, list[str]] = {}
    for digest, name in zip(
        found.lesson_source["digest"].to_pylist(), found.lesson_source["name"].to_pylist(), strict=True
    ):
        names.setdefault(digest, []).append(name)
    for alike in names.values():
        if len(alike) > 1:
            raise KroneError(f"{alike[0]} and {alike[1]} hold the same records; name one of them.")
    if not len(found.sequence):
        raise KroneError(
            f"There is nothing to learn: every execution has more than {baseline.LONGEST:,} records; "
            "group by another identifier (--group-by)."
        )
    return found, executions.grouped_by, read.notes


def _refuse_twice(kb: KnowledgeBase, found: learnt.Learnt, into: Path) -> None:
    """What is learnt twice counts twice."""
    known = learnt.learnt_before(kb, found)
    if known:
        others = f" and {len(known) - 1} more" if len(known) > 1 else ""
        raise KroneError(
            f"{known[0]}{others} was learnt into {into.stem} before; nothing was changed, for it would count twice."
        )
