"""Where a hierarchy comes from: the rules, or a file that overrides them; `asking.py` has the third."""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from krone_tui.abstraction.rules import Leaf, TemplateText, extract_hierarchy
from krone_tui.abstraction.rules_reading import REPORT, read
from krone_tui.errors import KroneError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); a leading `'` makes it
text."""

_OBEYED = ("Cc", "Cf", "Cs", "Co")
"""Categories of characters that a terminal may obey, or that it does not show."""
_MOST_MARKS = 4
"""Combining marks on one letter: more than any script stacks, and few enough not to run over the lines around."""
_OWN_COLUMNS = ("template", "entity", "action", "status")
_PUBLISHED_COLUMNS = ("log_template", "entity_1", "action_1", "status")
_MAX_FILE_BYTES = 64 * 1024 * 1024
_NONE = re.compile(r"^(?:none|null|n/?a)?(?:_\d+)?$", re.I)
_NUMBERED = re.compile(r"_\d+$")


class Extractor(Protocol):
    """Gives each template its place; the result has one leaf a template, in the order given."""

    @property
    def identity(self) -> str:
        """What the leaves depend on besides the templates: two extractors with the same one give the same."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What the last `extract` did and took, for `work`."""
        ...

    def extract(self, templates: Sequence[TemplateText]) -> list[Leaf]:
        """The leaves of all templates; may raise `KroneError`."""
        ...


class RulesExtractor:
    """The default: word lexicon and position in the sentence; needs nothing but the templates."""

    identity = "rules"
    counts: Mapping[str, int] = MappingProxyType({})

    def extract(self, templates: Sequence[TemplateText]) -> list[Leaf]:
        """See `extract_hierarchy`."""
        return extract_hierarchy(templates)


class FileExtractor:
    """A CSV file of the user's: `template,entity,action,status`, as `write_hierarchy` writes it, or a
    published
    KRONE tree (`log_template,entity_1,action_1,status`, arXiv 2602.07303).

    A template is found in the file by its text, white space and repeated variables aside. One that the file
    lacks
    goes to the rules.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content = _read_content(path)
        self.identity = "file " + hashlib.blake2b(content, digest_size=16).hexdigest()
        self._places = _read_places(path, content)
        self.asked = 0
        """Templates of the last `extract`."""
        self.matched = 0
        """Those of them that the file knew."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many templates the file placed."""
        return {"templates placed by the file": self.matched}

    def extract(self, templates: Sequence[TemplateText]) -> list[Leaf]:
        """The file's leaf where it has the template, the rules' leaf where not."""
        by_rules = extract_hierarchy(templates)
        leaves = []
        self.asked, self.matched = len(templates), 0
        for template, ruled in zip(templates, by_rules, strict=True):
            place = self._places.get(normalised_template(template.text))
            self.matched += place is not None
            leaves.append(ruled if place is None else leaf_of(place, template, ruled))
        return leaves


def normalised_template(text: str) -> str:
    """A template's text without what differs between two miners' ways to write it: spaces, case, runs of
    variables; control characters as `shown` writes them."""
    text = re.sub(r"<[A-Z*:_]+>", "<*>", text)
    text = re.sub(r"(?:<\*>[\s.,:/]*){2,}", "<*> ", text)
    return shown(re.sub(r"\s+", " ", text)).strip().lower()


def shown(text: str) -> str:
    """Text that a terminal shows and never obeys: white space as blanks, control characters spelled out, and combining
    marks beyond `_MOST_MARKS` in a row."""
    out: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        spelled = category in _OBEYED or marks > _MOST_MARKS
        plain = character.encode("unicode_escape").decode() if spelled else character
        out.append(" " if character.isspace() else plain)
    return "".join(out)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith((*FORMULA_STARTS, "'")) else text


def _from_cell(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA_STARTS, "'")) else text


def leaf_of(place: tuple[str, str, str], template: TemplateText, ruled: Leaf) -> Leaf:
    """The leaf of a place (entity, action, status) that somebody gave; the rules' names where it has none."""
    entity, action, status = place
    status = status or ruled.status
    # The file says no outcome. Where its status reads as one it decides, else what the message says.
    said = read(status)
    outcome = said.outcome if said.outcome != "none" else ruled.outcome
    return Leaf(entity or ruled.entity, action or REPORT, status, outcome)


def _read_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KroneError(f"The hierarchy file {path} cannot be read: {error.strerror or error}.") from error
    if len(content) > _MAX_FILE_BYTES:
        raise KroneError(f"The hierarchy file {path} is larger than {_MAX_FILE_BYTES // 1024**2} MiB.")
    return content


def _read_places(path: Path, content: bytes) -> dict[str, tuple[str, str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KroneError(f"The hierarchy file {path} is not UTF-8 text.") from error
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in reader.fieldnames or []]
        columns = next(
            (names for names in (_PUBLISHED_COLUMNS, _OWN_COLUMNS) if set(names) <= set(header)), None
        )
        if columns is None:
            raise KroneError(
                f"The hierarchy file {path} must begin with the columns {','.join(_OWN_COLUMNS)} "
                f"(or {','.join(_PUBLISHED_COLUMNS)} of a published KRONE tree)."
            )
        reader.fieldnames = header
        places: dict[str, tuple[str, str, str]] = {}
        for row in reader:
            template, entity, action, status = (row.get(name) for name in columns)
            if template is None or entity is None or action is None or status is None:
                raise KroneError(f"The hierarchy file {path} has too few columns in line {reader.line_num}.")
            entity, action, status = (
                _cleaned(value, columns is _PUBLISHED_COLUMNS) for value in (entity, action, status)
            )
            places[normalised_template(_from_cell(template))] = (entity, action, status)
    except csv.Error as error:
        raise KroneError(
            f"The hierarchy file {path} is not CSV: {error} in line {reader.line_num}."
        ) from error
    if not places:
        raise KroneError(f"The hierarchy file {path} holds no template.")
    return places


def _cleaned(value: str, published: bool) -> str:
    """A cell as a name; published trees number their statuses (`none_7`, `failed_37`), and `none` means no
    name."""
    value = _from_cell(value.strip())
    if _NONE.match(value):
        return ""
    return _NUMBERED.sub("", value) if published else value
