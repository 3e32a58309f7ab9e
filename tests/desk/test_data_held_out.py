"""Whether a model was trained on a picture: every case of a split that is not the training's."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from convert.data.held_out import check_held_out, trained_on
from convert.data.pictures import PictureSet, Splits
from convert.errors import DataError


def numbered(*numbers: int) -> PictureSet:
    """Pictures of 2x2 pixels, each filled with its number."""
    images = np.zeros((len(numbers), 2, 2, 3), dtype=np.uint8)
    images[:] = np.array(numbers, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return PictureSet(images, np.array(numbers, dtype=np.int64) % 2, ("even", "odd"))


TRAIN, VALIDATION = numbered(0, 1, 2, 3, 4, 5), numbered(6, 7)


def record(*, names: bool = True) -> dict[str, object]:
    data = Splits("numbers", TRAIN, VALIDATION, None).provenance()
    return {"data": data, **({"trained_on": trained_on(TRAIN)} if names else {})}


def check(
    record: dict[str, object],
    pictures: PictureSet,
    *,
    train: PictureSet = TRAIN,
    whole: str | None = None,
) -> str | None:
    return check_held_out(record, pictures, "validation", train=train, whole=whole, source="here")


def test_six_bytes_a_picture_in_an_order_of_their_own() -> None:
    names = base64.b64decode(trained_on(TRAIN))
    assert len(names) == 6 * 6
    assert trained_on(numbered(5, 3, 0, 1, 4, 2)) == trained_on(TRAIN)
    assert sorted(names[n : n + 6] for n in range(0, 36, 6)) == sorted(
        value.tobytes()[:6] for value in TRAIN.record_digests
    )


@pytest.mark.parametrize("names", [True, False])
def test_the_pictures_held_out_while_training(names: bool) -> None:
    assert check(record(names=names), numbered(7, 6)) is None


@pytest.mark.parametrize("names", [True, False])
def test_a_selection_of_them(names: bool) -> None:
    assert check(record(names=names), numbered(6), whole=VALIDATION.digest) is None


def test_added_pictures_are_told_from_trained_ones() -> None:
    assert check(record(), numbered(6, 7, 8, 9)) is None
    warning = check(record(names=False), numbered(6, 7, 8, 9))
    assert warning is not None
    assert warning.startswith("here: these are not the validation pictures that were held out")


def test_pictures_that_were_trained_on() -> None:
    other_split = numbered(2, 3, 4, 5, 6, 7)
    with pytest.raises(DataError, match=r"here: expected validation .* trained on 2 of 3: .*--spl"):
        check(record(), numbered(0, 1, 8), train=other_split)


def test_lookalikes_of_a_training_picture_do_not_count() -> None:
    # 5 is in both parts now, as it was while training; 8 has been added.
    assert check(record(), numbered(5, 6, 7, 8)) is None


@pytest.mark.parametrize("record", [{}, {"float_model": {"size_bytes": 5}}, {"adopted": {}}])
def test_no_record_of_a_training(record: dict[str, object]) -> None:
    assert check(record, VALIDATION) == (
        "here: nobody can tell whether the model was trained on these pictures; if it was, it "
        "looks better than it is"
    )


def test_a_record_that_names_no_pictures() -> None:
    assert check({"data": {}}, VALIDATION) is None


@pytest.mark.parametrize(
    "damage", [{"data": 3}, {"data": {"splits": []}}, {"trained_on": 3}, {"trained_on": "ä"}]
)
def test_a_record_of_something_else(damage: dict[str, object]) -> None:
    with pytest.raises(DataError, match="training record: expected what"):
        check({**record(), **damage}, VALIDATION)
