"""`load_splits`: whatever folder the user names, as a data set in its roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from convert.data import cifar10
from convert.data.folder import read_folder
from convert.data.grouping import Grouping
from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError
from minivgg_edge.preprocess import Crop


def load_splits(
    data: Path,
    *,
    height: int = 32,
    width: int = 32,
    crop: Crop = "none",
    seed: int = 0,
    fractions: tuple[float, float] | None = None,
    class_names: Sequence[str] | None = None,
    split_file: Path | None = None,
    scan_file: Path | None = None,
    skip_broken: bool = False,
    grouping: Grouping | None = None,
    cache: Path | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Splits:
    """Read CIFAR-10 in its binary layout, or a folder of images.

    Args:
        data: the folder. One with a file of CIFAR-10's binary version is CIFAR-10, whose split is
            fixed: `crop`, `seed`, `fractions` and the following are for the others.
        height: rows of the model's input, in pixels.
        width: columns of the model's input, in pixels.
        crop: see `read_folder`, as are the following.
        seed: of a new split.
        fractions: of validation and test pictures.
        class_names: the classes of a trained model in its order, matched by name.
        split_file: where the roles are kept.
        scan_file: which pictures a scan wants left out.
        skip_broken: leave out pictures that cannot be decoded.
        grouping: which pictures share a role.
        cache: folder for decoded pictures.
        report: called with the pictures read so far and how many there are.

    Returns:
        The data set; a `FolderSplits` for a folder of images.

    Raises:
        DataError: there is no such folder, its content is refused, or CIFAR-10 was asked for in
            another size or with other classes than it has.
        ValueError: `height`, `width`, `crop` or `fractions` is out of range.
    """
    if not data.is_dir():
        got = "a file" if data.exists() else "nothing of that name"
        raise DataError(f"{data}: expected a folder with a data set, got {got}")
    if not cifar10.is_binary_layout(data):
        return read_folder(
            data,
            height=height,
            width=width,
            crop=crop,
            seed=seed,
            fractions=fractions,
            class_names=class_names,
            split_file=split_file,
            scan_file=scan_file,
            skip_broken=skip_broken,
            grouping=grouping,
            cache=cache,
            report=report,
        )
    if (height, width) != (cifar10.SIDE, cifar10.SIDE):
        raise DataError(
            f"{data}: CIFAR-10 has {cifar10.SIDE}x{cifar10.SIDE} pictures, "
            f"expected {height}x{width} for this model"
        )
    splits = cifar10.read_splits(data)
    return splits if class_names is None else _by_name(splits, tuple(class_names), data)


def _by_name(splits: Splits, class_names: tuple[str, ...], data: Path) -> Splits:
    """Number the classes as `class_names` does."""
    if sorted(class_names) != sorted(splits.train.class_names):
        raise DataError(
            f"{data}: expected the classes {list(class_names)}, "
            f"got {list(splits.train.class_names)}"
        )

    def renumber(pictures: PictureSet) -> PictureSet:
        new = np.array([class_names.index(name) for name in pictures.class_names], dtype=np.int64)
        return replace(pictures, labels=new[pictures.labels], class_names=class_names)

    test = None if splits.test is None else renumber(splits.test)
    return replace(
        splits, train=renumber(splits.train), validation=renumber(splits.validation), test=test
    )
