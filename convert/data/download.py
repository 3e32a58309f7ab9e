"""`python -m convert.data.download TARGET`: CIFAR-10's binary version, fetched, checked, unpacked.

A download that was cut off goes on where it ended. TLS certificates are always checked. The
published MD5 finds a damaged archive; what proves the content are the digests of the records.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.command import EXIT_DONE, run_command
from convert.data import cifar10
from convert.data.fetch import Progress, fetch
from convert.data.unpack import unpack
from convert.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the archive and its content must be.

    Attributes:
        archive_md5: hex MD5 of the archive, as https://www.cs.toronto.edu/~kriz/cifar.html has it.
        train: digest of the training records, see `PictureSet.digest`.
        test: digest of the test records.
    """

    archive_md5: str = "c32a1d4ab5d03f1284b67883e8d87530"
    train: str = cifar10.TRAIN_DIGEST
    test: str = cifar10.TEST_DIGEST


PUBLISHED = Checksums()


def download_cifar10(
    target: Path,
    *,
    url: str = URL,
    opener: urllib.request.OpenerDirector | None = None,
    progress: Progress | None = None,
    checksums: Checksums = PUBLISHED,
) -> bool:
    """Download CIFAR-10 into the folder `target`, which appears complete or not at all.

    The archive grows in `TARGET.part` beside the folder; it stays there when the connection breaks,
    and the next call goes on from its end.

    Args:
        target: a folder that does not exist, is empty, or holds the data set already.
        url: of the archive.
        opener: how to open it; None: urllib's default, which honors the proxy settings.
        progress: called with the bytes that have come and the bytes there are, if known.
        checksums: what must come.

    Returns:
        Whether anything was downloaded; False if `target` held the data set already.

    Raises:
        DataError: the server cannot be reached, the connection broke, what came is not the
            published data set, or `target` holds something else.
        OSError: the disk is full or `target` cannot be written.
    """
    target = target.resolve()  # also "." has a name then, and a place beside it
    if target.is_dir() and any(target.iterdir()):
        _check_records(target, checksums)
        return False
    if target.exists() and not target.is_dir():
        raise DataError(f"{target}: expected a folder to download into, got a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    # A whole archive lies there if it could not be unpacked, for a full disk.
    if not part.exists() or _md5(part) != checksums.archive_md5:
        fetch(url, part, opener or urllib.request.build_opener(), progress or (lambda *_: None))
    try:
        _check_md5(part, checksums.archive_md5)
        _unpack_whole(part, target, checksums)
    except DataError:
        part.unlink()  # it will not get better; the next call starts again
        raise
    part.unlink()
    return True


def _md5(path: Path) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            md5.update(chunk)
    return md5.hexdigest()


def _check_md5(part: Path, expected: str) -> None:
    got = _md5(part)
    if got != expected:
        raise DataError(
            f"{part}: expected an archive with MD5 {expected}, got {got}; it has been removed, run "
            "the same command to download it again"
        )


def _unpack_whole(part: Path, target: Path, checksums: Checksums) -> None:
    """Unpack beside `target` and rename: a kill leaves no half of a data set under its name."""
    work = target.with_name(target.name + ".unpacking")
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    try:
        unpack(part, work)
        _check_records(work, checksums)
        if target.is_dir():
            target.rmdir()
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_records(folder: Path, checksums: Checksums) -> None:
    found = {
        "training": (cifar10.read_training(folder).digest, checksums.train),
        "test": (cifar10.read_test(folder).digest, checksums.test),
    }
    for part, (got, expected) in found.items():
        if got != expected:
            raise DataError(
                f"{folder}: expected CIFAR-10's {part} records with digest {expected}, got {got}"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Download CIFAR-10 (binary version, 162 MiB) and check it."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.data.download", description=main.__doc__
    )
    parser.add_argument("target", type=Path, metavar="TARGET", help="folder to make")
    parser.add_argument("--url", default=URL, help="another place of the archive (%(default)s)")
    options = parser.parse_args(arguments)
    downloaded = download_cifar10(options.target, url=options.url, progress=_Printer())
    state = "downloaded and checked" if downloaded else "was there already, checked"
    print(f"{options.target}: {state}; use it with --data {options.target}")
    return EXIT_DONE


class _Printer:
    """Prints a line at every tenth of the download."""

    def __init__(self) -> None:
        self._printed = -1

    def __call__(self, received: int, total: int | None) -> None:
        tenth = received * 10 // total if total else received // 2**24
        if tenth != self._printed:
            self._printed = tenth
            share = f" of {total / 2**20:.0f}" if total else ""
            print(f"{received / 2**20:.0f}{share} MiB", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_command(main))
