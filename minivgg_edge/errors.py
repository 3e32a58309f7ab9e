"""The exceptions of the package, one family under `MinivggEdgeError`.

Problems with a model, a picture or the machine are typed here. A plainly wrong argument (a
picture of an unsupported Python type, ``top_k=0``) stays a `TypeError` or `ValueError`, as
everywhere in Python.
"""


class MinivggEdgeError(Exception):
    """Base of every exception that this package raises on purpose."""


class ModelError(MinivggEdgeError):
    """Base of everything that can be wrong with a compiled model."""


class ModelNotFoundError(ModelError):
    """The model file does not exist, or no installed model has this name."""


class ModelFileError(ModelError):
    """The file is not a compiled model, is damaged, or contradicts its own manifest."""


class ModelVersionError(ModelError):
    """The file is sound, but its manifest or operators need other software versions."""


class PictureError(MinivggEdgeError):
    """A picture is missing, empty, corrupt or too large, or an array is no picture."""


class RuntimeUnavailableError(MinivggEdgeError):
    """No LiteRT-compatible runtime can be imported; the message says what to install."""


class ClosedError(MinivggEdgeError):
    """A `Classifier` was used after `close()`."""
