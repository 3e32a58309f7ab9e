"""The program that a fresh process runs to measure itself: `python -I probe.py MODEL ...`.

It is run by its path and imports nothing before its first stamp but what Python itself has. Its
times come from `time.monotonic`, which all processes of a machine share, so the parent's start of
this process belongs to the same scale.
"""

import sys
import time

_STARTED_NS = time.monotonic_ns()


def main(model: str, num_threads: str, runtime_module: str, inferences: str, *path: str) -> None:
    """Load a model, classify an array, and print an answer.

    Args:
        model: A path, or the name of an installed model.
        num_threads: Of the native kernels.
        runtime_module: Imported apart from the package, to be timed apart.
        inferences: Further calls of `classify` before the memory is read; 0 leaves the memory out.
        path: The folders in which the parent finds modules.
    """
    sys.path[:] = path
    stamps = {"python": _STARTED_NS}
    import numpy as np

    stamps["numpy"] = time.monotonic_ns()
    count = int(inferences)
    baseline = _status() if count else {}
    started = time.monotonic_ns()
    __import__(runtime_module)
    stamps["runtime"] = time.monotonic_ns()
    from minivgg_edge.classifier import Classifier

    stamps["package"] = time.monotonic_ns()
    classifier = Classifier(model, num_threads=int(num_threads))
    stamps["load"] = time.monotonic_ns()
    picture = np.zeros(classifier.input_shape, dtype=np.uint8)
    classifier.classify(picture)
    stamps["first"] = time.monotonic_ns()
    for _ in range(count):
        classifier.classify(picture)
    memory = {"baseline": baseline, "steady": _status()} if count else None

    from minivgg_edge.child_answers import answer_line

    print(answer_line(stamps_ns=stamps, read_ns=started, memory=memory))  # noqa: T201


def _status() -> dict[str, int]:
    """Return the sizes in this process's status file in bytes, by name; empty without one."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return {}
    return {words[0][:-1]: 1024 * int(words[1]) for words in lines if words[-1:] == ["kB"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
