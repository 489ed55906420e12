"""What normal executions look like, asked once and kept."""

from functools import lru_cache

from krone_tui.store import Store
from krone_tui.store import evidence as queries

KEPT = 1000
"""Answers of one kind that are kept: those of what is looked at in turn, never of a whole log."""


class Usual:
    """What normal executions of one kind look like."""

    def __init__(self, store: Store, window: bool) -> None:
        self._store = store
        self._window = window
        self.unit = "windows" if window else "executions"
        self.normal, self._usages = queries.usages(store, window)
        self._followers: dict[int | None, list[tuple[int | None, int]]] | None = None
        self.as_often = lru_cache(KEPT)(
            lambda template, times: queries.as_often(store, template, times, window)
        )
        """Normal executions in which a template occurs just so many times."""
        self.both = lru_cache(KEPT)(lambda first, second: queries.both(store, first, second, window))
        """(normal executions with the first template, those of them that also have the second)."""
        self.precedence = lru_cache(KEPT)(
            lambda first, second: queries.precedence(store, first, second, window)
        )
        """(normal executions with both templates, those of them in which the first one comes first)."""
        self.equally_often = lru_cache(KEPT)(
            lambda first, second: queries.equally_often(store, first, second, window)
        )
        """(normal executions with both templates, those of them in which both occur equally often)."""
        self.nearest = lru_cache(KEPT)(lambda variant_id: queries.nearest(store, variant_id))

    def usage(self, template: int) -> queries.Usage:
        """In how many of them a template is, and how often."""
        return self._usages.get(template, queries.Usage(0, 0, 0, 0))

    def followers(self, template: int | None) -> list[tuple[int | None, int]]:
        """What comes next after a template (None: at the beginning; then None: nothing), the most frequent first."""
        if self._followers is None:
            self._followers = queries.followers(self._store, self._window)
        return self._followers.get(template, [])
