"""Builds severity.onnx, its manifest severity.toml and its card severity.md from the corpus in this folder.

    python models/severity/build.py [--to FOLDER]

Same corpus, same seed, same bytes: liblinear solves a convex problem without threads, and the weights are
rounded to a grid far coarser than what is left of floating-point noise. Needs scikit-learn and onnx, which
krone-tui itself does not.
"""

import argparse
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from grammar import bare, sentences
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.sparse import csr_matrix, diags_array, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from krone_tui.detection.severity import FEATURISER_VERSION, WIDTH, WordFeatures, word_features

VERSION = 3
"""Of the model; raised when a new build is meant to replace a shipped one."""

SEED = 20
PER_PATTERN = 40
BARE_WEIGHT = 1.0
GROWN_WEIGHT = 0.15
"""A grown sentence counts less than a written one. This and the numbers beside it are near the least
log loss over the corpus with one domain held out at a time; no public log was looked at for them."""
INVERSE_PENALTY = 3.0
THRESHOLD = 0.5
LEAST_SENTENCES = 2
"""Pieces of fewer sentences teach nothing but those: without them most columns weigh nothing."""
GRID = 1024.0
"""Weights are multiples of 1/GRID, in 16 bits."""

HERE = Path(__file__).resolve().parent
LABELS = {"0": 0.0, "1": 1.0, "~": 0.5}


CARD = (HERE / "card.md.in").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Examples:
    """Texts as features with what they report: 1 a failure, 0 none, 0.5 grey."""

    features: csr_matrix
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """A logistic regression: one weight a column, and an intercept."""

    weights: NDArray[np.float32]
    intercept: np.float32

    def score(self, features: csr_matrix) -> NDArray[np.float64]:
        """The probability of a failure for each row."""
        return 1.0 / (1.0 + np.exp(-(features @ self.weights + self.intercept)))


