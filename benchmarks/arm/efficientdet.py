"""EfficientDet-Lite as Keras layers, for its cost alone: the weights are random.

M. Tan, R. Pang, Q. Le: EfficientDet: Scalable and Efficient Object Detection, CVPR 2020, and the
configurations `efficientdet-lite0` to `-lite2` of the authors' implementation (google/automl,
`efficientdet/hparams_config.py`, `backbone/efficientnet_lite_builder.py`): ReLU6 everywhere, no
squeeze and excitation, features added up without weights. The search for boxes behind the network
(TFLite_Detection_PostProcess) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

_CLASSES = 90
_ANCHORS = 9
_LEVELS = (3, 4, 5, 6, 7)
# Repeats, kernel, stride, expansion and channels of EfficientNet-B0's stages.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_FEATURE_STAGES = {2: 3, 4: 4, 6: 5}  # the stages whose output is level 3, 4, 5


@dataclass(frozen=True, slots=True)
class Scaling:
    """One member of the family.

    Attributes:
        size: Pixels of the input's edge.
        width: Factor of the backbone's channels.
        depth: Factor of the backbone's repeats.
        filters: Channels of the feature pyramid.
        cells: Repeats of the feature pyramid.
        repeats: Convolutions of each head before its last.
    """

    size: int
    width: float
    depth: float
    filters: int
    cells: int
    repeats: int


LITE0 = Scaling(size=320, width=1.0, depth=1.0, filters=64, cells=3, repeats=3)
LITE1 = Scaling(size=384, width=1.0, depth=1.1, filters=88, cells=4, repeats=3)


def build(scaling: Scaling) -> Any:
    """Return the Keras model: float32 (1, size, size, 3) to classes and boxes of all anchors."""
    import keras

    layers = keras.layers
    pixels = keras.Input(batch_shape=(1, scaling.size, scaling.size, 3), name="pixels")
    features = _backbone(layers, pixels, scaling)
    for cell in range(scaling.cells):
        features = _pyramid_cell(layers, features, scaling.filters, first=cell == 0)
    outputs = [_head(layers, features, scaling, channels) for channels in (_CLASSES, 4)]
    return keras.Model(pixels, outputs)


def _convolution(
    layers: Any, x: Any, channels: int, kernel: int = 1, stride: int = 1, *, relu: bool = False
) -> Any:
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6.0)(x) if relu else x


def _backbone(layers: Any, pixels: Any, scaling: Scaling) -> dict[int, Any]:
    features = {}
    x = _convolution(layers, pixels, 32, 3, 2, relu=True)  # the stem is not scaled
    for index, (repeats, kernel, stride, expansion, channels) in enumerate(_STAGES):
        if 0 < index < len(_STAGES) - 1:  # neither are the first and the last stage's repeats
            repeats = ceil(repeats * scaling.depth)
        for repeat in range(repeats):
            x = _inverted_bottleneck(
                layers,
                x,
                expansion,
                _rounded(channels * scaling.width),
                kernel,
                stride if repeat == 0 else 1,
            )
        if index in _FEATURE_STAGES:
            features[_FEATURE_STAGES[index]] = x
    return features


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, but not below nine tenths (EfficientNet's `round_filters`)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _inverted_bottleneck(
    layers: Any, x: Any, expansion: int, channels: int, kernel: int, stride: int
) -> Any:
    shortcut, inputs = x, x.shape[-1]
    if expansion != 1:
        x = _convolution(layers, x, inputs * expansion, relu=True)
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = _convolution(layers, x, channels)
    return layers.Add()([shortcut, x]) if stride == 1 and inputs == channels else x


def _pyramid_cell(
    layers: Any, features: dict[int, Any], filters: int, *, first: bool
) -> dict[int, Any]:
    """One bidirectional pass; the first cell also makes levels 6 and 7 and narrows the others."""

    def narrow(level: int) -> Any:
        return _convolution(layers, features[level], filters) if first else features[level]

    def down(x: Any) -> Any:
        return layers.MaxPooling2D(3, 2, padding="same")(x)

    def node(*inputs: Any) -> Any:
        x = layers.ReLU(6.0)(layers.Add()(list(inputs)))
        x = layers.SeparableConv2D(filters, 3, padding="same")(x)
        return layers.BatchNormalization()(x)

    if first:
        level6 = down(_convolution(layers, features[5], filters))
        inputs = {6: level6, 7: down(level6)}
    else:
        inputs = {level: features[level] for level in (6, 7)}
    top_down = {7: inputs[7]}
    for level in (6, 5, 4, 3):
        own = inputs[level] if level > 5 else narrow(level)
        height, width = own.shape[1:3]  # not twice the level above where that was rounded up
        above = layers.Resizing(height, width, interpolation="nearest")(top_down[level + 1])
        top_down[level] = node(own, above)
    outputs = {3: top_down[3]}
    for level in (4, 5, 6):
        own = inputs[level] if level > 5 else narrow(level)
        outputs[level] = node(own, top_down[level], down(outputs[level - 1]))
    outputs[7] = node(inputs[7], down(outputs[6]))
    return outputs


def _head(layers: Any, features: dict[int, Any], scaling: Scaling, channels: int) -> Any:
    """Classes or boxes of all levels: shared convolutions, a normalization for each level."""
    import keras

    convolutions = [
        layers.SeparableConv2D(scaling.filters, 3, padding="same") for _ in range(scaling.repeats)
    ]
    last = layers.SeparableConv2D(_ANCHORS * channels, 3, padding="same")
    flat = []
    for level in _LEVELS:
        x = features[level]
        for convolution in convolutions:
            x = layers.ReLU(6.0)(layers.BatchNormalization()(convolution(x)))
        flat.append(keras.ops.reshape(last(x), (1, -1, channels)))
    return layers.Concatenate(axis=1)(flat)
