"""A tar for boards without a network: the model's wheel and every wheel that it needs there."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from convert.packaging.boards import Board
from convert.packaging.errors import PackagingError

_CHECKOUT = Path(__file__).resolve().parents[2]
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
# pip decides by the markers of the Python that it runs in what a wheel needs; what the board's
# Python needs besides is asked for once more, and what that needs once more.
_MOST_ROUNDS = 5

Wheels = Mapping[str, bytes]
Download = Callable[[tuple[str, ...], Board, str], Wheels]


def board_wheels(board: Board, download: Download | None = None) -> dict[str, bytes]:
    """Return the wheels of minivgg-edge and of all that it needs on a board, by file name.

    Args:
        board: where they are to be installed.
        download: gets the wheels of requirements for a board and a Python; None asks pip.

    Raises:
        PackagingError: pip fails, or something needed has no wheel for the board.
    """
    fetch = download or download_wheels
    wheels = dict(_own_wheel())
    for python in board.pythons:
        wanted = board.requirements
        for _ in range(_MOST_ROUNDS):
            wheels.update(fetch(wanted, board, python))
            wanted = missing(wheels, board, python)
            if not wanted:
                break
        else:
            raise PackagingError(f"{board.title}, Python {python}: still missing: {list(wanted)}")
    return wheels


def missing(wheels: Wheels, board: Board, python: str) -> tuple[str, ...]:
    """Return what wheels need on a board beside each other, with extra "pictures" of our own."""
    environment = {
        "platform_machine": board.machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "pictures",
    }
    have = {parse_wheel_filename(name)[0] for name in wheels}
    # Debian calls them python3-numpy and python3-pil.
    if board.from_system:
        have |= {canonicalize_name("numpy"), canonicalize_name("pillow")}
    needed = {
        str(requirement.name): f"{requirement.name}{requirement.specifier}"
        for data in wheels.values()
        for requirement in _requirements(data)
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }
    return tuple(
        sorted(text for name, text in needed.items() if canonicalize_name(name) not in have)
    )


def download_wheels(wanted: tuple[str, ...], board: Board, python: str) -> Wheels:
    """Let pip download wheels, with what they need, for a board and a Python.

    Raises:
        PackagingError: it cannot; its last line says why.
    """
    where = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    where += [word for tag in board.platforms for word in ("--platform", tag)]
    # Where packages of the system stand in, pip must not look for their wheels.
    where += ["--no-deps"] if board.from_system else []
    where += ["--constraint", str(_CHECKOUT / "constraints.txt")]
    with tempfile.TemporaryDirectory(prefix="minivgg-edge-") as folder:
        _run((*_PIP, "download", *where, "--dest", folder, *wanted))
        return _read(Path(folder))


def pack_bundle(folder: str, wheels: Wheels, install: str) -> bytes:
    """Return an uncompressed tar of wheels (which are compressed) and INSTALL.txt.

    Args:
        folder: the one in which everything lies.
        wheels: content by file name.
        install: text of INSTALL.txt.

    Returns:
        The same bytes for the same arguments.
    """
    stream = io.BytesIO()
    files = {**wheels, "INSTALL.txt": install.encode("utf-8")}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")  # of user 0, of 1970, mode 0644
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def install_text(board: Board, folder: str, *, distribution: str, model: str) -> str:
    """Return what to type on the board."""
    system = ""
    venv = "python3 -m venv ~/minivgg"
    packages = f'--no-index --find-links {folder} {distribution} "minivgg-edge[pictures]"'
    if board.from_system:
        system = (
            "Some parts come from the system, since nobody publishes wheels of them. Before the\n"
            f"network goes away:\n\n    sudo apt install {' '.join(board.from_system)}\n\n"
        )
        venv = "python3 -m venv --system-site-packages ~/minivgg"
        # Mostly a 32-bit system on a 64-bit kernel, for which pip's markers ask for LiteRT.
        packages = f"--no-index --no-deps {folder}/*.whl"
    pythons = " or ".join(board.pythons)
    return (
        f"{distribution} for {board.title}, Python {pythons}; no network is needed.\n\n{system}"
        f"    tar xf {folder}.tar\n"
        f"    {venv}\n"
        f"    ~/minivgg/bin/pip install {packages}\n"
        f"    ~/minivgg/bin/minivgg-edge classify --model {model} photo.jpg\n"
    )


def _own_wheel() -> Wheels:
    with tempfile.TemporaryDirectory(prefix="minivgg-edge-") as folder:
        _run((*_PIP, "wheel", "--no-deps", "--wheel-dir", folder, str(_CHECKOUT)))
        return _read(Path(folder))


def _read(folder: Path) -> Wheels:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.whl"))}


def _run(command: Iterable[str]) -> None:
    run = subprocess.run(tuple(command), capture_output=True, text=True)  # noqa: S603
    if run.returncode != 0:
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        raise PackagingError(f"pip failed: {lines[-1] if lines else 'without a word'}")


def _requirements(wheel: bytes) -> list[Requirement]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        # Not validated: what others wrote need not be perfect to be installed.
        return Metadata.from_email(archive.read(name), validate=False).requires_dist or []
