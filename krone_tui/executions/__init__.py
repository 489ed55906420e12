"""Executions: which identifier holds records together, and the grouping it gives."""

from krone_tui.executions.grouping import ExecutionsResult, group_executions
from krone_tui.executions.normal_before import normal_before_notes

__all__ = ["ExecutionsResult", "group_executions", "normal_before_notes"]
