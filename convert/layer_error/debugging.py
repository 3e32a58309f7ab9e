"""The look at every operator that `convert.quantize` takes: with --debug, or when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.int8.calibration import choose_calibration
from convert.int8.compilation import Pictures, Settings
from convert.int8.freeze import freeze
from convert.json_bytes import json_bytes
from convert.layer_error.advice import Advice, advise, searched
from convert.layer_error.analysis import Analysis, analyse
from convert.layer_error.loading import choose_pictures
from convert.layer_error.options import DEFAULT_PICTURES
from convert.layer_error.source import convert_both
from convert.progress import shown_progress
from convert.report.layer_error import layer_error_page, layer_error_text
from convert.scores.finish import finish

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class LayerLook:
    """What was found.

    Attributes:
        analysis: of all operators.
        advice: the sentence about it.
        source: the pictures it was measured on, in words.
    """

    analysis: Analysis
    advice: Advice
    source: str

    @property
    def text(self) -> str:
        """Tables for a terminal."""
        return layer_error_text(self.analysis, self.advice, source=self.source)

    def files(self, output: Path, *, name: str) -> dict[Path, bytes]:
        """Return a page and its figures, to be written beside the compiled file `output`.

        Args:
            output: the compiled file.
            name: of the model.
        """
        facts = {"name": name, "source": self.source, "advice": self.advice.sentence}
        document = facts | self.analysis.to_json()
        page = layer_error_page(self.analysis, self.advice, name=name, source=self.source)
        return {
            output.with_suffix(".layers.json"): json_bytes(document),
            output.with_suffix(".layers.html"): page.encode(),
        }


def look_at_layers(
    model: keras.Model,
    pictures: Pictures,
    settings: Settings,
    *,
    say: Callable[[str], None],
    quiet: bool = False,
) -> LayerLook:
    """Analyse the model of a compilation.

    Args:
        model: the float model.
        pictures: those of the compilation; the test pictures are not looked at.
        settings: those of the compilation.
        say: gets a line.
        quiet: show no bar.

    Raises:
        ConvertError: the converter failed, or there are no validation pictures.
    """
    calibration = choose_calibration(
        pictures.calibration, count=settings.calibration_count, seed=settings.calibration_seed
    )
    frozen = freeze(model, scale=settings.scale, offset=settings.offset)
    # With the end that is deployed: a temperature in the graph moves the scores apart.
    frozen = finish(frozen, pictures.validation, settings.scores, say=lambda line: None).model
    models = convert_both(frozen, calibration.pictures.images, settings.method)
    images = choose_pictures(pictures.validation, DEFAULT_PICTURES).images
    say(f"Comparing every operator on {len(images)} validation pictures")
    with shown_progress("Operators", quiet=quiet) as advance:
        analysis = analyse(models.reference, models.target, images, advance=advance)
    source = f"{pictures.name}, {len(images)} validation pictures"
    return LayerLook(
        analysis,
        advise(analysis, method=models.method, search=searched({"search": settings.search})),
        source,
    )
