"""The one key table: bindings, the bar at the bottom, the help, the command palette and the docs are made from it."""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """One thing the user can do, and the keys for it."""

    keys: str
    """As Textual names them, joined by commas."""
    action: str
    """The Textual action; `app.` in front where the application does it."""
    shown: str
    """The keys as a reader sees them."""
    label: str
    """A word or two for the bar at the bottom."""
    help: str
    """One sentence."""
    places: tuple[str, ...] = ()
    """The screens it belongs to, `list` for every list and tree, `lines` for lists of long lines; empty: the application, everywhere."""
    bar: bool = False
    """In the bar at the bottom."""


SCREENS = {
    "triage": "Triage",
    "execution": "Execution",
    "compare": "Comparison",
    "raw": "Raw log",
    "explanation": "Explanation",
    "search": "Search results",
    "hierarchy": "Hierarchy",
    "knowledge": "Knowledge",
    "groups": "Identifiers",
    "unflagged": "Unflagged failures",
    "rerun": "Re-run",
    "work": "Work",
    "sql": "SQL",
    "help": "Keys",
    "loading": "Loading",
}
"""The screens by the names the table uses, with what the help calls them."""

_INNER = (
    "execution",
    "compare",
    "raw",
    "explanation",
    "search",
    "hierarchy",
    "knowledge",
    "groups",
    "unflagged",
    "rerun",
    "work",
    "sql",
    "help",
)
_LIST = ("list",)

