"""What to type to bring a packaged model to a board."""

from __future__ import annotations

import shlex
from pathlib import Path

from convert.packaging.boards import BOARDS
from convert.packaging.bundle import install_text
from convert.packaging.wheel import WheelSpec

_GUIDE = "docs/first-hour.md"


def bundle_folder(spec: WheelSpec, board: str) -> str:
    """Return the name of the folder in the tar for a board without a network, and the tar's stem.

    Args:
        spec: of the model's wheel.
        board: a key of `BOARDS`.
    """
    return f"{spec.names.escaped}-{spec.version}-{board}"


def install_lines(spec: WheelSpec, folder: Path, *, board: str | None) -> list[str]:
    """Return what to type here and on the board.

    Args:
        spec: of the model's wheel.
        folder: where the wheel lies, and the tar.
        board: a key of `BOARDS` if there is a tar for it; it has no network then.
    """
    if board is not None:
        stem = bundle_folder(spec, board)
        text = install_text(
            BOARDS[board], stem, distribution=spec.names.distribution, model=spec.names.model
        )
        tar = folder / f"{stem}.tar"
        return [
            "Here:",
            f"    scp {shlex.quote(str(tar))} pi@raspberrypi.local:",
            "",
            *text.rstrip().splitlines(),
        ]
    wheel, model = folder / spec.file_name, spec.names.model
    return [
        "Here:",
        f"    scp {shlex.quote(str(wheel))} pi@raspberrypi.local:",
        f"On the Raspberry Pi, where minivgg-edge is installed ({_GUIDE}):",
        f"    pip install --no-deps ./{wheel.name}",
        f"    minivgg-edge classify --model {model} photo.jpg",
        f"If it has a {model} {spec.version} already: pip install --force-reinstall "
        f"--no-deps ./{wheel.name}",
    ]
