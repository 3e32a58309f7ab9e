"""A model that plain min-max quantization ruins, though in float it answers exactly as before.

Some channels of one layer are multiplied by a power of two, and the next layer's weights for them
divided by it. ReLU and pooling in between do not care, and powers of two round nothing: the float
model is the same function. But the layer's activation has one scale for all of its channels, and
with min-max ranges the channels that were left alone share the few lowest codes.

`python -m benchmarks.quantization.hard_model MODEL.keras -o HARD/model.keras` writes one, to try
`--search` on, and the training record of the original beside it, where that has one.

Exit codes: 0 done; 2 bad usage or bad input.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.command import EXIT_DONE, run_command
from convert.errors import DataError
from convert.json_bytes import json_bytes
from minivgg_edge.atomic import write_atomically

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


def write_hard(
    model: Path,
    out: Path,
    layer: str | None = None,
    *,
    factor: float = FACTOR,
    share: float = SHARE,
    seed: int = 0,
) -> str:
    """Write a hard model of a `.keras` file, and the original's training record beside it.

    Args:
        model: the original.
        out: where to; what is there is replaced.
        layer: see `plant`, as are the following.
        factor: a power of two.
        share: of the channels.
        seed: of the choice of channels.

    Returns:
        A sentence about what was changed.

    Raises:
        DataError: the original's training record is malformed, or of another model.
        OSError: a file cannot be read or written.
    """
    from convert.int8.float_model import load_float_model
    from convert.int8.inputs import check_weights
    from convert.int8.labels import TRAINING_RECORD, read_training_record
    from convert.training.record import weights_sha256

    original, record = load_float_model(model), read_training_record(model)
    check_weights(record, original, model)
    if out.parent.resolve() == model.parent.resolve():
        raise DataError(f"{out}: expected a folder of its own, for the training record beside it")
    planted = plant(original, layer, factor=factor, share=share, seed=seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    planted.model.save(out)
    if record:
        document = {**record, "weights_sha256": weights_sha256(planted.model)}
        write_atomically(out.parent / TRAINING_RECORD, json_bytes(document, indent=1))
    return f"channels {planted.channels} of {planted.layer} times {factor}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sentence = write_hard(
        options.model,
        options.out,
        options.layer,
        factor=options.factor,
        share=options.share,
        seed=options.seed,
    )
    print(f"{options.out}: {sentence}")
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quantization.hard_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL.keras")
    add("-o", "--out", type=Path, required=True, metavar="HARD.keras")
    add("--layer", help="default: the convolution in the middle")
    add("--factor", type=float, default=FACTOR, help="default: %(default)s")
    add("--share", type=float, default=SHARE, help="default: %(default)s")
    add("--seed", type=int, default=0, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
