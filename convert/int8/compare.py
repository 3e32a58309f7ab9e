"""The compiled model and its float model on the same pictures."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import DataError
from convert.int8.audit import describe
from convert.int8.comparison import Comparison
from convert.int8.predict import predict
from convert.scores.answers import device_scores

TOP_K = 5


def compare(
    reference: bytes,
    target: bytes,
    pictures: PictureSet,
    *,
    dataset: str,
    split: Literal["validation", "test"],
    temperature: float = 1.0,
) -> Comparison:
    """Run both flatbuffers over `pictures`, whose class order is that of the scores.

    Args:
        reference: the float model.
        target: the compiled model.
        pictures: to answer.
        dataset: what they are called.
        split: which part of it they are.
        temperature: of the manifest, by which a device divides logits.

    Raises:
        DataError: there are no pictures.
    """
    if len(pictures) == 0:
        raise DataError(f"{dataset}: expected {split} pictures, got none")
    outputs = [predict(flatbuffer, pictures.images) for flatbuffer in (reference, target)]
    found = [describe(flatbuffer) for flatbuffer in (reference, target)]
    scores = [
        device_scores(raw, audit.output, audit.activation, temperature=temperature)
        for raw, audit in zip(outputs, found, strict=True)
    ]
    top5 = [_top_k(scores, pictures.labels) for scores in outputs]
    return Comparison(
        dataset,
        split,
        pictures.class_names,
        pictures.labels,
        # Ties go to the lower index, as on the device.
        outputs[0].argmax(axis=1).astype(np.int64),
        outputs[1].argmax(axis=1).astype(np.int64),
        *(top5 if pictures.classes > TOP_K else (None, None)),
        *scores,
    )


def _top_k(scores: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Share of pictures whose class is among the best `TOP_K`; ties go to the lower index."""
    best = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :TOP_K]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())
