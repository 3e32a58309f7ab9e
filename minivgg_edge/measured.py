"""How good a model was measured to be, wherever its manifest says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from minivgg_edge.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Measurement:
    """Top-1 accuracy, a fraction, on `count` pictures of a split ("validation" or "test")."""

    dataset: str
    split: str
    count: int
    top1: float

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def measurements_alone(manifest: Manifest) -> tuple[Measurement, ...]:
    """Return what an adopted model was measured to be without its float model.

    The manifest's accuracy records are comparisons with a float model. Where there was none, the
    figures stand in the free object `training`, as ``{"adopted": {"measured": [...]}}``; anything
    else there is passed over.
    """
    adopted = manifest.training.get("adopted")
    entries = adopted.get("measured") if isinstance(adopted, Mapping) else None
    found = (_measurement(entry) for entry in entries) if isinstance(entries, list) else ()
    return tuple(measurement for measurement in found if measurement is not None)


def best_known(manifest: Manifest) -> Measurement | None:
    """Return the figure of most weight: test before validation, compared before alone."""
    records = [
        Measurement(record.dataset, record.split, record.count, record.target_top1)
        for record in manifest.accuracy
    ]
    found = (*records, *measurements_alone(manifest))
    return min(found, key=lambda measurement: measurement.split != "test", default=None)


def _measurement(entry: object) -> Measurement | None:
    if not isinstance(entry, Mapping):
        return None
    dataset, split, count, top1 = (entry.get(key) for key in ("dataset", "split", "count", "top1"))
    if not isinstance(dataset, str) or split not in ("validation", "test"):
        return None
    if not isinstance(count, int) or not isinstance(top1, float) or not 0.0 <= top1 <= 1.0:
        return None
    return Measurement(dataset, split, count, top1) if count >= 1 else None
