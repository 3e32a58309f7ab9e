"""The figures about an operator, on numbers that can be worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.layer_error.codes import BINS, MARGIN, CodeUse
from convert.layer_error.metrics import MOST_DB, ErrorSums, decibels, divergence, scores_of
from convert.layer_error.names import layer_name
from convert.layer_error.rounding import _stored


def _row(*values: float) -> NDArray[np.float32]:
    return np.array([values], dtype=np.float32)


def _sums(*pairs: tuple[NDArray[np.float32], NDArray[np.float32]]) -> ErrorSums:
    sums = ErrorSums()
    for reference, target in pairs:
        sums.add(reference, target)
    return sums


def test_signal_to_noise_cosine_and_mean_over_pictures() -> None:
    sums = _sums((_row(3.0, 0.0), _row(3.0, 0.0)), (_row(0.0, 4.0), _row(0.0, 5.0)))
    assert sums.sqnr_db == pytest.approx(10 * math.log10((9 + 16) / 1))
    assert sums.cosine == pytest.approx((9 + 20) / (5 * math.sqrt(9 + 25)))
    assert sums.mean_error == pytest.approx(1 / 4)


def test_one_picture_after_the_other_is_all_at_once() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(6, 5, 3)).astype(np.float32)
    y = x + random.normal(0.1, 0.2, size=x.shape).astype(np.float32)
    parts, whole = _sums(*((x[i : i + 1], y[i : i + 1]) for i in range(6))), _sums((x, y))
    for name in ("sqnr_db", "cosine", "mean_error", "shift_share"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name)), name


def test_the_share_of_the_error_that_a_bias_can_take_back() -> None:
    # Channel 0 is off by 1 both times, channel 1 by 1 and -1: half of the energy is constant.
    sums = _sums((_row(0.0, 0.0), _row(1.0, 1.0)), (_row(0.0, 0.0), _row(1.0, -1.0)))
    assert sums.shift_share == pytest.approx(2 / 4)
    assert _sums((_row(1.0), _row(1.0))).shift_share == 0.0


def test_no_error_and_no_signal() -> None:
    same = _sums((_row(1.0, 2.0), _row(1.0, 2.0)))
    assert (same.sqnr_db, same.cosine) == (MOST_DB, 1.0)
    dead = _sums((_row(0.0), _row(0.0)))
    assert (dead.sqnr_db, dead.cosine) == (MOST_DB, 1.0)
    awake = _sums((_row(0.0), _row(1.0)))
    assert (awake.sqnr_db, awake.cosine) == (-MOST_DB, 0.0)
    assert decibels(1.0, 1e-30) == MOST_DB


def test_divergence_in_nats() -> None:
    reference, target = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert divergence(reference, target) == pytest.approx(expected)
    assert divergence(reference, reference) == 0.0
    assert math.isfinite(divergence(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))
    np.testing.assert_allclose(scores_of(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def _use(
    values: list[float], codes: list[int], *, scale: float = 1.0, zero_point: int = -128
) -> CodeUse:
    use = CodeUse(scale, zero_point, len(values))
    use.add(_row(*values), np.array([codes], dtype=np.int8))
    return use


def test_what_the_range_cuts_off() -> None:
    # Scale 1 and zero point -128 stand for 0 to 255.
    zeros_and_ends = _use([0.0, 0.0, 255.4, -0.4], [-128, -128, 127, -128])
    assert zeros_and_ends.range == (0.0, 255.0)
    assert zeros_and_ends.saturated == (0.0, 0.0)
    beyond = _use([-0.6, 300.0, 255.6, 9.0], [-128, 127, 127, -119])
    assert beyond.saturated == (1 / 4, 2 / 4)
    # The float value lies beyond, but the int8 model computed another one.
    assert _use([300.0, 0.0], [100, -128]).saturated == (0.0, 0.0)


def test_how_much_of_the_range_is_used() -> None:
    use = _use([10.0, 61.0], [-118, -67])
    assert use.range_used == pytest.approx(51 / 255)
    # Without the zeros, one value in two thousand does not count, but zero is part of any range.
    values, codes = [20.0] * 1999 + [200.0], [-108] * 1999 + [72]
    outlier = _use(values + [0.0] * 500, codes + [-128] * 500)
    assert outlier.range_used == pytest.approx(200 / 255)
    assert outlier.typical_range == pytest.approx(20 / 255)
    assert _use([0.0, 0.0], [-128, -128]).typical_range == 0.0


def test_channels_with_few_steps_and_dead_ones() -> None:
    use = _use([15.9, 16.0, 200.0, 0.0], [-112, -112, 72, -128])
    assert use.narrow_channels == pytest.approx(1 / 3)
    assert use.dead_channels == 1 / 4
    assert _use([0.0], [-128]).narrow_channels == 0.0


def test_histogram_reaches_a_quarter_of_the_range_beyond_it() -> None:
    low, high = -MARGIN * 255, (1 + MARGIN) * 255
    use = _use([low, high - 0.01, 1e6, -1e6], [-128, 127, 127, -128])
    assert use.histogram[0] == 2
    assert use.histogram[BINS - 1] == 2
    assert (use.low, use.high) == (-1e6, 1e6)


@pytest.mark.parametrize(
    ("tensor", "kind", "layer"),
    [
        (
            "deployed_1/conv1_1_relu_1/Relu;deployed_1/conv1_1_1/BiasAdd;"
            "deployed_1/conv1_1_1/convolution;deployed_1/conv1_1_1/Squeeze1",
            "CONV_2D",
            "conv1_1",
        ),
        ("deployed_1/dense_1/MatMul;deployed_1/dense_relu_1/Relu", "FULLY_CONNECTED", "dense"),
        ("deployed_1/pool1_1/MaxPool2d", "MAX_POOL_2D", "pool1"),
        ("deployed_1/conv1_1_bn_1/batchnorm/mul_1", "MUL", "conv1_1_bn"),
        ("deployed_2/conv_2/Relu", "CONV_2D", "conv"),
        ("deployed_1/functional_1/block_1/BiasAdd", "CONV_2D", "block"),
        ("StatefulPartitionedCall_1:0", "SOFTMAX", "softmax"),
        ("some tensor", "ADD", "some tensor"),
    ],
)
def test_names_of_layers(tensor: str, kind: str, layer: str) -> None:
    assert layer_name(tensor, kind) == layer


def test_the_last_layer_is_called_by_its_weights() -> None:
    weights = [
        "deployed_1/functional_1/logits_1/MatMul",
        "deployed_1/functional_1/logits_1/BiasAdd",
    ]
    assert layer_name("StatefulPartitionedCall_1:0", "FULLY_CONNECTED", weights) == "logits"
    # A layer that has a name of its own keeps it, whatever its weights are called.
    assert layer_name("deployed_1/conv_1/BiasAdd", "CONV_2D", weights) == "conv"


def test_constants_of_four_bits_are_unpacked() -> None:
    """Two in a byte, the lower four bits first, an odd number of them filled up."""
    from ai_edge_litert import schema_py_generated as schema

    codes = np.array([[-8, -1, 0], [7, 3, -5], [1, 2, 4]])
    nibbles = np.append(codes.reshape(-1) & 15, 0).astype(np.uint8)
    packed = nibbles[0::2] | nibbles[1::2] << 4
    tensor = SimpleNamespace(buffer=0, type=schema.TensorType.INT4, shape=[3, 3])
    model = SimpleNamespace(
        subgraphs=[SimpleNamespace(tensors=[tensor])], buffers=[SimpleNamespace(data=packed)]
    )
    np.testing.assert_array_equal(_stored(model, 0), codes)
