"""Reads the machine and the Python: from files below a root, and from what Python knows of itself.

Whatever is not there is None or empty, and never an error.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import sys
import sysconfig
from pathlib import Path

from minivgg_edge.doctor.facts import Camera, Python, System
from minivgg_edge.measure.processor import read_processor, read_text

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_DIST_PACKAGES = "usr/lib/python3/dist-packages"
_CXX_LIBRARY = "libstdc++.so.6"


def read_system(root: Path) -> System:
    """Read the machine; files are read below `root`."""
    triplet = str(sysconfig.get_config_var("MULTIARCH") or sysconfig.get_platform())
    libc, libc_version = _read_libc(triplet)
    release = _read_os_release(root)
    processor = read_processor(root)
    machine = platform.machine()
    return System(
        name=platform.system(),
        machine=machine,
        bits=64 if sys.maxsize > 2**32 else 32,
        kernel=platform.release(),
        libc=libc,
        libc_version=libc_version,
        hard_float=triplet.endswith("hf") if triplet.startswith("arm-") else None,
        glibcxx=read_glibcxx(root, triplet),
        os_name=release.get("PRETTY_NAME"),
        os_ids=tuple(f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()),
        board=read_text(root / "proc/device-tree/model"),
        cpu=processor.model,
        cpu_features=processor.features,
    )


def _read_libc(triplet: str) -> tuple[str, tuple[int, ...]]:
    """Return name and version of the C library that this Python was built for."""
    if triplet.endswith("musl") or "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
        return "musl", ()
    name, version = platform.libc_ver()
    if name not in ("glibc", "musl"):
        return "", ()
    return name, read_version(version)


def read_version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (2, 3, 0) of "2.3.0rc1"."""
    match = re.match(r"\d{1,9}(?:\.\d{1,9})*", text, re.ASCII)
    return tuple(map(int, match.group().split("."))) if match else ()


def _read_os_release(root: Path) -> dict[str, str]:
    text = next(filter(None, (read_text(root / name) for name in _OS_RELEASE)), "")
    fields = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            try:
                fields[name.strip()] = " ".join(shlex.split(value))
            except ValueError:  # a quotation mark too many
                continue
    return fields


def read_glibcxx(root: Path, triplet: str) -> tuple[int, ...] | None:
    """Return the newest symbol version of the C++ library below `root`; None without one.

    Args:
        root: The folder that holds `usr`.
        triplet: Name of the architecture's folder of libraries on Debian.
    """
    for folder in (f"usr/lib/{triplet}", f"lib/{triplet}", "usr/lib64", "lib64", "usr/lib", "lib"):
        try:
            content = (root / folder / _CXX_LIBRARY).read_bytes()
        except OSError:
            continue
        found = re.findall(rb"GLIBCXX_(\d+)\.(\d+)\.(\d+)", content)
        return max((tuple(map(int, numbers)) for numbers in found), default=None)
    return None


def read_python() -> Python:
    """Read what runs this code."""
    in_environment = sys.prefix != sys.base_prefix
    base = str(getattr(sys, "_base_executable", None) or sys.executable or "")
    folder = Path(sysconfig.get_path("purelib"))
    return Python(
        version=(sys.version_info.major, sys.version_info.minor, sys.version_info.micro),
        implementation=platform.python_implementation(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        executable=sys.executable or "",
        base_executable=base,
        prefix=sys.prefix,
        in_environment=in_environment,
        sees_system=not in_environment or sees_system(Path(sys.prefix)),
        # PEP 668: the marker lies in the standard library's folder, environments are free of it.
        externally_managed=not in_environment
        and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file(),
        has_pip=finds("pip"),
        has_ensurepip=finds("ensurepip") and finds("venv"),
        writable=os.access(folder if folder.exists() else folder.parent, os.W_OK),
    )


def sees_system(environment: Path) -> bool:
    """Say whether a virtual environment finds the packages outside of it."""
    text = read_text(environment / "pyvenv.cfg") or ""
    return bool(re.search(r"^include-system-site-packages\s*=\s*true\s*$", text, re.M | re.I))


def read_camera(root: Path) -> Camera:
    """Look for the camera packages, without importing them."""
    return Camera(
        picamera2=finds("picamera2"),
        libcamera=finds("libcamera"),
        system_libcamera=(root / _DIST_PACKAGES / "libcamera").is_dir(),
    )


def finds(module: str) -> bool:
    """Say whether a top-level module would be found; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # a module that was put in place by hand
        return module in sys.modules
