"""Accuracies of all result files: what they are of, and their intervals."""

from __future__ import annotations

from collections import Counter

from convert.report.arm_results import ArmAccuracy
from convert.report.bench_results import Accuracy
from convert.report.results import Results
from minivgg_edge.metrics import wilson_interval

Asked = tuple[str, str]
"""What an accuracy is of: data set and split."""


def asked_most(results: Results) -> Asked | None:
    """Return what most accuracies are of; of two the one with more pictures, None without any."""
    found: list[tuple[Asked, int]] = []
    entries = [entry for bench in results.benches for entry in bench.entries]
    entries += results.peers.entries if results.peers else ()
    measured = [entry.accuracy for entry in entries if entry.accuracy is not None]
    runs = results.arm.runs if results.arm else ()
    measured += [arm_accuracy(run.accuracy) for run in runs if run.accuracy is not None]
    found += [((one.dataset, one.split), one.count) for one in measured]
    if results.answers is not None:
        # Of two models: the int8 one and the float one.
        found += 2 * [((results.answers.dataset, results.answers.split), results.answers.count)]
    times = Counter(asked for asked, _ in found)
    most = max(found, key=lambda pair: (times[pair[0]], pair[1]), default=None)
    return None if most is None else most[0]


def arm_accuracy(found: ArmAccuracy) -> Accuracy:
    """Return an emulated board's accuracy like those of machines."""
    return with_interval(found.dataset, "test", found.count, found.top1)


def with_interval(dataset: str, split: str, count: int, top1: float) -> Accuracy:
    """Return an accuracy 0-1 over `count` pictures with its 95 % Wilson interval."""
    interval = wilson_interval(round(top1 * count), count)
    return Accuracy(dataset, split, count, top1, interval.low, interval.high)
