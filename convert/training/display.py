"""What a run shows while it works: a bar with an ETA on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from convert.training.progress import Progress

logger = logging.getLogger(__name__)


def epoch_line(progress: Progress, left_s: float) -> str:
    """Describe a finished epoch in one line."""
    record = progress.record or {}
    return (
        f"epoch {progress.epoch + 1}/{progress.epochs}: "
        f"loss {record['train_loss']:.3f}, train {record['train_accuracy']:.1%}, "
        f"validation {record['validation_accuracy']:.2%}, {record['train_s']:.0f} s, "
        f"about {duration(left_s)} left"
    )


def duration(seconds: float) -> str:
    """Seconds as text for a person: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class Display:
    """Receives `Progress` and shows it; with `quiet` it only logs the epochs, at level INFO."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(quiet=quiet)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._console = console
        self._task = self._bar.add_task("", total=None, epoch=0, epochs=0, loss=0.0)
        self._started = time.perf_counter()
        self._first_epoch: int | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the bar on the screen."""
        with self._bar:
            yield

    def __call__(self, progress: Progress) -> None:
        """Show one step or one finished epoch."""
        if self._first_epoch is None:
            self._first_epoch = progress.epoch
            self._started = time.perf_counter()
        done = progress.epoch * progress.steps + progress.step
        if progress.record is None:
            self._bar.update(
                self._task,
                completed=done,
                total=progress.epochs * progress.steps,
                epoch=progress.epoch + 1,
                epochs=progress.epochs,
                loss=progress.loss,
            )
            return
        per_epoch = (time.perf_counter() - self._started) / (progress.epoch + 1 - self._first_epoch)
        line = epoch_line(progress, per_epoch * (progress.epochs - progress.epoch - 1))
        self._console.print(line, highlight=False)
        logger.info(line)
