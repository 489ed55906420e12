"""Detectors of the user's own: .onnx files with manifests in the user's model folder. docs/detectors.md says how."""

import contextlib
import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from krone_tui.detection.graph import objection
from krone_tui.detection.onnx import Detector, DetectorFailed, Manifest, first_line, open_session
from krone_tui.detection.population import NESTED_EXECUTION_FEATURES, NESTED_SEQ_FEATURES
from krone_tui.errors import KroneError

MANIFEST_BYTES = 64 << 10
MODEL_BYTES = 64 << 20
"""What a manifest and a model may be long: fifty times the shipped ones, and little beside `memory_limit`."""
MOST = 32
"""Detectors that may be plugged in: each costs a session's memory and a pass over what is open."""

Level = Literal["status", "action", "entity"]
_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class PluginManifest(BaseModel):
    """What the .toml beside a user's .onnx says of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
    """Shown as the detector of what it finds."""
    level: Level
    """`status`, `action`: it judges the Seqs of that level; `entity`: whole executions."""
    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    """The features it takes, in the order of its input's columns."""
    version: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    """Of the .onnx file."""
    threshold: _Share
    """Score from which it flags, at normal sensitivity."""
    thresholds: dict[Literal["low", "normal", "high"], _Share] = {}
    """By sensitivity, where it moves with it."""
    file: str | None = None
    """The .onnx beside the manifest; by default the manifest's own name with that ending."""


class Plugin:
    """A detector of the user's own, loaded and tried."""

    def __init__(
        self, level: Level, columns: np.ndarray[tuple[int], np.dtype[np.int64]], detector: Detector
    ) -> None:
        self.level = level
        self.columns = columns
        """Which of the level's features it takes."""
        self.detector = detector

    @property
    def name(self) -> str:
        """As its manifest gives it."""
        return self.detector.manifest.name


def model_files(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """What tells a folder's models from other ones: of each .toml and .onnx its name, size, time (ns), and of a manifest
    what it says.
    """
    found = []
    with contextlib.suppress(OSError):
        for path in _files(folder):
            said = b""
            size, changed = -1, -1
            with contextlib.suppress(OSError, KroneError):
                status = path.stat()
                size, changed = status.st_size, status.st_mtime_ns
                if path.suffix == ".toml":
                    said = _read(path, MANIFEST_BYTES)
            found.append((path.name, size, changed, said))
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".toml", ".onnx"))


def load_plugins(folder: Path, taken: Iterable[str], threads: int) -> tuple[list[Plugin], list[str]]:
    """The detectors in a folder that can be trusted to run, and for each other one a sentence that says why it cannot.

    `taken` are the names of detectors that are there already.
    """
    plugins: list[Plugin] = []
    notes = []
    names = {name.casefold() for name in taken}
    try:
        files = _files(folder)
    except FileNotFoundError:
        files = []
    except OSError as error:
        files = []
        notes.append(_sentence(f"The detectors in {folder} are left out: {error.strerror}."))
    described = set()
    for path in (file for file in files if file.suffix == ".toml"):
        name = path.name
        try:
            manifest = _manifest(path)
            name = manifest.name
            model = manifest.file or f"{path.stem}.onnx"
            described.add(model)
            if name.casefold() in names:
                raise KroneError(
                    f"there is another detector of that name; give the one in {path.name} its own"
                )
            if len(plugins) == MOST:
                raise KroneError(f"there are {MOST} others already, which is the most")
            plugins.append(_load(manifest, folder, model, threads))
            names.add(name.casefold())
        except KroneError as error:
            why = error.why if isinstance(error, DetectorFailed) else str(error)
            notes.append(_sentence(f"The detector '{name}' in {folder} is refused: {why.rstrip('.')}."))
    notes += [
        _sentence(
            f"The detector '{path.name}' in {folder} is refused: no manifest ({path.stem}.toml) describes it."
        )
        for path in files
        if path.suffix == ".onnx" and path.name not in described and not path.with_suffix(".toml").exists()
    ]
    return plugins, notes


