"""What the processor of the desk is fast at."""

from __future__ import annotations

import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

from convert.training.network import Precision
from minivgg_edge.measure.machine_state import ROOT
from minivgg_edge.measure.processor import read_processor

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
_X86_64 = frozenset({"x86_64", "AMD64"})


def fast_precision(root: Path = ROOT) -> Precision:
    """Return "bfloat16" where the processor has instructions for it; it is slower elsewhere.

    Args:
        root: the folder that holds Linux's `proc`; where there is none, float32 is safe.
    """
    has_bfloat16 = _BFLOAT16_FLAGS.intersection(read_processor(root).features)
    return "bfloat16" if has_bfloat16 else "float32"


def precision_note(precision: Precision, root: Path = ROOT) -> str | None:
    """Say that a precision is slow on this processor; None where it is not, or nobody knows.

    Args:
        precision: of the steps.
        root: the folder that holds Linux's `proc`.
    """
    known = read_processor(root).features
    if precision != "bfloat16" or not known or _BFLOAT16_FLAGS.intersection(known):
        return None
    return (
        "bfloat16 is slow on this processor, which has no instructions for it (avx512_bf16 or "
        "amx_bf16): --precision float32 takes a fraction of the time"
    )


def prefer_onednn(
    environment: MutableMapping[str, str] = os.environ, machine: str | None = None
) -> None:
    """Let TensorFlow, which must not be imported yet, compute with oneDNN's kernels.

    By itself TensorFlow 2.21 does so on x86-64 processors with AVX512-VNNI or what came after it.
    Those before gain as well, see "What makes a step fast" in docs/training.md. What the
    environment says already stays; processors of other kinds were not measured.

    Args:
        environment: where TensorFlow's variable is set.
        machine: kind of the processor, by default this one's.
    """
    if (platform.machine() if machine is None else machine) in _X86_64:
        environment.setdefault(_ONEDNN, "1")
