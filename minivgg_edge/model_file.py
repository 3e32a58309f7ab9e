"""A compiled model file: a TFLite flatbuffer and, appended to it, a zip with manifest and labels.

Native code answers a damaged flatbuffer with a crash or, worse, with wrong labels. So the bytes are
read once, and the length and SHA-256 of every part are checked before a runtime sees them.
docs/model-file.md specifies the format.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from minivgg_edge.archive import has_zip, quoted, read_stored_zip, stored_zip
from minivgg_edge.errors import ModelFileError, ModelNotFoundError
from minivgg_edge.manifest import MAX_FILE_BYTES, EntryDigest, Manifest, parse_manifest
from minivgg_edge.record import Record, field

try:
    # What `hashlib.sha256` is. Importing hashlib would ask OpenSSL for a dozen other algorithms,
    # which costs a start more than reading a manifest does.
    from _hashlib import openssl_sha256 as sha256
except ImportError:  # a Python without OpenSSL
    from hashlib import sha256

if TYPE_CHECKING:
    from minivgg_edge.golden import GoldenVectors

_IDENTIFIER = slice(4, 8)
_TFLITE_IDENTIFIER = b"TFL3"
_MANIFEST = "manifest.json"
_LABELS = "labels.txt"
_GOLDEN = "golden.npz"
_ADVICE = (
    "at the desk, `python -m convert.quantize` compiles one from a float Keras model and "
    "`python -m convert.package --adopt` makes one of a plain TFLite model"
)


class ModelFile(Record):
    """The verified parts of a compiled model.

    Attributes:
        flatbuffer: What the runtime loads.
        manifest: What the model says about itself.
        golden: The raw bytes of ``golden.npz``.
        sha256: SHA-256 of the whole file, in lower-case hex.
        size_bytes: Length of the whole file.
        source: The file's name as it was asked for.
    """

    flatbuffer: bytes = field(repr=False)
    manifest: Manifest = field(repr=False)
    golden: bytes = field(repr=False)
    sha256: str
    size_bytes: int
    source: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the output tensor."""
        return self.manifest.labels

    def golden_vectors(self) -> GoldenVectors:
        """Decode the golden vectors.

        Raises:
            ModelFileError: They do not fit the manifest.
        """
        from minivgg_edge.golden import parse_golden_vectors  # not for a start

        return parse_golden_vectors(self.golden, self.manifest, source=self.source)


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """Read and verify a compiled model.

    Args:
        path: A regular file of at most 512 MiB.

    Raises:
        ModelNotFoundError: There is no such file.
        ModelFileError: The file is unreadable, damaged or not a compiled model.
        ModelVersionError: The file is made for another version of this package.
    """
    source = os.fspath(path)
    return parse_model_file(read_regular_file(source), source=source)


def read_regular_file(source: str) -> bytes:
    """Read a model file once and as a whole, without looking into it.

    Args:
        source: Path of a regular file of at most 512 MiB.

    Raises:
        ModelNotFoundError: There is no such file.
        ModelFileError: The file is unreadable, no regular file, too large, or changes meanwhile.
    """
    try:
        return _read_whole(source)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFoundError(f"{source!r}: expected a model file, got no such file") from None
    except OSError as error:
        raise ModelFileError(
            f"{source!r}: expected a readable file, got: {error.strerror or error}"
        ) from error


def parse_model_file(data: bytes, *, source: str) -> ModelFile:
    """Verify the bytes of a compiled model.

    Args:
        data: The whole file.
        source: The file's name for messages.

    Raises:
        ModelFileError: The bytes are damaged or not a compiled model.
        ModelVersionError: They are made for another version of this package.
    """
    check_identifier(data, source)
    if not has_zip(data):
        raise ModelFileError(
            f"{source!r}: expected a zip with {_MANIFEST} after the model, got none: the file is "
            f"truncated, or a plain TFLite model without a manifest; {_ADVICE}"
        )
    entries, zip_start = read_stored_zip(data, where=f"{source!r}")
    if _MANIFEST not in entries:
        raise ModelFileError(
            f"{source!r}: expected {_MANIFEST} in the zip after the model, "
            f"got {quoted(sorted(entries))}; {_ADVICE}"
        )
    manifest = parse_manifest(entries[_MANIFEST], source=source)
    _check_names(entries, manifest, source)
    size = manifest.flatbuffer.size_bytes
    if zip_start != size:
        raise ModelFileError(
            f"{source!r}: flatbuffer: expected {size} bytes before the zip, got {zip_start}"
        )
    flatbuffer = data[:size]
    digest = sha256(flatbuffer)
    _check_digest("flatbuffer", EntryDigest(digest.hexdigest(), size), manifest.flatbuffer, source)
    for name, expected in manifest.entries.items():
        _check_digest(name, _digest(entries[name]), expected, source)
    if entries[_LABELS] != _labels_text(manifest):
        raise ModelFileError(
            f"{source!r}: {_LABELS}: expected the labels of {_MANIFEST}, one a line, got others"
        )
    digest.update(memoryview(data)[size:])  # goes on to the hash of the whole file
    return ModelFile(
        flatbuffer=flatbuffer,
        manifest=manifest,
        golden=entries[_GOLDEN],
        sha256=digest.hexdigest(),
        size_bytes=len(data),
        source=source,
    )


