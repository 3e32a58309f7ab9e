"""A teacher's answers to the varied pictures of a few epochs, which are met again and again.

A live teacher computes as much as a small student does. When epoch e sees the batches of epoch
e mod N, crops, mirrorings and mixtures included, the teacher has to answer N epochs only, and its
answers still fit the student's crops and mixtures. With enough rounds the pictures hardly repeat:
Faghri et al. 2023 ("Reinforce Data, Multiply Impact", arXiv:2303.08983) store answers to such
variations.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.pictures import PictureSet
from convert.errors import TrainingError
from minivgg_edge.atomic import write_atomically

Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def order_digest(pictures: PictureSet) -> str:
    """Return the SHA-256 of pictures and labels in their order, which no split's digest has.

    Batches are drawn by row: files that were renamed between two sessions give others.
    """
    digest = hashlib.sha256(np.ascontiguousarray(pictures.images).data)
    digest.update(np.ascontiguousarray(pictures.labels).data)
    return digest.hexdigest()


class RepeatedAnswers:
    """Answers to the batches of the first epochs, computed when they are first asked for."""

    def __init__(
        self, path: Path, answer: Answer, *, epochs: int, steps: int, batch: int, classes: int
    ) -> None:
        """Open the file of answers, or make one without any.

        Args:
            path: of the file, a .npy; its name says whose answers to what it holds.
            answer: from uint8 (n, height, width, 3) to the logarithms of scores, (n, classes).
            epochs: whose batches differ.
            steps: batches of an epoch.
            batch: pictures of a batch.
            classes: that are scored.

        Raises:
            TrainingError: the file is damaged.
        """
        self._answer = answer
        shape = (epochs, steps, batch, classes)
        if not path.exists():
            buffer = io.BytesIO()
            np.save(buffer, np.full(shape, np.nan, dtype=np.float32))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, buffer.getvalue())
        try:
            self._file: NDArray[np.float32] = np.load(path, mmap_mode="r+", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise TrainingError(f"{path}: damaged, delete it: {error}") from None
        if self._file.shape != shape or self._file.dtype != np.float32:
            raise TrainingError(
                f"{path}: expected float32 {shape}, got {self._file.dtype} {self._file.shape}: "
                "delete it"
            )

    def knows(self, epoch: int) -> bool:
        """Whether every batch of an epoch (from 0, below `epochs`) has been answered."""
        return not np.isnan(self._file[epoch]).any()

    def to(self, epoch: int, step: int, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the answers to a batch.

        Args:
            epoch: from 0, below `epochs`.
            step: of the batch, from 0.
            images: uint8 (batch, height, width, 3); not looked at where the answers are known.

        Returns:
            float32 (batch, classes), logarithms of the scores.
        """
        answers: NDArray[np.float32] = self._file[epoch, step]
        # Answers that were written in part, because the run was killed, are not known either.
        if np.isnan(answers).any():
            answers[...] = self._answer(images)
        return answers
