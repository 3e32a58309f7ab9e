"""Pictures sorted into one folder per class, matched to a model's labels by name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from minivgg_edge.errors import MinivggEdgeError
from minivgg_edge.picture_file import PICTURE_SUFFIXES

_SHOWN_LABELS = 20


class FolderError(MinivggEdgeError):
    """A folder of labeled pictures is missing, or does not fit the model's labels."""


@dataclass(frozen=True, slots=True)
class LabeledPicture:
    """A picture file and its true class.

    Attributes:
        path: Where to open it.
        name: Path relative to the evaluated folder, with ``/``: the same on every machine.
        index: Index of the true label.
    """

    path: str
    name: str
    index: int


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """What a folder of class folders holds.

    Attributes:
        pictures: Sorted by label index, then by name.
        missing: Labels without a folder.
        skipped: Number of files that are no pictures by their ending, or lie outside the class
            folders, and of links to folders inside them. Hidden ones do not count.
    """

    pictures: tuple[LabeledPicture, ...]
    missing: tuple[str, ...]
    skipped: int


def read_class_folders(
    folder: str, labels: Sequence[str], *, allow_missing: bool = False
) -> ClassFolders:
    """List the pictures of ``folder/LABEL/…`` at any depth below each class folder.

    A class folder may be a link; links to folders inside it are not followed, they may lead in a
    circle or to pictures that are listed already.

    The match is by exact name, never by position: neither the order of the folders nor a folder
    that is missing can shift a label. Hidden entries (``.git``, ``.DS_Store``) are ignored.

    Args:
        folder: The folder that holds the class folders.
        labels: The model's labels in their order.
        allow_missing: Accept labels without a folder.

    Raises:
        FolderError: ``folder`` is no folder or has no class folders, a class folder is not one of
            the labels or has no pictures, or a label has no folder without ``allow_missing``.
        OSError: A folder cannot be listed.
    """
    top = Path(folder)
    # Path takes the empty name (of a shell's unset variable, say) for the current directory.
    if not folder or not top.is_dir():
        got = "a file" if folder and top.exists() else "nothing"
        raise FolderError(f"{folder!r}: expected a folder with one folder per class, got {got}")
    visible = sorted(path for path in top.iterdir() if not path.name.startswith("."))
    names = [path.name for path in visible if path.is_dir()]
    _check_names(top, names, labels, allow_missing=allow_missing)
    skipped = len(visible) - len(names)
    pictures: list[LabeledPicture] = []
    present = frozenset(names)
    for index, label in enumerate(labels):
        if label in present:
            found, others = _list_pictures(top, label)
            pictures += [LabeledPicture(str(top / name), name, index) for name in found]
            skipped += others
    missing = tuple(label for label in labels if label not in present)
    return ClassFolders(tuple(pictures), missing, skipped)


def _check_names(
    folder: Path, names: Sequence[str], labels: Sequence[str], *, allow_missing: bool
) -> None:
    listed = _shorten([repr(label) for label in labels])
    if not names:
        raise FolderError(
            f"{str(folder)!r}: expected one folder per class ({listed}), found no folder"
        )
    known, present = frozenset(labels), frozenset(names)
    for name in names:
        if name not in known:
            raise FolderError(
                f"{str(folder / name)!r}: no label of the model has this name; expected one of "
                + listed
                + (_twin_hint(name, labels) or _hint(folder / name, known))
            )
    missing = [repr(label) for label in labels if label not in present]
    if missing and not allow_missing:
        raise FolderError(
            f"{str(folder)!r}: expected a folder for each of the {len(labels)} labels, none for "
            f"{_shorten(missing)} (--allow-missing evaluates the others)"
        )


def _twin_hint(name: str, labels: Sequence[str]) -> str:
    """Recognize a folder from a Mac, whose names may spell an accent as a character of its own."""
    for label in labels:
        if unicodedata.normalize("NFC", label) == unicodedata.normalize("NFC", name):
            return (
                f". {label!a} is written with other Unicode characters (NFC/NFD) than "
                f"{name!a}: rename the folder"
            )
    return ""


def _hint(path: Path, labels: Collection[str]) -> str:
    """Recognize the folder above: ``data`` was given, its ``data/test`` holds the classes."""
    inside = any(child.name in labels and child.is_dir() for child in path.iterdir())
    return f". Its own folders have such names: did you mean {str(path)!r}?" if inside else ""


def _list_pictures(folder: Path, label: str) -> tuple[list[str], int]:
    """Return the pictures' names relative to ``folder``, sorted, and the number of what is left."""
    found: list[str] = []
    others: list[str] = []
    links = 0
    top = folder / label
    for place, folders, files in os.walk(top, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links += sum(Path(place, name).is_symlink() for name in folders)
        for path in [Path(place, name) for name in files if not name.startswith(".")]:
            is_picture = path.suffix.lower() in PICTURE_SUFFIXES
            (found if is_picture else others).append(path.relative_to(folder).as_posix())
    if not found:
        endings = sorted({PurePath(name).suffix for name in others})
        got = [f"{len(others)} other files ({_shorten(endings)})"] if others else []
        got += ["links to folders, which are not followed"] if links else []
        raise FolderError(
            f"{str(top)!r}: class folder without pictures: expected files ending in "
            f"{', '.join(sorted(PICTURE_SUFFIXES))}, got {' and '.join(got) or 'an empty folder'}"
        )
    return sorted(found), len(others) + links


def _raise(error: OSError) -> None:
    """Make os.walk fail on a folder that it cannot list: it would leave it out in silence."""
    raise error


def _shorten(words: Sequence[str]) -> str:
    rest = len(words) - _SHOWN_LABELS
    return ", ".join(words[:_SHOWN_LABELS]) + (f" and {rest} more" if rest > 0 else "")
