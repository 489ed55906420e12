"""Where the shipped models and sample logs are: beside the package in a checkout, inside it after installation."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder `models` or `sample_logs`, wherever this copy of krone-tui keeps it.

    A wheel carries both under `krone_tui/_data`; a checkout (and an editable install) has them at its top.
    """
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
