"""By the defaults, the first failure modes of each shipped incident lead to what went wrong."""

import csv
from pathlib import Path

import pytest

from krone_tui.investigation import Investigation
from krone_tui.settings import load_settings

SAMPLES = Path(__file__).resolve().parent.parent / "sample_logs"
FIRST = 3


@pytest.mark.parametrize(
    "name", sorted(path.name.removesuffix(".log.gz") for path in SAMPLES.glob("*.log.gz"))
)
def test_the_first_failure_modes_hold_the_incident(name: str, samples_cache: Path) -> None:
    with (SAMPLES / f"{name}.labels.csv").open(encoding="utf-8", newline="") as file:
        anomalous = {row["execution"] for row in csv.DictReader(file) if row["label"] == "1"}
    with Investigation.open(
        [str(SAMPLES / f"{name}.log.gz")], load_settings(cache_dir=samples_cache)
    ) as investigation:
        rows = investigation.store.rows(
            "SELECT failure_mode_id, identifier FROM execution_verdict WHERE flagged AND failure_mode_id <= $first",
            {"first": FIRST},
        )
    # A process is named with its host and program; the labels name it by its number.
    found = [mode for mode, identifier in rows if identifier.split()[-1] in anomalous]
    assert found, name
    # One of them is the incident and next to nothing else.
    share = {mode: found.count(mode) / sum(other == mode for other, _ in rows) for mode in set(found)}
    assert max(share.values()) >= 0.75, share
