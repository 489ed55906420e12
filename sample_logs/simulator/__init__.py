"""The systems behind the sample incidents, and what writes their logs and labels."""

from simulator.catalogue import INCIDENTS, Incident
from simulator.journal import Journal, Written

__all__ = ["INCIDENTS", "Incident", "Journal", "Written"]
