"""Give a foreign `.tflite` its manifest: checks, pixels into the graph, golden vectors, proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any, Literal

import numpy as np

from convert.errors import DataError
from convert.int8.audit import Audit, describe
from convert.int8.golden import clearest
from convert.int8.labels import parse_labels
from convert.int8.packing import TOLERANCE_STEPS, Identity, pack, with_metadata
from convert.int8.writing import write_model
from convert.packaging.errors import AdoptionError
from convert.packaging.foreign import Foreign, read_foreign, reading
from convert.packaging.foreign_metadata import associated_file, split_zip
from convert.packaging.normalization import Normalization, advice, by_quantization
from convert.packaging.pixels import take_pixels
from convert.packaging.probe import Answers, answers, try_to_open
from minivgg_edge import __version__
from minivgg_edge.errors import ModelFileError
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.measured import Measurement
from minivgg_edge.tensor_meaning import check_scores
from minivgg_edge.tensors import TensorSpec

# Rounding alone makes half a step; a little more is the rounding of the model's own scale.
_WORTH_A_NOTE_STEPS = 0.51
# Of float32 outputs: the normalization is rounded in another place than before.
_FLOAT_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Adopted:
    """A foreign model that is ready to be packed.

    Attributes:
        flatbuffer: takes pixels, has standard metadata.
        audit: of this flatbuffer.
        identity: name, labels, origin.
        golden: its golden vectors.
        tolerance_steps: by runtime, how far these may be off.
        normalization: what its input meant.
        notes: sentences about what was changed or taken from where.
    """

    flatbuffer: bytes
    audit: Audit
    identity: Identity
    golden: GoldenVectors
    tolerance_steps: Mapping[str, int]
    normalization: Normalization
    notes: tuple[str, ...]

    def pack(
        self, accuracy: Sequence[AccuracyRecord] = (), measured: Sequence[Measurement] = ()
    ) -> bytes:
        """Return the bytes of the model file.

        Args:
            accuracy: comparisons with its float model.
            measured: accuracies without one.
        """
        identity = self.identity
        if measured:
            adopted = {
                **identity.training["adopted"],
                "measured": [entry.to_json() for entry in measured],
            }
            identity = replace(identity, training={**identity.training, "adopted": adopted})
        return pack(
            self.flatbuffer,
            self.audit,
            identity,
            accuracy,
            golden=self.golden,
            tolerance_steps=self.tolerance_steps,
            tools={
                "minivgg-edge": __version__,
                "ai-edge-litert": metadata.version("ai-edge-litert"),
            },
        )


def adopt(
    data: bytes,
    *,
    source: str,
    name: str,
    labels: tuple[str, ...] | None = None,
    normalization: Normalization | None = None,
    crop: Literal["none", "center"] = "none",
) -> Adopted:
    """Check a foreign model, make it take pixels, and prove that it answers as before.

    Args:
        data: the file.
        source: its name for messages.
        name: of the model.
        labels: in the order of the scores; None takes those in the file.
        normalization: of its input; None takes what the file says.
        crop: how a picture that is not of the input's aspect ratio becomes so.

    Raises:
        AdoptionError: the model is damaged, of another kind, does not run, or something about it
            is unknown or contradictory.
        DataError: the labels do not fit.
    """
    original = split_zip(data, source=source)
    foreign = _check(original, source)
    notes = ["the batch axis was open and is 1 now"] if foreign.opened_batch else []
    meaning = _normalization(foreign, normalization, source)
    chosen = _labels(foreign, labels, data, source)
    with reading(source):
        quantization = take_pixels(foreign.model, foreign.input, meaning)
        changed = write_model(foreign.model)
        audit = describe(changed)
    classes = audit.output.shape[1]
    if classes != len(chosen):
        raise DataError(
            f"{source}: the model has {classes} classes: expected as many labels, got {len(chosen)}"
        )
    notes.append(f"input: {meaning.words()} (said by the {meaning.origin})")
    if quantization is not None and quantization.worst_steps > _WORTH_A_NOTE_STEPS:
        notes.append(
            f"pixels are up to {quantization.worst_steps:.2f} quantization steps off, instead of "
            "0.50: black does not fall on a whole code"
        )
    identity = Identity(name, chosen, crop, _origin(data, meaning))
    with reading(source):
        changed = with_metadata(changed, audit, identity)
        audit = describe(changed)
    proof = answers(original, changed, meaning, source=source)
    _check_same(proof, source)
    _check_meaning(proof, audit, source)
    golden, tolerance = _golden(proof, source)
    return Adopted(changed, audit, identity, golden, tolerance, meaning, tuple(notes))


def _check(flatbuffer: bytes, source: str) -> Foreign:
    # LiteRT first, in a child: its verifier bounds every offset before Python follows any. What it
    # refuses is looked at all the same, for the sake of a better sentence.
    refusal = try_to_open(flatbuffer, source=source)
    foreign = read_foreign(flatbuffer, source=source)
    if refusal is not None:
        raise AdoptionError(f"{source}: {refusal}")
    return foreign


def _normalization(foreign: Foreign, given: Normalization | None, source: str) -> Normalization:
    own = foreign.metadata.normalization
    if given is not None and own is not None and not given.agrees(own):
        raise AdoptionError(
            f"{source}: expected the normalization that the file's metadata states, "
            f"{own.words()}, got {given.words()}: leave --scale and --offset out"
        )
    found = own or given or by_quantization(foreign.input)
    if found is None:
        raise AdoptionError(
            f"{source}: expected --scale and --offset, which say how pixels became the values "
            f"that the model was trained on, since the file does not; {advice(foreign.input)}"
        )
    return found


def _labels(
    foreign: Foreign, given: tuple[str, ...] | None, data: bytes, source: str
) -> tuple[str, ...]:
    name = foreign.metadata.labels_file
    where = f"{source}: {name}"
    own: tuple[str, ...] | None = None
    text = None if name is None else associated_file(data, name, source=source)
    if text is not None:
        try:
            own = parse_labels(text, source=where)
        except DataError as error:
            # With labels of the user's, those in the file need not be usable.
            if given is None:
                raise DataError(f"{where}: expected labels, got: {error}; use --labels") from error
    if given is None and own is None:
        raise AdoptionError(f"{source}: expected --labels FILE, since the file has no labels")
    if given is not None and own is not None and given != own:
        raise AdoptionError(
            f"{where}: expected the labels in the file, which begin with {list(own[:3])}, got "
            f"{len(given)} others, which begin with {list(given[:3])}: leave --labels out"
        )
    return given or own or ()


def _origin(data: bytes, normalization: Normalization) -> dict[str, Any]:
    return {
        "adopted": {
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_bytes": len(data),
            "normalization": {
                "scale": list(normalization.scale),
                "offset": list(normalization.offset),
                "origin": normalization.origin,
            },
        }
    }


def _golden(proof: Answers, source: str) -> tuple[GoldenVectors, dict[str, int]]:
    """Choose golden vectors on which two sets of kernels agree, and say how far they are apart.

    The usual tolerance is that of the graphs that `convert.quantize` makes. In another graph a
    rounding step may grow to more on its way: as far as the two sets of kernels of this machine
    are apart, other processors may be too.

    Raises:
        AdoptionError: there is no picture to which both give the same label.
    """
    agree = np.flatnonzero(proof.adopted.argmax(axis=1) == proof.other_kernels.argmax(axis=1))
    if not len(agree):
        raise AdoptionError(
            f"{source}: expected kernels with and without XNNPACK to agree on a label, got other "
            f"labels for each of {len(proof.pictures)} synthetic pictures"
        )
    chosen = agree[clearest(proof.adopted[agree])]
    golden = GoldenVectors(proof.pictures[chosen], proof.adopted[chosen])
    apart = np.abs(golden.outputs.astype(np.float64) - proof.other_kernels[chosen]).max()
    least = int(np.ceil(apart)) if golden.outputs.dtype.kind != "f" else 0
    return golden, {name: max(steps, least) for name, steps in TOLERANCE_STEPS.items()}


def _check_meaning(proof: Answers, audit: Audit, source: str) -> None:
    """Check that answers are scores where the graph ends in a softmax, and only there.

    Raises:
        AdoptionError: they are otherwise: the device would make other scores of them.
    """
    shape, dtype = audit.output.shape, audit.output.dtype
    scale, zero_point = (
        (audit.output.scales[0], audit.output.zero_points[0])
        if audit.output.scales
        else (None,) * 2
    )
    output = TensorSpec(shape, dtype, scale, zero_point)
    try:
        check_scores(proof.adopted, output, activation=audit.activation, source=source)
    except ModelFileError as error:
        raise AdoptionError(f"{error}: by its last operators it gives {audit.activation}") from None


def _check_same(proof: Answers, source: str) -> None:
    """Check that the changed model answers as the original does.

    Raises:
        AdoptionError: it does not.
    """
    before, after = proof.original, proof.adopted
    if before.dtype.kind == "f":
        same = np.allclose(before, after, rtol=_FLOAT_TOLERANCE, atol=_FLOAT_TOLERANCE)
    else:
        same = np.array_equal(before, after)
    if not same:
        wrong = int((before.argmax(axis=1) != after.argmax(axis=1)).sum())
        raise AdoptionError(
            f"{source}: expected the adopted model to answer as the foreign one does, got other "
            f"outputs, and another label for {wrong} of {len(before)} synthetic pictures"
        )
