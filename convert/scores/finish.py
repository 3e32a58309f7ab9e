"""What a compilation does for its scores: how the graph ends, a temperature, a threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convert.data.pictures import PictureSet
from convert.errors import DataError, FloatModelError
from convert.int8.audit import Activation, Audit
from convert.int8.comparison import Comparison
from convert.int8.conversion import convert_float
from convert.int8.predict import predict
from convert.scores.answers import logits_of
from convert.scores.ending import (
    ends_in_softmax,
    fold_temperature,
    with_softmax,
    without_softmax,
)
from convert.scores.resolution import Resolution, resolution
from convert.scores.settings import DEFAULT_ACCEPT_ACCURACY, ScoreSettings
from convert.scores.temperature import NoTemperatureError, Temperature, fit_temperature
from convert.scores.threshold import Threshold, choose_threshold

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Finished:
    """A frozen model with the end that is deployed.

    Attributes:
        model: what is converted.
        output: how it ends.
        temperature: the fitted one, if there is one.
        no_temperature: a sentence that says why there is none, where one was asked for.
    """

    model: keras.Model
    output: Activation
    temperature: Temperature | None = None
    no_temperature: str | None = None

    @property
    def is_folded(self) -> bool:
        """Whether the graph divides by the temperature itself."""
        return self.temperature is not None and self.output == "softmax"

    @property
    def fitted_temperature(self) -> float:
        """By what logits are divided, in the graph or on the device; 1 without a temperature."""
        return 1.0 if self.temperature is None else self.temperature.value

    @property
    def device_temperature(self) -> float:
        """What the manifest says: the device divides by it, unless the graph did."""
        return 1.0 if self.is_folded else self.fitted_temperature


def finish(
    model: keras.Model,
    validation: PictureSet,
    settings: ScoreSettings,
    *,
    say: Callable[[str], None],
) -> Finished:
    """Give a frozen model the wanted end, with a temperature if there is to be one.

    The temperature is fitted to the float model: the int8 model's logits would give the same one
    within its standard error, at the price of a second conversion.

    Args:
        model: what `freeze` returns.
        validation: pictures to fit a temperature on; never trained or calibrated on.
        settings: what is wanted.
        say: gets a line per step.

    Raises:
        DataError: there are no validation pictures to fit the wanted temperature on.
        FloatModelError: the model does not end in a way that allows it.
        ConversionError: the converter failed.
    """
    output: Activation = "softmax" if ends_in_softmax(model) else "logits"
    wanted = settings.output or output
    temperature, reason = None, None
    if settings.fit_temperature:
        if len(validation) == 0:
            raise DataError("temperature: expected validation pictures to fit it on, got none")
        say(f"Fitting a temperature on {len(validation)} validation pictures")
        outputs = predict(convert_float(model), validation.images)
        try:
            temperature = fit_temperature(logits_of(outputs, output), validation.labels)
        except NoTemperatureError as error:
            # As for a threshold: a good model of few pictures is compiled, and it is said.
            reason = str(error)
    if temperature is not None and wanted == "softmax":
        model = fold_temperature(model, temperature.value)
    if wanted != output:
        model = with_softmax(model) if wanted == "softmax" else without_softmax(model)
    return Finished(model, wanted, temperature, reason)


@dataclass(frozen=True, slots=True)
class Scores:
    """What was done for the scores of a compiled model, and what came of it.

    Attributes:
        finished: output and temperature.
        threshold: chosen on validation pictures.
        is_stored: whether the manifest gets the threshold.
        resolution: of the compiled model's scores.
    """

    finished: Finished
    threshold: Threshold
    is_stored: bool
    resolution: Resolution

    @property
    def stored_threshold(self) -> float | None:
        """The threshold for the manifest."""
        return self.threshold.value if self.is_stored else None

    @property
    def provenance(self) -> dict[str, Any]:
        """What the manifest says about it; nothing where nothing was done."""
        found: dict[str, Any] = {}
        if self.finished.temperature is not None:
            found["temperature"] = _temperature_json(self.finished)
        if self.stored_threshold is not None:
            found["threshold"] = self.threshold.to_json()
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was asked for and is not there."""
        found = [] if self.finished.no_temperature is None else [self.finished.no_temperature]
        if self.is_stored and self.threshold.value is None:
            found.append(
                "no threshold is stored: with these validation pictures there is none above which "
                f"{100 * self.threshold.accept_accuracy:g} % of the answers are right for certain"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """For the report, as JSON values."""
        fitted = self.finished.temperature is not None
        return {
            "output": self.finished.output,
            "resolution": self.resolution.to_json(),
            "temperature": _temperature_json(self.finished) if fitted else None,
            "threshold": {**self.threshold.to_json(), "stored": self.is_stored},
        }


def assess(
    finished: Finished, audit: Audit, comparison: Comparison, settings: ScoreSettings
) -> Scores:
    """Choose a threshold by the compiled model's answers to validation pictures.

    Raises:
        FloatModelError: the compiled model does not end as was asked for.
    """
    if settings.output not in (None, audit.activation):
        raise FloatModelError(
            f"expected a model that can end in {settings.output}, got one that ends in "
            f"{audit.activation}"
        )
    threshold = choose_threshold(
        comparison.target_confidence,
        comparison.target == comparison.true,
        accept_accuracy=settings.accept_accuracy or DEFAULT_ACCEPT_ACCURACY,
    )
    return Scores(
        finished,
        threshold,
        settings.accept_accuracy is not None,
        resolution(audit, temperature=finished.device_temperature),
    )


def _temperature_json(finished: Finished) -> dict[str, Any]:
    temperature = finished.temperature
    folded = {"folded_into_last_layer": finished.is_folded}
    return {} if temperature is None else temperature.to_json() | folded
