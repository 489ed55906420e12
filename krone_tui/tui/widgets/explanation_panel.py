"""What a local model says about a finding, as it arrives."""

from rich.text import Text
from textual.widgets import Static

from krone_tui.tui.text import safe
from krone_tui.tui.widgets.text_panel import TextPanel


class ExplanationPanel(TextPanel):
    """Streamed text under a line that says who speaks."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Text()

    def begin(self, speaker: str) -> None:
        """Start another explanation; `speaker` names the model."""
        self._text = Text(safe(speaker) + "\n", "italic")
        self.show(self._text)

    def feed(self, piece: str) -> None:
        """Add what the model said next; model output is no more trusted than log text."""
        self._text.append("\n".join(safe(part) for part in piece.split("\n")))
        self.query_one(Static).update(self._text)
        self.scroll_end(animate=False)

    def finish(self, text: Text | None = None) -> None:
        """Replace the stream by the final wording, with what is unsupported marked as such, or keep it."""
        if text is not None:
            self.show(text)
