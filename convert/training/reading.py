"""What a run reads: the data set at the size that fits it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from convert.data import cifar10
from convert.data.folder_splits import FolderSplits
from convert.data.grouping import grouping_of
from convert.data.picture_cache import cache_of
from convert.data.pictures import Splits
from convert.data.source import load_splits
from convert.data.split_file import SPLIT_FILE
from convert.errors import DataError
from convert.options import check_folder_options
from convert.training.input_size import CIFAR10_SIDE, InputSize, choose_side, folder_short_sides
from convert.training.subset import even_subset


def is_folder(data: Path) -> bool:
    """Say whether `data` is read as a folder of images, not as CIFAR-10."""
    return not cifar10.is_binary_layout(data)


def input_size(data: Path, given: int | None) -> InputSize:
    """Return the side of the input: the given one, or one that fits the pictures.

    Raises:
        DataError: there is no data set.
    """
    if given is not None:
        return InputSize(given, "given by --size")
    if not data.is_dir():
        got = "a file" if data.exists() else "nothing of that name"
        raise DataError(f"{data}: expected a folder with a data set, got {got}")
    if not is_folder(data):
        return InputSize(CIFAR10_SIDE, "the size of CIFAR-10")
    return choose_side(folder_short_sides(data))


def read_data(options: argparse.Namespace, side: int, report: Callable[[int, int], None]) -> Splits:
    """Read the data set that the options name, at `side` pixels.

    Raises:
        DataError: it is refused, or has nothing to train on or to validate.
    """
    more = {"--group-by": options.group_by is not None, "--crop": options.crop != "none"}
    check_folder_options(options, more)
    splits = load_splits(
        options.data,
        height=side,
        width=side,
        crop=options.crop,
        seed=options.seed,
        split_file=options.split_file,
        skip_broken=options.skip_broken,
        grouping=grouping_of(options.group_by, options.split_file or options.data / SPLIT_FILE),
        cache=cache_of(options.data, options.cache, none=options.no_cache),
        report=report,
    )
    if options.group_by is not None and isinstance(splits, FolderSplits) and not splits.grouping:
        raise DataError(
            f"{options.data}: expected a folder that is still to be split with --group-by, got its "
            "parts: sort them by hand, or put the class folders into one folder"
        )
    if len(splits.train) == 0 or len(splits.validation) == 0:
        raise DataError(
            f"{options.data}: expected pictures to train on and to validate, got "
            f"{len(splits.train)} and {len(splits.validation)}"
        )
    if options.train_count is not None:
        chosen = even_subset(splits.train, options.train_count, seed=options.seed)
        splits = replace(splits, train=chosen)
    return splits
