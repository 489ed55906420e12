"""The wheel: it holds what is needed and no more, and works from any folder without the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built offline with the hatchling that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel; its dependencies are those of the environment of the tests."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, symlinks=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "--disable-pip-version-check",
    ]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # As a folder, not as a site: the checkout that is linked there is not followed.
    (folder / "lib" / version / "site-packages" / "dependencies.pth").write_text(
        sysconfig.get_path("purelib")
    )
    return folder


def run(installed: Path, folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the environment's programs in a folder of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
    }
    program = str(installed / "bin" / command[0])
    return subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_wheel_holds_models_and_samples_and_nothing_they_were_made_from(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {name.removeprefix("krone_tui/_data/") for name in names if name.startswith("krone_tui/_data/")}
    expected = {
        str(path.relative_to(TOP))
        for pattern in (
            "models/*.onnx",
            "models/*.toml",
            "models/*.md",
            "sample_logs/*.log.gz",
            "sample_logs/*.csv",
        )
        for path in TOP.glob(pattern)
    }
    assert expected <= shipped
    assert len(expected) >= 15
    assert {Path(name).suffix for name in shipped} <= {".onnx", ".toml", ".md", ".gz", ".csv"}
    assert all(name.count("/") == 1 for name in shipped), "only the top of each folder"
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "benchmarks/"))]


def test_the_wheel_holds_every_module_and_every_data_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    kinds = {".py", ".sql", ".toml", ".txt", ".tcss", ".gbnf", ".md"}
    package = {
        str(path.relative_to(TOP))
        for path in (TOP / "krone_tui").rglob("*")
        if path.is_file() and path.suffix in kinds
    }
    assert package - names == set()


def test_it_runs_from_the_wheel_in_another_folder(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "python", "-c", "import krone_tui; print(krone_tui.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed), where
    program = "from krone_tui.resources import data_folder as d; print(d('models')); print(d('sample_logs'))"
    models, samples = run(installed, tmp_path, "python", "-c", program).stdout.split()
    assert Path(models).is_relative_to(installed)
    scan = run(installed, tmp_path, "krone-tui", "scan", f"{samples}/pool-exhaustion.log.gz")
    assert (scan.returncode, scan.stderr) == (0, "")
    assert "flagged in" in scan.stdout
    assert "1. " in scan.stdout


def test_the_version_is_the_packages(installed: Path, tmp_path: Path, wheel: Path) -> None:
    said = run(installed, tmp_path, "krone-tui", "--version").stdout.split()
    assert said == ["krone-tui", wheel.name.split("-")[1]]
