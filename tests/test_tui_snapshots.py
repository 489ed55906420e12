"""What every screen looks like on a shipped incident, at 80×24 and at 160×45.

After an intended change: `pytest tests/test_tui_snapshots.py --snapshot-update`, and look at what changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TOP
from screens import has_told, shown, until
from textual.pilot import Pilot

from krone_tui.settings import Settings, load_settings
from krone_tui.tui.app import KroneApp

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
SCREENS: dict[str, tuple[tuple[str, ...], str]] = {
    "triage": ((), "!!"),
    "executions": (("tab",), "execution"),
    "execution": (("enter",), "▼ !!"),
    "compare": (("d",), "missing"),
    "raw": (("r",), "▌"),
    "search": (("slash", *"gave up on", "enter"), "hits"),
    "hierarchy": (("h",), "templates"),
    "unflagged": (("U",), "but is not flagged:"),
    "groups": (("g",), "▶"),
    "knowledge": (("K",), "Knowledge"),
    "sql": (("semicolon",), "execution_verdict"),
    "help": (("question_mark",), "Everywhere"),
    "filter": (("f",), "terms must hold"),
}
"""Keys from triage to each screen, and what is on it once it is filled. Work is not among them: it shows what was measured."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("snapshots")
    return load_settings(cache_dir=folder / "cache", data_dir=folder / "data", threads=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_looks_as_it_did(
    screen: str,
    size: str,
    settings: Settings,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The path of the log is on the screen.
    monkeypatch.chdir(TOP)
    app = KroneApp([str(Path("sample_logs") / "pool-exhaustion.log.gz")], settings)
    pressed, wanted = SCREENS[screen]

    async def go(pilot: Pilot[Any]) -> None:
        await until(
            lambda: has_told(app) and "not flagged" in shown(app), "triage with its header", seconds=90
        )
        await pilot.pause()
        await pilot.press(*pressed)
        await until(lambda: wanted in shown(app), f"'{wanted}' on {screen}")
        await pilot.pause(0.3)

    try:
        assert snap_compare(app, terminal_size=SIZES[size], run_before=go)
    finally:
        app.close()
