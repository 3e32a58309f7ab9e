"""The named architectures: each can be built, trained, compiled and audited."""

from __future__ import annotations

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.quiet import quiet
from convert.training.family import FAMILY, Architecture
from convert.training.recipe import Recipe


def macs_by_hand(architecture: Architecture, classes: int) -> int:
    """Multiply-accumulates: pixels times 9 times channels in times channels out, and the head."""
    side, channels, total = architecture.height, 3, 0
    for widths in architecture.blocks:
        for width in widths:
            total += side * side * 9 * channels * width
            channels = width
        side //= 2
    if architecture.head == "dense":
        total += side * side * channels * architecture.dense_units
        channels = architecture.dense_units
    return total + channels * classes


@pytest.mark.parametrize(
    ("name", "branches"),
    [("minivgg", "rep"), ("minivgg-nano", "rep"), ("vgg11", "none"), ("vgg16", "none")],
)
def test_a_step_then_int8_then_the_audit(name, branches, tmp_path):
    from convert.int8.audit import audit
    from convert.int8.conversion import convert_int8
    from convert.int8.freeze import freeze
    from convert.int8.predict import predict
    from convert.training.loop import Trainer

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    pictures = PictureSet(images, np.arange(4), ("a", "b", "c", "d"))
    with quiet():
        model = FAMILY[name].build(classes=4, seed=1, name=name)
        recipe = Recipe(epochs=1, batch_size=4, warmup_epochs=0, branches=branches)
        trainer = Trainer(model, recipe, pictures, pictures, folder=tmp_path, fingerprint={})
        (result,) = trainer.steps(0)
        kept = trainer.kept_model()
        flatbuffer = convert_int8(freeze(kept), images)
        answers, expected = predict(flatbuffer, images), np.asarray(kept(images.astype(np.float32)))
    found = audit(flatbuffer, io="uint8")
    assert np.isfinite(result.loss)
    assert found.macs == macs_by_hand(FAMILY[name], classes=4)
    operators = {operator.name: operator.count for operator in found.operators}
    assert operators["CONV_2D"] == sum(map(len, FAMILY[name].blocks))
    assert operators["MAX_POOL_2D"] == len(FAMILY[name].blocks)
    assert not {"ADD", "MUL"} & operators.keys()
    np.testing.assert_array_equal(answers.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize(("name", "layers"), [("vgg11", 8), ("vgg16", 13)])
def test_the_published_columns(name, layers):
    blocks = FAMILY[name].blocks
    assert sum(map(len, blocks)) == layers
    assert [widths[-1] for widths in blocks] == [64, 128, 256, 512, 512]


def test_json_names_every_argument_of_the_builder():
    import inspect

    from convert.architecture import build_minivgg

    described = FAMILY["minivgg"].to_json()
    arguments = set(inspect.signature(build_minivgg).parameters)
    assert described.keys() == arguments - {"classes", "seed", "name"}
    assert described["blocks"] == [[32, 32], [64, 64]]
