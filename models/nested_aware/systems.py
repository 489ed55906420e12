"""Simulated systems to train on: random applications, workflows, concurrency, windows and faults. No real log.

Two kinds, as real logs come in two kinds: executions that an identifier holds together (a workflow with branches,
loops, parallel parts, benign retries), and windows of a host's records (background jobs, boots, chatter).
"""

from simulated import Execution, Rng, System
from windows import window_system
from workflows import workflow_system

__all__ = ["Execution", "System", "random_system"]


def random_system(rng: Rng) -> System:
    """A system of either kind."""
    return workflow_system(rng) if rng.random() < 0.6 else window_system(rng)
