"""What a `.keras` file holds, checked before Keras opens it.

A `.keras` file is a zip of a configuration, metadata and weights in HDF5. Each of the three can ask
for more than a model: the zip can name places outside of itself, the configuration can name code,
and HDF5 can name other files as the place of its data.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.errors import FloatModelError

if TYPE_CHECKING:
    import h5py

# Layers that carry code or read further files: Python byte code (Lambda), a pickle
# (TorchModuleWrapper), a SavedModel (TFSMLayer), a function of another framework, a vocabulary.
# fmt: off
_UNSAFE_LAYERS = frozenset((
    "FlaxLayer", "IntegerLookup", "JaxLayer", "Lambda", "StringLookup", "TFSMLayer",
    "TextVectorization", "TorchModuleWrapper",
))
# Keras' modules of which a model is made. Others hold functions that download, read or switch off.
_CLASS_MODULES = frozenset((
    "activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics",
    "models", "ops", "optimizers", "quantizers", "regularizers",
))
# fmt: on
_FUNCTION_MODULES = frozenset({"activations", "initializers", "losses", "metrics", "ops"})
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_ENTRIES = frozenset({_CONFIG, "metadata.json", _WEIGHTS})

# Weights hardly shrink when they are packed. Pruned ones do, by less than this.
_MAX_RATIO = 32
_ALWAYS_ALLOWED_BYTES = 1 << 24


def check_keras_file(path: Path) -> None:
    """Check name, entries, configuration and weights of a `.keras` file without running any of it.

    Raises:
        FloatModelError: it is missing, of another format, damaged, unpacks to far more than it is,
            holds something else than a model, or names code or other files. The message says what.
    """
    _check_kind(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive)
            # Reads every entry against its checksum: h5py would answer damage with a crash.
            damaged = archive.testzip()
            if damaged is not None:
                raise FloatModelError(f"{path}: {damaged}: the checksum does not match")
            config, weights = json.loads(archive.read(_CONFIG)), archive.read(_WEIGHTS)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise FloatModelError(f"{path}: damaged .keras file: {error}") from error
    _check_config(path, config)
    _check_weights(path, weights)


def _check_kind(path: Path) -> None:
    if path.is_dir():
        raise FloatModelError(f"{path}: expected a .keras file, got a folder")
    if path.suffix.lower() != ".keras":
        raise FloatModelError(
            f"{path}: expected a .keras file, got {path.suffix or 'no suffix'!r} (older formats "
            "can run code while they load: open it with the Keras that wrote it and save it as "
            ".keras)"
        )
    if not path.exists():
        raise FloatModelError(f"{path}: expected a .keras file, got no such file")
    if not path.is_file():
        raise FloatModelError(f"{path}: expected a regular file, got a pipe, socket or device")
    if path.stat().st_size == 0:
        raise FloatModelError(f"{path}: expected a .keras file, got an empty file")
    if not zipfile.is_zipfile(path):
        raise FloatModelError(
            f"{path}: expected a .keras file (a zip), got other bytes or a truncated file"
        )


def _check_entries(path: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    missing = _ENTRIES - set(names)
    if missing:
        raise FloatModelError(f"{path}: expected {sorted(missing)} in the .keras file")
    # Keras unpacks further entries into a folder, whatever place they name.
    others = sorted(set(names) - _ENTRIES)
    if others or len(names) != len(_ENTRIES):
        raise FloatModelError(
            f"{path}: expected {sorted(_ENTRIES)} in the .keras file, once each and alone, "
            f"got also {others or 'a second one of the same name'}"
        )
    unpacked = sum(entry.file_size for entry in archive.infolist())
    _check_growth(path, "the .keras file unpacks", path.stat().st_size, unpacked)


def _check_growth(path: Path, what: str, size: int, unpacked: int) -> None:
    limit = max(_ALWAYS_ALLOWED_BYTES, _MAX_RATIO * size)
    if unpacked > limit:
        raise FloatModelError(
            f"{path}: {what} to {unpacked:,} bytes: expected at most {limit:,}, "
            f"{_MAX_RATIO} times its size"
        )


def _check_config(path: Path, config: Any) -> None:
    if not isinstance(config, dict):
        raise FloatModelError(f"{path}: {_CONFIG}: expected an object, got {config!r:.40}")
    # Loss and metrics of the whole model may be functions of its author; they are not loaded.
    loaded = {key: value for key, value in config.items() if key != "compile_config"}
    for node in _objects(loaded):
        if "class_name" not in node:
            continue
        kind, module = str(node["class_name"]), node.get("module")
        registered = node.get("registered_name")
        settings = node.get("config")
        name = settings.get("name") if isinstance(settings, dict) else settings
        what = f"layer {name!r} is a {kind}"
        if kind in _UNSAFE_LAYERS or kind == "__lambda__":
            raise FloatModelError(
                f"{path}: {what}, which can run foreign code or read other files: replace it by "
                "built-in layers"
            )
        if not _is_of_keras(kind, module, registered):
            raise FloatModelError(
                f"{path}: {what} of module {module!r}, registered as {registered!r}: expected "
                "only layers and functions that Keras makes models of"
            )


def _is_of_keras(kind: str, module: object, registered: object) -> bool:
    if module is None:
        # Without a module Keras looks among those that it knows, and among its own marks.
        return kind != "function" and registered in (None, kind)
    parts = str(module).split(".")
    if parts[0] != "keras":
        return False
    parts = parts[2:] if parts[1:2] == ["src"] else parts[1:]
    if kind == "function":
        return bool(parts) and parts[0] in _FUNCTION_MODULES
    # Classes have names like this; `keras.models.load_model` has not.
    is_class = kind[:1].isupper() and registered in (None, kind)
    return is_class and (not parts or parts[0] in _CLASS_MODULES)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside `value`, at any depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _check_weights(path: Path, weights: bytes) -> None:
    import h5py

    try:
        with h5py.File(io.BytesIO(weights), "r") as file:
            unpacked = sum(_dataset_bytes(path, file))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise FloatModelError(f"{path}: {_WEIGHTS}: damaged: {error}") from error
    _check_growth(path, f"{_WEIGHTS} unpacks", len(weights), unpacked)


def _dataset_bytes(path: Path, file: h5py.File) -> Iterator[int]:
    """Yield the unpacked size of every dataset, and refuse what lies in another file."""
    import h5py

    pending: list[tuple[str, h5py.Group]] = [("", file)]
    seen = set()
    while pending:
        place, group = pending.pop()
        if group.id in seen:  # hard links can form a circle
            continue
        seen.add(group.id)
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise FloatModelError(
                    f"{path}: {_WEIGHTS}: {place}/{name} is a link ({type(link).__name__}): "
                    "expected weights that lie in the file itself"
                )
            item = group[name]
            if isinstance(item, h5py.Group):
                pending.append((f"{place}/{name}", item))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise FloatModelError(
                        f"{path}: {_WEIGHTS}: {place}/{name} has its data in another file"
                    )
                yield int(item.nbytes)
