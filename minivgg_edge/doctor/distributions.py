"""Reads what is installed: every copy of each package that matters, also those that are hidden."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from minivgg_edge.doctor.facts import Distribution

# Each package that matters, and the folder of its module.
_MODULES = {
    "minivgg-edge": "minivgg_edge",
    "numpy": "numpy",
    "ai-edge-litert": "ai_edge_litert",
    "tflite-runtime": "tflite_runtime",
    "pillow": "PIL",
    "picamera2": "picamera2",
    "simplejpeg": "simplejpeg",
    "tensorflow": "tensorflow",
}
# Their missing `.pyc` files are felt with every start.
_COMPILED = ("minivgg-edge", "numpy", "ai-edge-litert", "tflite-runtime")
_NOT_IMPORTED = {"tests", "testing", "f2py", "distutils", "vendor", "aot"}

# e_machine of the ELF header, by the processor supplements of the System V ABI; as Linux names it.
_ELF_MACHINES = {3: "i686", 40: "armv7l", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


def read_distributions(path: Sequence[str]) -> tuple[Distribution, ...]:
    """Read the packages that matter.

    Args:
        path: Folders in the order in which Python searches them, as `sys.path`.
    """
    found: dict[tuple[str, str], Distribution] = {}
    for folder in path:
        # Entries may be archives, may not exist, may be repeated.
        for item in importlib.metadata.distributions(path=[folder]):
            try:
                distribution = _read(item, folder)
            except ValueError:  # no UTF-8: one damaged package must not hide the others
                continue
            if distribution is not None:
                found.setdefault((distribution.name, os.path.realpath(folder)), distribution)
    return tuple(found.values())


def _read(item: importlib.metadata.Distribution, folder: str) -> Distribution | None:
    # Metadata may be cut off or empty; Python 3.12 and newer warn of a field that is not there.
    metadata = item.metadata
    if metadata is None:  # newer importlib.metadata, of a folder without the file
        return None
    raw = metadata["Name"] if "Name" in metadata else ""  # noqa: SIM401 - the type has no `get`
    name = re.sub(r"[-_.]+", "-", raw or "").lower()
    if name not in _MODULES:
        return None
    module = Path(folder, _MODULES[name])
    exists = module.is_dir()
    sources = list(_sources(module)) if exists and name in _COMPILED else []
    uncompiled = sum(not _is_compiled(source) for source in sources)
    version = metadata["Version"] if "Version" in metadata else ""  # noqa: SIM401
    return Distribution(
        name=name,
        version=version or "unknown",
        folder=folder,
        from_system=Path(folder).name == "dist-packages" and "local" not in Path(folder).parts,
        tags=_read_tags(item.read_text("WHEEL") or ""),
        library_machine=_library_machine(module) if exists else None,
        module_folder=str(module) if exists else None,
        sources=len(sources),
        uncompiled=uncompiled,
        writable=exists and os.access(module, os.W_OK),
    )


def _read_tags(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^Tag: *(\S+) *$", text, re.MULTILINE))


def _sources(module: Path) -> Iterator[Path]:
    """Yield the Python files of a package that a start may import."""
    for folder, folders, files in os.walk(module):
        folders[:] = [name for name in folders if name not in _NOT_IMPORTED]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _is_compiled(source: Path) -> bool:
    try:
        return Path(importlib.util.cache_from_source(str(source))).is_file()
    except NotImplementedError:  # this Python keeps none
        return True


def _library_machine(module: Path) -> str | None:
    """Return what the first native library of a package was compiled for."""
    for folder, folders, files in os.walk(module):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".so"):
                return read_elf_machine(Path(folder, name))
    return None


def read_elf_machine(library: Path) -> str | None:
    """Return the architecture in an ELF file's header; None if it is no such file."""
    try:
        with library.open("rb") as file:
            header = file.read(20)
    except OSError:
        return None
    if len(header) < 20 or not header.startswith(b"\x7fELF"):
        return None
    order = ">" if header[5] == 2 else "<"  # EI_DATA
    (machine,) = struct.unpack_from(f"{order}H", header, 18)
    return _ELF_MACHINES.get(machine)
