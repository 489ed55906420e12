"""Failures read as failures, calm messages as calm, and alarming words in calm sentences as calm."""

import builtins
import csv
import errno
import hashlib
import os
import random
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from krone_tui.detection.onnx import open_session
from krone_tui.detection.severity import FEATURISER_VERSION, WIDTH, SeverityModel, word_features
from krone_tui.errors import KroneError
from krone_tui.resources import data_folder

ROOT = Path(__file__).resolve().parent.parent
MODELS = data_folder("models")
BENCH_DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", ROOT.parent / "shared" / "data"))

CLEAR_FAILURES = [
    "Failed to write invoice <*> to archive: disk is full",
    "cannot open display <*>: connection refused",
    "Lost connection to scheduler <*>, giving up",
    "Unhandled exception in ledger thread <*>",
    "checksum mismatch in shard <*>",
    "deadlock detected while updating account <*>",
    "OrderServiceException: could not reserve item <*>",
    "fatal: unable to allocate memory for tile <*>",
    "replica <*> is corrupt",
]
FAILURES_WITHOUT_THE_USUAL_WORDS = [
    "segfault at <*>",
    "no route to host <*>",
    "stale file handle",
    "broken pipe",
    "connection to <*> reset by peer",
    "gave up on <*> after <*> attempts",
    "lost contact with satellite <*>",
    "cpu <*> stuck for <*> s",
    "cannot allocate region <*>",
    "bad magic in superblock <*>",
    "host <*> unreachable",
    "disk quota exceeded",
    "value <*> out of range",
    "I/O timed out on <*>",
]
CALM = [
    "Started order service in <*> seconds",
    "user <*> logged in from <*>",
    "opened file <*>",
    "Processed batch <*> of <*> records",
    "connected to <*> port <*>",
    "checkpoint <*> completed",
    "loaded <*> rules from <*>",
    "Sending chunk <*> to <*>",
]
ALARMING_WORDS_IN_CALM_SENTENCES = [
    "scan finished: 0 errors",
    "no failures found in <*> files",
    "error handler registered for <*>",
    "failed over successfully to <*>",
    "crash reporter enabled",
    "<*> tests passed, 0 failed",
    "no collisions detected on segment <*>",
    "timeout set to <*> ms",
    "parity error correction enabled",
    "errors=0 dropped=0 retransmitted=<*>",
    "backup completed without errors",
]


@pytest.fixture(scope="module")
def model() -> SeverityModel:
    return SeverityModel(MODELS / "severity.onnx")


@pytest.mark.parametrize("text", CLEAR_FAILURES)
def test_a_clear_failure_scores_above_nine_tenths(model: SeverityModel, text: str) -> None:
    assert model.score([text])[0] > 0.9


@pytest.mark.parametrize("text", FAILURES_WITHOUT_THE_USUAL_WORDS)
def test_a_failure_told_without_the_usual_words_is_above_the_threshold(
    model: SeverityModel, text: str
) -> None:
    manifest = tomllib.loads((MODELS / "severity.toml").read_text(encoding="utf-8"))
    assert model.score([text])[0] > manifest["threshold"]


@pytest.mark.parametrize("text", CALM)
def test_a_plain_message_scores_low(model: SeverityModel, text: str) -> None:
    assert model.score([text])[0] < 0.25


def test_most_plain_messages_score_below_one_tenth(model: SeverityModel) -> None:
    assert np.mean(model.score(CALM) < 0.1) > 0.8


@pytest.mark.parametrize("text", ALARMING_WORDS_IN_CALM_SENTENCES)
def test_alarming_words_in_a_calm_sentence_stay_below_the_threshold(model: SeverityModel, text: str) -> None:
    assert model.score([text])[0] < 0.3


def test_most_sentences_of_this_page_are_unknown_to_the_corpus() -> None:
    corpus = {text for text, _ in written_sentences()}
    shown = [*CLEAR_FAILURES, *CALM, *ALARMING_WORDS_IN_CALM_SENTENCES, *FAILURES_WITHOUT_THE_USUAL_WORDS]
    # What a brief idiom says cannot be said otherwise: "broken pipe" is in any corpus of failures.
    assert sum(text in corpus for text in shown) < len(shown) / 4


