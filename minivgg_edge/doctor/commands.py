"""The command to type next, right for this environment: with pip where it may, else with others."""

from __future__ import annotations

import shlex

from minivgg_edge.doctor import published
from minivgg_edge.doctor.facts import Facts
from minivgg_edge.doctor.published import LITERT, RUNTIMES, TFLITE_RUNTIME, Wheels, reason_for_none
from minivgg_edge.doctor.wheel_tags import wheel_machine

PACKAGE = "minivgg-edge[pictures]"
OTHER_SYSTEM = "sudo apt install rpi-imager && rpi-imager"
"""To be typed on another computer: writes an SD card with another operating system."""
CONTAINER = 'docker run -it --rm -v "$PWD:/work" -w /work python:3.12-slim bash'
"""A Debian with glibc inside a system that has none."""
UPGRADE_CXX_LIBRARY = "sudo apt update && sudo apt install --only-upgrade libstdc++6"

LITERT_REQUIREMENT = f"ai-edge-litert>={LITERT.oldest}"
NUMPY = "numpy>=1.24"
NUMPY_1 = "numpy>=1.24,<2"
PILLOW = "pillow>=9.4"
# What comes with this package wherever pip's markers fit.
_IMPLIED = {LITERT_REQUIREMENT, NUMPY, PILLOW, PACKAGE}
_TFLITE_REQUIREMENTS = ("tflite-runtime>=2.14,<3", NUMPY_1)
ENVIRONMENT = "~/minivgg"


def python(facts: Facts) -> str:
    """Return this Python as a word of a shell."""
    return shlex.quote(facts.python.executable or "python3")


def fitting_runtime(facts: Facts) -> Wheels | None:
    """Return the preferred runtime that has a wheel here; None if none has."""
    fitting = (w for w in RUNTIMES if reason_for_none(w, facts.system, facts.python) is None)
    return next(fitting, None)


def may_install(facts: Facts) -> bool:
    """Say whether pip would write into this environment."""
    here = facts.python
    return here.writable and (here.in_environment or not here.externally_managed)


def install(facts: Facts, *requirements: str, options: str = "") -> str:
    """Return the line that installs packages: here, or in a new environment if pip may not."""
    words = " ".join(filter(None, [options, *map(_quoted, requirements)]))
    if may_install(facts):
        first = "" if facts.python.has_pip else f"{_install_pip(facts)} && "
        return f"{first}{python(facts)} -m pip install {words}"
    return new_environment(facts, *requirements)


def new_environment(facts: Facts, *requirements: str) -> str:
    """Return the line that makes a virtual environment with this package and others in it."""
    first = "" if facts.python.has_ensurepip else f"{_install_venv(facts)} && "
    # Not from inside another environment, whose packages it would not see. Those of the system,
    # such as picamera2 and its numpy, stay visible.
    base = shlex.quote(facts.python.base_executable or "python3")
    pip = f"{ENVIRONMENT}/bin/pip install"
    others = [_quoted(word) for word in requirements if word not in _IMPLIED]
    line = f"{first}{base} -m venv --system-site-packages {ENVIRONMENT} && {pip}"
    if is_mixed(facts):
        also = " ".join(map(_quoted, requirements or _TFLITE_REQUIREMENTS))
        return f'{line} --no-deps "minivgg-edge" && {pip} {also}'
    return " ".join([line, _quoted(PACKAGE), *others])


def is_mixed(facts: Facts) -> bool:
    """Say whether this is a 32-bit system on a 64-bit kernel.

    pip's markers see the kernel's architecture there and would ask for LiteRT.
    """
    return facts.system.bits == 32 and facts.system.machine in ("aarch64", "arm64", "x86_64")


def install_runtime(facts: Facts) -> str | None:
    """Return the line that installs the runtime which fits; None if none does."""
    wheels = fitting_runtime(facts)
    if wheels is None:
        return None
    if wheels is LITERT:
        numpy = facts.trial("numpy")
        with_numpy = [NUMPY] if numpy is not None and numpy.missing == "numpy" else []
        return install(facts, *with_numpy, LITERT_REQUIREMENT)
    if wheel_machine(facts.system.machine, facts.system.bits) != "armv7l":
        return install(facts, *_TFLITE_REQUIREMENTS)
    # No numpy is published for 32-bit ARM; Debian has one, for its own Python.
    install_numpy = f"{system_numpy(facts)} && " if needs_system_numpy(facts) else ""
    return install_numpy + install(facts, *_TFLITE_REQUIREMENTS)


