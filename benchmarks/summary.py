"""The summary under pytest-benchmark's own table, which has no percentiles and no memory."""

from __future__ import annotations

from collections.abc import Iterator

from minivgg_edge.cli.bench_report import to_lines
from minivgg_edge.measure.card import Card, Entry, Latency


def summary_lines(card: Card) -> Iterator[str]:
    """Yield the card, and Keras' `predict` beside the compiled models."""
    yield from to_lines(card)
    predict = _median(card.entries, "predict", "float32")
    classify = _median(card.entries, "classify-array", "int8")
    if predict is not None and classify is not None:
        yield ""
        yield (
            f"Keras predict takes {predict.summary.p50_ms:.1f} ms for one picture, "
            f"{predict.summary.p50_ms / classify.summary.p50_ms:,.0f} times as long as classify "
            f"with the int8 model ({classify.num_threads} thread(s))"
        )
    yield ""
    yield "Ratios are to the int8 model's median in rounds interleaved with the other's."


def _median(entries: tuple[Entry, ...], case: str, precision: str) -> Latency | None:
    rows = (
        row
        for entry in entries
        for row in entry.latency
        if entry.precision == precision and row.case == case
    )
    return next(rows, None)
