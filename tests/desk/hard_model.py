"""A model that plain min-max quantization ruins, though in float it answers exactly as before.

Some channels of one layer are multiplied by a power of two, and the next layer's weights for them
divided by it. ReLU and pooling in between do not care, and powers of two round nothing: the float
model is the same function. But the layer's activation has one scale for all of its channels, and
with min-max ranges the channels that were left alone share the few lowest codes.

`python tests/desk/hard_model.py MODEL.keras -o HARD.keras` writes one, to try `--search` on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

FACTOR = 64.0
SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Hard:
    """The planted model.

    Attributes:
        model: answers as the original does.
        layer: name of the layer whose activation was spoilt.
        next_layer: name of the layer that takes it back.
        channels: numbers of the channels that were multiplied.
    """

    model: keras.Model
    layer: str
    next_layer: str
    channels: tuple[int, ...]


def plant(
    model: keras.Model,
    layer: str | None = None,
    *,
    factor: float = FACTOR,
    share: float = SHARE,
    seed: int = 0,
) -> Hard:
    """Multiply some channels behind a layer and divide in front of the next one.

    Args:
        model: a chain of layers; it is not changed.
        layer: name of a convolution or dense layer, not the last; None for the convolution in the
            middle.
        factor: a power of two.
        share: of the channels, at least one.
        seed: of the choice of channels.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    weighted = [one for one in copy.layers if type(one).__name__ in ("Conv2D", "Dense")]
    names = [one.name for one in weighted]
    convolutions = [one.name for one in weighted if type(one).__name__ == "Conv2D"]
    position = names.index(layer or convolutions[(len(convolutions) - 1) // 2])
    first, second = weighted[position : position + 2]
    count = first.get_weights()[0].shape[-1]
    chosen = np.random.default_rng(seed).permutation(count)[: max(1, round(share * count))]
    factors = np.ones(count, dtype=np.float32)
    factors[chosen] = factor
    between = copy.layers[copy.layers.index(first) + 1 : copy.layers.index(second)]
    normalization = [one for one in between if type(one).__name__ == "BatchNormalization"]
    _multiply(normalization[0] if normalization else first, factors)
    _divide_inputs(second, factors)
    channels = tuple(sorted(int(number) for number in chosen))
    return Hard(copy, first.name, second.name, channels)


def _multiply(layer: keras.Layer, factors: NDArray[np.float32]) -> None:
    weights = layer.get_weights()
    # Of a normalization: gamma and beta. Of a layer: kernel, whose last axis is the output, bias.
    layer.set_weights([*(values * factors for values in weights[:2]), *weights[2:]])


def _divide_inputs(layer: keras.Layer, factors: NDArray[np.float32]) -> None:
    kernel, *rest = layer.get_weights()
    # Flattening puts channels last, so they repeat along a dense layer's inputs.
    repeated = np.tile(factors, kernel.shape[-2] // len(factors))
    layer.set_weights([kernel / repeated[:, np.newaxis], *rest])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a hard model beside a copy of the original's training record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--layer", help="default: the convolution in the middle")
    parser.add_argument("--factor", type=float, default=FACTOR)
    parser.add_argument("--share", type=float, default=SHARE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    from convert.int8.float_model import load_float_model

    planted = plant(
        load_float_model(options.model),
        options.layer,
        factor=options.factor,
        share=options.share,
        seed=options.seed,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    planted.model.save(options.out)
    print(f"{options.out}: channels {planted.channels} of {planted.layer} times {options.factor}")


if __name__ == "__main__":
    main()
