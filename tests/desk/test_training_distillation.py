"""The teacher's targets, the loss that follows them, the cache of answers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_model import TINY_CLASSES, fit_last_layer, tiny_pictures

from convert.architecture import build_minivgg
from convert.data.pictures import Splits
from convert.errors import DataError, FloatModelError, TrainingError
from convert.quiet import quiet
from convert.training.distillation import (
    CachedAnswers,
    Distillation,
    distillation_loss,
    softened,
)
from convert.training.kept import predict
from convert.training.mixing import Mixing
from convert.training.recipe import Recipe
from convert.training.repeated import RepeatedAnswers
from convert.training.teacher import (
    cached_answers,
    fast_model,
    fast_teacher,
    load_teacher,
    load_teachers,
)

LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def splits_of(tiny):
    parts = tiny.pictures
    return Splits("tiny", parts["train"], parts["validation"], parts["test"])


def test_softened_scores_are_the_softmax_of_divided_logits():
    got = softened(softmax(LOGITS).astype(np.float32), 4.0)
    np.testing.assert_allclose(got, softmax(LOGITS / 4), rtol=1e-5)
    certain = np.asarray(softened(np.array([[1.0, 0.0]], np.float32), 4.0))
    assert np.isfinite(certain).all()


def test_the_loss_by_hand():
    """T² KL(teacher || student), from its definition."""
    teacher, student = softmax(LOGITS / 2), softmax(LOGITS[::-1] / 2)
    expected = 4 * (teacher * np.log(teacher / student)).sum(axis=1).mean()
    got = distillation_loss(LOGITS[::-1].astype(np.float32), teacher.astype(np.float32), 2.0)
    assert float(got) == pytest.approx(expected, rel=1e-5)
    same = distillation_loss(LOGITS.astype(np.float32), teacher.astype(np.float32), 2.0)
    assert float(same) == pytest.approx(0.0, abs=1e-6)


def test_cached_answers_fit_the_flip():
    log_scores = np.log(np.stack([softmax(LOGITS), softmax(LOGITS[:, ::-1])], axis=1))
    answers = CachedAnswers(log_scores.astype(np.float32), 4.0)
    got = answers.softened(np.array([1, 0]), np.array([False, True]))
    expected = [softmax(LOGITS / 4)[1], softmax(LOGITS[:, ::-1] / 4)[0]]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


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
    assert distillation_loss(LOGITS[:1].astype(np.float32), softened(found[:1], 4.0), 4.0) > 0


def test_a_teacher_that_cannot_be_folded_is_taken_as_it_is():
    with quiet():
        import keras

        pixels = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(3, 1)(pixels)
        sums = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([pixels, x]))
        model = keras.Model(pixels, keras.layers.Softmax()(sums))
        assert fast_model(model, "bfloat16") is model


def test_answers_are_computed_once_and_for_these_pictures(tiny, tmp_path, monkeypatch):
    splits = splits_of(tiny)
    images = splits.train.images
    with quiet():
        teacher = load_teacher(tiny.path, splits)
        found = cached_answers(teacher, images, folder=tmp_path)
        for view, pixels in enumerate((images, images[:, :, ::-1])):
            expected = predict(tiny.model, pixels)
            np.testing.assert_allclose(np.exp(found[:, view]), expected, atol=1e-5)
    assert isinstance(found, np.memmap)
    (file,) = tmp_path.iterdir()
    before = file.stat()
    again = cached_answers(replace(teacher, models=(Silent(),)), images, folder=tmp_path)
    np.testing.assert_array_equal(again, found)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    with quiet():
        cached_answers(teacher, images[::-1], folder=tmp_path)
        cached_answers(replace(teacher, sha256="0" * 64), images, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


class Silent:
    """A teacher that must not be asked; it only has a shape."""

    output_shape = (None, 3)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_damaged_answers_are_named(tiny, tmp_path, damage):
    images = tiny.pictures["test"].images
    with quiet():
        teacher = load_teacher(tiny.path, splits_of(tiny))
        cached_answers(teacher, images, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    if damage is None:
        np.save(file, np.zeros((2, 2), np.float32))
    else:
        file.write_bytes(damage)
    with pytest.raises(TrainingError, match=rf"{file.name}: .*delete it"):
        cached_answers(teacher, images, folder=tmp_path)


def trainer_of(tiny, folder, order=slice(None), **distillation):
    from convert.training.loop import Trainer

    splits = splits_of(tiny)
    with quiet():
        teacher = load_teacher(tiny.path, splits)
        recipe = Recipe(
            epochs=5,
            batch_size=32,
            mixing=Mixing(cutmix=1.0, probability=0.5),
            distillation=Distillation(teacher.sha256, **distillation),
        )
        student = build_minivgg(
            classes=3, height=16, width=16, blocks=((4, 4),), head="gap", seed=2
        )
        return Trainer(
            student,
            recipe,
            splits.train.subset(np.arange(len(splits.train))[order]),
            splits.validation,
            folder=folder,
            fingerprint={},
            teacher=teacher,
        )


def test_repeated_answers_are_those_to_the_batches_that_come_again(tiny, tmp_path):
    """Epoch 3 of 2 rounds sees the pictures of epoch 1, with the teacher's answers to them."""
    trainer = trainer_of(tiny, tmp_path, views="repeated", rounds=2, temperature=1.0)
    seen = {}

    def step(images, targets, answers, rate, decay):
        seen.setdefault(epoch, []).append((np.asarray(images), np.asarray(answers)))
        return 0.0, 0

    trainer._step_functions = {False: step}
    for epoch in (0, 1, 3, 4):
        assert len(list(trainer.steps(epoch))) == trainer._steps
    for images, answers in seen[1]:
        np.testing.assert_allclose(answers, predict(tiny.model, images), atol=1e-5)
    for again, first in ((3, 1), (4, 0)):
        for (images, answers), (images_first, answers_first) in zip(
            seen[again], seen[first], strict=True
        ):
            np.testing.assert_array_equal(images, images_first)
            np.testing.assert_array_equal(answers, answers_first)
    assert not np.array_equal(seen[0][0][0], seen[1][0][0])
    # What is known is not asked for again, by the next run neither.
    (file,) = tmp_path.glob("teacher-*.npy")
    again = trainer_of(tiny, tmp_path, views="repeated", rounds=2, temperature=1.0)
    again._repeated._answer = None
    again._step_functions = {False: step}
    epoch = 5
    list(again.steps(3))
    np.testing.assert_array_equal(seen[5][0][1], seen[3][0][1])
    assert list(tmp_path.glob("teacher-*.npy")) == [file]


