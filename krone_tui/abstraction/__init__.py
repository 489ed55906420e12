"""From records to templates, and from templates to the Log Abstraction Model."""

from krone_tui.abstraction.asking import AskingExtractor
from krone_tui.abstraction.edits import drop_edits, keep_edits, own_hierarchy, try_edits
from krone_tui.abstraction.extractors import Extractor, FileExtractor, RulesExtractor
from krone_tui.abstraction.hierarchy import HierarchyResult, build_hierarchy, hierarchy_lines
from krone_tui.abstraction.masking import masks_digest
from krone_tui.abstraction.rules import Leaf, TemplateText, extract_hierarchy
from krone_tui.abstraction.templates import TemplatesResult, mine_templates

__all__ = [
    "AskingExtractor",
    "Extractor",
    "FileExtractor",
    "HierarchyResult",
    "Leaf",
    "RulesExtractor",
    "TemplateText",
    "TemplatesResult",
    "build_hierarchy",
    "drop_edits",
    "extract_hierarchy",
    "hierarchy_lines",
    "keep_edits",
    "masks_digest",
    "mine_templates",
    "own_hierarchy",
    "try_edits",
]
