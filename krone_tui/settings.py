"""Every setting that can change a result or a limit: one typed object, each with its unit and reason.

Defaults are overridden by `config.toml` in the user's config folder, that by `KRONE_TUI_*` in the environment,
that by the command line.
"""

from enum import StrEnum
from pathlib import Path

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

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
    data_dir: Path = Field(_DIRS.user_data_path, description="Folder of knowledge bases and the user's models.")
    use_cache: bool = Field(True, description="Keep the investigation's database, so that the next opening is instant.")
    cache_bytes: int = Field(4 << 30, ge=0, description="Bytes of investigations to keep; the longest unused go first.")
    threads: int = Field(0, ge=0, description="Threads of DuckDB and ONNX Runtime; 0: as many as there are cores.")
    memory_limit: str = Field("1GB", description="What DuckDB may hold in memory before it spills to disk.")

    group_by: str | None = Field(None, description="Identifier to group records by: a candidate's name or a regular expression.")
    idle_gap: float = Field(0.0, ge=0, description="Seconds without a record that end a window; 0: chosen on the data.")
    baseline: tuple[Path, ...] = Field((), description="Logs known to be good.")
    normal_before: str | None = Field(None, description="Records before this time are normal (ISO 8601).")
    sensitivity: Sensitivity = Field(Sensitivity.NORMAL, description="low, normal or high.")
    exhaustive: bool = Field(False, description="Judge every level of an execution even after a finding (no early exit).")

    llm: Path | None = Field(None, description="A GGUF file that explains findings.")

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
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise KroneError(f"The setting '{name}' is not usable: {first['msg']}.") from error
    except (OSError, ValueError) as error:
        raise KroneError(f"The settings in {config_file()} cannot be read: {error}.") from error
