"""Explanations that were given before, by Seq, model and prompt version, told anew of another execution."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krone_tui.explanation.grammar import quote
from krone_tui.explanation.grounding import why_unsupported
from krone_tui.explanation.models import ModelFile
from krone_tui.explanation.prompt import PROMPT_VERSION, build_prompt
from krone_tui.explanation.request import Claim, Explanation, Prompt, Request
from krone_tui.settings import Settings
from krone_tui.store import Store, views
from krone_tui.store import evidence as queries
from krone_tui.store.explanations import ExplanationCache, ExplanationKey

_ROOM = 1 << 20
"""Tokens: all of a request fits, as no model has to read it."""


@dataclass(frozen=True)
class Places:
    """Where the records of one execution stand, and where the Seq that is explained begins in it."""

    start: int
    lines: tuple[int, ...]
    """First physical line of each record, in order."""
    templates: tuple[str, ...]
    """Text of each record's template."""

    def find(self, place: "_Place") -> int | None:
        """The line of the record that stands where `place` says; of the same template elsewhere, the one with the
        same number; None where there is none.
        """
        at = self.start + place.offset
        if 0 <= at < len(self.templates) and self.templates[at] == place.template:
            return self.lines[at]
        alike = [at for at, template in enumerate(self.templates) if template == place.template]
        return self.lines[alike[place.number]] if place.number < len(alike) else None


def places_of(store: Store, execution_id: int) -> Places:
    """The places of an execution's records; the decisive finding is what is explained."""
    execution = views.execution(store, execution_id)
    found = views.findings(store, execution.variant_id) if execution else []
    steps = queries.steps(store, [execution_id]).get(execution_id, [])
    texts = views.template_texts(store)
    return Places(
        found[0].position if found else 0,
        tuple(step.first_line for step in steps),
        tuple(texts[step.template_id] for step in steps),
    )


class KeptExplanations:
    """The same failure is explained once for all its executions. For another one than was explained first, each record
    that is cited becomes that execution's own at the same place, quotations of it too, and every sentence is held
    against the new records.
    """

    def __init__(self, settings: Settings) -> None:
        self._cache = ExplanationCache(settings.data_dir)

    def get(self, seq_hash: int, model: ModelFile, request: Request, places: Places) -> Explanation | None:
        """What this model said of this Seq, told of the execution whose request and places are given; None when it was
        not asked, or the prompt has changed since.
        """
        text = self._cache.get(ExplanationKey(seq_hash, model.identity, PROMPT_VERSION))
        if text is None:
            return None
        try:
            row = json.loads(text)
            explanation = _from_dict(row["explanation"])
            cited = {int(line): _Place(*place) for line, place in row["places"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return _retold(explanation, cited, request, places)

    def put(
        self, seq_hash: int, model: ModelFile, explanation: Explanation, request: Request, places: Places
    ) -> None:
        """Keep a whole explanation; one that was cut short is not kept. Raises `OSError` when the disk does
        not take it.
        """
        if not explanation.complete:
            return
        quotes = _quotes(_prompt(request))
        cited = {
            line: dataclasses.astuple(_place(line, places, quotes.get(line, "")))
            for claim in explanation.sentences
            for line in claim.lines
            if line in places.lines
        }
        key = ExplanationKey(seq_hash, model.identity, PROMPT_VERSION)
        self._cache.put(key, json.dumps({"explanation": dataclasses.asdict(explanation), "places": cited}))


@dataclass(frozen=True)
class _Place:
    """One cited record of the execution that was explained."""

    offset: int
    """Records after the beginning of the Seq; negative before it."""
    template: str
    number: int
    """How many records of the template come before it."""
    quote: str
    """How the model quotes it; '' where it was not given."""


def _place(line: int, places: Places, quoted: str) -> _Place:
    at = places.lines.index(line)
    template = places.templates[at]
    return _Place(at - places.start, template, places.templates[:at].count(template), quoted)


def _retold(
    explanation: Explanation, cited: Mapping[int, _Place], request: Request, places: Places
) -> Explanation:
    prompt = _prompt(request)
    quotes = _quotes(prompt)
    lines = {line: places.find(place) for line, place in cited.items()}
    changed = {
        place.quote: quotes[new]
        for line, place in cited.items()
        if (new := lines[line]) is not None and place.quote and quotes.get(new)
    }
    if all(line == new for line, new in lines.items()) and all(old == new for old, new in changed.items()):
        return explanation
    references = prompt.references
    for template, line in zip(places.templates, places.lines, strict=True):
        references.setdefault(str(line), template)
    sentences = tuple(
        _claim(claim, lines, changed, references, prompt.context) for claim in explanation.sentences
    )
    return dataclasses.replace(explanation, sentences=sentences)


def _claim(
    claim: Claim,
    lines: Mapping[int, int | None],
    changed: Mapping[str, str],
    references: Mapping[str, str],
    context: str,
) -> Claim:
    """A sentence told of another execution, and whether its records bear it out."""
    own = tuple(sorted({new for line in claim.lines if (new := lines.get(line)) is not None}))
    text = claim.text
    for old in sorted(changed, key=len, reverse=True):
        if old in text:
            text = text.replace(old, changed[old])
            break
    if not claim.supported:
        why_not = claim.why_not
    elif any(lines.get(line) is None for line in claim.lines):
        why_not = "rests on a record that this execution does not have"
    else:
        why_not = _why_unsupported(text, own, references, context)
    return Claim(claim.part, text, own, not why_not, why_not)


def _why_unsupported(text: str, lines: Sequence[int], references: Mapping[str, str], context: str) -> str:
    if lines:
        return why_unsupported(text, tuple(map(str, lines)), dict(references), context)
    # It rests on evidence that cites no line: one such sentence has to bear it out.
    reasons = [
        why_unsupported(text, (reference,), dict(references), context)
        for reference in references
        if reference.startswith("E")
    ]
    return min(reasons, key=len, default="the evidence that it rests on does not hold here")


def _prompt(request: Request) -> Prompt:
    """All that a model could be given, in the words in which it would be."""
    return build_prompt(request, _ROOM, lambda texts: [0] * len(texts))


def _quotes(prompt: Prompt) -> dict[int, str]:
    return {record.line: quote(record.message) for record in prompt.records}


def _from_dict(row: dict[str, Any]) -> Explanation:
    claims = tuple(Claim(**claim | {"lines": tuple(claim["lines"])}) for claim in row["sentences"])
    return Explanation(**row | {"sentences": claims, "left_out": tuple(row["left_out"])})
