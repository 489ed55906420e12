"""A line to write in."""

from textual.widgets import Input


class TextLine(Input):
    """An `Input` whose cursor does not blink: over a slow link nothing is sent while nothing happens."""

    def on_mount(self) -> None:
        """Keep the cursor still."""
        self.cursor_blink = False
