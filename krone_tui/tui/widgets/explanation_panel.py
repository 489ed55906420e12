"""What a local model says about a finding, as it arrives."""

from rich.text import Text

from krone_tui.tui.text import safe
from krone_tui.tui.widgets.text_panel import TextPanel


class ExplanationPanel(TextPanel):
    """Streamed text under a line that says who speaks."""

    def begin(self, speaker: str) -> None:
        """Start another explanation; `speaker` names the model."""
        self.show(Text().append(safe(speaker) + "\n", "italic"))

    def feed(self, piece: str) -> None:
        """Add what the model said next; model output is no more trusted than log text."""
        said = self._text.copy()
        said.append("\n".join(safe(part) for part in piece.split("\n")))
        self.show(said, at_end=True)

    def finish(self, text: Text | None = None) -> None:
        """Replace the stream by the final wording, with what is unsupported marked as such, or keep it."""
        if text is not None:
            self.show(text)
