"""The score that a label has to reach: a caller's, or the one that the model states."""

from __future__ import annotations

from minivgg_edge.results import ModelInfo

OF_THE_MODEL = "model"


def lowest_score(threshold: float | str, model: ModelInfo) -> float:
    """Return the lowest score that is let through.

    Args:
        threshold: From 0 to 1, or "model".
        model: What states a threshold.

    Raises:
        TypeError: The threshold is neither a number nor "model".
        ValueError: It is out of range, or the model states none.
    """
    if isinstance(threshold, str | bytes):  # float() would parse them
        return _stated(threshold, model)
    minimum = float(threshold)
    if not 0.0 <= minimum <= 1.0:  # false for NaN too
        raise ValueError(f"threshold: expected a number from 0 to 1, got {minimum}")
    return minimum


def _stated(threshold: str | bytes, model: ModelInfo) -> float:
    if threshold != OF_THE_MODEL:
        raise TypeError(f'threshold: expected a number or "{OF_THE_MODEL}", got {threshold!r}')
    stated = model.manifest.output.threshold
    if stated is None:
        raise ValueError(
            f"threshold: expected a number, got {threshold!r}: {model.name} states no threshold"
        )
    return stated
