"""The zip reader, against `zipfile`: what it accepts, both read alike; the rest is refused."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge.archive import has_zip, read_stored_zip, stored_zip
from minivgg_edge.errors import ModelFileError

PREFIX = b"\x1c\x00\x00\x00TFL3" + bytes(range(256))
ENTRIES = {"labels.txt": b"cat\ndog\n", "a/Vögel.bin": bytes(range(99)), "empty": b""}
PACKED = stored_zip(ENTRIES, prefix=PREFIX)
# What zipfile raises for damaged bytes, by its source.
ZIP_ERRORS = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, OverflowError,
    ValueError, struct.error,
)  # fmt: skip

_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def _read(data: bytes) -> dict[str, bytes] | None:
    """The entries, or None after a typed refusal."""
    try:
        return read_stored_zip(data, where="m")[0]
    except ModelFileError as error:
        assert str(error).startswith("m: ")  # noqa: PT017
        return None


def _oracle(data: bytes) -> dict[str, bytes] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except ZIP_ERRORS:
        return None


@settings(deadline=None)
@given(
    entries=st.dictionaries(_NAMES, st.binary(max_size=40), max_size=4),
    prefix=st.binary(max_size=20),
)
def test_what_we_write(entries: dict[str, bytes], prefix: bytes) -> None:
    data = stored_zip(entries, prefix=prefix)
    assert has_zip(data)
    assert read_stored_zip(data, where="m") == (entries, len(prefix))
    assert _oracle(data) == entries


@settings(deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), max_size=3)
)
def test_changed_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(PACKED)
    for place, value in changes:
        data[place] = value
    got = _read(bytes(data))
    assert got is None or got == ENTRIES or got == _oracle(bytes(data))


@settings(deadline=None)
@given(
    place=st.integers(len(PREFIX), len(PACKED)),
    removed=st.integers(0, 50),
    inserted=st.one_of(st.binary(max_size=50), st.just(PACKED[len(PREFIX) :])),
)
def test_removed_and_inserted_blocks(place: int, removed: int, inserted: bytes) -> None:
    data = PACKED[:place] + inserted + PACKED[place + removed :]
    got = _read(data)
    assert got is None or got == _oracle(data)


def test_every_flip_behind_the_first_entry_s_data_is_harmless_or_refused() -> None:
    accepted = 0
    for place in range(len(PREFIX), len(PACKED)):
        for bit in range(8):
            data = bytearray(PACKED)
            data[place] ^= 1 << bit
            got = _read(bytes(data))
            accepted += got is not None
            assert got is None or list(got.values()) == list(ENTRIES.values())
    # Left free: who made it, attributes, and a name whose letters stay letters in both headers,
    # which one flip cannot do. Per entry: 2 + 2 + 4 bytes of the directory.
    assert accepted == 8 * len(ENTRIES) * 8


def test_every_truncation_is_refused() -> None:
    for size in range(len(PACKED)):
        assert not has_zip(PACKED[:size])
        assert _read(PACKED[:size]) is None
    assert not has_zip(PACKED + b"x")


def test_offsets_may_count_from_the_zip_s_own_start() -> None:
    assert read_stored_zip(PREFIX + stored_zip(ENTRIES), where="m") == (ENTRIES, len(PREFIX))


def test_comments_and_extra_fields_are_skipped() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in ENTRIES.items():
            info = zipfile.ZipInfo(name)
            info.comment = b"about " + name.encode()
            info.extra = b"\xfe\xca\x03\x00abc"
            archive.writestr(info, content)
        archive.comment = b"PK and more"
    assert read_stored_zip(PREFIX + buffer.getvalue(), where="m") == (ENTRIES, len(PREFIX))


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip is not installed")
def test_info_zip(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(b"cat\n")
    (tmp_path / "data.bin").write_bytes(bytes(1000))
    command = ["zip", "-q", "-0", "files.zip", "labels.txt", "data.bin"]
    subprocess.run(command, cwd=tmp_path, check=True)
    got = read_stored_zip((tmp_path / "files.zip").read_bytes(), where="m")
    assert got == ({"labels.txt": b"cat\n", "data.bin": bytes(1000)}, 0)


# --- kinds of zip that are refused ----------------------------------------------------------------


def _changed(signature: bytes, offset: int, layout: str, value: int) -> bytes:
    """The packed file with one number changed in its last header of a kind."""
    data = bytearray(PACKED)
    struct.pack_into(layout, data, data.rindex(signature) + offset, value)
    return bytes(data)


def _central(offset: int, value: int, layout: str = "<H") -> bytes:
    return _changed(b"PK\1\2", offset, layout, value)


def _end(offset: int, value: int, layout: str = "<H") -> bytes:
    return _changed(b"PK\5\6", offset, layout, value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no record that ends it"),
        (PACKED[:-1], "no record that ends it"),
        (_end(20, 1), "no record that ends it"),
        (_end(4, 1), "one of several disks"),
        (_end(6, 1), "one of several disks"),
        (_end(8, 2), "one of several disks"),
        (_end(16, 0xFFFFFFFF, "<L"), "a directory that starts too early"),
        (_end(12, 1, "<L"), "no b'PK"),
        (_central(34, 1), "'empty' of a kind that is not read here"),
        (_central(6, 45), "'empty' of a kind that is not read here"),
        (_central(8, 8), "'empty' of a kind that is not read here"),
        (_central(20, 1, "<L"), "'empty' of a kind that is not read here"),
        (_central(8, 1), "'empty': expected an uncompressed, unencrypted entry, got an encrypted"),
        (_central(10, 8), "'empty': expected an uncompressed.*, got compression method 8"),
        (_central(12, 1), "'empty' with a header that contradicts the directory"),
        (_central(16, 1, "<L"), "'empty' with a header that contradicts the directory"),
        (_central(42, 0, "<L"), "'empty' apart from the entry before it"),
        (_central(30, 1), "bytes that belong to no entry"),
        (PACKED.replace(b"cat", b"dog"), "'labels.txt' with another CRC-32 than [0-9a-f]{8}"),
        (PACKED.replace(b"empt", b"\xe4mpt"), "'ascii' codec can't decode"),
    ],
)  # fmt: skip
def test_refusals(data: bytes, message: str) -> None:
    with pytest.raises(ModelFileError, match=f"^m: .*{message}"):
        read_stored_zip(data, where="m")


def _written(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        change(archive)
    return buffer.getvalue()


def test_a_name_twice() -> None:
    def twice(archive: zipfile.ZipFile) -> None:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"2")

    with pytest.raises(ModelFileError, match="m: 'a': expected one entry, got two"):
        read_stored_zip(_written(twice), where="m")


def test_zip64_and_streamed_zips() -> None:
    def zip64(archive: zipfile.ZipFile) -> None:
        with archive.open("a", "w", force_zip64=True) as stream:
            stream.write(b"1")

    written = _written(zip64)
    # Before Python 3.11.4 the sizes stand in the header too; then there is nothing to refuse.
    sizes_elsewhere = b"\xff" * 8 in written
    assert _read(written) == (None if sizes_elsewhere else {"a": b"1"})

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("not seekable")

        def tell(self) -> int:
            raise OSError("not seekable")

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"1")  # with its sizes behind the data
    assert _oracle(stream.getvalue()) == {"a": b"1"}
    assert _read(stream.getvalue()) is None


def test_bytes_between_the_entries_and_the_directory() -> None:
    start = PACKED.index(b"PK\1\2")
    data = bytearray(PACKED[:start] + b"gap" + PACKED[start:])
    struct.pack_into("<L", data, len(data) - 6, start + 3)  # where the directory is now
    assert _oracle(bytes(data)) == ENTRIES
    with pytest.raises(ModelFileError, match="bytes that belong to no entry"):
        read_stored_zip(bytes(data), where="m")


def test_entries_that_share_bytes() -> None:
    # Two listings of one entry, the second under another name of the same length.
    start = PACKED.index(b"PK\1\2")
    first_size = 46 + len("labels.txt")
    listing = PACKED[start : start + first_size]
    body = PACKED[len(PREFIX) : len(PREFIX) + 30 + len("labels.txt") + len(ENTRIES["labels.txt"])]
    listing = listing[:42] + struct.pack("<L", 0) + listing[46:]
    directory = listing + listing.replace(b"labels.txt", b"Labels.txt")
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    with pytest.raises(ModelFileError, match=r"'Labels.txt' apart from the entry before it"):
        read_stored_zip(body + directory + end, where="m")
