"""The names of a model wheel: the model's, the distribution's, the import package's."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

import minivgg_edge
from convert.packaging.errors import PackagingError

# The names of wheels share one space with all of PyPI: under one of these, the wheel would replace
# what the classifier itself needs, or its runtime.
RESERVED = frozenset(
    (
        *("minivgg-edge", "numpy", "pillow", "ai-edge-litert", "tflite-runtime"),
        *("backports-strenum", "flatbuffers", "ml-dtypes", "protobuf", "tqdm", "typing-extensions"),
        *("pip", "setuptools", "wheel", "packaging"),
    )
)

_PACKAGE_PREFIX = "minivgg_edge_model_"
_SUFFIX = ".tflite"
_LONGEST = 100
# A distribution's name (the packaging user guide, "Names and normalization"): ASCII only.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_EXAMPLE = "my-parts"


@dataclass(frozen=True, slots=True)
class WheelNames:
    """What a model is called in each place.

    Attributes:
        model: what `Classifier` takes, for example "My.Parts".
        distribution: what pip shows and uninstalls, normalized: "my-parts".
        package: the importable package that holds the file: "minivgg_edge_model_my_parts".
    """

    model: str
    distribution: str
    package: str

    @property
    def escaped(self) -> str:
        """The distribution's name as file names have it: "my_parts"."""
        return self.distribution.replace("-", "_")


def wheel_names(model: str) -> WheelNames:
    """Derive the names of a wheel from the model's.

    Raises:
        PackagingError: no distribution, or no installed model, can have this name; the message
            suggests another one.
    """
    if len(model) > _LONGEST or _NAME.fullmatch(model) is None:
        raise PackagingError(
            f"name: expected up to {_LONGEST} letters a-z, digits, '.', '_' and '-', with a letter "
            f"or digit at both ends (labels may have any letters), got {model!r}; "
            f"for example --name {suggestion(model)}"
        )
    distribution = str(canonicalize_name(model))
    if model.lower().endswith(_SUFFIX):
        raise PackagingError(
            f"name: expected a name without {_SUFFIX}, which would be taken for a file's, "
            f"got {model!r}; for example --name {suggestion(model[: -len(_SUFFIX)])}"
        )
    if distribution in RESERVED:
        raise PackagingError(
            f"name: expected one that no package of the classifier has, got {model!r}; "
            f"for example --name {distribution}-model"
        )
    if distribution in _bundled():
        raise PackagingError(
            f"name: expected another name than that of a bundled model, which would hide the "
            f"wheel's, got {model!r}; for example --name my-{distribution}"
        )
    return WheelNames(model, distribution, _PACKAGE_PREFIX + distribution.replace("-", "_"))


def wheel_version(text: str) -> str:
    """Return a version in its normal form (PEP 440).

    Raises:
        PackagingError: it is none.
    """
    try:
        return str(Version(text))
    except InvalidVersion as error:
        raise PackagingError(
            f"version: expected one like 1.0, 2.1.3 or 1.0rc1 (PEP 440), got {text!r}"
        ) from error


def suggestion(text: str) -> str:
    """Return a name that resembles `text` and is allowed, or an example."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9._]+", "-", plain)[:_LONGEST].strip("-._")
    return words or _EXAMPLE


def _bundled() -> frozenset[str]:
    folder = Path(minivgg_edge.__file__).parent / "models"
    return frozenset(str(canonicalize_name(p.stem)) for p in folder.glob(f"*{_SUFFIX}"))
