"""While a log is read there is something to read already, at every size, and Esc ends it."""

from pathlib import Path

from screens import shown, until

from krone_tui.settings import load_settings
from krone_tui.tui.app import CANCELLED, KroneApp
from krone_tui.tui.screens.loading import LoadingScreen
from krone_tui.tui.screens.triage import TriageScreen


def _log(path: Path, lines: int) -> Path:
    steps = ("accepted", "stored in database", "answered", "timed out waiting for the bank")
    path.write_text(
        "".join(
            f"2026-03-14 01:{at // 6000 % 60:02}:{at // 100 % 60:02}.{at % 1000:03d} INFO shop - [req-{at // 3:07x}] order {steps[3 if at % 900 == 2 else at % 3]}\n"
            for at in range(lines)
        )
    )
    return path


async def test_what_is_known_is_shown_while_the_rest_is_read(tmp_path: Path) -> None:
    log = _log(tmp_path / "app.log", 120_000)
    app = KroneApp([str(log)], load_settings(cache_dir=tmp_path / "cache", threads=1))
    seen: set[str] = set()
    try:
        async with app.run_test(size=(80, 24)):

            def everything_was_told() -> bool:
                if isinstance(app.screen, LoadingScreen):
                    text = shown(app)
                    seen.update(
                        word
                        for word in ("So far: 120,000 records", "Levels: INFO 120,000", "Most frequent of 4 templates", "Reads as failure", "Grouped by: req-*")
                        if word in text
                    )  # fmt: skip
                return isinstance(app.screen, TriageScreen) and app.current_execution is not None

            await until(everything_was_told, "triage", seconds=60)
    finally:
        app.close()
    assert seen >= {"So far: 120,000 records", "Levels: INFO 120,000", "Most frequent of 4 templates"}


async def test_a_terminal_that_is_resized_meanwhile_is_used_as_it_is(tmp_path: Path) -> None:
    # So long that it is still being read when the last size is in force.
    log = _log(tmp_path / "app.log", 1_200_000)
    app = KroneApp([str(log)], load_settings(cache_dir=tmp_path / "cache", threads=1))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "ingest" in shown(app), "the stages")
            for size in ((40, 10), (160, 45), (20, 4), (80, 24)):
                await pilot.resize_terminal(*size)
                lines = shown(app).splitlines()
                assert (len(lines[0]), len(lines)) == size
            assert isinstance(app.screen, LoadingScreen)
            await pilot.press("escape")
        assert app.return_value == CANCELLED
    finally:
        app.close()
    assert not list((tmp_path / "cache").iterdir())
