"""llama.cpp in its own process: the screen stays responsive, a crash harms no one, cancelling is a kill."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from krone_tui.errors import Cancelled, KroneError

CONTEXT = 4096
"""Tokens of context at most; a model trained on fewer has fewer. More would only cost memory."""
_OVERHEAD = 300 << 20
"""Bytes that a model needs besides its file: context, buffers, Python."""
NEEDS_LLAMA_CPP = "Explanations need llama-cpp-python; install it with `pip install 'krone-tui[llm]'`."
_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class About:
    """What a GGUF says of itself."""

    title: str
    context: int
    chat: bool


@dataclass(frozen=True)
class Weighed:
    """How probable each of some answers is."""

    weights: tuple[float, ...]
    """Natural logarithms, in the order of the answers."""
    prompt_tokens: int


@dataclass(frozen=True)
class Generated:
    """One step of a generation."""

    text: str
    """New text; empty while the prompt is being read."""
    read: int
    """Prompt tokens read."""
    prompt_tokens: int
    tokens: int | None = None
    """Tokens written, in the last step alone."""


def llama_cpp_installed() -> bool:
    """Whether llama-cpp-python is there; it is not imported."""
    return importlib.util.find_spec("llama_cpp") is not None


class Engine:
    """One model in one worker process. Calls are made by one thread at a time; `cancel` by any.

    Raises `KroneError` with one sentence whenever the model cannot do what is asked, and `Cancelled` in the
    thread that waits when another one cancels. After a failure the next call starts a new process, after
    `cancel` the first one that follows a `begin`.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._path: Path | None = None
        self.context = 0
        """Tokens that the loaded model holds."""

    def begin(self) -> None:
        """Begin something that `cancel` shall stop from now on, whether a process runs by then or not."""
        with self._lock:
            was_cancelled, self._cancelled = self._cancelled, False
        if was_cancelled:
            self.close()

    def inspect(self, path: Path) -> About:
        """What the file says of itself; its weights are not loaded."""
        self._path = path
        about = self._ask(do="inspect", path=str(path))
        return About(about["name"], about["context"], about["chat"])

    def load(self, path: Path, threads: int = 0) -> None:
        """Load a GGUF, unless it is loaded already; threads 0: as many as the process may use."""
        if self._process is not None and self._process.poll() is None and self.context and self._path == path:
            return
        self.close()
        self._path = path
        needed, available = path.stat().st_size + _OVERHEAD, available_memory()
        if available is not None and needed > available:
            raise KroneError(
                f"The model {path} needs about {needed / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB "
                "are available; name a smaller one with --llm."
            )
        self.context = int(
            self._ask(do="load", path=str(path), threads=threads or usable_cores(), context=CONTEXT)[
                "context"
            ]
        )

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return [int(count) for count in self._ask(do="count", texts=list(texts))["counts"]]

    def read(self, system: str) -> None:
        """Have the system text read ahead of the prompt that begins with it."""
        self._ask(do="read", system=system)

    def generate(self, system: str, user: str, grammar: str, limit: int) -> Iterator[Generated]:
        """The answer to a prompt as it is written: at most `limit` tokens, all of them allowed by the GBNF
        grammar.

        Deterministic: the most probable token is taken each time. A consumer that stops early must `cancel`.
        """
        self._send(do="generate", system=system, user=user, grammar=grammar, limit=limit)
        read = total = 0
        while True:
            answer = self._receive()
            if "done" in answer:
                yield Generated("", read, int(answer["done"]["prompt_tokens"]), int(answer["done"]["tokens"]))
                return
            read, total = int(answer.get("read", read)), int(answer.get("of", total))
            yield Generated(str(answer.get("text", "")), read, total)

    def weigh(
        self, system: str, user: str, answers: Sequence[str], listen: Callable[[], None] = lambda: None
    ) -> Weighed:
        """How probable the model holds each of these answers to a prompt; none of them may be empty.

        `listen` is called while the prompt is read; what it raises is raised, and the process is ended.
        """
        self._send(do="weigh", system=system, user=user, choices=list(answers))
        answer = self._receive()
        while "done" not in answer:
            try:
                listen()
            except BaseException:
                self.close()
                raise
            answer = self._receive()
        return Weighed(tuple(map(float, answer["done"]["weights"])), int(answer["done"]["prompt_tokens"]))

    def cancel(self) -> None:
        """Stop whatever runs, from any thread, at once: the process is killed."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            process, self._process = self._process, None
            self.context = 0
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # What was not sent yet cannot be: the reader is gone.
                    continue
        process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled:
                raise Cancelled("The explanation was stopped.")
            if self._process is None:
                if not llama_cpp_installed():
                    raise KroneError(NEEDS_LLAMA_CPP)
                # Threads that wait by spinning make llama.cpp ten times slower as soon as another program
                # wants the
                # same cores; and on a server in trouble one does.
                environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(_WORKER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    start_new_session=True,  # Ctrl-C in the terminal is for the screen to judge.
                )
            return self._process

    def _ask(self, **command: object) -> dict[str, Any]:
        self._send(**command)
        answer = self._receive()
        while "done" not in answer:
            answer = self._receive()
        done: dict[str, Any] = answer["done"]
        return done

    def _send(self, **command: object) -> None:
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            process.stdin.flush()
        except (OSError, ValueError):
            self._ended(process)

    def _receive(self) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            raise Cancelled("The explanation was stopped.")
        try:
            line = process.stdout.readline()
        except ValueError:  # Closed by another thread.
            line = b""
        if not line:
            self._ended(process)
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise KroneError(
                f"The model {self._path} {answer['refused'].rstrip('.')}; name another with --llm."
            )
        return answer

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        """The process is gone: say why."""
        cancelled = self._cancelled or self._process is not process
        code = process.wait()
        self.close()
        if cancelled:
            raise Cancelled("The explanation was stopped.")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise KroneError(
            f"The process that ran the model {self._path} ended ({how}); name another with --llm."
        )


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes that a new process can have without swapping, the container's limit included; None where it is
    not told.

    Linux: MemAvailable of /proc/meminfo, and memory.max of cgroup v2 (kernel docs, cgroup-v2.rst).
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        statistics = dict(
            line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines()
        )
        in_use = int((group / "memory.current").read_text(encoding="ascii")) - int(
            statistics.get("inactive_file", "0")
        )
        return max(0, min(available, limit - in_use))
    except (OSError, ValueError):  # No cgroup, or 'max': no limit.
        return available