def test_repeated_views_of_enough_rounds_teach_as_live_ones_do(tiny, tmp_path):
    losses = {}
    for views in ("live", "repeated"):
        trainer = trainer_of(tiny, tmp_path / views, views=views, rounds=2)
        losses[views] = [result.loss for epoch in range(2) for result in trainer.steps(epoch)]
    np.testing.assert_allclose(losses["repeated"], losses["live"], rtol=1e-3)


def test_answers_that_were_written_in_part_are_computed_anew(tmp_path):
    def answer(images):
        asked.append(len(images))
        return images.mean(axis=(1, 2))

    images = np.full((2, 4, 4, 3), 7, np.uint8)
    sizes = {"rounds": 2, "steps": 3, "batch": 2, "classes": 3}
    asked = []
    answers = RepeatedAnswers(tmp_path / "a.npy", answer, **sizes)
    found = answers.to(1, 2, images)
    assert found.tolist() == [[7.0] * 3] * 2
    answers.to(1, 2, images)
    assert asked == [2]
    found[1, 2] = np.nan
    again = RepeatedAnswers(tmp_path / "a.npy", answer, **sizes)
    assert again.to(1, 2, images).tolist() == [[7.0] * 3] * 2
    assert asked == [2, 2]
    assert np.isnan(again._file[0]).all()
    assert np.isnan(again._file[1, :2]).all()
    with pytest.raises(TrainingError, match=r"a.npy: expected float32 \(3, 3, 2, 3\).*delete it"):
        RepeatedAnswers(tmp_path / "a.npy", answer, **{**sizes, "rounds": 3})
    (tmp_path / "a.npy").write_bytes(b"x")
    with pytest.raises(TrainingError, match=r"a\.npy: damaged, delete it"):
        RepeatedAnswers(tmp_path / "a.npy", answer, **sizes)


def test_answers_are_not_those_to_pictures_in_another_order(tiny, tmp_path):
    """A renamed picture changes the order, and with it which row is whose."""
    for order in (slice(None), slice(None, None, -1)):
        trainer_of(tiny, tmp_path, order, views="repeated", rounds=2)
    assert len(list(tmp_path.glob("teacher-*.npy"))) == 2


def test_a_teacher_without_a_record_is_taken(tiny):
    with quiet():
        teacher = load_teacher(tiny.path, splits_of(tiny))
    assert len(teacher.sha256) == 64


def write_teacher(tiny, folder, record):
    path = folder / "model.keras"
    path.write_bytes(tiny.path.read_bytes())
    (folder / "training.json").write_text(json.dumps(record))
    return path


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": 0.0}, r"expected a teacher weight in 0\.\.1 \(0 excluded\), got 0\.0"),
        ({"temperature": 0.0}, "expected a positive temperature, got 0.0"),
        ({"views": "some"}, "expected teacher views of live, repeated, cached, got 'some'"),
        ({"rounds": 0}, "expected at least 1 round of a teacher, got 0"),
    ],
)
def test_distillation_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        Distillation("0" * 64, **change)
