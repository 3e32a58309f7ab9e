"""The page of a training run, and the lines it prints."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from convert.data.pictures import PictureSet
from convert.report.mistakes import worst_mistakes
from convert.report.training import result_lines, training_page
from convert.training.record import judged

NAMES = ("a <b>", "schön 🔩")
SCORES = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]], dtype=np.float32)


@pytest.fixture
def pictures() -> PictureSet:
    images = np.zeros((4, 8, 16, 3), dtype=np.uint8)
    images[1] = 200
    labels = np.array([0, 1, 0, 1])
    return PictureSet(images, labels, NAMES, ("x/1.png", "y/<2>.png", "x/3.png", "y/4.png"))


def record_of(pictures: PictureSet, *roles: str, groups: int = 3) -> dict[str, object]:
    return {
        "name": "parts",
        "labels": list(NAMES),
        "data": {"name": "my <photos>"},
        "architecture": {"blocks": [[8, 8], [16]], "head": "gap"},
        "recipe": {"epochs": 9, "class_weights": [0.5, 1.5], "precision": "float32"},
        "init": {"source": "model.keras", "layers": ["conv1_1", "conv1_1_bn"]},
        "parameters": 12345,
        "choices": {"size": {"side": 64, "reason": "because"}, "groups": groups},
        "kept_epoch": 4,
        "history": [{}] * 6,
        "results": {role: judged(SCORES, pictures) for role in roles},
    }


def test_the_surest_mistake_comes_first(pictures):
    first, second = worst_mistakes(SCORES, pictures)
    assert (first.name, first.truth, first.answer) == ("y/<2>.png", NAMES[1], NAMES[0])
    assert first.score == pytest.approx(0.8)
    assert (first.image == 200).all()
    assert second.name == "x/3.png"
    assert worst_mistakes(SCORES, pictures, most=1)[0].name == first.name
    assert worst_mistakes(SCORES[[0, 0, 0]], pictures.subset([0, 0, 2])) == ()


@pytest.mark.parametrize(
    ("epoch", "kept"),
    [
        (6, "average of the weights behind epoch 6"),
        (8, "0.75 of the way from the average behind epoch 6 to the average of the weights behind "
            "epoch 8"),
    ],
)  # fmt: skip
def test_a_share_of_clear_epochs_is_named(pictures, epoch, kept):
    record = record_of(pictures, "validation") | {"kept_epoch": epoch}
    record["recipe"] |= {"clear_epochs": 3, "clear_share": 0.75}
    page = training_page(record, (), b"<svg/>")
    assert re.search(f">kept</th><td[^>]*>{re.escape(kept)}</td>", page)


def test_a_share_of_what_a_run_changed_is_named(pictures):
    record = record_of(pictures, "validation")
    record["choices"]["init_share"] = 0.5
    page = training_page(record, (), b"<svg/>")
    assert (
        "0.5 of the way from the start to what the run came to: average of the weights behind "
        "epoch 4</td>"
    ) in page


def test_both_accuracies_are_named(pictures):
    lines = result_lines(record_of(pictures, "validation", "test", "familiar"))
    assert lines == (
        "validation: 50.00% of 4 pictures of groups that were not trained on",
        "test: 50.00% of 4 pictures of groups that were not trained on",
        "familiar: 50.00% of 4 pictures of groups that were trained on: what a random split would "
        "report",
    )
    single = record_of(pictures, "validation", groups=0)
    assert result_lines(single) == ("validation: 50.00% of 4 pictures",)


def test_what_belongs_together_but_was_torn_is_not_denied(pictures):
    record = record_of(pictures, "validation", "test")
    record["choices"] |= {"torn": 2, "placed": ["test"]}
    assert result_lines(record) == (
        "validation: 50.00% of 4 pictures of groups, 2 of which stand in two parts: this looks "
        "better than it is",
        "test: 50.00% of 4 pictures",  # of a folder of their own: nobody has looked
    )


def test_the_page_shows_results_choices_and_mistakes(pictures):
    page = training_page(
        record_of(pictures, "validation", "familiar"), worst_mistakes(SCORES, pictures), b"<svg/>"
    )
    assert "<b>" not in page
    assert "<photos>" not in page
    assert "<2>" not in page
    assert "schön 🔩 taken for a &lt;b&gt;, 80.00 %" in page
    assert "what a random split would report" in page
    assert "64 x 64: because" in page
    assert "6 of at most 9" in page
    assert "behind epoch 4" in page
    assert "0.50 to 1.50" in page
    assert base64.b64encode(b"<svg/>").decode() in page
    thumbnails = re.findall(r"data:image/png;base64,([^\"]+)", page)
    assert len(thumbnails) == 2
    shown = Image.open(io.BytesIO(base64.b64decode(thumbnails[0])))
    assert shown.size == (16, 8)
    assert not shown.info
    assert 'width="96" height="48"' in page
    assert '<table class="matrix">' in page


def test_many_classes_have_no_matrix():
    count = 120
    names = tuple(f"class {number}" for number in range(count))
    few = PictureSet(np.zeros((count, 4, 4, 3), np.uint8), np.arange(count), names)
    scores = np.roll(np.eye(count, dtype=np.float32), 1, axis=1)
    record = {**record_of_names(names), "results": {"validation": judged(scores, few)}}
    page = training_page(record, worst_mistakes(scores, few), b"")
    assert '<table class="matrix">' not in page
    assert page.count("data:image/png") == 24
    assert "Most frequent mistakes" in page


def record_of_names(names: tuple[str, ...]) -> dict[str, object]:
    return {
        "name": "many",
        "labels": list(names),
        "data": {"name": "many"},
        "architecture": {"blocks": [[8]], "head": "gap"},
        "recipe": {"epochs": 1, "class_weights": [], "precision": "float32"},
        "parameters": 1,
        "choices": {},
        "kept_epoch": 1,
        "history": [{}],
    }
