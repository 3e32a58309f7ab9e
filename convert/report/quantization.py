"""The report of `convert.quantize` and `convert.evaluate` as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convert.int8.audit import Audit
from convert.int8.compare import Comparison
from convert.report.text import percent, size, table
from minivgg_edge.metrics import recall


def audit_text(audit: Audit) -> str:
    """Operators with versions and counts, the two ends, what the graph costs and needs."""
    rows = [[op.name, str(op.version), str(op.count)] for op in audit.operators]
    ends = [
        f"{role}: {tensor.dtype} {tensor.shape}"
        + (
            f", scale {tensor.scales[0]:.9g}, zero point {tensor.zero_points[0]}"
            if tensor.scales
            else ""
        )
        for role, tensor in (("input", audit.input), ("output", audit.output))
    ]
    cost = (
        f"{audit.macs / 1e6:.2f} million multiply-adds a picture, {size(audit.size_bytes)}, "
        f"runs on TensorFlow Lite {audit.minimum_runtime} or newer"
    )
    return "\n".join([table(["operator", "version", "count"], rows), *ends, cost])


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """The comparison table: one row per set of pictures."""
    rows = [
        [
            f"{c.dataset}, {c.split}",
            str(c.count),
            percent(c.reference_top1),
            percent(c.target_top1),
            f"{100 * c.drop:+.2f}",
            f"[{100 * c.interval.low:+.2f}, {100 * c.interval.high:+.2f}]",
            percent(c.agreement),
            f"{c.p_value:.2f}",
        ]
        for c in comparisons
    ]
    header = ["top-1", "pictures", "float32", "int8", "drop", "95 % interval", "agreement", "p"]
    text = table(header, rows)
    top5 = [
        f"top-5 on {c.split} pictures: float32 {percent(c.reference_top5)}, "
        f"int8 {percent(c.target_top5)}"
        for c in comparisons
        if c.reference_top5 is not None
    ]
    note = (
        "drop in points; interval: Tango's score interval; p: exact McNemar test of no difference"
    )
    return "\n".join([text, *top5, note])


def class_text(comparison: Comparison) -> str:
    """Accuracy per class of both models."""
    reference, target = comparison.reference_confusion, comparison.target_confusion
    counts = reference.sum(axis=1)
    shares = zip(comparison.labels, counts, recall(reference), recall(target), strict=True)
    rows = [
        [
            label,
            str(count),
            percent(a),
            percent(b),
            "-" if np.isnan(a - b) else f"{100 * (a - b):+.2f}",
        ]
        for label, count, a, b in shares
    ]
    return table([f"class ({comparison.split})", "pictures", "float32", "int8", "drop"], rows)
