"""The share of right answers with its interval, as the cards hold it."""

from __future__ import annotations

from dataclasses import dataclass

from minivgg_edge.metrics import wilson_interval


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Top-1 accuracy on labeled pictures.

    Attributes:
        dataset: What the pictures are called.
        split: Which part of them.
        count: Number of pictures.
        top1: Share of right answers, 0-1.
        low: Lower end of its 95 % Wilson interval.
        high: Upper end.
    """

    dataset: str
    split: str
    count: int
    top1: float
    low: float
    high: float


def accuracy_of(correct: int, count: int, *, dataset: str, split: str) -> Accuracy:
    """Return the accuracy of `correct` right answers to `count` pictures.

    Raises:
        ValueError: `count` is below 1, or `correct` is not from 0 to `count`.
    """
    interval = wilson_interval(correct, count)
    return Accuracy(dataset, split, count, correct / count, interval.low, interval.high)
