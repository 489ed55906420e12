"""Makes the README's picture: `python docs/picture.py` writes docs/triage.svg from the shipped incident."""

import asyncio
import re
import tempfile
from pathlib import Path

from krone_tui.settings import load_settings
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.triage import TriageScreen

TOP = Path(__file__).resolve().parent.parent
SAMPLE = "sample_logs/pool-exhaustion.log.gz"


async def picture() -> str:
    """The triage screen as SVG, without the web font that Textual's export asks for."""
    with tempfile.TemporaryDirectory() as folder:
        app = KroneApp([SAMPLE], load_settings(cache_dir=Path(folder)))
        async with app.run_test(size=(110, 32)) as pilot:
            while not isinstance(app.screen, TriageScreen):
                await pilot.pause(0.2)
            await pilot.pause(2.0)
            svg = app.export_screenshot(title="krone-tui sample_logs/pool-exhaustion.log.gz")
        app.close()
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    (TOP / "docs" / "triage.svg").write_text(asyncio.run(picture()), encoding="utf-8")
