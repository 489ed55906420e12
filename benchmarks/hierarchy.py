"""How the rules' hierarchy agrees with published ones, and how it reads.

    python benchmarks/hierarchy.py [--trees] [--model [--llm GGUF] [--most N]] [NAME …]

Prints, for each published tree, the agreement of entities and of (entity, action) as clusterings (adjusted
Rand, F1 over
pairs of templates) and the share of equal names; with --trees the trees themselves, of the published sets
and of the
loghub samples. With --model a local model places the templates as well (`--hierarchy llm`), the first N of each set, and
the rules the same ones, to compare. Data: KRONE_TUI_BENCH_DATA (default ../shared/data).
"""

import argparse
import csv
import os
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import pair_confusion_matrix

from krone_tui.abstraction import AskingExtractor
from krone_tui.abstraction.lexicon import look_up
from krone_tui.abstraction.rules import Leaf, TemplateText, extract_hierarchy
from krone_tui.explanation import ModelFile, TemplatePlacer, find_model
from krone_tui.settings import load_settings

DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_COMPONENTS = ("Component", "LogName")
csv.field_size_limit(10_000_000)


def normalised(name: str) -> str:
    """A name's words as base forms without endings, so that `BLOCK*`, `block blk`, `Received`, `receive`
    compare."""
    name = re.sub(r"_\d+$", "", name)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    forms = dict.fromkeys(look_up(w.lower()).verb or look_up(w.lower()).noun for w in words)
    return "".join(form for form in forms if form != "none")


def pair_f1(truth: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float, float]:
    """Precision, recall and F1 over the pairs of templates that share a cluster."""
    codes = [{value: i for i, value in enumerate(dict.fromkeys(side))} for side in (truth, found)]
    (_, only_found), (only_truth, both) = pair_confusion_matrix(
        [codes[0][value] for value in truth], [codes[1][value] for value in found]
    )
    precision, recall = both / max(both + only_found, 1), both / max(both + only_truth, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def print_tree(templates: Sequence[TemplateText], leaves: Sequence[Leaf]) -> None:
    """The tree, largest entities first."""
    tree: dict[str, dict[str, list[tuple[Leaf, str]]]] = defaultdict(lambda: defaultdict(list))
    for template, leaf in zip(templates, leaves, strict=True):
        tree[leaf.entity][leaf.action].append((leaf, template.text))
    for entity, actions in sorted(tree.items(), key=lambda item: (-sum(map(len, item[1].values())), item[0])):
        print(f"{entity}")
        for action, rows in sorted(actions.items()):
            for leaf, text in rows:
                print(f"    {action:<14} {leaf.status:<28} {leaf.outcome[:4]}  {text[:95]}")


def load_published(path: Path) -> tuple[list[TemplateText], list[dict[str, str]]]:
    """Templates and rows of a published tree."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [TemplateText(row["log_template"], None) for row in rows], rows


def load_loghub(path: Path) -> list[TemplateText]:
    """The distinct hand-made templates of a sample with their most frequent component."""
    components: dict[str, Counter[str]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = next((row[column] for column in _COMPONENTS if row.get(column)), "")
            components.setdefault(row["EventTemplate"], Counter())[name] += 1
    return [TemplateText(text, names.most_common(1)[0][0] or None) for text, names in components.items()]


def summary(templates: Sequence[TemplateText], leaves: Sequence[Leaf], seconds: float) -> str:
    """Counts of one hierarchy."""
    entities = Counter(leaf.entity for leaf in leaves)
    actions = {(leaf.entity, leaf.action) for leaf in leaves}
    once = sum(count == 1 for count in entities.values())
    outcomes = Counter(leaf.outcome for leaf in leaves)
    report = sum(leaf.action == "report" for leaf in leaves)
    return (
        f"{len(templates)} templates, {len(entities)} entities ({once} of one template), "
        f"{len(actions)} actions, {report} with `report`, {dict(outcomes)}, {seconds * 1000:.0f} ms"
    )


def main() -> int:
    """Print figures, and trees on request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", action="store_true", help="print the trees too")
    parser.add_argument("--model", action="store_true", help="have a local model place the templates too")
    parser.add_argument(
        "--llm", type=Path, metavar="GGUF", help="which one; otherwise as `krone-tui models` says"
    )
    parser.add_argument("--most", type=int, default=48, help="templates of each set that the model places")
    parser.add_argument("names", nargs="*", help="only sets whose name contains one of these")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"No benchmark data in {DATA}: set KRONE_TUI_BENCH_DATA.", file=sys.stderr)
        return 0
    model = find_model(load_settings(llm=arguments.llm)) if arguments.model else None
    if arguments.model and model is None:
        print("There is no local model: name one with --llm.", file=sys.stderr)
        return 0
    wanted = [name.lower() for name in arguments.names]
    for path in [*sorted(DATA.glob("krone/*_krone_tree.csv")), *sorted(DATA.glob("loghub/*_structured.csv"))]:
        if wanted and not any(name in str(path).lower() for name in wanted):
            continue
        published = path.parent.name == "krone"
        templates, rows = load_published(path) if published else (load_loghub(path), [])
        if model is not None:
            templates, rows = templates[: arguments.most], rows[: arguments.most]
        start = time.perf_counter()
        leaves = extract_hierarchy(templates)
        print(f"== {path.parent.name}/{path.stem}: {summary(templates, leaves, time.perf_counter() - start)}")
        if published:
            _print_agreement(rows, leaves)
        if arguments.trees:
            print_tree(templates, leaves)
        if model is not None:
            leaves = _by_model(templates, model)
            if published:
                _print_agreement(rows, leaves)
            if arguments.trees:
                print_tree(templates, leaves)
    return 0


