"""`build_minivgg`: the MiniVGG family as Keras models that take raw pixels.

The seed of the family is the small VGG of two blocks of two 3x3 convolutions and a dense layer; the
blocks are an argument, so anything up to VGG-16 (Simonyan and Zisserman 2014, arXiv:1409.1556,
table 1, column D) can be written: `((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import keras

Head = Literal["dense", "gap"]
Order = Literal["conv-bn-relu", "conv-relu-bn"]

SEED_BLOCKS = ((32, 32), (64, 64))
PIXEL_SCALE = 1.0 / 255.0


def build_minivgg(
    *,
    classes: int = 10,
    height: int = 32,
    width: int = 32,
    blocks: Sequence[Sequence[int]] = SEED_BLOCKS,
    head: Head = "dense",
    dense_units: int = 512,
    order: Order = "conv-bn-relu",
    block_dropout: float = 0.0,
    head_dropout: float = 0.3,
    seed: int = 1,
    name: str = "minivgg",
) -> keras.Model:
    """Build an untrained MiniVGG.

    The graph scales raw pixels itself, so what feeds it never normalizes. The scale has no offset:
    the zero padding of the first convolution then still means a black pixel, and the scale folds
    into that convolution's weights.

    Args:
        classes: number of classes, at least 2.
        height: input height in pixels; every block halves it (rounding down).
        width: input width in pixels.
        blocks: output channels of the 3x3 convolutions, block by block; each block ends in a 2x2
            max-pooling.
        head: "dense" (a hidden dense layer, the seed's) or "gap" (global average pooling).
        dense_units: units of the hidden dense layer; unused with the "gap" head.
        order: "conv-bn-relu", which folds into one integer convolution, or the textbook's
            "conv-relu-bn", which leaves a multiplication and an addition behind each convolution.
        block_dropout: fraction dropped behind each block while training.
        head_dropout: fraction dropped before the last layer while training.
        seed: seed of the initial weights and of dropout.
        name: the Keras model's name.

    Returns:
        A model from float32 (n, height, width, 3), RGB, 0-255, to float32 (n, classes)
        probabilities (softmax).

    Raises:
        ValueError: an argument is out of its range, or the picture is too small for the blocks.
    """
    import keras

    dropouts = (block_dropout, head_dropout)
    _check_arguments(classes, height, width, blocks, head, dense_units, order, dropouts)
    # Layer seeds count up from a start of the model's own seed, so no two models share them.
    seeds = itertools.count(65536 * (seed - 1))
    layers = keras.layers

    def initializer() -> keras.initializers.Initializer:
        # He et al. 2015 (arXiv:1502.01852), for layers followed by a ReLU.
        return keras.initializers.HeNormal(seed=next(seeds) & 0x7FFFFFFF)

    def normalized_relu(x: keras.KerasTensor, stem: str) -> keras.KerasTensor:
        if order == "conv-bn-relu":
            x = layers.BatchNormalization(name=f"{stem}_bn")(x)
            return layers.ReLU(name=f"{stem}_relu")(x)
        x = layers.ReLU(name=f"{stem}_relu")(x)
        return layers.BatchNormalization(name=f"{stem}_bn")(x)

    pixels = keras.Input((height, width, 3), name="pixels")
    x = layers.Rescaling(PIXEL_SCALE, name="scale")(pixels)
    for block, widths in enumerate(blocks, start=1):
        for position, channels in enumerate(widths, start=1):
            stem = f"conv{block}_{position}"
            # A bias before the normalization would be subtracted again; behind a ReLU it is not.
            x = layers.Conv2D(
                channels,
                3,
                padding="same",
                use_bias=order == "conv-relu-bn",
                kernel_initializer=initializer(),
                name=stem,
            )(x)
            x = normalized_relu(x, stem)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)
        if block_dropout:
            x = layers.Dropout(block_dropout, seed=next(seeds) & 0x7FFFFFFF, name=f"drop{block}")(x)
    if head == "dense":
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(
            dense_units,
            use_bias=order == "conv-relu-bn",
            kernel_initializer=initializer(),
            name="dense",
        )(x)
        x = normalized_relu(x, "dense")
    else:
        x = layers.GlobalAveragePooling2D(name="gap")(x)
    if head_dropout:
        x = layers.Dropout(head_dropout, seed=next(seeds) & 0x7FFFFFFF, name="drop_head")(x)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds) & 0x7FFFFFFF)
    x = layers.Dense(classes, kernel_initializer=glorot, name="logits")(x)
    return keras.Model(pixels, layers.Softmax(name="scores")(x), name=name)


def _check_arguments(
    classes: int,
    height: int,
    width: int,
    blocks: Sequence[Sequence[int]],
    head: str,
    dense_units: int,
    order: str,
    dropouts: Sequence[float],
) -> None:
    if classes < 2:
        raise ValueError(f"expected at least 2 classes, got {classes}")
    if not blocks or any(not widths or min(widths) < 1 for widths in blocks):
        raise ValueError(f"expected blocks of positive channel counts, got {blocks!r}")
    smallest = 2 ** len(blocks)
    if height < smallest or width < smallest:
        raise ValueError(
            f"{len(blocks)} blocks halve the picture {len(blocks)} times: expected at least "
            f"{smallest}x{smallest} pixels, got {height}x{width}"
        )
    if head not in ("dense", "gap"):
        raise ValueError(f"expected head 'dense' or 'gap', got {head!r}")
    if dense_units < 1:
        raise ValueError(f"expected at least 1 dense unit, got {dense_units}")
    if order not in ("conv-bn-relu", "conv-relu-bn"):
        raise ValueError(f"expected order 'conv-bn-relu' or 'conv-relu-bn', got {order!r}")
    for share in dropouts:
        if not 0.0 <= share < 1.0:  # of nothing, nothing is learnt
            raise ValueError(f"expected dropout from 0 to 1, 1 excluded, got {share:g}")
