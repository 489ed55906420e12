"""Does the first sentence of evidence cite what is wrong? `python benchmarks/evidence.py`.

The published ThunderBird sequences, whose anomalous records are tagged: of the true positives at p = 80 and without any
baseline, the share whose first sentence cites a tagged record, by what the finding says deviates. Data from
KRONE_TUI_BENCH_DATA (default ../shared/data).
"""

import ast
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from accuracy import SETS, load_sequences, published_sequences

from krone_tui.detection import detect
from krone_tui.explanation import Evidence
from krone_tui.seqs import build_seqs
from krone_tui.settings import Settings, load_settings
from krone_tui.store import Store, views

NAME = "ThunderBird"


def add_records(store: Store, ids: list[tuple[str, ...]], of_sequence: list[int], good: np.ndarray) -> None:
    """One execution a sequence, with a record a step: line n of it is its n-th step."""
    store.connection.execute(
        "INSERT INTO source VALUES (0, 'sequences', 'none', 'none', false, 0, 0, 0, NULL)"
    )
    lengths = [len(one) for one in ids]
    executions = pa.table(
        {
            "execution_id": range(len(ids)),
            "variant_id": pa.array(of_sequence, pa.int32()),
            "is_good": good.tolist(),
            "records": lengths,
        }
    )
    store.connection.register("sequences", executions)
    store.connection.execute(
        f"""
        INSERT INTO execution SELECT execution_id, execution_id::VARCHAR, 'sequence', {SETS[NAME]}, is_good, 0, NULL, NULL, 1,
               records, records, records, variant_id FROM sequences;
        INSERT INTO membership SELECT execution_id, position, row_number() OVER (ORDER BY execution_id, position) - 1, template_id
        FROM (SELECT execution_id, unnest(template_ids) AS template_id, generate_subscripts(template_ids, 1) - 1 AS position
              FROM sequences JOIN variant USING (variant_id));
        INSERT INTO parsed_record (record_id, source_id, first_line, last_line, message)
        SELECT record_id, 0, position + 1, position + 1, '' FROM membership ORDER BY record_id;
        """
    )
    store.connection.unregister("sequences")


def measure(percent: int, settings: Settings) -> None:
    """Print one row."""
    frame, texts, tree = published_sequences(NAME)
    good = np.zeros(len(frame), dtype=bool)
    if percent:
        good[frame[frame.Label == 0].sample(n=int(percent / 100 * 20000), random_state=0).index] = True
    with Store.create(None, settings) as store:
        of_sequence = load_sequences(store, frame, texts, tree, good, SETS[NAME])
        add_records(store, frame.ids.tolist(), of_sequence, good)
        build_seqs(store)
        detect(store, settings)
        writer = Evidence(store)
        cites: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for execution in views.executions(store, flagged=True):
            row = frame.iloc[execution.execution_id]
            if row.Label != 1:
                continue
            marks = ast.literal_eval(row.token_anomaly_label)
            kind = writer.findings(execution.variant_id)[0].kind
            first = writer.of(execution)[0]
            kinds[kind] += 1
            if any(marks[line - 1] for line in first.lines):
                cites[kind] += 1
            else:
                wrong[first.text[:110]] += 1
        total = sum(kinds.values())
        by_kind = ", ".join(f"{kind} {cites[kind]}/{kinds[kind]}" for kind in sorted(kinds))
        print(
            f"| {NAME} | {f'p = {percent}' if percent else 'self'} | {sum(cites.values())} of {total} | {sum(cites.values()) / max(total, 1):.3f} | {by_kind} |"
        )
        for text, count in wrong.most_common(5):
            print(f"<!-- {count} × {text} -->")


def main() -> None:
    print("| set | mode | first sentence cites a tagged record | share | by kind |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(cache_dir=Path(folder))
        for percent in (80, 0):
            measure(percent, settings)


if __name__ == "__main__":
    main()
