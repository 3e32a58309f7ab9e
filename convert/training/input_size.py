"""The side of the model's input: chosen by how large and how many the pictures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from PIL import Image

from convert.data.folder_layout import find_pictures
from minivgg_edge.decode import DECODER_ERRORS
from minivgg_edge.errors import PictureError
from minivgg_edge.picture_file import open_picture_file

SMALLEST_SIDE, LARGEST_SIDE = 32, 224
CIFAR10_SIDE = 32
# Larger ones are for who knows what is to be seen: time, memory and the device's latency grow with
# the square, and few pictures are sooner learnt by heart the more of them is shown.
_SIDES = (32, 48, 64, 96)
_PICTURES_FOR = {96: 4_000}
_MOST_PIXELS = 150_000_000  # of an epoch: three times CIFAR-10


@dataclass(frozen=True, slots=True)
class InputSize:
    """A side and why it was taken.

    Attributes:
        side: of the square input, in pixels.
        reason: a clause for reports.
    """

    side: int
    reason: str


def choose_side(short_sides: Sequence[int]) -> InputSize:
    """Choose the largest of 32, 48, 64 and 96 pixels that fits the pictures.

    It is no larger than the median of the pictures' short sides (nothing is learnt from enlarged
    pixels), 96 takes at least 4,000 pictures, and all pictures together have no more than 150
    million pixels at that size. 32 is taken whatever there is.

    Args:
        short_sides: of all pictures that have one, in pixels.
    """
    count = len(short_sides)
    if count == 0:
        return InputSize(SMALLEST_SIDE, "no picture tells its size")
    middle = median_low(short_sides)
    fitting = [
        side
        for side in _SIDES
        if side <= middle
        and count >= _PICTURES_FOR.get(side, 0)
        and count * side * side <= _MOST_PIXELS
    ]
    return InputSize(
        max(fitting, default=SMALLEST_SIDE),
        f"{count:,} pictures with a median short side of {middle:,} pixels",
    )


def folder_short_sides(folder: Path) -> list[int]:
    """Read the short side of each picture from its header; broken files have none.

    Raises:
        DataError: not a folder of images sorted by class.
    """
    sides = []
    for found in find_pictures(folder).pictures:
        try:
            # Not the path: a picture's name may be that of a pipe, which would never end.
            with open_picture_file(str(found.path)) as stream, Image.open(stream) as image:
                sides.append(min(image.size))
        except (PictureError, Image.DecompressionBombError, *DECODER_ERRORS):
            continue  # reading the pictures says what is wrong with it
    return sides
