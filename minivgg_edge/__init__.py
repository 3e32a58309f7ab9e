"""Classify pictures with a compiled MiniVGG, on numpy and a LiteRT-compatible runtime."""

from minivgg_edge.classifier import Classifier
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
from minivgg_edge.results import ModelInfo, Prediction

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
    "__version__",
]

__version__ = "0.1.0"
