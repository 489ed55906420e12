"""What a record's level says of failure, and how it joins what its words say."""

LEVEL_SEVERITY = {
    **dict.fromkeys(
        ("FATAL", "CRITICAL", "CRIT", "EMERG", "EMERGENCY", "ALERT", "PANIC", "SEVERE", "F", "FAILURE"), 0.98
    ),
    **dict.fromkeys(("ERROR", "ERR", "E"), 0.94),
    **dict.fromkeys(("WARNING", "WARN", "W"), 0.3),
}
"""The program's own word for it is worth more than our reading of its message."""
WORDS = 0.9
"""What the words of a message can say at most."""
SMALL_LOG = 120
"""Executions below which a log is judged by thresholds of its own: a few failures are a great share of it."""
