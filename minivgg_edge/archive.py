"""The zip that a compiled model carries after its flatbuffer: written and read uncompressed.

`zipfile` writes it, at the desk. A device reads it with the code below, since importing `zipfile`
takes more instructions than loading a model into the runtime, and since what is read here is the
plainest kind of zip: entries one behind the other up to the directory, on one disk, uncompressed,
their sizes known when their headers were written. Extra fields and comments are skipped, all else
is refused: there is no byte behind the flatbuffer that belongs to nothing.

Layouts and names of the fields: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import struct
from typing import Any
from zlib import crc32

from minivgg_edge.errors import ModelFileError

_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\3\4"
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_CENTRAL_SIGNATURE = b"PK\1\2"
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\5\6"
_LONGEST_COMMENT = 0xFFFF
# From "version needed to extract" to "file name length": the same nine fields in both headers.
_COMMON_IN_LOCAL = slice(1, 10)
_COMMON_IN_CENTRAL = slice(2, 11)

_ENCRYPTED = 1 << 0  # general purpose bit flag
_UTF8 = 1 << 11
_STORED = 0  # compression method
_NEWEST_VERSION = 20  # version 2.0 needed to extract; above it are the kinds of zip not read here


def stored_zip(entries: dict[str, bytes], prefix: bytes = b"") -> bytes:
    """Return `prefix` and after it a zip of uncompressed entries; equal arguments give equal bytes.

    Offsets in the zip count from the start of `prefix`, as in every self-extracting archive.
    """
    import io
    import zipfile

    buffer = io.BytesIO()
    buffer.write(prefix)
    with zipfile.ZipFile(buffer, "a" if prefix else "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix: the default depends on the system that packs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def has_zip(data: bytes) -> bool:
    """Say whether bytes end as a zip does."""
    return _find_end(data) >= 0


def quoted(names: str | list[str]) -> str:
    """Return names out of a file as `repr` does, cut to a length that fits a message."""
    import reprlib  # for messages, never for a start

    return reprlib.repr(names)


def read_stored_zip(data: bytes, *, where: str) -> tuple[dict[str, bytes], int]:
    """Return the entries of an appended zip by name, and the offset at which the zip starts.

    Args:
        data: The whole file. Offsets in the zip may count from its start or from the zip's own.
        where: What the bytes are, as the start of every message.

    Raises:
        ModelFileError: The zip is damaged, has a name twice, an entry is compressed or encrypted,
            or it is of another kind that is not read here.
    """
    try:
        return _read(data, where)
    except ValueError as error:  # also UnicodeDecodeError
        raise ModelFileError(
            f"{where}: expected a sound zip of uncompressed entries, got: {error}"
        ) from error


def _read(data: bytes, where: str) -> tuple[dict[str, bytes], int]:
    end = _find_end(data)
    if end < 0:
        raise ValueError("no record that ends it")
    directory, shift, count = _read_end(data, end)
    entries: dict[str, bytes] = {}
    start = position = listed = directory
    for number in range(count):
        name, offset, repeated, listed = _read_listed(data, listed, end, where)
        if name in entries:
            raise ModelFileError(f"{where}: {quoted(name)}: expected one entry, got two")
        if number == 0:
            start = position = offset + shift
        if offset + shift != position:
            raise ValueError(f"{quoted(name)} apart from the entry before it")
        entries[name], position = _read_entry(data, name, repeated, position, directory)
    if position != directory or listed != end:
        raise ValueError("bytes that belong to no entry")
    return entries, start


def _find_end(data: bytes) -> int:
    """Return the offset of the record that ends a zip, or -1."""
    earliest = max(0, len(data) - _END.size - _LONGEST_COMMENT)
    end = data.rfind(_END_SIGNATURE, earliest)
    if end < 0 or end + _END.size > len(data):
        return -1
    *_, comment_size = _END.unpack_from(data, end)
    return end if end + _END.size + comment_size == len(data) else -1


def _read_end(data: bytes, end: int) -> tuple[int, int, int]:
    """Return where the directory starts, what offsets in the zip lack there, and their number."""
    _, disk, first_disk, count_here, count, size, offset, _ = _END.unpack_from(data, end)
    if disk != 0 or first_disk != 0 or count_here != count:
        raise ValueError("one of several disks")
    directory = end - size
    if directory < offset:
        raise ValueError("a directory that starts too early")
    return directory, directory - offset, count


def _read_listed(
    data: bytes, start: int, end: int, where: str
) -> tuple[str, int, tuple[int | bytes, ...], int]:
    """Read what the directory lists at an offset.

    Returns:
        The entry's name, the offset of its header in the zip, what this header has to repeat, and
        the offset behind the listing.
    """
    header = _unpack(_CENTRAL, _CENTRAL_SIGNATURE, data, start, end)
    _, _, needed, flags, method, _, _, _, packed_size, size, *rest = header
    name_size, extra_size, comment_size, disk, _, _, offset = rest
    name_start = start + _CENTRAL.size
    raw_name = data[name_start : name_start + name_size]
    name = raw_name.decode("utf-8" if flags & _UTF8 else "ascii")
    if method != _STORED or flags & _ENCRYPTED:
        got = "an encrypted one" if flags & _ENCRYPTED else f"compression method {method}"
        raise ModelFileError(
            f"{where}: {quoted(name)}: expected an uncompressed, unencrypted entry, got {got}"
        )
    if needed > _NEWEST_VERSION or flags & ~_UTF8 or packed_size != size or disk != 0:
        raise ValueError(f"{quoted(name)} of a kind that is not read here")
    repeated = (*header[_COMMON_IN_CENTRAL], raw_name)
    return name, offset, repeated, name_start + name_size + extra_size + comment_size


def _read_entry(
    data: bytes, name: str, repeated: tuple[int | bytes, ...], start: int, end: int
) -> tuple[bytes, int]:
    """Return the content of an entry whose header is at `start`, and the offset behind it."""
    header = _unpack(_LOCAL, _LOCAL_SIGNATURE, data, start, end)
    *_, crc, _, size, name_size, extra_size = header
    name_start = start + _LOCAL.size
    raw_name = data[name_start : name_start + name_size]
    if (*header[_COMMON_IN_LOCAL], raw_name) != repeated:
        raise ValueError(f"{quoted(name)} with a header that contradicts the directory")
    content_start = name_start + name_size + extra_size
    content_end = content_start + size
    content = data[content_start:content_end]
    if content_end > end:
        raise ValueError(f"{quoted(name)} cut off")
    if crc32(content) != crc:
        raise ValueError(f"{quoted(name)} with another CRC-32 than {crc:08x}")
    return content, content_end


def _unpack(layout: struct.Struct, signature: bytes, data: bytes, start: int, end: int) -> Any:
    if start + layout.size > end or data[start : start + len(signature)] != signature:
        raise ValueError(f"no {signature!r} at byte {start}")
    return layout.unpack_from(data, start)
