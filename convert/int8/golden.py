"""Golden vectors: synthetic pictures on which the compiled model is sure of its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.int8.other_kernels import without_xnnpack
from convert.int8.predict import predict
from convert.quiet import quiet
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.interpreter import Engine
from minivgg_edge.scoring import pixel_table

CANDIDATES = 400
KEPT = 8
_SEED = 20


def choose_golden(
    flatbuffer: bytes, *, height: int, width: int, count: int = KEPT
) -> GoldenVectors:
    """Choose up to `count` synthetic pictures with a clear answer, of as many classes as possible.

    A runtime may be a quantization step or two off; with a wide gap between the best and the
    second-best score its answer must still be the same. First the clearest picture of each class,
    the clearest class first, then the next clearest of all.

    Args:
        flatbuffer: the compiled model.
        height: of the model's input, in pixels.
        width: of the model's input, in pixels.
        count: at least 1.

    Returns:
        Inputs uint8 (k, height, width, 3) and the model's raw outputs (k, classes), k >= 1.
    """
    pictures = synthetic_pictures(CANDIDATES, height=height, width=width)
    outputs = predict(flatbuffer, pictures)
    chosen = clearest(outputs, count=count)
    return GoldenVectors(pictures[chosen], outputs[chosen])


def choose_agreed(flatbuffer: bytes, *, height: int, width: int) -> tuple[GoldenVectors, float]:
    """Choose golden vectors, and say how far two sets of kernels are apart on them.

    A step of rounding in one layer may grow to several on its way to the output: as far as the
    kernels of this machine are apart, those of another runtime may be too.

    Args:
        flatbuffer: the compiled model.
        height: of the model's input, in pixels.
        width: of the model's input, in pixels.

    Returns:
        Those of `choose_golden` to which both sets give the same label (all, if there are none),
        and the largest difference of a raw output.
    """
    golden = choose_golden(flatbuffer, height=height, width=width)
    with quiet():  # the runtime announces its delegate on stderr
        table = pixel_table(Engine(flatbuffer).input)
    others = without_xnnpack(flatbuffer, golden.inputs, table)
    agree = golden.outputs.argmax(axis=1) == others.argmax(axis=1)
    if agree.any():
        golden, others = GoldenVectors(golden.inputs[agree], golden.outputs[agree]), others[agree]
    apart = np.abs(golden.outputs.astype(np.float64) - others.astype(np.float64)).max()
    return golden, float(apart)


def clearest(outputs: NDArray[Any], *, count: int = KEPT) -> NDArray[np.intp]:
    """Return which pictures `choose_golden` chooses, by the outputs (n, classes) to them."""
    ordered = np.sort(outputs.astype(np.float64), axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    by_margin = np.argsort(-margins, kind="stable")
    answers = outputs.argmax(axis=1)
    _, first_of_class = np.unique(answers[by_margin], return_index=True)
    leaders = np.sort(first_of_class)
    rest = np.setdiff1d(np.arange(len(by_margin)), leaders)
    chosen: NDArray[np.intp] = by_margin[np.concatenate([leaders, rest])[:count]]
    return chosen


def synthetic_pictures(count: int, *, height: int, width: int) -> NDArray[np.uint8]:
    """Draw gradients, blobs, stripes and noise: nobody's photographs, the same on every machine.

    Only integer random numbers and exact arithmetic are used, so that neither the numpy version
    nor the processor changes a pixel.

    Returns:
        uint8 (count, height, width, 3), RGB, 0-255.
    """
    random = np.random.RandomState(_SEED)  # its stream is frozen across numpy versions (NEP 19)
    rows, columns = np.mgrid[0:height, 0:width]
    painters = (_gradient, _blobs, _stripes, _noise)
    pictures = np.empty((count, height, width, 3), dtype=np.uint8)
    for index in range(count):
        pictures[index] = painters[index % len(painters)](random, rows, columns)
    return pictures


def _color(random: np.random.RandomState) -> NDArray[np.int64]:
    return random.randint(0, 256, size=3).astype(np.int64)


def _blend(
    mask: NDArray[np.int64], below: NDArray[np.int64], above: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Mix two colors, (3,) or (h, w, 3), by a mask (h, w) of 0-255."""
    weight = mask[..., np.newaxis]
    return (below * (255 - weight) + above * weight) // 255


def _gradient(
    random: np.random.RandomState, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    across, down = random.randint(-8, 9, size=2)
    ramp = across * columns + down * rows
    ramp = ramp - ramp.min()
    return _blend(ramp * 255 // max(int(ramp.max()), 1), _color(random), _color(random))


def _blobs(
    random: np.random.RandomState, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    height, width = rows.shape
    picture = np.broadcast_to(_color(random), (height, width, 3)).astype(np.int64)
    for _ in range(random.randint(1, 5)):
        row, column = random.randint(0, height), random.randint(0, width)
        radius = random.randint(2, max(3, height // 2))
        distance = (rows - row) ** 2 + (columns - column) ** 2
        mask = np.clip(255 - 255 * distance // radius**2, 0, 255)
        picture = _blend(mask, picture, _color(random))
    return picture


def _stripes(
    random: np.random.RandomState, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    across, down = random.randint(-3, 4, size=2)
    period = random.randint(2, 13)
    phase = (across * columns + down * rows) % period
    mask = np.where(2 * phase < period, 255, 0)
    return _blend(mask, _color(random), _color(random))


def _noise(
    random: np.random.RandomState, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    # Coarse squares rather than single pixels: convolutions average fine noise away.
    size = random.randint(2, 9)
    height, width = rows.shape
    cells = random.randint(0, 256, size=(height // size + 1, width // size + 1, 3))
    return cells[rows // size, columns // size].astype(np.int64)
