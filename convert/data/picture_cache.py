"""Decoded pictures at the model's size, kept so that big photos are decoded once and not each run.

One npz per input size and crop. A picture is found by the SHA-256 of its file, so it does not
matter what the file is called, where it lies or when it was changed. zip's CRC-32 finds damage.
What another Pillow or another version of this program has made is not taken but replaced: its
pixels, or what is known about them, may be others.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from convert.errors import DataError
from convert.scanning.facts import Facts, Header
from minivgg_edge import __version__
from minivgg_edge.atomic import write_atomically

# Below this decoding takes seconds, and a cache would only take room: 40 photos of 12 megapixels.
FEWEST_PIXELS = 500_000_000
_SPARE_BYTES = 1 << 30
_CACHE_FOLDER = Path("out") / "cache"

# Raised when pictures are decoded or resized otherwise, or the facts about them are others.
_PREPROCESSING = 1

Kept = tuple[Facts, NDArray[np.uint8]]


def cache_of(data: Path | None, given: Path | None, *, none: bool = False) -> Path | None:
    """Return the folder for decoded pictures; by default one that belongs to the data folder.

    Args:
        data: the folder of pictures; None for the embedded sample, which needs no cache.
        given: what `--cache` names.
        none: whether nothing is kept.
    """
    if none or data is None:
        return None
    place = data.resolve()
    digest = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()
    return given or _CACHE_FOLDER / f"{place.name}-{digest[:8]}"


def read_cache(path: Path) -> dict[str, Kept]:
    """Read the pictures that an earlier run decoded.

    Returns:
        Facts and image by the SHA-256 of the file; nothing if there is no cache, or one that was
        made by other versions.

    Raises:
        DataError: the file cannot be read or is damaged.
    """
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if "made_by" not in arrays or str(arrays["made_by"]) != _made_by():
                return {}
            images, thumbnails = arrays["images"], arrays["thumbnails"]
            entries = json.loads(arrays["facts"].tobytes())
        kept = {}
        for entry, image, thumbnail in zip(entries, images, thumbnails, strict=True):
            facts = Facts(**{**entry, "header": Header(**entry["header"]), "thumbnail": thumbnail})
            kept[facts.sha256] = (facts, image)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected pictures that an earlier run decoded, got {error}; remove the file"
        ) from error
    return kept


def write_cache(path: Path, pictures: Sequence[Kept]) -> str:
    """Keep decoded pictures, if that saves time and the disk has room; return a sentence about it.

    Args:
        path: of the cache; what stood there is replaced.
        pictures: of the folder as it is now; none that cannot be decoded.
    """
    pixels = sum(facts.width * facts.height for facts, _ in pictures)
    if pixels < FEWEST_PIXELS:
        return ""
    needed = sum(image.nbytes + thumbnail.nbytes for (facts, image) in pictures
                 if (thumbnail := facts.thumbnail) is not None)  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        return _not_kept(path, error)
    if free < needed + _SPARE_BYTES:
        return (
            f"Decoded pictures are not kept: {needed / 1e6:,.0f} MB are needed, "
            f"{free / 1e6:,.0f} MB are free in {path.parent}"
        )
    entries = [
        {**asdict(replace(facts, thumbnail=None)), "thumbnail": None} for facts, _ in pictures
    ]
    text = json.dumps(entries, ensure_ascii=True).encode("ascii")
    buffer = io.BytesIO()
    np.savez(
        buffer,
        images=np.stack([image for _, image in pictures]),
        thumbnails=np.stack([t for f, _ in pictures if (t := f.thumbnail) is not None]),
        facts=np.frombuffer(text, dtype=np.uint8),
        made_by=np.array(_made_by()),
    )
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        return _not_kept(path, error)
    return f"Decoded pictures are kept in {path} ({needed / 1e6:,.0f} MB)"


def _not_kept(path: Path, error: OSError) -> str:
    return f"Decoded pictures are not kept: {path}: {error.strerror}"


def _made_by() -> str:
    """Name what decides the content of a cache beside the files of the pictures."""
    return f"Pillow {PIL.__version__}, minivgg-edge {__version__}, preprocessing {_PREPROCESSING}"
