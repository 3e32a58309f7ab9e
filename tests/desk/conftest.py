"""A small trained model with its data, compiled once for all tests of the desk."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import (
    TINY_CLASSES,
    TINY_SIDE,
    Run,
    RunQuantize,
    Tiny,
    TinyCompiled,
    fit_last_layer,
    randomize_normalization,
    tiny_pictures,
    write_folder,
)

from convert.command import run_command
from convert.quiet import quiet

_COUNTS = {"train": 40, "validation": 60, "test": 20}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    pictures = {
        part: tiny_pictures(count, seed=seed) for seed, (part, count) in enumerate(_COUNTS.items())
    }
    with quiet():
        from convert.architecture import build_minivgg

        # All that decides the random weights is given: the tests rest on how this model answers.
        model = build_minivgg(
            classes=3,
            height=TINY_SIDE,
            width=TINY_SIDE,
            blocks=((8,), (8,)),
            head="gap",
            block_dropout=0.2,
            head_dropout=0.5,
        )
        randomize_normalization(model, seed=3)
        fit_last_layer(model, pictures["train"])
        path = folder / "model.keras"
        model.save(path)
    record = {"labels": list(TINY_CLASSES), "crop": "center", "recipe": {"epochs": 1}}
    (folder / "training.json").write_text(json.dumps({**record, "command": "python /secret"}))
    return Tiny(model, path, write_folder(folder / "data", pictures), pictures)


@pytest.fixture(scope="session")
def run_quantize() -> RunQuantize:
    """Run `python -m convert.quantize` in this process, which has TensorFlow loaded already."""

    def run(*arguments: object) -> Run:
        from convert.quantize import main

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command(main, [str(argument) for argument in arguments])
        return Run(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def tiny_compiled(
    tiny: Tiny, run_quantize: RunQuantize, tmp_path_factory: pytest.TempPathFactory
) -> TinyCompiled:
    path = tmp_path_factory.mktemp("compiled") / "tiny.tflite"
    run = run_quantize(
        tiny.path, "-o", path, "--data", tiny.data, "--max-drop", 5, "--calibration-count", 60
    )
    assert run.code == 0, run.err
    return TinyCompiled(path, run)


@pytest.fixture(scope="session")
def gray_noise() -> NDArray[np.uint8]:
    """Pictures without meaning, of the tiny model's size."""
    random = np.random.default_rng(9)
    return random.integers(0, 256, (6, TINY_SIDE, TINY_SIDE, 3), dtype=np.uint8)