def needs_system_numpy(facts: Facts) -> bool:
    """Say whether numpy has to come from apt, as for 32-bit ARM, and does not work yet."""
    numpy = facts.trial("numpy")
    return _needs_apt(facts) and (numpy is None or numpy.error is not None)


def _needs_apt(facts: Facts) -> bool:
    """Say whether no numpy is published for this machine, but Debian has one."""
    wheels = published.NUMPY
    none = all(reason_for_none(w, facts.system, facts.python) is not None for w in wheels)
    return facts.system.is_debian and none


def system_numpy(facts: Facts) -> str:
    """Return the line that installs apt's numpy and Pillow and lets this environment see them."""
    return _install_with_apt(facts, "python3-numpy python3-pil")


def install_pillow(facts: Facts) -> str:
    """Return the line that installs Pillow."""
    if _needs_apt(facts):
        return _install_with_apt(facts, "python3-pil")
    return install(facts, PILLOW)


def _install_with_apt(facts: Facts, packages: str) -> str:
    line = f"sudo apt install {packages}"
    if facts.python.in_environment and not facts.python.sees_system:
        line += f" && {open_environment(facts)}"
    return line


def install_numpy(facts: Facts) -> str:
    """Return the line that installs a numpy which fits the runtime, and that if there is none."""
    has_runtime = any(facts.installed(wheels.distribution) for wheels in RUNTIMES)
    with_runtime = None if has_runtime else install_runtime(facts)
    if with_runtime is not None:
        return with_runtime
    if needs_system_numpy(facts):
        return system_numpy(facts)
    has_litert = facts.installed(LITERT.distribution) is not None
    old = not has_litert and facts.installed(TFLITE_RUNTIME.distribution) is not None
    return install(facts, NUMPY_1 if old else NUMPY)


def reinstall(facts: Facts, name: str) -> str:
    """Return the line that puts a package's right wheel in place of a wrong one."""
    if name in (wheels.distribution for wheels in RUNTIMES):
        fitting = fitting_runtime(facts)
        if fitting is None:
            return OTHER_SYSTEM if facts.system.board else CONTAINER
        if fitting.distribution != name:
            return f"{uninstall(facts, name)} && {install_runtime(facts)}"
    if name == "numpy":
        if any(copy.from_system for copy in facts.copies("numpy")[1:]):
            return uninstall(facts, "numpy")  # and the system's own is found
        if needs_system_numpy(facts):
            return system_numpy(facts)
    word = LITERT_REQUIREMENT if name == LITERT.distribution else name
    return install(facts, word, options="--force-reinstall --no-cache-dir --no-deps")


def uninstall(facts: Facts, name: str) -> str:
    """Return the line that removes a package."""
    here = facts.python
    managed = here.externally_managed and not here.in_environment
    # Removing what pip itself installed breaks nothing of the system, though pip says it may.
    flag = "--break-system-packages " if managed else ""
    sudo = "" if here.writable else "sudo "
    return f"{sudo}{python(facts)} -m pip uninstall -y {flag}{_quoted(name)}"


def open_environment(facts: Facts) -> str:
    """Return the line that lets this virtual environment see the system's packages."""
    base = shlex.quote(facts.python.base_executable or "python3")
    # `venv` on an existing folder keeps what is installed in it.
    return f"{base} -m venv --system-site-packages {shlex.quote(facts.python.prefix)}"


def compile_all(facts: Facts, folders: tuple[str, ...], *, writable: bool) -> str:
    """Return the line that writes the missing .pyc files."""
    sudo = "" if writable else "sudo "
    return f"{sudo}{python(facts)} -m compileall -q {' '.join(map(shlex.quote, folders))}"


def install_system_library(facts: Facts, debian: str, *, fedora: str, alpine: str) -> str:
    """Return the line that installs a package of the system, which has a name on each."""
    if "alpine" in facts.system.os_ids:
        return f"apk add {alpine}"
    if "fedora" in facts.system.os_ids:
        return f"sudo dnf install {fedora}"
    return f"sudo apt install {debian}"


def _install_pip(facts: Facts) -> str:
    if facts.python.has_ensurepip:
        return f"{python(facts)} -m ensurepip --upgrade"
    return install_system_library(facts, "python3-pip", fedora="python3-pip", alpine="py3-pip")


def _install_venv(facts: Facts) -> str:
    return install_system_library(facts, "python3-venv", fedora="python3-pip", alpine="python3")


def _quoted(word: str) -> str:
    """Put what a shell would read as its own into double quotes, as people are used to."""
    return word if word.replace("-", "").replace("_", "").isalnum() else f'"{word}"'
