"""A `.keras` file that other versions of Keras read too: only what differs from the defaults."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_CONFIG = "config.json"


def portable(data: bytes, model: keras.Model) -> bytes:
    """Rewrite a saved model so that its description has no arguments at their default values.

    Every Keras release describes layers with the arguments it knows, and an older one refuses
    those that it does not: what 3.15 saves, 3.12 (the last for Python 3.10) cannot load. How
    kernels are initialized is left out as well: saved weights replace it.

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
                for entry in config["config"]["layers"]:
                    layer = model.get_layer(entry["name"])
                    entry["config"] = _without_defaults(layer, entry["config"])
                content = json.dumps(config).encode()
            target.writestr(info, content)
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
