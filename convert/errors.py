"""The desk side's errors: each names the file or value, what was expected and what was got."""

from minivgg_edge.errors import MinivggEdgeError


class ConvertError(MinivggEdgeError):
    """Base class of everything that training, quantizing or packaging refuses."""


class DataError(ConvertError):
    """A data set that is missing, damaged, or cannot be trained or measured on."""


class FloatModelError(ConvertError):
    """A Keras model that cannot be read safely or does not fit the data or the converter."""


class ConversionError(ConvertError):
    """The TensorFlow Lite converter failed, or its result does not run."""


class AuditError(ConvertError):
    """The converted graph is not what it claims to be: a float op, a wrong end, an unknown op."""


class TrainingError(ConvertError):
    """A run that cannot start, resume or go on."""


class CheckpointError(TrainingError):
    """A checkpoint that this run cannot go on with: damaged, of another run or another version."""


class FolderInUseError(ConvertError):
    """Another run is at work in the folder that a run was to write into."""


class OutputExistsError(ConvertError):
    """An output file exists with other content and `--force` was not given."""
