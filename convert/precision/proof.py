"""What the compilation says about a model of a precision: audit, warnings, tools."""

from __future__ import annotations

from importlib import metadata

from convert.int8.audit import Audit, audit, describe
from convert.int8.conversion import Io
from convert.int8.packing import tool_versions
from convert.int8.runtime_version import is_newer
from convert.precision.contents import read_contents
from convert.precision.kinds import KINDS, Precision

_SECOND_ENGINE = "ai-edge-quantizer"
# The newest tflite-runtime: what 32-bit boards have.
_LAST_TFLITE_RUNTIME = "2.14.0"


def audit_precision(flatbuffer: bytes, precision: Precision, *, io: Io) -> Audit:
    """Check that an int8 model is one; list what is in a model of another precision.

    Raises:
        AuditError: it is not what an int8 model has to be, or no classifier at all.
    """
    return audit(flatbuffer, io=io) if precision == "int8" else describe(flatbuffer)


def precision_warnings(flatbuffer: bytes, precision: Precision, found: Audit) -> tuple[str, ...]:
    """What is not int8 in the model, and where it does not run; none for an int8 model.

    Args:
        flatbuffer: the model.
        precision: what it was converted to.
        found: its audit.
    """
    if precision == "int8":
        return ()
    sentences = [f"{precision}: {read_contents(flatbuffer).sentence}"]
    if is_newer(found.minimum_runtime, _LAST_TFLITE_RUNTIME):
        sentences.append(
            f"{precision}: it needs TensorFlow Lite {found.minimum_runtime}: LiteRT runs it, "
            f"tflite-runtime, which 32-bit boards have, refuses it."
        )
    return tuple(sentences)


def summary_of(precision: Precision) -> str | None:
    """What the manifest's description calls the model; None leaves it to the output's dtype."""
    return None if precision == "int8" else KINDS[precision].summary


def tools_of(precision: Precision) -> dict[str, str]:
    """Versions of what shapes the bytes of a model file of this precision."""
    tools = tool_versions()
    if precision == "int8-dense4":
        tools[_SECOND_ENGINE] = metadata.version(_SECOND_ENGINE)
    return tools
