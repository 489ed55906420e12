"""The investigation's database: the only place with SQL."""

from krone_tui.store.connection import SCHEMA_VERSION, Store

__all__ = ["SCHEMA_VERSION", "Store"]
