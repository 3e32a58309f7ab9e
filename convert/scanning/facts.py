"""What one look at a picture file tells: every scan and every grouping works on these facts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convert.data.folder_layout import FoundPicture
from minivgg_edge.decode import DECODER_ERRORS, decode
from minivgg_edge.errors import PictureError
from minivgg_edge.picture_file import open_picture_file
from minivgg_edge.picture_header import HEIC_ADVICE
from minivgg_edge.preprocess import preprocess

T = TypeVar("T")

THUMBNAIL_SIDE = 64

# EXIF 2.32, sections 4.6.3 to 4.6.6. Not DateTime (0x0132), the moment of the last change.
_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x0112, 0x8769, 0x8825
_DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED = 0x9003, 0x9004
# A grey picture that went through JPEG's color conversion is off by a step or two.
_GREY_STEPS = 3
# A phone's picture takes 0.2 GB while it is decoded: more at a time cost more memory than they win.
_MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its picture.

    Attributes:
        format: Pillow's name of the file format; "" if the header cannot be read.
        mode: Pillow's name of the pixels' mode.
        has_alpha: whether pixels can be transparent.
        frames: more than 1 for an animation or a document of several pages.
        orientation: EXIF orientation, 1 to 8; 1 where there is none.
        taken: EXIF's moment of the exposure as written, "YYYY:MM:DD HH:MM:SS"; None without.
        has_gps: whether it says where it was taken.
    """

    format: str = ""
    mode: str = ""
    has_alpha: bool = False
    frames: int = 1
    orientation: int = 1
    taken: str | None = None
    has_gps: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known about one picture file.

    Attributes:
        name: path below the data folder, with forward slashes.
        label: index of its class.
        size_bytes: of the file.
        sha256: of the file's bytes, hex; "" if it cannot be read.
        header: what the file says.
        width: pixels of the upright picture; 0 if it cannot be decoded, as the following.
        height: pixels.
        is_grey: whether the three channels agree within a few steps.
        phash: perceptual hash, uint64 as an int.
        thumbnail: uint8 (64, 64, 3), RGB, the whole picture squeezed to a square; None if it
            cannot be decoded.
        problem: why it cannot be decoded; None if it can.
    """

    name: str
    label: int
    size_bytes: int
    sha256: str
    header: Header
    width: int = 0
    height: int = 0
    is_grey: bool = False
    phash: int = 0
    thumbnail: NDArray[np.uint8] | None = None
    problem: str | None = None


def read_all_facts(
    pictures: Sequence[FoundPicture], report: Callable[[int], None] | None = None
) -> list[Facts]:
    """Read the facts of every picture, in order; one that cannot be read has a `problem`.

    Args:
        pictures: what was found.
        report: called with the number of pictures read so far.
    """
    return [found for found, _ in read_pictures(pictures, lambda picture: None, report=report)]


def read_pictures(
    pictures: Sequence[FoundPicture],
    prepare: Callable[[NDArray[np.uint8]], T],
    *,
    known: Callable[[str], tuple[Facts, T] | None] = lambda sha256: None,
    report: Callable[[int], None] | None = None,
) -> Iterator[tuple[Facts, T | None]]:
    """Yield the facts of every picture, in order, and what is made of its pixels.

    Args:
        pictures: what was found.
        prepare: called with the decoded picture, uint8 (H, W, 3), in several threads.
        known: called with a file's SHA-256 (hex); what it returns is taken instead of decoding.
        report: called with the number of pictures read so far.

    Yields:
        The facts, and what `prepare` returned; None for a picture that cannot be decoded.
    """
    # Before the threads: silencing Pillow's warnings is not safe beside others that do so too.
    headers = [read_header(found.path) for found in pictures]

    def read(found: FoundPicture, header: Header) -> tuple[Facts, T | None]:
        return _read(found, header, prepare, known)

    with ThreadPoolExecutor(min(_MOST_WORKERS, os.cpu_count() or 1)) as pool:
        for number, result in enumerate(pool.map(read, pictures, headers), start=1):
            if report is not None:
                report(number)
            yield result


def _read(
    found: FoundPicture,
    header: Header,
    prepare: Callable[[NDArray[np.uint8]], T],
    known: Callable[[str], tuple[Facts, T] | None],
) -> tuple[Facts, T | None]:
    name, label, path = found.name, found.label, str(found.path)
    try:
        with open_picture_file(path) as stream:
            data = stream.read()
    except PictureError as error:
        reason = str(error).removeprefix(f"{path!r}: ")
        return Facts(name, label, 0, "", header, problem=reason), None
    size_bytes, sha256 = len(data), hashlib.sha256(data).hexdigest()
    earlier = known(sha256)
    if earlier is not None:
        return replace(earlier[0], name=name, label=label), earlier[1]
    try:
        picture = decode(data)  # the bytes that were hashed: the file may change meanwhile
    except PictureError as error:
        reason = str(error).partition(": ")[2]  # behind "picture in memory (N bytes)"
        reason = reason.removesuffix(f", or {HEIC_ADVICE}")  # no command of the desk does that
        return Facts(name, label, size_bytes, sha256, header, problem=reason), None
    height, width, _ = picture.shape
    thumbnail = preprocess(picture, height=THUMBNAIL_SIDE, width=THUMBNAIL_SIDE)
    facts = Facts(
        name=name,
        label=label,
        size_bytes=size_bytes,
        sha256=sha256,
        header=header,
        width=width,
        height=height,
        is_grey=_is_grey(thumbnail),
        phash=perceptual_hash(thumbnail),
        thumbnail=thumbnail,
    )
    return facts, prepare(picture)


def perceptual_hash(picture: NDArray[np.uint8]) -> int:
    """Return the 64-bit perceptual hash of a picture, uint8 (H, W, 3), by the library imagehash.

    The signs of the 8x8 lowest frequencies of a discrete cosine transform against their median:
    equal but for a few bits for the same picture saved again, in another size or slightly changed.
    """
    import imagehash

    bits = imagehash.phash(Image.fromarray(picture)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def read_header(path: Path) -> Header:
    """Read format, mode and EXIF; of a header that cannot be read, what can be, maybe nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes and tags: `decode` decides about those
            # Not the path: a picture's name may be that of a pipe, which would never end.
            with open_picture_file(str(path)) as stream, Image.open(stream) as image:
                return _header(image)
    except (PictureError, Image.DecompressionBombError, *DECODER_ERRORS):
        return Header()


def _header(image: Image.Image) -> Header:
    header = Header(
        format=image.format or "",
        mode=image.mode,
        has_alpha=image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
    )
    # A damaged second frame does not hinder the first, which is the one that counts.
    with contextlib.suppress(*DECODER_ERRORS):
        header = replace(header, frames=getattr(image, "n_frames", 1))
    with contextlib.suppress(*DECODER_ERRORS):
        exif = image.getexif()
        orientation, of_camera = exif.get(_ORIENTATION, 1), exif.get_ifd(_EXIF_IFD)
        taken = of_camera.get(_DATE_TIME_ORIGINAL) or of_camera.get(_DATE_TIME_DIGITIZED)
        header = replace(
            header,
            orientation=orientation if orientation in range(1, 9) else 1,
            taken=taken.strip("\0 ") if isinstance(taken, str) else None,
            has_gps=bool(exif.get_ifd(_GPS_IFD)),
        )
    return header


def _is_grey(picture: NDArray[np.uint8]) -> bool:
    channels = picture.astype(np.int16)
    spread = channels.max(axis=2) - channels.min(axis=2)
    return bool(spread.max() <= _GREY_STEPS)
