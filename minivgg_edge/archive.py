"""The zip that a compiled model carries after its flatbuffer: written and read uncompressed."""

from __future__ import annotations

import io
import struct
import zipfile

from minivgg_edge.errors import ModelFileError

# What zipfile raises for damaged bytes, by experiment and by its source; ValueError includes
# UnicodeDecodeError (entry names), NotImplementedError stands for unknown zip versions.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    OverflowError,
    ValueError,
    struct.error,
)


def stored_zip(entries: dict[str, bytes], prefix: bytes = b"") -> bytes:
    """Return `prefix` and after it a zip of uncompressed entries; equal arguments give equal bytes.

    Offsets in the zip count from the start of `prefix`, as in every self-extracting archive.
    """
    buffer = io.BytesIO()
    buffer.write(prefix)
    with zipfile.ZipFile(buffer, "a" if prefix else "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix: the default depends on the system that packs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def read_stored_zip(data: bytes, *, source: str) -> tuple[dict[str, bytes], int]:
    """Return the entries of an appended zip by name, and the offset at which the zip starts.

    Args:
        data: The whole file.
        source: The file's name for messages.

    Raises:
        ModelFileError: The zip is damaged, has a name twice, or an entry is compressed or
            encrypted.
    """
    entries: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            for info in infos:
                _check_entry(info, entries, source)
                entries[info.filename] = archive.read(info)
    except ZIP_ERRORS as error:
        raise ModelFileError(
            f"{source!r}: expected a sound zip after the model, got: {error}"
        ) from error
    return entries, min((info.header_offset for info in infos), default=len(data))


def _check_entry(info: zipfile.ZipInfo, entries: dict[str, bytes], source: str) -> None:
    if info.filename in entries:
        raise ModelFileError(f"{source!r}: {info.filename!r}: expected one entry, got two")
    encrypted = bool(info.flag_bits & 1)
    if info.compress_type != zipfile.ZIP_STORED or encrypted:
        got = "an encrypted one" if encrypted else f"compression method {info.compress_type}"
        raise ModelFileError(
            f"{source!r}: {info.filename!r}: expected an uncompressed, unencrypted entry, got {got}"
        )