def test_variables_numbers_addresses_and_paths_do_not_count() -> None:
    bare, decorated = word_features(
        [
            "read file of user",
            "read file <*> /var/log/error.log of user 42 0x7ffdead0 https://failed.example/error",
        ]
    ).columns
    assert np.array_equal(bare, decorated)


def test_camel_case_and_snake_case_read_as_words() -> None:
    spaced, camel, snake = word_features(
        ["disk write failed", "DiskWriteFailed", "disk_write_failed"]
    ).columns
    assert np.array_equal(spaced, camel)
    assert np.array_equal(spaced, snake)


def test_denial_changes_what_a_word_says(model: SeverityModel) -> None:
    told, denied, counted = model.score(
        ["corruption in table <*>", "no corruption in table <*>", "corruption: 0"]
    )
    assert told > 0.8
    assert denied < 0.3
    assert counted < 0.3


def test_features_have_the_promised_shape_and_range() -> None:
    columns, amounts = word_features(["one", "", "<*>", "weiß nicht, was das heißt", "\x00\x1b[31m" * 20])
    assert columns.shape == amounts.shape
    assert len(columns) == 5
    assert (columns.dtype, amounts.dtype) == (np.int64, np.float32)
    assert 0 <= columns.min() <= columns.max() < WIDTH
    assert 0 <= amounts.min() <= amounts.max() <= 1
    assert word_features([]).columns.shape == (0, 0)


def test_features_are_the_same_in_another_process_with_another_hash_seed_and_locale() -> None:
    texts = ["Could not open IndexFile <*>", "größe 0 errors"]
    code = (
        "import hashlib; from krone_tui.detection.severity import word_features; "
        f"print(hashlib.sha256(word_features({texts!r}).columns.tobytes()).hexdigest())"
    )
    env = {**os.environ, "PYTHONHASHSEED": "12345", "LC_ALL": "C"}
    other = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(word_features(texts).columns.tobytes()).hexdigest()


def test_importing_the_module_leaves_onnxruntime_alone() -> None:
    code = "import sys, krone_tui.detection.severity; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_text_scores_the_same_alone_and_among_many(model: SeverityModel) -> None:
    texts = (CLEAR_FAILURES + CALM) * 40
    together = model.score(texts)
    alone = np.array([model.score([text])[0] for text in CLEAR_FAILURES + CALM])
    assert np.allclose(together.reshape(40, -1), alone, atol=1e-6)
    assert model.score([]).shape == (0,)


def test_ten_thousand_templates_take_about_a_second(model: SeverityModel) -> None:
    kinds = [
        f"{text} in zone{chr(97 + number % 26) * 3}" for number in range(26) for text in CLEAR_FAILURES + CALM
    ]
    texts = (kinds * 30)[:10_000]
    begun = time.process_time()
    model.score(texts)
    assert len(texts) == 10_000
    assert time.process_time() - begun < 2.0  # 0.6 s on an idle machine


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph")
    with pytest.raises(KroneError, match=r"broken\.onnx cannot be loaded"):
        SeverityModel(broken)
    with pytest.raises(KroneError, match="absent"):
        SeverityModel(tmp_path / "absent.onnx")


def _other_graph(path: Path, weights: int, weight: float, column_input: str = "columns") -> Path:
    onnx = pytest.importorskip("onnx")
    float_type, int_type = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    shape = ["n", "most"]
    body = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Gather", ["w", column_input], ["looked_up"]),
            onnx.helper.make_node("Mul", ["looked_up", "amounts"], ["each"]),
            onnx.helper.make_node("ReduceSum", ["each", "axis"], ["y"], keepdims=0),
        ],
        "other",
        [
            onnx.helper.make_tensor_value_info(column_input, int_type, shape),
            onnx.helper.make_tensor_value_info("amounts", float_type, shape),
        ],
        [onnx.helper.make_tensor_value_info("y", float_type, ["n"])],
        [
            onnx.numpy_helper.from_array(np.full(weights, weight, dtype=np.float32), "w"),
            onnx.numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        ],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    path.write_bytes(onnx.helper.make_model(body, ir_version=8, opset_imports=opset).SerializeToString())
    return path


def test_a_graph_of_other_inputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KroneError, match="does not take the columns"):
        SeverityModel(_other_graph(tmp_path / "other.onnx", WIDTH, 1.0, "words"))


