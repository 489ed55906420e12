"""Detectors of the user's own: the page's example takes part, and what cannot be trusted is refused by name."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Krone
from detector_graphs import NAME, PAGE, change, graph, helper, put, refusal, written
from simple_logs import JOB_STEPS, UNSEEN_ERROR, jobs, render, write
from simple_logs import settings as stage_settings

from krone_tui.detection import plugins as plugins_module
from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.population import NESTED_EXECUTION_FEATURES, NESTED_SEQ_FEATURES
from krone_tui.detection.stage import SHIPPED
from krone_tui.investigation import Investigation
from krone_tui.store import facts, views

LONG = (*JOB_STEPS[:4], JOB_STEPS[3], *JOB_STEPS[4:])
"""A job that writes one chunk more than all others: too little for the shipped detectors."""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page's script writes."""
    return written(tmp_path_factory.mktemp("example"))


@pytest.fixture
def models(example: Path, tmp_path: Path) -> Path:
    """The example in a data folder of its own."""
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    for file in example.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("log") / "work.log", render(jobs(120, 3, {60: LONG})))


# What takes part


def test_the_page_names_just_the_features_there_are() -> None:
    tables = "".join(line for line in PAGE.splitlines(keepends=True) if line.startswith("| `"))
    named = re.findall(r"`([a-z_0-9.]+)`", "".join(line.split("|")[1] for line in tables.splitlines()))
    assert sorted(named) == sorted(NESTED_EXECUTION_FEATURES)
    assert set(NESTED_SEQ_FEATURES) <= set(named)


