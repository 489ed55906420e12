"""Executions: which identifier holds records together, and the grouping it gives."""

from krone_tui.executions.grouping import ExecutionsResult, group_executions

__all__ = ["ExecutionsResult", "group_executions"]
