"""Train a MiniVGG on CIFAR-10 or on a folder of images.

Writes into one folder: the averaged float model (model.keras), the record of the run
(training.json), the log as CSV and for TensorBoard, the curves, and while it runs a checkpoint
after every epoch. Killed at any moment, --resume goes on from the last checkpoint and ends with
the weights of an uninterrupted run, bit for bit, on the same machine with the same versions. While
the lock file exists it waits: `touch runs/pause` before times are measured, remove it afterwards.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from convert.command import EXIT_DONE, run_command
from convert.errors import TrainingError
from convert.folder_lock import locked
from convert.progress import shown_progress
from convert.quiet import quiet
from convert.report.reading import reading_notes
from convert.report.training import result_lines
from convert.training.arguments import parse_arguments, recipe_of
from convert.training.checkpoint import CHECKPOINT_NAME
from convert.training.pause import Pause
from convert.training.preparation import prepare
from convert.training.processor import prefer_onednn
from convert.training.reading import input_size, is_folder, read_data
from convert.training.transfer import init_path
from minivgg_edge.atomic import write_atomically
from minivgg_edge.cli.terminal import printable
from minivgg_edge.strict_json import is_text

if TYPE_CHECKING:
    import keras

    from convert.training.loop import Trainer
    from convert.training.progress import Progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parse_arguments(__doc__, given)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # It warns of every font that it merely looks for; the curves use the one it ships.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

    def say(text: str) -> None:
        if not options.quiet:
            print(text, flush=True)

    # A value out of its range or a missing teacher must not cost the time to read.
    # How many pictures a folder has is not known yet: one makes the most epochs possible.
    recipe_of(
        options,
        teacher_sha256=None if options.teacher is None else "",
        folder_count=1 if is_folder(options.data) else None,
    )
    for teacher in options.teacher or ():
        if not teacher.is_file():
            raise TrainingError(f"{teacher}: expected a teacher, got no such file")
    start = init_path(options.init or "none", (), required=False)
    if start is not None and not start.is_file():
        raise TrainingError(f"{start}: expected a model to start from, got no such file")
    if not 0.0 < options.init_share <= 1.0:
        raise TrainingError(
            f"expected an init share in 0..1 (0 excluded), got {options.init_share}"
        )
    if not is_text(str(options.out)):
        raise TrainingError(
            f"{printable(str(options.out))}: expected a folder whose path is valid UTF-8: "
            "TensorFlow writes into no other"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    with locked(options.out):
        return _run_alone(options, given, say)


def _run_alone(options: argparse.Namespace, given: list[str], say: Callable[[str], None]) -> int:
    """Train in the folder, where no other run is at work.

    Args:
        options: of the command line.
        given: the command line's words.
        say: gets one line per step.
    """
    _refuse_mixed_runs(options.out, resume=options.resume, force=options.force)
    say(f"Reading {options.data}")
    size = input_size(options.data, options.size)
    with shown_progress("Reading pictures", quiet=options.quiet) as report:
        splits = read_data(options, size.side, report)
    say(
        f"{splits.name}: {len(splits.train)} pictures to train on, {len(splits.validation)} to "
        f"validate, {splits.train.classes} classes"
    )
    for note in reading_notes(splits):
        say(note)
    _prepare_tensorflow(options.seed)
    prepared = prepare(options, splits, size)
    for note in prepared.notes:
        say(note)
    trainer = prepared.trainer(options.out, wait=Pause(options.lock, say).wait)
    # Here and not before: until the data is found good, the old run is worth keeping.
    if not options.resume:
        (options.out / CHECKPOINT_NAME).unlink(missing_ok=True)
        for events in _events(options.out).glob("events.out.tfevents.*"):
            events.unlink()  # TensorBoard would draw both runs as one
    if options.resume:
        if trainer.resume():
            say(f"Going on behind epoch {trainer.epochs_done} of {trainer.recipe.epochs}")
        else:
            say(f"No checkpoint in {options.out}: beginning with the first epoch")
    model = _train(trainer, options)
    if trainer.epochs_done < trainer.recipe.epochs:
        say(
            f"Stopped behind epoch {trainer.epochs_done}: no less loss on validation pictures in "
            f"{trainer.recipe.patience} epochs"
        )
    if trainer.kept_epoch < trainer.epochs_done:
        say(f"The weights behind epoch {trainer.kept_epoch} are kept, which had the least")
    from convert.training.results import MODEL_NAME, write_results

    # --resume is not part of what makes a run: with and without it the weights are the same.
    words = [word for word in given if word != "--resume"]
    command = shlex.join(["python", "-m", "convert.train", *words])
    record = write_results(
        model, trainer, splits, folder=options.out, command=command, choices=prepared.choices
    )
    for line in result_lines(record):
        say(line)
    say(f"Wrote {options.out / MODEL_NAME}")
    return EXIT_DONE


def _refuse_mixed_runs(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse to mix runs in one folder."""
    model, checkpoint = out / "model.keras", out / CHECKPOINT_NAME
    # A model beside a checkpoint: the end of a run that was killed before it removed that.
    if model.exists() and not force and not (resume and checkpoint.exists()):
        raise TrainingError(f"{out} holds a finished run: name another --out or add --force")
    if checkpoint.exists() and not resume and not force:
        raise TrainingError(
            f"{out} holds an unfinished run: add --resume, or --force to discard it"
        )


def _events(out: Path) -> Path:
    """The folder of TensorBoard's events."""
    return out / "tensorboard"


def _prepare_tensorflow(seed: int) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    prefer_onednn()
    with quiet():
        import keras
        import tensorflow as tf
    # Without it the order of some sums depends on which thread comes first, and two runs differ.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def _train(trainer: Trainer, options: argparse.Namespace) -> keras.Model:
    import tensorflow as tf

    from convert.training.display import Display
    from convert.training.record import history_csv
    from convert.training.results import LOG_NAME

    display = Display(quiet=options.quiet)
    events = _events(options.out)

    def report(progress: Progress) -> None:
        display(progress)
        if progress.record is None:
            return
        write_atomically(options.out / LOG_NAME, history_csv(trainer.history))
        with _writing(events), writer.as_default(step=progress.epoch + 1):
            for name, value in progress.record.items():
                tf.summary.scalar(name, value)
            writer.flush()

    with _writing(events):
        writer = tf.summary.create_file_writer(str(events))
    with display.shown():
        return trainer.run(report)


@contextmanager
def _writing(events: Path) -> Iterator[None]:
    """Name the folder when TensorBoard's events cannot be written, for a full disk say."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise TrainingError(f"{events}: cannot be written: {error.message}") from error


if __name__ == "__main__":
    sys.exit(run_command(main))
