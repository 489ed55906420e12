"""Accuracy and speed of the templates stage.

    python benchmarks/templates.py [--errors]

Grouping accuracy as the logparser benchmark defines it (Zhu et al., ICSE-SEIP 2019): the share of lines whose
predicted group is exactly the set of lines of a labelled group. Data: see KRONE_TUI_BENCH_DATA.
"""

import argparse
import csv
import gzip
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa

from krone_tui.abstraction.templates import TemplatesResult, mine_templates
from krone_tui.settings import Settings
from krone_tui.store import Store

DATA = Path(
    os.environ.get("KRONE_TUI_BENCH_DATA", Path(__file__).resolve().parents[1] / ".." / "shared" / "data")
)

# The headers of the rendered logs: what comes before the message is read by another stage.
DEMO_HEADERS = {
    "hdfs_demo": re.compile(r"\S+ \S+ \S+ (?P<level>\S+) (?P<component>[^:]+): (?P<message>.*)"),
    "thunderbird_demo": re.compile(
        r"\w+ +\d+ [\d:]+ \S+ (?:(?P<component>[\w.\-/]+)(?:\[\d+\])?: ?)?(?P<message>.*)"
    ),
}


def load_store(columns: dict[str, list[str | None]]) -> Store:
    """A store in memory whose `parsed_record` holds these columns (message, and optionally others)."""
    count = len(columns["message"])
    numbers = pa.array(range(count), pa.int64())
    rows = {
        "record_id": numbers,
        "source_id": pa.array([0] * count, pa.int32()),
        "first_line": numbers,
        "last_line": numbers,
        **{name: pa.array(values, pa.string()) for name, values in columns.items()},
    }
    store = Store.create(None, Settings())
    store.append("parsed_record", pa.table(rows))
    return store


def mined(columns: dict[str, list[str | None]]) -> tuple[TemplatesResult, list[str]]:
    """The stage's result and the template of each record."""
    with load_store(columns) as store:
        result = mine_templates(store)
        texts = store.arrow(
            "SELECT t.text FROM record JOIN template AS t USING (template_id) ORDER BY record_id"
        )
        return result, texts.column("text").to_pylist()


def grouping_accuracy(predicted: list[str], labelled: list[str]) -> tuple[float, list[tuple[int, str, str]]]:
    """The share of lines in exactly right groups, and (lines, predicted, labelled) of the others."""
    sizes, label_sizes = Counter(predicted), Counter(labelled)
    wrong, right = [], 0
    for (text, label), lines in Counter(zip(predicted, labelled, strict=True)).most_common():
        if sizes[text] == lines == label_sizes[label]:
            right += lines
        else:
            wrong.append((lines, text, label))
    return right / max(1, len(predicted)), wrong


def loghub(show_errors: bool) -> None:
    """Print a table of the labelled 2,000-line samples."""
    print(f"{'system':<14}{'accuracy':>9}{'templates':>11}{'labelled':>10}{'shapes':>8}{'seconds':>9}")
    scores = []
    for path in sorted((DATA / "loghub").glob("*_structured.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        result, predicted = mined({"message": [row["Content"] for row in rows]})
        label = {row["EventId"]: row["EventTemplate"] for row in rows}
        score, wrong = grouping_accuracy(predicted, [row["EventId"] for row in rows])
        scores.append(score)
        print(
            f"{path.name.split('_')[0]:<14}{score:>9.4f}{result.templates:>11}{len(label):>10}"
            f"{result.shapes:>8}{result.seconds:>9.3f}"
        )
        for lines, text, event in wrong if show_errors else ():
            print(f"    {lines:>5}  {text[:70]!r} is labelled {label[event][:70]!r}")
    print(f"{'mean':<14}{sum(scores) / len(scores):>9.4f}")


def demo(name: str) -> list[str]:
    """Print time and counts for a rendered log; return the template of each record."""
    header = DEMO_HEADERS[name]
    columns: dict[str, list[str | None]] = {field: [] for field in header.groupindex}
    with gzip.open(DATA / f"{name}.log.gz", "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            match = header.fullmatch(line.rstrip("\n"))
            for field, values in columns.items():
                value = match[field] if match else None
                values.append(line.rstrip("\n") if value is None and field == "message" else value)
    result, predicted = mined(columns)
    print(
        f"{name}: {result.records} records, {result.shapes} shapes, {result.templates} templates,"
        f" {result.seconds:.2f} s"
    )
    known = DATA / "krone" / "ThunderBird.log_templates.csv"
    if name == "thunderbird_demo":
        compare_with_list([str(message) for message in columns["message"]], predicted, known)
    return predicted


def compare_with_list(messages: list[str], predicted: list[str], known: Path) -> None:
    """Print grouping accuracy against a list of templates, each message labelled by the most specific fit.

    The list's texts start with the component, which the message does not; it is cut off.
    """
    with known.open(encoding="utf-8", newline="") as file:
        texts = {cut_component(row["EventTemplate"]) for row in csv.DictReader(file)}
    ranked = sorted(texts, key=lambda text: (-len(text.replace("<*>", "")), text))
    pieces = [(text, " ".join(text.split()).split("<*>")) for text in ranked]
    labels: dict[str, str] = {}
    shape_of = {message: re.sub(r"\d+(?:\.\d+)*(?::\d+)?", "0", message) for message in set(messages)}
    for shape in set(shape_of.values()):
        line = " ".join(shape.split())
        labels[shape] = next((text for text, parts in pieces if fits(line, parts)), "")
    labelled = [labels[shape_of[message]] for message in messages]
    known_lines = [position for position, label in enumerate(labelled) if label]
    score, _ = grouping_accuracy([predicted[i] for i in known_lines], [labelled[i] for i in known_lines])
    print(
        f"    published list: {len(set(labelled) - {''})} of its templates occur, {len(known_lines)} of"
        f" {len(messages)} lines fit one; grouping accuracy on these {score:.4f}"
    )


def fits(line: str, pieces: list[str]) -> bool:
    """Whether the line is the pieces in order with at least one character between two of them."""
    if len(pieces) == 1:
        return line == pieces[0]
    if not line.startswith(pieces[0]):
        return False
    position = len(pieces[0])
    for piece in pieces[1:-1]:
        position = line.find(piece, position + 1) + len(piece)
        if position < len(piece):
            return False
    return line.endswith(pieces[-1]) and len(line) - len(pieces[-1]) > position


def cut_component(text: str) -> str:
    """A published template without its `component[pid]: `."""
    # A dotted number is one value, as it is in the rendered log.
    text = re.sub(r"<\*>(?:[.:]<\*>)+", "<*>", text)
    # The digit that the rendered log has for a number in the constant part is one here too.
    text = re.sub(r"\d+(?:\.\d+)*(?::\d+)?", "0", text)
    return re.sub(r"^[\w.\-/<*>]+(?:\[<\*>\])?: ?", "", text)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--errors", action="store_true", help="print every wrong group")
    errors = parser.parse_args().errors
    if not DATA.is_dir():
        sys.exit(f"No data at {DATA}; set KRONE_TUI_BENCH_DATA.")
    started = time.perf_counter()
    loghub(errors)
    for name in DEMO_HEADERS:
        demo(name)
    print(f"{time.perf_counter() - started:.1f} s in all")


if __name__ == "__main__":
    main()
