"""The cases call what they name, on pictures that are the same everywhere."""

from __future__ import annotations

import io

import numpy as np
import pytest

from minivgg_edge import Classifier, PictureError
from minivgg_edge.decode import decode
from minivgg_edge.measure import cases as cases_module
from minivgg_edge.measure.cases import Case, LoadedModel, Pictures, make_pictures, plan_cases
from minivgg_edge.measure.pictures import noise, photo_jpeg_bytes, png_bytes


def test_plan() -> None:
    plan = plan_cases((2, 4), 500)
    keys = [(case.name, case.num_threads, case.batch, case.rounds) for case in plan]
    assert keys == [
        ("invoke", 2, 1, 500),
        ("invoke", 4, 1, 500),
        ("classify-array", 2, 1, 500),
        ("classify-array", 4, 1, 500),
        ("classify-png", 2, 1, 500),
        ("classify-jpeg-12mp", 2, 1, 500 // 25),
        ("classify-batch", 2, 1, 500),
        ("classify-batch", 2, 8, 500 // 8),
        ("classify-batch", 2, 32, 500 // 32),
    ]
    assert min(case.rounds for case in plan_cases((1,), 1)) == 1
    assert {case.name for case in plan if case.needs_pillow} == {
        "classify-png",
        "classify-jpeg-12mp",
    }


def test_every_case_answers_as_the_classifier_does() -> None:
    pytest.importorskip("PIL")
    array = noise(32, 32)
    pictures = Pictures(array, png_bytes(array), png_bytes(array))
    with Classifier() as classifier:
        scores = classifier.scores(array)
        wanted = classifier.classify(array)
    loaded = LoadedModel("minivgg")
    raw = loaded.call(Case("invoke", 1, 1, 1), pictures)()
    assert isinstance(raw, np.ndarray)
    np.testing.assert_array_equal(raw.argsort(kind="stable"), scores.argsort(kind="stable"))
    for name in ("classify-array", "classify-png", "classify-jpeg-12mp"):
        assert loaded.call(Case(name, 1, 1, 1), pictures)() == wanted
    assert loaded.call(Case("classify-batch", 1, 8, 1), pictures)() == [wanted] * 8
    loaded.close()


def test_interpreter_and_classifier_get_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def load(*_: object, num_threads: int = 1, **__: object) -> None:
        asked.append(num_threads)

    monkeypatch.setattr(cases_module, "Engine", load)
    monkeypatch.setattr(cases_module, "Classifier", load)
    LoadedModel("minivgg", 3)
    assert asked == [3, 3]


def test_without_pillow_only_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pixels: np.ndarray) -> bytes:
        raise PictureError("a picture: needs Pillow")

    monkeypatch.setattr(cases_module, "png_bytes", refuse)
    pictures = make_pictures(8, 6)
    assert pictures.array.shape == (8, 6, 3)
    assert pictures.png is pictures.jpeg is None
    loaded = LoadedModel("minivgg")
    with pytest.raises(ValueError, match="classify-png: expected a picture file"):
        loaded.call(Case("classify-png", 1, 1, 1), pictures)


def test_noise_has_a_fixed_seed_and_every_value() -> None:
    pixels = noise(64, 48)
    assert pixels.shape == (64, 48, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, noise(64, 48))
    assert (pixels != noise(64, 48, seed=1)).mean() > 0.9
    assert len(np.unique(pixels)) == 256


def test_png_is_lossless() -> None:
    pytest.importorskip("PIL")
    pixels = noise(7, 9)
    np.testing.assert_array_equal(decode(png_bytes(pixels)), pixels)


def test_photo() -> None:
    image_module = pytest.importorskip("PIL.Image")
    data = photo_jpeg_bytes()
    with image_module.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.size == (4032, 3024)
        assert image.getexif()[0x0112] == 6
        small = np.asarray(image.resize((64, 48)), dtype=np.float64)
    assert small.std() > 20  # a picture, not a gray area
    assert 1_000_000 < len(data) < 12_000_000  # what phones write
    assert decode(data).shape == (4032, 3024, 3)  # upright
    assert photo_jpeg_bytes() == data
