"""`convert.quantize --debug`: the look at every operator beside the compiled file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from convert.int8.calibration import choose_calibration
from convert.int8.compile_model import Pictures, Settings
from convert.int8.freeze import freeze
from convert.layer_error.advice import advise
from convert.layer_error.analysis import analyse
from convert.layer_error.loading import choose_pictures
from convert.layer_error.options import DEFAULT_PICTURES
from convert.layer_error.source import convert_both
from convert.report.layer_error import layer_error_page, layer_error_text
from convert.scanning.progress import shown_progress

if TYPE_CHECKING:
    import keras


def layer_files(
    model: keras.Model,
    pictures: Pictures,
    settings: Settings,
    *,
    name: str,
    output: Path,
    say: Callable[[str], None],
    quiet: bool = False,
) -> dict[Path, bytes]:
    """Analyse the model of a compilation; return a page and its figures, to be written.

    Args:
        model: the float model.
        pictures: those of the compilation; the test pictures are not looked at.
        settings: those of the compilation.
        name: of the model.
        output: the compiled file; what is returned lies beside it.
        say: gets the tables.
        quiet: show no bar.

    Raises:
        ConvertError: the converter failed, or there are no validation pictures.
    """
    calibration = choose_calibration(
        pictures.calibration, count=settings.calibration_count, seed=settings.calibration_seed
    )
    frozen = freeze(model, scale=settings.scale, offset=settings.offset)
    models = convert_both(frozen, calibration.pictures.images, settings.method)
    images = choose_pictures(pictures.validation, DEFAULT_PICTURES).images
    say(f"Comparing every operator on {len(images)} validation pictures")
    with shown_progress("Operators", quiet=quiet) as advance:
        analysis = analyse(models.reference, models.target, images, advance=advance)
    advice = advise(analysis, method=models.method)
    source = f"{pictures.name}, {len(images)} validation pictures"
    say(f"\n{layer_error_text(analysis, advice, source=source)}\n")
    document = {"name": name, "source": source, "advice": advice.sentence} | analysis.to_json()
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    page = layer_error_page(analysis, advice, name=name, source=source)
    return {
        output.with_suffix(".layers.json"): text.encode(),
        output.with_suffix(".layers.html"): page.encode(),
    }
