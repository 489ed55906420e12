"""Detection: which executions do not behave like the others, and what deviates in them."""

from krone_tui.detection.stage import DetectionResult, detect

__all__ = ["DetectionResult", "detect"]
