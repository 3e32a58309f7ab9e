"""What the processor of the desk is fast at."""

from __future__ import annotations

from pathlib import Path

from convert.training.network import Precision

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def fast_precision(cpuinfo: Path = _CPUINFO) -> Precision:
    """Return "bfloat16" where the processor has instructions for it; it is slower elsewhere.

    Args:
        cpuinfo: Linux's list of the processors; where there is none, float32 is safe.
    """
    try:
        words = set(cpuinfo.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "float32"
    return "bfloat16" if words & _BFLOAT16_FLAGS else "float32"
