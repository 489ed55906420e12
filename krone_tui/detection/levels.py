"""Levels of alarm: of a record by its level and its words, and of a log by its size and how much of it reads as failure."""

LEVEL_SEVERITY = {
    **dict.fromkeys(
        [
            "FATAL",
            "FTL",
            "FATA",
            "CRITICAL",
            "CRIT",
            "CRT",
            "EMERG",
            "EMERGENCY",
            "ALERT",
            "PANIC",
            "PANI",
            "SEVERE",
            "F",
            "FAILURE",
        ],
        0.98,
    ),
    **dict.fromkeys(("ERROR", "ERR", "E"), 0.94),
    **dict.fromkeys(("WARNING", "WARN", "WRN", "W"), 0.3),
}
"""The program's own word for it is worth more than our reading of its message."""
WORDS = 0.9
"""What the words of a message can say at most."""
SAID_QUIETLY = 0.7
"""What words count at a level below ERROR in a log that has records at ERROR: a program that means a failure says so."""
SMALL_LOG = 120
"""Executions below which a log is judged by thresholds of its own: a few failures are a great share of it."""
ALARMING = 0.5
"""Severity from which a template reads as failure."""
QUIET_KINDS = 3
"""Uncommon templates that read as failure, up to which a log is quiet: there they are what went wrong. Elsewhere most of
them are everyday trouble."""


def kind_of_log(*, baseline: bool, windows: bool, executions: float, alarming_kinds: int) -> str:
    """By which thresholds a log's executions are judged.

    `executions`: of the log under analysis; `alarming_kinds`: its uncommon templates that read as failure.
    """
    cut = "windows" if windows else "identifier"
    if baseline:
        return f"good_{cut}"
    if alarming_kinds <= QUIET_KINDS:
        return "self_quiet"
    return "self_small" if executions < SMALL_LOG else f"self_{cut}"
