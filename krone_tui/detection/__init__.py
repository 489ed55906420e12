"""Detection: which executions do not behave like the others, and what deviates in them."""

from krone_tui.detection.inventory import DetectorRow, detectors_in_force
from krone_tui.detection.plugins import model_files
from krone_tui.detection.stage import DetectionResult, detect

__all__ = ["DetectionResult", "DetectorRow", "detect", "detectors_in_force", "model_files"]
