"""What the tests of the screens share: a service's log, a screen opened on it, and its text."""

# ruff: noqa: DTZ001 - times in a log have no zone

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from krone_tui.settings import Settings
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.widgets.evidence_panel import EvidencePanel

HOSTILE = "[bold red]x[/] \x1b]0;owned\x07 \u202egnp.exe"


def write_service_log(path: Path) -> None:
    """300 requests of five steps; 12 of the last ones fail in the same way, with hostile text in the failing step."""
    lines = []
    time = datetime(2026, 3, 14, 1, 0)
    for number in range(300):
        request = f"req-{number:06x}"
        bad = number >= 240 and number % 5 == 0
        steps = [
            "accepted by gateway",
            "session opened for user",
            "order stored in database",
            "session closed for user",
            "answered in 12 ms",
        ]
        for at, step in enumerate(steps):
            level = "INFO"
            text = step
            if bad and at == 2:
                level, text = "ERROR", f"connection to database refused: {HOSTILE}"
            lines.append(
                (time + timedelta(milliseconds=at * 40), f"{level} shop.Orders - [{request}] {text}")
            )
        time += timedelta(milliseconds=130)
    lines.sort(key=lambda line: line[0])
    path.write_text(
        "".join(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} {text}\n" for at, text in lines),
        encoding="utf-8",
    )


async def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for what keys set in motion."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never came: {what}")


@asynccontextmanager
async def opened(
    log: Path, settings: Settings, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[tuple[KroneApp, Pilot[int]]]:
    app = KroneApp([str(log)], settings, **options)
    try:
        async with app.run_test(size=size) as pilot:
            await until(lambda: has_told(app), "triage with its evidence")
            await pilot.pause()
            yield app, pilot
    finally:
        app.close()


def has_told(app: KroneApp) -> bool:
    """Whether triage shows evidence."""
    return isinstance(app.screen, TriageScreen) and any(
        panel.text for panel in app.screen.query(EvidencePanel)
    )


def shown(app: KroneApp) -> str:
    """The text of the screen, as the terminal has it."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)
