"""The kinds of case: how each is made from a seed, and what a run of all of them consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.reliability.fuzz import manifests, models, pictures, vectors


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case.

    Attributes:
        group: "models", "pictures", "manifests", "vectors" or "json".
        slug: its name in options and file names.
        title: its name in tables.
        count: how many cases of it a full run has on each runtime.
        make: returns a case from the material of the group, a source of chance and a number.
    """

    group: str
    slug: str
    title: str
    count: int
    make: Callable[[Any, Random, int], bytes]

    @property
    def must_keep_native_code_out(self) -> bool:
        """Whether a refusal has to come before native code sees the flatbuffer."""
        return self.group == "models" and self.slug != REPACKED

    @property
    def must_answer_the_same(self) -> bool:
        """Whether what loads has to answer as the undamaged file does."""
        return self.must_keep_native_code_out


REPACKED = "model-repacked"


def _bytes(change: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random, int], bytes]:
    """Return a maker of cases whose material is bytes and who needs no number."""
    return lambda data, random, number: change(data, random)


KINDS = (
    Kind("models", "model-truncated", "model cut off", 20, models.truncated),
    Kind("models", "model-flip", "model, a bit flipped anywhere", 500, models.flipped),
    Kind(
        "models",
        "model-structure",
        "model, a bit of the flatbuffer's structure flipped",
        250,
        models.flipped_structure,
    ),
    Kind(
        "models",
        "model-archive",
        "model, a bit of the zip's headers flipped",
        320,
        models.flipped_archive,
    ),
    Kind(
        "models",
        "model-manifest",
        "model, a bit of the manifest flipped",
        250,
        models.flipped_manifest,
    ),
    Kind("models", "model-block", "model, a block damaged or moved", 200, models.overwritten),
    Kind("models", "model-several", "model, several damages", 200, models.damaged_often),
    Kind("models", "model-rearranged", "model, parts swapped or joined", 80, models.rearranged),
    Kind("models", REPACKED, "model, changed and hashes re-made", 400, models.repacked),
    Kind("pictures", "picture-truncated", "picture cut off", 248, pictures.truncated),
    Kind("pictures", "picture-flip", "picture, bits flipped", 620, pictures.flipped),
    Kind("pictures", "picture-block", "picture, blocks damaged", 372, pictures.overwritten),
    Kind("pictures", "picture-number", "picture, sizes and offsets", 620, pictures.renumbered),
    Kind("pictures", "picture-pieces", "picture, chunks rearranged", 620, pictures.rearranged),
    Kind(
        "manifests",
        "manifest-value",
        "manifest, values changed",
        800,
        _bytes(manifests.changed_value),
    ),
    Kind(
        "manifests",
        "manifest-text",
        "manifest, bytes damaged",
        400,
        _bytes(manifests.changed_text),
    ),
    Kind("vectors", "vectors", "golden vectors, arrays changed", 500, _bytes(vectors.changed)),
    Kind("json", "json-value", "JSON, values changed", 300, _bytes(manifests.changed_value)),
    Kind("json", "json-text", "JSON, bytes damaged", 300, _bytes(manifests.changed_text)),
    Kind("json", "json-pieces", "JSON out of pieces", 600, _bytes(manifests.pieced_together)),
)
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))
TASKS = {
    "models": "model",
    "pictures": "picture",
    "manifests": "manifest",
    "vectors": "vectors",
    "json": "json",
}
"""What the worker is asked to do with a case, by group."""

SUFFIXES = {
    "models": "tflite",
    "pictures": "picture",
    "manifests": "json",
    "vectors": "npz",
    "json": "json",
}


def find_kind(slug: str) -> Kind:
    """Return a kind by its slug.

    Raises:
        LookupError: there is none.
    """
    for kind in KINDS:
        if kind.slug == slug:
            return kind
    raise LookupError(f"expected one of {', '.join(k.slug for k in KINDS)}, got {slug!r}")


class Material:
    """What the cases are made from; each part is read when the first case needs it."""

    def __init__(self, model: Path) -> None:
        """Take the path of a sound compiled model."""
        self.model_path = model

    @cached_property
    def _model(self) -> models.ModelMaterial:
        return models.read_model_material(self.model_path)

    @cached_property
    def _pictures(self) -> list[bytes]:
        return list(pictures.picture_files().values())

    def of(self, group: str) -> Any:
        """Return what `Kind.make` of a group takes."""
        if group == "models":
            return self._model
        if group == "pictures":
            return self._pictures
        return self._model.entries["golden.npz" if group == "vectors" else "manifest.json"]


def make_case(kind: Kind, material: Material, seed: int, number: int) -> bytes:
    """Return a case; equal arguments give equal bytes."""
    random = Random(f"{seed} {kind.slug} {number}")  # noqa: S311 - no secret is made of it
    return kind.make(material.of(kind.group), random, number)


def counts(kinds: Sequence[Kind], cases: int | None) -> dict[str, int]:
    """Return how many cases of each kind to run on one runtime, by slug.

    Args:
        kinds: at least one.
        cases: of all kinds together, shared out as in a full run, at least one each; None is the
            full run.
    """
    if cases is None:
        return {kind.slug: kind.count for kind in kinds}
    total = sum(kind.count for kind in kinds)
    return {kind.slug: max(1, round(cases * kind.count / total)) for kind in kinds}
