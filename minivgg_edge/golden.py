"""Golden vectors: inputs with the answers the model gave at the desk, stored as ``golden.npz``.

The npz is written and read here instead of by `numpy.savez` and `numpy.load`: the bytes must not
depend on the numpy version, a header is checked before anything of its size is allocated, and numpy
evaluates headers as Python literals, where odd ones raise errors of nearly every kind.

The npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
import re
import reprlib
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from minivgg_edge.archive import quoted, read_stored_zip, stored_zip
from minivgg_edge.errors import ModelFileError
from minivgg_edge.manifest import Manifest
from minivgg_edge.record import Record

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_GOLDEN_VECTORS = 1000

_DTYPES = {np.dtype(name).str: name for name in ("uint8", "int8", "float32")}
_NPY_START = b"\x93NUMPY\x01\x00"  # with the version of the format, 1.0
_NPY_PREFIX = struct.Struct("<8sH")  # and the length of the header that follows
_NPY_HEADER = re.compile(
    rb"\{'descr': '(?P<descr>[ -&(-~]{1,20})', 'fortran_order': (?P<order>True|False), "
    rb"'shape': \((?P<shape>|[0-9]{1,9},|(?:[0-9]{1,9}, ){1,9}[0-9]{1,9})\), \} *\n"
)


class GoldenVectors(Record, eq=False):
    """Pictures and the raw outputs they have to give.

    Attributes:
        inputs: uint8 (k, height, width, 3), RGB, 0-255, of the model's input size.
        outputs: (k, classes) of the model's output dtype: quantized values, not scores.
    """

    inputs: npt.NDArray[np.uint8]
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
    spec, classes = manifest.input, manifest.output.classes
    where = f"{source!r}: golden.npz"
    arrays, _ = read_stored_zip(data, where=where)
    pictures = (spec.height, spec.width, 3)
    inputs = _read_npy(arrays, "inputs", "uint8", pictures, where=where)
    outputs = _read_npy(arrays, "outputs", manifest.output.dtype, (classes,), where=where)
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
) -> npt.NDArray[Any]:
    """Return the array (k, *shape) of an entry without trusting the size in its header."""
    where = f"{where}: {name}"
    data = arrays.get(f"{name}.npy")
    if data is None:
        raise ModelFileError(f"{where}: expected an entry {name}.npy, got {quoted(sorted(arrays))}")
    match, start = _read_npy_header(data, where)
    got_shape = tuple(map(int, re.findall(rb"[0-9]+", match["shape"])))
    vectors = got_shape[0] if got_shape else 0
    descr = match["descr"].decode("ascii")
    got_dtype = _DTYPES.get(descr, descr)
    is_fortran = match["order"] != b"False"
    if (
        got_dtype != dtype
        or is_fortran
        or got_shape[1:] != shape
        or not 1 <= vectors <= MAX_GOLDEN_VECTORS
    ):
        raise ModelFileError(
            f"{where}: expected {dtype} (1..{MAX_GOLDEN_VECTORS}, {', '.join(map(str, shape))}) "
            f"in C order, got {got_dtype} {got_shape}{' in Fortran order' * is_fortran}"
        )
    size = vectors * math.prod(shape) * np.dtype(dtype).itemsize
    if len(data) - start != size:
        raise ModelFileError(f"{where}: expected {size} bytes of values, got {len(data) - start}")
    return np.frombuffer(data, dtype=dtype, offset=start).reshape(got_shape)


def _read_npy_header(data: bytes, where: str) -> tuple[re.Match[bytes], int]:
    """Return the header, written as numpy writes it, and the offset behind it."""
    if not data.startswith(_NPY_START) or len(data) < _NPY_PREFIX.size:
        got = data[: len(_NPY_START)]
        raise ModelFileError(f"{where}: expected npy version 1.0, {_NPY_START!r}, got {got!r}")
    _, size = _NPY_PREFIX.unpack_from(data)
    start = _NPY_PREFIX.size + size
    header = data[_NPY_PREFIX.size : start]
    match = _NPY_HEADER.fullmatch(header)
    if match is None:
        raise ModelFileError(
            f"{where}: expected the header of an npy file, got {reprlib.repr(header)}"
        )
    return match, start
