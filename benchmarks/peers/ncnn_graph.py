"""The same weights as an ncnn network: a `.param` text and a `.bin` file, float32 or int8.

ncnn's own converters are programs that its wheel does not have, so both are written here by the
file format's specification (ncnn's wiki, "param and model file structure") and, for int8, as its
`ncnn2int8` writes them: symmetric, weights per output channel, the result of a convolution kept as
int8 where the next layer is a convolution too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.chain import POOL, Chain, Convolution, Dense, MaxPooling

_MAGIC = 7767517
_FLOAT32_TAG = np.uint32(0)
_INT8_TAG = np.uint32(0x000D4B38)
_INT8_MAX = 127.0
# Layer parameter 8: how `ncnn2int8` marks an int8 layer, and what it adds when the result stays
# int8.
_INT8_TERM, _REQUANTIZED = 2, 100


@dataclass(frozen=True, slots=True)
class NcnnModel:
    """The two files of a model: `param` is text, `weights` the content of the `.bin` file."""

    param: bytes
    weights: bytes


def build_ncnn(chain: Chain, ranges: Mapping[str, float] | None = None) -> NcnnModel:
    """Write a network with an input blob `pixels` (channels first, 0-255) and a blob `scores`.

    Args:
        chain: the network.
        ranges: largest absolute value of each weighted layer's input, by layer name; with it the
            model is int8, without it float32.
    """
    lines = ["Input pixels 0 1 pixels"]
    blobs: list[bytes] = []
    value, flat = "pixels", False
    for position, layer in enumerate(chain.layers):
        if isinstance(layer, Dense) and not flat:
            lines.append(f"Flatten flat 1 1 {value} flat")
            value, flat = "flat", True
        ends = f"{layer.name} 1 1 {value} {layer.name}"
        if isinstance(layer, Convolution | Dense):
            scales = _activation_scales(chain, position, ranges)
            term = (0, _INT8_TERM, _INT8_TERM + _REQUANTIZED)[len(scales)]
            lines.append(f"{_weighted(layer, ends)} 8={term} 9={int(layer.relu)}")
            blobs.extend(_weights(layer, scales))
        elif isinstance(layer, MaxPooling):
            lines.append(f"Pooling {ends} 0=0 1={POOL} 2={POOL} 5=1")
        else:
            lines.append(f"Pooling {ends} 0=1 4=1")
        value = layer.name
    lines.append(f"Softmax scores 1 1 {value} scores 0=0 1=1")
    # In a chain every layer makes one blob.
    text = "\n".join([str(_MAGIC), f"{len(lines)} {len(lines)}", *lines, ""])
    return NcnnModel(text.encode("ascii"), b"".join(blobs))


def _weighted(layer: Convolution | Dense, ends: str) -> str:
    if isinstance(layer, Dense):
        return f"InnerProduct {ends} 0={len(layer.bias)} 1=1 2={layer.kernel.size}"
    rows, columns = layer.kernel.shape[2:]
    return (
        f"Convolution {ends} 0={len(layer.bias)} 1={columns} 11={rows} "
        f"4={columns // 2} 14={rows // 2} 5=1 6={layer.kernel.size}"
    )


def _activation_scales(
    chain: Chain, position: int, ranges: Mapping[str, float] | None
) -> list[float]:
    """Steps per unit of the layer's input and, where its result stays int8, of its output."""
    if ranges is None:
        return []
    behind = chain.layers[position + 1 : position + 2]
    names = [chain.layers[position].name]
    names += [layer.name for layer in behind if isinstance(layer, Convolution)]
    return [_INT8_MAX / ranges[name] for name in names]


def _weights(layer: Convolution | Dense, scales: list[float]) -> list[bytes]:
    if not scales:
        return [_FLOAT32_TAG.tobytes(), layer.kernel.tobytes(), layer.bias.tobytes()]
    codes, steps = quantize_weights(layer.kernel)
    data = codes.tobytes()
    padding = bytes(-len(data) % 4)
    activations = np.array(scales, dtype=np.float32).tobytes()
    return [_INT8_TAG.tobytes(), data, padding, layer.bias.tobytes(), steps.tobytes(), activations]


def quantize_weights(
    kernel: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize symmetrically per output channel.

    Args:
        kernel: float32 (out, ...).

    Returns:
        int8 codes of the same shape, and float32 (out,) steps per unit: code = round(w * steps).
    """
    largest = np.abs(kernel).reshape(len(kernel), -1).max(axis=1)
    steps = (_INT8_MAX / np.where(largest > 0, largest, _INT8_MAX)).astype(np.float32)
    scaled = kernel * steps.reshape(-1, *[1] * (kernel.ndim - 1))
    return np.rint(scaled).astype(np.int8), steps
