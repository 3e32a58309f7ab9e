"""Does the environment let one install, start quickly, and reach the camera."""

from __future__ import annotations

from collections.abc import Iterator

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.facts import Facts
from minivgg_edge.doctor.findings import Finding, ok, warning


def check_installing(facts: Facts) -> Iterator[Finding]:
    """Pip may write here. Who has everything need not care."""
    here = facts.python
    if facts.runs:
        return
    if here.externally_managed:
        yield warning(
            "pip",
            "pip refuses to install outside of a virtual environment here "
            '("externally managed environment", PEP 668): make one; the system\'s packages stay '
            "visible in it",
            commands.new_environment(facts),
        )
    elif not here.has_pip:
        yield warning("pip", "pip is not installed", commands.install(facts, commands.PACKAGE))
    elif not here.writable:
        yield warning(
            "pip",
            f"this user may not write to the packages of {here.prefix}: make a virtual environment",
            commands.new_environment(facts),
        )


def check_bytecode(facts: Facts) -> Iterator[Finding]:
    """The packages that every start imports are compiled."""
    for writable in (True, False):
        lacking = [
            copy
            for name in ("numpy", "ai-edge-litert", "tflite-runtime", "minivgg-edge")
            if (copy := facts.installed(name)) is not None
            and copy.module_folder is not None
            and copy.writable is writable
            # A few are never imported here, and pip skips what an older Python could not read.
            and 2 * copy.uncompiled > copy.sources
        ]
        if lacking:
            names = ", ".join(
                f"{copy.name} ({copy.uncompiled} of {copy.sources} files)" for copy in lacking
            )
            effect = "the first start" if writable else "every start, as no user may write them,"
            folders = tuple(copy.module_folder for copy in lacking if copy.module_folder)
            yield warning(
                "bytecode",
                f".pyc files are missing: {names}; {effect} takes several times as long",
                commands.compile_all(facts, folders, writable=writable),
            )


def check_camera(facts: Facts) -> Iterator[Finding]:
    """Python finds the camera packages, if there are any."""
    camera = facts.camera
    if camera.picamera2 and camera.libcamera:
        yield ok("camera", "picamera2 and libcamera are found")
    elif camera.system_libcamera and facts.python.in_environment and not facts.python.sees_system:
        yield warning(
            "camera",
            f"the virtual environment {facts.python.prefix} does not see the system's libcamera, "
            "which pip cannot install: let it see the system's packages",
            commands.open_environment(facts),
        )
    elif camera.picamera2:
        yield warning(
            "camera",
            "picamera2 is installed, but libcamera's bindings for this Python are not, and pip "
            "has none: they come with the system's Python",
            "sudo apt install python3-picamera2",
        )


def check_reading(facts: Facts) -> Iterator[Finding]:
    """Everything could be read."""
    for what in facts.unreadable:
        yield warning("doctor", f"could not be read, so nothing is said about it: {what}", None)
