"""Whether the result files are of the same model files: each is made when its command ran."""

from __future__ import annotations

from collections.abc import Iterator

from convert.report.arm_results import ArmRun
from convert.report.bench_results import Entry
from convert.report.candidates import Key, engine_title, entry_key, model_title
from convert.report.results import Results

_DIGITS = 12  # of a SHA-256: enough to tell files apart


def mixed_files(results: Results) -> tuple[str, ...]:
    """Return a sentence for each model on an engine whose figures are of more than one file.

    The float32 model that a machine's own run times has a manifest, which those of peers and boards
    have not: it is another file with the same graph, and left out.
    """
    places: dict[Key, dict[str, list[str]]] = {}
    for place, measured in _measured(results):
        digests = places.setdefault(entry_key(measured), {})
        where = digests.setdefault(measured.sha256, [])
        if place not in where:
            where.append(place)
    return tuple(
        f"{model_title(key.model)} {key.precision}, {engine_title(key.engine)}, was another file "
        "in each of: "
        + "; ".join(f"{', '.join(where)} ({sha[:_DIGITS]})" for sha, where in digests.items())
        for key, digests in places.items()
        if len(digests) > 1
    )


def _measured(results: Results) -> Iterator[tuple[str, Entry | ArmRun]]:
    """Yield what was measured of a file, and where."""
    for bench in results.benches:
        for entry in bench.entries:
            if entry.precision != "float32":
                yield f"the run on {bench.board} of {bench.date}", entry
    if results.peers is not None:
        for entry in results.peers.entries:
            yield f"the run of peers of {results.peers.date}", entry
    if results.arm is not None:
        for run in results.arm.runs:
            yield f"the emulated boards of {results.arm.date}", run
