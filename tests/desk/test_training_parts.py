"""Schedule, batches, average, checkpoint: each against values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.errors import TrainingError
from convert.training.augmentation import Augmentation
from convert.training.averaging import WeightAverage, averaging_decay, between
from convert.training.batches import steps_per_epoch, training_batches
from convert.training.checkpoint import Checkpoint, check_fingerprint, load_checkpoint
from convert.training.curves import curves_svg
from convert.training.display import duration
from convert.training.distillation import CachedAnswers
from convert.training.mixing import Mixing
from convert.training.recipe import Recipe
from convert.training.record import history_csv, judged
from convert.training.schedule import WarmupCosine

OFF = Augmentation(crop_fraction=0, flip=False, cutout_fraction=0)


def numbered_pictures(count, side=8):
    """Pictures whose every pixel is the picture's own number."""
    images = np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, side, side, 3)
    ).copy()
    return PictureSet(images, np.arange(count) % 2, ("even", "odd"))


def test_schedule_by_hand():
    schedule = WarmupCosine(peak=0.8, warmup_steps=4, total_steps=12)
    assert [schedule.at(step) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert schedule.at(4) == pytest.approx(0.8)
    assert schedule.at(8) == pytest.approx(0.4)
    assert schedule.at(6) == pytest.approx(0.4 * (1 + math.sqrt(0.5)))
    assert schedule.at(12) == schedule.at(99) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 0, 5), "expected a positive learning rate, got 0.0"),
        ((0.1, 5, 5), "expected fewer warm-up steps than steps, got 5 of 5"),
    ],
)
def test_schedule_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupCosine(*arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "at least 1 epoch, got 0"),
        ({"batch_size": 0}, "at least 1 picture, got 0"),
        ({"warmup_epochs": 30}, "shorter than 30 epochs, got 30"),
        ({"momentum": 1.0}, "expected momentum in 0..1"),
        ({"weight_decay": -1.0}, "weight decay of at least 0, got -1.0"),
    ],
)
def test_recipe_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**change)


def test_an_epoch_shows_every_picture_once_in_an_order_of_its_own():
    pictures = numbered_pictures(20)

    def order(seed, epoch):
        batches = training_batches(pictures, batch_size=5, augmentation=OFF, seed=seed, epoch=epoch)
        seen = [
            (int(image[0, 0, 0]), int(target.argmax()))
            for batch in batches
            for image, target in zip(batch.images, batch.targets, strict=True)
        ]
        assert all(number % 2 == label for number, label in seen)
        return [number for number, _ in seen]

    assert sorted(order(1, 0)) == list(range(20))
    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_the_last_part_of_a_batch_is_left_out_but_never_everything():
    assert steps_per_epoch(23, 5) == 4
    assert steps_per_epoch(3, 5) == 1
    batches = training_batches(
        numbered_pictures(3), batch_size=5, augmentation=OFF, seed=0, epoch=0
    )
    assert [len(batch.images) for batch in batches] == [3]


def test_mixed_batches_have_mixed_targets_and_answers():
    """Pictures hold their own number, so a mixture says how much of whom is in it."""
    count = 10
    log_scores = np.log(np.eye(count, dtype=np.float32) + 1e-12)
    answers = CachedAnswers(np.stack([log_scores, log_scores], axis=1), 1.0)
    pictures = numbered_pictures(count)
    (batch,) = training_batches(
        PictureSet(pictures.images, np.arange(count), tuple("abcdefghij")),
        batch_size=count,
        augmentation=OFF,
        seed=0,
        epoch=0,
        mixing=Mixing(mixup=1.0),
        teacher=answers,
    )
    expected = batch.targets @ np.arange(count)
    np.testing.assert_allclose(batch.images[:, 0, 0, 0], expected, atol=0.5001)
    np.testing.assert_allclose(batch.teacher, batch.targets, atol=1e-5)
    assert batch.targets.max(axis=1).min() < 0.99
    assert batch.shown is batch.images


