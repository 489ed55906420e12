"""Reads logs: sources, header formats, records."""

from krone_tui.ingest.bookmark import Bookmark, OutdatedBookmarkError, packed, unpacked
from krone_tui.ingest.sources import SourceFile, resolve_sources
from krone_tui.ingest.stage import IngestResult, ingest

__all__ = [
    "Bookmark",
    "IngestResult",
    "OutdatedBookmarkError",
    "SourceFile",
    "ingest",
    "packed",
    "resolve_sources",
    "unpacked",
]
