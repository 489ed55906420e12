"""What `--baseline` names: knowledge bases by name or path, and logs."""

import glob
from dataclasses import dataclass
from pathlib import Path

from krone_tui.abstraction import masks_digest
from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store import Store, baseline, learnt
from krone_tui.store.knowledge import KnowledgeBase, is_database

KNOWN_FEW = 0.5
"""Share of a log's records below which a knowledge base is likely of another application, which is said."""


@dataclass(frozen=True)
class _Known:
    """One knowledge base that is in force."""

    name: str
    """For the reader: its name in the data folder, or its path."""
    path: Path
    size: learnt.Size


@dataclass(frozen=True)
class Baseline:
    """What is known to be good."""

    logs: tuple[str, ...]
    """Files, folders and patterns, to be read beside the log under analysis."""
    known: tuple[_Known, ...]

    @property
    def identity(self) -> tuple[str, ...]:
        """Of what the knowledge bases learnt: another one after each change of it."""
        return tuple(sorted(one.size.baseline for one in self.known))

    def load(self, store: Store) -> None:
        """Put what was learnt beside the log, before the templates stage. Raises `KroneError` where it cannot be used."""
        for one in self.known:
            with KnowledgeBase.reading(one.path) as kb:
                found = learnt.read(kb)
            if found is None or found.masks != masks_digest():
                raise KroneError(
                    f"The knowledge base {one.name} was learnt by another version of krone-tui, which masked messages "
                    "otherwise; learn the good logs again."
                )
            of_others = baseline.detail(store)
            if of_others is not None and of_others != found.detail:
                raise KroneError(
                    "The knowledge bases' messages are not masked alike, for one of them was learnt from logs with too "
                    "many different ones; use one of them."
                )
            baseline.load(store, found)

    def in_words(self) -> str | None:
        """For the reader; None without any."""
        words = [
            f"the knowledge base {one.name} ({one.size.executions:,} executions of {one.size.logs:,} "
            f"{'log' if one.size.logs == 1 else 'logs'})"
            for one in self.known
        ]
        if self.logs:
            words.append("the logs " + ", ".join(self.logs))
        return " and ".join(words) or None

    def notes(self, store: Store) -> list[str]:
        """What the user must know of how it fits the log, one sentence each; after the executions stage."""
        if not self.known:
            return []
        notes = []
        part = baseline.taking_part(store)
        if part.other_identifier:
            notes.append(
                f"{part.other_identifier:,} executions of the knowledge base are grouped by another identifier than this "
                "log's and take no part."
            )
        if part.other_windows:
            notes.append(
                f"{part.other_windows:,} windows of the knowledge base are cut otherwise than this log's and take no part."
            )
        records, known = baseline.known_records(store)
        if known < KNOWN_FEW * records:
            share = f"{known / records:.0%}" if known else "none"
            notes.append(
                f"The knowledge base knows the templates of {share} of this log's records; it may be of another "
                "application."
            )
        return notes


def resolve_baseline(settings: Settings) -> Baseline:
    """What `--baseline` names. Raises `KroneError` for a knowledge base that cannot be used."""
    logs: list[str] = []
    known: dict[Path, _Known] = {}
    for given in settings.baseline:
        path = _knowledge_base(given, settings)
        if path is None:
            logs.append(str(given))
            continue
        with KnowledgeBase.reading(path) as kb:
            size = learnt.size(kb)
        name = path.stem if path == KnowledgeBase.locate(path.stem, settings) else str(path)
        if not size.baseline:
            raise KroneError(
                f"The knowledge base {name} has learnt no log yet; `krone-tui learn LOG --name {path.stem}` does that."
            )
        known[path.resolve()] = _Known(name, path, size)
    return Baseline(tuple(logs), tuple(known.values()))


def _knowledge_base(given: Path, settings: Settings) -> Path | None:
    """The knowledge base that is meant, or None where it is logs."""
    if is_database(given):
        return given
    text = str(given)
    named = text in KnowledgeBase.names(settings)
    if named and given.exists():
        raise KroneError(
            f"'{text}' is the name of a knowledge base and of a file here (--baseline); write the path of the one that is "
            f"meant: {KnowledgeBase.locate(text, settings)} or {given.absolute()}."
        )
    if named:
        return KnowledgeBase.locate(text, settings)
    if len(given.parts) == 1 and not given.exists() and not glob.has_magic(text):
        names = ", ".join(KnowledgeBase.names(settings)) or "none yet"
        raise KroneError(
            f"{text} does not exist (--baseline), neither as a log nor as a knowledge base; there is {names}."
        )
    return None
