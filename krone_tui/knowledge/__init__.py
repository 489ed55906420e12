"""Knowledge bases: learnt from good logs, merged, put in force as a baseline."""

from krone_tui.knowledge.baseline import Baseline, resolve_baseline
from krone_tui.knowledge.learn import Lesson, learn
from krone_tui.knowledge.merge import merge

__all__ = ["Baseline", "Lesson", "learn", "merge", "resolve_baseline"]
