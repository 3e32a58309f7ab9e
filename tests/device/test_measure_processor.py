"""The processor is read from files: of boards and of x86-64, real or virtual."""

from __future__ import annotations

from pathlib import Path

import pytest

from minivgg_edge.measure.processor import board_title, is_arm, read_processor, read_text

PI_5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1
"""
X86 = """\
processor\t: 0
model name\t: Some Processor 9000
flags\t\t: fpu lm avx2 fma avx512_vnni {more}

processor\t: 1
model name\t: Another Name
flags\t\t: fpu lm
"""


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_pi(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", PI_5)
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    processor = read_processor(tmp_path)
    assert processor.model == "Cortex-A76"
    assert processor.features == ("asimd", "fphp", "asimdhp", "asimddp")
    assert processor.virtual is False
    assert board_title(tmp_path, cores=4) == "Raspberry Pi 5 Model B Rev 1.0"


@pytest.mark.parametrize(
    ("part", "name"),
    [("0xd03", "Cortex-A53"), ("0xd08", "Cortex-A72"), ("0xFFF", "Arm core 0xfff")],
)
def test_other_cores(tmp_path: Path, part: str, name: str) -> None:
    write(tmp_path, "proc/cpuinfo", PI_5.replace("0xd0b", part))
    assert read_processor(tmp_path).model == name


def test_a_core_of_another_maker_has_no_name(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", PI_5.replace("0x41", "0x61"))
    processor = read_processor(tmp_path)
    assert processor.model is None
    assert processor.virtual is None


@pytest.mark.parametrize(("more", "virtual"), [("hypervisor", True), ("", False)])
def test_x86(tmp_path: Path, more: str, virtual: bool) -> None:
    write(tmp_path, "proc/cpuinfo", X86.format(more=more))
    processor = read_processor(tmp_path)
    assert processor.model == "Some Processor 9000"
    assert processor.features == ("fma", "avx2", "avx512_vnni")
    assert processor.virtual is virtual
    title = board_title(tmp_path, cores=2, machine="x86_64")
    assert title == "x86-64 Some Processor 9000 (AVX512-VNNI), 2 cores"
    assert board_title(tmp_path, cores=1, machine="x86_64").endswith(", 1 core")


def test_hypervisor_of_another_architecture(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", PI_5)
    write(tmp_path, "sys/hypervisor/type", "xen\n")
    assert read_processor(tmp_path).virtual is True


def test_nothing_to_read(tmp_path: Path) -> None:
    processor = read_processor(tmp_path)
    assert (processor.model, processor.features, processor.virtual) == (None, (), None)
    assert read_text(tmp_path) is None  # a folder cannot be read


@pytest.mark.parametrize(
    ("machine", "arm"),
    [("aarch64", True), ("armv7l", True), ("arm64", True), ("x86_64", False), ("AMD64", False)],
)
def test_is_arm(machine: str, arm: bool) -> None:
    assert is_arm(machine) is arm
