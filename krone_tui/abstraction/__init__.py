"""From records to templates, and from templates to the Log Abstraction Model."""

from krone_tui.abstraction.extractors import Extractor, FileExtractor, RulesExtractor
from krone_tui.abstraction.hierarchy import HierarchyResult, build_hierarchy, write_hierarchy
from krone_tui.abstraction.rules import Leaf, TemplateText, extract_hierarchy
from krone_tui.abstraction.templates import TemplatesResult, mine_templates

__all__ = [
    "Extractor",
    "FileExtractor",
    "HierarchyResult",
    "Leaf",
    "RulesExtractor",
    "TemplateText",
    "TemplatesResult",
    "build_hierarchy",
    "extract_hierarchy",
    "mine_templates",
    "write_hierarchy",
]
