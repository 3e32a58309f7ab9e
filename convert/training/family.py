"""The named architectures: what `--model` stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from convert.architecture import Head, Order, build_minivgg

if TYPE_CHECKING:
    import keras

# A last map of at most 8x8: what a 3x3 kernel sees there is a good part of the picture.
_LARGEST_LAST_MAP = 8
_MOST_CHANNELS = 128

Blocks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """What `build_minivgg` needs beside the classes, the seed and the name; see there.

    Attributes:
        blocks: output channels of the 3x3 convolutions, block by block.
        head: "dense" or "gap".
        dense_units: units of the dense head.
        order: of convolution, normalization and ReLU.
        block_dropout: fraction dropped behind each block while training.
        head_dropout: fraction dropped before the last layer while training.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
    """

    blocks: Blocks
    head: Head = "gap"
    dense_units: int = 512
    order: Order = "conv-bn-relu"
    block_dropout: float = 0.0
    head_dropout: float = 0.0
    height: int = 32
    width: int = 32

    def build(self, *, classes: int, seed: int, name: str) -> keras.Model:
        """Build the untrained model.

        Raises:
            ValueError: a value is out of its range, or the picture too small for the blocks.
        """
        return build_minivgg(
            classes=classes,
            height=self.height,
            width=self.width,
            blocks=self.blocks,
            head=self.head,
            dense_units=self.dense_units,
            order=self.order,
            block_dropout=self.block_dropout,
            head_dropout=self.head_dropout,
            seed=seed,
            name=name,
        )

    def to_json(self) -> dict[str, object]:
        """The architecture as JSON values."""
        return {**asdict(self), "blocks": [list(widths) for widths in self.blocks]}


def fitted(architecture: Architecture, side: int) -> Architecture:
    """Fit a named architecture to square pictures of `side` pixels.

    While the last map is larger than 8x8, another block of two convolutions is added with twice
    the channels of the one before, up to 128 (or its own, if those are more). What was fitted so
    has a pooled head: a dense layer over the last map would be most of the model.
    """
    blocks = list(architecture.blocks)
    while side >> len(blocks) > _LARGEST_LAST_MAP:
        channels = blocks[-1][-1]
        blocks.append((max(channels, min(2 * channels, _MOST_CHANNELS)),) * 2)
    grown = len(blocks) > len(architecture.blocks)
    return replace(
        architecture,
        blocks=tuple(blocks),
        head="gap" if grown else architecture.head,
        height=side,
        width=side,
    )


# Widths are multiples of 16: the integer kernels of a Raspberry Pi 3 and 5 compute 16 output
# channels at a time (`benchmarks.arm.widths` counts it). VGG-11 and VGG-16 are columns A and D of
# table 1 in Simonyan and Zisserman 2014 (arXiv:1409.1556), with normalization; the paper's two
# hidden dense layers of 4096 units are for 7x7 positions, and five poolings of 32x32 leave one.
FAMILY: Mapping[str, Architecture] = {
    "minivgg": Architecture(((32, 32), (64, 64)), head="dense", head_dropout=0.3),
    "minivgg-small": Architecture(((32, 32), (48,) * 3, (96,) * 3)),
    "minivgg-nano": Architecture(((16, 16), (32, 32), (64, 64), (96, 96))),
    "minivgg-max": Architecture(((32, 32), (64,) * 3, (128,) * 4, (256, 256))),
    "vgg11": Architecture(((64,), (128,), (256, 256), (512, 512), (512, 512)), head_dropout=0.5),
    "vgg16": Architecture(
        ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
        head_dropout=0.5,
    ),
}
