"""Damaged compiled models."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.reliability.fuzz import damage, manifests
from benchmarks.reliability.fuzz.structure import Structure, find_structure, place_in
from minivgg_edge.model_file import parse_model_file

_CUTS = 20
_STRIDE = 7919  # a prime: every byte has its turn, and few cases are spread over all


@dataclass(frozen=True, slots=True)
class ModelMaterial:
    """A sound model and its parts: the whole file, the flatbuffer, the zip's entries."""

    data: bytes
    flatbuffer: bytes
    entries: dict[str, bytes]
    structure: Structure


def read_model_material(path: Path) -> ModelMaterial:
    """Read a compiled model.

    Raises:
        ModelError: it is not sound to begin with.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    model = parse_model_file(data, source=str(path))
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    structure = find_structure(data, len(model.flatbuffer))
    return ModelMaterial(data, model.flatbuffer, entries, structure)


def truncated(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Cut off the end, in each twentieth of the file in turn."""
    size, part = len(model.data), number % _CUTS
    return model.data[: random.randrange(size * part // _CUTS, size * (part + 1) // _CUTS)]


def flipped(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Flip one bit anywhere."""
    return damage.flipped(model.data, random)


def flipped_structure(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Flip one bit of the flatbuffer's tables, offsets, lengths, names or numbers."""
    place = place_in(model.structure.flatbuffer, random.getrandbits(32))
    return damage.flipped_at(model.data, place, random)


def flipped_archive(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Flip one bit of the zip's headers or directory; all bytes in turn."""
    return damage.flipped_at(
        model.data, place_in(model.structure.archive, number * _STRIDE), random
    )


def flipped_manifest(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Flip one bit of the manifest."""
    place = place_in(model.structure.manifest, random.getrandbits(32))
    return damage.flipped_at(model.data, place, random)


def overwritten(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Write zeros, ones or noise over a block, or move, remove or repeat one."""
    return damage.damaged(model.data, random, damage.BLOCKS)


def damaged_often(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Do several damages: anywhere, or all behind the flatbuffer, or all to its structure."""
    place = random.choice((0, len(model.flatbuffer), len(model.data) - 4096))
    if random.random() < 0.7:
        return model.data[:place] + damage.damaged_often(model.data[place:], random)
    data = model.data
    for _ in range(random.randint(2, 8)):
        data = flipped_structure(_with(model, data), random, number)
    return data


def rearranged(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Put whole parts at the wrong place."""
    data, size = model.data, len(model.data)
    appended, start = data[len(model.flatbuffer) :], len(model.flatbuffer)
    middle = random.choice((size // 2, start, random.randrange(size)))
    filling = random.choice((b"\0", b"\xff", random.randbytes(1))) * random.randint(1, 70_000)
    return random.choice(
        (
            data[middle:] + data[:middle],
            data + data,
            data + appended,
            data + filling,
            filling + data,
            data[:start] + filling + appended,
            data[:middle] + data[middle - 1 :: -1],
            appended,
            appended + data,
            data[:start] + data[: start // 2] + appended,
            filling[:4] + data[4:],
            data[:8] + bytes(start - 8) + appended,
        )
    )


def repacked(model: ModelMaterial, random: Random, number: int) -> bytes:
    """Change the manifest, the labels or the golden vectors, all hashes and check sums re-made."""
    return manifests.repacked(model.flatbuffer, model.entries, random)


def _with(model: ModelMaterial, data: bytes) -> ModelMaterial:
    return ModelMaterial(data, model.flatbuffer, model.entries, model.structure)
