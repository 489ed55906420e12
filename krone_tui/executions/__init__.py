"""Executions: which identifier holds records together, and the grouping it gives."""

from krone_tui.executions.grouping import ExecutionsResult, group_executions
from krone_tui.executions.notes import group_by_notes, normal_before_notes

__all__ = ["ExecutionsResult", "group_by_notes", "group_executions", "normal_before_notes"]
