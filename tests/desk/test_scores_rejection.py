"""`python -m benchmarks.rejection`: it counts what the device gives no label."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.rejection import main, noise, plain
from benchmarks.result import read_result
from convert.command import run_command
from minivgg_edge import Classifier
from minivgg_edge.catalog import load_model
from minivgg_edge.model_file import pack_model_file

THRESHOLD = 0.75


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The bundled model with that threshold."""
    return write_model(tmp_path / "bundled.tflite", THRESHOLD)


def write_model(path: Path, threshold: float | None) -> Path:
    bundled = load_model(None)
    output = dataclasses.replace(bundled.manifest.output, threshold=threshold)
    manifest = dataclasses.replace(bundled.manifest, output=output)
    golden = bundled.golden_vectors()
    path.write_bytes(pack_model_file(bundled.flatbuffer, manifest, golden=golden))
    return path


def test_what_is_counted(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "other things"
    (folder / "below").mkdir(parents=True)
    pixels = np.random.default_rng(4).integers(0, 256, (9, 40, 41, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "below" / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    assert main([str(model), "--others", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["threshold"] == THRESHOLD
    photos, grey, one = document["sets"]
    with Classifier() as classifier:
        scores = [classifier.classify(image)[0].score for image in pixels]
        greys = [classifier.classify(image)[0].score for image in noise((32, 32, 3))]
    assert (photos["pictures"], photos["count"]) == ("other things", 9)
    assert photos["rejected"] == sum(score < THRESHOLD for score in scores)
    assert photos["mean_score"] == pytest.approx(np.mean(scores))
    assert grey["rejected"] == sum(score < THRESHOLD for score in greys)
    assert 0 < grey["rejected"] < grey["count"] == 1000
    assert one["count"] == 256
    # The same as a stored result.
    assert main([str(model), "--others", str(folder), "--out", str(tmp_path / "out")]) == 0
    stored = read_result(tmp_path / "out" / "rejection.json")
    assert stored.tables[0].rows[0][:2] == ("other things", "9")
    assert stored.command.startswith("python -m benchmarks.rejection ")
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert stored.models == {load_model(None).manifest.name: digest}


def test_the_pictures_of_nothing() -> None:
    first, second = (list(noise((4, 5, 3), 3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert all((image[..., 0] == image[..., 2]).all() for image in first)
    assert len({image.tobytes() for image in plain((2, 2, 3))}) == 256


@pytest.mark.parametrize(
    ("name", "message"),
    [(None, "expected a model that states a threshold"), ("empty", "empty: expected pictures")],
)
def test_refusals(
    name: str | None,
    message: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = [str(model), "--others", str(tmp_path / str(name))]
    if name is None:
        arguments = [str(write_model(tmp_path / "without.tflite", None))]
    assert run_command(main, arguments) == 2
    assert message in capsys.readouterr().err
