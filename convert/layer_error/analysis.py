"""The whole look at one int8 model: every operator's error, its cost, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError, DataError
from convert.int8.graph import read_graph
from convert.layer_error.effects import Answers, Effect, Laboratory, effects
from convert.layer_error.matching import match_operators
from convert.layer_error.measurement import Accumulated, measure
from convert.layer_error.rounding import read_roundings
from convert.search.equalization import pairs
from convert.search.layers import read_layers


@dataclass(frozen=True, slots=True)
class OperatorError:
    """One operator.

    Attributes:
        layer: name of the Keras layer.
        kind: the operator in the schema's words, or "INPUT".
        accumulated: as the model runs.
        effect: of its own rounding; None where it rounds nothing, or by TFLite's specification.
        has_constants: whether it computes with weights or other constants.
        equalizable: whether equalization can change its output's channels.
        inputs_equalizable: whether it can change its input's channels, and so its weights.
    """

    layer: str
    kind: str
    accumulated: Accumulated
    effect: Effect | None
    has_constants: bool
    equalizable: bool
    inputs_equalizable: bool


@dataclass(frozen=True, slots=True)
class Analysis:
    """All operators in the order of the graph.

    Attributes:
        pictures: how many were looked at.
        operators: matched ones; the first is the input.
        unmatched: a sentence about each operator without a counterpart.
        answers: of the int8 model against the float model's.
        simulated: of the float model with every operator's rounding; beside `answers` it shows how
            far the figures about single operators can be trusted.
    """

    pictures: int
    operators: tuple[OperatorError, ...]
    unmatched: tuple[str, ...]
    answers: Answers
    simulated: Answers

    @property
    def ranked(self) -> tuple[OperatorError, ...]:
        """The operators that round, those first whose own rounding changes the scores most."""

        def cost(operator: OperatorError) -> float:
            return 0.0 if operator.effect is None else operator.effect.alone.divergence

        found = [operator for operator in self.operators if operator.effect is not None]
        return tuple(sorted(found, key=cost, reverse=True))

    def explained(self, operator: OperatorError) -> float:
        """Share of the divergence that goes when this operator alone does not round; at least 0."""
        whole = self.simulated.divergence
        if operator.effect is None or whole <= 0.0:
            return 0.0
        return max(0.0, 1.0 - operator.effect.without.divergence / whole)

    def to_json(self) -> dict[str, Any]:
        """The analysis as JSON values."""
        return {
            "pictures": self.pictures,
            "answers": asdict(self.answers),
            "simulated": asdict(self.simulated),
            "ranking": [operator.layer for operator in self.ranked],
            "operators": [
                {**asdict(operator), "explained": self.explained(operator)}
                for operator in self.operators
            ],
            "unmatched": list(self.unmatched),
        }


def analyse(
    reference: bytes,
    target: bytes,
    images: NDArray[np.uint8],
    *,
    advance: Callable[[int, int], None] = lambda done, most: None,
) -> Analysis:
    """Compare an int8 model with its float model, operator by operator.

    Memory holds the tensors of one picture at a time.

    Args:
        reference: the float32 flatbuffer.
        target: the int8 flatbuffer, of the same weights.
        images: uint8 (n, height, width, 3), RGB, 0-255; validation pictures.
        advance: is called with the numbers of operators done and to do.

    Raises:
        ConversionError: the two are not one model.
        DataError: there are no pictures.
    """
    if len(images) == 0:
        raise DataError("layer error: expected pictures to run the models on, got none")
    matching = match_operators(read_graph(reference), read_graph(target))
    roundings = read_roundings(reference, target, matching)
    laboratory = Laboratory(reference, matching, roundings, images)
    accumulated = measure(reference, target, matching, roundings, images)
    found = effects(laboratory, matching, roundings, advance)
    changed, readers = _equalizable(reference)
    return Analysis(
        len(images),
        tuple(
            OperatorError(
                match.layer,
                match.kind,
                error,
                effect,
                bool(rounding.constants),
                match.reference in changed,
                match.reference in readers,
            )
            for match, rounding, error, effect in zip(
                matching.matches, roundings, accumulated, found, strict=True
            )
        ),
        matching.unmatched,
        laboratory.answers_of(target),
        laboratory.answers(range(len(roundings))),
    )


def _equalizable(reference: bytes) -> tuple[set[int], set[int]]:
    """Tensors whose channels equalization can change, and outputs of layers that read such."""
    layers = {layer.name: layer for layer in read_layers(reference)}
    try:
        found = pairs(reference)
    except ConversionError:  # no chain
        return set(), set()
    outputs = [operation.outputs[0] for operation in read_graph(reference).operations]
    changed: set[int] = set()
    for pair in found:
        first, second = layers[pair.first].target, layers[pair.second].target
        changed.update(outputs[outputs.index(first) : outputs.index(second)])
    return changed, {layers[pair.second].target for pair in found}
