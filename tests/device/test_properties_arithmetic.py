"""Quantization, scores and ranking against exact fractions and Python's own sorting."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from float_strategies import floats
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge import ModelFileError
from minivgg_edge.manifest import Dtype, OutputSpec
from minivgg_edge.quantization import (
    QuantizedDtype,
    dequantize,
    input_table,
    output_table,
    quantize,
    softmax,
    top_k,
)
from minivgg_edge.scoring import Scorer, pixel_table
from minivgg_edge.tensors import TensorSpec

DTYPES: st.SearchStrategy[QuantizedDtype] = st.sampled_from(["uint8", "int8"])
# The range of scales that a manifest may have.
SCALES = floats(2.0**-126, float(np.finfo(np.float32).max) / 256, width=32)
HALF = Fraction(1, 2)
# By as much may a quotient in float64 be off: its value has 53 bits.
NEARLY_HALF = Fraction(1, 2**52)


@st.composite
def quantizations(draw: st.DrawFn) -> tuple[QuantizedDtype, int]:
    """A dtype and a zero point in its range."""
    dtype = draw(DTYPES)
    limits = np.iinfo(dtype)
    return dtype, draw(st.integers(int(limits.min), int(limits.max)))


def exact_codes(quotient: Fraction, zero_point: int, dtype: QuantizedDtype) -> set[int]:
    """The saturated codes of an exact quotient: two where it lies as good as halfway."""
    limits = np.iinfo(dtype)
    away = abs(quotient)
    codes = set()
    for moved in (away, away * (1 + NEARLY_HALF), away * (1 - NEARLY_HALF)):
        whole = math.floor(moved + HALF)  # halves go away from zero
        signed = whole if quotient >= 0 else -whole
        codes.add(min(max(signed + zero_point, int(limits.min)), int(limits.max)))
    return codes


@settings(deadline=None)
@given(
    real=st.lists(floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8),
    scale=SCALES,
    kind=quantizations(),
)
def test_quantize_against_fractions(
    real: list[float], scale: float, kind: tuple[QuantizedDtype, int]
) -> None:
    dtype, zero_point = kind
    codes = quantize(real, scale, zero_point, dtype)
    assert codes.dtype == np.dtype(dtype)
    for value, code in zip(real, codes.tolist(), strict=True):
        assert code in exact_codes(Fraction(value) / Fraction(scale), zero_point, dtype)


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(-1200, 1200), min_size=1, max_size=8),
    exponent=st.integers(-126, 100),
    kind=quantizations(),
)
def test_exact_halves_go_away_from_zero(
    steps: list[int], exponent: int, kind: tuple[QuantizedDtype, int]
) -> None:
    # Quarters of a step at a scale that is a power of two: nothing is rounded before the code is.
    dtype, zero_point = kind
    limits = np.iinfo(dtype)
    real = [step * 2.0**exponent / 4 for step in steps]
    expected = []
    for step in steps:
        whole = (2 * abs(step) + 4) // 8  # round half up of |step| / 4, in integers
        code = (whole if step >= 0 else -whole) + zero_point
        expected.append(min(max(code, int(limits.min)), int(limits.max)))
    assert quantize(real, 2.0**exponent, zero_point, dtype).tolist() == expected


@settings(deadline=None)
@given(scale=SCALES, kind=quantizations())
def test_tables_against_fractions(scale: float, kind: tuple[QuantizedDtype, int]) -> None:
    dtype, zero_point = kind
    codes = np.arange(256, dtype=np.uint8).view(dtype)
    table = output_table(scale, zero_point, dtype)
    assert table.dtype == np.float32
    assert np.isfinite(table).all()
    # float64 holds the product of 9 and 24 bits exactly: one rounding, as float32 has.
    expected = [np.float32(float(Fraction(scale) * (c - zero_point))) for c in codes.tolist()]
    assert table.tolist() == [float(value) for value in expected]
    assert dequantize(codes, scale, zero_point).tolist() == table.tolist()

    pixels = input_table(scale, zero_point, dtype)
    found = codes if pixels is None else pixels
    assert pixels is not None or dtype == "uint8"
    for pixel in range(256):
        quotient = Fraction(pixel) / Fraction(scale)
        assert int(found[pixel]) in exact_codes(quotient, zero_point, dtype)
    spec = TensorSpec((1, 2, 2, 3), dtype, scale, zero_point)
    again = pixel_table(spec)
    assert (again is None) == (pixels is None)
    assert again is None or again.tolist() == found.tolist()


@settings(deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int8", "float32"]),
    values=st.lists(st.integers(-4, 4), min_size=1, max_size=40),
    k=st.integers(1, 45),
)
def test_top_k_against_sorted(dtype: str, values: list[int], k: int) -> None:
    # Few different values: ties are what can go wrong.
    array = np.array(values, np.int16).astype(dtype)
    by_sorted = sorted(range(len(values)), key=lambda i: (-float(array[i]), i))
    assert top_k(array, k) == by_sorted[:k]


@settings(deadline=None)
@given(
    values=st.lists(floats(width=32, allow_nan=False, allow_infinity=False), min_size=2),
    k=st.integers(1, 12),
)
def test_top_k_of_floats(values: list[float], k: int) -> None:
    array = np.array(values, np.float32)
    assert top_k(array, k) == sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]


@settings(deadline=None)
@given(
    logits=st.lists(
        floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=20
    ),
    temperature=floats(1e-3, 1e3),
)
def test_softmax_bounds(logits: list[float], temperature: float) -> None:
    scores = softmax(np.array(logits, np.float32), temperature)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    # Each is rounded to 24 bits once; the sum is one.
    assert abs(math.fsum(scores.tolist()) - 1.0) <= len(logits) * 2.0**-24
    order = np.argsort(logits, kind="stable")
    assert (np.diff(scores[order]) >= 0).all()  # never a higher score for a lower logit


@settings(deadline=None)
@given(
    logits=st.lists(st.integers(-60, 60), min_size=2, max_size=12),
    temperature=st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0]),
    shift=st.integers(-1000, 1000),
)
def test_softmax_against_the_definition(logits: list[int], temperature: float, shift: int) -> None:
    powers = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    expected = [power / math.fsum(powers) for power in powers]
    array = np.array(logits, np.float32)
    np.testing.assert_allclose(softmax(array, temperature), expected, rtol=1e-6, atol=1e-38)
    shifted = softmax(array + np.float32(shift), temperature)
    np.testing.assert_array_equal(shifted, softmax(array, temperature))


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Scorer, np.ndarray[Any, Any]]:
    """A scorer of any kind of model, and a raw output for it."""
    dtype: Dtype = draw(st.sampled_from(["uint8", "int8", "float32"]))
    activation: Any = draw(st.sampled_from(["softmax", "logits"]))
    classes = draw(st.integers(2, 20))
    if dtype == "float32":
        values = floats(0, 1, width=32) if activation == "softmax" else floats(width=32)
        numbers = st.lists(values.filter(math.isfinite), min_size=classes, max_size=classes)
        raw = np.array(draw(numbers), np.float32)
        scale, zero_point = None, None
    else:
        limits = np.iinfo(dtype)
        codes = st.integers(int(limits.min), int(limits.max))
        raw = np.array(draw(st.lists(codes, min_size=classes, max_size=classes))).astype(dtype)
        scale = 1 / 256 if activation == "softmax" else draw(floats(2.0**-20, 2.0**20))
        zero_point = int(limits.min) if activation == "softmax" else draw(codes)
    spec = OutputSpec(classes, dtype, scale, zero_point, activation=activation)
    tensor = TensorSpec((1, classes), dtype, scale, zero_point)
    return Scorer(tensor, spec, source="m"), raw


@settings(deadline=None)
@given(output=outputs(), k=st.integers(1, 25))
def test_the_best_are_the_scores_in_the_order_of_the_raw_values(
    output: tuple[Scorer, np.ndarray[Any, Any]], k: int
) -> None:
    scorer, raw = output
    scores = scorer.scores(raw)
    assert scores.shape == raw.shape
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    order = sorted(range(len(raw)), key=lambda i: (-float(raw[i]), i))[:k]
    best = scorer.best(raw, k)
    assert best == [(index, float(scores[index])) for index in order]
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    assert all(type(index) is int and type(score) is float for index, score in best)


def test_infinite_and_nan_logits_do_not_get_this_far() -> None:
    spec = OutputSpec(2, "float32", None, None, activation="logits")
    scorer = Scorer(TensorSpec((1, 2), "float32", None, None), spec, source="m")
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(ModelFileError, match="expected finite outputs"):
            scorer.scores(np.array([0.0, value], np.float32))
