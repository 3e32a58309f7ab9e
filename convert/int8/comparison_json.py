"""A comparison of two models as JSON values."""

from __future__ import annotations

import math
from typing import Any

from convert.int8.comparison import Comparison
from minivgg_edge.metrics import recall


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return everything but the single answers; fractions stay fractions."""
    reference, target = comparison.reference_confusion, comparison.target_confusion
    scores = (comparison.reference_reliability, comparison.target_reliability)
    return {
        "dataset": comparison.dataset,
        "split": comparison.split,
        "count": comparison.count,
        "float_top1": comparison.reference_top1,
        "target_top1": comparison.target_top1,
        "float_top5": comparison.reference_top5,
        "target_top5": comparison.target_top5,
        "drop": comparison.drop,
        "drop_interval": [comparison.interval.low, comparison.interval.high],
        "drop_upper_bound": comparison.upper_bound,
        "interval_method": "Tango 1998, score interval for paired proportions, 95 %",
        "mcnemar_p": comparison.p_value,
        "only_float_right": comparison.losses,
        "only_target_right": comparison.gains,
        "agreement": comparison.agreement,
        "float_perplexity": comparison.reference_perplexity,
        "target_perplexity": comparison.target_perplexity,
        "collapsed": comparison.collapsed,
        "per_class": [
            {
                "label": change.label,
                "count": change.count,
                "float": _number(a),
                "target": _number(b),
                "only_float_right": change.losses,
                "only_target_right": change.gains,
                "mcnemar_p": change.p_value,
                "holm_p": change.adjusted_p_value,
            }
            for change, a, b in zip(
                comparison.class_changes, recall(reference), recall(target), strict=True
            )
        ],
        **{
            f"{model}_scores": found.to_json()
            for model, found in zip(("float", "target"), scores, strict=True)
            if found is not None
        },
        "float_confusion": reference.tolist(),
        "target_confusion": target.tolist(),
        "flips": [
            {
                "index": int(index),
                "true": comparison.labels[comparison.true[index]],
                "float": comparison.labels[comparison.reference[index]],
                "target": comparison.labels[comparison.target[index]],
            }
            for index in comparison.flips
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
