"""The properties of tests/test_properties.py, over and over with new inputs: `python benchmarks/fuzz.py [minutes]`.

Each round tries the same properties with another seed and more examples than the tests do; what fails is shrunk, printed
with its seed, and ends the run with 1.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "tests")]

import test_properties as properties  # noqa: E402

EXAMPLES = 100
"""Of each property in a round."""
PROPERTIES = (
    properties.test_every_line_lies_in_exactly_one_record,
    properties.test_the_text_of_the_records_is_the_text_of_the_lines,
    properties.test_the_same_bytes_give_the_same_records,
    properties.test_every_record_lies_in_exactly_one_execution,
    properties.test_a_mask_never_fails_and_never_blows_up,
)
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def _without_settings(inner: Callable[..., None]) -> Callable[..., None]:
    """The test's function, free of the settings that the test carries."""

    def fresh(**values: object) -> None:
        inner(**values)

    return fresh


def main() -> int:
    """Fuzz until the time is over; the exit code."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    began = time.monotonic()
    round_number = int(time.time())
    rounds = 0
    while time.monotonic() - began < 60 * minutes:
        for wanted in PROPERTIES:
            inner = wanted.hypothesis.inner_test  # type: ignore[attr-defined]
            strategies = wanted.hypothesis._given_kwargs  # type: ignore[attr-defined]

            try:
                THOROUGH(seed(round_number)(given(**strategies)(_without_settings(inner))))()
            except BaseException:
                print(f"{wanted.__name__} fails with seed {round_number}", flush=True)
                raise
            print(f"{time.monotonic() - began:6.0f} s  seed {round_number}  {wanted.__name__}", flush=True)
        round_number += 1
        rounds += 1
    print(f"{rounds} rounds of {EXAMPLES} examples for each of {len(PROPERTIES)} properties")
    return 0


if __name__ == "__main__":
    sys.exit(main())
