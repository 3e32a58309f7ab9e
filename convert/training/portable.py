"""A `.keras` file for other versions of Keras too, and with bytes that the model alone decides."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_CONFIG = "config.json"
_METADATA = "metadata.json"
# The earliest date that a zip entry can have.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def portable(data: bytes, model: keras.Model) -> bytes:
    """Rewrite a saved model without default arguments in its description and without dates.

    Every Keras release describes layers with the arguments it knows, and an older one refuses
    those that it does not: what 3.15 saves, 3.12 (the last for Python 3.10) cannot load. How
    kernels are initialized is left out as well: saved weights replace it. Dates are left out so
    that two trainings with equal weights give equal files, and equal compiled files and wheels.

    Args:
        data: the bytes of the `.keras` file.
        model: the functional model in it, built of Keras's own layers.

    Returns:
        The bytes of the file with another description and the same weights.
    """
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(buffer, "w") as target,
    ):
        for info in source.infolist():
            content = source.read(info)
            if info.filename == _CONFIG:
                config = json.loads(content)
                for description in config["config"]["layers"]:
                    layer = model.get_layer(description["name"])
                    description["config"] = _without_defaults(layer, description["config"])
                content = json.dumps(config).encode()
            elif info.filename == _METADATA:
                metadata = json.loads(content)
                metadata.pop("date_saved", None)
                content = json.dumps(metadata).encode()
            entry = zipfile.ZipInfo(info.filename, _ZIP_DATE)
            entry.compress_type = info.compress_type
            target.writestr(entry, content)
    return buffer.getvalue()


def _without_defaults(layer: keras.Layer, config: dict[str, Any]) -> dict[str, Any]:
    if type(layer).__name__ == "Rescaling":
        return config  # its own from_config counts on every key
    parameters = inspect.signature(type(layer).__init__).parameters
    return {
        key: value
        for key, value in config.items()
        if key != "kernel_initializer"
        and not (key in parameters and parameters[key].default == value)
    }
