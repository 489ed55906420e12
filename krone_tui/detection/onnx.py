"""Shipped and plugged-in .onnx files: each with a manifest, checked before and after it is run."""

import hashlib
import os
import threading
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from krone_tui.errors import KroneError

SECONDS = 120.0
"""What one run of a graph may take: a thousand times what the shipped ones need, so that only a loop without end hits it."""


class DetectorFailed(KroneError):  # noqa: N818
    """A detector misbehaved while it judged; the others can go on without it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The detector '{name}' {why}.")
        self.name = name
        self.why = f"it {why}"


class Manifest(BaseModel):
    """What a model's .toml says of it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    kind: str
    """`severity`, `local_context`, `nested_seq`, `nested_execution`."""
    version: int
    file: str
    sha256: str
    threshold: float
    """At normal sensitivity, where `thresholds` does not say otherwise."""
    thresholds: dict[str, dict[str, float]] = {}
    """By kind of population (self or good baseline, identifier or windows), then by sensitivity."""
    features: tuple[str, ...] = ()
    """Names of the input's columns."""


@dataclass(frozen=True)
class Detector:
    """A loaded model."""

    manifest: Manifest
    session: Any

    def score(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """[n] scores, 0…1, for [n, columns] features. Raises `DetectorFailed` when the model misbehaves."""
        if len(features) == 0:
            return np.zeros(0)
        rows = {self.session.get_inputs()[0].name: np.ascontiguousarray(features)}
        answer = run(self.session, rows, self.manifest.name)
        if answer.size != len(features):
            raise DetectorFailed(self.manifest.name, f"gave {answer.size} scores for {len(features)} rows")
        scores = answer.astype(np.float64).reshape(-1)
        if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1:
            raise DetectorFailed(self.manifest.name, "gave a score that is no probability")
        return scores


def run(session: Any, inputs: dict[str, npt.NDArray[Any]], name: str) -> npt.NDArray[Any]:
    """The one output of a graph. Raises `DetectorFailed` when it fails or takes longer than `SECONDS`."""
    import onnxruntime as ort

    options = ort.RunOptions()
    options.log_severity_level = 4
    late = threading.Event()

    def stop() -> None:
        late.set()
        options.terminate = True

    timer = threading.Timer(SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        (answer,) = session.run(None, inputs, options)
    except Exception as error:  # ONNX Runtime raises its own types, and RuntimeError
        why = f"took longer than {SECONDS:.0f} seconds" if late.is_set() else f"failed: {first_line(error)}"
        raise DetectorFailed(name, why) from error
    finally:
        timer.cancel()
    return np.asarray(answer)


def open_session(model: Path | bytes, threads: int) -> Any:
    """An ONNX Runtime session over the bytes of a file, so that no external data is followed."""
    return _session(model.read_bytes() if isinstance(model, Path) else model, threads)


@lru_cache(maxsize=16)
def _session(model: bytes, threads: int) -> Any:
    """Kept for the next time that detectors are loaded: a log is judged again whenever it grows or is grouped otherwise."""
    # Official builds (from 1.29 on) report to their maker as soon as they are imported; the function to stop that comes
    # too late for the first report. https://github.com/microsoft/onnxruntime/pull/27379
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime as ort
    except ImportError as error:
        # A signal that comes while its library is set up is wrapped, and would be taken for a library that does not work.
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        raise

    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait by spinning would take the cores from whatever else runs, for graphs that take milliseconds.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    # Its other format is not looked into before it is loaded; see graph.py.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return ort.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def read_manifest(manifest_path: Path, kind: str) -> tuple[Manifest, Path]:
    """A model's manifest and the file it describes, in the manifest's own folder.

    Raises `KroneError` naming the model when the manifest cannot be read or is of another kind, or the file's hash is not
    the one it states.
    """
    try:
        manifest = Manifest(**tomllib.loads(manifest_path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise KroneError(
            f"The detector's manifest {manifest_path} cannot be used: {first_line(error)}."
        ) from error
    path = manifest_path.parent / Path(manifest.file).name
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise KroneError(
            f"The detector '{manifest.name}' cannot be read: {error.strerror}: {path}."
        ) from error
    if digest != manifest.sha256:
        raise KroneError(
            f"The detector '{manifest.name}' is refused: {path} is not the file its manifest describes."
        )
    if manifest.kind != kind:
        raise KroneError(
            f"The detector '{manifest.name}' is refused: it is of kind '{manifest.kind}', not '{kind}'."
        )
    return manifest, path


def load_detector(
    manifest_path: Path,
    kind: str,
    features: tuple[str, ...],
    threads: int = 1,
    inputs: tuple[str, ...] = ("features",),
) -> Detector:
    """Load the model a manifest describes.

    Raises `KroneError` naming the model when it is refused: the wrong hash or kind, other features than the ones this
    version computes, or a graph with other inputs.
    """
    manifest, path = read_manifest(manifest_path, kind)
    if manifest.features != features:
        raise KroneError(
            f"The detector '{manifest.name}' is refused: it was made for other features than this version's."
        )
    try:
        session = open_session(path, threads)
    except Exception as error:  # ONNX Runtime raises its own types, and RuntimeError
        raise KroneError(f"The detector '{manifest.name}' cannot be loaded: {first_line(error)}.") from error
    found = session.get_inputs()
    width = found[0].shape[-1] if features and found else None
    if tuple(one.name for one in found) != inputs or (features and width != len(features)):
        raise KroneError(
            f"The detector '{manifest.name}' is refused: its inputs are not {', '.join(inputs)} with {len(features)} columns."
        )
    return Detector(manifest, session)


def first_line(error: Exception) -> str:
    """An error's first line, to stand within a sentence."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
