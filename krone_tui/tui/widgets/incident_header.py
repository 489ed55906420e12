"""Two lines that tell the shape of the incident, and what of it is in sight."""

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from krone_tui.report.unflagged import in_short
from krone_tui.store.unflagged import UnflaggedFailure
from krone_tui.store.views import Summary
from krone_tui.tui.text import count, safe


class IncidentHeader(Widget):
    """Records, executions, flagged ones, grouping, baseline; then the filters in force or what must be known of the sources."""

    DEFAULT_CSS = "IncidentHeader { height: 2; text-wrap: nowrap; text-overflow: ellipsis; background: ansi_default; color: ansi_default; }"

    summary: reactive[Summary | None] = reactive(None)
    narrowed: reactive[str] = reactive("")
    """The filters in force, in words; '' without any."""
    note: reactive[str] = reactive("")
    """What must be known of the sources."""
    unflagged: reactive[tuple[UnflaggedFailure, ...]] = reactive(())
    """What reads as failure and is not flagged, besides what is flagged."""

    def render(self) -> Text:
        """Two lines."""
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        found = self.summary
        if found is None:
            return text
        share = f" ({found.flagged / found.executions:.1%})" if found.executions else ""
        text.append(f"{found.flagged:,} flagged", "bold")
        text.append(f"{share} of {count(found.executions, 'execution')}, {count(found.records, 'record')}")
        windows = " (windows)" if found.windows == found.executions else ""
        text.append(f"  by {safe(found.grouped_by, 40)}{windows}\n")
        if self.narrowed:
            text.append("Shown: ", "bold")
            text.append(f"{safe(self.narrowed)}  ")
            text.append("x clears it", "dim")
        else:
            text.append(f"baseline: {safe(found.baseline)}")
            if found.zones:
                text.append("; times in UTC")
            if found.verdicts:
                text.append(f", {found.verdicts}")
            if self.unflagged and found.flagged:
                text.append(f"; U: {in_short(self.unflagged, found)}")
            if self.note:
                text.append(f"  {safe(self.note)}")
        return text
