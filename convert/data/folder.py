"""A folder of images as a data set: found, decoded, and split so that the split stays put."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.folder_layout import FolderLayout, FoundPicture, find_pictures
from convert.data.pictures import PictureSet, Splits
from convert.data.roles import HashedPicture, assign_roles
from convert.data.split_file import (
    ROLES,
    SPLIT_FILE,
    Role,
    SplitRecord,
    SplitRule,
    open_split,
    write_split_file,
)
from convert.errors import DataError
from minivgg_edge.decode import decode
from minivgg_edge.errors import PictureError
from minivgg_edge.preprocess import Crop, preprocess

# A phone's picture takes 0.2 GB while it is decoded: more at a time cost more memory than they win.
_MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """A picture that could not be decoded.

    Attributes:
        name: its path below the data folder, with forward slashes.
        reason: what is wrong with it.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class FolderSplits(Splits):
    """A folder of images in its roles.

    Attributes:
        skipped: pictures left out because they cannot be decoded.
        ignored: names of hidden files, of files without a picture's suffix, and of folders that
            are neither a part nor a class.
        lookalikes: pairs of names of pictures in two roles that are the same pixels at the model's
            size though their files differ (saved again, or another size): they make the measured
            accuracy look better than it is.
        split_file: where the roles are kept; None if the folders give every role.
    """

    skipped: tuple[SkippedPicture, ...] = ()
    ignored: tuple[str, ...] = ()
    lookalikes: tuple[tuple[str, str], ...] = ()
    split_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A picture at the model's size, and the SHA-256 (hex) of its file."""

    image: NDArray[np.uint8]
    sha256: str


_Kept = list[tuple[FoundPicture, _Opened]]


def read_folder(
    folder: Path,
    *,
    height: int,
    width: int,
    crop: Crop = "none",
    seed: int = 0,
    fractions: tuple[float, float] | None = None,
    class_names: Sequence[str] | None = None,
    split_file: Path | None = None,
    skip_broken: bool = False,
) -> FolderSplits:
    """Read a folder of images, in either layout of `convert.data.folder_layout`.

    Where the folders do not give the roles, the content of each file decides (`SplitRule`), and the
    split file keeps the decisions: pictures that are added later move no other one. Files with the
    same bytes always share a role.

    Args:
        folder: the data folder.
        height: rows of the model's input, in pixels.
        width: columns of the model's input, in pixels.
        crop: how a picture of another aspect ratio is brought to that size, see `preprocess`.
        seed: draws another split. A split file that exists keeps its own: a second training run
            with another seed is measured on the same pictures.
        fractions: of validation and test pictures; None: those of the split file, else 0.15 each.
            In a folder of parts the second one is not used: there is a test part or there is none.
        class_names: the classes of a trained model in its order; None: the class folders' names in
            plain string order (case-sensitive, "10" before "2").
        split_file: where the roles are kept; None: `split.json` in `folder`.
        skip_broken: leave out pictures that cannot be decoded instead of refusing them.

    Raises:
        DataError: anything about the folder, a picture or the split file that would make the data
            set another one than it seems; the message names the file.
        ValueError: `height`, `width`, `crop` or `fractions` is out of range.
    """
    layout = find_pictures(folder, class_names)
    # Read the decisions first: an unreadable split file should not cost the time to decode.
    record = None
    needs_split = any(picture.role is None for picture in layout.pictures)
    if needs_split:
        split_file = split_file or folder / SPLIT_FILE
        record = open_split(split_file, seed, fractions, splits_test=layout.splits_test)
    opened = _open_all(layout.pictures, height, width, crop)
    skipped = tuple(
        SkippedPicture(found.name, str(result))
        for found, result in zip(layout.pictures, opened, strict=True)
        if isinstance(result, PictureError)
    )
    if skipped and not skip_broken:
        raise DataError(
            f"{skipped[0].reason} ({len(skipped)} of {len(opened)} pictures cannot be decoded; "
            "remove them, or have broken pictures skipped)"
        )
    kept = [
        (found, result)
        for found, result in zip(layout.pictures, opened, strict=True)
        if isinstance(result, _Opened)
    ]
    roles, record = _roles(folder, kept, layout.class_names, record)
    sets = {role: _picture_set(kept, roles, role, layout.class_names) for role in ROLES}
    _check_sets(folder, sets, layout)
    if split_file is not None and record is not None:
        write_split_file(split_file, record)
    return FolderSplits(
        folder.resolve().name,
        sets["train"],
        sets["validation"],
        sets["test"] if len(sets["test"]) else None,
        skipped=skipped,
        ignored=layout.ignored,
        lookalikes=_lookalikes(kept, roles),
        split_file=None if record is None else split_file,
    )


def _open_all(
    pictures: Sequence[FoundPicture], height: int, width: int, crop: Crop
) -> list[_Opened | PictureError]:
    """Decode every picture, in order; a picture that cannot be decoded gives its error."""

    def open_one(found: FoundPicture) -> _Opened | PictureError:
        try:
            picture = decode(found.path)
            image = preprocess(picture, height=height, width=width, crop=crop)
            return _Opened(image, hashlib.sha256(found.path.read_bytes()).hexdigest())
        except PictureError as error:
            return error

    with ThreadPoolExecutor(min(_MOST_WORKERS, os.cpu_count() or 1)) as pool:
        return list(pool.map(open_one, pictures))


def _roles(
    folder: Path,
    kept: _Kept,
    class_names: tuple[str, ...],
    record: SplitRecord | None,
) -> tuple[list[Role], SplitRecord | None]:
    hashed = [HashedPicture(f.name, f.label, opened.sha256, f.role) for f, opened in kept]
    try:
        roles, new_record = assign_roles(
            hashed, class_names, record or SplitRecord(SplitRule(), {})
        )
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error
    return roles, None if record is None else new_record


def _picture_set(
    kept: _Kept, roles: Sequence[Role], role: Role, class_names: tuple[str, ...]
) -> PictureSet:
    members = [pair for pair, own in zip(kept, roles, strict=True) if own == role]
    images = [opened.image for _, opened in members]
    return PictureSet(
        np.stack(images) if images else np.empty((0, 1, 1, 3), dtype=np.uint8),
        np.array([found.label for found, _ in members], dtype=np.int64),
        class_names,
        tuple(found.name for found, _ in members),
    )


def _check_sets(folder: Path, sets: dict[Role, PictureSet], layout: FolderLayout) -> None:
    """Every class needs pictures in every part, but for a test part made by the rule."""
    for role, pictures in sets.items():
        if role == "test" and (layout.splits_test or not len(pictures)):
            continue
        empty = [name for name, count in pictures.counts().items() if count == 0]
        if empty:
            raise DataError(
                f"{folder}: expected {role} pictures of every class, got none that can be "
                f"decoded of {empty}"
            )


def _lookalikes(kept: _Kept, roles: Sequence[Role]) -> tuple[tuple[str, str], ...]:
    first: dict[bytes, tuple[str, Role]] = {}
    pairs = []
    for (found, opened), role in zip(kept, roles, strict=True):
        pixels = hashlib.sha256(opened.image.tobytes()).digest()
        name, other = first.setdefault(pixels, (found.name, role))
        if other != role:
            pairs.append((name, found.name))
    return tuple(pairs)
