"""The teacher's targets, the loss that follows them, the cache of answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_model import splits_of

from convert.architecture import build_minivgg
from convert.errors import TrainingError
from convert.quiet import quiet
from convert.training.augmentation import Augmentation
from convert.training.batches import training_batches
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
from convert.training.teacher import cached_answers, load_teacher

LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


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


def trainer_of(tiny, folder, order=slice(None), augmentation=None, clear_epochs=0, **distillation):
    from convert.training.loop import Trainer

    splits = splits_of(tiny)
    with quiet():
        teacher = load_teacher(tiny.path, splits)
        recipe = Recipe(
            epochs=5,
            batch_size=32,
            augmentation=augmentation or Augmentation(),
            mixing=Mixing(cutmix=1.0, probability=0.5),
            clear_epochs=clear_epochs,
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

    def step(images, shown, targets, answers, rate, decay):
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


def test_the_last_epochs_are_clear(tiny, tmp_path):
    """They repeat among themselves, and those before are those of a run without clear ones."""
    light = Augmentation(jitter=0.5)
    seen = {}

    def step(images, shown, targets, answers, rate, decay):
        batch = (np.asarray(part) for part in (images, shown, targets, answers))
        seen.setdefault((folder, epoch), []).append(tuple(batch))
        return 0.0, 0

    for folder, clear in (("without", 0), ("with", 3)):
        trainer = trainer_of(
            tiny, tmp_path / folder, augmentation=light, clear_epochs=clear,
            views="repeated", sees="clear", rounds=2, temperature=1.0,
        )  # fmt: skip
        trainer._step_functions = {False: step}
        for epoch in range(5):
            list(trainer.steps(epoch))

    def same(one, other):
        pairs = zip(seen[one], seen[other], strict=True)
        return all(np.array_equal(a, b) for pair in pairs for a, b in zip(*pair, strict=True))

    assert same(("with", 0), ("without", 0))
    assert same(("with", 1), ("without", 1))
    assert same(("with", 4), ("with", 2))
    drawn = {"batch_size": 32, "augmentation": Augmentation(), "seed": trainer.recipe.seed}
    for epoch, at in ((2, 2), (3, 3)):  # behind the rounds, which are 0 and 1
        plain = training_batches(trainer.train, **drawn, epoch=at)
        for batch, (images, shown, targets, answers) in zip(
            plain, seen["with", epoch], strict=True
        ):
            np.testing.assert_array_equal(images, batch.images)
            np.testing.assert_array_equal(shown, batch.images)
            np.testing.assert_array_equal(targets, batch.targets)
            np.testing.assert_allclose(answers, predict(tiny.model, images), atol=1e-5)


def test_answers_of_other_rounds_are_not_taken_for_those_of_clear_epochs(tiny, tmp_path):
    """Four rounds and two clear epochs are as many as three and three."""
    changed = Augmentation(jitter=0.5)
    for rounds, clear in ((4, 2), (3, 3)):
        trainer_of(
            tiny, tmp_path, augmentation=changed, clear_epochs=clear, views="repeated",
            sees="clear", rounds=rounds,
        )  # fmt: skip
    assert len(list(tmp_path.glob("teacher-*-6.npy"))) == 2


def test_repeated_views_of_enough_rounds_teach_as_live_ones_do(tiny, tmp_path):
    losses = {}
    for views in ("live", "repeated"):
        trainer = trainer_of(tiny, tmp_path / views, views=views, rounds=2)
        losses[views] = [result.loss for epoch in range(2) for result in trainer.steps(epoch)]
    np.testing.assert_allclose(losses["repeated"], losses["live"], rtol=1e-3)


def test_a_teacher_that_sees_clear_pictures_answers_to_those(tiny, tmp_path):
    """Student and teacher see the same crops, the student in another light and out of focus."""
    changing = Augmentation(jitter=0.5, blur=1.0)
    trainer = trainer_of(
        tiny, tmp_path, augmentation=changing, views="repeated", sees="clear", temperature=1.0
    )
    seen = []

    def step(images, shown, targets, answers, rate, decay):
        seen.append((np.asarray(images), np.asarray(shown), np.asarray(answers)))
        return 0.0, 0

    trainer._step_functions = {False: step}
    list(trainer.steps(0))
    for images, shown, answers in seen:
        assert not np.array_equal(images, shown)
        np.testing.assert_allclose(answers, predict(tiny.model, shown), atol=1e-5)
    # Once it has answered, nothing is made for it to see, and its answers stay.
    first, seen = seen, []
    list(trainer.steps(0))
    for (images, _, answers), (again, shown, kept) in zip(first, seen, strict=True):
        np.testing.assert_array_equal(again, images)
        np.testing.assert_array_equal(shown, again)
        np.testing.assert_array_equal(kept, answers)
    # Its answers are not taken by a run whose teacher sees what the student sees.
    trainer_of(tiny, tmp_path, augmentation=changing, views="repeated", temperature=1.0)
    assert len(list(tmp_path.glob("teacher-*.npy"))) == 2


@pytest.mark.parametrize("sees", ["same", "clear"])
def test_live_and_repeated_views_show_the_same_looks(tiny, tmp_path, sees):
    losses = {}
    for views in ("live", "repeated"):
        folder = tmp_path / views
        light = Augmentation(jitter=0.5)
        trainer = trainer_of(tiny, folder, augmentation=light, views=views, rounds=1, sees=sees)
        losses[views] = [result.loss for result in trainer.steps(0)]
    np.testing.assert_allclose(losses["repeated"], losses["live"], rtol=1e-3)


def test_answers_that_were_written_in_part_are_computed_anew(tmp_path):
    def answer(images):
        asked.append(len(images))
        return images.mean(axis=(1, 2))

    images = np.full((2, 4, 4, 3), 7, np.uint8)
    sizes = {"epochs": 2, "steps": 3, "batch": 2, "classes": 3}
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
        RepeatedAnswers(tmp_path / "a.npy", answer, **{**sizes, "epochs": 3})
    (tmp_path / "a.npy").write_bytes(b"x")
    with pytest.raises(TrainingError, match=r"a\.npy: damaged, delete it"):
        RepeatedAnswers(tmp_path / "a.npy", answer, **sizes)


def test_answers_are_not_those_to_pictures_in_another_order(tiny, tmp_path):
    """A renamed picture changes the order, and with it which row is whose."""
    for order in (slice(None), slice(None, None, -1)):
        trainer_of(tiny, tmp_path, order, views="repeated", rounds=2)
    assert len(list(tmp_path.glob("teacher-*.npy"))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": 0.0}, r"expected a teacher weight in 0\.\.1 \(0 excluded\), got 0\.0"),
        ({"temperature": 0.0}, "expected a positive temperature, got 0.0"),
        ({"views": "some"}, "expected teacher views of live, repeated, cached, got 'some'"),
        ({"views": "cached", "sees": "clear"}, "cached views know of no blur and no light"),
        ({"sees": "all"}, "expected a teacher that sees same or clear, got 'all'"),
        ({"rounds": 0}, "expected at least 1 round of a teacher, got 0"),
    ],
)
def test_distillation_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        Distillation("0" * 64, **change)