def test_a_graph_with_too_few_weights_fails_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KroneError, match=r"narrow\.onnx failed"):
        SeverityModel(_other_graph(tmp_path / "narrow.onnx", 7, 1.0)).score(["anything at all"])


def test_words_that_nobody_taught_say_next_to_nothing(model: SeverityModel) -> None:
    rng = random.Random(8)
    syllables = [
        "ba",
        "cho",
        "dri",
        "fel",
        "gru",
        "hal",
        "jo",
        "kwe",
        "lin",
        "mor",
        "nu",
        "pra",
        "quo",
        "sti",
        "tuv",
        "zy",
    ]
    names = [
        " ".join("".join(rng.choices(syllables, k=3)).capitalize() for _ in range(rng.randint(2, 7)))
        for _ in range(400)
    ]
    assert np.mean(model.score(names) < 0.5) > 0.97


@pytest.mark.parametrize("weight", [float("nan"), 100.0, -1.0])
def test_answers_that_are_no_probabilities_are_refused(tmp_path: Path, weight: float) -> None:
    wild = SeverityModel(_other_graph(tmp_path / "wild.onnx", WIDTH, weight))
    with pytest.raises(KroneError, match="no probability"):
        wild.score(["anything at all"])


def test_the_manifest_describes_the_shipped_graph() -> None:
    manifest = tomllib.loads((MODELS / "severity.toml").read_text(encoding="utf-8"))
    content = (MODELS / manifest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["featuriser_version"] == FEATURISER_VERSION
    assert [(one["name"], one["type"]) for one in manifest["inputs"]] == [
        ("columns", "int64"),
        ("amounts", "float32"),
    ]
    assert 0 < manifest["threshold"] < 1
    assert len(content) < 1_000_000


def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("onnx")
    build = ROOT / "models" / "severity" / "build.py"
    subprocess.run(
        [sys.executable, str(build), "--to", str(tmp_path), "--without-card"], check=True, timeout=900
    )
    for name in ("severity.onnx", "severity.toml"):
        assert (tmp_path / name).read_bytes() == (MODELS / name).read_bytes(), name
    # The card is of this model: it says its size, and how many sentences it was taught.
    card = (MODELS / "severity.md").read_text(encoding="utf-8")
    assert f"{len((MODELS / 'severity.onnx').read_bytes()):,} bytes" in card
    assert f"{len(written_sentences()):,} sentences" in card


def written_sentences() -> list[tuple[str, str]]:
    """Every written sentence and the file it stands in."""
    return [
        (line[2:], path.name)
        for path in sorted((ROOT / "models" / "severity" / "corpus").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def test_the_corpus_is_large_of_both_kinds_and_without_repeats() -> None:
    corpus = ROOT / "models" / "severity" / "corpus"
    marks = [
        line[0] for path in corpus.glob("*.txt") for line in path.read_text("utf-8").splitlines() if line
    ]
    assert min(marks.count("0"), marks.count("1")) > 700
    texts = [text for text, _ in written_sentences()]
    assert len(texts) == len(set(texts))


def test_no_sentence_of_the_corpus_comes_from_a_benchmark_log() -> None:
    files = [*BENCH_DATA.glob("krone/*.log_templates.csv"), *BENCH_DATA.glob("loghub/*_structured.csv")]
    if not files:
        pytest.skip(f"no benchmark logs in {BENCH_DATA}: set KRONE_TUI_BENCH_DATA")
    public = set()
    for path in files:
        with path.open(encoding="utf-8", newline="") as lines:
            public.update(_words(row["EventTemplate"]) for row in csv.DictReader(lines))
    # Short ones are common property: "closing", "shutdown complete", and what strerror() says.
    common = {_words(os.strerror(number)) for number in errno.errorcode}
    same = [
        text for text, _ in written_sentences() if len(_words(text)) > 3 and _words(text) in public - common
    ]
    assert same == []


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z]+", text.replace("<*>", " ").lower()))


def test_a_signal_while_the_library_is_set_up_is_no_library_that_does_not_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(name: str, *rest: object, **more: object) -> object:
        if name == "onnxruntime":
            raise ImportError("initialization failed") from KeyboardInterrupt()
        return importing(name, *rest, **more)

    importing = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_session(b"a graph that was not loaded before", 1)
