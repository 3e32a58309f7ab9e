"""The report of `convert.quantize` and `convert.evaluate` as text."""

from __future__ import annotations

from collections.abc import Sequence

from convert.int8.audit import Audit
from convert.int8.comparison import Comparison
from convert.int8.graph import Tensor
from convert.report.text import percent, probability, size, table
from minivgg_edge.cli.terminal import printable
from minivgg_edge.metrics import recall


def audit_text(audit: Audit) -> str:
    """Operators with versions and counts, the two ends, what the graph costs and needs."""
    rows = [[op.name, str(op.version), str(op.count)] for op in audit.operators]
    ends = [f"input: {end_text(audit.input)}", f"output: {end_text(audit.output)}"]
    cost = (
        f"{audit.macs / 1e6:.2f} million multiply-adds a picture, {size(audit.size_bytes)}, "
        f"runs on TensorFlow Lite {audit.minimum_runtime} or newer"
    )
    return "\n".join([table(["operator", "version", "count"], rows), *ends, cost])


def end_text(tensor: Tensor) -> str:
    """Dtype, shape and quantization of one end of the graph."""
    text = f"{tensor.dtype} {tensor.shape}"
    if not tensor.scales:
        return text
    return f"{text}, scale {tensor.scales[0]:.9g}, zero point {tensor.zero_points[0]}"


def comparison_text(comparisons: Sequence[Comparison], *, precision: str = "int8") -> str:
    """The comparison table: one row per set of pictures; `precision` is what was compiled to."""
    rows = [
        [
            f"{c.dataset}, {c.split}",
            str(c.count),
            percent(c.reference_top1),
            percent(c.target_top1),
            f"{100 * c.drop:+.2f}",
            f"[{100 * c.interval.low:+.2f}, {100 * c.interval.high:+.2f}]",
            percent(c.agreement),
            probability(c.p_value),
        ]
        for c in comparisons
    ]
    header = ["top-1", "pictures", "float32", precision, "drop", "95 % interval", "agreement", "p"]
    text = table(header, rows)
    top5 = [
        f"top-5 on {c.split} pictures: float32 {percent(c.reference_top5)}, "
        f"{precision} {percent(c.target_top5)}"
        for c in comparisons
        if c.reference_top5 is not None
    ]
    note = (
        "drop in points; interval: Tango's score interval; p: exact McNemar test of no difference"
    )
    return "\n".join([text, *top5, note])


def class_text(comparison: Comparison, *, precision: str = "int8") -> str:
    """Accuracy per class of both models; `precision` is what was compiled to."""
    header = [f"class ({comparison.split})", *class_columns(precision)]
    return f"{table(header, class_rows(comparison))}\n{class_sentence(comparison)}"


def class_columns(precision: str) -> tuple[str, ...]:
    """Return the titles of the columns of `class_rows` but the first."""
    return ("pictures", "float32", precision, "drop", "lost", "gained", "p")


def class_rows(comparison: Comparison) -> list[list[str]]:
    """Return a row for each class: its accuracies, and whether they differ."""
    shares = (recall(comparison.reference_confusion), recall(comparison.target_confusion))
    return [
        [
            printable(change.label),
            str(change.count),
            percent(a),
            percent(b),
            "-" if change.drop is None else f"{100 * change.drop:+.2f}",
            str(change.losses),
            str(change.gains),
            probability(change.adjusted_p_value),
        ]
        for change, a, b in zip(comparison.class_changes, *shares, strict=True)
    ]


def class_sentence(comparison: Comparison) -> str:
    """Say which classes changed by more than accident."""
    real = [change for change in comparison.class_changes if change.is_real]
    test = "exact McNemar test, Holm's correction for the number of classes"
    if not real:
        return f"no class changed by more than accident (p: {test})"
    named = ", ".join(
        f"{printable(change.label)} {100 * (change.drop or 0.0):+.2f}" for change in real
    )
    return f"changed by more than accident, drop in points: {named} (p: {test})"