def _manifest(path: Path) -> PluginManifest:
    try:
        stated = tomllib.loads(_read(path, MANIFEST_BYTES).decode("utf-8"))
    except ValueError as error:
        raise KroneError(f"its manifest is not TOML: {first_line(error)}") from error
    except RecursionError as error:
        raise KroneError("its manifest nests too deeply") from error
    try:
        return PluginManifest(**stated)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(PluginManifest.model_fields)
            raise KroneError(f"its manifest has '{where}', and there is only {known}") from error
        if problem["type"] == "missing":
            raise KroneError(f"its manifest does not give '{where}'") from error
        given = repr(problem["input"])
        said = problem["msg"][:1].lower() + problem["msg"][1:]
        raise KroneError(f"its manifest gives '{where}' as {given[:60]}, but {said}") from error


def _load(manifest: PluginManifest, folder: Path, file: str, threads: int) -> Plugin:
    """Raises `KroneError` with the reason alone."""
    features = NESTED_EXECUTION_FEATURES if manifest.level == "entity" else NESTED_SEQ_FEATURES
    unknown = [name for name in manifest.inputs if name not in features]
    if unknown:
        raise KroneError(f"it takes '{unknown[0][:60]}', which is no feature of the level '{manifest.level}'")
    if len(set(manifest.inputs)) < len(manifest.inputs):
        raise KroneError("it takes a feature twice")
    if file != Path(file).name or file in ("", ".", ".."):
        raise KroneError(f"its file {file[:200]!r} is not in the folder of its manifest")
    content = _read(folder / file, MODEL_BYTES)
    if hashlib.sha256(content).hexdigest() != manifest.sha256.lower():
        raise KroneError(f"{file} is not the file that its manifest describes (sha256)")
    against = objection(content)
    if against is not None:
        raise KroneError(against)
    try:
        session = open_session(content, threads)
    except Exception as error:  # ONNX Runtime raises its own types, and RuntimeError
        raise KroneError(f"it cannot be loaded: {first_line(error)}") from error
    _check_shapes(session, len(manifest.inputs))
    known = Manifest(
        name=manifest.name,
        kind="nested_execution" if manifest.level == "entity" else "nested_seq",
        version=manifest.version,
        file=file,
        sha256=manifest.sha256,
        threshold=manifest.threshold,
        thresholds={"any": {str(name): value for name, value in manifest.thresholds.items()}},
        features=manifest.inputs,
    )
    detector = Detector(known, session)
    # Two rows that no log would find odd, and two that any would.
    width = len(manifest.inputs)
    for rows in (np.zeros((1, width)), np.tile([[0.0], [1.0], [4.0]], width)):
        detector.score(rows.astype(np.float32))
    columns = np.array([features.index(name) for name in manifest.inputs], dtype=np.int64)
    return Plugin(manifest.level, columns, detector)


def _check_shapes(session: Any, width: int) -> None:
    """One float matrix in, any number of rows; one float number a row out."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    if len(shape) != 2 or inputs[0].type != "tensor(float)" or isinstance(shape[0], int) or shape[1] != width:
        said = ", ".join(f"{one.type} {one.shape}" for one in inputs) or "none"
        raise KroneError(f"its input must be one tensor(float) ['n', {width}], and is {said[:200]}")
    shape = outputs[0].shape if len(outputs) == 1 else []
    one_a_row = len(shape) in (1, 2) and not isinstance(shape[0], int) and shape[1:] in ([], [1])
    if not one_a_row or outputs[0].type != "tensor(float)":
        said = ", ".join(f"{one.type} {one.shape}" for one in outputs) or "none"
        raise KroneError(f"its output must be one tensor(float) ['n'] or ['n', 1], and is {said[:200]}")


def _read(path: Path, most: int) -> bytes:
    """A regular file's bytes: a pipe or a device could keep us waiting for ever."""
    try:
        if not path.is_file():
            raise KroneError(f"{path.name} is {'not a file' if path.exists() else 'not there'}")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise KroneError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise KroneError(f"{path.name} is longer than {most >> 10:,} kB, the most that is read")
    return content


def _sentence(text: str) -> str:
    """One line of text that can be kept as UTF-8, whatever names of files are in it."""
    return " ".join(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").split())
