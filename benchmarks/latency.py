"""Inference time of compiled models side by side: the same pictures, interleaved rounds.

`python -m benchmarks.latency A.tflite B.tflite` prints the median of each and its ratio to the
first. Ratios of one run compare models on this machine; the times say nothing about another one,
and x86-64 times are no ARM times.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np

from minivgg_edge import Classifier


def interleaved_ns(classifiers: Sequence[Classifier], *, rounds: int) -> list[list[int]]:
    """Time `Classifier.scores` of a model-size picture, the models in turn.

    Returns:
        Nanoseconds per call, one list of `rounds` values for each classifier.
    """
    generator = np.random.default_rng(0)
    pictures = [
        generator.integers(0, 256, classifier.input_shape, dtype=np.uint8)
        for classifier in classifiers
    ]
    times: list[list[int]] = [[] for _ in classifiers]
    for measured in range(-rounds // 10, rounds):
        for classifier, picture, found in zip(classifiers, pictures, times, strict=True):
            started = time.perf_counter_ns()
            classifier.scores(picture)
            elapsed = time.perf_counter_ns() - started
            if measured >= 0:  # the rounds before warm caches and clocks
                found.append(elapsed)
    return times


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line per model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--num-threads", type=int, default=1)
    options = parser.parse_args(arguments)
    classifiers = [Classifier(model, num_threads=options.num_threads) for model in options.models]
    times = interleaved_ns(classifiers, rounds=options.rounds)
    medians = [statistics.median(found) / 1e6 for found in times]
    runtime = classifiers[0].model_info.runtime
    print(
        f"{platform.machine()}, {runtime.name} {runtime.version}, {options.num_threads} thread(s), "
        f"{options.rounds} rounds; p50 and p95 in ms"
    )
    for model, median, found in zip(options.models, medians, times, strict=True):
        p95 = statistics.quantiles(found, n=20)[-1] / 1e6
        print(f"{median:8.3f} {p95:8.3f}  {median / medians[0]:5.2f}x  {model}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
