"""The machine's state at one moment: what decides how long the same code takes on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minivgg_edge.errors import RuntimeUnavailableError
from minivgg_edge.interpreter import runtime_info
from minivgg_edge.measure.processor import read_processor, read_text

ROOT = Path("/")
_FIRMWARE_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
_VCGENCMD_TIMEOUT_S = 10.0
_CPUFREQ = "sys/devices/system/cpu/cpu[0-9]*/cpufreq"
_CPU_SENSOR = re.compile(r"cpu|soc|pkg|package")


@dataclass(frozen=True, slots=True)
class MachineState:
    """State and description; None is what the system does not tell.

    Attributes:
        governor: Who sets the clock, e.g. "performance"; several are joined by commas.
        frequency_mhz: Current clock of each core in MHz.
        temperature_c: Of the processor, in degrees Celsius; of several sensors the hottest.
        throttled: The Raspberry Pi firmware's bits in hex, e.g. "0x50005".
        load_1min: Load average of the last minute.
        cpu_model: Name of the processor or of its cores.
        cpu_features: Instruction sets that matter here.
        cores: Number of cores.
        memory_bytes: Size of the main memory.
        virtual: Whether this is a virtual machine.
        os: Name and version of the operating system.
        kernel: Its release.
        libc: Name and version of the C library.
        python: Version of Python.
        numpy: Version of numpy.
        runtime: Name and version of the runtime.
    """

    governor: str | None
    frequency_mhz: tuple[float, ...] | None
    temperature_c: float | None
    throttled: str | None
    load_1min: float | None
    cpu_model: str | None
    cpu_features: tuple[str, ...]
    cores: int
    memory_bytes: int | None
    virtual: bool | None
    os: str
    kernel: str
    libc: str
    python: str
    numpy: str
    runtime: str | None


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Counters since some moment in the past, in seconds; only differences mean something.

    Attributes:
        wall_s: Time gone by.
        busy_s: All cores' time in all programs and the kernel.
        stolen_s: All cores' time that the hypervisor gave to other machines.
        own_s: Processor time of this process and of its children that have ended.
    """

    wall_s: float
    busy_s: float
    stolen_s: float
    own_s: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State, counters and model files at one moment.

    Attributes:
        state: The machine's state.
        cpu: Its counters; None without `/proc/stat`.
        models: SHA-256 in lower-case hex of each measured model file, by its path.
    """

    state: MachineState
    cpu: CpuTimes | None
    models: tuple[tuple[str, str], ...] = ()


def take_snapshot(root: Path = ROOT, *, models: tuple[tuple[str, str], ...] = ()) -> Snapshot:
    """Read the state of this machine.

    Args:
        root: The folder that holds `proc` and `sys`.
        models: Path and SHA-256 of the measured model files, as they are now.
    """
    return Snapshot(read_state(root), _read_cpu_times(root), models)


def read_state(root: Path = ROOT) -> MachineState:
    """Read the state below `root`; versions are always those of this process."""
    processor = read_processor(root)
    return MachineState(
        governor=_governor(root),
        frequency_mhz=_frequency_mhz(root),
        temperature_c=read_temperature_c(root),
        throttled=_throttled(root),
        load_1min=_first_number(root / "proc/loadavg"),
        cpu_model=processor.model,
        cpu_features=processor.features,
        cores=os.cpu_count() or 1,
        memory_bytes=_memory_bytes(root),
        virtual=processor.virtual,
        os=_os_name(root),
        kernel=platform.release(),
        libc=" ".join(filter(None, platform.libc_ver())) or "unknown",
        python=platform.python_version(),
        numpy=np.__version__,
        runtime=_runtime(),
    )


def read_temperature_c(root: Path = ROOT) -> float | None:
    """Return the processor's temperature in degrees Celsius, of several sensors the hottest."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    named = [zone for zone in zones if _CPU_SENSOR.search(read_text(zone / "type") or "")]
    found = [_first_number(zone / "temp") for zone in named]
    return max((millidegrees / 1000 for millidegrees in found if millidegrees), default=None)


def _governor(root: Path) -> str | None:
    found = {read_text(folder / "scaling_governor") for folder in root.glob(_CPUFREQ)}
    return ", ".join(sorted(filter(None, found))) or None


def _frequency_mhz(root: Path) -> tuple[float, ...] | None:
    folders = sorted(root.glob(_CPUFREQ), key=lambda folder: int(folder.parent.name[3:]))
    found = [_first_number(folder / "scaling_cur_freq") for folder in folders]
    return tuple(khz / 1000 for khz in found if khz) or None


def _throttled(root: Path) -> str | None:
    """Return the firmware's bits: from the kernel, else from `vcgencmd`, else None."""
    text = read_text(root / _FIRMWARE_THROTTLED)
    program = shutil.which("vcgencmd") if text is None and root == ROOT else None
    if program is not None:
        try:
            run = subprocess.run(  # noqa: S603
                [program, "get_throttled"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_VCGENCMD_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired):  # of another system, or the firmware hangs
            return None
        text = run.stdout.strip() if run.returncode == 0 else None
    return None if text is None else parse_throttled(text)


def parse_throttled(text: str) -> str | None:
    """Return "0x50005" for "throttled=0x50005" (vcgencmd) or "50005" (the kernel); else None."""
    match = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})", text.strip())
    return hex(int(match.group(1), 16)) if match else None


def _memory_bytes(root: Path) -> int | None:
    text = read_text(root / "proc/meminfo") or ""
    match = re.search(r"^MemTotal:\s+(\d+) kB$", text, re.MULTILINE)
    return 1024 * int(match.group(1)) if match else None


def _os_name(root: Path) -> str:
    text = read_text(root / "etc/os-release") or ""
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)"?$', text, re.MULTILINE)
    return match.group(1) if match else platform.system()


def _runtime() -> str | None:
    try:
        info = runtime_info()
    except RuntimeUnavailableError:
        return None
    return f"{info.name} {info.version}"


def _read_cpu_times(root: Path) -> CpuTimes | None:
    words = (read_text(root / "proc/stat") or "").partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    # proc(5): user (with guests), nice, system, idle, iowait, irq, softirq, steal.
    user, nice, system, _, _, irq, softirq, steal = (int(word) / ticks for word in words[1:9])
    own = os.times()
    return CpuTimes(
        wall_s=time.monotonic(),
        busy_s=user + nice + system + irq + softirq,
        stolen_s=steal,
        own_s=own.user + own.system + own.children_user + own.children_system,
    )


def _first_number(path: Path) -> float | None:
    words = (read_text(path) or "").split()
    try:
        return float(words[0]) if words else None
    except ValueError:
        return None
