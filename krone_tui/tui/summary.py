"""What is taken along to the incident channel: one execution, its failure mode and its evidence, as plain text."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from krone_tui.explanation import Sentence
from krone_tui.report.words import and_in
from krone_tui.store import Store, views
from krone_tui.tui.text import count, safe


def summary_text(store: Store, execution_id: int, sentences: Sequence[Sentence]) -> str:
    """Plain text, harmless to paste, that stands on its own; `sentences` are the execution's evidence."""
    execution = views.execution(store, execution_id)
    if execution is None:
        return ""
    found = views.summary(store)
    mode = next(
        (mode for mode in views.failure_modes(store) if mode.failure_mode_id == execution.failure_mode_id),
        None,
    )
    lines = [
        f"krone-tui: {found.flagged:,} of {count(found.executions, 'execution')} flagged in {safe(execution.source)} (baseline: {safe(found.baseline)})"
    ]
    if found.zones:
        lines.append(f"Times are in UTC; the log's lines are written in {found.zones}.")
    if mode is not None:
        seen = (
            f", first {mode.first_seen:%Y-%m-%d %H:%M:%S}, last {mode.last_seen:%Y-%m-%d %H:%M:%S}"
            if mode.first_seen and mode.last_seen
            else ""
        )
        lines.append(
            f"Failure mode {mode.failure_mode_id}: {safe(mode.title)} ({safe(mode.path)}), score {mode.score:.2f}, {count(mode.executions, 'execution')}{seen}"
        )
    start = f" at {execution.start_time:%Y-%m-%d %H:%M:%S}" if execution.start_time else ""
    lines.append(
        f"Execution {safe(execution.identifier)}{start}, {count(execution.records, 'record')}, lines {execution.first_line} to {execution.last_line}{and_in(views.other_files(store, execution_id))}:"
    )
    lines += [f"- {safe(str(sentence))}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def write_summary(text: str, identifier: str, folder: Path) -> Path:
    """Write a summary into a folder, aside and renamed, readable by its owner alone. Raises `OSError`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", identifier)[:60].strip("._") or "execution"
    target = folder / f"krone-tui-{name}.txt"
    aside = folder / f".{target.name}.{os.getpid()}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(target)
    return target
