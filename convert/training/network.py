"""The two forms of a model in a run: the one that steps train, and the plain one that is kept.

The trained one may have branches that the plain one has not (structural re-parameterization:
RepVGG, Ding et al. 2021, arXiv:2101.03697): beside each 3x3 convolution a 1x1 convolution and,
where the channel counts allow, the identity, each with a normalization of its own, summed before
the ReLU. In inference all of that is linear, so `plain_weights` writes it as one convolution.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from convert.errors import TrainingError
from convert.int8.freeze import layer_chain
from convert.training.smaller import smallest_side

if TYPE_CHECKING:
    import keras

Branches = Literal["none", "rep"]
Precision = Literal["float32", "bfloat16"]
Weights = Mapping[str, NDArray[np.float32]]  # by the path of the variable: "conv1_1/kernel"

_POLICIES: Mapping[Precision, str] = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
# Small, and their rounding would show: pooled features, logits, scores.
_ALWAYS_FLOAT32 = frozenset({"GlobalAveragePooling2D", "Softmax"})


def build_trained(
    plain: keras.Model,
    *,
    branches: Branches = "none",
    precision: Precision = "float32",
    any_size: bool = False,
) -> keras.Model:
    """Build the model that is trained; it starts with the weights of `plain`.

    Args:
        plain: what `build_minivgg` returned; with branches in the order conv-bn-relu.
        branches: "rep" adds a 1x1 and an identity branch to every 3x3 convolution.
        precision: of activations and of the kernels' copies that a step computes with; the
            weights themselves are float32. The head is computed in float32.
        any_size: whether it has to take pictures of other sizes too.

    Returns:
        A model with the input and output of `plain`. The layers of `plain` have their names in it;
        those of the branches are called after their convolution, `conv1_1_1x1_bn`.

    Raises:
        TrainingError: branches are wanted, but a normalization stands behind the ReLU; or any size
            is, but a dense layer reads the last map or smaller pictures would vanish.
    """
    import keras

    chain = _chain(plain)
    shape = plain.input_shape[1:]
    if any_size:
        shape = (None, None, shape[-1])
        if any(type(layer).__name__ == "Flatten" for layer in chain):
            raise TrainingError(
                f"{plain.name}: expected a pooled head with --progressive, got a dense layer that "
                "reads maps of one size: add --head gap"
            )
        pools = sum(type(layer).__name__ == "MaxPooling2D" for layer in chain)
        least = smallest_side(2**pools)
        if min(plain.input_shape[1:3]) < least:
            raise TrainingError(
                f"{plain.name}: expected pictures of at least {least} pixels with --progressive, "
                f"got {min(plain.input_shape[1:3])}: smaller ones vanish in {pools} poolings"
            )
    x = pixels = keras.Input(shape, name=plain.inputs[0].name)
    position = 0
    while position < len(chain):
        layer = chain[position]
        position += 1
        if branches == "rep" and type(layer).__name__ == "Conv2D":
            if not _normalized(chain, position - 1):
                raise TrainingError(
                    "expected the order conv-bn-relu with branches, got a convolution "
                    f"({layer.name}) without a normalization behind it"
                )
            x = _branched(x, layer, chain[position], precision)
            position += 1
        else:
            # The last layer but the softmax: the logits.
            x = _layer_for(layer, precision, last=layer is chain[-2])(x)
    trained = keras.Model(pixels, x, name=plain.name)
    for layer in chain:
        trained.get_layer(layer.name).set_weights(layer.get_weights())
        if branches == "rep" and _has_learned(layer):
            _silence_branches(trained, layer.name.removesuffix("_bn"))
    return trained


def build_plain(model: keras.Model, *, branches: Branches = "none") -> keras.Model:
    """Build the model that is kept: `model` itself, or with branches its fused form.

    In the fused form a convolution has a bias instead of a normalization behind it.
    """
    import keras

    if branches == "none":
        return model
    chain = _chain(model)
    x = pixels = keras.Input(model.input_shape[1:], name=model.inputs[0].name)
    for position, layer in enumerate(chain):
        if position and _normalized(chain, position - 1):
            continue
        bias = {"use_bias": True} if _normalized(chain, position) else {}
        x = type(layer).from_config({**layer.get_config(), **bias})(x)
    return keras.Model(pixels, x, name=model.name)


def plain_weights(trained: keras.Model, plain: keras.Model, values: Weights) -> Weights:
    """Compute the weights with which `plain` answers as `trained` does with `values`.

    Args:
        trained: what `build_trained` returned.
        plain: what `build_plain` returned for the same model and branches.
        values: a value for each weight of `trained`, such as their moving averages.

    Returns:
        A value for each weight of `plain`.
    """
    result: dict[str, NDArray[np.float32]] = {}
    for layer in plain.layers:
        names = [weight.path for weight in layer.weights]
        if any(name not in values for name in names):  # its bias takes up the normalizations
            kernel, bias = _fused(trained, layer.name, values)
            result |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": bias}
        else:
            result |= {name: values[name] for name in names}
    return result


def set_momentum(model: keras.Model, momentum: float) -> None:
    """Set how slowly the moving statistics of an untrained model's normalizations follow."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = momentum


