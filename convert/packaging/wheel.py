"""A compiled model as a wheel for every Python and machine; same arguments, same bytes.

The `packaging` library checks and writes the metadata. The zip is written by the code that writes
model files, uncompressed: what `wheel.wheelfile`, hatchling and flit write depends on the zlib of
the day, and on SOURCE_DATE_EPOCH or the operating system. What is left are the three short files
that the binary distribution format asks for beside METADATA:
https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import InvalidMetadata, Metadata, RawMetadata
from packaging.version import Version

from convert.packaging.errors import PackagingError
from convert.packaging.names import WheelNames
from minivgg_edge import __version__
from minivgg_edge.archive import read_stored_zip, stored_zip
from minivgg_edge.catalog import ENTRY_POINT_GROUP
from minivgg_edge.errors import ModelFileError
from minivgg_edge.model_file import ModelFile, parse_model_file, read_model_file

_TAG = "py3-none-any"
_MANIFEST = "manifest.json"
# The oldest version of the metadata that has the fields used; License-Expression came with 2.4.
_METADATA_VERSION = "2.1"
_METADATA_VERSION_WITH_LICENSE = "2.4"


@dataclass(frozen=True, slots=True)
class WheelSpec:
    """What a wheel says about itself; empty texts are left out.

    Attributes:
        names: of the model, the distribution and the package.
        version: in its normal form.
        summary: one line.
        author: a person or organization.
        license: an SPDX expression, for example "CC-BY-4.0".
    """

    names: WheelNames
    version: str
    summary: str = ""
    author: str = ""
    license: str = ""

    @property
    def file_name(self) -> str:
        """The file's name; pip reads distribution, version and tag from it."""
        return f"{self.names.escaped}-{self.version}-{_TAG}.whl"


def read_model(path: Path) -> tuple[bytes, ModelFile]:
    """Read a compiled model: its bytes, and the same verified.

    Raises:
        ModelError: it is not a compiled model, is damaged, or there is none.
        OSError: it cannot be read.
    """
    verified = read_model_file(path)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != verified.sha256:
        raise ModelFileError(f"{str(path)!r}: expected a file at rest, got one that changes")
    return data, verified


def renamed(data: bytes, name: str, *, source: str) -> bytes:
    """Return a compiled model under another name, all else kept; the same bytes for its own name.

    Raises:
        ModelError: the result is not a model that a device would accept.
    """
    if parse_model_file(data, source=source).manifest.name == name:
        return data
    entries, start = read_stored_zip(data, where=f"{source!r}")
    # Changed as JSON, not as a `Manifest`: a later minor version's fields stay.
    document = json.loads(entries[_MANIFEST]) | {"name": name}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    entries[_MANIFEST] = (text + "\n").encode("utf-8")
    packed = stored_zip(entries, prefix=data[:start])
    parse_model_file(packed, source=source)
    return packed


def build_wheel(data: bytes, spec: WheelSpec, *, card: str) -> bytes:
    """Return the bytes of a wheel that holds one compiled model.

    Args:
        data: the model file; its manifest has the name `spec.names.model`.
        spec: what the wheel says about itself.
        card: the model card, Markdown; becomes the wheel's description.

    Raises:
        ModelError: `data` is not a compiled model of this name.
        PackagingError: a field of `spec` does not fit the metadata of a wheel.
    """
    name = spec.names.model
    manifest = parse_model_file(data, source=name).manifest
    if manifest.name != name:
        raise ModelFileError(f"{name!r}: expected a model of this name, got {manifest.name!r}")
    info = f"{spec.names.escaped}-{spec.version}.dist-info"
    files: dict[str, str | bytes] = {
        # An empty package would do; the sentence tells who finds the folder what it is.
        f"{spec.names.package}/__init__.py": f'"""Holds the model {name} for minivgg-edge."""\n',
        f"{spec.names.package}/{name}.tflite": data,
        f"{info}/METADATA": _metadata(spec, card),
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: minivgg-edge {__version__}\n"
            f"Root-Is-Purelib: true\nTag: {_TAG}\n"
        ),
        f"{info}/entry_points.txt": f"[{ENTRY_POINT_GROUP}]\n{name} = {spec.names.package}\n",
    }
    encoded = {key: v if isinstance(v, bytes) else v.encode("utf-8") for key, v in files.items()}
    return stored_zip({**encoded, f"{info}/RECORD": _record(encoded, f"{info}/RECORD")})


def check_spec(spec: WheelSpec) -> None:
    """Check what a wheel will say about itself, before there is a model for it.

    Raises:
        PackagingError: a field of `spec` does not fit the metadata of a wheel.
    """
    _metadata(spec, "")


def requirement() -> str:
    """Return what a wheel made by this version asks for: this minor version or newer."""
    version = Version(__version__)
    floor = str(version) if version.is_prerelease else f"{version.major}.{version.minor}"
    return f"minivgg-edge>={floor}"


def _metadata(spec: WheelSpec, card: str) -> bytes:
    raw: RawMetadata = {
        "metadata_version": _METADATA_VERSION,
        "name": spec.names.distribution,
        "version": spec.version,
        "requires_dist": [requirement()],
        "description_content_type": "text/markdown",
        "description": card,
    }
    if spec.summary:
        raw["summary"] = spec.summary
    if spec.author:
        _check_line("author", spec.author)
        raw["author"] = spec.author
    if spec.license:
        raw["metadata_version"] = _METADATA_VERSION_WITH_LICENSE
        raw["license_expression"] = spec.license
    try:
        # Writing checks each field; checking all at once would raise an ExceptionGroup, which
        # Python 3.10 does not have.
        return Metadata.from_raw(raw, validate=False).as_rfc822().as_bytes()
    except InvalidMetadata as error:
        raise PackagingError(f"expected fields that a wheel can carry, got: {error}") from error


def _check_line(field: str, text: str) -> None:
    if text.splitlines() != [text]:
        raise PackagingError(f"{field}: expected one line, got {text!r}")


def _record(files: Mapping[str, bytes], own_name: str) -> bytes:
    """List every file with its SHA-256 and length; the list itself without."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(data)))
    writer.writerow((own_name, "", ""))
    return stream.getvalue().encode("utf-8")
