"""The compiled model file: packing, reading, and a typed refusal of every damage."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minivgg_edge import (
    ModelError,
    ModelFileError,
    ModelNotFoundError,
    ModelVersionError,
    model_file,
)
from minivgg_edge.archive import stored_zip
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.manifest import (
    MAX_FILE_BYTES,
    InputSpec,
    Manifest,
    Operator,
    OutputSpec,
    RuntimeSpec,
)
from minivgg_edge.model_file import (
    ModelFile,
    pack_model_file,
    parse_model_file,
    read_model_file,
)

# Any bytes with the identifier will do where no runtime runs: the format does not look inside.
FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 16

MANIFEST = Manifest(
    name="minivgg",
    description="Katzen und Vögel",
    input=InputSpec(height=32, width=48, dtype="uint8", scale=1.0, zero_point=0),
    output=OutputSpec(classes=3, dtype="int8", scale=0.00390625, zero_point=-128),
    labels=("cat", "7 eleven", "Vögel"),
    runtime=RuntimeSpec((Operator("CONV_2D", 3, 4),), "2.10.0", {"ai-edge-litert": 1}),
)


def _golden(count: int = 2) -> GoldenVectors:
    spec = MANIFEST.input
    inputs = np.arange(count * spec.height * spec.width * 3, dtype=np.int64) % 256
    return GoldenVectors(
        inputs=inputs.astype(np.uint8).reshape(count, spec.height, spec.width, 3),
        outputs=np.arange(count * 3, dtype=np.int8).reshape(count, 3),
    )


@pytest.fixture(scope="module")
def packed() -> bytes:
    """A small compiled model."""
    return pack_model_file(FLATBUFFER, MANIFEST, golden=_golden())


def _rebuilt(packed: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The file with changed zip entries, in a sound zip."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    return stored_zip(entries, prefix=FLATBUFFER)


def test_round_trip(packed: bytes) -> None:
    model = parse_model_file(packed, source="m")
    assert model.flatbuffer == FLATBUFFER
    assert model.labels == MANIFEST.labels
    assert model.sha256 == hashlib.sha256(packed).hexdigest()
    assert model.size_bytes == len(packed)
    assert model.source == "m"
    unchanged = dataclasses.replace(
        model.manifest, flatbuffer=MANIFEST.flatbuffer, entries=MANIFEST.entries
    )
    assert unchanged == MANIFEST
    golden = model.golden_vectors()
    np.testing.assert_array_equal(golden.inputs, _golden().inputs)
    np.testing.assert_array_equal(golden.outputs, _golden().outputs)
    assert golden.outputs.dtype == np.int8


def test_other_tools_read_the_parts(packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt", "golden.npz", "manifest.json"]
        assert archive.read("labels.txt") == "cat\n7 eleven\nVögel\n".encode()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        with np.load(io.BytesIO(archive.read("golden.npz")), allow_pickle=False) as golden:
            np.testing.assert_array_equal(golden["inputs"], _golden().inputs)


def test_packing_is_deterministic(packed: bytes) -> None:
    assert pack_model_file(FLATBUFFER, MANIFEST, golden=_golden()) == packed


def test_repr_leaves_the_bytes_out(packed: bytes) -> None:
    assert len(repr(parse_model_file(packed, source="m"))) < 300


def test_a_zip_with_offsets_of_its_own_is_read_too(packed: bytes) -> None:
    # `cat model.tflite files.zip` gives offsets that count from the zip's own start.
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        own = stored_zip({name: archive.read(name) for name in archive.namelist()})
    assert parse_model_file(FLATBUFFER + own, source="m").flatbuffer == FLATBUFFER


def test_entries_that_the_manifest_lists_may_be_new(packed: bytes) -> None:
    # A higher minor version may add some.
    def add(entries: dict[str, bytes]) -> None:
        model = parse_model_file(packed, source="m")
        card = dataclasses.replace(
            model.manifest.entries["labels.txt"],
            sha256=hashlib.sha256(b"card").hexdigest(),
            size_bytes=4,
        )
        listed = {**model.manifest.entries, "card.md": card}
        entries["card.md"] = b"card"
        entries["manifest.json"] = dataclasses.replace(model.manifest, entries=listed).to_json()

    assert "card.md" in parse_model_file(_rebuilt(packed, add), source="m").manifest.entries


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a compiled model, got an empty file"),
        (b"PK\x03\x04 a .keras file", r"expected a TFLite model with b'TFL3' at bytes 4 to 7"),
        (FLATBUFFER, r"expected a zip with manifest.json .*; at the desk, .*convert\.quantize"),
        (
            stored_zip({"labels.txt": b"a\n"}, prefix=FLATBUFFER),
            r".*, got \['labels.txt'\]; at the desk",
        ),
        (stored_zip({}, prefix=FLATBUFFER), r"expected manifest.json .*, got \[\]"),
    ],
    ids=["empty", "keras", "plain", "foreign", "empty-zip"],
)
def test_not_a_compiled_model(data: bytes, message: str) -> None:
    with pytest.raises(ModelFileError, match=f"^'m': {message}"):
        parse_model_file(data, source="m")


def test_damage_is_named(packed: bytes) -> None:
    def put(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
        return lambda entries: entries.update({name: data})

    def expect(data: bytes, message: str) -> None:
        with pytest.raises(ModelFileError, match=message):
            parse_model_file(data, source="m")

    flipped = bytearray(packed)
    flipped[100] ^= 1
    expect(bytes(flipped), r"'m': flatbuffer: expected SHA-256 [0-9a-f]{64}, got .*: damaged")
    expect(b"\0\0\0\0TFL3\0" + packed[8:], r"flatbuffer: expected \d+ bytes before the zip, got")
    size = len("cat\n7 eleven\nVögel\n".encode())
    expect(_rebuilt(packed, put("labels.txt", b"cat")), f"txt: expected {size} bytes, got 3")
    expect(_rebuilt(packed, put("labels.txt", b"x" * size)), "labels.txt: expected SHA-256 .*")
    expect(_rebuilt(packed, put("more", b"x")), r"expected the entries \['golden.npz', 'labels")
    expect(_rebuilt(packed, lambda e: e.pop("golden.npz")), r"got \['labels.txt', 'manifest.json'")

    def swap_labels(entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = entries["manifest.json"].replace(b'"cat"', b'"dog"')

    expect(_rebuilt(packed, swap_labels), "labels.txt: expected the labels of manifest.json")

    def newer(entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = entries["manifest.json"].replace(b'"major": 1', b'"major": 2')

    with pytest.raises(ModelVersionError, match="made for a newer minivgg-edge"):
        parse_model_file(_rebuilt(packed, newer), source="m")


@pytest.mark.parametrize("part", ["flatbuffer", "golden.npz", "labels.txt"])
@pytest.mark.parametrize("place", [0, 31, 63])
def test_every_digit_of_a_digest_counts(packed: bytes, part: str, place: int) -> None:
    manifest = parse_model_file(packed, source="m").manifest
    listed = {"flatbuffer": manifest.flatbuffer, **manifest.entries}
    true = listed[part].sha256
    digit = "0" if true[place] != "0" else "1"
    other = f"{true[:place]}{digit}{true[place + 1 :]}"

    def write(entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = entries["manifest.json"].replace(true.encode(), other.encode())

    with pytest.raises(ModelFileError, match=f"{part}: expected SHA-256 {other}, got {true}"):
        parse_model_file(_rebuilt(packed, write), source="m")


@pytest.mark.parametrize("name", ["golden.npz", "labels.txt"])
def test_a_part_that_neither_the_manifest_nor_the_zip_has(packed: bytes, name: str) -> None:
    def remove(entries: dict[str, bytes]) -> None:
        manifest = parse_model_file(packed, source="m").manifest
        listed = {other: digest for other, digest in manifest.entries.items() if other != name}
        entries["manifest.json"] = dataclasses.replace(manifest, entries=listed).to_json()
        del entries[name]

    with pytest.raises(ModelFileError, match=r"expected the entries \['golden.npz', 'labels.txt'"):
        parse_model_file(_rebuilt(packed, remove), source="m")


def test_zip_tricks_are_refused(packed: bytes) -> None:
    def archive(*entries: tuple[str, int]) -> bytes:
        buffer = io.BytesIO()
        buffer.write(FLATBUFFER)
        with zipfile.ZipFile(buffer, "a") as archive:
            for name, compression in entries:
                archive.writestr(name, b"x" * 1000, compress_type=compression)
        return buffer.getvalue()

    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    with pytest.raises(
        ModelFileError, match=r"'a': expected an uncompressed.*got compression meth"
    ):
        parse_model_file(archive(("a", deflated)), source="m")
    with pytest.warns(UserWarning, match="Duplicate name"):  # zipfile's, while the test writes it
        doubled = archive(("a", stored), ("a", stored))
    with pytest.raises(ModelFileError, match="'a': expected one entry, got two"):
        parse_model_file(doubled, source="m")
    encrypted = bytearray(archive(("a", stored)))
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1  # general purpose flags, bit 0
    with pytest.raises(
        ModelFileError, match=r"'a': expected an uncompressed.*got an encrypted one"
    ):
        parse_model_file(bytes(encrypted), source="m")


def _answer(data: bytes) -> ModelFile | None:
    """The model in `data`, or None after a typed refusal."""
    try:
        return parse_model_file(data, source="m")
    except ModelError as error:
        assert str(error).startswith("'m': ")  # noqa: PT017 - any message of ours names the file
        return None


def _assert_same_or_refused(data: bytes, original: ModelFile) -> bool:
    model = _answer(data)
    if model is None:
        return True
    assert (model.flatbuffer, model.manifest, model.golden) == (
        original.flatbuffer,
        original.manifest,
        original.golden,
    )
    return False


def test_truncations(packed: bytes) -> None:
    original = parse_model_file(packed, source="m")
    for i in range(20):
        assert _assert_same_or_refused(packed[: len(packed) * i // 20], original)
    assert _assert_same_or_refused(packed[:-1], original)


def test_flipped_bits(packed: bytes) -> None:
    original = parse_model_file(packed, source="m")
    choice = random.Random(3)
    zip_start = len(FLATBUFFER)
    refused = 0
    # Half of the flips anywhere, half in manifest and directory, which the digests do not cover.
    directory = packed.index(b"manifest.json")
    for i in range(600):
        place = choice.randrange(len(packed)) if i % 2 else choice.randrange(directory, len(packed))
        damaged = bytearray(packed)
        damaged[place] ^= 1 << choice.randrange(8)
        was_refused = _assert_same_or_refused(bytes(damaged), original)
        refused += was_refused
        assert was_refused or place >= zip_start
    assert refused > 400


def test_inserted_and_overwritten_blocks(packed: bytes) -> None:
    original = parse_model_file(packed, source="m")
    choice = random.Random(4)
    for _ in range(200):
        place, length = choice.randrange(len(packed)), choice.randrange(1, 64)
        block = choice.randbytes(length)
        _assert_same_or_refused(packed[:place] + block + packed[place:], original)
        _assert_same_or_refused(packed[:place] + block + packed[place + length :], original)


# --- packing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["a\nb", "", "a\rb", "cat"])
def test_packing_refuses_labels_that_do_not_make_a_file(label: str) -> None:
    manifest = dataclasses.replace(MANIFEST, labels=("cat", label, "dog"))
    with pytest.raises(ModelFileError, match=r"labels\[1\]: expected"):
        pack_model_file(FLATBUFFER, manifest, golden=_golden())


def test_packing_refuses_a_flatbuffer_with_files(packed: bytes) -> None:
    with pytest.raises(ModelFileError, match="expected nothing after the model, got an appended"):
        pack_model_file(packed, MANIFEST, golden=_golden())
    with pytest.raises(ModelFileError, match="expected a TFLite model"):
        pack_model_file(b"not a model", MANIFEST, golden=_golden())


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (
            (2, 32, 32, 3),
            (2, 3),
            r"inputs: expected uint8 \(1..1000, 32, 48, 3\).*\(2, 32, 32, 3\)",
        ),
        ((2, 32, 48, 3), (2, 4), r"outputs: expected int8 \(1..1000, 3\) in C order, got"),
        ((2, 32, 48, 3), (3, 3), "expected as many outputs as inputs, got 3 for 2"),
        ((0, 32, 48, 3), (0, 3), "inputs: expected uint8"),
        ((), (2, 3), "inputs: expected uint8"),
    ],
)
def test_packing_refuses_golden_vectors_that_do_not_fit(
    inputs: tuple[int, ...], outputs: tuple[int, ...], message: str
) -> None:
    golden = GoldenVectors(np.zeros(inputs, np.uint8), np.zeros(outputs, np.int8))
    with pytest.raises(ModelFileError, match=f"golden.npz: {message}"):
        pack_model_file(FLATBUFFER, MANIFEST, golden=golden)


def test_golden_vectors_of_another_dtype() -> None:
    golden = dataclasses.replace(_golden(), outputs=np.zeros((2, 3), np.float32))
    with pytest.raises(ModelFileError, match=r"outputs: expected int8 .*, got float32 \(2, 3\)"):
        pack_model_file(FLATBUFFER, MANIFEST, golden=golden)


def test_golden_header_is_not_trusted(packed: bytes) -> None:
    model = parse_model_file(packed, source="m")
    claims_more = model.golden.replace(b"(2, 32, 48, 3), ", b"(9, 32, 48, 3), ")
    for damaged in (b"", b"PK", claims_more, model.golden[:-10]):
        with pytest.raises(ModelFileError, match=r"^'m': golden.npz: "):
            dataclasses.replace(model, golden=damaged).golden_vectors()


# --- files ----------------------------------------------------------------------------------------


def test_read_file(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "a model.tflite"
    path.write_bytes(packed)
    assert read_model_file(path).flatbuffer == FLATBUFFER
    assert read_model_file(str(path)).source == str(path)


def test_missing_file(tmp_path: Path) -> None:
    for name in ("no.tflite", "a\nb.tflite", "\0.tflite"):
        with pytest.raises(ModelNotFoundError, match="expected a model file, got no such file"):
            read_model_file(tmp_path / name)
    with pytest.raises(ModelNotFoundError) as caught:
        read_model_file(tmp_path / "a\nb.tflite")
    assert "\n" not in str(caught.value)


def test_irregular_files(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="expected a regular file, got a directory"):
        read_model_file(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelFileError, match="expected a regular file, got a pipe, socket"):
            read_model_file(tmp_path / "pipe")


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tflite"
    with path.open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)  # takes no space on disk
    with pytest.raises(ModelFileError, match=f"expected at most {MAX_FILE_BYTES} bytes, got"):
        read_model_file(path)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bytes) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(packed)

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # chmod would not stop root

    monkeypatch.setattr(model_file, "open", fail, raising=False)
    with pytest.raises(ModelFileError, match="expected a readable file, got: Permission denied"):
        read_model_file(path)


def test_bundled_model_is_sound(bundled: ModelFile) -> None:
    manifest: Manifest = bundled.manifest
    assert manifest.name == "minivgg"
    assert len(bundled.labels) == manifest.output.classes
    assert len(bundled.golden_vectors().inputs) >= 1


def test_a_python_without_openssl_reads_the_same(bundled: ModelFile) -> None:
    script = (
        "import sys\n"
        "sys.modules['_hashlib'] = None\n"
        "from minivgg_edge.catalog import load_model\n"
        "print(load_model().sha256)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == bundled.sha256
