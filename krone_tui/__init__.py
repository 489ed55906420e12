"""krone-tui: from a huge log to the few executions that went wrong, and why."""

__version__ = "0.1.0"
