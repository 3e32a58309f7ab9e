"""What every HTML page of the project is rendered with: escaping on, unknown names refused."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from convert.report.text import percent


def report_environment() -> Environment:
    """Return the environment of the templates; every text from outside is escaped."""
    environment = Environment(
        loader=PackageLoader("convert.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["places"] = _places
    return environment


def _places(corners: tuple[tuple[float, float], ...]) -> Markup:
    """Return corners as the value of a polygon's `points`; digits and signs only."""
    return Markup(" ").join(f"{x:.1f},{y:.1f}" for x, y in corners)