def pack_model_file(flatbuffer: bytes, manifest: Manifest, *, golden: GoldenVectors) -> bytes:
    """Return the bytes of a compiled model; equal arguments give equal bytes.

    Args:
        flatbuffer: A TFLite model without appended files.
        manifest: The manifest; its `flatbuffer` and `entries` are replaced by the true digests.
        golden: Golden vectors that fit the manifest.

    Raises:
        ModelFileError: The parts do not make a file that `parse_model_file` would accept.
    """
    import dataclasses  # for the desk; a start on a device does without

    source = manifest.name
    check_identifier(flatbuffer, source)
    if has_zip(flatbuffer):
        raise ModelFileError(
            f"{source!r}: flatbuffer: expected nothing after the model, got an appended zip"
        )
    entries = {_LABELS: _labels_text(manifest), _GOLDEN: golden.to_npz()}
    complete = dataclasses.replace(
        manifest,
        flatbuffer=_digest(flatbuffer),
        entries={name: _digest(data) for name, data in entries.items()},
    )
    packed = stored_zip({**entries, _MANIFEST: complete.to_json()}, prefix=flatbuffer)
    # What the device would refuse must not leave the desk.
    parse_model_file(packed, source=source).golden_vectors()
    return packed


def _read_whole(source: str) -> bytes:
    # Asked before opening: the open of a named pipe waits for a writer, that of a device may act.
    try:
        status = os.stat(source)  # noqa: PTH116 - a start does without pathlib
    except ValueError as error:  # a NUL character in the name
        raise FileNotFoundError(str(error)) from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise ModelFileError(f"{source!r}: expected a regular file, got {kind}")
    with open(source, "rb", opener=_open_without_waiting) as stream:
        status = os.fstat(stream.fileno())  # of what was opened; the name may be another's by now
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{source!r}: expected a regular file, got another meanwhile")
        size = status.st_size
        if size > MAX_FILE_BYTES:
            raise ModelFileError(f"{source!r}: expected at most {MAX_FILE_BYTES} bytes, got {size}")
        # Not more than there is to read: a buffer of the largest size is refused where a limit of
        # memory is set.
        data = stream.read(size + 1)
    if len(data) != size:
        got = "more" if len(data) > size else len(data)
        raise ModelFileError(f"{source!r}: expected {size} bytes, got {got}: it changes while read")
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def check_identifier(data: bytes, source: str) -> None:
    if not data:
        raise ModelFileError(f"{source!r}: expected a compiled model, got an empty file")
    got = bytes(data[_IDENTIFIER])
    if got != _TFLITE_IDENTIFIER:
        raise ModelFileError(
            f"{source!r}: expected a TFLite model with {_TFLITE_IDENTIFIER!r} at bytes 4 to 7, "
            f"got {got!r}"
        )


def _check_names(entries: dict[str, bytes], manifest: Manifest, source: str) -> None:
    listed = {*manifest.entries, _MANIFEST}
    if set(entries) != listed or not {_LABELS, _GOLDEN} <= listed:
        expected = sorted({*listed, _LABELS, _GOLDEN})
        raise ModelFileError(
            f"{source!r}: expected the entries {quoted(expected)}, got {quoted(sorted(entries))}"
        )


def _check_digest(name: str, got: EntryDigest, expected: EntryDigest, source: str) -> None:
    if got.size_bytes != expected.size_bytes:
        raise ModelFileError(
            f"{source!r}: {quoted(name)[1:-1]}: expected {expected.size_bytes} bytes, "
            f"got {got.size_bytes}"
        )
    if got.sha256 != expected.sha256:
        raise ModelFileError(
            f"{source!r}: {quoted(name)[1:-1]}: expected SHA-256 {expected.sha256}, "
            f"got {got.sha256}: damaged"
        )


def _digest(data: bytes) -> EntryDigest:
    return EntryDigest(sha256(data).hexdigest(), len(data))


def _labels_text(manifest: Manifest) -> bytes:
    return "".join(f"{label}\n" for label in manifest.labels).encode("utf-8")
