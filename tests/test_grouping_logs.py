"""Logs in the manner of well-known systems are grouped as a reader would group them, by the defaults."""

import random
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from grouping import SEED, chosen  # noqa: E402
from grouping_logs import GroupingLog, logs  # noqa: E402


@pytest.mark.parametrize("log", list(logs()), ids=lambda log: log.name)
def test_a_log_is_grouped_as_a_reader_would(log: GroupingLog, tmp_path: Path) -> None:
    assert chosen(log.write(random.Random(SEED), tmp_path))[0][0] in log.expected
