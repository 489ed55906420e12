"""Why a finding is one: evidence always, a local model's words when asked for."""

from krone_tui.explanation import alignment
from krone_tui.explanation.adjudication import AdjudicationResult, adjudicate
from krone_tui.explanation.assembly import request_for
from krone_tui.explanation.evidence import Evidence, evidence
from krone_tui.explanation.explainer import Explainer
from krone_tui.explanation.extract import TemplatePlacer
from krone_tui.explanation.kept import KeptExplanations, Places, places_of
from krone_tui.explanation.llm import NEEDS_LLAMA_CPP, Engine, llama_cpp_installed
from krone_tui.explanation.models import ModelFile, ModelRow, find_model, how_to_get_one, list_models
from krone_tui.explanation.prompt import PROMPT_VERSION
from krone_tui.explanation.request import (
    Chunk,
    Claim,
    Explanation,
    Fact,
    LogRecord,
    NormalSeq,
    Prompt,
    Request,
)
from krone_tui.explanation.sentences import Sentence, cite, files_of

__all__ = [
    "NEEDS_LLAMA_CPP",
    "PROMPT_VERSION",
    "AdjudicationResult",
    "Chunk",
    "Claim",
    "Engine",
    "Evidence",
    "Explainer",
    "Explanation",
    "Fact",
    "KeptExplanations",
    "LogRecord",
    "ModelFile",
    "ModelRow",
    "NormalSeq",
    "Places",
    "Prompt",
    "Request",
    "Sentence",
    "TemplatePlacer",
    "adjudicate",
    "alignment",
    "cite",
    "evidence",
    "files_of",
    "find_model",
    "how_to_get_one",
    "list_models",
    "llama_cpp_installed",
    "places_of",
    "request_for",
]
