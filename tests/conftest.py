"""What all tests share: folders of their own, the shipped and the public logs, and `krone-tui` as a process."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import hypothesis
import pytest

TOP = Path(__file__).resolve().parent.parent
BENCH_DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", TOP.parent / "shared" / "data"))

_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _PR_CAPBSET_DROP = 1, 2, 24
_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOME = tempfile.TemporaryDirectory(prefix="krone-tests-")

# Before any test imports the package, whose defaults are read from here: no test sees or touches the user's own.
for _name in [
    name for name in os.environ if name.startswith("KRONE_TUI_") and name != "KRONE_TUI_BENCH_DATA"
]:
    del os.environ[_name]
# A process that a test starts is compiled once, as it is for a user, and not at every start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# As the program has it, and said before NumPy is loaded: with small matrices the threads of linear algebra only wait for
# each other, and take four times as long to build a model.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
for _kind in ("CACHE", "CONFIG", "DATA", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = str(Path(_HOME.name) / _kind.lower())

from krone_tui import cli  # noqa: E402

# How long an example takes is the machine's load: no test of its own.
hypothesis.settings.register_profile("krone-tui", deadline=None)
hypothesis.settings.load_profile("krone-tui")


@dataclass(frozen=True)
class Ran:
    """One finished run of `krone-tui`."""

    code: int
    out: str
    err: str

    def failed_with(self, *words: str) -> None:
        """Exit code 2, nothing on stdout, and one sentence on stderr that holds these words."""
        assert self.code == 2, (self.code, self.err)
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("krone-tui: ")
        assert lines[0].endswith((".", "?"))
        for word in words:
            assert word in lines[0], (word, lines[0])

    def worked(self) -> "Ran":
        """Exit code 0 and no traceback."""
        assert self.code == 0, self.err
        assert "Traceback" not in self.err
        return self


class Krone:
    """Runs `krone-tui` as a user does: in a process, with a home, a cache and a temporary folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.cache = folder / "cache" / "krone-tui"
        self.config = folder / "config" / "krone-tui" / "config.toml"
        self.temporary = folder / "temporary"
        for made in (self.work, self.temporary, self.config.parent):
            made.mkdir(parents=True)
        self.environment = {
            # Some libraries keep quiet where CI is set; a user's machine has none.
            **{name: value for name, value in os.environ.items() if name != "CI" and "XDG_" not in name},
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(TOP),
            "COLUMNS": "100",
        }

    @property
    def command(self) -> list[str]:
        """What is run; arguments follow."""
        return [sys.executable, "-m", "krone_tui.cli"]

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", timeout: float = 60, **environment: str
    ) -> Ran:
        """Run to the end in the folder `work`."""
        return self.run([*self.command, *map(str, arguments)], stdin=stdin, timeout=timeout, **environment)

    def here(self, *arguments: str | Path, **environment: str) -> Ran:
        """Run to the end within this process, which has loaded everything: several times as fast.

        For what a command reads, says and writes. What the process is the point of (standard input, pipes, terminals,
        signals, exit codes of a shell, permissions, what is loaded, what another process sees) takes one of its own.
        """
        folders = {
            "KRONE_TUI_CACHE_DIR": str(self.cache),
            "KRONE_TUI_DATA_DIR": str(self.work.parent / "data" / "krone-tui"),
        }
        signals = {number: signal.getsignal(number) for number in _WATCHED}
        with (
            patch.dict(os.environ, self.environment | folders | environment, clear=True),
            patch.multiple(sys, argv=["krone-tui", *map(str, arguments)], meta_path=[*sys.meta_path]),
            patch.object(tempfile, "tempdir", None),
            contextlib.chdir(self.work),
            Path(os.devnull).open(encoding="utf-8") as stdin,
            tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as out,
            tempfile.TemporaryFile("w+", encoding="utf-8", newline="", errors="backslashreplace") as err,
            patch.multiple(sys, stdin=stdin, stdout=out, stderr=err),
        ):
            try:
                with pytest.raises(SystemExit) as ended:
                    cli.main()
            finally:
                for number, handler in signals.items():
                    signal.signal(number, handler)
            for file in (out, err):
                file.seek(0)
            assert isinstance(ended.value.code, int)
            return Ran(ended.value.code, out.read(), err.read())

    def run(
        self,
        command: list[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60,
        before: Callable[[], None] | None = None,
        **environment: str,
    ) -> Ran:
        """Run any command to the end in the same surroundings; `before` runs in the child, before the command."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=self.work,
            env=self.environment | environment,
            timeout=timeout,
            check=False,
            preexec_fn=before,
        )
        return Ran(
            done.returncode,
            done.stdout.decode("utf-8", "backslashreplace"),
            done.stderr.decode("utf-8", "backslashreplace"),
        )

    def start(
        self, *arguments: str | Path, before: Callable[[], None] | None = None, **environment: str
    ) -> "subprocess.Popen[bytes]":
        """Start it and come back at once; `before` runs in the child, before the command."""
        return subprocess.Popen(
            [*self.command, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.work,
            env=self.environment | environment,
            preexec_fn=before,  # noqa: PLW1509 (the tests start no thread of their own)
        )

    def log(self, name: str = "app.log", requests: int = 40) -> Path:
        """A small service's log: requests of five lines, a few of which fail."""
        path = self.work / name
        path.write_text("".join(small_log(requests)), encoding="utf-8")
        return path

    def kept(self) -> list[str]:
        """Names of what is in the cache folder, also hidden ones."""
        return sorted(path.name for path in self.cache.iterdir()) if self.cache.is_dir() else []

    def home(self) -> list[str]:
        """Names of what is in the home folder that the tests did not put there."""
        own = {self.work, self.temporary, self.cache.parent, self.config.parent.parent}
        return sorted(path.name for path in self.work.parent.iterdir() if path not in own)

    def left_behind(self) -> list[str]:
        """Names of what is in the temporary folder."""
        return sorted(path.name for path in self.temporary.iterdir())


def small_log(requests: int) -> list[str]:
    """Lines, newlines included, of requests one after another: 3 of the first 40 fail, then one in 400."""
    lines = []
    for number in range(requests):
        second, request = number * 2, f"req-{number + 4096:x}"

        def line(after: int, level: str, text: str, second: int = second, request: str = request) -> str:
            hours, rest = divmod(second + after // 2, 3600)
            minutes, seconds = divmod(rest, 60)
            return f"2026-03-14 {hours:02}:{minutes:02}:{seconds:02} {level} shop.api [{request}] {text}\n"

        lines.append(line(0, "INFO", "received order"))
        lines.append(line(0, "INFO", f"checking stock of item {number * 7 % 50}"))
        if (number < 40 and number % 13 == 12) or number % 400 == 399:
            lines.append(line(1, "ERROR", "payment failed: connection refused by 10.0.0.7:5432"))
        else:
            lines.append(line(1, "INFO", f"charged card in {number % 9 + 20} ms"))
            lines.append(line(1, "INFO", "shipped order"))
        lines.append(line(1, "INFO", "closed request"))
    return lines


@pytest.fixture
def krone(tmp_path: Path) -> Krone:
    """`krone-tui` in surroundings of its own."""
    return Krone(tmp_path)


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample log that the README opens."""
    return TOP / "sample_logs" / "pool-exhaustion.log.gz"


@pytest.fixture(scope="session")
def samples_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder for what a test asks of a shipped log as it is: all processes of the tests share it, so that
    each log is investigated once."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "samples-cache"


@pytest.fixture
def obey_permissions() -> Callable[[], None]:
    """To be run in a child: from then on file permissions count, even for root."""
    if os.geteuid() != 0:
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl")

    probe = subprocess.run(
        [sys.executable, "-c", "pass"],
        preexec_fn=drop,
        check=False,
        capture_output=True,
    )
    if probe.returncode != 0:
        pytest.skip("root may read everything here, and may not give that up")
    return drop


def bench_log(name: str) -> Path:
    """A public log, or a skip that says where it was looked for."""
    path = BENCH_DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there; KRONE_TUI_BENCH_DATA names the folder")
    return path
