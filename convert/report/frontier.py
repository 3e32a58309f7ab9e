"""The project's int8 models beside other int8 models, as charts that stand alone as SVG files."""

from __future__ import annotations

from collections.abc import Mapping

from convert.report.candidates import Candidate, candidates
from convert.report.environment import report_environment
from convert.report.results import Results
from convert.report.scatter import (
    Scatter,
    draw_scatter,
    instructions,
    kilobytes,
    kilobytes_text,
    millions,
)

# What articles and textbooks report of these layers (two blocks of two 3x3 convolutions and a dense
# layer) on CIFAR-10, in percent, before quantization.
PUBLISHED_RANGE = (80.0, 83.0)
_PUBLISHED_TEXT = "published elsewhere for MiniVGG's layers, float32"

_LEGEND = (
    ("int8", "minivgg, bundled"),
    ("family", "its family"),
    ("model", "other models"),
)


def frontier_charts(results: Results) -> dict[str, Scatter]:
    """Return accuracy against instructions on each board and against file size, by short name.

    Shown are int8 models on LiteRT: the bundled one, its family, and those of others. There are no
    charts where fewer than two have a known accuracy.
    """
    found = [
        candidate
        for candidate in candidates(results)
        if candidate.key.precision == "int8"
        and candidate.key.engine == "ai-edge-litert"
        and candidate.accuracy is not None
    ]
    dataset = next((c.accuracy.dataset for c in found if c.accuracy is not None), "")
    # What others published is of CIFAR-10, of which the sample is a part.
    band = (*PUBLISHED_RANGE, _PUBLISHED_TEXT) if dataset.startswith("CIFAR-10") else None
    charts = {}
    for board, profile in (results.arm.boards if results.arm else {}).items():
        shown = [candidate for candidate in found if board in candidate.runs]
        if len(shown) >= 2:
            charts[board] = draw_scatter(
                f"int8 accuracy on {dataset} against cost on {profile.title}",
                "millions of instructions a picture (log scale)",
                shown,
                instructions(board),
                millions,
                name=_name,
                band=band,
            )
    if len(found) >= 2:
        charts["size"] = draw_scatter(
            f"int8 accuracy on {dataset} against the model file's size",
            "kilobytes (log scale)",
            found,
            kilobytes,
            kilobytes_text,
            name=_name,
            band=band,
        )
    return charts


def frontier_files(results: Results) -> Mapping[str, bytes]:
    """Return the charts as SVG files by name; equal results give equal files."""
    template = report_environment().get_template("scatter.svg.j2")
    return {
        f"frontier-{name}.svg": template.render(chart=chart, legend=_LEGEND).encode("utf-8")
        for name, chart in frontier_charts(results).items()
    }


def _name(candidate: Candidate) -> str:
    return candidate.key.model
