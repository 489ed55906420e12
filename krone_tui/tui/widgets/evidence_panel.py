"""The evidence of one execution, in sentences with line numbers."""

from collections.abc import Sequence

from rich.text import Text

from krone_tui.explanation import Sentence, cite
from krone_tui.tui.text import safe
from krone_tui.tui.widgets.text_panel import TextPanel


class EvidencePanel(TextPanel):
    """Sentences, each with the lines that it rests on."""

    def show_evidence(self, sentences: Sequence[Sentence], heading: str = "", below: str = "") -> None:
        """Show the evidence of another execution; `heading`, and `below` it, is what the screen itself has to say."""
        self.show(evidence_text(sentences, heading, below))


def evidence_text(sentences: Sequence[Sentence], heading: str = "", below: str = "") -> Text:
    """The sentences as the panel shows them: the first one, which decided, stands out."""
    text = Text().append(heading, "bold")
    if below:
        text.append(("\n" if heading else "") + below)
    for index, sentence in enumerate(sentences):
        if text.plain:
            text.append("\n")
        text.append("!! " if index == 0 else " · ", "bold" if index == 0 else "")
        text.append(safe(sentence.text), "bold" if index == 0 else "")
        text.append(cite(sentence.lines))
    return text