@pytest.mark.parametrize("mixing", [Mixing(), Mixing(mixup=1.0)], ids=["plain", "mixed"])
def test_a_teacher_is_shown_the_same_mixtures_in_their_own_light(mixing):
    count = 10
    (batch,) = training_batches(
        PictureSet(numbered_pictures(count).images, np.arange(count), tuple("abcdefghij")),
        batch_size=count,
        augmentation=Augmentation(0, False, 0, jitter=0.5),
        seed=0,
        epoch=0,
        mixing=mixing,
        clear=True,
    )
    expected = batch.targets @ np.arange(count)
    np.testing.assert_allclose(batch.shown[:, 0, 0, 0], expected, atol=0.5001)
    assert (abs(batch.images[:, 0, 0, 0] - expected) > 1).any()


def test_answers_follow_the_flip():
    pictures = numbered_pictures(8)
    log_scores = np.zeros((8, 2, 2), np.float32)
    log_scores[:, 1, 1] = 50.0  # only the mirror image is an odd number
    (batch,) = training_batches(
        pictures,
        batch_size=8,
        augmentation=Augmentation(0, True, 0),
        seed=0,
        epoch=0,
        teacher=CachedAnswers(log_scores, 1.0),
    )
    assert set(batch.teacher[:, 1].round(3)) == {0.5, 1.0}


def test_average_forgets_its_start_and_then_moves_slowly():
    assert averaging_decay(0, 0.999) == pytest.approx(0.1)
    assert averaging_decay(90, 0.999) == pytest.approx(0.91)
    assert averaging_decay(10**6, 0.999) == 0.999


def test_average_by_hand():
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    average = WeightAverage(model)
    model.weights[0].assign([[8.0]])
    average.update(np.float32(0.75))
    average.update(np.float32(0.75))
    values = average.values()
    assert float(values[model.weights[0].path][0, 0]) == pytest.approx(2.0 + 0.25 * 6.0)
    assert values.keys() == {weight.path for weight in model.weights}


def test_between_two_averages_by_hand():
    first = {"kernel": np.array([0.0, 2.0], np.float32), "bias": np.float32([1])}
    second = {"kernel": np.array([4.0, 2.0], np.float32), "bias": np.float32([0])}
    kept = between(first, second, 0.75)
    assert {path: values.tolist() for path, values in kept.items()} == {
        "kernel": [3.0, 2.0],
        "bias": [0.25],
    }
    assert all(values.dtype == np.float32 for values in kept.values())


