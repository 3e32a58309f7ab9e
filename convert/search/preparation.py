"""From a frozen model to the calibrated flatbuffer of any candidate, nothing computed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.int8.calibration import choose_calibration
from convert.int8.conversion import Io, convert_calibrated, quantize
from convert.int8.pixel_ranges import cover_pixels
from convert.int8.ranges import write_ranges
from convert.search.bias_correction import correct_bias
from convert.search.equalization import equalize
from convert.search.method import Candidate, Equalization, Method
from convert.search.observation import Observation, observe

if TYPE_CHECKING:
    import keras

# All ranges are written over, so these only let the converter run.
_FIRST_PICTURES = 8

_Key = tuple[int, int | None, Equalization | None]


def convert_by_method(
    model: keras.Model, calibration: NDArray[np.uint8], method: Method, *, io: Io
) -> bytes:
    """Convert to a static int8 flatbuffer, as `convert_int8` does, by a method.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        method: what to do before the quantization.
        io: dtype of the graph's input and output.

    Raises:
        ConversionError: the converter failed, or the method does not suit the model.
    """
    return quantize(prepare(model, calibration, method)[1], io=io)


def prepare(
    model: keras.Model, calibration: NDArray[np.uint8], method: Method
) -> tuple[bytes, bytes]:
    """Return two calibrated flatbuffers: the weights before and after bias correction.

    Both are equalized if the method says so; only the second has the method's ranges.

    Args:
        model: what `freeze` returns.
        calibration: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        method: what to do before the quantization.

    Raises:
        ConversionError: the converter failed, or the method does not suit the model.
    """
    weights = convert_calibrated(model, calibration[:_FIRST_PICTURES])
    observation = observe(weights, calibration)
    if method.equalize is not None:
        weights = equalize(weights, observation.peaks, method.equalize)
        observation = observe(weights, calibration)
    return weights, apply(weights, observation, calibration, method)


def apply(
    weights: bytes, observation: Observation, images: NDArray[np.uint8], method: Method
) -> bytes:
    """Return the calibrated flatbuffer with the ranges and biases of a method.

    Args:
        weights: calibrated flatbuffer, equalized if the method says so.
        observation: of `weights` on `images`.
        images: uint8 (n, height, width, 3), RGB, 0-255.
        method: its equalization is done already.
    """
    # No rule clips what is known beforehand: pictures of dark rooms have no bright pixel.
    ranged = cover_pixels(write_ranges(weights, observation.ranges(method)))
    return correct_bias(ranged, observation.means, images) if method.bias_correction else ranged


class Preparation:
    """Makes the calibrated flatbuffers of candidates that share pictures and weights."""

    def __init__(self, model: keras.Model, train: PictureSet) -> None:
        """Convert once.

        Args:
            model: what `freeze` returns.
            train: pictures to choose calibration pictures from.

        Raises:
            ConversionError: the converter failed.
            DataError: there is no picture.
        """
        first = choose_calibration(train, count=_FIRST_PICTURES).pictures.images
        self._base = convert_calibrated(model, first)
        self._train = train
        self._images: dict[tuple[int, int | None], NDArray[np.uint8]] = {}
        self._observed: dict[_Key, tuple[bytes, Observation]] = {}

    @property
    def base(self) -> bytes:
        """The calibrated flatbuffer before any method."""
        return self._base

    def is_observed(self, candidate: Candidate, equalize: Equalization | None) -> bool:
        """Whether weights and pictures of this kind were run before, so that they cost nothing."""
        return (candidate.count, candidate.seed, equalize) in self._observed

    def images(self, candidate: Candidate) -> NDArray[np.uint8]:
        """The calibration pictures of a candidate."""
        key = (candidate.count, candidate.seed)
        if key not in self._images:
            chosen = choose_calibration(self._train, count=key[0], seed=key[1])
            self._images[key] = chosen.pictures.images
        return self._images[key]

    def calibrated(self, candidate: Candidate) -> bytes:
        """Return what `convert.int8.conversion.quantize` makes the candidate of.

        Raises:
            ConversionError: the converter failed, or the method does not suit the model.
        """
        weights, observation = self._observe(candidate, candidate.method.equalize)
        return apply(weights, observation, self.images(candidate), candidate.method)

    def _observe(
        self, candidate: Candidate, what: Equalization | None
    ) -> tuple[bytes, Observation]:
        key = (candidate.count, candidate.seed, what)
        if key not in self._observed:
            weights = self._base
            if what is not None:
                plain = self._observe(candidate, None)[1]
                weights = equalize(weights, plain.peaks, what)
            self._observed[key] = weights, observe(weights, self.images(candidate))
        return self._observed[key]
