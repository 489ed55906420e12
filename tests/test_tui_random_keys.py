"""Whatever keys are pressed, nothing breaks: 5,000 of them, the same ones every time."""

import asyncio
import random
from pathlib import Path

import pytest
from screens import opened, write_service_log

from krone_tui.settings import Settings, load_settings
from krone_tui.tui import keys
from krone_tui.tui.screens.triage import TriageScreen

KEYS_EACH = 600
BATCH = 25
"""Keys that are pressed without waiting for what they set in motion."""
_LEAVING = {"q", "ctrl+c"}
_SLOW = {"e"}
"""Starts a model's process."""
_PALETTE = {"ctrl+p", "colon"}
"""Its commands include leaving: it is opened, written in and closed, but nothing is chosen."""
EVERY = sorted({one for key in keys.KEYS for one in key.keys.split(",")} - _LEAVING - _SLOW - _PALETTE)
LETTERS = [
    *"abcdfghijklmnoprstuvwxyz0123456789",
    "space",
    "full_stop",
    "asterisk",
    "left_parenthesis",
    "backspace",
]
MODES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "everything": ((), EVERY),
    "in an execution": (
        ("enter",),
        [*EVERY, "n", "N", "enter", "left", "right", "j", "k", "d", "r", "escape"],
    ),
    "in prompts": ((), [*EVERY, *LETTERS, "slash", "f", "t", "semicolon", "enter", "escape"]),
    "in the palette": ((), ["colon", "ctrl+p", "escape", "down", "up", "tab", *LETTERS]),
    "while the terminal is resized": ((), [*EVERY, "enter", "escape", "tab"]),
}
"""What is pressed first, and what at random then."""
SIZES = [(80, 24), (160, 45), (40, 10), (20, 5), (120, 30)]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "service.log"
    write_service_log(path)
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("random")
    return load_settings(cache_dir=folder / "cache", data_dir=folder / "data", threads=1)


@pytest.mark.parametrize("mode", MODES)
async def test_no_keys_bring_a_traceback(
    mode: str, log: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # y and the exports write here; verdicts into a folder of their own.
    monkeypatch.chdir(tmp_path)
    own = settings.model_copy(update={"data_dir": tmp_path / "data"})
    first, choices = MODES[mode]
    chance = random.Random(f"krone-tui {mode}")
    async with opened(log, own) as (app, pilot):
        await pilot.press(*first)
        for at in range(0, KEYS_EACH, BATCH):
            for key in chance.choices(choices, k=BATCH):
                app.simulate_key(key)
                await asyncio.sleep(0)
            if mode == "while the terminal is resized" and at % (4 * BATCH) == 0:
                await pilot.resize_terminal(*chance.choice(SIZES))
            await pilot.pause()
            assert app._exception is None, app._exception
            assert app.is_running
        # It still obeys.
        for _ in range(KEYS_EACH):
            if len(app.screen_stack) <= 2:
                break
            await pilot.press("escape")
        assert isinstance(app.screen, TriageScreen), app.screen_stack
