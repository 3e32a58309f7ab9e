"""Weights of the classes in the loss, so that a rare class is not given up for a frequent one."""

from __future__ import annotations

import numpy as np

from convert.data.pictures import PictureSet

# Below this the frequencies hardly move the decisions; above the other, a handful of pictures
# would be repeated so loudly that they are learnt by heart.
BALANCED_RATIO = 1.5
MOST_RATIO = 5.0


def class_weights(pictures: PictureSet) -> tuple[float, ...]:
    """Weigh the classes by inverse frequency where the counts n_c differ by more than 1.5 times.

    w_c = s * min(max(n) / n_c, 5), with s such that the mean over all pictures is 1: the learning
    rate keeps its meaning.

    Args:
        pictures: to train on, with some of each class.

    Returns:
        One weight per class in class order; () where the classes are balanced.
    """
    counts = np.bincount(pictures.labels, minlength=pictures.classes).astype(np.float64)
    if counts.min() == 0 or counts.max() <= BALANCED_RATIO * counts.min():
        return ()
    weights = np.minimum(counts.max() / counts, MOST_RATIO)
    weights *= counts.sum() / (weights * counts).sum()
    return tuple(round(float(weight), 6) for weight in weights)
