"""The pipeline's errors."""

from convert.errors import ConvertError


class StepError(ConvertError):
    """A step of the pipeline failed; the message begins with its name."""


class StateError(ConvertError):
    """The folder of a run is not what it should be."""
