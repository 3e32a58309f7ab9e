"""A folder of images as a data set: found, decoded, and split so that the split stays put."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.folder_layout import SCAN_FILE, FolderLayout, FoundPicture, find_pictures
from convert.data.folder_splits import FolderSplits, SkippedPicture
from convert.data.grouping import Grouping
from convert.data.picture_cache import Kept, read_cache, write_cache
from convert.data.pictures import PictureSet
from convert.data.roles import HashedPicture, assign_roles
from convert.data.split_file import (
    HELD_OUT,
    ROLES,
    SPLIT_FILE,
    Decision,
    Role,
    SplitRecord,
    SplitRule,
    open_split,
    write_split_file,
)
from convert.data.torn_pairs import lookalikes, torn_groups
from convert.errors import DataError
from convert.scanning.facts import Facts, read_pictures
from convert.scanning.groups import group_pictures
from convert.scanning.skip_list import read_skip_list
from minivgg_edge.preprocess import Crop, preprocess

_Kept = list[tuple[FoundPicture, Kept]]


def read_folder(
    folder: Path,
    *,
    height: int,
    width: int,
    crop: Crop = "none",
    seed: int = 0,
    fractions: tuple[float, float] | None = None,
    class_names: Sequence[str] | None = None,
    split_file: Path | None = None,
    scan_file: Path | None = None,
    skip_broken: bool = False,
    grouping: Grouping | None = None,
    cache: Path | None = None,
    report: Callable[[int, int], None] | None = None,
) -> FolderSplits:
    """Read a folder of images, in either layout of `convert.data.folder_layout`.

    Where the folders do not give the roles, the content of each file decides (`SplitRule`), and the
    split file keeps the decisions: pictures that are added later move no other one. Files with the
    same bytes always share a role.

    Args:
        folder: the data folder.
        height: rows of the model's input, in pixels.
        width: columns of the model's input, in pixels.
        crop: how a picture of another aspect ratio is brought to that size, see `preprocess`.
        seed: draws another split. A split file that exists keeps its own: a second training run
            with another seed is measured on the same pictures.
        fractions: of validation and test pictures; None: those of the split file, else 0.15 each.
            In a folder of parts the second one is not used: there is a test part or there is none.
        class_names: the classes of a trained model in its order; None: the class folders' names in
            plain string order (case-sensitive, "10" before "2").
        split_file: where the roles are kept; None: `split.json` in `folder`.
        scan_file: what `convert.scan` wrote: the pictures that it lists are left out as long as
            their files are the same and the reason stands. None: `scan.json` beside a `split_file`
            that is given, else the one in `folder`, if there is any.
        skip_broken: leave out pictures that cannot be decoded instead of refusing them.
        grouping: which pictures share a role; None: as the split file has it, or copies only.
        cache: folder for decoded pictures; None: every run decodes them.
        report: called with the pictures read so far and how many there are.

    Raises:
        DataError: anything about the folder, a picture or the split file that would make the data
            set another one than it seems; the message names the file.
        ValueError: `height`, `width`, `crop` or `fractions` is out of range.
    """
    layout = find_pictures(folder, class_names)
    listed = _skip_list(folder, split_file, scan_file)
    # Read the decisions first: an unreadable split file should not cost the time to decode.
    record = None
    needs_split = any(picture.role is None for picture in layout.pictures)
    if needs_split:
        split_file = split_file or folder / SPLIT_FILE
        record = open_split(
            split_file, seed, fractions, splits_test=layout.splits_test, grouping=grouping
        )
    kept, skipped, note = _open_all(layout, height, width, crop, cache, report)
    unlisted = [name for name, facts in skipped.items() if listed.get(name) != facts.sha256]
    if unlisted and not skip_broken:
        first = skipped[unlisted[0]]
        raise DataError(
            f"{str(folder / first.name)!r}: {first.problem} ({len(unlisted)} of "
            f"{len(layout.pictures)} pictures cannot be decoded; `python -m convert.scan` lists "
            "them to be skipped, or remove them, or add --skip-broken)"
        )
    unwanted = _label_conflicts(kept, listed)
    kept = [pair for pair in kept if pair[0].name not in unwanted]
    decisions, record = _decide(folder, kept, layout.class_names, record)
    roles, names = [d.role for d in decisions], [found.name for found, _ in kept]
    members = {role: [d.role == role and not d.familiar for d in decisions] for role in ROLES}
    # Of held-out copies one is judged: a picture does not prove more by lying there twice.
    held_out = {role: _without_copies(kept, members[role]) for role in HELD_OUT}
    familiar_once = _without_copies(kept, [d.familiar for d in decisions])
    sets = {
        role: _picture_set(kept, chosen, layout.class_names)
        for role, chosen in {**members, **held_out}.items()
    }
    familiar = _picture_set(kept, familiar_once, layout.class_names)
    _check_sets(folder, sets, layout, left_out=len(skipped) + len(unwanted))
    if split_file is not None and record is not None:
        write_split_file(split_file, record)
    broken = [SkippedPicture(name, f"{name!r}: {facts.problem}") for name, facts in skipped.items()]
    doubtful = [SkippedPicture(name, f"{name!r}: the scan lists it") for name in unwanted]
    return FolderSplits(
        # A manifest holds text only: what is no UTF-8 in it is shown as such.
        os.fsencode(folder.resolve().name).decode("utf-8", "replace"),
        sets["train"],
        sets["validation"],
        sets["test"] if len(sets["test"]) else None,
        skipped=tuple(sorted([*broken, *doubtful], key=lambda skipped: skipped.name)),
        ignored=layout.ignored,
        lookalikes=lookalikes(names, [image for _, (_, image) in kept], roles),
        torn_groups=torn_groups(names, decisions),
        split_file=None if record is None else split_file,
        familiar=familiar if len(familiar) else None,
        placed=tuple(
            role for role in ROLES if any(picture.role == role for picture in layout.pictures)
        ),
        groups=len({d.group for d in decisions if d.group is not None}),
        grouping=None if record is None else record.grouping,
        cache_note=note,
        copies=len(kept) - sum(map(len, sets.values())) - len(familiar),
        independent={role: _independent(decisions, chosen) for role, chosen in held_out.items()},
    )


def _without_copies(kept: _Kept, chosen: Sequence[bool]) -> list[bool]:
    """Choose one of the pictures of a class that have the same bytes, the first."""
    seen: set[tuple[str, int]] = set()
    once = []
    for (found, (facts, _)), wanted in zip(kept, chosen, strict=True):
        content = facts.sha256, found.label
        once.append(wanted and content not in seen)
        if wanted:
            seen.add(content)
    return once


def _independent(decisions: Sequence[Decision], chosen: Sequence[bool]) -> int:
    """Count the groups of the chosen pictures, and those that are in none."""
    groups = [d.group for d, wanted in zip(decisions, chosen, strict=True) if wanted]
    return groups.count(None) + len(set(groups) - {None})


def _skip_list(folder: Path, split_file: Path | None, scan_file: Path | None) -> dict[str, str]:
    """Return what a scan wants left out; see `read_folder` for where it is looked for."""
    if scan_file is not None:
        return read_skip_list(scan_file)
    # Whoever keeps the split elsewhere, since the folder must not change, scans to there too.
    beside = [] if split_file is None else [split_file.with_name(SCAN_FILE)]
    found = [place for place in (*beside, folder / SCAN_FILE) if place.is_file()]
    return read_skip_list(found[0]) if found else {}


def _label_conflicts(kept: _Kept, listed: Mapping[str, str]) -> set[str]:
    """Return the names of pictures that the scan lists although they can be decoded.

    Their bytes lay in two classes. Where one copy is gone by now, the other has its class again.
    """
    labels: dict[str, set[int]] = {}
    for found, (facts, _) in kept:
        labels.setdefault(facts.sha256, set()).add(found.label)
    return {
        found.name
        for found, (facts, _) in kept
        if listed.get(found.name) == facts.sha256 and len(labels[facts.sha256]) > 1
    }


def _open_all(
    layout: FolderLayout,
    height: int,
    width: int,
    crop: Crop,
    cache: Path | None,
    report: Callable[[int, int], None] | None,
) -> tuple[_Kept, dict[str, Facts], str]:
    """Decode every picture, in order; return them, those that cannot be decoded, and a note."""

    def prepare(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return preprocess(picture, height=height, width=width, crop=crop)

    path = None if cache is None else cache / f"{width}x{height}-{crop}.npz"
    known = {} if path is None else read_cache(path)
    total = len(layout.pictures)
    opened = read_pictures(
        layout.pictures,
        prepare,
        known=known.get,
        report=None if report is None else lambda done: report(done, total),
    )
    kept: _Kept = []
    skipped: dict[str, Facts] = {}
    for found, (facts, image) in zip(layout.pictures, opened, strict=True):
        if image is None:
            skipped[found.name] = facts
        else:
            kept.append((found, (facts, image)))
    note = ""
    if path is not None and any(facts.sha256 not in known for _, (facts, _) in kept):
        note = write_cache(path, [pair for _, pair in kept])
    return kept, skipped, note


def _decide(
    folder: Path,
    kept: _Kept,
    class_names: tuple[str, ...],
    record: SplitRecord | None,
) -> tuple[list[Decision], SplitRecord | None]:
    hashed = [HashedPicture(f.name, f.label, facts.sha256, f.role) for f, (facts, _) in kept]
    old = record or SplitRecord(SplitRule(), {})
    try:
        decisions, new_record = assign_roles(hashed, class_names, old, _groups(kept, old))
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error
    return decisions, None if record is None else new_record


def _groups(kept: _Kept, record: SplitRecord) -> list[list[int]]:
    """Return the positions of pictures that share a role, by what the split asks for."""
    if record.grouping.kind == "none":
        return []
    facts = [replace(facts, name=found.name, label=found.label) for found, (facts, _) in kept]
    return group_pictures(facts, record.grouping.pattern)


def _picture_set(kept: _Kept, chosen: Sequence[bool], class_names: tuple[str, ...]) -> PictureSet:
    members = [pair for pair, wanted in zip(kept, chosen, strict=True) if wanted]
    images = [image for _, (_, image) in members]
    return PictureSet(
        np.stack(images) if images else np.empty((0, 1, 1, 3), dtype=np.uint8),
        np.array([found.label for found, _ in members], dtype=np.int64),
        class_names,
        tuple(found.name for found, _ in members),
    )


def _check_sets(
    folder: Path, sets: dict[Role, PictureSet], layout: FolderLayout, *, left_out: int
) -> None:
    """Every class needs pictures in every part, but for a test part made by the rule."""
    for role, pictures in sets.items():
        if role == "test" and (layout.splits_test or not len(pictures)):
            continue
        empty = [name for name, count in pictures.counts().items() if count == 0]
        if empty:
            raise DataError(
                f"{folder}: expected {role} pictures of every class, got none of {empty}; left out "
                f"of the folder, since they cannot be decoded or the scan lists them: {left_out}"
            )
