"""Folders of generated photos, and runs of `python -m convert` small enough for tests."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tiny_model import Run

from convert.command import run_command

# What makes a training take a second.
TINY_TRAINING = (
    *("--size", "16"),
    *("--blocks", "8|16"),
    *("--head", "gap"),
    *("--epochs", "3"),
    *("--batch-size", "8"),
    # Not the lock of the checkout: whoever measures times there would stop the tests.
    *("--lock", "no-test-waits"),
)


def photo(label: int, number: int, width: int = 64, height: int = 48) -> Image.Image:
    """Blobs that no other photo has, in a hue that the class has; as a camera would turn it."""
    random = np.random.default_rng((label, number))
    blobs = random.integers(0, 128, (6, 8, 3))
    blobs[..., label % 3] += 40 + 29 * (label // 3 % 4)
    small = Image.fromarray(blobs.clip(0, 255).astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def save_photo(path: Path, image: Image.Image) -> None:
    """Write a JPEG that says where and when it was taken."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=90, exif=exif)


def fill(folder: Path, classes: Sequence[str], count: int, *, first: int = 0, **size: int) -> Path:
    """Write `count` photos of each class; `first` is the number of the first."""
    for label, name in enumerate(classes):
        for number in range(first, first + count):
            save_photo(folder / name / f"p{number * 7:04}x.jpg", photo(label, number, **size))
    return folder


def run_convert(folder: Path, out: Path, *words: object, training: Sequence[str] = ()) -> Run:
    """Run `python -m convert FOLDER --name my-parts -o OUT` in this process."""
    from convert.__main__ import main

    given = [folder, "--name", "my-parts", "-o", out, *words, "--", *TINY_TRAINING, *training]
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = run_command(main, [str(word) for word in given])
    return Run(code, stdout.getvalue(), stderr.getvalue())


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
