"""The known pictures of the self-test: a wrong pixel anywhere is found."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from minivgg_edge import picture_check, resample
from minivgg_edge.child_answers import parse_answers
from minivgg_edge.picture_check import decoding_problems, main, resampling_problems


def test_numpy_resamples_as_at_the_desk() -> None:
    assert resampling_problems("numpy") == []


def test_pillow_resamples_as_at_the_desk() -> None:
    pytest.importorskip("PIL")
    assert resampling_problems("pillow") == []


def test_one_other_pixel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    resize = resample.resize

    def off_by_one(picture: np.ndarray, height: int, width: int) -> np.ndarray:
        resized = resize(picture, height, width)
        resized[-1, -1, -1] ^= 1
        return resized

    monkeypatch.setattr(resample, "resize", off_by_one)
    (problem,) = resampling_problems("numpy")
    assert problem.startswith("numpy: expected pixels with SHA-256 ")


def test_decoding() -> None:
    pytest.importorskip("PIL")
    assert decoding_problems() == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_other_pixels_are_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    decode = picture_check.decode
    signature = {"PNG": b"\x89PNG", "JPEG": b"\xff\xd8"}[kind]

    def off(data: bytes) -> Any:
        pixels = decode(data).copy()
        if data.startswith(signature):
            pixels[0, 0, 0] ^= 16
        return pixels

    monkeypatch.setattr(picture_check, "decode", off)
    (problem,) = decoding_problems()
    assert problem.startswith(f"{kind}: expected pixels at most ")


def test_another_size_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_check, "decode", lambda _: np.zeros((6, 9, 3), np.uint8))
    assert decoding_problems()[0] == "PNG: expected shape (6, 8, 3), got (6, 9, 3)"


def test_a_decoder_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    damaged = base64.b64decode(picture_check._PNG)[:60]
    monkeypatch.setattr(picture_check, "_PNG", base64.b64encode(damaged).decode())
    (problem,) = decoding_problems()
    assert problem.startswith("PNG: picture in memory (60 bytes): damaged or cut off")


def test_without_pillow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(picture_check, "_has_pillow", lambda: False)
    main()
    resampling, decoding = parse_answers(capsys.readouterr().out)
    assert resampling["problems"] == []
    assert resampling["sentence"].startswith("numpy: ")
    assert decoding["sentence"] == "not tried: without Pillow only arrays can be classified"
