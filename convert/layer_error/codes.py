"""How an activation uses the 256 codes that it has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -128, 127
STEPS = HIGHEST - LOWEST
# Of the float values' histogram: a quarter of the range on either side of it is shown too.
BINS = 96
MARGIN = 0.25
_TYPICAL = 0.999
NARROW_STEPS = 16


class CodeUse:
    """What an int8 tensor's codes and the float values behind them come to, over pictures."""

    def __init__(self, scale: float, zero_point: int, channels: int) -> None:
        """Start with nothing.

        Args:
            scale: of the tensor.
            zero_point: of the tensor.
            channels: length of its last axis.
        """
        self.scale = scale
        self.zero_point = zero_point
        self._codes = np.zeros(STEPS + 1, dtype=np.int64)
        self._beyond = [0, 0]
        self._peaks = np.zeros(channels)
        self._energies = np.zeros(channels)
        self.histogram: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)
        self.low, self.high = np.inf, -np.inf

    @property
    def range(self) -> tuple[float, float]:
        """The values of the lowest and the highest code."""
        low = (LOWEST - self.zero_point) * self.scale
        return low, low + STEPS * self.scale

    def add(self, reference: NDArray[np.float32], codes: NDArray[Any]) -> None:
        """Add one picture: float32 values of the float model, int8 codes of the other."""
        values = reference.astype(np.float64)
        low, high = self.range
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        self._codes += np.bincount(codes.reshape(-1).astype(np.int64) - LOWEST, minlength=STEPS + 1)
        half = 0.5 * self.scale
        self._beyond[0] += int(((codes == LOWEST) & (values < low - half)).sum())
        self._beyond[1] += int(((codes == HIGHEST) & (values > high + half)).sum())
        by_channel = np.abs(values).reshape(-1, values.shape[-1])
        np.maximum(self._peaks, by_channel.max(axis=0), out=self._peaks)
        self._energies += (by_channel**2).sum(axis=0)
        width = (high - low) * (1 + 2 * MARGIN) / BINS
        bins = np.floor((values.reshape(-1) - low + MARGIN * (high - low)) / width)
        bins = np.clip(bins, 0, BINS - 1).astype(np.int64)
        self.histogram += np.bincount(bins, minlength=BINS)

    @property
    def count(self) -> int:
        """Number of values."""
        return int(self._codes.sum())

    @property
    def saturated(self) -> tuple[float, float]:
        """Share of values that the range cut off, at its low and at its high end.

        A value counts if its code is the last one and the float model's value lies more than half
        a step beyond what that code stands for. So a ReLU's zeros, for which the lowest code is
        exact, do not count, nor does the largest value that calibration saw.
        """
        return self._beyond[0] / self.count, self._beyond[1] / self.count

    @property
    def energies(self) -> NDArray[np.float64]:
        """Sum of the squares of the float model's values, by channel."""
        return self._energies

    @property
    def range_used(self) -> float:
        """Steps between the lowest and the highest code in use, as a share of the 255."""
        used = np.flatnonzero(self._codes)
        return float(used[-1] - used[0]) / STEPS

    @property
    def typical_range(self) -> float:
        """The same without the outermost 0.1 % of the values other than zero, on both sides."""
        codes = self._codes.copy()
        codes[self.zero_point - LOWEST] = 0
        total = int(codes.sum())
        if total == 0:
            return 0.0
        left_out = (1.0 - _TYPICAL) / 2.0 * total
        sums = np.cumsum(codes)
        low = int(np.searchsorted(sums, left_out, side="right"))
        high = int(np.searchsorted(sums, total - left_out, side="left"))
        zero = self.zero_point - LOWEST
        return float(max(high, zero) - min(low, zero)) / STEPS

    @property
    def narrow_channels(self) -> float:
        """Share of the channels that are not dead whose values all lie within 16 steps of zero.

        With n steps a uniform quantizer has at best 6 dB for each bit of n; below 16 steps that is
        less than a 4-bit quantizer.
        """
        live = self._peaks[self._peaks > 0.0]
        return float((live < NARROW_STEPS * self.scale).mean()) if live.size else 0.0

    @property
    def dead_channels(self) -> float:
        """Share of the channels that were zero on all pictures."""
        return float((self._peaks == 0.0).mean())
