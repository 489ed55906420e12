"""Every setting that can change a result or a limit: one typed object, each with its unit and reason.

Defaults are overridden by `config.toml` in the user's config folder, that by `KRONE_TUI_*` in the
environment, that by the command line.
"""

import json
import os
import re
import tempfile
import textwrap
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from krone_tui.errors import KroneError

_DIRS = platformdirs.PlatformDirs("krone-tui", appauthor=False)


def config_file() -> Path:
    """Where `config.toml` is looked for (`$XDG_CONFIG_HOME/krone-tui/config.toml`)."""
    return _DIRS.user_config_path / "config.toml"


class Sensitivity(StrEnum):
    """How readily an execution is flagged; moves every detector's threshold at once."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Settings(BaseSettings):
    """The settings in force for one investigation."""

    model_config = SettingsConfigDict(env_prefix="KRONE_TUI_", frozen=True, extra="forbid")

    cache_dir: Path = Field(_DIRS.user_cache_path, description="Folder of the investigations' databases.")
    data_dir: Path = Field(
        _DIRS.user_data_path, description="Folder of knowledge bases and the user's models."
    )
    use_cache: bool = Field(
        True, description="Keep the investigation's database, so that the next opening is instant."
    )
    cache_bytes: int = Field(
        4 << 30, ge=0, description="Bytes of investigations to keep; the longest unused go first."
    )
    threads: int = Field(
        0, ge=0, description="Threads of DuckDB and ONNX Runtime; 0: as many as there are cores."
    )
    memory_limit: str = Field("1GB", description="What DuckDB may hold in memory before it spills to disk.")

    group_by: str | None = Field(
        None,
        description="Identifier to group records by: a candidate's name or a regular expression.",
        examples=["req-*"],
    )
    hierarchy: str | None = Field(
        None,
        description="A CSV file that places templates (template,entity,action,status, or a published KRONE tree), "
        "'llm' for a local model, or 'rules'; those it lacks, or has no usable answer for, are placed by the rules. Not "
        "set: as edited on the screen for a log of this name, else the rules.",
        examples=["hierarchy.csv"],
    )
    idle_gap: float = Field(
        0.0, ge=0, description="Seconds without a record that end a window; 0: chosen on the data."
    )
    baseline: tuple[Path, ...] = Field((), description="Logs known to be good, or knowledge bases.")
    normal_before: str | None = Field(
        None,
        description="Records before this time are normal (ISO 8601, with the offset where the log has one).",
        examples=["2026-03-14T02:10:00"],
    )
    sensitivity: Sensitivity = Field(Sensitivity.NORMAL, description="low, normal or high.")
    exhaustive: bool = Field(
        False, description="Judge every level of an execution even after a finding (no early exit)."
    )

    knowledge: str | None = Field(
        None,
        description="The knowledge base whose verdicts count; without a name, the one that knows the log.",
        examples=["shop"],
    )
    use_knowledge: bool = Field(True, description="Let the verdicts of a knowledge base count.")

    adjudicate: int = Field(
        0,
        ge=0,
        description="Seqs left open by the detectors that a local model judges, at most; its verdicts go to the knowledge "
        "base as its own. 0: none.",
    )
    llm: Path | None = Field(
        None,
        description="A GGUF file that explains findings, judges (adjudicate) and places templates (hierarchy = llm).",
        examples=["/opt/models/qwen.gguf"],
    )

    @field_validator("normal_before", mode="before")
    @classmethod
    def _instant(cls, value: Any) -> Any:
        """As records carry times: as written without a zone, in UTC with one. TOML has times of its own."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                raise PydanticCustomError(
                    "time", "'{given}' is no time; write it like 2026-03-14T02:10:00", {"given": value}
                ) from None
        if isinstance(value, datetime):
            return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(sep=" ")
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("memory_limit")
    @classmethod
    def _size(cls, value: str) -> str:
        """As DuckDB reads sizes."""
        if not re.fullmatch(r"\s*\d+(\.\d+)?\s*[KMGT]i?B\s*", value, re.IGNORECASE):
            raise PydanticCustomError(
                "size", "'{given}' is no size; write it like 1GB or 500MB", {"given": value}
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line before environment before config.toml before defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def load_settings(**from_command_line: object) -> Settings:
    """Merge all sources; what the command line leaves as None is left to the others.

    Raises `KroneError` naming the setting when a value does not fit.
    """
    given = {name: value for name, value in from_command_line.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise KroneError(_sentence(error.errors()[0])) from error
    except (OSError, ValueError) as error:
        raise KroneError(f"The settings in {config_file()} cannot be read: {error}.") from error


def origins() -> dict[str, str]:
    """Where the settings that are no defaults come from, by name: a variable of the environment, or config.toml.

    Raises `KroneError` when config.toml cannot be read.
    """
    try:
        from_file = TomlConfigSettingsSource(Settings, config_file())()
    except (OSError, ValueError) as error:
        raise KroneError(f"The settings in {config_file()} cannot be read: {error}.") from error
    found = {name: config_file().name for name in from_file if name in Settings.model_fields}
    return found | {name: variable(name) for name in EnvSettingsSource(Settings)()}


def variable(name: str) -> str:
    """The variable of the environment that gives a setting."""
    return f"{Settings.model_config['env_prefix']}{name.upper()}"


def config_template() -> str:
    """A config.toml with every setting commented out: its meaning, and its default or an example."""
    parts = [
        "# Settings of krone-tui; take the # off a line to change one.",
        "# The environment (KRONE_TUI_NAME) wins over this file, and the command line over both.",
        "# `krone-tui config` shows what is in force.\n",
    ]
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        shown = field.examples[0] if default is None and field.examples else default
        unset = " Not set; for example:" if default is None else ""
        meaning = textwrap.fill(
            f"{field.description}{unset}", 115, initial_indent="# ", subsequent_indent="# "
        )
        parts.append(f"{meaning}\n#{name} = {_toml(shown)}\n")
    return "\n".join(parts)


def write_new(path: Path, text: str) -> None:
    """Write a file for its owner, aside, then give it its name. Raises `FileExistsError` where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(text)
        file.flush()
        # Unlike a rename, a link never takes the place of a file that somebody made meanwhile.
        os.link(file.name, path)


def _toml(value: Any) -> str:
    """A value as TOML writes it; its strings are escaped as those of JSON."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value if value is not None else ""), ensure_ascii=False)


def _sentence(problem: ErrorDetails) -> str:
    """What is wrong with one setting."""
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name, Settings.model_fields, 1)
        hint = (
            f"did you mean '{near[0]}'?" if near else f"there is {', '.join(sorted(Settings.model_fields))}."
        )
        return f"{config_file()} has a setting '{name}' that does not exist; {hint}"
    what = problem["msg"]
    if problem["type"] not in ("time", "size"):
        # Pydantic says what it expects, not what it was given.
        what = f"{problem['input']!r} was given; {what[:1].lower()}{what[1:]}"
    return f"The setting '{name}' is not usable: {what}."
