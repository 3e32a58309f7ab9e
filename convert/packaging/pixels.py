"""Make a foreign graph take pixels, 0-255: its normalization goes into the graph.

An integer input gets the scale and zero point under which its codes stand for pixels. Kernels
compute with the old ones, so a RESHAPE to the same shape, which copies the codes as they are,
stands between the two. A float32 input gets a MUL and an ADD in front.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.int8.graph import Tensor
from convert.packaging.normalization import (
    Normalization,
    PixelQuantization,
    pixel_quantization,
)

_TENSOR_NAME = b"pixels"


def take_pixels(
    model: Any, tensor: Tensor, normalization: Normalization
) -> PixelQuantization | None:
    """Change a model in place so that its input means pixels; a model that does so is left alone.

    Args:
        model: `ModelT` of LiteRT's schema module.
        tensor: its input.
        normalization: what its input means now.

    Returns:
        What the input's codes mean from now on; None for float32, which takes pixels themselves.

    Raises:
        AdoptionError: an integer input cannot express this normalization.
    """
    if tensor.dtype == "float32":
        _Front(model).normalize(normalization)
        return None
    wanted = pixel_quantization(tensor, normalization)
    if (wanted.scale, wanted.zero_point) != (tensor.scales[0], tensor.zero_points[0]):
        _Front(model).relabel(wanted)
    return wanted


class _Front:
    """The front of a graph, to which operators are added."""

    def __init__(self, model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._model = model
        self._graph = model.subgraphs[0]
        self._added: list[Any] = []
        self._old = int(self._graph.inputs[0])
        self._shape = [int(size) for size in self._graph.tensors[self._old].shape]

    def normalize(self, normalization: Normalization) -> None:
        """Put pixel * scale + offset before the old input."""
        steps = [
            (name, values)
            for name, values, neutral in (
                ("MUL", normalization.scale, 1.0),
                ("ADD", normalization.offset, 0.0),
            )
            if any(value != neutral for value in values)
        ]
        if not steps:
            return
        here = first = self._tensor(_TENSOR_NAME, self._like_old())
        for number, (name, values) in enumerate(steps):
            constant = np.array(values, dtype="<f4")
            factor = self._constant(name.encode(), [len(values)], constant, "FLOAT32")
            last = number == len(steps) - 1
            there = self._old if last else self._tensor(b"scaled", self._like_old())
            options = {"MUL": self._schema.MulOptionsT, "ADD": self._schema.AddOptionsT}[name]()
            self._operator(name, [here, factor], there, options)
            here = there
        self._finish(first)

    def relabel(self, quantization: PixelQuantization) -> None:
        """Put an input with another quantization and the same codes before the old one."""
        new = self._like_old()
        new.quantization = self._schema.QuantizationParametersT()
        new.quantization.scale = [quantization.scale]
        new.quantization.zeroPoint = [quantization.zero_point]
        first = self._tensor(_TENSOR_NAME, new)
        shape = self._constant(
            b"shape", [len(self._shape)], np.array(self._shape, dtype="<i4"), "INT32"
        )
        options = self._schema.ReshapeOptionsT()
        options.newShape = self._shape
        self._operator("RESHAPE", [first, shape], self._old, options)
        self._finish(first)

    def _like_old(self) -> Any:
        tensor = self._schema.TensorT()
        tensor.type = self._graph.tensors[self._old].type
        tensor.shape = self._shape
        return tensor

    def _tensor(self, name: bytes, tensor: Any) -> int:
        tensor.name = name
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _constant(self, name: bytes, shape: list[int], values: Any, dtype: str) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), dtype=np.uint8)
        self._model.buffers.append(buffer)
        tensor = self._schema.TensorT()
        tensor.type = getattr(self._schema.TensorType, dtype)
        tensor.shape = shape
        tensor.buffer = len(self._model.buffers) - 1
        return self._tensor(name, tensor)

    def _operator(self, name: str, inputs: list[int], output: int, options: Any) -> None:
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(self._schema.BuiltinOperator, name)
        code.version = 1
        self._model.operatorCodes.append(code)
        operator = self._schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        kind = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, kind)
        operator.builtinOptions = options
        self._added.append(operator)

    def _finish(self, first: int) -> None:
        self._graph.operators = [*self._added, *self._graph.operators]
        self._graph.inputs = [first]
        for signature in self._model.signatureDefs or ():
            for entry in signature.inputs or ():
                if entry.tensorIndex == self._old:
                    entry.tensorIndex = first
