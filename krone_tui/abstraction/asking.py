"""A hierarchy that something else is asked for, template by template, within choices that the rules can read.

Whoever is asked (a local model) chooses; nothing it says comes in that is neither a word of the template nor a name in
use. Where its answer cannot be used the rules' leaf stands.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from krone_tui.abstraction.extractors import leaf_of
from krone_tui.abstraction.lexicon import look_up
from krone_tui.abstraction.rules import Leaf, TemplateText, extract_hierarchy
from krone_tui.abstraction.rules_reading import REPORT
from krone_tui.abstraction.rules_tokens import name_pieces
from krone_tui.errors import Cancelled, KroneError
from krone_tui.progress import Progress, StageProgress, silent

_MOST_WORDS = 3
"""Of a name: what the rules' names have at most."""
_MOST_CHARACTERS = 48
_MOST_OFFERED = 8
"""Names in use that are offered for one template."""
_MOST_CHOICES = 60
_WORD = re.compile(r"[^\W\d_](?:[\w-]*\w)?")
_GAP = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Choices:
    """What may be answered for one template."""

    entities: tuple[str, ...]
    """Names in use whose words the template has first, then words of the template and its component. A small model that
    may choose any name in use soon gives the first one to all."""
    entities_in_use: int
    """How many of them are names in use."""
    actions: tuple[str, ...]
    """Base forms of the template's verbs, those in use first, then `report`."""
    actions_in_use: int
    statuses: tuple[str, ...]
    """Words of the template."""


class Placer(Protocol):
    """Whoever is asked."""

    @property
    def identity(self) -> str:
        """What its answers depend on."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What the answers took."""
        ...

    def place(
        self,
        text: str,
        entities: Sequence[str],
        entities_in_use: int,
        actions: Sequence[str],
        actions_in_use: int,
        statuses: Sequence[str],
        listen: Callable[[], None],
    ) -> tuple[str, str, str] | None:
        """(entity, action, status) of a template; None where it has no answer. Raises `KroneError` when it cannot go on, and what
        `listen`, called often meanwhile, raises."""
        ...

    def close(self) -> None:
        """Nothing more will be asked."""
        ...


class AskingExtractor:
    """Asks for each template in turn, offering the names in use that may be its own; what cannot be used goes to the rules."""

    def __init__(self, placer: Placer, progress: Progress = silent) -> None:
        self._placer = placer
        self._progress = progress
        self.identity = f"asked {placer.identity}"
        self.asked = 0
        """Templates of the last `extract`."""
        self.placed = 0
        """Those of them whose answer was used."""
        self.problem = ""
        """Why it stopped asking, one sentence; the rules placed the rest."""

    @property
    def counts(self) -> Mapping[str, int]:
        """For `work`."""
        by_rules = self.asked - self.placed
        return {
            "templates placed by the model": self.placed,
            "templates placed by rules": by_rules,
            **self._placer.counts,
        }

    def extract(self, templates: Sequence[TemplateText]) -> list[Leaf]:
        """The leaves; raises what `progress` raises. Answers that were given until then are not lost: the placer keeps them."""
        self.asked, self.placed, self.problem = len(templates), 0, ""
        in_use = _InUse()
        leaves = []
        try:
            for number, (template, ruled) in enumerate(
                zip(templates, extract_hierarchy(templates), strict=True)
            ):
                report = StageProgress("hierarchy", number, len(templates), "templates")
                self._progress(report)
                place = self._place(template, in_use, partial(self._progress, report))
                self.placed += place is not None
                leaf = ruled if place is None else leaf_of(place, template, ruled)
                in_use.add(leaf)
                leaves.append(leaf)
        finally:
            self._placer.close()
        return leaves

    def _place(
        self, template: TemplateText, in_use: "_InUse", listen: Callable[[], None]
    ) -> tuple[str, str, str] | None:
        choices = in_use.choices(template)
        if self.problem or not choices.statuses:
            return None
        try:
            answer = self._placer.place(
                template.text,
                choices.entities,
                choices.entities_in_use,
                choices.actions,
                choices.actions_in_use,
                choices.statuses,
                listen,
            )
        except Cancelled:
            raise
        except KroneError as error:
            self.problem = str(error)
            return None
        return usable(answer, choices) if answer is not None else None


