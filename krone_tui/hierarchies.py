"""Which hierarchy an investigation takes: the rules', the user's edits or file, a local model's; and what to say of it."""

from collections.abc import Sequence
from pathlib import Path

from krone_tui.abstraction import AskingExtractor, Extractor, FileExtractor, own_hierarchy
from krone_tui.errors import KroneError
from krone_tui.explanation import (
    NEEDS_LLAMA_CPP,
    TemplatePlacer,
    find_model,
    how_to_get_one,
    llama_cpp_installed,
)
from krone_tui.progress import Progress
from krone_tui.settings import Settings
from krone_tui.store import Store, facts

_ASK_MODEL = "llm"
_RULES = "rules"
"""What the setting `hierarchy` may be besides a file."""
_KNOWN_FEW = 0.5
"""Share of the templates below which a hierarchy file is likely of another log, which is said."""


def chosen_extractor(paths: Sequence[str], settings: Settings, progress: Progress) -> Extractor | None:
    """Where the hierarchy comes from; None: the rules. Raises `KroneError` when the model or the file cannot be had."""
    if settings.hierarchy == _RULES:
        return None
    if settings.hierarchy is None:
        own = own_hierarchy(settings, paths[0])
        if paths[0] == "-" or not own.exists():
            return None
        try:
            return FileExtractor(own)
        except KroneError as error:
            raise KroneError(
                f"Your edits of the hierarchy cannot be used: {error} Mend or remove it, or leave it out with --hierarchy {_RULES}."
            ) from error
    if settings.hierarchy != _ASK_MODEL:
        return FileExtractor(Path(settings.hierarchy).expanduser())
    model = find_model(settings)
    if model is None or not llama_cpp_installed():
        lacking = NEEDS_LLAMA_CPP if model is not None else f"there is none. {how_to_get_one(settings)}"
        raise KroneError(f"--hierarchy llm needs a local model: {lacking}")
    return AskingExtractor(TemplatePlacer(settings.data_dir, model, settings.threads), progress)


def placed_notes(extractor: Extractor | None, settings: Settings) -> list[str]:
    """What the reader must know of a hierarchy that is not the rules'."""
    if isinstance(extractor, AskingExtractor):
        by_rules = extractor.asked - extractor.placed
        why = f" It stopped there: {extractor.problem}" if extractor.problem else ""
        note = f"A local model placed {extractor.placed:,} of {extractor.asked:,} templates, the rules the other {by_rules:,}"
        return [f"{note}; `krone-tui hierarchy` shows where.{why}"]
    return _known_templates(extractor, settings)


def _known_templates(extractor: Extractor | None, settings: Settings) -> list[str]:
    """A note when the hierarchy's file has few of the log's templates: it may be of another log."""
    # Edits of another application's log by the same name are nothing to speak of.
    if settings.hierarchy is None or not isinstance(extractor, FileExtractor):
        return []
    if extractor.matched >= _KNOWN_FEW * extractor.asked:
        return []
    known = f"{extractor.matched:,}" if extractor.matched else "none"
    note = f"The hierarchy file {settings.hierarchy} knows {known} of the {extractor.asked:,} templates of this log"
    return [f"{note}; the rules placed the others."]


def as_edited(
    store: Store, extractor: Extractor | None, paths: Sequence[str], settings: Settings
) -> list[str]:
    """A note where places count that the user gave templates on the screen, in an earlier opening of such a log."""
    own = own_hierarchy(settings, paths[0])
    if not isinstance(extractor, FileExtractor) or extractor.path != own:
        return []
    if not any(counter in extractor.counts and value for _, _, counter, value in facts.read_work(store)):
        return []
    return [f"The hierarchy is as you edited it; --hierarchy {_RULES} leaves that out ({own})."]
