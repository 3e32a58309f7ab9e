"""Tries the native parts in child processes: what may crash must not crash the doctor."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from minivgg_edge.child_process import run_python
from minivgg_edge.doctor.facts import Inference, Trial

# Modules print what they like; the answer is on the line that starts with this.
_MARK = "minivgg-edge doctor: "
_TIMEOUT_S = 300.0  # a Raspberry Pi Zero without .pyc files on a worn SD card

_ANSWER = f"""
import json
def answer(found):
    sys.stdout.flush()
    print()
    print({_MARK!r} + json.dumps(found), flush=True)
"""
_IMPORT = f"""{_ANSWER}
import importlib
found = {{"version": None, "missing": None, "error": None}}
try:
    importlib.import_module(sys.argv[1])
    top = sys.modules[sys.argv[1].partition(".")[0]]
    found["version"] = str(getattr(top, "__version__", "")) or None
except ModuleNotFoundError as error:
    found["missing"], found["error"] = error.name, str(error)
except BaseException as error:
    found["error"] = f"{{type(error).__name__}}: {{error}}"
answer(found)
"""
# The operators of the flatbuffer, and behind them one named DELEGATE for each piece of the graph
# that a delegate has taken; the runtimes have no public call that tells.
_INFERENCE = f"""{_ANSWER}
found = {{"runtime": None, "version": None, "operators": None, "error": None}}
try:
    import numpy
    from minivgg_edge.catalog import load_model
    from minivgg_edge.interpreter import Engine
    model = load_model()
    engine = Engine(model.flatbuffer, source=model.source)
    found["runtime"], found["version"] = engine.runtime.name, engine.runtime.version
    engine.run(numpy.zeros(engine.input.shape[1:], engine.input.dtype))
    tell = getattr(getattr(engine, "_interpreter", None), "_get_ops_details", None)
    if tell is not None:
        found["operators"] = [
            [o["op_name"], [int(i) for i in o["inputs"]], [int(i) for i in o["outputs"]]]
            for o in tell()
        ]
except BaseException as error:
    found["error"] = f"{{type(error).__name__}}: {{error}}"
answer(found)
"""
_DELEGATE = "DELEGATE"


def try_import(module: str) -> Trial:
    """Import a module in a process of its own."""
    found = _run(_IMPORT, module)
    return Trial(module, found.get("version"), found.get("missing"), found.get("error"))


def try_inference() -> Inference:
    """Load the bundled model and run it once, in a process of its own."""
    found = _run(_INFERENCE)
    operators = found.get("operators")
    delegated, partitions = None, None
    total = None
    if operators is not None:
        delegated, partitions = count_delegated(operators)
        total = len(operators) - partitions
    # Which one it is, only the native log says.
    name = "XNNPACK" if "XNNPACK delegate" in found["log"] else "unnamed"
    delegate = name if partitions else None
    return Inference(
        runtime=found.get("runtime"),
        version=found.get("version"),
        operators=total,
        delegated=delegated,
        partitions=partitions,
        delegate=delegate,
        error=found.get("error"),
    )


def count_delegated(operators: Sequence[tuple[str, list[int], list[int]]]) -> tuple[int, int]:
    """Count the operators that delegates have taken, and the pieces that they form.

    An operator is taken if a delegate's outputs need it, going back to the delegate's inputs.

    Args:
        operators: Name, input tensors and output tensors of each; delegates are called DELEGATE.
    """
    delegates = [operator for operator in operators if operator[0] == _DELEGATE]
    maker = {
        tensor: index
        for index, operator in enumerate(operators)
        if operator[0] != _DELEGATE
        for tensor in operator[2]
    }
    taken: set[int] = set()
    for _, inputs, outputs in delegates:
        needed, given = list(outputs), set(inputs)
        while needed:
            tensor = needed.pop()
            index = maker.get(tensor)
            if tensor in given or index is None or index in taken:
                continue
            taken.add(index)
            needed += operators[index][1]
    return len(taken), len(delegates)


def _run(code: str, *arguments: str) -> dict[str, Any]:
    """Return what the code answered, or how its process ended as "error"; "log": its messages."""
    if not sys.executable:
        return {"log": "", "error": "it cannot be tried: Python does not know its own program"}
    try:
        child = run_python(code, *arguments, timeout_s=_TIMEOUT_S)
    except OSError as error:
        return {"log": "", "error": f"it cannot be tried: no process can be started ({error})"}
    answer: dict[str, Any] = {"log": child.stderr, "error": None}
    lines = [line for line in child.stdout.splitlines() if line.startswith(_MARK)]
    if lines:
        answer |= json.loads(lines[-1].removeprefix(_MARK))
    ended = child.problem or (None if lines else "ended without a word")
    if answer["error"] is None and ended is not None:  # also a crash behind the answer
        answer["error"] = f"the process {ended}"
    return answer
