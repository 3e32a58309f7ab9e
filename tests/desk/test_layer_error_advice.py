"""The sentence about a model: it names the planted layer, and what it advises helps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import Tiny

from benchmarks.quantization.hard_model import plant
from convert.data.sample import load_sample
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.compilation import Pictures, Settings
from convert.int8.conversion import convert_calibrated, convert_float, quantize
from convert.int8.float_model import load_float_model
from convert.int8.freeze import freeze
from convert.int8.ranges import read_ranges, write_ranges
from convert.layer_error import debugging
from convert.layer_error.advice import Advice, advise, searched
from convert.layer_error.analysis import Analysis, OperatorError, analyse
from convert.layer_error.source import convert_both
from convert.scores.settings import ScoreSettings
from convert.search.method import PLAIN, Method

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def calibration(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["train"].images[:40]


@pytest.fixture(scope="module")
def images(tiny: Tiny) -> NDArray[np.uint8]:
    return tiny.pictures["validation"].images[:30]


@pytest.fixture(scope="module")
def plain(tiny: Tiny, calibration: NDArray[np.uint8], images: NDArray[np.uint8]) -> Analysis:
    models = convert_both(freeze(tiny.model), calibration, PLAIN)
    return analyse(models.reference, models.target, images)


def test_nothing_stands_out_in_a_good_model(plain: Analysis) -> None:
    found = advise(plain)
    assert found.sentence.startswith("nothing stands out: ")
    assert (found.layer, found.option) == (None, None)


@pytest.mark.parametrize(("factor", "seed"), [(256.0, 1), (1024.0, 0)])
def test_the_planted_layer_comes_first_and_equalization_heals_it(
    tiny: Tiny,
    calibration: NDArray[np.uint8],
    images: NDArray[np.uint8],
    factor: float,
    seed: int,
) -> None:
    hard = plant(tiny.model, "conv1_1", factor=factor, share=0.25, seed=seed)
    frozen = freeze(hard.model)
    models = convert_both(frozen, calibration, PLAIN)
    analysis = analyse(models.reference, models.target, images)
    first = analysis.ranked[0]
    assert first.layer == hard.layer
    # Those that were left alone; a dead one does not count.
    assert first.accumulated.narrow_channels == pytest.approx(0.75, abs=0.15)
    found = advise(analysis, method=models.method)
    assert (found.layer, found.option) == (hard.layer, "--equalize")
    assert found.sentence.startswith(f"{hard.layer} loses ")
    _check_that_equalization_heals(frozen, calibration, images, analysis)


def test_a_fault_that_shows_in_the_weights_of_the_layer_behind(
    tiny: Tiny, calibration: NDArray[np.uint8], images: NDArray[np.uint8]
) -> None:
    """The other side of the same fault: weights that were divided are rounded to few steps."""
    hard = plant(tiny.model, "conv1_1", factor=256.0, share=0.1)
    frozen = freeze(hard.model)
    models = convert_both(frozen, calibration, PLAIN)
    analysis = analyse(models.reference, models.target, images)
    weights = analysis.ranked[0].accumulated.weights
    assert weights is not None
    assert weights.narrow_noise > 0.9
    found = advise(analysis)
    assert (found.layer, found.option) == (hard.next_layer, "--equalize")
    after = _check_that_equalization_heals(frozen, calibration, images, analysis)
    # The other remedies do not help here.
    for method in (Method("mse"), Method(bias_correction=True)):
        other = convert_both(frozen, calibration, method)
        divergence = analyse(other.reference, other.target, images).answers.divergence
        assert divergence > 2 * after.answers.divergence


def _check_that_equalization_heals(
    frozen: keras.Model,
    calibration: NDArray[np.uint8],
    images: NDArray[np.uint8],
    before: Analysis,
) -> Analysis:
    healed = convert_both(frozen, calibration, Method(equalize="both"))
    after = analyse(healed.reference, healed.target, images)
    assert after.answers.divergence < 0.2 * before.answers.divergence
    assert after.answers.agreement >= before.answers.agreement
    return after


def test_the_hard_form_of_the_bundled_model() -> None:
    model = load_float_model(DEFAULT_MODEL)
    hard = plant(model)
    sample = load_sample()
    models = convert_both(freeze(hard.model), sample.calibration.images[:50], PLAIN)
    analysis = analyse(models.reference, models.target, sample.validation.images[:20])
    first, second = analysis.ranked[:2]
    assert first.layer == hard.layer
    assert first.effect is not None
    assert second.effect is not None
    assert first.effect.alone.divergence > 5 * second.effect.alone.divergence
    assert advise(analysis).option == "--equalize"


def test_a_range_that_is_far_too_wide(
    tiny: Tiny, calibration: NDArray[np.uint8], images: NDArray[np.uint8]
) -> None:
    frozen = freeze(tiny.model)
    calibrated = convert_calibrated(frozen, calibration)
    name = next(name for name in read_ranges(calibrated) if "conv2_1" in name)
    low, high = read_ranges(calibrated)[name]
    target = quantize(write_ranges(calibrated, {name: (low, 50.0 * high)}))
    analysis = analyse(convert_float(frozen), target, images)
    found = advise(analysis)
    assert (found.layer, found.option) == ("conv2_1", "--ranges mse")
    assert found.sentence.endswith("of its range: use --ranges mse")
    models = convert_both(frozen, calibration, Method("mse"))
    after = analyse(models.reference, models.target, images)
    assert after.answers.divergence < 0.2 * analysis.answers.divergence


def test_calibration_pictures_unlike_the_others(
    tiny: Tiny, calibration: NDArray[np.uint8], images: NDArray[np.uint8], plain: Analysis
) -> None:
    models = convert_both(freeze(tiny.model), calibration // 4, PLAIN)
    analysis = analyse(models.reference, models.target, images)
    found = advise(analysis)
    # Every layer behind brighter pictures than calibration saw cuts something off.
    assert found.option == "--calibration-count"
    assert " of its values lie beyond its range: " in found.sentence
    assert _operator(analysis, found.layer or "").accumulated.saturated_high > 0.05
    pixels = _operator(analysis, "pixels").accumulated
    assert (pixels.saturated_low, pixels.saturated_high) == (0.0, 0.0)
    assert plain.answers.divergence < 0.2 * analysis.answers.divergence


def _spoilt(analysis: Analysis, layer: str, change: OperatorError) -> Analysis:
    """The analysis of a model that loses much, all of it in one layer."""
    loss = replace(analysis.answers, divergence=1.0, sqnr_db=5.0)
    assert change.effect is not None
    effect = replace(change.effect, alone=loss, without=replace(loss, divergence=0.1, sqnr_db=15.0))
    operators = tuple(
        replace(change, effect=effect) if operator.layer == layer else operator
        for operator in analysis.operators
    )
    return replace(analysis, operators=operators, answers=loss, simulated=loss)


def _operator(analysis: Analysis, layer: str) -> OperatorError:
    return next(operator for operator in analysis.operators if operator.layer == layer)


def _weights_lose(operator: OperatorError, **changes: float) -> OperatorError:
    assert operator.effect is not None
    assert operator.accumulated.weights is not None
    much = replace(operator.effect.constants, divergence=1.0)
    shift = changes.pop("shift_share", 0.0)
    effect = replace(operator.effect, constants=much, shift_share=shift)
    weights = replace(operator.accumulated.weights, **changes)
    accumulated = replace(operator.accumulated, weights=weights)
    return replace(operator, effect=effect, accumulated=accumulated)


def test_weights_that_shift_channels(plain: Analysis) -> None:
    spoilt = _weights_lose(_operator(plain, "conv2_1"), shift_share=0.4, narrow_noise=0.1)
    found = advise(_spoilt(plain, "conv2_1", spoilt))
    corrected = advise(_spoilt(plain, "conv2_1", spoilt), method=Method(bias_correction=True))
    assert corrected.option == "--search"
    assert found == Advice(
        "conv2_1 loses 10.0 dB of the logits and explains 90 % of the divergence: rounded weights "
        "shift its channels (40 % of the error): use --bias-correction",
        "conv2_1",
        "--bias-correction",
    )


def test_weights_of_unequal_input_channels(plain: Analysis) -> None:
    narrow = _weights_lose(_operator(plain, "conv2_1"), shift_share=0.4, narrow_noise=0.6)
    spoilt = _spoilt(plain, "conv2_1", narrow)
    assert advise(spoilt).option == "--equalize"
    assert advise(spoilt, method=Method(equalize="both")).option == "--bias-correction"
    # Nothing stands before the first layer that could take a factor.
    first = _weights_lose(_operator(plain, "conv1_1"), shift_share=0.4, narrow_noise=0.6)
    assert advise(_spoilt(plain, "conv1_1", first)).option == "--bias-correction"


def test_when_no_option_is_known_to_help(plain: Analysis) -> None:
    weights = _weights_lose(_operator(plain, "conv2_1"), zeroed=0.5)
    found = advise(_spoilt(plain, "conv2_1", weights))
    assert found.sentence.endswith("50 % of which become zero: use --search")
    logits = _operator(plain, "logits")
    assert logits.effect is not None
    much = replace(logits.effect.output, divergence=1.0)
    spoilt = replace(logits, effect=replace(logits.effect, output=much))
    analysis = _spoilt(plain, "logits", spoilt)
    assert advise(analysis).option == "--search"
    # Behind a search there is no point in another.
    behind = advise(analysis, search="whole")
    assert (behind.layer, behind.option) == ("logits", None)
    assert behind.sentence.endswith(
        "the search found nothing better: train longer or on more "
        "pictures, or choose another --precision"
    )
    assert "--search" not in behind.sentence
    # One that was cut off cannot say that nothing is better.
    cut = advise(analysis, search="cut")
    assert (cut.layer, cut.option) == ("logits", "--time-budget")
    assert cut.sentence.endswith(": the search ran out of time: give it more (--time-budget)")
    assert advise(_spoilt(plain, "conv2_1", weights), search="whole").option is None


def test_no_method_is_advised_that_a_search_has_tried(plain: Analysis) -> None:
    """`convert.quantize --search` refuses each of them beside it."""
    shifting = _weights_lose(_operator(plain, "conv2_1"), shift_share=0.4, narrow_noise=0.1)
    narrow = _weights_lose(_operator(plain, "conv2_1"), narrow_noise=0.6)
    wide = _operator(plain, "conv2_1")
    assert wide.effect is not None
    loss = replace(wide.effect.output, divergence=1.0)
    rare = replace(wide.accumulated, typical_range=0.1, saturated_low=0.0, saturated_high=0.0)
    wide = replace(wide, effect=replace(wide.effect, output=loss), accumulated=rare)
    cut_off = replace(wide, accumulated=replace(rare, saturated_high=0.2))
    for operator, method, option in (
        (shifting, PLAIN, "--bias-correction"),
        (narrow, PLAIN, "--equalize"),
        (wide, PLAIN, "--ranges mse"),
        (cut_off, Method("mse"), "--ranges minmax"),
    ):
        analysis = _spoilt(plain, "conv2_1", operator)
        assert advise(analysis, method=method).option == option
        behind = advise(analysis, method=method, search="whole")
        assert behind.option is None
        assert option not in behind.sentence
        assert ": the search found nothing better: train longer " in behind.sentence
        assert advise(analysis, method=method, search="cut").option == "--time-budget"
    # Other pictures are no method: the search knows those it was given.
    unlike = _spoilt(plain, "conv2_1", cut_off)
    assert advise(unlike, search="whole").option == "--calibration-count"


def test_what_a_manifest_says_of_a_search() -> None:
    assert searched({"ranges": "mse"}) == "none"
    assert searched({"search": "of another program"}) == "none"
    assert searched({"search": {"left_out": []}}) == "whole"
    assert searched({"search": {"left_out": ["mse, 9 pictures"]}}) == "cut"


@pytest.mark.parametrize(
    ("search", "expected"),
    [(None, "none"), ({"left_out": []}, "whole"), ({"left_out": ["mse, 9 pictures"]}, "cut")],
)
def test_the_look_knows_what_the_search_left_out(
    tiny: Tiny,
    monkeypatch: pytest.MonkeyPatch,
    search: dict[str, list[str]] | None,
    expected: str,
) -> None:
    def told(analysis: Analysis, *, method: Method, search: str) -> Advice:
        return Advice(search)

    monkeypatch.setattr(debugging, "advise", told)
    train, validation = tiny.pictures["train"], tiny.pictures["validation"].subset([0, 1, 2])
    look = debugging.look_at_layers(
        tiny.model,
        Pictures("tiny", train, validation, None),
        Settings(calibration_count=9, search=search),
        say=lambda text: None,
        quiet=True,
    )
    assert look.advice.sentence == expected


def test_the_model_that_is_looked_at_has_the_temperature(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, validation = tiny.pictures["train"], tiny.pictures["validation"]
    pictures = Pictures("tiny", train, validation, None)
    seen = []

    def convert_both(frozen: object, *arguments: object) -> object:
        seen.append(frozen)
        return made(frozen, *arguments)

    made = debugging.convert_both
    monkeypatch.setattr(debugging, "convert_both", convert_both)
    for fit in (False, True):
        settings = Settings(calibration_count=9, scores=ScoreSettings(fit_temperature=fit))
        debugging.look_at_layers(tiny.model, pictures, settings, say=lambda text: None, quiet=True)
    plain, fitted = (model.get_weights()[-1] for model in seen)
    assert not np.allclose(plain, fitted)


def test_clipped_ranges_are_widened_again(plain: Analysis) -> None:
    operator = _operator(plain, "conv2_1")
    assert operator.effect is not None
    effect = replace(operator.effect, output=replace(operator.effect.output, divergence=1.0))
    clipped = replace(operator.accumulated, saturated_low=0.01, saturated_high=0.03)
    analysis = _spoilt(plain, "conv2_1", replace(operator, effect=effect, accumulated=clipped))
    found = advise(analysis, method=Method("percentile"))
    assert found.option == "--ranges minmax"
    assert ": 4.0 % of its values lie beyond its range: " in found.sentence
    assert advise(analysis).option == "--calibration-count"


def test_layers_that_hide_each_other_and_a_loss_without_a_place(plain: Analysis) -> None:
    loss = replace(plain.answers, divergence=1.0)

    def analysis(alone: float) -> Analysis:
        operators = [
            replace(
                operator,
                effect=replace(
                    operator.effect, alone=replace(loss, divergence=alone), without=loss
                ),
            )
            if operator.effect is not None
            else operator
            for operator in plain.operators
        ]
        return replace(plain, operators=tuple(operators), answers=loss, simulated=loss)

    hidden = advise(analysis(0.6)).sentence
    assert " alone would cost 600 millinats where all layers together cost 1,000: " in hidden
    spread = advise(analysis(0.4))
    assert spread.sentence.startswith("no single layer explains the loss (")
    assert (spread.layer, spread.option) == (None, "--search")