def assign(model: keras.Model, values: Weights) -> None:
    """Write a value into each weight of `model`."""
    for weight in model.weights:
        weight.assign(values[weight.path])


def inference_layer(layer: keras.Layer, precision: Precision, *, last: bool = False) -> keras.Layer:
    """A new layer with the settings and the name of `layer` that computes in `precision`.

    The `last` one computes in float32 whatever the precision.
    """
    kept = last or type(layer).__name__ in _ALWAYS_FLOAT32
    policy = "float32" if kept else _POLICIES[precision]
    return type(layer).from_config({**layer.get_config(), "dtype": policy})


def _chain(model: keras.Model) -> list[keras.Layer]:
    chain = layer_chain(model)
    if chain is None:
        raise TrainingError(f"{model.name}: expected a chain of layers, got another graph")
    return chain


def _normalized(chain: list[keras.Layer], position: int) -> bool:
    """Is the layer at `position` a convolution whose result goes into a normalization?"""
    kinds = [type(layer).__name__ for layer in chain[position : position + 2]]
    return kinds == ["Conv2D", "BatchNormalization"]


def _layer_for(layer: keras.Layer, precision: Precision, *, last: bool = False) -> keras.Layer:
    """As `inference_layer`, with normalization in the operator that is fast to train."""
    from convert.training.normalization import FusedNormalization

    copy = inference_layer(layer, precision, last=last)
    if type(layer).__name__ == "BatchNormalization":
        return FusedNormalization.from_config(copy.get_config())
    return copy


def _branched(
    x: keras.KerasTensor,
    convolution: keras.Layer,
    normalization: keras.Layer,
    precision: Precision,
) -> keras.KerasTensor:
    """The sum of the branches of one convolution, before its ReLU."""
    import keras

    def normalized(y: keras.KerasTensor, name: str) -> keras.KerasTensor:
        config = {**normalization.get_config(), "name": name}
        return _layer_for(type(normalization).from_config(config), precision)(y)

    name = convolution.name
    small = keras.layers.Conv2D(
        convolution.filters,
        1,
        use_bias=False,
        # A start of its own for each layer, whatever other layers there are.
        kernel_initializer=keras.initializers.HeNormal(
            seed=zlib.crc32(name.encode(), convolution.kernel_initializer.seed) & 0x7FFFFFFF
        ),
        dtype=_POLICIES[precision],
        name=f"{name}_1x1",
    )
    parts = [
        normalized(_layer_for(convolution, precision)(x), normalization.name),
        normalized(small(x), f"{name}_1x1_bn"),
    ]
    if x.shape[-1] == convolution.filters:
        parts.append(normalized(x, f"{name}_identity_bn"))
    return keras.layers.Add(dtype=_POLICIES[precision], name=f"{name}_sum")(parts)


def _has_learned(layer: keras.Layer) -> bool:
    """Is the layer a normalization that has seen pictures, because its weights were taken over?"""
    return type(layer).__name__ == "BatchNormalization" and bool(
        np.any(np.asarray(layer.moving_variance) != 1.0)
    )


def _silence_branches(trained: keras.Model, name: str) -> None:
    """Begin as the learned convolution alone: random branches beside it would drown it."""
    kinds = (f"{name}_1x1_bn", f"{name}_identity_bn")
    for layer in trained.layers:
        if layer.name in kinds:
            layer.gamma.assign(np.zeros(layer.gamma.shape, dtype=np.float32))


def _fused(
    trained: keras.Model, name: str, values: Weights
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel (3, 3, in, out) and bias (out,) of all branches of the convolution `name` together."""
    kernel = np.asarray(values[f"{name}/kernel"], dtype=np.float64)
    height, width, inputs, outputs = kernel.shape
    identity = np.zeros_like(kernel)
    if inputs == outputs:
        identity[height // 2, width // 2] = np.eye(inputs)
    small = np.zeros_like(kernel)
    small[height // 2, width // 2] = values[f"{name}_1x1/kernel"][0, 0]
    branches = {f"{name}_bn": kernel, f"{name}_1x1_bn": small}
    if inputs == outputs:
        branches[f"{name}_identity_bn"] = identity
    total, bias = np.zeros_like(kernel), np.zeros(outputs)
    for layer, branch in branches.items():
        gamma, beta, mean, variance = (
            np.asarray(values[f"{layer}/{part}"], dtype=np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / np.sqrt(variance + trained.get_layer(layer).epsilon)
        total += branch * factor  # the kernel's last axis is its output
        bias += beta - mean * factor
    return total.astype(np.float32), bias.astype(np.float32)
