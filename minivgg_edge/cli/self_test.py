"""``minivgg-edge self-test``: does the model answer on this machine as it did at the desk?"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math

from minivgg_edge.cli.arguments import add_model, add_num_threads
from minivgg_edge.cli.terminal import printable, say, table
from minivgg_edge.self_check import SelfTestReport, self_test

_FAILED = 1

_DESCRIPTION = """\
Run known pictures through resampling, decoding and the model, and compare with the desk. Native
code runs in child processes: a crash is a failed check that names the signal."""

_EPILOG = """\
The model file is verified first. Its golden vectors have to get the same labels, and outputs within
the tolerance that the model states for this runtime, on tflite-runtime within 8 quantization steps
at least (float32: 1e-4 of the largest output).

exit codes: 0 passed, 1 a check failed, 2 bad usage or a bad model file

--json prints one JSON object:
  passed, model, source, sha256, num_threads, vectors, time_ms
  runtime             {name, version, tflite_version}, null if it cannot be imported
  delegates           parts of the graph that XNNPACK runs, null if not known
  largest_difference  the farthest an output was off, in quantization steps (float32: as above),
                      null if it is not known or not finite
  tolerance           how far it may be off, null if the model states none for this runtime
  checks              [{name, passed, detail}]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_model(parser)
    add_num_threads(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below")


def run(arguments: argparse.Namespace) -> int:
    """Test and report; 1 if a check failed."""
    report = self_test(arguments.model, num_threads=arguments.num_threads)
    if arguments.json:
        document = {"passed": report.passed, **dataclasses.asdict(report)}
        if report.largest_difference is not None and not math.isfinite(report.largest_difference):
            document["largest_difference"] = None  # a float32 model answered with NaN or infinity
        say(json.dumps(document, indent=2, allow_nan=False))
    else:
        for line in _lines(report):
            say(line)
    return 0 if report.passed else _FAILED


def _lines(report: SelfTestReport) -> list[str]:
    rows = [
        (check.name, "ok" if check.passed else "FAILED", printable(check.detail))
        for check in report.checks
    ]
    verdict = "passed" if report.passed else "FAILED"
    return [
        f"{printable(report.model)} ({printable(report.source)})",
        *table(rows, "lll", indent=2),
        f"{verdict} in {report.time_ms / 1000:.1f} s",
    ]
