"""What a command loads: a start must not pay for what it does not use, and llama.cpp is for explanations alone."""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import Krone

HEAVY = {"textual", "duckdb", "onnxruntime", "numpy", "pyarrow", "llama_cpp", "drain3"}

REPORT = """
import json, sys
from krone_tui import cli
sys.argv = ["krone-tui", *sys.argv[1:]]
try:
    cli.main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def loaded(krone: Krone, *arguments: str | Path) -> set[str]:
    """Top-level modules loaded by the end of a command."""
    ran = krone.run([sys.executable, "-c", REPORT, *map(str, arguments)])
    return set(json.loads(ran.err.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["scan", "--help"], ["open", "--help"]])
def test_help_loads_nothing_heavy(krone: Krone, arguments: list[str]) -> None:
    assert loaded(krone, *arguments) & HEAVY == set()


def test_help_is_quick(krone: Krone) -> None:
    """0.3 s is the aim on an idle machine; the best of five must stay below three times that on a busy one."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        krone("--help").worked()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.9, took


def test_scan_loads_neither_the_screen_nor_a_language_model(krone: Krone) -> None:
    modules = loaded(krone, "scan", krone.log())
    assert {"duckdb", "onnxruntime"} <= modules
    assert modules & {"textual", "textual_fastdatatable", "llama_cpp", "llm"} == set()


def test_pandas_is_not_loaded_where_it_is_installed(krone: Krone) -> None:
    """The benchmarks need it, and PyArrow would load it for every user who has it."""
    assert find_spec("pandas") is not None
    assert "pandas" not in loaded(krone, "scan", krone.log())


def test_onnx_runtime_is_loaded_for_detection_only(krone: Krone) -> None:
    log = krone.log()
    assert "onnxruntime" in loaded(krone, "scan", log)
    from_cache = loaded(krone, "scan", log)
    assert "duckdb" in from_cache
    assert "onnxruntime" not in from_cache
    assert "onnxruntime" not in loaded(krone, "scan", log, "--group-by", "nosuch")


def test_a_wrong_path_is_said_without_detectors_or_screen(krone: Krone) -> None:
    assert loaded(krone, "nowhere.log") & {"textual", "onnxruntime", "llama_cpp"} == set()


def test_no_module_loads_a_front_end_library_or_a_language_model_at_import() -> None:
    """The stages, the store and the reports can be used by a program that has no terminal."""
    krone_tui = Path(__file__).resolve().parent.parent / "krone_tui"
    below = [
        ".".join(path.relative_to(krone_tui.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(krone_tui.rglob("*.py"))
        if not {"tui", "commands", "cli.py"} & set(path.relative_to(krone_tui).parts)
    ]
    assert len(below) > 50
    program = (
        "import importlib, json, sys\n"
        f"for name in {below!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (
        set(json.loads(done.stdout)) & {"textual", "rich", "typer", "onnxruntime", "llama_cpp", "llm"}
        == set()
    )
