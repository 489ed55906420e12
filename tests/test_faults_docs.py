"""docs/faults.md promises nothing that no test holds."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
NAMED = re.findall(
    r"\b(test_\w+\.py)(?:::(test_\w+))?", (TOP / "docs" / "faults.md").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("file", "test"), sorted({(file, test) for file, test in NAMED}))
def test_the_test_that_holds_a_promise_exists(file: str, test: str) -> None:
    source = (TOP / "tests" / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {test}\(", source, re.MULTILINE) if test else "def test_" in source


def test_every_promise_names_a_test() -> None:
    rows = [
        line
        for line in (TOP / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    promises = [row for row in rows if not row.startswith(("| fault", "|---"))]
    assert len(promises) > 40
    assert [row for row in promises if not re.search(r"test_\w+\.py", row)] == []
