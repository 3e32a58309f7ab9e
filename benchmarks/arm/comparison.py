"""Modelled times beside published ones: rows and their error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from benchmarks.arm.boards import BOARDS
from benchmarks.arm.inference_time import InferenceTime
from benchmarks.arm.published import Measurement

AIM = 1.5
MEASURED = Path("out/arm/validation.json")
STORED = Path(__file__).parents[1] / "results" / "validation.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement and what the model says instead.

    Attributes:
        measurement: What was published.
        time: What the model says.
    """

    measurement: Measurement
    time: InferenceTime

    @property
    def ratio(self) -> float:
        """Published over modelled: above 1, the board is slower than the model."""
        return self.measurement.published_ms / self.time.ms

    @property
    def factor(self) -> float:
        """The ratio, or one over it: 1 is exact, 1.5 is half as much again in either direction."""
        return max(self.ratio, 1 / self.ratio)


def error_factor(rows: Sequence[Row], board: str | None = None) -> float | None:
    """Median factor of the rows, or of one board's rows; None where there are none."""
    factors = [row.factor for row in rows if board in (None, row.measurement.board)]
    return median(factors) if factors else None


def mean_ratio(rows: Sequence[Row], engine: str) -> float:
    """Geometric mean of the ratios of the rows that are modelled with an engine.

    Raises:
        ValueError: There is none.
    """
    return geometric_mean(row.ratio for row in rows if row.measurement.run_engine == engine)


def scaled_factors(rows: Sequence[Row]) -> list[float]:
    """What would remain if one number per board were fitted, each row left out of its own fit.

    The number is the geometric mean of the ratios of the board's other rows. Nothing that is
    reported is scaled by it; it says how much of the error is the same for all networks.
    """
    factors = []
    for row in rows:
        others = [
            other.ratio
            for other in rows
            if other is not row and other.measurement.board == row.measurement.board
        ]
        if others:
            ratio = row.ratio / geometric_mean(others)
            factors.append(max(ratio, 1 / ratio))
    return factors


def read_validation(*files: Path) -> dict[str, Any] | None:
    """Return the newest object "validation" of those that are there; None without any.

    Args:
        files: Where to look, the first one first among those of one day; none are what was compared
            here and what is stored.
    """
    found: list[dict[str, Any]] = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in files or (MEASURED, STORED)
        if path.is_file()
    ]
    return max(found, key=lambda validation: str(validation.get("date", "")), default=None)


def validated_factor(validation: Mapping[str, Any] | None, llvm: str) -> float | None:
    """Return the typical error of times that this LLVM models; None where nothing says it.

    Scheduling models differ between versions: the error of one is none of another's.
    """
    if validation is None or validation["llvm_mca"] != llvm:
        return None
    return float(validation["median_factor"])


def to_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The object "validation" of the lane's document."""
    boards = sorted({row.measurement.board for row in rows})
    engines = sorted({row.measurement.run_engine for row in rows})
    scaled = scaled_factors(rows)
    return {
        "rows": [_row_json(row) for row in rows],
        "median_factor": error_factor(rows),
        "within_1_5": sum(row.factor <= AIM for row in rows),
        "median_factor_by_board": {
            BOARDS[board].title: error_factor(rows, board) for board in boards
        },
        "mean_ratio_by_engine": {engine: mean_ratio(rows, engine) for engine in engines},
        "worst_factor": max(row.factor for row in rows),
        "median_factor_if_scaled_by_board": median(scaled) if scaled else None,
        "llvm_mca": rows[0].time.modelled.llvm,
    }


def _row_json(row: Row) -> dict[str, Any]:
    measurement = row.measurement
    return {
        "network": measurement.network,
        "precision": measurement.precision,
        "board": BOARDS[measurement.board].title,
        "core": measurement.core,
        "clock_ghz": measurement.clock_ghz,
        "threads": measurement.threads,
        "engine": f"{measurement.engine} {measurement.engine_version}",
        "modelled_with": measurement.run_with,
        "source": measurement.source,
        "note": measurement.note,
        "published_ms": measurement.published_ms,
        "modelled_ms": row.time.ms,
        "compute_ms": row.time.compute_ms,
        "caches_ms": row.time.wait.caches_ms,
        "memory_ms": row.time.wait.memory_ms,
        "instructions": row.time.modelled.instructions,
        "covered": row.time.modelled.covered,
        "factor": row.factor,
    }
