"""Which runtime fits this machine, as a sentence that says what to install."""

from __future__ import annotations

import os
import sys

from minivgg_edge.import_failure import import_reason

_LITERT = 'run `pip install "ai-edge-litert>=2.1.6"`'
_TFLITE = 'run `pip install tflite-runtime "numpy<2"`'

# The last Python for which tflite-runtime 2.14, the last release, has wheels.
_LAST_TFLITE_PYTHON = (3, 11)


NOTHING_FOR_ARMV6 = (
    "expected a CPU with the ARMv7 instruction set or newer, got armv6l (Raspberry Pi 1 or "
    "Zero): no TensorFlow Lite runtime is built for it; a Raspberry Pi Zero 2 or newer works"
)


def _machine() -> str:
    """Return the machine as the kernel names it; "" on Windows, which has no `os.uname`."""
    return os.uname().machine if hasattr(os, "uname") else ""


def advice(machine: str, *, is_64_bit: bool, python: tuple[int, int]) -> str:
    """Return what to install on a machine.

    Args:
        machine: The machine as the kernel names it.
        is_64_bit: Whether Python is a 64-bit program; a 64-bit kernel runs 32-bit ones too.
        python: Python's major and minor version.
    """
    if is_64_bit:
        return _LITERT
    version = f"{python[0]}.{python[1]}"
    if python <= _LAST_TFLITE_PYTHON:
        return f"on a 32-bit system ({machine}) {_TFLITE}"
    return (
        f"for a 32-bit system ({machine}) with Python {version} no runtime is published: take a "
        f"64-bit system, or Python 3.11 (Raspberry Pi OS Bookworm) and there {_TFLITE}"
    )


def install_advice() -> str:
    """Return what to install on this machine."""
    return advice(_machine(), is_64_bit=sys.maxsize > 2**32, python=sys.version_info[:2])


def newer_advice(name: str) -> str:
    """Return how to get a newer runtime than the one that this machine has.

    Args:
        name: The distribution that it has.
    """
    if sys.maxsize <= 2**32:
        return (
            "no newer one is published for 32-bit systems: take a 64-bit system, or compile the "
            "model with --precision int8"
        )
    return "run `pip install --upgrade ai-edge-litert`" if name == "ai-edge-litert" else _LITERT


def broken_runtime(name: str, error: Exception) -> str:
    """Return why a runtime that is installed does not serve, and what to install.

    Args:
        name: The distribution.
        error: What its import raised.
    """
    reason = f"{name} is installed but cannot be imported: {import_reason(error)}"
    if "GLIBC" in str(error):
        reason += " (the system's C or C++ library is older than the one the wheel was built for)"
    return f"{reason}; {install_advice()}"
