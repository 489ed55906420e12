"""From templates to entity, action, status and outcome by rules alone: no model, no configuration.

Each template is read on its own (`rules_reading.py`, `rules_special.py`); then all are looked at together:
an entity
is a name that several templates use, and the spelling, number and CamelCase of a name are made one. A
template
whose own names occur nowhere else goes to its component, or to a head noun that others share.

Conventions. A template that names no action has the action `report`. One that says only how something ended
("job completed", "job failed") has the action `complete` where the entity has such an action, else `report`.
The status
is the verb as written (`receiving`, `received`), a word of state (`not found`, `invalid`), or `failed:
reason`.
The outcome of a past form is `success`, except of verbs that end or undo (`closed`, `removed`): `none`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from krone_tui.abstraction.lexicon import lexicon, look_up, verb_of_part
from krone_tui.abstraction.rules_clauses import Name
from krone_tui.abstraction.rules_reading import REPORT, Reading, read
from krone_tui.abstraction.rules_special import read_special
from krone_tui.abstraction.rules_tokens import name_pieces, split_identifier
from krone_tui.store.telling_numbers import without_zero_counts

_MAX_WORDS = 3
_NAME_WORD = re.compile(r"^(?:[a-z][a-z0-9/.+_\-]*[a-z0-9]|[a-z]\d)$")
_SURFACE = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True)
class TemplateText:
    """What the hierarchy is made from."""

    text: str
    """The template, `<*>` for what varies."""
    component: str | None
    """The most frequent component in the headers of its records, if headers carry one."""


@dataclass(frozen=True)
class Leaf:
    """One template's place in the Log Abstraction Model."""

    entity: str
    action: str
    status: str
    outcome: str
    """`failure`, `success`, `progress` or `none`: how the status reads."""


def extract_hierarchy(templates: Sequence[TemplateText]) -> list[Leaf]:
    """Entity, action, status and outcome of each template, in the order given; the same input gives the same
    output.

    Names are chosen over all templates together, so a template's leaf may depend on the others.
    """
    readings = [_read(template.text) for template in templates]
    components = [component_name(template.component) for template in templates]
    spelling = _Spelling(templates)
    entities = _choose_entities(readings, components)
    actions = [reading.action for reading in readings]
    completing = {
        entity
        for entity, reading in zip(entities, readings, strict=True)
        if reading.finishing and reading.outcome == "success"
    }
    leaves = []
    for entity, named, reading in zip(entities, actions, readings, strict=True):
        action = named
        if not action:
            action = "complete" if reading.finishing and entity in completing else REPORT
        status = reading.status or ("called" if action != REPORT else "reported")
        leaves.append(Leaf(spelling.show(entity), action, status, reading.outcome))
    return leaves


def _read(text: str) -> Reading:
    """What one message says; what it counts none of is no status of it, unless it says nothing else."""
    said = without_zero_counts(text)
    return read_special(text) or read(said if _SURFACE.search(said) else text)


def component_name(component: str | None) -> Name:
    """The words of a component's name (`org.x.NetworkClient`: network client; `crond(pam_unix)`: crond);
    empty if none."""
    if not component:
        return ()
    bare = re.split(r"[\[(\s:,;=]", component.strip().strip("[(<*- "))[0].rstrip("/.")
    if bare.startswith("/") or bare.count("/") > 1:
        bare = bare.rsplit("/", 1)[-1]
    bare = re.sub(r"\.(?:py|go|c|cc|cpp|java|js|ts|rs|rb)$", "", bare)
    if not re.search(r"[A-Za-z]{2}", bare) or bare.lower() in lexicon().levels:
        return ()
    parts = [part for part in re.split(r"[.$/]|::", bare) if re.search(r"[A-Za-z]", part)]
    short = len(parts) == 1 or (len(parts) == 2 and parts[-1] not in lexicon().component_tails)
    if short and re.fullmatch(r"[a-z][a-z0-9.\-_/]*", bare):
        return (re.sub(r"[<>*\d]+$", "", bare).strip("-_./") or bare,)
    take = parts[-1:] if parts[-1].lower() not in lexicon().component_tails or len(parts) == 1 else parts[-2:]
    words = [piece.lower() for part in take for piece in _component_pieces(part)]
    return tuple(look_up(word).noun if len(words) > 1 else word for word in words)[-_MAX_WORDS:]


def _component_pieces(part: str) -> list[str]:
    pieces = name_pieces(part)
    return (
        pieces
        if len(pieces) > 1
        else [piece for piece in split_identifier(part) if len(piece) > 1 or "_" not in part]
        if "_" in part
        else [part]
    )


