"""What a folder of images is, once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from convert.data.grouping import Grouping
from convert.data.pictures import PictureSet, Splits
from convert.data.split_file import Role


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """A picture that could not be decoded.

    Attributes:
        name: its path below the data folder, with forward slashes.
        reason: what is wrong with it.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class FolderSplits(Splits):
    """A folder of images in its roles.

    Attributes:
        skipped: pictures left out because they cannot be decoded or the scan lists them.
        ignored: names of hidden files, of files without a picture's suffix, and of folders that
            are neither a part nor a class.
        lookalikes: pairs of names of pictures in two roles that are the same pixels at the model's
            size though their files differ (saved again, or another size): they make the measured
            accuracy look better than it is.
        torn_groups: a pair of names for each group of pictures that belong together but stand in
            two roles by earlier decisions, which a picture that came later has joined.
        split_file: where the roles are kept; None if the folders give every role.
        familiar: pictures held out of groups that are trained on; the accuracy on them is what a
            split by single pictures would report. None: there are no or too few of them.
        placed: the parts that have a folder of their own: what lies there no group has moved, and
            whether it belongs to what is trained on only a scan says.
        groups: how many groups of pictures share a role.
        grouping: what the split was made by; None if the folders give every role.
        cache_note: a sentence about the decoded pictures that are kept; "" where none are.
        copies: held-out files that are left out because another of the same class has their bytes.
        independent: of each held-out part, how many groups and single pictures it consists of.
    """

    skipped: tuple[SkippedPicture, ...] = ()
    ignored: tuple[str, ...] = ()
    lookalikes: tuple[tuple[str, str], ...] = ()
    torn_groups: tuple[tuple[str, str], ...] = ()
    split_file: Path | None = None
    familiar: PictureSet | None = None
    placed: tuple[Role, ...] = ()
    groups: int = 0
    grouping: Grouping | None = None
    cache_note: str = ""
    copies: int = 0
    independent: Mapping[Role, int] = field(default_factory=dict)

    @property
    def torn(self) -> int:
        """How many groups and lookalikes stand in two parts."""
        return len(self.torn_groups) + len(self.lookalikes)
