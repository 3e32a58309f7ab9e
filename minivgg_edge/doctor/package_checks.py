"""Are the installed packages the right ones: versions, wheels, copies that hide each other."""

from __future__ import annotations

from collections.abc import Iterator

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.facts import Distribution, Facts
from minivgg_edge.doctor.findings import Finding, ok, problem, warning
from minivgg_edge.doctor.import_errors import explain, missing_dependency
from minivgg_edge.doctor.system import read_version
from minivgg_edge.doctor.wheel_tags import Misfit, Mismatch, find_mismatch, wheel_machine

_OLDEST_NUMPY = (1, 24)
_NATIVE = ("numpy", "ai-edge-litert", "tflite-runtime", "pillow", "simplejpeg")
# Without these nothing runs; the others serve pictures and the camera.
_NEEDED = ("numpy", "ai-edge-litert", "tflite-runtime")


def check_numpy(facts: Facts) -> Iterator[Finding]:
    """numpy is there, new enough and whole."""
    trial = facts.trial("numpy")
    if trial is None:
        return
    installed = facts.installed("numpy")
    if trial.missing == "numpy":
        yield problem("numpy", "numpy is not installed", commands.install_numpy(facts))
    elif trial.error is not None:
        if trial.missing is not None:
            why = missing_dependency(facts, "numpy", trial.missing)
        else:
            why = explain(facts, "numpy", trial.error)
        hidden = _hidden_numpy(facts) is not None or commands.needs_system_numpy(facts)
        command = commands.reinstall(facts, "numpy") if hidden else why.command
        version = f" {installed.version}" if installed else ""
        yield problem(
            "numpy", f"numpy{version} cannot be imported: {trial.error}; {why.cause}", command
        )
    elif trial.version is not None and () < read_version(trial.version) < _OLDEST_NUMPY:
        yield problem(
            "numpy",
            f"expected numpy 1.24 or newer, got {trial.version}",
            commands.install_numpy(facts),
        )
    else:
        source = ", from the system's packages" if installed and installed.from_system else ""
        yield ok("numpy", f"numpy {trial.version or 'of unknown version'}{source}")


def check_camera_numpy(facts: Facts) -> Iterator[Finding]:
    """The numpy that is imported is one that the camera packages were compiled against."""
    hidden = _hidden_numpy(facts)
    trial = facts.trial("simplejpeg")
    error = trial.error if trial is not None else None
    if hidden is None:
        if error is not None:
            why = explain(facts, "simplejpeg", error)
            sentence = f"simplejpeg, which picamera2 needs, cannot be imported: {error}"
            yield warning("camera", f"{sentence}; {why.cause}", why.command)
        return
    used = facts.copies("numpy")[0]
    users = [
        name
        for name in ("picamera2", "simplejpeg")
        if (copy := facts.installed(name)) is not None and copy.from_system
    ]
    # The binary interface changed between the major versions; 1.26 serves what 1.24 compiled.
    other_interface = read_version(used.version)[:1] != read_version(hidden.version)[:1]
    if users and (error is not None or other_interface):
        yield warning(
            "numpy",
            f"numpy {used.version} in {used.folder} hides the system's numpy "
            f"{hidden.version}, which the system's {' and '.join(users)} was compiled against; "
            "without it the system's numpy, which is new enough, serves both",
            commands.uninstall(facts, "numpy"),
        )


def _hidden_numpy(facts: Facts) -> Distribution | None:
    """Return the system's numpy if another one is found before it."""
    copies = facts.copies("numpy")
    if not copies or copies[0].from_system:
        return None
    return next((copy for copy in copies if copy.from_system), None)


def check_wheels(facts: Facts) -> Iterator[Finding]:
    """Native code is for this machine, C library and Python."""
    for name in _NATIVE:
        installed = facts.installed(name)
        if installed is None or not facts.system.name:
            continue
        mismatch = find_mismatch(installed.tags, facts.system, facts.python)
        if mismatch is None:
            mismatch = _library_mismatch(installed, facts)
        if mismatch is not None:
            finding = problem if name in _NEEDED else warning
            yield finding(
                "wheel", _mismatch_sentence(installed, mismatch), _fix(facts, name, mismatch)
            )


def _library_mismatch(installed: Distribution, facts: Facts) -> Mismatch | None:
    here = wheel_machine(facts.system.machine, facts.system.bits)
    found = installed.library_machine
    # ELF does not tell ARMv6 from ARMv7.
    if found is None or found == here or (found == "armv7l" and here == "armv6l"):
        return None
    return Mismatch(Misfit.MACHINE, found, here)


def _mismatch_sentence(installed: Distribution, mismatch: Mismatch) -> str:
    return (
        f"{installed.name} {installed.version} in {installed.folder} was built for "
        f"{mismatch.built_for}, this is {mismatch.here}"
    )


def _fix(facts: Facts, name: str, mismatch: Mismatch) -> str | None:
    if mismatch.misfit is Misfit.PYTHON and facts.python.in_environment:
        # The system was upgraded below the environment: all in it is for the Python before.
        return commands.new_environment(facts)
    return commands.reinstall(facts, name)


def check_pillow(facts: Facts) -> Iterator[Finding]:
    """Pillow is there, or what works without it."""
    trial = facts.trial("PIL.Image")
    if trial is None:
        return
    if trial.error is None:
        yield ok("pillow", f"Pillow {trial.version or 'of unknown version'}")
        return
    works = "uint8 arrays of any size still work, files and bytes of pictures do not"
    if trial.missing == "PIL":
        sentence = f"Pillow is not installed: {works}"
    else:
        sentence = f"Pillow cannot be imported ({trial.error}): {works}"
    why = explain(facts, "pillow", trial.error)
    missing = trial.missing is not None
    command = commands.install_pillow(facts) if missing else why.command
    yield warning("pillow", sentence, command)
