"""What is compared: options of `python -m convert.train`, each beside the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BASE = "base"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train.

    Attributes:
        options: words for the command that the base has not.
        teacher: whether it needs a teacher.
    """

    options: tuple[str, ...] = ()
    teacher: bool = False

    def words(self, teachers: Sequence[Path]) -> list[str]:
        """The words for the command, the teacher's files included."""
        return [*self.options, *(["--teacher", *map(str, teachers)] if self.teacher else [])]


_REP = ("--branches", "rep")
_REPEATED = ("--teacher-views", "repeated")
_BLUR = ("--blur", "1")
_CHANGED = (*_REPEATED, "--temperature", "2", "--jitter", "0.5", *_BLUR)
_CUTMIX = ("--cutmix", "1")

VARIANTS: Mapping[str, Variant] = {
    BASE: Variant(),
    "float32": Variant(("--precision", "float32")),
    "bfloat16": Variant(("--precision", "bfloat16")),
    # As many epochs as branches take the time of.
    "44 epochs": Variant(("--epochs", "44")),
    "no cutout": Variant(("--cutout", "0")),
    "cutout 0.5": Variant(("--cutout", "0.5")),
    "jitter 0.7": Variant(("--jitter", "0.7")),
    "blur": Variant(_BLUR),
    "jitter 0.3 and blur": Variant(("--jitter", "0.3", *_BLUR)),
    "jitter 0.5 and blur": Variant(("--jitter", "0.5", *_BLUR)),
    # A tenth of a run of 30, and a fifth.
    "jitter 0.5 and blur but 3 clear epochs": Variant(
        ("--jitter", "0.5", *_BLUR, "--clear-epochs", "3")
    ),
    "jitter 0.5 and blur but 6 clear epochs": Variant(
        ("--jitter", "0.5", *_BLUR, "--clear-epochs", "6")
    ),
    "jitter 0.5 and blur but half of what 6 clear epochs change": Variant(
        ("--jitter", "0.5", *_BLUR, "--clear-epochs", "6", "--clear-share", "0.5")
    ),
    "jitter 0.7 and blur": Variant(("--jitter", "0.7", *_BLUR)),
    "jitter 0.2 and no blur": Variant(("--jitter", "0.2", "--blur", "0")),
    "mixup": Variant(("--mixup", "0.2")),
    "cutmix": Variant(_CUTMIX),
    "cutmix 0.5": Variant((*_CUTMIX, "--mix-probability", "0.5")),
    "cutmix 0.5 alone": Variant((*_CUTMIX, "--mix-probability", "0.5", "--cutout", "0")),
    "mixup+cutmix": Variant(("--mixup", "0.2", *_CUTMIX)),
    "progressive": Variant(("--progressive", "0.5")),
    "rep": Variant(_REP),
    "distill": Variant(teacher=True),
    "distill 0.9": Variant(("--teacher-weight", "0.9"), teacher=True),
    "distill repeated": Variant(_REPEATED, teacher=True),
    "distill repeated 0.9": Variant((*_REPEATED, "--teacher-weight", "0.9"), teacher=True),
    "distill repeated 1": Variant((*_REPEATED, "--teacher-weight", "1"), teacher=True),
    "distill repeated T1": Variant((*_REPEATED, "--temperature", "1"), teacher=True),
    "distill repeated T2": Variant((*_REPEATED, "--temperature", "2"), teacher=True),
    "distill repeated 0.9 T2": Variant(
        (*_REPEATED, "--teacher-weight", "0.9", "--temperature", "2"), teacher=True
    ),
    "distill repeated T2 head dropout": Variant(
        (*_REPEATED, "--temperature", "2", "--head-dropout", "0.5"), teacher=True
    ),
    # Distilled with what makes a student robust: the teacher sees the pictures so, or clear.
    "distill repeated T2 changed": Variant((*_CHANGED, "--teacher-sees", "same"), teacher=True),
    "distill repeated T2 changed clear": Variant(
        (*_CHANGED, "--teacher-sees", "clear"), teacher=True
    ),
    "distill cached": Variant(("--teacher-views", "cached"), teacher=True),
    "distill+cutmix": Variant(_CUTMIX, teacher=True),
    "rep+distill": Variant(_REP, teacher=True),
    "rep+distill+cutmix": Variant((*_REP, *_CUTMIX), teacher=True),
}
