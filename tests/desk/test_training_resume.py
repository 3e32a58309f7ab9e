"""Every option of a recipe: a run that stops inside an epoch ends with the same bits.

The runs share a process of their own, which is `python test_training_resume.py FOLDER`: TensorFlow
cannot take back the deterministic ops that they need. `test_train.py` kills whole commands.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convert.data.pictures import PictureSet
from convert.training.augmentation import Augmentation
from convert.training.distillation import Distillation
from convert.training.mixing import Mixing
from convert.training.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent.parent
EPOCHS, BATCH, STEPS = 3, 16, 4
# Steps into the epoch behind a checkpoint, which have to be repeated.
STEPS_LOST = 2
VARIED = {
    "augmentation": Augmentation(jitter=0.2, blur=1.0),
    "mixing": Mixing(mixup=0.2, cutmix=1.0, probability=0.5),
}
CLEAR = {**VARIED, "clear_epochs": 2}
OPTIONS = {
    "jitter, blur, mixup and cutmix": VARIED,
    "turned and resized": {"augmentation": Augmentation(rotate_deg=20.0, zoom=0.2)},
    "patience": {"patience": 2},
    "clear epochs": CLEAR,
    "a share of clear epochs, patience": {**CLEAR, "clear_share": 0.7, "patience": 2},
    "a share of clear epochs with branches": {**CLEAR, "clear_share": 0.3, "branches": "rep"},
    "class weights": {"class_weights": (0.5, 1.5)},
    "fast statistics": {"normalization_momentum": 0.5},
    "rep": {"branches": "rep"},
    "bfloat16": {"precision": "bfloat16"},
    "progressive": {"progressive": 0.4},
    "live teacher": {"distillation": Distillation("0")},
    "cached teacher": {"distillation": Distillation("0", views="cached")},
    "repeated teacher": {**VARIED, "distillation": Distillation("0", views="repeated", rounds=2)},
    "repeated teacher that sees clear pictures": {
        **VARIED,
        "distillation": Distillation("0", views="repeated", rounds=2, sees="clear"),
    },
    "all": {
        **VARIED,
        "branches": "rep",
        "precision": "bfloat16",
        "progressive": 0.6,
        "distillation": Distillation("0", sees="clear"),
    },
}


class StoppedError(Exception):
    """Stands for a kill: nothing is written after it."""


def pictures(count: int, seed: int) -> PictureSet:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return PictureSet(images, np.arange(count) % 2, ("a", "b"))


def stopping(at: int) -> Callable[[], float]:
    calls = iter(range(10**6))

    def wait() -> float:
        # A call before each step and one before each validation.
        if next(calls) == at + at // STEPS:
            raise StoppedError
        return 0.0

    return wait


def hashes(name: str, folder: Path) -> dict[str, object]:
    """Train without a stop, and again with one; the weights' hashes and where it went on."""
    from convert.architecture import build_minivgg
    from convert.training.loop import Trainer
    from convert.training.record import weights_sha256
    from convert.training.teacher import Teacher

    def built(seed: int, dropout: float = 0.0):
        return build_minivgg(
            classes=2,
            height=8,
            width=8,
            blocks=((4, 4),),
            head="gap",
            head_dropout=dropout,
            seed=seed,
        )

    recipe = Recipe(epochs=EPOCHS, batch_size=BATCH, warmup_epochs=0.5, **OPTIONS[name])
    train, validation = pictures(STEPS * BATCH, 0), pictures(10, 1)
    teacher = None if recipe.distillation is None else Teacher((built(5),), "0", 1.0)

    def trainer(run: str, wait: Callable[[], float] = lambda: 0.0) -> Trainer:
        (folder / name / run).mkdir(parents=True, exist_ok=True)
        return Trainer(
            built(1, dropout=0.2),
            recipe,
            train,
            validation,
            folder=folder / name / run,
            fingerprint={},
            teacher=teacher,
            wait=wait,
        )

    def silent(progress: object) -> None:
        pass

    start = weights_sha256(built(1))
    whole = trainer("whole").run(silent)
    resumed = {}
    for epochs in range(1, EPOCHS + 1):
        run = f"stopped behind epoch {epochs}" if epochs < EPOCHS else "whole"
        with contextlib.suppress(StoppedError):
            if epochs < EPOCHS:
                trainer(run, stopping(epochs * STEPS + STEPS_LOST)).run(silent)
        again = trainer(run)
        again.resume()
        resumed_at = again.epochs_done
        resumed[resumed_at] = weights_sha256(again.run(silent))
    return {"start": start, "whole": weights_sha256(whole), "resumed": resumed}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("resume")
    run = subprocess.run(
        [sys.executable, __file__, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("name", list(OPTIONS))
def test_a_stopped_run_ends_with_the_same_bits(found, name):
    result = found[name]
    # JSON has no other keys than text.
    assert result["resumed"] == {str(epoch): result["whole"] for epoch in range(1, EPOCHS + 1)}
    assert result["whole"] != result["start"]


def test_every_option_makes_another_model(found):
    assert len({result["whole"] for result in found.values()}) == len(OPTIONS)


if __name__ == "__main__":
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()
    target = Path(sys.argv[1])
    results = {each: hashes(each, target) for each in OPTIONS}
    (target / "found.json").write_text(json.dumps(results))
