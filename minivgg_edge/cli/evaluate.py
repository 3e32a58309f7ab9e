"""``minivgg-edge evaluate``: how often is a model right about a folder of labeled pictures."""

from __future__ import annotations

import argparse
import errno
import json
import time
from pathlib import Path

from minivgg_edge.atomic import write_atomically
from minivgg_edge.classifier import Classifier
from minivgg_edge.cli.arguments import add_max_pixels, add_model, add_num_threads
from minivgg_edge.cli.class_folders import ClassFolders, FolderError, read_class_folders
from minivgg_edge.cli.evaluation import Answer, Evaluation, to_csv, to_json
from minivgg_edge.cli.evaluation_report import to_lines
from minivgg_edge.cli.native_log import without_info_lines, without_native_lines
from minivgg_edge.cli.output_place import check_place
from minivgg_edge.cli.progress import Progress
from minivgg_edge.cli.terminal import complain, printable, say
from minivgg_edge.cli.unverified_model import add_unverified, unverified_from
from minivgg_edge.errors import PictureError

_DESCRIPTION = """\
Measure the accuracy on labeled pictures: FOLDER/LABEL/... with one folder per label of the model,
matched by name."""

_EPILOG = """\
The report has the accuracy (share of right answers) with its 95 % Wilson interval, the balanced
accuracy (mean recall of the classes), a table per class and the confusion matrix. An answer is
the label with the highest score; a threshold is not applied. The time covers reading, decoding,
resizing and running the model; the first picture's includes loading the picture decoder.

A picture that cannot be read gets a line on standard error and counts nowhere; the exit code is
then 2. A folder that is not a label, a class folder without pictures and a label without a folder
are errors before anything is run. A folder per label may be a link; links to folders inside it are
not followed, but counted as skipped files.

--csv writes one row per picture: path (relative to FOLDER), true, predicted, score (0 to 1) and
correct (1 or 0); the last three are empty for a picture that cannot be read. A FILE that exists is
compared at the end: if its content is another, it stays without --force, and the exit code is 2.

--json prints one JSON object. Fractions lie in 0 to 1, null is a figure that does not exist:
  model, sha256, folder, verified (false of --unverified), pictures, correct, accuracy,
  accuracy_interval {low, high, confidence}, balanced_accuracy, mean_ms, num_threads,
  classes [{label, index, pictures, correct, recall, precision, f1, recall_interval}],
  confusion_matrix [[...]] (rows: true class, columns: answer), missing_labels, skipped_files,
  unreadable [{path, error}]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("folder", metavar="FOLDER", help="folder with one folder per label")
    add_model(parser)
    add_num_threads(parser)
    add_max_pixels(parser)
    parser.add_argument(
        "--csv", metavar="FILE", type=Path, help="write one row per picture to FILE"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace FILE if it exists with other content"
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="accept labels that have no folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below")
    add_unverified(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate the folder; 2 if a picture could not be read."""
    if arguments.csv is not None:
        # A file that stays as it is needs no writing; whether it does is known at the end only.
        check_place(arguments.csv, "CSV", writes=arguments.force or not arguments.csv.exists())
    with without_info_lines():
        classifier = Classifier(
            arguments.model,
            num_threads=arguments.num_threads,
            max_pixels=arguments.max_pixels,
            unverified=unverified_from(arguments),
        )
    with classifier:
        folders = read_class_folders(
            arguments.folder, classifier.labels, allow_missing=arguments.allow_missing
        )
        evaluation = _evaluate(classifier, folders, arguments)
    if len(evaluation.unreadable) == len(evaluation.answers):
        raise FolderError(
            f"{arguments.folder!r}: none of the {len(evaluation.answers)} pictures could be read"
        )
    done = None
    if arguments.csv is not None:
        # Before anything is printed: whoever reads that may stop reading.
        done = _write_csv(arguments.csv, to_csv(evaluation), force=arguments.force)
    if arguments.json:
        say(json.dumps(to_json(evaluation), indent=2, allow_nan=False))
    else:
        for line in to_lines(evaluation):
            say(line)
        if done is not None:
            say()
            say(f"{printable(str(arguments.csv))}: {done}")
    return 2 if evaluation.unreadable else 0


def _evaluate(
    classifier: Classifier, folders: ClassFolders, arguments: argparse.Namespace
) -> Evaluation:
    answers, seconds = _answer_all(classifier, folders)
    read = sum(answer.error is None for answer in answers)
    info = classifier.model_info
    return Evaluation(
        labels=classifier.labels,
        answers=tuple(answers),
        missing=folders.missing,
        skipped=folders.skipped,
        mean_ms=1000 * seconds / read if read else 0.0,
        num_threads=arguments.num_threads,
        header=(("model", info.name), ("sha256", info.sha256), ("folder", arguments.folder)),
        is_verified=info.is_verified,
    )


def _answer_all(classifier: Classifier, folders: ClassFolders) -> tuple[list[Answer], float]:
    """Return the answers, and the seconds spent on the pictures that could be read."""
    answers: list[Answer] = []
    seconds = 0.0
    progress = Progress(len(folders.pictures))
    for picture in folders.pictures:
        start = time.perf_counter()
        try:
            with without_native_lines():
                (best,) = classifier.classify(picture.path)
        except PictureError as error:
            progress.clear()
            complain(str(error))
            answers.append(Answer(picture.name, picture.index, None, None, str(error)))
            continue
        seconds += time.perf_counter() - start
        answers.append(Answer(picture.name, picture.index, best.index, best.score))
        progress.update(len(answers))
    progress.clear()
    return answers, seconds


def _write_csv(path: Path, data: bytes, *, force: bool) -> str:
    if path.is_file():
        if path.read_bytes() == data:
            return "unchanged"
        if not force:
            reason = "exists with other content; --force replaces it"
            raise FileExistsError(errno.EEXIST, reason, str(path))
    write_atomically(path, data)
    return "written"