def _by_model(templates: list[TemplateText], model: ModelFile) -> list[Leaf]:
    """The leaves as `--hierarchy llm` makes them, with nothing kept from before."""
    with tempfile.TemporaryDirectory() as folder:
        asking = AskingExtractor(TemplatePlacer(Path(folder), model))
        start = time.perf_counter()
        leaves = asking.extract(templates)
    print(
        f"-- {model.name}: {summary(templates, leaves, time.perf_counter() - start)}; {dict(asking.counts)}",
        flush=True,
    )
    return leaves


def _print_agreement(rows: list[dict[str, str]], leaves: list[Leaf]) -> None:
    truth_entity = [normalised(row["entity_1"]) or row["entity_1"] for row in rows]
    truth_action = [normalised(row["action_1"]) for row in rows]
    for label, truth, found in (
        ("entity", truth_entity, [leaf.entity for leaf in leaves]),
        (
            "entity, action",
            list(zip(truth_entity, truth_action, strict=True)),
            [(leaf.entity, leaf.action) for leaf in leaves],
        ),
    ):
        codes = [[list(dict.fromkeys(side)).index(value) for value in side] for side in (truth, found)]
        precision, recall, f1 = pair_f1(truth, found)
        rand = adjusted_rand_score(codes[0], codes[1])
        print(
            f"   {label:<15} clusters {len(set(truth))}/{len(set(found))}  ARI {rand:.3f}  "
            f"pairs P {precision:.3f} R {recall:.3f} F1 {f1:.3f}"
        )
    for label, key, name in (
        ("entity", "entity_1", lambda leaf: leaf.entity),
        ("action", "action_1", lambda leaf: leaf.action),
        ("status", "status", lambda leaf: leaf.status),
    ):
        named = [
            (normalised(row[key]), normalised(name(leaf))) for row, leaf in zip(rows, leaves, strict=True)
        ]
        named = [(truth, found) for truth, found in named if truth]
        equal = sum(truth == found for truth, found in named) / len(named)
        loose = sum(truth in found or found in truth for truth, found in named if found) / len(named)
        print(f"   {label:<15} equal name {equal:.3f}, one in the other {loose:.3f}, of {len(named)} named")


if __name__ == "__main__":
    sys.exit(main())
