"""When a run stops early, and which weights it keeps then."""

from __future__ import annotations

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.quiet import quiet
from convert.training.family import FAMILY
from convert.training.mixing import Mixing
from convert.training.patience import best_epoch, out_of_patience
from convert.training.recipe import Recipe


def history(*losses: float) -> list[dict[str, float]]:
    return [{"validation_loss": loss} for loss in losses]


def test_patience_counts_epochs_behind_the_best():
    falling_then_flat = history(3.0, 2.0, 2.5, 2.0)
    assert best_epoch(falling_then_flat) == 2
    assert out_of_patience(falling_then_flat, 2)
    assert not out_of_patience(falling_then_flat, 3)
    assert not out_of_patience(falling_then_flat, 0)
    assert not out_of_patience([], 1)
    assert best_epoch([]) == 0


def test_epochs_of_smaller_pictures_are_neither_chosen_nor_counted():
    losses = history(1.0, 1.5, 3.0, 2.0, 2.5)
    assert best_epoch(losses, small_epochs=2) == 4
    assert not out_of_patience(losses, 2, small_epochs=2)
    assert out_of_patience(losses, 1, small_epochs=2)
    # Before the first whole picture the last epoch counts, whatever was lost since the first.
    flat = history(1.0, 2.0, 3.0)
    assert best_epoch(flat, small_epochs=3) == 3
    assert not out_of_patience(flat, 1, small_epochs=3)


def test_a_run_ends_early_with_the_best_weights(tmp_path, monkeypatch):
    """The losses are made up: the third epoch is the best, two more are waited for."""
    from convert.training import loop
    from convert.training.record import weights_sha256

    made_up = iter((3.0, 2.0, 1.0, 2.0, 2.0, 0.5))
    monkeypatch.setattr(loop, "cross_entropy", lambda scores, labels: next(made_up))
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    few = PictureSet(images, np.array([0, 1] * 4), ("a", "b"))
    recipe = Recipe(epochs=6, batch_size=8, warmup_epochs=0, patience=2)
    seen = []
    with quiet():
        model = FAMILY["minivgg-nano"].build(classes=2, seed=1, name="m")
        trainer = loop.Trainer(model, recipe, few, few, folder=tmp_path, fingerprint={})
        kept = trainer.run(
            lambda p: seen.append(weights_sha256(trainer.kept_model())) if p.record else None
        )
    assert len(seen) == trainer.epochs_done == 5
    assert trainer.kept_epoch == 3
    assert seen[1] != seen[2] == seen[3] == seen[4] == weights_sha256(kept)


def test_with_patience_the_share_is_of_the_best_clear_epoch(tmp_path, monkeypatch):
    """The losses are made up: the fourth epoch, the second clear one, is the best."""
    from convert.training import loop

    random = np.random.default_rng(1)
    images = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    few = PictureSet(images, np.array([0, 1] * 4), ("a", "b"))
    losses = (3.0, 2.0, 1.5, 1.0, 1.2, 1.2)

    def trainer(share, folder, *, patience, resume=False):
        recipe = Recipe(
            epochs=6, batch_size=8, warmup_epochs=0, ema_decay=0.5, mixing=Mixing(mixup=0.5),
            clear_epochs=4, clear_share=share, patience=patience,
        )  # fmt: skip
        with quiet():
            model = FAMILY["minivgg-nano"].build(classes=2, seed=1, name="m")
            made = loop.Trainer(
                model, recipe, few, few, folder=tmp_path / folder, fingerprint={},
            )  # fmt: skip
            if resume:
                assert made.resume()
        (tmp_path / folder).mkdir(exist_ok=True)
        left = iter(losses[made.epochs_done :])
        monkeypatch.setattr(loop, "cross_entropy", lambda scores, labels: next(left))
        return made

    averages = []
    plain = trainer(1.0, "plain", patience=0)
    plain.run(lambda p: averages.append(plain.kept_model().get_weights()) if p.record else None)
    expected = [a + 0.5 * (b - a) for a, b in zip(averages[1], averages[3], strict=True)]

    class StopError(Exception):
        pass

    def stop_behind_the_fifth(progress):
        if progress.record and progress.record["epoch"] == 5:
            raise StopError

    shared = trainer(0.5, "shared", patience=2)
    with pytest.raises(StopError):
        shared.run(stop_behind_the_fifth)
    for again in (shared, trainer(0.5, "shared", patience=2, resume=True)):
        assert (again.epochs_done, again.kept_epoch) == (5, 4)
        for mine, wanted in zip(again.kept_model().get_weights(), expected, strict=True):
            np.testing.assert_allclose(mine, wanted, atol=1e-5)
    again.run(lambda progress: None)
    assert (again.epochs_done, again.kept_epoch) == (6, 4)
    for mine, wanted in zip(again.kept_model().get_weights(), expected, strict=True):
        np.testing.assert_allclose(mine, wanted, atol=1e-5)


def test_a_negative_patience_is_refused():
    with pytest.raises(ValueError, match="patience of at least 0"):
        Recipe(patience=-1)
