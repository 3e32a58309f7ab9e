"""Golden vectors: inputs with the answers the model gave at the desk, stored as ``golden.npz``.

The npz is written and read here instead of by `numpy.savez` and `numpy.load`: the bytes must not
depend on the numpy version, and a header is checked before anything of its size is allocated.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from minivgg_edge.archive import read_stored_zip, stored_zip
from minivgg_edge.errors import ModelFileError
from minivgg_edge.manifest import Manifest
from minivgg_edge.record import Record

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_GOLDEN_VECTORS = 1000


class GoldenVectors(Record, eq=False):
    """Pictures and the raw outputs they have to give.

    Attributes:
        inputs: uint8 (k, height, width, 3), RGB, 0-255, of the model's input size.
        outputs: (k, classes) of the model's output dtype: quantized values, not scores.
    """

    inputs: npt.NDArray[np.generic]
    outputs: npt.NDArray[np.generic]

    def to_npz(self) -> bytes:
        """Return an uncompressed npz; equal vectors give equal bytes."""
        arrays = (("inputs", self.inputs), ("outputs", self.outputs))
        return stored_zip({f"{name}.npy": _npy(array) for name, array in arrays})


def parse_golden_vectors(data: bytes, manifest: Manifest, *, source: str) -> GoldenVectors:
    """Read an npz and check it against the manifest.

    Args:
        data: The bytes of ``golden.npz``.
        manifest: The manifest of the model.
        source: The model file's name for messages.

    Raises:
        ModelFileError: No npz, or arrays of another dtype or shape than the manifest asks for.
    """
    import tokenize  # what numpy lets through for a header that is no Python

    spec, classes = manifest.input, manifest.output.classes
    where = f"{source!r}: golden.npz"
    arrays, _ = read_stored_zip(data, where=where)
    pictures = (spec.height, spec.width, 3)
    try:
        inputs = _read_npy(arrays, "inputs", "uint8", pictures, where=where)
        outputs = _read_npy(arrays, "outputs", manifest.output.dtype, (classes,), where=where)
    except (KeyError, ValueError, tokenize.TokenError) as error:
        raise ModelFileError(f"{where}: expected an npz of golden vectors, got: {error}") from error
    if len(inputs) != len(outputs):
        raise ModelFileError(
            f"{where}: expected as many outputs as inputs, got {len(outputs)} for {len(inputs)}"
        )
    return GoldenVectors(inputs, outputs)


def _npy(array: npt.NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(
        buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False
    )
    return buffer.getvalue()


def _read_npy(
    arrays: dict[str, bytes], name: str, dtype: str, shape: tuple[int, ...], *, where: str
) -> npt.NDArray[np.generic]:
    """Return the array (k, *shape) of an entry without trusting the size in its header."""
    data = arrays[f"{name}.npy"]
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ModelFileError(f"{where}: {name}: expected npy version 1.0, got {version}")
    got_shape, fortran_order, got_dtype = np.lib.format.read_array_header_1_0(stream)
    vectors = got_shape[0] if got_shape else 0
    if (
        got_dtype != np.dtype(dtype)
        or fortran_order
        or got_shape[1:] != shape
        or not 1 <= vectors <= MAX_GOLDEN_VECTORS
    ):
        raise ModelFileError(
            f"{where}: {name}: expected {dtype} (1..{MAX_GOLDEN_VECTORS}, "
            f"{', '.join(map(str, shape))}) in C order, got {got_dtype} {got_shape}"
        )
    values = np.frombuffer(data, dtype=dtype, offset=stream.tell())
    return values.reshape(got_shape)
