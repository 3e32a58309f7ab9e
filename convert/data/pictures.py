"""`PictureSet`: pictures of one size with their labels, and the digests that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convert.errors import DataError


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures of one size, their class indices, and the class names in their frozen order.

    Attributes:
        images: uint8 (n, height, width, 3), RGB, 0-255.
        labels: int64 (n,), indices into `class_names`.
        class_names: one name per class; the position is the class index.
        names: where each picture came from (a relative path); empty when they have no names.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] != 3:
            raise DataError(
                "expected pictures as uint8 (n, height, width, 3), "
                f"got {self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != (len(self.images),):
            raise DataError(
                f"expected {len(self.images)} labels, got an array of shape {self.labels.shape}"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.classes:
            raise DataError(
                f"expected labels in 0..{self.classes - 1}, "
                f"got {self.labels.min()}..{self.labels.max()}"
            )
        if self.names and len(self.names) != len(self.images):
            raise DataError(f"expected {len(self.images)} names, got {len(self.names)}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def record_digests(self) -> NDArray[np.void]:
        """SHA-256 of each picture as a CIFAR-10 record: label byte(s), then the R, G and B planes.

        Returns:
            V32 (n,): 32 raw bytes each (S32 would drop trailing zero bytes). They depend neither on
            the order of the pictures nor on their names, so the official files and a reshuffled
            copy give the same ones. The label is written as one byte for up to 256 classes
            (CIFAR-10's own record), as two bytes beyond.
        """
        width = 1 if self.classes <= 256 else 2
        digests = np.empty(len(self), dtype="V32")
        for position, (image, label) in enumerate(zip(self.images, self.labels, strict=True)):
            record = int(label).to_bytes(width, "little") + image.transpose(2, 0, 1).tobytes()
            digests[position] = np.void(hashlib.sha256(record).digest())
        return digests

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the sorted record digests: names the set whatever its order."""
        joined = b"".join(sorted(value.tobytes() for value in self.record_digests))
        return hashlib.sha256(joined).hexdigest()

    def subset(self, indices: NDArray[np.intp] | Sequence[int]) -> PictureSet:
        """Return the pictures at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.intp)
        names = tuple(self.names[index] for index in chosen) if self.names else ()
        return PictureSet(self.images[chosen], self.labels[chosen], self.class_names, names)

    def counts(self) -> dict[str, int]:
        """Pictures per class name, in class order."""
        per_class = np.bincount(self.labels, minlength=self.classes)
        return {name: int(n) for name, n in zip(self.class_names, per_class, strict=True)}


@dataclass(frozen=True)
class Splits:
    """One data set in its three roles; no picture stands in two of them.

    Attributes:
        name: what the reports call the data set.
        train: pictures to train on, and to draw calibration pictures from.
        validation: pictures for choosing and for the accuracy gate; never trained on.
        test: pictures that are only reported, never chosen by; None when there are none.
        recognized: whether the digests are those of the published data set.
    """

    name: str
    train: PictureSet
    validation: PictureSet
    test: PictureSet | None
    recognized: bool = False

    def provenance(self) -> dict[str, object]:
        """Name, sizes and order-independent digests, as JSON values."""
        sets = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            "name": self.name,
            "recognized": self.recognized,
            "classes": list(self.train.class_names),
            "splits": {
                role: {"count": len(pictures), "digest": pictures.digest}
                for role, pictures in sets.items()
                if pictures is not None
            },
        }
