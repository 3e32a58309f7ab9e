"""What a training takes over from another model, and from which."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.errors import TrainingError
from convert.quiet import quiet
from convert.training.family import FAMILY, Architecture, fitted


def test_the_published_model_that_fits_best_is_taken(tmp_path):
    from convert.training.transfer import PUBLISHED_MODELS, fitting_model, init_path

    def start(name, side):
        return init_path("published", fitted(FAMILY[name], side).blocks).parent.name

    # At 64 pixels minivgg has a third block, which is that of a teacher.
    assert start("minivgg", 32) == "minivgg"
    assert start("minivgg", 64) == "minivgg-small-1"
    assert start("minivgg-small", 32) == "minivgg-small"
    assert start("minivgg-nano", 64) == "minivgg-nano"
    other = ((7,), (8,))
    assert fitting_model(other, PUBLISHED_MODELS) is None
    assert init_path("published", other, required=False) is None
    with pytest.raises(TrainingError, match=r"convolution that fits 7 \| 8: --init none"):
        init_path("published", other)
    assert init_path("none", other) is None
    assert init_path("mine.keras", other) == Path("mine.keras")
    assert fitting_model(other, tmp_path) is None


def test_of_equals_the_published_is_taken_before_the_teacher(tmp_path):
    from convert.training.transfer import fitting_model

    record = {"architecture": {"blocks": [[8, 8]], "order": "conv-bn-relu"}}
    for place in ("teachers/an-old", "teachers/better", "new"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "training.json").write_text(json.dumps(record))
    assert fitting_model(((8, 8),), tmp_path) == tmp_path / "new" / "model.keras"
    record["architecture"]["blocks"] = [[8, 8], [16]]
    (tmp_path / "teachers" / "better" / "training.json").write_text(json.dumps(record))
    better = tmp_path / "teachers" / "better" / "model.keras"
    assert fitting_model(((8, 8), (16,)), tmp_path) == better


def test_kernels_are_taken_over_at_another_size(tmp_path):
    from convert.training.transfer import transfer_weights

    with quiet():
        pairs = Architecture(((32, 32), (64, 64), (128, 128)))
        source = pairs.build(classes=10, seed=1, name="source")
        source.save(tmp_path / "source.keras")
        model = fitted(FAMILY["minivgg"], 64).build(classes=3, seed=2, name="model")
        fresh = model.get_layer("logits").get_weights()[0]
        found = transfer_weights(model, tmp_path / "source.keras")
    layers = [f"conv{block}_{place}" for block in (1, 2, 3) for place in (1, 2)]
    assert found.layers == tuple(name for layer in layers for name in (layer, f"{layer}_bn"))
    assert found.sha256 == hashlib.sha256((tmp_path / "source.keras").read_bytes()).hexdigest()
    for name in found.layers:
        for own, other in zip(
            model.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(model.get_layer("logits").get_weights()[0], fresh)


def test_other_shapes_are_left_alone_or_refused(tmp_path):
    from convert.training.transfer import PUBLISHED_MODELS, transfer_weights

    published = PUBLISHED_MODELS / "minivgg" / "model.keras"
    with quiet():
        model = replace(FAMILY["minivgg"], blocks=((8,), (8,))).build(classes=2, seed=1, name="odd")
        before = model.get_weights()
        assert transfer_weights(model, published, required=False) is None
        with pytest.raises(TrainingError, match="expected convolutions with the names and shapes"):
            transfer_weights(model, published)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
