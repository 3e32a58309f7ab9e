"""Every model that is installed, whatever its state: bundled, and in model wheels.

`catalog` finds one model by its name. Here each is read, and a broken one spoils no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import Distribution, distributions
from pathlib import Path

import minivgg_edge
from minivgg_edge.catalog import load_model, offered_by
from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.manifest import Manifest
from minivgg_edge.model_file import ModelFile, read_model_file

_OWN_DISTRIBUTION = "minivgg-edge"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model, or what stands in its place.

    Attributes:
        name: What `Classifier` takes; "" where not even that can be read.
        distribution: The wheel that brought it, as `pip uninstall` takes it.
        version: The wheel's version; "" where it does not say.
        manifest: What the model says about itself; None if it is broken.
        sha256: SHA-256 of the model file, in lower-case hex; "" if it is broken.
        size_bytes: Length of the model file; 0 if it is broken.
        problem: Why `Classifier` refuses it; None if it is sound.
    """

    name: str
    distribution: str
    version: str
    manifest: Manifest | None = None
    sha256: str = ""
    size_bytes: int = 0
    problem: str | None = None


def survey() -> tuple[InstalledModel, ...]:
    """Read and verify every installed model; sorted by name, then by distribution."""
    bundled = tuple(_bundled())
    hidden = {model.name for model in bundled}
    found = [model for wheel in _distributions() for model in _in_wheel(wheel, hidden)]
    return tuple(sorted((*bundled, *found), key=lambda model: (model.name, model.distribution)))


def _bundled() -> Iterator[InstalledModel]:
    for path in (Path(minivgg_edge.__file__).parent / "models").glob("*.tflite"):
        here = InstalledModel(path.stem, _OWN_DISTRIBUTION, minivgg_edge.__version__)
        yield _read(here, partial(read_model_file, path))


def _distributions() -> Iterator[Distribution]:
    """Yield what is installed; of one name, what the import system finds first."""
    seen = set()
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", _field(distribution, "Name")).lower()
        if not name or name not in seen:
            seen.add(name)
            yield distribution


def _in_wheel(wheel: Distribution, hidden: set[str]) -> Iterator[InstalledModel]:
    where = (_field(wheel, "Name"), _field(wheel, "Version"))
    points = offered_by(wheel)
    if isinstance(points, str):
        yield InstalledModel("", *where, problem=points)
        return
    for point in points:
        here = InstalledModel(point.name, *where)
        if point.name in hidden:
            problem = "expected a name of its own, got that of a bundled model, which hides it"
            yield replace(here, problem=problem)
        else:
            yield _read(here, partial(load_model, point.name))


def _read(here: InstalledModel, load: Callable[[], ModelFile]) -> InstalledModel:
    try:
        model = load()
    except MinivggEdgeError as error:
        return replace(here, problem=str(error))
    return replace(here, manifest=model.manifest, sha256=model.sha256, size_bytes=model.size_bytes)


def _field(distribution: Distribution, key: str) -> str:
    """Return a field of a distribution's metadata; "" where it is missing or damaged."""
    try:
        metadata = distribution.metadata
    except ValueError:  # no UTF-8
        return ""
    return str(metadata[key]) if metadata is not None and key in metadata else ""
