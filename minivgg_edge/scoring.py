"""What stands between pixels and tensors: the quantization of the input, the scores of the output.

Both read scale and zero point from the tensor once; per picture a table look-up is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from minivgg_edge.errors import ModelFileError
from minivgg_edge.manifest import OutputSpec
from minivgg_edge.quantization import QuantizedDtype, input_table, output_table, softmax, top_k
from minivgg_edge.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy.typing as npt


def pixel_table(tensor: TensorSpec) -> npt.NDArray[Any] | None:
    """Return the input tensor's value for every pixel value.

    Args:
        tensor: The input tensor; a float32 one takes the pixel values themselves.

    Returns:
        (256,) of the tensor's dtype, indexed by pixel value; None if pixels need no conversion.
    """
    if tensor.scale is None or tensor.zero_point is None:
        return np.arange(256, dtype=tensor.dtype)
    return input_table(tensor.scale, tensor.zero_point, cast(QuantizedDtype, tensor.dtype))


class Scorer:
    """Raw outputs in, scores out."""

    __slots__ = ("_is_softmax", "_scores_by_value", "_source", "_table", "_temperature")

    def __init__(self, tensor: TensorSpec, spec: OutputSpec, *, source: str) -> None:
        """Prepare the table of a tensor.

        Args:
            tensor: The output tensor.
            spec: What the manifest says about it.
            source: The model file's name for messages.
        """
        self._source = source
        self._is_softmax = spec.activation == "softmax"
        self._temperature = spec.temperature
        self._table: npt.NDArray[np.float32] | None = None
        if tensor.scale is not None and tensor.zero_point is not None:
            dtype = cast(QuantizedDtype, tensor.dtype)
            self._table = output_table(tensor.scale, tensor.zero_point, dtype)
        # The table as a list, for the one score of the usual call: numpy takes microseconds for
        # what a list does in nanoseconds. A negative int8 value indexes it from the end, which is
        # where its bit pattern stands.
        self._scores_by_value: list[float] | None = None
        if self._table is not None and self._is_softmax:
            # The highest value may stand for up to half a step more than 1; see `manifest`.
            self._table = np.minimum(self._table, np.float32(1.0))
            self._scores_by_value = self._table.tolist()

    def scores(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the score of every class.

        Args:
            raw: (classes,) of the output tensor's dtype.

        Returns:
            float32 (classes,).

        Raises:
            ModelFileError: A float32 model answered with NaN or infinity.
        """
        if self._table is not None:
            values = self._table[raw.view(np.uint8)]
        elif np.isfinite(raw).all():
            values = raw
        else:
            raise ModelFileError(f"{self._source!r}: expected finite outputs, got {raw.tolist()}")
        return values if self._is_softmax else softmax(values, self._temperature)

    def best(self, raw: npt.NDArray[Any], k: int) -> list[tuple[int, float]]:
        """Return index and score of the `k` best classes, best first, lower index first on a tie.

        Args:
            raw: (classes,) of the output tensor's dtype.
            k: At least 1; more than there are classes means all.

        Raises:
            ModelFileError: A float32 model answered with NaN or infinity.
        """
        if k == 1 and self._scores_by_value is not None:
            index = int(raw.argmax())
            return [(index, self._scores_by_value[raw.item(index)])]
        scores = self.scores(raw)
        # Ranked by raw values: in float32, softmax makes equals of small but different logits.
        return [(index, float(scores[index])) for index in top_k(raw, k)]
