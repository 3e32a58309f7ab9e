"""The lane's results as a JSON document and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.arm import scheduler
from benchmarks.arm.comparison import read_validation
from benchmarks.arm.errors import LaneError
from benchmarks.arm.lane import BoardResult
from benchmarks.arm.process import run
from convert.report.text import percent, size, table

SCHEMA = 1


def to_document(results: Sequence[BoardResult], *, date: str, command: str) -> dict[str, Any]:
    """Return the document of kind "arm".

    Args:
        results: One a board.
        date: In ISO format.
        command: What made it.
    """
    return {
        "schema": SCHEMA,
        "kind": "arm",
        "date": date,
        "command": command,
        "tools": _tools(),
        "boards": {result.baseline.board: result.description for result in results},
        "runs": [entry for result in results for entry in result.runs],
        "agreement": [result.agreement for result in results],
        "missing": [entry for result in results for entry in result.missing],
        "validation": read_validation(),
    }


def to_text(document: dict[str, Any]) -> str:
    """Return the document as tables: costs, starts, operators, agreement."""
    parts = [_costs(document), _starts(document), _operators(document), _agreement(document)]
    missing = [
        f"not measured: {entry['engine']} on {entry['board']}: {entry['reason']}"
        for entry in document["missing"]
    ]
    note = (
        "Instructions in millions. They are a cost, not a time; modelled milliseconds come from "
        "llvm-mca's model of the core (docs/modelled-time.md)."
    )
    return "\n\n".join(part for part in [*parts, "\n".join(missing), note] if part)


def _tools() -> dict[str, str]:
    version = run(["qemu-aarch64", "--version"]).split()[2]
    try:
        return {"qemu": version, "llvm_mca": scheduler.installed().version}
    except LaneError:  # only modelled times need it
        return {"qemu": version}


def _costs(document: dict[str, Any]) -> str:
    header = [
        "board, model",
        "engine",
        "inference",
        "classify",
        "of limit",
        "modelled",
        "accuracy",
        "file",
    ]
    rows = []
    for entry in document["runs"]:
        modelled = entry["modelled"]
        rows.append(
            [
                f"{entry['board']}, {entry['model']} {entry['precision']}",
                f"{entry['engine']} {entry['engine_version']}",
                _millions(entry["steady"]),
                _millions(entry["classify"]),
                f"{entry['limit']['ratio']:.2f}x",
                "-" if modelled is None else f"{modelled['ms']:.2f} ms",
                "-" if entry["accuracy"] is None else percent(entry["accuracy"]["top1"]),
                size(entry["size_bytes"]),
            ]
        )
    return table(header, rows)


def _starts(document: dict[str, Any]) -> str:
    names = ("python", "numpy", "runtime", "package", "load", "first")
    rows = []
    for entry in document["runs"]:
        if entry["cold_start"] is None:
            continue
        phases = [_millions(entry["phases"][name]) for name in names]
        ratio = entry["cold_start"] / entry["cold_start_bare"]
        total = f"{_millions(entry['cold_start'])} = {ratio:.3f} x bare"
        rows.append([f"{entry['board']}, {entry['model']} {entry['precision']}", *phases, total])
    return table(["cold start", *names, "all"], rows) if rows else ""


def _operators(document: dict[str, Any]) -> str:
    rows = []
    for entry in document["runs"]:
        for operator in entry["ops"] or []:
            macs = operator["macs"]
            rows.append(
                [
                    f"{entry['board']}, {entry['precision']}, {operator['name']}",
                    f"{macs / 1e6:.3f}" if macs else "-",
                    f"{operator['instructions'] / 1e6:.4f}",
                    percent(operator["instructions"] / entry["steady"], 1),
                    f"{macs / operator['instructions']:.2f}" if macs else "-",
                ]
            )
    header = ["operator", "M multiply-adds", "M instructions", "share", "multiply-adds each"]
    return table(header, rows) if rows else ""


def _agreement(document: dict[str, Any]) -> str:
    header = ["answers as on this machine", "pictures", "same label", "ties", "largest step"]
    rows = [
        [
            f"{entry['board']}, {entry['engine']} {entry['engine_version']}",
            str(entry["pictures"]),
            str(entry["top1_identical"]),
            str(entry["ties"]),
            str(entry["max_step"]),
        ]
        for entry in document["agreement"]
    ]
    return table(header, rows)


def _millions(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.3f}"
