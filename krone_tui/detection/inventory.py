"""Which detectors take part, and where they come from, without a log."""

from dataclasses import dataclass
from pathlib import Path

from krone_tui.detection.onnx import Manifest, read_manifest
from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.routing import NESTED_WHOLE
from krone_tui.errors import KroneError
from krone_tui.resources import data_folder
from krone_tui.settings import Settings

_SHIPPED = {
    "severity": "severity",
    "local_context": "local_context",
    "nested_aware_seq": "nested_seq",
    **dict.fromkeys(NESTED_WHOLE, "nested_execution"),
}
"""Name and kind, in the order in which they are asked."""
_JUDGES = {
    "severity": "the words of a template: do they report a failure",
    "local_context": "a Seq by itself, at its level",
    "nested_seq": "a Seq with all that is nested in it",
    "nested_execution": "an execution as a whole",
}


@dataclass(frozen=True)
class DetectorRow:
    """One detector in force."""

    name: str
    judges: str
    """What it looks at, in words."""
    version: int
    folder: Path
    shipped: bool
    """It comes with krone-tui; else it is the user's own."""
    sha256: str


def detectors_in_force(settings: Settings) -> tuple[list[DetectorRow], list[str]]:
    """The detectors that would judge a log now, and one sentence on each that is refused."""
    rows, notes = [], []
    folder = data_folder("models")
    for name, kind in _SHIPPED.items():
        try:
            manifest, _ = read_manifest(folder / f"{name}.toml", kind)
            rows.append(_row(manifest, folder, shipped=True))
        except KroneError as error:
            notes.append(str(error))
    own = settings.data_dir / "models"
    plugins, refused = load_plugins(own, _SHIPPED, 1)
    rows += [_row(plugin.detector.manifest, own, shipped=False) for plugin in plugins]
    return rows, notes + refused


def _row(manifest: Manifest, folder: Path, *, shipped: bool) -> DetectorRow:
    where = NESTED_WHOLE.get(manifest.name)
    judges = _JUDGES[manifest.kind] + (f", {where}" if where else "")
    return DetectorRow(manifest.name, judges, manifest.version, folder, shipped, manifest.sha256)
