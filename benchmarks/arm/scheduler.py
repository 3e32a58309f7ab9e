"""Straight-line Arm code through llvm-mc and llvm-mca: many blocks in a few processes."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.arm.errors import LaneError
from benchmarks.arm.process import run
from minivgg_edge.atomic import write_atomically

# The models differ between versions; the first that is there is used, and it is stated.
_LLVM_MCA = ("llvm-mca-19", "llvm-mca-20", "llvm-mca-21", "llvm-mca")
_ITERATIONS = 100  # of each block: what filling and draining the pipeline takes is under 1 %
_REGIONS_PER_PROCESS = 200
_FEATURES = "-mattr=+dotprod,+fullfp16,+crypto,+lse,+crc,+rdm,+rcpc"
_ENCODING = re.compile(r"^\s*(\S.*?)\s*// encoding: \[(.*?)\]\s*$")


@dataclass(frozen=True, slots=True)
class Region:
    """One block as llvm-mca schedules it.

    Attributes:
        cycles: Per execution, when it is executed again and again.
        throughput_limit: Cycles per execution that issue width and pipes alone demand.
        known: Its instructions that LLVM can decode and schedule; the others are left out.
    """

    cycles: float
    throughput_limit: float
    known: int


_NOTHING = Region(cycles=0.0, throughput_limit=0.0, known=0)


class Scheduler(Protocol):
    """Schedules blocks on a core; `version` says with what."""

    @property
    def version(self) -> str:
        """Version of LLVM."""

    def __call__(self, codes: Sequence[tuple[int, ...]], mca_cpu: str) -> list[Region]:
        """Schedule the instruction words of each block on the core `mca_cpu`."""


def is_branch(word: int) -> bool:
    """Whether an A64 instruction ends a basic block: branches, exceptions, system calls.

    Arm Architecture Reference Manual, C4.1: op0 (bits 28-25) is 101x for branches, exceptions and
    system instructions; of those, system instructions (bits 31-22 1101010100) go on.
    """
    return (word >> 26) & 0b111 == 0b101 and word >> 22 != 0b1101010100


def installed(cache: Path | None = None) -> LlvmScheduler:
    """The LLVM on PATH.

    Args:
        cache: File that keeps what was scheduled, with the version in each key; None keeps nothing.

    Raises:
        LaneError: There is no llvm-mca.
    """
    mca = next((path for name in _LLVM_MCA if (path := shutil.which(name))), None)
    if mca is None:
        raise LaneError("expected llvm-mca on PATH; install Debian's package llvm-19")
    mc = mca.replace("llvm-mca", "llvm-mc")
    found = re.search(r"LLVM version (\S+)", run([mca, "--version"]))
    if found is None:
        raise LaneError(f"{mca} --version names no LLVM version")
    return LlvmScheduler(mca=mca, mc=mc, version=found.group(1), cache=cache)


class LlvmScheduler:
    """llvm-mc and llvm-mca of one installation."""

    def __init__(self, *, mca: str, mc: str, version: str, cache: Path | None) -> None:
        """Name the programs; nothing is started."""
        self._mca, self._mc, self._version, self._cache = mca, mc, version, cache

    @property
    def version(self) -> str:
        """Version of LLVM."""
        return self._version

    def __call__(self, codes: Sequence[tuple[int, ...]], mca_cpu: str) -> list[Region]:
        """Schedule the instruction words of each block on the core `mca_cpu`.

        Raises:
            LaneError: A program failed.
        """
        keys = [self._key(words, mca_cpu) for words in codes]
        known = self._read_cache()
        missing = {key: words for key, words in zip(keys, codes, strict=True) if key not in known}
        if missing:
            names, blocks = list(missing), list(missing.values())
            assembly = self._disassemble(blocks)
            for start in range(0, len(blocks), _REGIONS_PER_PROCESS):
                part = slice(start, start + _REGIONS_PER_PROCESS)
                regions = self._schedule(blocks[part], assembly, mca_cpu)
                known.update(zip(names[part], regions, strict=True))
            self._write_cache(known)
        return [known[key] for key in keys]

    def _key(self, words: tuple[int, ...], mca_cpu: str) -> str:
        text = f"{self._version} {mca_cpu} {_ITERATIONS} {_FEATURES} {words}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _read_cache(self) -> dict[str, Region]:
        if self._cache is None or not self._cache.is_file():
            return {}
        stored = json.loads(self._cache.read_text(encoding="ascii"))
        return {key: Region(*values) for key, values in stored.items()}

    def _write_cache(self, regions: dict[str, Region]) -> None:
        if self._cache is None:
            return
        stored = {
            key: (region.cycles, region.throughput_limit, region.known)
            for key, region in sorted(regions.items())
        }
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._cache, json.dumps(stored, indent=0).encode("ascii"))

    def _disassemble(self, blocks: Sequence[tuple[int, ...]]) -> dict[int, str]:
        """Assembly of each different word; words that LLVM cannot decode are not in it."""
        words = sorted({word for block in blocks for word in block})
        lines = [" ".join(f"0x{byte:02x}" for byte in word.to_bytes(4, "little")) for word in words]
        arguments = ["--disassemble", "-triple=aarch64", "--show-encoding", _FEATURES]
        assembly = {}
        for line in self._run(self._mc, arguments, "\n".join(lines)).splitlines():
            found = _ENCODING.match(line)
            if found:
                octets = bytes(int(byte, 16) for byte in found.group(2).split(","))
                assembly[int.from_bytes(octets, "little")] = found.group(1)
        return assembly

    def _schedule(
        self, blocks: Sequence[tuple[int, ...]], assembly: dict[int, str], mca_cpu: str
    ) -> list[Region]:
        text = []
        for index, block in enumerate(blocks):
            lines = [assembly[word] for word in block if word in assembly]
            text += [f"# LLVM-MCA-BEGIN {index}", *lines, "# LLVM-MCA-END"]
        arguments = ["-mtriple=aarch64", f"-mcpu={mca_cpu}", _FEATURES, "--json"]
        arguments += [f"-iterations={_ITERATIONS}", "--skip-unsupported-instructions=lack-sched"]
        if not any(word in assembly for block in blocks for word in block):
            return [_NOTHING] * len(blocks)  # llvm-mca takes a file without code for an error
        printed = self._run(self._mca, arguments, "\n".join(text))
        # A block of which nothing can be scheduled is missing from the answer.
        regions = {
            int(region["Name"]): _region(region["SummaryView"])
            for region in json.loads(printed)["CodeRegions"]
        }
        return [regions.get(index, _NOTHING) for index in range(len(blocks))]

    def _run(self, program: str, arguments: Sequence[str], text: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "blocks"
            source.write_text(text + "\n", encoding="ascii")
            return run([program, *arguments, str(source)])


def _region(summary: dict[str, float]) -> Region:
    return Region(
        cycles=summary["TotalCycles"] / summary["Iterations"],
        throughput_limit=summary["BlockRThroughput"],
        # Instructions without scheduling data are missing from the summary.
        known=round(summary["Instructions"] / summary["Iterations"]),
    )