def read_corpus(folder: Path) -> tuple[list[str], list[float], list[str]]:
    """Text, label and domain (the file's name) of every written line `0 …`, `1 …`, `~ …`; `#` comments."""
    texts, labels, domains = [], [], []
    for path in sorted(folder.glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            mark, _, text = line.partition(" ")
            if mark not in LABELS or not text:
                raise ValueError(f"{path.name}:{number} is not '0 …', '1 …' or '~ …': {line!r}")
            texts.append(text)
            labels.append(LABELS[mark])
            domains.append(path.stem)
    return texts, labels, domains


def examples(texts: list[str], labels: list[float], weight: float) -> Examples:
    """Featurised examples that all count `weight`."""
    return Examples(_sparse(word_features(texts)), np.array(labels), np.full(len(texts), weight))


def _sparse(features: WordFeatures) -> csr_matrix:
    rows, at = np.nonzero(features.amounts)
    values = features.amounts[rows, at]
    return csr_matrix((values, (rows, features.columns[rows, at])), shape=(len(features.columns), WIDTH))


def labelled(pairs: list[tuple[float, str]], weight: float) -> Examples:
    """Featurised examples from (label, text) pairs."""
    return examples([text for _, text in pairs], [label for label, _ in pairs], weight)


def together(*sets: Examples) -> Examples:
    """All examples of all sets."""
    return Examples(
        vstack([part.features for part in sets]).tocsr(),
        np.concatenate([part.labels for part in sets]),
        np.concatenate([part.weights for part in sets]),
    )


def fit(*sets: Examples) -> Linear:
    """The regression over all sets together; a grey example pulls both ways with half its weight."""
    whole = together(*sets)
    often = np.bincount(whole.features.indices, minlength=WIDTH) >= LEAST_SENTENCES
    features = (whole.features @ diags_array(often.astype(np.float32))).tocsr()
    labels, weights = whole.labels, whole.weights
    grey = labels == 0.5
    model = LogisticRegression(
        C=INVERSE_PENALTY, solver="liblinear", tol=1e-8, max_iter=2000, random_state=SEED
    ).fit(
        vstack([features, features[grey]]),
        np.concatenate([np.where(grey, 1.0, labels), np.zeros(grey.sum())]),
        sample_weight=np.concatenate([np.where(grey, weights / 2, weights), weights[grey] / 2]),
    )
    rounded = np.round(np.append(model.coef_[0], model.intercept_[0]) * GRID) / GRID
    return Linear(rounded[:-1].astype(np.float32), np.float32(rounded[-1]))


def graph(model: Linear) -> bytes:
    """The ONNX file: columns and amounts [n, most] → probability [n]."""
    nodes = [
        helper.make_node("Gather", ["weights", "columns"], ["looked_up"]),
        helper.make_node("Cast", ["looked_up"], ["weighs"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["weighs", "amounts"], ["each"]),
        helper.make_node("ReduceSum", ["each", "last_axis"], ["sum"], keepdims=0),
        helper.make_node("Div", ["sum", "grid"], ["weighted"]),
        helper.make_node("Add", ["weighted", "intercept"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
    ]
    body = helper.make_graph(
        nodes,
        "severity",
        [
            helper.make_tensor_value_info("columns", TensorProto.INT64, ["n", "most"]),
            helper.make_tensor_value_info("amounts", TensorProto.FLOAT, ["n", "most"]),
        ],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n"])],
        [
            numpy_helper.from_array((model.weights * GRID).astype(np.int16), "weights"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "last_axis"),
            numpy_helper.from_array(np.array(GRID, dtype=np.float32), "grid"),
            numpy_helper.from_array(np.array(model.intercept, dtype=np.float32), "intercept"),
        ],
    )
    proto = helper.make_model(
        body, producer_name="krone-tui", ir_version=8, opset_imports=[helper.make_opsetid("", 13)]
    )
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString(deterministic=True)


def manifest(content: bytes) -> str:
    """severity.toml for these bytes of severity.onnx."""
    return f"""name = "severity"
kind = "severity"
version = {VERSION}
file = "severity.onnx"
sha256 = "{hashlib.sha256(content).hexdigest()}"
threshold = {THRESHOLD}
featuriser_version = {FEATURISER_VERSION}

[[inputs]]
name = "columns"
type = "int64"
shape = ["n", "most"]

[[inputs]]
name = "amounts"
type = "float32"
shape = ["n", "most"]

[[outputs]]
name = "probability"
type = "float32"
shape = ["n"]
"""


def held_out_scores(written: Examples, grown: Examples, domains: list[str]) -> NDArray[np.float64]:
    """The score of each written sentence by a model that saw no sentence of its domain."""
    domain_of = np.array(domains)
    scores = np.zeros(len(domains))
    for domain in sorted(set(domains)):
        here = domain_of == domain
        rest = Examples(written.features[~here], written.labels[~here], written.weights[~here])
        scores[here] = fit(rest, grown).score(written.features[here])
    return scores


def card(written: Examples, grown: Examples, domains: list[str], model: Linear, size: int) -> str:
    """severity.md: what the model was trained on and what it scores on what it had not seen."""
    scores = held_out_scores(written, grown, domains)
    clear = written.labels != 0.5
    truth = written.labels
    rows, domain_of = [], np.array(domains)
    for domain, count in sorted(Counter(domains).items()):
        here = (domain_of == domain) & clear
        both = len(set(truth[here])) == 2
        auc = f"{roc_auc_score(truth[here], scores[here]):.3f}" if both else "only normal"
        right = np.mean((scores[here] > THRESHOLD) == truth[here])
        rows.append(f"| {domain} | {count} | {int((truth[here] == 1).sum())} | {auc} | {right:.3f} |")
    bins = []
    for low in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        high = {0.0: 0.1, 0.1: 0.3, 0.3: 0.5, 0.5: 0.7, 0.7: 0.9, 0.9: 1.01}[low]
        here = (scores >= low) & (scores < high) & clear
        bins.append(f"| {low:.1f} … {min(high, 1.0):.1f} | {here.sum()} | {truth[here].mean():.2f} |")
    return CARD.format(
        version=VERSION, width=WIDTH, taught=np.count_nonzero(model.weights), featuriser=FEATURISER_VERSION, size=size, threshold=THRESHOLD,
        written=len(domains), grown=grown.labels.size - len(bare()), weight=GROWN_WEIGHT,
        bare=len(bare()), bare_weight=BARE_WEIGHT,
        auc=roc_auc_score(truth[clear], scores[clear]), loss=log_loss(truth[clear], scores[clear]),
        domains="\n".join(rows), bins="\n".join(bins),
    )  # fmt: skip


def build(folder: Path, *, scored: bool) -> None:
    """Write the model and its manifest into `folder`; `scored`: and the card, for which a model is fitted for each domain."""
    texts, labels, domains = read_corpus(HERE / "corpus")
    written = examples(texts, labels, 1.0)
    grown = together(
        labelled(bare(), BARE_WEIGHT),
        labelled(sentences(SEED, PER_PATTERN), GROWN_WEIGHT),
    )
    model = fit(written, grown)
    content = graph(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "severity.onnx").write_bytes(content)
    (folder / "severity.toml").write_text(manifest(content), encoding="utf-8")
    if scored:
        said = card(written, grown, domains, model, len(content))
        (folder / "severity.md").write_text(said, encoding="utf-8")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--to", type=Path, default=HERE.parent, help="folder to write to (default: models/)"
    )
    arguments.add_argument(
        "--without-card", action="store_true", help="write no severity.md: it takes most of the time"
    )
    given = arguments.parse_args()
    build(given.to, scored=not given.without_card)