def test_the_manifest_on_the_page_is_one(models: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    digest = hashlib.sha256((models / f"{NAME}.onnx").read_bytes()).hexdigest()
    (models / f"{NAME}.toml").write_text(text.replace('"…"', f'"{digest}"'), encoding="utf-8")
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert notes == []
    assert plugins[0].detector.manifest.thresholds == {"any": {"low": 0.8, "high": 0.3}}


def open_log(log: Path, models: Path, **given: object) -> Investigation:
    """Investigated with the detectors in a folder, at a sensitivity at which the shipped ones flag least."""
    given = {"sensitivity": "low", "data_dir": models.parent, **given}
    return Investigation.open([str(log)], stage_settings(**given))


def counters(found: Investigation) -> dict[str, float]:
    return {
        counter: value for stage, _, counter, value in facts.read_work(found.store) if stage == "detection"
    }


def test_the_example_finds_what_the_shipped_detectors_let_pass_and_signs_it(
    models: Path, log: Path, tmp_path: Path
) -> None:
    signed = "SELECT DISTINCT detector, score >= 0.5 FROM finding"
    with open_log(log, tmp_path / "none" / "models") as found:
        assert found.store.rows(signed) == []
    with open_log(log, models) as found:
        assert found.opened.notes == ()
        assert found.store.rows(signed) == [(NAME, True)]
        assert [mode.executions for mode in views.failure_modes(found.store)] == [1]
        counted = counters(found)
        assert (
            counted[f"executions judged by {NAME}"]
            >= counted[f"variants flagged at entity level by {NAME}"]
            == 1
        )


@pytest.mark.parametrize("level", ["status", "action"])
def test_a_detector_of_seqs_stops_executions_at_its_level(models: Path, level: str, tmp_path: Path) -> None:
    # A status once more, or an action of the same entity once more.
    odd = LONG if level == "status" else (*JOB_STEPS[:4], JOB_STEPS[0], *JOB_STEPS[4:])
    log = write(tmp_path / "work.log", render(jobs(120, 3, {60: odd})))
    change(models, '"entity"', f'"{level}"')
    change(models, r"inputs = .*", 'inputs = ["seq_rarity", "count_tail"]')
    with open_log(log, models) as found:
        assert found.opened.notes == ()
        counted = counters(found)
        stopped = counted[f"variants stopped at {level} level"]
        assert stopped == counted[f"variants flagged at {level} level by {NAME}"] == 1
        assert (
            1 <= counted[f"{level} Seqs judged by {NAME}"] <= counted["variants judged by Local-Context"] * 4
        )
        assert found.store.rows("SELECT detector FROM finding") == [(NAME,)]
        assert (
            found.store.rows("SELECT level FROM variant_verdict WHERE flagged AND failure_mode_id IS NULL")
            == []
        )


def test_a_threshold_moves_with_the_sensitivity_where_the_manifest_says_so(models: Path, log: Path) -> None:
    path = models / f"{NAME}.toml"
    path.write_text(path.read_text() + "[thresholds]\nlow = 1.0\n", encoding="utf-8")
    with open_log(log, models) as found:
        assert found.store.rows("SELECT * FROM finding WHERE detector = 'length-watch'") == []


def test_what_shipped_detectors_flagged_is_left_to_them(models: Path, tmp_path: Path) -> None:
    broken = (*JOB_STEPS[:3], UNSEEN_ERROR, *[JOB_STEPS[3]] * 3)
    log = write(tmp_path / "work.log", render(jobs(120, 3, {40: broken})))
    with open_log(log, models, sensitivity="normal") as found:
        assert found.store.rows("SELECT DISTINCT starts_with(detector, 'nested_aware') FROM finding") == [
            (True,)
        ]
    with open_log(log, models, sensitivity="normal", exhaustive=True) as found:
        # It is asked all the same, and the first word stands.
        assert counters(found)[f"executions judged by {NAME}"] >= 1
        assert found.store.rows("SELECT DISTINCT starts_with(detector, 'nested_aware') FROM finding") == [
            (True,)
        ]


# What is refused


@pytest.mark.parametrize(
    ("pattern", "to", "reason"),
    [
        (r"\A", "name = [", "its manifest is not TOML"),
        (r"\A", "\x00", "its manifest is not TOML"),
        (r'name = ".*"\n', "", "does not give 'name'"),
        (r'name = ".*"', 'name = "a\\u001b]0;x"', "gives 'name' as"),
        (r'name = ".*"', 'name = "nested_aware"', "there is another detector of that name"),
        (r'name = ".*"', 'name = "Severity"', "there is another detector of that name"),
        (r'"entity"', '"record"', "gives 'level' as 'record'"),
        (r'"entity"', '"status"', None),
        (r"inputs = .*", 'inputs = ["radius_0.1", "loudness"]', "takes 'loudness', which is no feature of the level 'entity'"),
        (r"inputs = .*", 'inputs = ["length_tail", "length_tail"]', "takes a feature twice"),
        (r"inputs = .*", "inputs = []", "gives 'inputs' as"),
        (r"inputs = .*", 'inputs = ["length_tail"]', "its input must be one tensor(float) ['n', 1]"),
        (r"version = 1", 'version = "new"', "gives 'version' as 'new'"),
        (r'sha256 = "\w', 'sha256 = "x', "gives 'sha256' as"),
        (r'sha256 = "\w{6}', 'sha256 = "000000', "is not the file that its manifest describes"),
        (r"threshold = 0.5", "threshold = 0.0", "gives 'threshold' as 0.0"),
        (r"threshold = 0.5", "threshold = nan", "gives 'threshold' as nan"),
        (r"threshold = 0.5", "threshold = 0.5\nurl = 'x'", "its manifest has 'url', and there is only name, level"),
        (r"\Z", "file = '../length-watch.onnx'", "is not in the folder of its manifest"),
        (r"\Z", "file = '/etc/passwd'", "is not in the folder of its manifest"),
        (r"\Z", "file = 'other.onnx'", "other.onnx is not there"),
        (r"\Z", "file = '..'", "is not in the folder of its manifest"),
        (r"\Z", "[thresholds]\nloud = 0.3", "its manifest gives 'thresholds.loud"),
        (r"\Z", "a = " + "[" * 5000 + "]" * 5000, "nests too deeply"),
        (r"\Z", "#" * (65 << 10), "length-watch.toml is longer than 64 kB"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_followed_is_refused_by_name(
    models: Path, pattern: str, to: str, reason: str | None
) -> None:
    change(models, pattern, to)
    if reason is None:
        assert load_plugins(models, SHIPPED, 1)[1] == []
        return
    note = refusal(models)
    assert reason in note
    assert re.search(
        r"The detector '(length-watch(\.toml)?|nested_aware|Severity)' in .*models is refused: ", note
    )


def test_a_model_that_is_too_long_is_refused_by_name(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins_module, "MODEL_BYTES", 100)
    assert "length-watch.onnx is longer than" in refusal(models)


def test_pipes_folders_and_files_that_may_not_be_read_are_no_manifests(models: Path) -> None:
    for file in list(models.iterdir()):
        file.unlink()
    os.mkfifo(models / "pipe.toml")
    (models / "folder.toml").mkdir()
    (models / "lost.toml").symlink_to(models / "nowhere")
    (models / os.fsdecode(b"\xff\n.onnx")).write_bytes(b"")
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert plugins == []
    assert len(notes) == 4
    assert all(note.isprintable() and note.encode() for note in notes)


def test_of_two_detectors_of_one_name_the_first_stays(models: Path) -> None:
    for ending in (".toml", ".onnx"):
        (models / f"second{ending}").write_bytes((models / f"{NAME}{ending}").read_bytes())
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert [one.detector.manifest.file for one in plugins] == [f"{NAME}.onnx"]
    assert len(notes) == 1
    assert "another detector of that name; give the one in second.toml its own" in notes[0]


def test_one_that_is_refused_leaves_the_others_in_peace_and_a_repaired_one_is_used_at_once(
    krone: Krone, models: Path, log: Path
) -> None:
    """Also when the investigation was kept: the cache is named by the detectors too."""
    data = {"KRONE_TUI_DATA_DIR": str(models.parent), "KRONE_TUI_SENSITIVITY": "low"}
    good = (models / f"{NAME}.onnx").read_bytes()
    (models / f"{NAME}.onnx").write_bytes(good[:-1])
    ran = krone("scan", log, "--format", "jsonl", **data).worked()
    assert f"The detector '{NAME}' in {models} is refused: {NAME}.onnx is not the file" in ran.err
    assert ran.out == ""
    again = krone.here("scan", log, "--format", "jsonl", **data).worked()
    assert (again.err, again.out) == (ran.err, "")
    (models / f"{NAME}.onnx").write_bytes(good)
    repaired = krone.here("scan", log, "--format", "jsonl", **data).worked()
    assert repaired.err == ""
    assert len(repaired.out.splitlines()) == 1


def test_one_that_fails_while_it_judges_has_a_part_in_nothing(
    models: Path, log: Path, tmp_path: Path
) -> None:
    """NaN only between a surprise of 1.5 and 3, where it is not tried at the start."""
    sum_of = [
        helper.make_node("ReduceMax", ["features"], ["x"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["x", "low"], ["above"]),
        helper.make_node("Sub", ["x", "high"], ["below"]),
        helper.make_node("Mul", ["above", "below"], ["product"]),
        helper.make_node("Sqrt", ["product"], ["root"]),
        helper.make_node("Sigmoid", ["root"], ["score"]),
    ]
    put(
        models,
        graph(sum_of, {"low": np.array([1.5], dtype=np.float32), "high": np.array([3.0], dtype=np.float32)}),
    )
    assert load_plugins(models, SHIPPED, 1)[1] == []
    verdicts = "SELECT variant_id, flagged, score FROM variant_verdict ORDER BY ALL"
    with open_log(log, models) as with_it, open_log(log, tmp_path / "none" / "models") as without:
        assert with_it.opened.notes == (
            f"The detector '{NAME}' gave a score that is no probability; it takes no part.",
        )
        assert with_it.store.rows(verdicts) == without.store.rows(verdicts)
        assert not any(NAME in counter for counter in counters(with_it))
