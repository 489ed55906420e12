"""What is a model's explanation worth: is it whole, grounded, and does it name the step that deviates?

    python benchmarks/explanation.py [--llm FILE] [--modes 4] [--logs pool-exhaustion …] [--show]

Over the failure modes of the sample logs whose example execution is labelled anomalous, most suspicious
first. An explanation names the step when a supported sentence cites a record of a deviating template, or the
evidence
that speaks of it; for a step that is missing, when a supported sentence says that evidence.
"""

import argparse
import csv
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from krone_tui.explanation import Explainer, Explanation, Request, request_for
from krone_tui.investigation import Investigation
from krone_tui.resources import data_folder
from krone_tui.settings import Settings, load_settings
from krone_tui.store import views


@dataclass(frozen=True)
class Case:
    """One true failure mode."""

    log: str
    title: str
    kind: str
    request: Request
    deviating_texts: tuple[str, ...]
    """Templates of the deviating steps."""


def cases(log: Path, settings: Settings, most: int) -> Iterator[Case]:
    """The first failure modes of a log whose example is labelled anomalous."""
    with log.with_name(log.name.replace(".log.gz", ".labels.csv")).open(encoding="utf-8") as file:
        bad = {row["execution"] for row in csv.DictReader(file) if row["label"] == "1"}
    with Investigation.open([str(log)], settings) as investigation:
        store = investigation.store
        texts = views.template_texts(store)
        found = 0
        for mode in views.failure_modes(store):
            execution = views.execution(store, mode.example_execution)
            if execution is None or execution.identifier not in bad:
                continue
            request, _ = request_for(store, mode.example_execution)
            finding = views.findings(store, execution.variant_id)[0]
            steps = tuple(texts[template] for template in finding.template_ids)
            yield Case(log.name.removesuffix(".log.gz"), mode.title, finding.kind, request, steps)
            found += 1
            if found == most:
                return


def names_step(case: Case, explanation: Explanation) -> bool:
    """Whether a supported sentence points at a deviating step, by its line or in the words of its template."""
    lines = {record.line for record in case.request.records if record.deviating}
    for claim in explanation.sentences:
        if not claim.supported:
            continue
        said = claim.text.translate(str.maketrans("[]", "()"))
        told = (text.translate(str.maketrans("[]", "()"))[:60] in said for text in case.deviating_texts)
        if (case.kind != "missing" and lines & set(claim.lines)) or any(told):
            return True
    return False


def main() -> None:
    """Print one line a failure mode and the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", type=Path)
    parser.add_argument("--modes", type=int, default=4, help="failure modes of each log")
    parser.add_argument("--logs", nargs="*")
    parser.add_argument("--show", action="store_true", help="print the explanations")
    options = parser.parse_args()
    logs = sorted(data_folder("sample_logs").glob("*.log.gz"))
    if options.logs:
        logs = [log for log in logs if log.name.removesuffix(".log.gz") in options.logs]
    results: list[tuple[Case, Explanation]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(llm=options.llm, cache_dir=Path(folder))
        with Explainer(settings) as explainer:
            explainer.prepare()
            for log in logs:
                for case in cases(log, settings, options.modes):
                    explanation = [chunk.explanation for chunk in explainer.explain(case.request)][-1]
                    assert explanation is not None
                    results.append((case, explanation))
                    report(case, explanation, options.show)
    sentences = [claim for _, explanation in results for claim in explanation.sentences]
    first = sorted(explanation.first_token_seconds for _, explanation in results)
    print(f"\nmodel {results[0][1].model}, {len(results)} failure modes, {len(sentences)} sentences")
    print(f"whole:              {share([explanation.complete for _, explanation in results])}")
    print(f"verdict anomalous:  {share(['anomalous' in explanation.verdict for _, explanation in results])}")
    print(f"sentences grounded: {share([claim.supported for claim in sentences])}")
    print(f"name the step:      {share([names_step(case, explanation) for case, explanation in results])}")
    print(f"first token:        median {statistics.median(first):.2f} s, worst {first[-1]:.2f} s")
    print(f"prompt tokens:      median {statistics.median(e.prompt_tokens for _, e in results):.0f}")
    print(f"whole explanation:  median {statistics.median(e.seconds for _, e in results):.1f} s")


def report(case: Case, explanation: Explanation, show: bool) -> None:
    """One line, and the explanation when it is to be shown."""
    supported = sum(claim.supported for claim in explanation.sentences)
    print(
        f"{case.log:18} {'whole' if explanation.complete else 'CUT  '} "
        f"{supported}/{len(explanation.sentences)} grounded, {'names' if names_step(case, explanation) else 'MISSES'} "
        f"the {case.kind} step, first token {explanation.first_token_seconds:.2f} s: {case.title[:60]}",
        flush=True,
    )
    if show:
        print(f"    {explanation.verdict}; left out: {', '.join(explanation.left_out) or 'nothing'}")
        for claim in explanation.sentences:
            print(
                f"    {'' if claim.supported else f'(unsupported: {claim.why_not}) '}{claim.part}: {claim.text} {list(claim.lines)}"
            )


def share(values: list[bool]) -> str:
    """A share of true values, as a percentage and as a fraction."""
    return f"{100 * sum(values) / max(1, len(values)):5.1f} % ({sum(values)}/{len(values)})"


if __name__ == "__main__":
    main()
