"""What was noticed while a data set was read, as sentences."""

from __future__ import annotations

from convert.data.folder_splits import FolderSplits
from convert.data.pictures import PictureSet, Splits
from convert.data.split_file import Role
from minivgg_edge.cli.terminal import printable


def reading_notes(splits: Splits) -> tuple[str, ...]:
    """Say what a folder of images was split by and what was left out of it; else nothing."""
    if not isinstance(splits, FolderSplits):
        return ()
    notes = []
    if splits.split_file is not None:
        notes.append(f"The split is kept in {splits.split_file}")
    if splits.groups:
        notes.append(f"Groups of pictures that stay together: {splits.groups}")
    if splits.copies:
        notes.append(f"Copies of held-out pictures, of which one is judged: {splits.copies}")
    parts: tuple[tuple[Role, PictureSet | None], ...] = (
        ("validation", splits.validation),
        ("test", splits.test),
    )
    for role, pictures in parts:
        independent = splits.independent.get(role, 0)
        if pictures is not None and 0 < independent < len(pictures):
            notes.append(
                f"The {len(pictures)} {role} pictures are of {independent} groups: intervals and "
                "tests take pictures for independent of each other, and are too sure of them"
            )
    if splits.cache_note:
        notes.append(splits.cache_note)
    if splits.skipped:
        first = splits.skipped[0].reason
        notes.append(f"Skipped: {len(splits.skipped)}, such as {first}")
    if splits.ignored:
        notes.append(
            f"Ignored, no pictures of a class: {len(splits.ignored)}, such as {splits.ignored[0]}"
        )
    if splits.lookalikes:
        one, other = splits.lookalikes[0]
        notes.append(
            f"Look the same at this size, but stand in two parts: {len(splits.lookalikes)}, "
            f"such as {one} and {other}; they make the accuracy look better than it is"
        )
    if splits.torn_groups:
        one, other = splits.torn_groups[0]
        notes.append(
            "Groups that stand in two parts, since earlier decisions stay: "
            f"{len(splits.torn_groups)}, such as that of {one} and {other}; they make the "
            "accuracy look better than it is"
        )
    return tuple(map(printable, notes))