def usable(answer: tuple[str, str, str], choices: Choices) -> tuple[str, str, str] | None:
    """The answer in the spelling of the choices; None where a part is empty, too long, or none of them."""
    entity, action, status = (" ".join(part.split()) for part in answer)
    if not all(0 < len(part) <= _MOST_CHARACTERS for part in (entity, action, status)):
        return None
    known = {key_of(name): name for name in reversed(choices.entities)}
    chosen = known.get(key_of(entity))
    if chosen is None or action.lower() not in choices.actions or status not in choices.statuses:
        return None
    return chosen, action.lower(), status


def key_of(name: str) -> str:
    """A name without what differs between two ways to write it: case, number, CamelCase, marks."""
    words = [piece.lower() for word in _WORD.findall(name) for piece in name_pieces(word) or [word]]
    return "".join(look_up(word).noun for word in words)


class _InUse:
    """The names given so far."""

    def __init__(self) -> None:
        self._entities: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()

    def add(self, leaf: Leaf) -> None:
        self._entities[leaf.entity] += 1
        if leaf.action != REPORT:
            self._actions[leaf.action] += 1

    def choices(self, template: TemplateText) -> Choices:
        runs = _runs(template.text)
        words = [word for run in runs for word in run]
        keys = {key_of(word) for word in words}
        verbs = list(dict.fromkeys(base for word in words if (base := _base(word))))
        entities = _most_used(self._entities, lambda name: all(key_of(word) in keys for word in name.split()))
        actions = _most_used(self._actions, lambda name: name in verbs)
        component = [" ".join(_WORD.findall(template.component or "")[-1:])]
        own = [_shown(name) for name in [*_spans(runs), *component] if _names(name)]
        return Choices(
            tuple(_distinct([*entities, *own])[:_MOST_CHOICES]),
            len(entities),
            tuple(dict.fromkeys([*actions, *verbs, REPORT])),
            len(actions),
            tuple(_spans(runs)[:_MOST_CHOICES]),
        )


def _most_used(used: Counter[str], fits: Callable[[str], bool]) -> list[str]:
    """Names in use that fit the template, the most frequent first."""
    return [name for name, _ in used.most_common() if fits(name)][:_MOST_OFFERED]


def _distinct(names: Sequence[str]) -> list[str]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(key_of(name), name)
    return list(first.values())


def _runs(text: str) -> list[list[str]]:
    """The words of a template, those together that only blanks part."""
    runs: list[list[str]] = []
    end = -1
    for match in _WORD.finditer(text):
        if runs and _GAP.fullmatch(text[end : match.start()]):
            runs[-1].append(match.group())
        else:
            runs.append([match.group()])
        end = match.end()
    return runs


def _spans(runs: Sequence[Sequence[str]]) -> list[str]:
    """Every run of up to three words, in order, shorter ones first."""
    found = [
        " ".join(run[start : start + size])
        for size in range(1, _MOST_WORDS + 1)
        for run in runs
        for start in range(len(run) - size + 1)
    ]
    return [span for span in dict.fromkeys(found) if len(span) <= _MOST_CHARACTERS]


def _names(span: str) -> bool:
    """Whether words can name a thing: none of them is a word of grammar, or a verb in past or -ing form."""
    words = [look_up(word.lower()) for word in span.split()]
    return bool(words) and not any(word.closed or word.form in ("past", "ing") for word in words)


def _base(word: str) -> str:
    """The action that a word may stand for, as a base form; '' where it cannot."""
    known = look_up(word.lower())
    return "" if known.closed else known.verb or known.nominal


def _shown(name: str) -> str:
    return name[0].upper() + name[1:] if name.islower() else name