KEYS: tuple[Key, ...] = (
    # Moving, in every list and tree.
    Key("j,down", "cursor_down", "j ↓", "down", "Next line.", _LIST),
    Key("k,up", "cursor_up", "k ↑", "up", "Previous line.", _LIST),
    Key("home,less_than_sign", "scroll_home", "Home <", "top", "First line.", _LIST),
    Key("G,end,greater_than_sign", "scroll_end", "G >", "end", "Last line.", _LIST),
    Key("pagedown,ctrl+f,ctrl+d", "page_down", "PgDn ^F", "page down", "One page down.", _LIST),
    Key("pageup,ctrl+b,ctrl+u", "page_up", "PgUp ^B", "page up", "One page up.", _LIST),
    # Triage.
    Key("enter", "open", "Enter", "open", "Open the selected execution, or the one that shows the failure mode best.", ("triage",), bar=True),
    # Execution.
    Key("enter,space", "switch", "Enter", "unfold", "Unfold or fold a span; on a record, the raw log around it.", ("execution",), bar=True),
    Key("right,l", "unfold", "→ l", "unfold", "Unfold a span, then step into it.", ("execution",)),
    Key("left", "fold", "←", "fold", "Fold a span, then step out of it.", ("execution",)),
    Key("d", "compare", "d", "compare", "Compare with the nearest normal execution, level by level.", ("triage", "execution"), bar=True),
    Key("e", "explain", "e", "explain", "Have a local model put the finding in words.", ("triage", "execution"), bar=True),
    Key("p", "prompt", "p", "prompt", "Exactly what the model was given.", ("explanation",), bar=True),
    Key("r", "raw", "r", "raw log", "The raw log around it, own and deviating records marked.", ("triage", "execution", "compare", "search", "unflagged"), bar=True),
    # Comparison.
    Key("enter,space", "switch", "Enter", "all/differences", "Show every row, or the differences only.", ("compare",), bar=True),
    Key("o", "next_difference", "o", "next difference", "Next row that differs.", ("compare",), bar=True),
    Key("O", "previous_difference", "O", "previous difference", "Previous row that differs.", ("compare",)),
    # Raw log.
    Key("w", "wrap", "w", "wrap", "Break long lines at the edge, or cut them there.", ("raw",), bar=True),
    Key("right,l", "sideways(1)", "→ l", "rest of lines", "More of long lines, to the right.", ("raw", "lines"), bar=True),
    Key("left", "sideways(-1)", "←", "start of lines", "Back to the start of the lines.", ("raw", "lines")),
    Key("n", "next_deviating", "n", "next !!", "Next record here that deviates.", ("raw",), bar=True),
    Key("N", "previous_deviating", "N", "previous !!", "Previous record here that deviates.", ("raw",)),
    Key("o", "next_own", "o", "next ▌", "Next record of this execution.", ("raw",), bar=True),
    Key("O", "previous_own", "O", "previous ▌", "Previous record of this execution.", ("raw",)),
    # Search results, failures that are not flagged.
    Key("enter", "open", "Enter", "open", "Open the execution at that record.", ("search",), bar=True),
    Key("enter", "open", "Enter", "open", "Open the first execution that has it, at its record.", ("unflagged",), bar=True),
    Key("enter,space", "switch", "Enter", "unfold", "Unfold or fold a node.", ("hierarchy",), bar=True),
    Key("e", "edit", "e", "edit", "Give a template another entity, action or status, or a node another name.", ("hierarchy",), bar=True),
    Key("R", "rerun", "R", "re-run", "Read the log again with what was edited and show what that changes; once taken, it is in force whenever a log of this name is opened.", ("hierarchy",), bar=True),
    # Findings.
    Key("n", "next_finding", "n", "next", "Next finding, in this execution, then in the next ones, then in the next failure mode.", ("triage", "execution", "compare"), bar=True),
    Key("N", "previous_finding", "N", "previous", "Previous finding.", ("triage", "execution", "compare")),
    # Verdicts.
    Key("m", "normal", "m", "normal", "This is normal: the failure mode, or the Seq under the cursor, here and in the next logs.", ("triage", "execution"), bar=True),
    Key("a", "anomalous", "a", "anomalous", "This is anomalous: the failure mode, or the Seq under the cursor, here and in the next logs.", ("triage", "execution"), bar=True),
    Key("m", "normal", "m", "normal", "Revise it: this is normal.", ("knowledge",), bar=True),
    Key("a", "anomalous", "a", "anomalous", "Revise it: this is anomalous.", ("knowledge",), bar=True),
    Key("d,delete", "forget", "d", "forget", "Forget the verdict.", ("knowledge",), bar=True),
    Key("y", "export", "y", "export", "Write the verdicts in sight to a file of JSON lines.", ("knowledge",), bar=True),
    Key("i", "import", "i", "import", "Read verdicts from such a file.", ("knowledge",), bar=True),
    Key("slash", "find", "/", "search", "Search the verdicts.", ("knowledge",)),
    Key("x", "show_all", "x", "all", "Show every verdict again.", ("knowledge",)),
    Key("u", "app.undo", "u", "undo", "Take back the last verdict given in this session."),
    Key("K", "app.knowledge", "K", "knowledge", "Every verdict: whose, how old; revise, forget, export, import."),
    # Narrowing.
    Key("slash", "app.search", "/", "search", "Search identifiers, templates and messages; re: in front for a regular expression.", bar=True),
    Key("f", "app.filter", "f", "filter", "Show only some failure modes, by kind, level, entity, component, source, score or text.", ("triage",), bar=True),
    Key("t", "app.time_range", "t", "time", "Look at a part of the log's time only.", ("triage",), bar=True),
    Key("x", "app.clear_filters", "x", "clear", "Clear filter and time range.", ("triage",)),
    Key("g", "app.groups", "g", "group", "Group records by another identifier and see what that changes.", ("triage", "work"), bar=True),
    Key("enter", "open", "Enter", "try", "Read the log grouped by this, in the background, and show what that changes.", ("groups",), bar=True),
    Key("enter", "take", "Enter", "take it", "Go on with this one in place of the present one.", ("rerun",), bar=True),
    Key("U", "app.unflagged", "U", "unflagged", "What reads as failure, but is not flagged: the log has it anyway, or too little of it."),
    # Taking along.
    Key("y", "export", "y", "copy", "Copy a summary for the incident channel (OSC 52) and write it to a file.", ("triage", "execution"), bar=True),
    # Knowing the model.
    Key("h", "app.hierarchy", "h", "hierarchy", "The Log Abstraction Model with counts and flagged counts."),
    Key("w", "app.work", "w", "work", "What each stage took, what reuse and early exit saved, how the log was grouped."),
    Key("semicolon", "app.sql", ";", "SQL", "A SQL prompt over the documented tables, read only."),
    # Getting about.
    Key("tab", "app.focus_next", "Tab", "pane", "Next pane."),
    Key("shift+tab", "app.focus_previous", "Shift-Tab", "pane back", "Previous pane."),
    Key("escape,backspace", "app.go_back", "Esc", "back", "Back to where you came from; while something long runs, stop it.", _INNER, bar=True),
    Key("escape", "app.stop", "Esc", "cancel", "Stop reading and leave.", ("loading",), bar=True),
    Key("question_mark,f1", "app.help", "?", "keys", "All keys.", bar=True),
    Key("ctrl+l", "app.redraw", "^L", "redraw", "Draw the screen again, when something else wrote on the terminal."),
    Key("ctrl+p,colon", "app.command_palette", "^P :", "commands", "Find any action by name."),
    Key("q,ctrl+c", "app.leave", "q", "quit", "Quit.", bar=True),
)  # fmt: skip


def bindings(place: str | None = None) -> list[Binding]:
    """Textual bindings of one screen, of `list` or `lines`, or, for None, of the application."""
    wanted = [key for key in KEYS if (place in key.places if place is not None else not key.places)]
    return [Binding(one, key.action, key.label, show=False) for key in wanted for one in key.keys.split(",")]


def for_place(place: str) -> list[Key]:
    """What can be done on a screen: its own keys first, then those that work everywhere."""
    return [key for key in KEYS if place in key.places] + [key for key in KEYS if not key.places]


def bar(place: str) -> list[Key]:
    """The keys in the bar at the bottom of a screen, in the order of the table."""
    everywhere = [key for key in KEYS if not key.places and (place != "loading" or key.action == "app.leave")]
    return [key for key in KEYS if key.bar and (place in key.places or key in everywhere)]
