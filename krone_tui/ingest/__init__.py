"""Reads logs: sources, header formats, records."""

from krone_tui.ingest.sources import SourceFile, resolve_sources
from krone_tui.ingest.stage import IngestResult, ingest

__all__ = ["IngestResult", "SourceFile", "ingest", "resolve_sources"]
