"""Teachers: what is loaded or refused, and who answers, one model or the mean of several."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_model import TINY_CLASSES, fit_last_layer, splits_of, tiny_pictures

from convert.data.held_out import trained_on
from convert.data.pictures import Splits
from convert.errors import DataError, FloatModelError, TrainingError
from convert.quiet import quiet
from convert.training.distillation import distillation_loss, softened
from convert.training.kept import predict
from convert.training.teacher import (
    cached_answers,
    fast_model,
    fast_teacher,
    load_teacher,
    load_teachers,
)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_folded_teacher_answers_as_the_teacher(tiny, precision):
    images = tiny.pictures["test"].images
    with quiet():
        got, expected = predict(fast_model(tiny.model, precision), images), tiny.model(images)
    tolerance = {"float32": 1e-5, "bfloat16": 0.05}[precision]
    np.testing.assert_allclose(got, expected, atol=tolerance)
    assert not np.array_equal(got, expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_teacher_whose_last_layer_has_the_softmax(tiny, precision):
    """The commonest head of Keras models; its scores have to be float32 in any precision."""
    images = tiny.pictures["test"].images
    with quiet():
        import keras

        pixels = keras.Input(images.shape[1:])
        x = keras.layers.Rescaling(1 / 255)(pixels)
        x = keras.layers.Conv2D(8, 3, activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        x = keras.layers.Dense(3, activation="softmax")(x)
        teacher = keras.Model(pixels, x)
        fast = fast_model(teacher, precision)
        found = fast(images.astype(np.float32))
        np.testing.assert_allclose(found, teacher(images), atol=0.02)
    assert fast is not teacher
    assert found.dtype == "float32"
    logits = np.array([[2.0, 0.0, -1.0]], np.float32)
    assert distillation_loss(logits, softened(found[:1], 4.0), 4.0) > 0


def test_a_teacher_that_cannot_be_folded_is_taken_as_it_is():
    with quiet():
        import keras

        pixels = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(3, 1)(pixels)
        sums = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([pixels, x]))
        model = keras.Model(pixels, keras.layers.Softmax()(sums))
        assert fast_model(model, "bfloat16") is model


def test_a_teacher_without_a_record_is_taken(tiny):
    with quiet():
        teacher = load_teacher(tiny.path, splits_of(tiny))
    assert len(teacher.sha256) == 64


def write_teacher(tiny, folder, record):
    path = folder / "model.keras"
    path.write_bytes(tiny.path.read_bytes())
    (folder / "training.json").write_text(json.dumps(record))
    return path


def test_a_teacher_that_has_seen_the_test_pictures_is_refused(tiny, tmp_path):
    splits = splits_of(tiny)
    record = {
        "labels": list(TINY_CLASSES),
        "data": replace(splits, test=splits.train).provenance(),
        "trained_on": trained_on(splits.test),
    }
    path = write_teacher(tiny, tmp_path, record)
    with quiet(), pytest.raises(DataError, match="expected test pictures that the model was not"):
        load_teacher(path, splits)


def test_the_record_of_another_model_says_nothing_of_a_teacher(tiny, tmp_path):
    record = {"labels": list(TINY_CLASSES), "weights_sha256": "0" * 64}
    path = write_teacher(tiny, tmp_path, record)
    with quiet(), pytest.raises(DataError, match="that of a model with other weights"):
        load_teacher(path, splits_of(tiny))


def test_of_a_teacher_of_another_crop_nobody_can_tell(tiny, tmp_path):
    splits = splits_of(tiny)
    record = {
        "labels": list(TINY_CLASSES),
        "crop": "none",
        "data": splits.provenance(),
        "trained_on": trained_on(splits.validation),
    }
    path = write_teacher(tiny, tmp_path, record)
    with quiet():
        (note,) = load_teacher(path, splits, crop="center").notes
    assert "nobody can tell" in note
    assert "at another size or crop" in note


def test_a_teacher_says_how_good_it_is(tiny):
    splits = splits_of(tiny)
    with quiet():
        found = load_teacher(tiny.path, splits).validation_accuracy
        answers = predict(tiny.model, splits.validation.images).argmax(1)
    assert found == np.mean(answers == splits.validation.labels) > 0.5


@pytest.fixture
def second(tiny, tmp_path):
    """The file of a teacher that answers otherwise: it has seen fewer pictures."""
    with quiet():
        import keras

        model = keras.models.clone_model(tiny.model)
        model.set_weights(tiny.model.get_weights())
        fit_last_layer(model, tiny.pictures["train"].subset(np.arange(9)))
        model.save(tmp_path / "second.keras")
    return tmp_path / "second.keras"


def test_several_teachers_answer_with_the_mean_of_their_scores(tiny, second):
    splits = splits_of(tiny)
    validation = splits.validation
    with quiet():
        one, other = load_teacher(tiny.path, splits), load_teacher(second, splits)
        both = load_teachers([tiny.path, second], splits)
        scores = [predict(model, validation.images) for model in (one.models[0], other.models[0])]
        for precision, tolerance in (("float32", 1e-5), ("bfloat16", 0.05)):
            found = predict(fast_teacher(both, precision), validation.images)
            np.testing.assert_allclose(found, (scores[0] + scores[1]) / 2, atol=tolerance)
    assert np.abs(scores[0] - scores[1]).max() > 0.1
    answers = (scores[0] + scores[1]).argmax(axis=1)
    assert both.validation_accuracy == np.mean(answers == validation.labels)
    assert both.sha256 == hashlib.sha256((one.sha256 + other.sha256).encode()).hexdigest()
    assert both.to_json() == {
        "validation_accuracy": both.validation_accuracy,
        "members": [
            {"sha256": teacher.sha256, "validation_accuracy": teacher.validation_accuracy}
            for teacher in (one, other)
        ],
    }
    assert one.to_json() == {"validation_accuracy": one.validation_accuracy}
    assert both.classes == 3


def test_cached_answers_of_several_teachers_are_their_mean(tiny, second, tmp_path):
    splits = splits_of(tiny)
    images = splits.train.images
    with quiet():
        both = load_teachers([tiny.path, second], splits)
        found = cached_answers(both, images, folder=tmp_path)
        for view, pixels in enumerate((images, images[:, :, ::-1])):
            expected = np.mean([predict(model, pixels) for model in both.models], axis=0)
            np.testing.assert_allclose(np.exp(found[:, view]), expected, atol=1e-5)


def test_one_of_several_teachers_is_one_teacher(tiny):
    with quiet():
        one = load_teacher(tiny.path, splits_of(tiny))
        again = load_teachers([tiny.path], splits_of(tiny))
    assert (again.sha256, again.members) == (one.sha256, ())


def test_a_teacher_that_is_named_twice_is_refused(tiny, second):
    with quiet(), pytest.raises(TrainingError, match="expected each teacher once"):
        load_teachers([tiny.path, second, tiny.path], splits_of(tiny))


def test_a_teacher_that_knows_nothing_of_the_pictures_is_refused(tiny):
    splits = splits_of(tiny)
    wrong = replace(splits.validation, labels=(splits.validation.labels + 1) % 3)
    with quiet(), pytest.raises(TrainingError, match="a teacher that knows the pictures, got one"):
        load_teacher(tiny.path, replace(splits, validation=wrong))
    few = wrong.subset(np.arange(49))
    with quiet():
        assert load_teacher(tiny.path, replace(splits, validation=few)).validation_accuracy < 0.5


def test_a_teacher_of_other_classes_is_refused(tiny, tmp_path):
    path = write_teacher(tiny, tmp_path, {"labels": list(TINY_CLASSES[::-1])})
    with quiet(), pytest.raises(TrainingError, match=r"in this order, got 3 classes, named \['bl"):
        load_teacher(path, splits_of(tiny))


def test_a_teacher_of_the_validation_pictures_is_refused(tiny, tmp_path):
    from convert.data.held_out import trained_on

    splits = splits_of(tiny)
    record = {"data": {"splits": {}}, "trained_on": trained_on(splits.validation)}
    path = write_teacher(tiny, tmp_path, record)
    with quiet(), pytest.raises(DataError, match="the model was not trained on, but it was"):
        load_teacher(path, splits)


def test_a_teacher_of_other_pictures_is_refused(tiny):
    small = tiny_pictures(2, seed=0)
    small = replace(small, images=small.images[:, :8, :8])
    with quiet(), pytest.raises(TrainingError, match=r"a teacher of \(8, 8\) pixels, got \(16, 16"):
        load_teacher(tiny.path, Splits("small", small, small, None))


def test_a_teacher_that_answers_with_logits_is_refused(tiny, tmp_path):
    with quiet():
        import keras

        path = tmp_path / "logits.keras"
        keras.Model(tiny.model.input, tiny.model.layers[-1].input).save(path)
        with pytest.raises(TrainingError, match="a teacher that answers with probabilities"):
            load_teacher(path, splits_of(tiny))


def test_a_missing_teacher_is_named(tiny, tmp_path):
    with pytest.raises(FloatModelError, match=r"expected a \.keras file, got no such file"):
        load_teacher(tmp_path / "none.keras", splits_of(tiny))