def test_a_share_of_what_clear_epochs_change_is_kept(tmp_path):
    """And judged: the same steps are taken, whatever is kept."""
    random = np.random.default_rng(3)
    train, validation = (
        PictureSet(
            random.integers(0, 256, (count, 8, 8, 3), np.uint8), np.arange(count) % 2, ("a", "b")
        )
        for count in (48, 40)
    )

    def run(share):
        from convert.architecture import build_minivgg
        from convert.training.loop import Trainer

        recipe = Recipe(
            epochs=3,
            batch_size=16,
            ema_decay=0.5,
            mixing=Mixing(mixup=0.5),
            clear_epochs=2,
            clear_share=share,
        )
        model = build_minivgg(classes=2, height=8, width=8, blocks=((4,),), head="gap", seed=1)
        trainer = Trainer(model, recipe, train, validation, folder=tmp_path, fingerprint={})
        kept = []

        def report(progress):
            if progress.record is not None:
                kept.append(trainer.kept_model().get_weights())

        trainer.run(report)
        return kept, trainer.history

    whole, whole_history = run(1.0)
    shared, history = run(0.25)
    for mine, theirs in zip(shared[0], whole[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for epoch in (1, 2):
        for mine, before, behind in zip(shared[epoch], whole[0], whole[epoch], strict=True):
            np.testing.assert_allclose(mine, before + 0.25 * (behind - before), atol=1e-5)
        assert history[epoch]["train_loss"] == pytest.approx(whole_history[epoch]["train_loss"])
        assert history[epoch]["validation_loss"] != whole_history[epoch]["validation_loss"]


def test_a_share_of_what_a_run_changes_is_kept(tmp_path):
    """In the end, and of nothing else: a run can be resumed with another share."""
    random = np.random.default_rng(4)
    few = PictureSet(
        random.integers(0, 256, (32, 8, 8, 3), np.uint8), np.arange(32) % 2, ("a", "b")
    )

    def trained(share, *, resume=False, **changes):
        from convert.architecture import build_minivgg
        from convert.training.loop import Trainer

        recipe = Recipe(epochs=2, batch_size=16, ema_decay=0.5, **changes)
        model = build_minivgg(classes=2, height=8, width=8, blocks=((4,),), head="gap", seed=1)
        trainer = Trainer(
            model, recipe, few, few, folder=tmp_path, fingerprint={}, init_share=share
        )
        if resume:
            assert trainer.resume()
        start = model.get_weights()
        return start, trainer.run(lambda progress: None).get_weights(), trainer.history

    start, whole, whole_history = trained(1.0)
    _, shared, history = trained(0.25)
    _, resumed, _ = trained(0.5, resume=True)
    for first, last, quarter, half in zip(start, whole, shared, resumed, strict=True):
        np.testing.assert_allclose(quarter, first + 0.25 * (last - first), atol=1e-5)
        np.testing.assert_allclose(half, first + 0.5 * (last - first), atol=1e-5)
    for one, other in zip(history, whole_history, strict=True):
        assert one["validation_loss"] == other["validation_loss"]
    with pytest.raises(TrainingError, match="--init-share needs --branches none"):
        trained(0.5, branches="rep")


def test_checkpoint_comes_back_as_it_was(tmp_path):
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2], dtype=np.uint32)]
    Checkpoint({"seed": 1}, 2, [{"epoch": 1}, {"epoch": 2}], arrays).save(tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert loaded.fingerprint == {"seed": 1}
    assert (loaded.epochs_done, loaded.history) == (2, [{"epoch": 1}, {"epoch": 2}])
    for saved, original in zip(loaded.arrays, arrays, strict=True):
        np.testing.assert_array_equal(saved, original)
        assert saved.dtype == original.dtype


def test_a_checkpoint_of_another_version_is_refused(tmp_path, monkeypatch):
    from convert.training import checkpoint

    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT - 1)
    Checkpoint({}, 0, [], []).save(tmp_path)
    monkeypatch.undo()
    now = checkpoint.FORMAT
    with pytest.raises(TrainingError, match=f"of format {now}, got {now - 1}: go on with the ver"):
        load_checkpoint(tmp_path)


def test_no_checkpoint_is_not_an_error(tmp_path):
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_damaged_checkpoint_is_named(tmp_path, keep):
    Checkpoint({}, 0, [], [np.zeros(100)]).save(tmp_path)
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=r"checkpoint\.npz: expected a checkpoint"):
        load_checkpoint(tmp_path)


def test_fingerprints_name_what_differs(tmp_path):
    check_fingerprint(tmp_path, {"seed": 1}, {"seed": 1})
    with pytest.raises(TrainingError, match=r"another run \(seed: saved 1, now 2\)"):
        check_fingerprint(tmp_path, {"seed": 1, "data": 3}, {"seed": 2, "data": 3})


def test_judged_by_hand():
    pictures = numbered_pictures(4)  # labels 0 1 0 1
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9]], dtype=np.float32)
    result = judged(scores, pictures)
    assert result["accuracy"] == 0.75
    assert result["per_class"] == {"even": 1.0, "odd": 0.5}
    assert result["confusion"] == [[2, 0], [1, 1]]


RECORD = {
    "epoch": 1,
    "train_loss": 2.0,
    "train_accuracy": 0.25,
    "validation_loss": 1.5,
    "validation_accuracy": 0.5,
}


def test_log_as_csv():
    assert history_csv([RECORD]) == (
        b"epoch,train_loss,train_accuracy,validation_loss,validation_accuracy\n1,2.0,0.25,1.5,0.5\n"
    )


def test_curves_are_the_same_bytes_every_time():
    first = curves_svg([RECORD, {**RECORD, "epoch": 2}])
    assert first == curves_svg([RECORD, {**RECORD, "epoch": 2}])
    assert b"<svg" in first
    assert b"accuracy" in first


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (720, "12 min"), (11_100, "3 h 05 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
