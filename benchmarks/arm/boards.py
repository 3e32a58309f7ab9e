"""The boards whose cost is counted, and the systems that run on them.

A board is a core as QEMU and LLVM name it and what its `/proc/cpuinfo` says: LiteRT chooses its
kernels by that file. A system is a Debian release with its own Python; Raspberry Pi OS is built
from the same packages.
"""

from __future__ import annotations

from dataclasses import dataclass

LITERT = "ai-edge-litert"
TFLITE_RUNTIME = "tflite-runtime"


@dataclass(frozen=True, slots=True)
class System:
    """A Debian release on one architecture with the Python and the wheels that a board uses.

    Attributes:
        name: Also the name of its folder below the lane's work folder.
        suite: Debian's name of the release.
        architecture: Debian's name of the architecture.
        machine: What `platform.machine()` says there.
        python: Version of its `python3`, major and minor.
        packages: Debian packages to unpack, with everything that they depend on.
        platforms: Platform tags of the wheels that it can install.
        requirements: Wheels to install beside ours, pinned.
        runtime: Distribution name of the runtime among them.
    """

    name: str
    suite: str
    architecture: str
    machine: str
    python: str
    packages: tuple[str, ...]
    platforms: tuple[str, ...]
    requirements: tuple[str, ...]
    runtime: str

    @property
    def title(self) -> str:
        """Architecture, release and Python in one line."""
        return f"{self.architecture} {self.suite}, Python {self.python}"


@dataclass(frozen=True, slots=True)
class Board:
    """A Raspberry Pi as the emulator and the cost model see it.

    Attributes:
        name: Short name for commands and results.
        title: Name for people.
        core: Arm's name of its core.
        qemu_cpu: `-cpu` of QEMU.
        mca_cpu: `-mcpu` of llvm-mca; None where the cost model has no target.
        clock_ghz: Highest clock of the board as sold.
        part: "CPU part" of `/proc/cpuinfo`.
        architecture: "CPU architecture" of `/proc/cpuinfo`.
        features: "Features" of `/proc/cpuinfo`, as the board's Linux prints them.
        dot_product: Whether the core has SDOT (Armv8.2-A DotProd).
        system: What it runs.
    """

    name: str
    title: str
    core: str
    qemu_cpu: str
    mca_cpu: str | None
    clock_ghz: float
    part: str
    variant: str
    revision: str
    features: str
    dot_product: bool
    system: System

    @property
    def cpuinfo(self) -> str:
        """What `/proc/cpuinfo` of the board says, for its four cores."""
        entries = [
            f"processor\t: {number}\n"
            "BogoMIPS\t: 108.00\n"
            f"Features\t: {self.features}\n"
            "CPU implementer\t: 0x41\n"
            f"CPU architecture: {8 if self.system.machine == 'aarch64' else 7}\n"
            f"CPU variant\t: {self.variant}\n"
            f"CPU part\t: {self.part}\n"
            f"CPU revision\t: {self.revision}\n"
            for number in range(4)
        ]
        return "\n".join(entries)


_ARM64 = (
    "manylinux_2_34_aarch64",
    "manylinux_2_28_aarch64",
    "manylinux_2_27_aarch64",
    "manylinux2014_aarch64",
)
_ARMHF = ("manylinux_2_34_armv7l", "manylinux2014_armv7l", "linux_armv7l")

BOOKWORM = System(
    name="arm64-bookworm",
    suite="bookworm",
    architecture="arm64",
    machine="aarch64",
    python="3.11",
    packages=("python3", "libstdc++6"),
    platforms=_ARM64,
    requirements=("ai-edge-litert==2.3.0", "numpy==2.3.5", "pillow==12.0.0"),
    runtime=LITERT,
)
TRIXIE = System(
    name="arm64-trixie",
    suite="trixie",
    architecture="arm64",
    machine="aarch64",
    python="3.13",
    packages=("python3", "libstdc++6"),
    platforms=_ARM64,
    requirements=("ai-edge-litert==2.3.0", "numpy==2.3.5", "pillow==12.0.0"),
    runtime=LITERT,
)
# LiteRT and numpy have no wheels for 32-bit Arm: numpy and Pillow are Debian's, as they are on
# Raspberry Pi OS without its extra index.
BOOKWORM_32BIT = System(
    name="armhf-bookworm",
    suite="bookworm",
    architecture="armhf",
    machine="armv7l",
    python="3.11",
    packages=("python3", "libstdc++6", "python3-numpy", "python3-pil"),
    platforms=_ARMHF,
    requirements=("tflite-runtime==2.14.0",),
    runtime=TFLITE_RUNTIME,
)

_ARMV8 = "fp asimd evtstrm crc32 cpuid"

PI3 = Board(
    name="pi3",
    title="Raspberry Pi 3 B+",
    core="Cortex-A53",
    qemu_cpu="cortex-a53",
    mca_cpu="cortex-a53",
    clock_ghz=1.4,
    part="0xd03",
    variant="0x0",
    revision="4",
    features=_ARMV8,
    dot_product=False,
    system=BOOKWORM,
)
PI4 = Board(
    name="pi4",
    title="Raspberry Pi 4 B",
    core="Cortex-A72",
    qemu_cpu="cortex-a72",
    mca_cpu="cortex-a72",
    clock_ghz=1.8,
    part="0xd08",
    variant="0x0",
    revision="3",
    features=_ARMV8,
    dot_product=False,
    system=BOOKWORM,
)
PI5 = Board(
    name="pi5",
    title="Raspberry Pi 5",
    core="Cortex-A76",
    qemu_cpu="cortex-a76",
    mca_cpu="neoverse-n1",  # the same core design; LLVM has a model of its own for it alone
    clock_ghz=2.4,
    part="0xd0b",
    variant="0x4",
    revision="1",
    features=(
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc "
        "dcpop asimddp"
    ),
    dot_product=True,
    system=TRIXIE,
)
PI3_32BIT = Board(
    name="pi3-32bit",
    title="Raspberry Pi 2/3, 32-bit",
    core="Cortex-A7",
    qemu_cpu="cortex-a7",
    mca_cpu=None,
    clock_ghz=0.9,
    part="0xc07",
    variant="0x0",
    revision="5",
    features=("half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"),
    dot_product=False,
    system=BOOKWORM_32BIT,
)
BOARDS = {board.name: board for board in (PI3, PI4, PI5, PI3_32BIT)}
