"""The processor by `/proc/cpuinfo` and the device tree, reduced to what decides time."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

# Instruction sets for which the runtimes have kernels of their own; x86-64 first, then ARM.
_FEATURES = (
    *("sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512dq"),
    *("avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_int8", "amx_bf16"),
    *("neon", "vfpv4", "asimd", "fphp", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)
# "CPU part" of the cores made by Arm ("CPU implementer" 0x41) that Raspberry Pi boards have; from
# the cores' technical reference manuals, register MIDR.
_ARM_CORES = {
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
}
# Of an x86-64 processor, the newest that it has says which kernels the runtimes take; clouds give
# processors of several generations one name.
_GENERATIONS = {
    "amx_int8": "AMX",
    "avx512_bf16": "AVX512-BF16",
    "avx512_vnni": "AVX512-VNNI",
    "avx512f": "AVX512",
    "avx_vnni": "AVX-VNNI",
    "avx2": "AVX2",
    "avx": "AVX",
}
_DEVICE_TREE_MODEL = "proc/device-tree/model"


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor as the system describes it.

    Attributes:
        model: Name of the processor or of its cores; None if the system does not say.
        features: Instruction sets that matter here, in a fixed order.
        virtual: Whether a hypervisor runs this system; None if it cannot be told.
    """

    model: str | None
    features: tuple[str, ...]
    virtual: bool | None


def read_text(path: Path) -> str | None:
    """Return a small system file's text without white space and zero bytes around it; None if none.

    A file that exists but cannot be read (sysfs answers so for a sensor that is off) is None too.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip(" \t\n\0") or None
    except OSError:
        return None


def read_processor(root: Path) -> Processor:
    """Read the processor's description below `root`, which holds `proc`."""
    text = read_text(root / "proc/cpuinfo") or ""
    fields: dict[str, str] = {}
    for line in text.splitlines():  # one block per core; the first core's stay
        name, separator, value = line.partition(":")
        if separator:
            fields.setdefault(name.strip().lower(), value.strip())
    flags = f"{fields.get('flags', '')} {fields.get('features', '')}".split()
    model = fields.get("model name") or _arm_core(fields)
    features = tuple(feature for feature in _FEATURES if feature in flags)
    return Processor(model, features, _is_virtual(flags, root))


def board_title(root: Path, *, cores: int, machine: str | None = None) -> str:
    """Return what to call this machine: the board's own name, else architecture, CPU and cores.

    The CPU is named with the newest of the vector instructions of x86-64 that it has.

    Args:
        root: The folder that holds `proc`.
        cores: Number of cores.
        machine: The architecture as the kernel names it; by default this machine's.
    """
    board = read_text(root / _DEVICE_TREE_MODEL)
    if board is not None:
        return board
    architecture = (machine or platform.machine()).replace("x86_64", "x86-64")
    processor = read_processor(root)
    model = processor.model or platform.system()
    newest = [title for name, title in _GENERATIONS.items() if name in processor.features]
    vectors = f" ({newest[0]})" if newest else ""
    return f"{architecture} {model}{vectors}, {'1 core' if cores == 1 else f'{cores} cores'}"


def is_arm(machine: str) -> bool:
    """Say whether a machine, as the kernel names it, is an ARM."""
    return machine.lower().startswith(("aarch64", "arm"))


def _arm_core(fields: dict[str, str]) -> str | None:
    if fields.get("cpu implementer", "").lower() != "0x41":
        return None
    part = fields.get("cpu part", "").lower()
    return _ARM_CORES.get(part, f"Arm core {part}" if part else None)


def _is_virtual(flags: list[str], root: Path) -> bool | None:
    if "hypervisor" in flags:
        return True
    if read_text(root / "sys/hypervisor/type") is not None:
        return True
    # A bare x86-64 machine lacks the flag; a board says its name. Anything else may be either.
    bare = "lm" in flags or read_text(root / _DEVICE_TREE_MODEL) is not None
    return False if bare else None
