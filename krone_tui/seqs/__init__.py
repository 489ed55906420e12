"""Seqs: executions cut into runs of sibling nodes, top-down."""

from krone_tui.seqs.stage import SeqsResult, build_seqs

__all__ = ["SeqsResult", "build_seqs"]
