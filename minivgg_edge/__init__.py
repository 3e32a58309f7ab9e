"""Classify pictures with a compiled MiniVGG, on numpy and a LiteRT-compatible runtime.

`Classifier` and its results are imported when they are first asked for (PEP 562). They need numpy,
whose import takes most of a short program's time; the command line's help does without.
"""

from typing import TYPE_CHECKING

from minivgg_edge.errors import (
    ClosedError,
    MinivggEdgeError,
    ModelError,
    ModelFileError,
    ModelNotFoundError,
    ModelVersionError,
    PictureError,
    RuntimeUnavailableError,
)

if TYPE_CHECKING:
    from minivgg_edge.classifier import Classifier
    from minivgg_edge.results import ModelInfo, Prediction
    from minivgg_edge.self_check import SelfTestReport, self_test
    from minivgg_edge.unverified import Unverified

__all__ = [
    "Classifier",
    "ClosedError",
    "MinivggEdgeError",
    "ModelError",
    "ModelFileError",
    "ModelInfo",
    "ModelNotFoundError",
    "ModelVersionError",
    "PictureError",
    "Prediction",
    "RuntimeUnavailableError",
    "SelfTestReport",
    "Unverified",
    "__version__",
    "self_test",
]

__version__ = "0.1.0"

if not TYPE_CHECKING:  # a type checker would take every name for one that exists

    def __getattr__(name: str) -> object:
        """Import a class at its first use; it becomes an ordinary attribute."""
        if name == "Classifier":
            from minivgg_edge import classifier as module
        elif name in ("ModelInfo", "Prediction"):
            from minivgg_edge import results as module
        elif name in ("SelfTestReport", "self_test"):
            from minivgg_edge import self_check as module
        elif name == "Unverified":
            from minivgg_edge import unverified as module
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(module, name))

    def __dir__() -> list[str]:
        """Return also the names that are not imported yet."""
        return sorted({*globals(), *__all__})
