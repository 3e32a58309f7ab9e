"""What a training takes over from another model, and from which."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.data.held_out import trained_on
from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError, TrainingError
from convert.quiet import quiet
from convert.training.family import FAMILY, Architecture, fitted
from convert.training.record import weights_sha256

CLASSES = ("bolt", "gear", "nut")


def splits_of(names: tuple[str, ...] = CLASSES, side: int = 8) -> Splits:
    """One random picture of each class in each part."""
    generator = np.random.default_rng(0)

    def part() -> PictureSet:
        images = generator.integers(0, 256, (len(names), side, side, 3), dtype=np.uint8)
        return PictureSet(images, np.arange(len(names)), names)

    return Splits("parts", part(), part(), part())


def tiny(seed: int, **changes: object):
    """A model of 8x8 pictures of three classes; seeds differ in all weights."""
    options = {"blocks": ((4, 4),), "dense_units": 6, "height": 8, "width": 8, **changes}
    return replace(FAMILY["minivgg"], **options).build(
        classes=len(CLASSES), seed=seed, name=f"tiny{seed}"
    )


def saved(folder: Path, splits: Splits, labels: tuple[str, ...] = CLASSES) -> Path:
    """Save a tiny model with the record of a training on these parts."""
    model = tiny(1)
    model.save(folder / "model.keras")
    record = {
        "labels": list(labels),
        "data": splits.provenance(),
        "trained_on": trained_on(splits.train),
        "weights_sha256": weights_sha256(model),
    }
    (folder / "training.json").write_text(json.dumps(record))
    return folder / "model.keras"


def copied(path: Path, splits: Splits, **changes: object):
    """Take over what fits a tiny model of other random weights; returns both and what was said."""
    from convert.int8.float_model import load_float_model
    from convert.training.transfer import transfer_weights

    model = tiny(2, **changes)
    return model, load_float_model(path), transfer_weights(model, path, splits)


CONVOLUTIONS = ("conv1_1", "conv1_1_bn", "conv1_2", "conv1_2_bn")


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
        found = transfer_weights(model, tmp_path / "source.keras", splits_of())
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
        assert transfer_weights(model, published, splits_of(), required=False) is None
        with pytest.raises(TrainingError, match="expected convolutions with the names and shapes"):
            transfer_weights(model, published, splits_of())
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_of_the_same_classes_is_taken_whole(tmp_path):
    splits = splits_of()
    with quiet():
        model, source, found = copied(saved(tmp_path, splits), splits)
    assert found.whole
    assert found.layers == (*CONVOLUTIONS, "dense", "dense_bn", "logits")
    assert found.notes == ()
    for own, other in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    pixels = splits.test.images.astype(np.float32)
    np.testing.assert_array_equal(model(pixels), source(pixels))


@pytest.mark.parametrize(
    ("labels", "changes"),
    [
        (("gear", "bolt", "nut"), {}),  # the same things in another order
        (("bolt", "gear", "washer"), {}),
        (CLASSES, {"dense_units": 7}),
        (CLASSES, {"head": "gap"}),
        (CLASSES, {"blocks": ((4, 4), (4,))}),
    ],
)
def test_of_other_classes_or_another_head_only_convolutions_are_taken(tmp_path, labels, changes):
    splits = splits_of()
    with quiet():
        path = saved(tmp_path, splits, labels)
        model, source, found = copied(path, splits, **changes)
        fresh = tiny(2, **changes)
    assert found.layers == CONVOLUTIONS
    assert not found.whole
    for name in CONVOLUTIONS:
        for own, other in zip(
            model.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(
        model.get_layer("logits").get_weights()[0], fresh.get_layer("logits").get_weights()[0]
    )


@pytest.mark.parametrize("part", ["validation", "test"])
def test_no_start_from_what_has_seen_the_held_out_pictures(tmp_path, part):
    splits = splits_of()
    # What was trained on is held out now.
    changed = replace(splits, **{part: splits.train, "train": getattr(splits, part)})
    told = f"expected {part} pictures that the model was not trained on"
    with quiet():
        path = saved(tmp_path, splits)
        with pytest.raises(DataError, match=told):
            copied(path, changed)


def test_what_nobody_can_tell_of_a_start_is_said(tmp_path):
    with quiet():
        path = saved(tmp_path, splits_of())
        path.with_name("training.json").unlink()
        _, _, found = copied(path, splits_of())
    (note,) = found.notes
    assert "nobody can tell whether the model was trained on these pictures" in note
    assert found.layers == CONVOLUTIONS  # nor of which classes it is


def test_nothing_is_said_of_a_start_that_has_learnt_other_things(tmp_path):
    """Such as a published model's convolutions for photos: CIFAR-10's records name no pictures."""
    splits = splits_of()
    with quiet():
        path = saved(tmp_path, splits_of(side=16), ("cat", "dog", "ship"))
        record = json.loads(path.with_name("training.json").read_bytes())
        path.with_name("training.json").write_text(json.dumps({**record, "trained_on": ""}))
        _, _, found = copied(path, splits)
    assert found.layers == CONVOLUTIONS
    assert found.notes == ()


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ({"side": 16}, "at another size or crop"),
        ({"names": ("bolt", "gear", "nut", "washer")}, "with other classes"),
    ],
)
def test_own_photos_at_another_size_or_in_other_classes_cannot_be_compared(tmp_path, now, what):
    """The record names pictures by their pixels and the number of their class."""
    from convert.training.transfer import transfer_weights

    then, current = splits_of(), splits_of(**now)
    # What was trained on is held out now, as far as anybody can tell.
    current = replace(current, validation=current.train, train=current.validation)
    with quiet():
        path = saved(tmp_path, then)
        record = json.loads(path.with_name("training.json").read_bytes())
        record["architecture"] = {"height": 8, "width": 8}
        path.with_name("training.json").write_text(json.dumps(record))
        side = current.train.images.shape[1]
        model = replace(FAMILY["minivgg"], blocks=((4, 4),), dense_units=6, height=side, width=side)
        built = model.build(classes=current.train.classes, seed=2, name="new")
        found = transfer_weights(built, path, current)
    (note,) = found.notes
    assert "nobody can tell whether the model was trained on these pictures" in note
    assert what in note


def test_the_record_of_another_model_is_refused(tmp_path):
    with quiet():
        path = saved(tmp_path, splits_of())
        tiny(3).save(path)
        with pytest.raises(DataError, match="that of a model with other weights"):
            copied(path, splits_of())
