"""The names of Keras layers out of the names that the converter gives to tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Of a convolution or dense layer with its bias; the activation that is fused into it comes first.
_WEIGHTED = re.compile(
    r"(convolution|depthwise|separable_conv2d|MatMul|Conv2D|BiasAdd)[0-9_]*$", re.IGNORECASE
)
_COUNTER = re.compile(r"_[0-9]+$")


def layer_name(tensor: str, kind: str, constants: Sequence[str] = ()) -> str:
    """Return the Keras layer that a tensor is the result of.

    The converter joins the names of all operators that went into one by semicolons, each
    `MODEL_N/LAYER_N/OPERATOR`: "deployed_1/conv1_relu_1/Relu;deployed_1/conv1_1/BiasAdd" is of the
    layer conv1. N is a counter of Keras, the same in every part.

    Args:
        tensor: name of an operator's output.
        kind: the operator, in words of the schema.
        constants: names of the operator's weights. A graph's last operator loses its own name and
            is called by those, without any by its kind, for example "softmax".
    """
    joined = ";".join([tensor, *constants])
    parts = [part.split("/") for part in joined.split(";") if part.count("/") >= 2]
    if not parts:
        return kind.lower() if ":" in tensor else tensor
    chosen = next((part for part in parts if _WEIGHTED.match(part[-1])), parts[0])
    counter = _COUNTER.search(chosen[0])
    suffix = counter[0] if counter else ""
    # Some layers scope their own operators: "deployed_1/bn1_1/batchnorm/mul_1" is of bn1.
    layer = next((name for name in reversed(chosen[1:-1]) if name.endswith(suffix)), chosen[-2])
    # A layer's own name may end in a number; only Keras' counter goes.
    return layer.removesuffix(suffix)
