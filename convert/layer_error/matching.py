"""Which operator of the int8 graph computes what which operator of the float graph computes."""

from __future__ import annotations

from dataclasses import dataclass

from convert.errors import ConversionError
from convert.int8.graph import Graph, Operation, Tensor
from convert.layer_error.names import layer_name

INPUT = "INPUT"
_CONVERSION = "QUANTIZE"


@dataclass(frozen=True, slots=True)
class Match:
    """An operator in both graphs, or the input: there the operations are None.

    Attributes:
        layer: name of the Keras layer.
        kind: the operator in the schema's words, or `INPUT`.
        float_operation: its position in the float graph.
        int8_operation: its position in the int8 graph.
        reference: number of its output in the float graph.
        target: number of its output in the int8 graph, an int8 tensor with one scale.
    """

    layer: str
    kind: str
    float_operation: int | None
    int8_operation: int | None
    reference: int
    target: int


@dataclass(frozen=True, slots=True)
class Matching:
    """All matches in the order of the int8 graph, and a sentence about each operator without one.

    The conversions at the graph's two ends are no operators of the model and are not named.
    """

    matches: tuple[Match, ...]
    unmatched: tuple[str, ...]


def match_operators(reference: Graph, target: Graph) -> Matching:
    """Match by the name of the output tensor, what is left by its place among its kind.

    Args:
        reference: of the float32 model.
        target: of the int8 model.

    Raises:
        ConversionError: the reference is no float32 model of the same pictures, or no operator of
            the target has a counterpart in it.
    """
    source, ends = _input(target)
    _check_reference(reference, target)
    pairs = _pairs(reference, target, ends)
    unmatched = [
        f"{op.name} of the {side} graph has no counterpart: {_output(graph, op).name}"
        for side, graph, used in (
            ("int8", target, {*pairs.values(), *ends}),
            ("float", reference, set(pairs)),
        )
        for position, op in enumerate(graph.operations)
        if position not in used
    ]
    found = [Match("pixels", INPUT, None, None, reference.inputs[0], source)]
    for ours, theirs in sorted(pairs.items(), key=lambda pair: pair[1]):
        operation = target.operations[theirs]
        output = target.tensors[operation.outputs[0]]
        if output.dtype != "int8" or len(output.scales) != 1:
            unmatched.append(f"{operation.name} is not quantized: {output.name}")
            continue
        found.append(_match(reference, ours, theirs, operation))
    if len(found) == 1:
        raise ConversionError(
            "expected two graphs of one model, got none of the int8 operators in the float graph: "
            + "; ".join(unmatched)
        )
    return Matching(tuple(found), tuple(unmatched))


def _match(reference: Graph, ours: int, theirs: int, operation: Operation) -> Match:
    source = reference.operations[ours]
    number = source.outputs[0]
    constants = [
        reference.tensors[index].name
        for index in source.inputs
        if reference.tensors[index].constant
    ]
    layer = layer_name(reference.tensors[number].name, operation.name, constants)
    return Match(layer, operation.name, ours, theirs, number, operation.outputs[0])


def _check_reference(reference: Graph, target: Graph) -> None:
    ours, theirs = reference.tensors[reference.inputs[0]], target.tensors[target.inputs[0]]
    if ours.dtype != "float32" or ours.shape != theirs.shape:
        raise ConversionError(
            f"expected a float32 model of pictures {theirs.shape} to compare with, "
            f"got one of {ours.dtype} {ours.shape}"
        )


def _input(target: Graph) -> tuple[int, frozenset[int]]:
    """The int8 tensor that the pixels become, and the positions of the conversions at the ends."""
    ends, source = set(), target.inputs[0]
    for position, operation in enumerate(target.operations):
        if operation.name != _CONVERSION:
            continue
        if operation.inputs[0] == target.inputs[0]:
            ends.add(position)
            source = operation.outputs[0]
        elif operation.outputs[0] == target.outputs[0]:
            ends.add(position)
    tensor = target.tensors[source]
    if tensor.dtype != "int8" or len(tensor.scales) != 1:
        raise ConversionError(f"expected an int8 model, got {tensor.dtype} behind the input")
    return source, frozenset(ends)


def _pairs(reference: Graph, target: Graph, ends: frozenset[int]) -> dict[int, int]:
    """Positions in the target by positions in the reference."""
    by_name = {_output(reference, op).name: i for i, op in enumerate(reference.operations)}
    pairs: dict[int, int] = {}
    for position, operation in enumerate(target.operations):
        ours = by_name.get(_output(target, operation).name)
        # The conversion at the end has the name of the model's result.
        if position not in ends and ours is not None and ours not in pairs:
            pairs[ours] = position
    for kind in {op.name for op in target.operations}:
        left = [
            [i for i, op in enumerate(graph.operations) if op.name == kind and i not in used]
            for graph, used in ((reference, set(pairs)), (target, {*pairs.values(), *ends}))
        ]
        for ours, theirs in zip(*left, strict=False):
            shapes = (
                _output(reference, reference.operations[ours]).shape,
                _output(target, target.operations[theirs]).shape,
            )
            if shapes[0] == shapes[1]:
                pairs[ours] = theirs
    return pairs


def _output(graph: Graph, operation: Operation) -> Tensor:
    return graph.tensors[operation.outputs[0]]
