"""Find the pictures of a data folder: which file, which class, which role its place gives it.

Two layouts are known:

* one folder per class, `FOLDER/<class>/*`: the split rule decides every picture's role;
* parts, `FOLDER/train/<class>/*` with `validation/<class>/*` (or `valid/`, `val/`) and
  `test/<class>/*` if there are any: the part is the role. Without a validation part the split rule
  divides `train`.

It is the second layout when `train` holds folders and no pictures; so `train` may be a class too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.data.split_file import ROLES, SPLIT_FILE, Role
from convert.errors import DataError
from minivgg_edge.picture_file import PICTURE_SUFFIXES

SCAN_FILE = "scan.json"
"""What `convert.scan` leaves in a data folder."""

_OWN_FILES = frozenset({SPLIT_FILE, SCAN_FILE})
_PART_FOLDERS: dict[Role, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture file that has not been opened yet.

    Attributes:
        path: the file.
        name: its path below the data folder, with forward slashes.
        label: index of its class.
        role: the role its place gives it; None if the split rule decides.
    """

    path: Path
    name: str
    label: int
    role: Role | None


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """The pictures of a data folder, class by class, and what was passed over.

    Attributes:
        class_names: in index order.
        pictures: sorted by part, class index and file name.
        splits_test: whether the split rule makes a test part as well.
        ignored: names of hidden files, of files without a picture's suffix, and of folders that
            are neither a part nor a class.
        unused_folders: those of the folders that hold pictures, in class folders or directly.
    """

    class_names: tuple[str, ...]
    pictures: tuple[FoundPicture, ...]
    splits_test: bool
    ignored: tuple[str, ...]
    unused_folders: tuple[str, ...] = ()


def find_pictures(folder: Path, class_names: Sequence[str] | None = None) -> FolderLayout:
    """List the pictures of `folder` without opening them.

    Args:
        folder: the data folder, in either layout.
        class_names: the classes of a trained model, in its order; None: the names of the class
            folders in plain string order (case-sensitive, "10" before "2").

    Raises:
        DataError: not a folder, fewer than two classes, other classes than `class_names`, a class
            folder without pictures or with pictures in a folder below it, or a class name that
            cannot be a label.
    """
    parts = _part_folders(folder)
    top_ignored: list[str] = []
    if parts is None:
        roots: dict[Role | None, Path] = {None: folder}
    else:
        split_train = "validation" not in parts
        roots = {None if split_train and role == "train" else role: parts[role] for role in parts}
        top_ignored = [
            entry.name
            for entry in _entries(folder)
            if entry.name not in {part.name for part in parts.values()}
        ]
    names = _class_names(next(iter(roots.values())), class_names)
    pictures: list[FoundPicture] = []
    ignored = [name for name in top_ignored if name not in _OWN_FILES]
    for role, root in roots.items():
        _check_classes(root, names)
        for label, name in enumerate(names):
            found, passed_over = _class_pictures(root / name)
            prefix = (root / name).relative_to(folder).as_posix()
            pictures += (
                FoundPicture(root / name / file, f"{prefix}/{file}", label, role) for file in found
            )
            ignored += (f"{prefix}/{other}" for other in passed_over)
        ignored += (
            (root / entry.name).relative_to(folder).as_posix()
            for entry in _entries(root)
            if entry.name not in names and entry.name not in _OWN_FILES
        )
    unused = tuple(name for name in top_ignored if _is_unused_part(folder / name))
    return FolderLayout(names, tuple(pictures), parts is None, tuple(ignored), unused)


def _part_folders(folder: Path) -> dict[Role, Path] | None:
    """The folder of each part, or None for one folder per class."""
    train = folder / "train"
    if not train.is_dir() or _has_pictures(train) or not list(_class_folders(train)):
        return None
    parts: dict[Role, Path] = {}
    for role in ROLES:
        present = [folder / name for name in _PART_FOLDERS[role] if (folder / name).is_dir()]
        if len(present) > 1:
            raise DataError(
                f"{folder}: expected one {role} part, got {' and '.join(p.name for p in present)}"
            )
        if present:
            parts[role] = present[0]
    return parts


def _is_unused_part(path: Path) -> bool:
    """Say whether pictures lie beside the parts: most likely a part of another name."""
    if path.name.startswith(".") or not path.is_dir():
        return False
    return _has_pictures(path) or any(_has_pictures(path / name) for name in _class_folders(path))


def _class_names(root: Path, class_names: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(sorted(_class_folders(root)) if class_names is None else class_names)
    if len(names) < 2:
        raise DataError(
            f"{root}: expected a folder for each of at least 2 classes, got {len(names)}"
            + (f": {names[0]!r}" if names else "")
        )
    for name in names:
        # A label is a line of a UTF-8 text file, whose readers drop outer spaces. The model file
        # refuses other ones, which must not be found out behind the training.
        if name.splitlines() != [name] or name.strip() != name or not _is_utf8(name):
            raise DataError(
                f"{root}: expected class names of one line in UTF-8 without outer spaces, "
                f"got {name!r}"
            )
    return names


def _check_classes(root: Path, names: tuple[str, ...]) -> None:
    present = set(_class_folders(root))
    missing = [name for name in names if name not in present]
    unknown = sorted(present.difference(names))
    if missing or unknown:
        raise DataError(
            f"{root}: expected a folder for each of the classes {list(names)}, "
            f"got none for {missing} and unknown ones for {unknown}"
        )


def _class_pictures(folder: Path) -> tuple[list[str], list[str]]:
    """File names of the pictures of one class, and names of what else lies there."""
    pictures: list[str] = []
    others: list[str] = []
    for entry in _entries(folder):
        if _is_folder(entry):
            if not entry.name.startswith(".") and _holds_pictures(Path(entry.path)):
                raise DataError(
                    f"{entry.path}: expected the pictures of a class directly in its folder, "
                    "got a folder with pictures"
                )
            others.append(entry.name)
        else:
            (pictures if _is_picture(entry) else others).append(entry.name)
    if not pictures:
        raise DataError(
            f"{folder}: expected pictures of class {folder.name!r}, got none "
            f"({len(others)} other files or folders; known: {' '.join(sorted(PICTURE_SUFFIXES))})"
        )
    return pictures, others


def _class_folders(root: Path) -> Iterator[str]:
    return (e.name for e in _entries(root) if _is_folder(e) and not e.name.startswith("."))


def _has_pictures(folder: Path) -> bool:
    return any(_is_picture(entry) and not _is_folder(entry) for entry in _entries(folder))


def _holds_pictures(folder: Path) -> bool:
    """Whether a picture lies in the folder or anywhere below it; links are not followed there."""
    if _has_pictures(folder):
        return True
    return any(
        _holds_pictures(Path(entry.path))
        for entry in _entries(folder)
        if not entry.name.startswith(".") and not entry.is_symlink() and _is_folder(entry)
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle: reading it says so
        return False


def _is_picture(entry: os.DirEntry[str]) -> bool:
    suffix = Path(entry.name).suffix.lower()
    return suffix in PICTURE_SUFFIXES and not entry.name.startswith(".")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in `folder`, sorted by name: no result may depend on the file system's order."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: expected a folder of images, got {error.strerror}") from error
