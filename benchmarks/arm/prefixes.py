"""A model cut behind each of its operators.

XNNPACK takes the whole graph as one node, so that no profiler sees the operators inside. What an
operator costs is the difference between the model that ends behind it and the one that ends before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from convert.int8.audit import macs
from convert.int8.graph import read_graph
from convert.int8.writing import write_model


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a model, up to one operator.

    Attributes:
        name: Kind and number of the last operator, such as "conv 2".
        kind: TFLite's name of the last operator.
        macs: Multiply-accumulates of the last operator alone.
        flatbuffer: The model that ends behind it.
    """

    name: str
    kind: str
    macs: int
    flatbuffer: bytes


_SHORT = {
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "dense",
    "MAX_POOL_2D": "max-pool",
    "AVERAGE_POOL_2D": "average-pool",
}


def prefixes(flatbuffer: bytes) -> tuple[Prefix, ...]:
    """Cut a model behind each operator, in the order of execution; the last one is the whole.

    An operator that only views its input (RESHAPE) is taken together with the next one.

    Args:
        flatbuffer: A TFLite model that is a chain: each operator's only output goes to the next.

    Raises:
        AuditError: The bytes are no TFLite model.
        ValueError: The model is not a chain.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph = read_graph(flatbuffer)
    counts: Counter[str] = Counter()
    found = []
    for position, operation in enumerate(graph.operations):
        following = graph.operations[position + 1 : position + 2]
        if len(operation.outputs) != 1 or any(
            operation.outputs[0] not in later.inputs for later in following
        ):
            raise ValueError(
                f"expected a chain of operators, got a branch behind operator {position}"
            )
        if operation.name == "RESHAPE" and following:
            continue
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
        subgraph = model.subgraphs[0]
        subgraph.operators = subgraph.operators[: position + 1]
        subgraph.outputs = [operation.outputs[0]]
        model.signatureDefs = []
        counts[operation.name] += 1
        short = _SHORT.get(operation.name, operation.name.lower().replace("_", "-"))
        name = f"{short} {counts[operation.name]}"
        found.append(Prefix(name, operation.name, macs(graph, operation), write_model(model)))
    return tuple(found)
