"""What lies behind the message of an import that failed, and what to type."""

from __future__ import annotations

import re
from dataclasses import dataclass

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.facts import Facts

_LIBRARY = re.compile(r"(/\S*)?(lib[\w+.-]+): cannot open shared object file")
_LIBRARIES = {
    # Beginning of the name: packages on Debian, Fedora, Alpine.
    "libstdc++": ("libstdc++6", "libstdc++", "libstdc++"),
    "libgcc_s": ("libgcc-s1", "libgcc", "libgcc"),
    "libatomic": ("libatomic1", "libatomic", "libatomic"),
    "libopenblas": ("libopenblas0", "openblas", "openblas"),
    "libgfortran": ("libgfortran5", "libgfortran", "libgfortran"),
    "libjpeg": ("libjpeg62-turbo", "libjpeg-turbo", "libjpeg-turbo"),
    "libopenjp2": ("libopenjp2-7", "openjpeg2", "openjpeg"),
    "libtiff": ("libtiff6", "libtiff", "tiff"),
}
# Modules whose distribution has another name.
_DISTRIBUTIONS = {
    "backports": "backports.strenum",
    "google": "protobuf",
    "PIL": "pillow",
    "typing_extensions": "typing-extensions",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the message means.

    Attributes:
        cause: Words for people that follow a colon or a semicolon.
        command: What to type.
    """

    cause: str
    command: str | None


def explain(facts: Facts, distribution: str, message: str) -> Explanation:
    """Explain why a package that is installed cannot be imported.

    Args:
        facts: Of the machine.
        distribution: The package.
        message: Of the exception, or how the process ended.
    """
    reinstall = commands.reinstall(facts, distribution)
    library = _LIBRARY.search(message)
    if "wrong ELF class" in message or "invalid ELF header" in message:
        return Explanation("its wheel is for another machine", reinstall)
    if re.search(r"GLIBCXX_|CXXABI_", message):
        return Explanation(
            "the system's C++ library is older than the wheel needs", commands.UPGRADE_CXX_LIBRARY
        )
    if "GLIBC_" in message:
        # The C library is the system itself: no package brings a newer one.
        other = commands.OTHER_SYSTEM if facts.system.board else commands.CONTAINER
        return Explanation("the system's C library is older than the wheel needs", other)
    if library is not None and library.group(1):
        # A library that the package itself brings; the loader says so of foreign ones, too.
        cause = f"its own {library.group(2)} is missing or for another machine"
        return Explanation(cause, reinstall)
    if library is not None:
        return _missing_library(facts, library.group(2), reinstall)
    if re.search(r"_ARRAY_API|multiarray|numpy\.dtype size|ndarray.*subclass|NumPy 1", message):
        old = commands.install(facts, commands.NUMPY_1)
        return Explanation("it was compiled against another numpy than the one here", old)
    if "SIGILL" in message:
        return Explanation("its wheel does not run on this processor", reinstall)
    if "failed to map segment" in message:
        return Explanation(
            "the folder's file system does not allow programs (noexec)",
            commands.new_environment(facts),
        )
    return Explanation("its files may be damaged or from another release", reinstall)


def _missing_library(facts: Facts, name: str, reinstall: str) -> Explanation:
    for beginning, (debian, fedora, alpine) in _LIBRARIES.items():
        if name.startswith(beginning):
            line = commands.install_system_library(facts, debian, fedora=fedora, alpine=alpine)
            return Explanation(f"the system lacks {name}", line)
    if name.startswith(("ld-linux", "libc.musl")):
        return Explanation("its wheel is for another C library", reinstall)
    if facts.system.is_debian:
        find = f"sudo apt install apt-file && sudo apt-file update && apt-file search {name}"
        return Explanation(f"the system lacks {name}; this finds its package", find)
    return Explanation(f"the system lacks {name}", reinstall)


def missing_dependency(facts: Facts, distribution: str, module: str) -> Explanation:
    """Explain why a package that is installed does not find a module that it needs."""
    top = module.partition(".")[0]
    name = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    requirement = commands.LITERT_REQUIREMENT if distribution == "ai-edge-litert" else distribution
    if top == distribution.replace("-", "_"):
        return Explanation(
            f"its own part {module} is missing", commands.reinstall(facts, distribution)
        )
    cause = f"it needs the module {module}, which is not installed"
    return Explanation(cause, commands.install(facts, name, requirement))
