"""Inference time of compiled models side by side: the same pictures, interleaved rounds.

`python -m benchmarks.latency A.tflite B.tflite` prints the median of each and its ratio to the
first. Ratios of one run compare models on this machine; the times say nothing about another one,
and x86-64 times are no ARM times. Lines that begin with "invalid" say what disturbed them.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Sequence

from benchmarks.watch import watched
from convert.command import run_command
from convert.options import positive_integer
from convert.quiet import quiet
from minivgg_edge import Classifier
from minivgg_edge.measure.latency import interleaved_ns, summarize
from minivgg_edge.measure.pictures import noise


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line per model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--rounds", type=positive_integer, default=2000)
    parser.add_argument("--num-threads", type=positive_integer, default=1)
    options = parser.parse_args(arguments)
    with quiet():
        classifiers = [Classifier(name, num_threads=options.num_threads) for name in options.models]
    calls = [_call(classifier) for classifier in classifiers]
    with watched() as watch:
        times = interleaved_ns(calls, rounds=options.rounds)
    summaries = [summarize(found) for found in times]
    runtime = classifiers[0].model_info.runtime
    print(
        f"{platform.machine()}, {runtime.name} {runtime.version}, {options.num_threads} thread(s), "
        f"{options.rounds} rounds; p50 and p95 in ms"
    )
    for model, summary in zip(options.models, summaries, strict=True):
        ratio = summary.p50_ms / summaries[0].p50_ms
        print(f"{summary.p50_ms:8.3f} {summary.p95_ms:8.3f}  {ratio:5.2f}x  {model}")
    for reason in watch.reasons:
        print(f"invalid: {reason}")
    return 0


def _call(classifier: Classifier) -> Callable[[], object]:
    height, width, _ = classifier.input_shape
    picture = noise(height, width)
    return lambda: classifier.scores(picture)


if __name__ == "__main__":
    sys.exit(run_command(main))