def _choose_entities(readings: list[Reading], components: list[Name]) -> list[Name]:
    candidates = [_candidates(reading) for reading in readings]
    support: Counter[str] = Counter()
    for names, component in zip(candidates, components, strict=True):
        forms = {key for name in names[:4] for form in _shorter(name) if (key := _key(form))}
        if component:
            forms.add(_key(component))
        support.update(forms)
    return [
        _choose(names, component, support) for names, component in zip(candidates, components, strict=True)
    ]


def _candidates(reading: Reading) -> list[Name]:
    """Usable names, best first; vague ones are left out."""
    seen: list[Name] = []
    for name in [*reading.names, *reading.labels]:
        clean = _clean(name)
        if clean and clean not in seen:
            seen.append(clean)
    return seen


def _clean(name: Name) -> Name:
    """A name without words that say nothing; empty when nothing is left."""
    vague = lexicon().vague
    words = [word for word in name if _NAME_WORD.match(word) and (len(word) > 1)]
    while words and (words[0] in lexicon().failure_modifiers or look_up(words[0]).closed):
        words.pop(0)
    while len(words) > 1 and words[-1] in vague:
        words.pop()
    if not words or (len(words) == 1 and words[0] in vague):
        return ()
    return tuple(words[-_MAX_WORDS:])


def _shorter(name: Name) -> list[Name]:
    """The name, its last two words, its head noun: what it may be called for short."""
    return [
        name[start:]
        for start in range(len(name))
        if name[start:] and (start == 0 or name[-1] not in lexicon().vague)
    ]


def _key(name: Name) -> str:
    return "".join(name).replace("-", "").replace("_", "")


def _choose(names: list[Name], component: Name, support: Counter[str]) -> Name:
    for rank, name in enumerate(names[:3]):
        for form in _shorter(name):
            if support[_key(form)] > 1 and not _odd(form):
                return form
        if rank == 0 and name[-1] in lexicon().entities:
            return name if len(name) < _MAX_WORDS else name[-1:]
    if component:
        return component
    plain = [name for name in names if not _odd(name)]
    return (
        min(plain[:2], key=lambda name: (len(name) > 2, names.index(name)))
        if plain
        else (names[0] if names else ("message",))
    )


def _odd(name: Name) -> bool:
    """Whether a name is too short or too strange to stand alone."""
    if len(name) > 1:
        return False
    word = look_up(name[0])
    return len(name[0]) < 3 or bool(word.closed) or (word.finite and word.form != "s")


class _Spelling:
    """How each word of a name is written: as most templates write it, acronyms in capitals."""

    def __init__(self, templates: Sequence[TemplateText]) -> None:
        self._forms: dict[str, Counter[str]] = {}
        self._programs: set[str] = set()
        self._shown: dict[str, str] = {}
        for template in templates:
            for surface in _SURFACE.findall(f"{template.text} {template.component or ''}"):
                if not surface.islower():
                    for piece in name_pieces(surface):
                        self._forms.setdefault(_bare(piece), Counter())[piece] += 1
                else:
                    self._forms.setdefault(_bare(surface), Counter())[surface] += 1
            component = template.component or ""
            if len(found := component_name(component)) == 1 and found[0] in component:
                self._programs.add(found[0])

    def show(self, name: Name) -> str:
        """The name as it is shown; one spelling for all names with the same letters."""
        key = _key(name)
        if key not in self._shown:
            words = [self._word(word) for word in name]
            if words[0].islower() and not (
                len(name) == 1 and (name[0] in self._programs or not name[0].isalpha())
            ):
                words[0] = words[0][0].upper() + words[0][1:]
            self._shown[key] = " ".join(words)
        return self._shown[key]

    def _word(self, word: str) -> str:
        if word in self._programs:
            return word
        if 1 < len(word) < 5 and not word.endswith("d") and word.isalpha() and not set(word) & set("aeiouy"):
            return word.upper()
        forms = self._forms.get(_bare(word))
        if not forms:
            return word
        lower = sum(count for form, count in forms.items() if form.islower())
        capitals = sum(count for form, count in forms.items() if form.isupper())
        mixed = [
            (count, form)
            for form, count in forms.items()
            if not form.isupper() and not form.islower() and not form.istitle()
        ]
        known = verb_of_part(word) or look_up(word).closed or look_up(word).nominal
        if mixed and max(mixed)[0] >= lower:
            return max(mixed)[1].removesuffix("s") if not word.endswith("s") else max(mixed)[1]
        if capitals > lower and not known and len(word) <= 6:
            return word.upper()
        return word


def _bare(surface: str) -> str:
    return look_up(surface.lower()).noun
