"""Which models are installed, and which file an argument means.

A distribution offers a model by an entry point of the group ``minivgg_edge.models``: its name is
the model's, its value an importable package that holds ``NAME.tflite``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minivgg_edge.errors import ModelFileError, ModelNotFoundError
from minivgg_edge.model_file import ModelFile, parse_model_file, read_model_file

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

DEFAULT_MODEL = "minivgg"
ENTRY_POINT_GROUP = "minivgg_edge.models"

_SUFFIX = ".tflite"
# Not importlib.resources: importing it would cost each start more than reading the model does, and
# a package that runs on native code never lies in a zip itself. Model wheels may. pathlib costs a
# start as much.
_BUNDLED = os.path.join(os.path.dirname(__file__), "models")  # noqa: PTH118, PTH120


def load_model(model: str | os.PathLike[str] | None = None) -> ModelFile:
    """Read and verify the model that an argument means.

    Args:
        model: None is the bundled default. A PathLike, or a string that has a path separator or
            ends in ``.tflite``, is a path. Any other string is the name of an installed model.

    Raises:
        ModelNotFoundError: There is no such file or no installed model of this name.
        ModelFileError: The file is unreadable, damaged or not a compiled model.
        ModelVersionError: The file is made for another version of this package.
        TypeError: `model` is something else.
    """
    if model is None:
        model = DEFAULT_MODEL
    elif not isinstance(model, str | os.PathLike):
        raise TypeError(f"model: expected a str, PathLike or None, got {type(model).__name__}")
    path = os.fspath(model)
    if not isinstance(path, str):
        raise TypeError(f"model: expected a path of str, got {type(path).__name__}")
    if not isinstance(model, str) or _is_path(path):
        return read_model_file(path)
    return _load_installed(path)


def installed_models() -> dict[str, str]:
    """Return the package that holds each installed model, by the model's name, sorted by name."""
    from pathlib import Path

    found = {name: packages[0] for name, packages in _offered().items()}
    found |= {path.stem: __package__ for path in Path(_BUNDLED).glob(f"*{_SUFFIX}")}
    return dict(sorted(found.items()))


def offered_by(wheel: Distribution) -> list[EntryPoint] | str:
    """Return the entry points of models that a wheel has, or why they cannot be read."""
    try:
        return [point for point in wheel.entry_points if point.group == ENTRY_POINT_GROUP]
    # What importlib.metadata raises for a file that is no UTF-8 or no list of entry points.
    except (ValueError, TypeError, AttributeError) as error:
        return f"entry_points.txt: expected a list of entry points, got: {error}"


def _is_path(text: str) -> bool:
    # "/" counts on every system, so that one script runs on all.
    return text.endswith(_SUFFIX) or "/" in text or os.sep in text


def _load_installed(name: str) -> ModelFile:
    bundled = os.path.join(_BUNDLED, f"{name}{_SUFFIX}")  # noqa: PTH118
    # not Path.is_file: it raises an OSError for a name that is too long for the file system
    if os.path.isfile(bundled):  # noqa: PTH113
        return read_model_file(bundled)
    packages = _offered().get(name, [])
    if len(packages) > 1:
        raise ModelNotFoundError(
            f"{name!r}: expected one package with this model, "
            f"got {' and '.join(map(repr, packages))}"
        )
    if not packages:
        installed = ", ".join(installed_models()) or "none"
        raise ModelNotFoundError(
            f"{name!r}: expected the name of an installed model ({installed}), got another; "
            f"for a file of this name write {'./' + name!r}"
        )
    return _load_from_package(name, packages[0])


def _load_from_package(name: str, package: str) -> ModelFile:
    from importlib.resources import files  # slow to import, see _BUNDLED
    from pathlib import Path

    if not all(part.isidentifier() for part in package.split(".")):
        raise ModelNotFoundError(
            f"{name!r}: expected a wheel that names the package of its model, got {package!r}"
        )
    try:
        resource = files(package).joinpath(f"{name}{_SUFFIX}")
    except ImportError as error:
        raise ModelNotFoundError(
            f"{name!r}: expected the installed package {package!r}, got: {error}"
        ) from error
    # To find a wheel's file means to import its package: code that anybody may have written.
    except Exception as error:
        raise ModelFileError(
            f"{name!r}: expected an installed package {package!r} that can be imported, "
            f"got {_words(error)}"
        ) from error
    if isinstance(resource, Path):
        return read_model_file(resource)
    source = str(resource)
    try:
        data = resource.read_bytes() if resource.is_file() else None
    # A damaged archive: what zipfile and its decoders raise is a dozen kinds.
    except Exception as error:
        raise ModelFileError(
            f"{source!r}: expected a readable file, got {_words(error)}"
        ) from error
    if data is None:
        raise ModelNotFoundError(f"{source!r}: expected a model file, got no such file")
    return parse_model_file(data, source=source)


def _words(error: Exception) -> str:
    from minivgg_edge.import_failure import import_reason

    return f"{type(error).__name__}: {import_reason(error)}"


def _offered() -> dict[str, list[str]]:
    """Return the packages that model wheels name as a model's, by the model's name.

    More than one is a conflict for those who ask for this name, and for nobody else.
    """
    from importlib.metadata import distributions  # slow to import, and only names need it

    offered: dict[str, list[str]] = {}
    # Not `entry_points()`: it fails as a whole where one distribution's list is damaged.
    found = (offered_by(distribution) for distribution in distributions())
    for point in (point for points in found if not isinstance(points, str) for point in points):
        packages = offered.setdefault(point.name, [])
        # The same value twice is one distribution found through two entries of sys.path.
        if point.value not in packages:
            packages.append(point.value)
    return offered
