"""Why a finding is one: evidence always, a local model's words when asked for."""

from krone_tui.explanation.evidence import AlignedStep, Evidence, Sentence, align, cite, evidence

__all__ = ["AlignedStep", "Evidence", "Sentence", "align", "cite", "evidence"]
