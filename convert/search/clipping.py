"""The range of an activation by a rule: values beyond it are clipped, the others get finer steps.

- "minmax": everything that was seen.
- "percentile": clips a share of the largest absolute values (Wu et al. 2020, "Integer Quantization
  for Deep Learning Inference", arXiv:2004.09602, section 5.2).
- "mse": the clipping with the smallest mean squared error of quantization, by search over a grid
  (Sung, Shin and Hwang 2015, arXiv:1511.06488, choose the step so for weights; Nagel et al. 2021,
  "A White Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1, for activations).
"""

from __future__ import annotations

import numpy as np

from convert.int8.ranges import Range
from convert.search.histogram import BINS, Histogram
from convert.search.method import Method

_STEPS = 255  # between the 256 codes of eight bits
# Shares of the full range that are tried; below a tenth hardly any distribution has its optimum.
_SHARES = np.arange(100, 9, -1) / 100.0


def clipped_range(histogram: Histogram, method: Method) -> Range:
    """Return the range of one activation by the rule of `method`; it holds zero.

    Raises:
        ValueError: the histogram holds no value but zero, so there is no range.
    """
    if histogram.span == 0.0:
        raise ValueError("expected values other than zero")
    if method.ranges == "percentile":
        return percentile_range(histogram, method.percentile)
    if method.ranges == "mse":
        return mse_range(histogram)
    return histogram.low, histogram.high


def percentile_range(histogram: Histogram, percentile: float) -> Range:
    """Return what is left when the largest absolute values are clipped.

    Args:
        histogram: of the activation.
        percentile: of the absolute values, zeros included, above 0 and up to 100. Between the
            edges of a bin it is interpolated.
    """
    half = BINS // 2
    absolute = histogram.counts[half:] + histogram.counts[:half][::-1]
    # From the top: the sum of the few beyond is exact where the share of the many is not.
    beyond = np.concatenate([np.cumsum(absolute[::-1])[::-1], [0]])
    allowed = (1.0 - percentile / 100.0) * histogram.total
    edges = np.arange(half + 1) * (histogram.span / half)
    # np.interp wants rising abscissae.
    limit = float(np.interp(-allowed, -beyond.astype(np.float64), edges))
    if limit <= 0.0:  # more zeros than the percentile: nothing may be clipped away entirely
        limit = float(edges[1])
    return max(histogram.low, -limit), min(histogram.high, limit)


def mse_range(histogram: Histogram) -> Range:
    """Return the share of the full range with the smallest squared error; of equals, the widest."""
    ranges = [(float(share * histogram.low), float(share * histogram.high)) for share in _SHARES]
    errors = [squared_error(histogram, value_range) for value_range in ranges]
    return ranges[int(np.argmin(errors))]


def squared_error(histogram: Histogram, value_range: Range) -> float:
    """Sum of the squared errors when the values are quantized to 8 bits over `value_range`.

    Args:
        histogram: of the activation.
        value_range: holds zero, and more than zero.
    """
    low, high = value_range
    scale = (high - low) / _STEPS
    zero_point = np.round(-low / scale)
    used = np.flatnonzero(histogram.counts)
    values = histogram.centers[used]
    codes = np.clip(np.round(values / scale) + zero_point, 0, _STEPS)
    errors = values - (codes - zero_point) * scale
    return float((histogram.counts[used] * errors**2).sum())
