"""CIFAR-10's archive (binary version) to the six files that are read; nothing else gets out."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path

from convert.data.cifar10 import RECORD_BYTES, TEST_FILE, TRAIN_FILES
from convert.errors import DataError

ARCHIVE_FOLDER = "cifar-10-batches-bin"
_LARGEST_FILE = 10_000 * RECORD_BYTES


def unpack(archive: Path, folder: Path) -> None:
    """Copy the record files of the archive into `folder`, which must exist.

    Members are picked by their full name and written under names of ours, so a hostile archive
    cannot place a file elsewhere, link, or fill the disk.

    Raises:
        DataError: the archive is damaged, lacks a file, or has one twice, too large, or as
            anything but a regular file.
        OSError: `folder` cannot be written to.
    """
    wanted = {f"{ARCHIVE_FOLDER}/{name}": name for name in (*TRAIN_FILES, TEST_FILE)}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = wanted.pop(member.name, None)
                if name is not None:
                    _copy(tar, member, archive, folder / name)
                elif member.name.startswith(ARCHIVE_FOLDER) and member.name.endswith(".bin"):
                    raise DataError(f"{archive}: expected each record file once, got {member.name}")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive}: expected a whole tar.gz archive, got: {error}") from error
    if wanted:
        raise DataError(f"{archive}: expected {sorted(wanted)} in it, got none")


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, path: Path) -> None:
    source = tar.extractfile(member) if member.isfile() else None
    if source is None or member.size > _LARGEST_FILE:
        raise DataError(
            f"{archive}: expected {member.name} as a regular file of at most {_LARGEST_FILE} "
            f"bytes, got type {member.type!r} of {member.size} bytes"
        )
    try:
        with source, path.open("wb") as file:
            shutil.copyfileobj(source, file)
    except gzip.BadGzipFile:
        raise
    except OSError as error:  # a full disk; the error of a write does not know its file
        raise OSError(error.errno, error.strerror, str(path)) from error
