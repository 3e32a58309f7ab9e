"""What the rounding of each operator costs: alone, and as the only one that is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.int8.graph import read_graph
from convert.int8.running import run_tensors
from convert.layer_error.matching import Matching
from convert.layer_error.metrics import MOST_DB, ErrorSums, divergence, scores_of
from convert.layer_error.rounding import Rounding
from convert.layer_error.simulation import PARTS, Part, simulate
from minivgg_edge.quantization import dequantize


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers against the float model's.

    Attributes:
        divergence: mean Kullback-Leibler divergence of its scores, in nats.
        agreement: share of pictures with the same class.
        sqnr_db: of its logits.
    """

    divergence: float
    agreement: float
    sqnr_db: float


_UNCHANGED = Answers(0.0, 1.0, MOST_DB)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one operator's own rounding costs.

    Attributes:
        sqnr_db: of its output when nothing else rounds.
        shift_share: share of that error's energy that is constant per channel.
        alone: the answers when nothing else rounds.
        constants: the answers when only its weights and other constants are rounded.
        output: the answers when only its output is rounded.
        without: the answers when everything else rounds.
    """

    sqnr_db: float
    shift_share: float
    alone: Answers
    constants: Answers
    output: Answers
    without: Answers


class Laboratory:
    """Answers of the float model with any choice of operators that round.

    Scores are compared before they are rounded to 1/256: the logits' softmax, in float64.
    """

    def __init__(
        self,
        reference: bytes,
        matching: Matching,
        roundings: Sequence[Rounding],
        images: NDArray[np.uint8],
    ) -> None:
        """Run the float model.

        Args:
            reference: the float32 model.
            matching: of it and the int8 model.
            roundings: of the matched operators.
            images: uint8 (n, height, width, 3), RGB, 0-255, n at least 1.
        """
        self._reference = reference
        self._matching = matching
        self._roundings = roundings
        self._images = images
        self._head = head(reference, matching)
        number = matching.matches[self._head].reference
        self._logits = [values[number] for values in run_tensors(reference, [number], images)]
        self._scores = _scores(self._logits)

    def answers(self, chosen: Collection[int], parts: Collection[Part] = PARTS) -> Answers:
        """Return the answers when the operators at these positions round."""
        made = simulate(self._reference, self._matching, self._roundings, chosen, parts=parts)
        number = made.outputs[self._head]
        found = run_tensors(made.flatbuffer, [number], self._images)
        return self._compare([values[number] for values in found])

    def answers_of(self, target: bytes) -> Answers:
        """Return the answers of the int8 model itself."""
        rounding = self._roundings[self._head]
        number = self._matching.matches[self._head].target
        found = run_tensors(target, [number], self._images)
        return self._compare(
            [dequantize(v[number], rounding.scale, rounding.zero_point) for v in found]
        )

    def effect(self, position: int) -> Effect:
        """Return what the operator at a position costs."""
        reference = self._matching.matches[position].reference
        made = simulate(self._reference, self._matching, self._roundings, [position])
        rounded, logits = made.outputs[position], made.outputs[self._head]
        sums, found = ErrorSums(), []
        ours = run_tensors(self._reference, [reference], self._images)
        theirs = run_tensors(made.flatbuffer, [rounded, logits], self._images)
        for true, got in zip(ours, theirs, strict=True):
            sums.add(true[reference], got[rounded])
            found.append(got[logits])
        others = [i for i in range(len(self._roundings)) if i != position]
        alone = self._compare(found)
        constants, output = _UNCHANGED, alone
        if self._roundings[position].constants:
            constants = self.answers([position], ["constants"])
            output = self.answers([position], ["output"])
        without = self.answers(others)
        return Effect(sums.sqnr_db, sums.shift_share, alone, constants, output, without)

    def _compare(self, logits: Sequence[NDArray[np.float32]]) -> Answers:
        scores, sums = _scores(logits), ErrorSums()
        for true, got in zip(self._logits, logits, strict=True):
            sums.add(true, got)
        same = scores.argmax(axis=1) == self._scores.argmax(axis=1)
        return Answers(divergence(self._scores, scores), float(same.mean()), sums.sqnr_db)


def effects(
    laboratory: Laboratory,
    matching: Matching,
    roundings: Sequence[Rounding],
    advance: Callable[[int, int], None],
) -> tuple[Effect | None, ...]:
    """Return the effect of every matched operator; None of those that round nothing of their own.

    The last softmax is none of them: the scale of its output is fixed by TFLite's specification.

    Args:
        laboratory: of the models.
        matching: of the two models.
        roundings: of the matched operators.
        advance: is called with the numbers of operators done and to do.
    """
    found: list[Effect | None] = []
    for position, (match, rounding) in enumerate(zip(matching.matches, roundings, strict=True)):
        ranked = rounding.rounds and match.kind != "SOFTMAX"
        found.append(laboratory.effect(position) if ranked else None)
        advance(position + 1, len(roundings))
    return tuple(found)


def head(reference: bytes, matching: Matching) -> int:
    """Return the position of the match whose output is the logits, before the last softmax.

    Raises:
        ConversionError: the int8 graph computes its logits in another way.
    """
    graph = read_graph(reference)
    sources = {operation.outputs[0]: operation for operation in graph.operations}
    last = graph.outputs[0]
    operation = sources.get(last)
    while operation is not None and operation.name == "RESHAPE":
        operation = sources.get(operation.inputs[0])
    if operation is not None and operation.name == "SOFTMAX":
        last = operation.inputs[0]
    for position, match in enumerate(matching.matches):
        if match.reference == last:
            return position
    raise ConversionError(
        f"expected logits in both graphs, got no counterpart of {graph.tensors[last].name}"
    )


def _scores(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    return scores_of(np.concatenate(logits).astype(np.float64))
