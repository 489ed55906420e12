"""Explanations that were given before, by Seq, model and prompt version."""

import dataclasses
import json
from typing import Any

from krone_tui.explanation.models import ModelFile
from krone_tui.explanation.prompt import PROMPT_VERSION
from krone_tui.explanation.request import Claim, Explanation
from krone_tui.settings import Settings
from krone_tui.store.explanations import ExplanationCache, ExplanationKey


class KeptExplanations:
    """The same failure is explained once for all its executions: lines are those of the execution explained
    first.
    """

    def __init__(self, settings: Settings) -> None:
        self._cache = ExplanationCache(settings.data_dir)

    def get(self, seq_hash: int, model: ModelFile) -> Explanation | None:
        """What this model said of this Seq; None when it was not asked, or the prompt has changed since."""
        text = self._cache.get(ExplanationKey(seq_hash, model.identity, PROMPT_VERSION))
        if text is None:
            return None
        try:
            return _from_dict(json.loads(text))
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, seq_hash: int, model: ModelFile, explanation: Explanation) -> None:
        """Keep a whole explanation; one that was cut short is not kept. Raises `OSError` when the disk does
        not take it.
        """
        if explanation.complete:
            key = ExplanationKey(seq_hash, model.identity, PROMPT_VERSION)
            self._cache.put(key, json.dumps(dataclasses.asdict(explanation)))


def _from_dict(row: dict[str, Any]) -> Explanation:
    claims = tuple(Claim(**claim | {"lines": tuple(claim["lines"])}) for claim in row["sentences"])
    return Explanation(**row | {"sentences": claims, "left_out": tuple(row["left_out"])})
