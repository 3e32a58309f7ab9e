"""A teacher: trained float models whose answers another model learns from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.data.held_out import check_start
from convert.data.pictures import PictureSet, Splits
from convert.errors import TrainingError
from convert.int8.float_model import load_float_model, picture_size
from convert.int8.freeze import freeze, layer_chain
from convert.int8.inputs import check_weights
from convert.int8.labels import read_training_record
from convert.training.distillation import LEAST_SCORE
from convert.training.kept import answered_at_once, predict
from convert.training.repeated import Answer
from minivgg_edge.atomic import write_atomically

if TYPE_CHECKING:
    import keras

    from convert.training.network import Precision

_ENOUGH_TO_JUDGE = 50  # pictures; of fewer, a fair teacher may miss most


@dataclass(frozen=True, slots=True)
class Teacher:
    """One model that fits the data set, or several that answer with the mean of their scores.

    Attributes:
        models: each from float32 (n, height, width, 3), RGB, 0-255, to scores (n, classes).
        sha256: of the file (hex); of several, of their digests one behind the other.
        validation_accuracy: top-1 of the answer, a fraction of the validation pictures.
        members: of several teachers, each by itself; empty for one.
        notes: what could not be told about them.
    """

    models: tuple[keras.Model, ...]
    sha256: str
    validation_accuracy: float
    members: tuple[Teacher, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Number of classes that it scores."""
        return int(self.models[0].output_shape[-1])

    def to_json(self) -> dict[str, object]:
        """How good it is, as JSON values for the record, which has `sha256` elsewhere."""
        accuracy: dict[str, object] = {"validation_accuracy": self.validation_accuracy}
        if self.members:
            accuracy["members"] = [
                {"sha256": member.sha256, **member.to_json()} for member in self.members
            ]
        return accuracy


def load_teachers(paths: Sequence[Path], splits: Splits, *, crop: str = "none") -> Teacher:
    """Load what answers as one teacher: several with the mean of their scores.

    A mean knows more than its parts (Hinton et al. 2015, arXiv:1503.02531, section 3), and what
    several are in doubt about it says with less certainty.

    Args:
        paths: of `.keras` files, at least one, none twice.
        splits: the pictures.
        crop: how they were brought to their size.

    Raises:
        FloatModelError, TrainingError, DataError: see `load_teacher`.
    """
    members = tuple(load_teacher(path, splits, crop=crop) for path in paths)
    if len(members) == 1:
        return members[0]
    digests = [member.sha256 for member in members]
    for position, digest in enumerate(digests):
        if digest in digests[:position]:
            raise TrainingError(f"{paths[position]}: expected each teacher once")
    models = tuple(model for member in members for model in member.models)
    return Teacher(
        models,
        joint_digest(digests),
        _accuracy(mean_model(models), splits.validation),
        members,
        tuple(dict.fromkeys(note for member in members for note in member.notes)),
    )


def joint_digest(digests: Sequence[str]) -> str:
    """Return what names teachers that answer together: of several digests one, of one itself."""
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )


def load_teacher(path: Path, splits: Splits, *, crop: str = "none") -> Teacher:
    """Load a teacher and check that it fits the data.

    Raises:
        FloatModelError: the file cannot be loaded safely.
        TrainingError: it takes pictures of another size, has other classes, does not answer
            with probabilities, or answers no better than the most frequent class would.
        DataError: it was trained on pictures that are held out, or its record is of another model.
    """
    model = load_float_model(path)
    train = splits.train
    size, expected = picture_size(model), train.images.shape[1:3]
    if size != expected:
        raise TrainingError(f"{path}: expected a teacher of {expected} pixels, got {size}")
    record = read_training_record(path)
    labels = record.get("labels", list(train.class_names))
    if labels != list(train.class_names) or model.output_shape[-1] != train.classes:
        raise TrainingError(
            f"{path}: expected a teacher of the classes {list(train.class_names)} in this order, "
            f"got {model.output_shape[-1]} classes, named {labels}"
        )
    scores = np.asarray(model(train.images[:8].astype(np.float32), training=False))
    if scores.min() < 0.0 or not np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        raise TrainingError(f"{path}: expected a teacher that answers with probabilities")
    check_weights(record, model, path)
    notes = check_start(record, splits, crop=crop, source=str(path))
    accuracy = _checked_accuracy(model, splits.validation, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Teacher((model,), sha256, accuracy, notes=notes)


def _accuracy(model: keras.Model, validation: PictureSet) -> float:
    return float(np.mean(predict(model, validation.images).argmax(1) == validation.labels))


def _checked_accuracy(model: keras.Model, validation: PictureSet, path: Path) -> float:
    """Return the teacher's accuracy: one that wants other pixels or has other classes is wrong."""
    accuracy = _accuracy(model, validation)
    largest = np.bincount(validation.labels).max() / len(validation)
    if len(validation) >= _ENOUGH_TO_JUDGE and accuracy <= largest:
        raise TrainingError(
            f"{path}: expected a teacher that knows the pictures, got one that is right on "
            f"{accuracy:.1%} of the validation pictures, where always answering the most frequent "
            f"class is on {largest:.1%}: it has to take pixels of 0-255 and have the classes "
            f"{list(validation.class_names)} in this order"
        )
    return accuracy


def mean_model(models: Sequence[keras.Model]) -> keras.Model:
    """Build a model that answers with the mean of the scores; of one model, return that.

    Args:
        models: of the same input and classes, at least one.
    """
    import keras

    if len(models) == 1:
        return models[0]
    # Two seeds of a model have its name both, of which a graph takes one.
    named = [
        keras.Model(model.inputs, model.outputs[0], name=f"teacher_{number}")
        for number, model in enumerate(models)
    ]
    pixels = keras.Input(models[0].input_shape[1:])
    return keras.Model(pixels, keras.layers.Average()([model(pixels) for model in named]))


def fast_teacher(teacher: Teacher, precision: Precision) -> keras.Model:
    """Build one model that answers as the teacher does in inference, see `fast_model`."""
    return mean_model([fast_model(model, precision) for model in teacher.models])


def fast_model(model: keras.Model, precision: Precision) -> keras.Model:
    """Build a model that answers as `model` does in inference, faster where it can be folded.

    Args:
        model: of a teacher.
        precision: "bfloat16" computes all in it but the logits and the scores.
    """
    import keras

    from convert.training.network import inference_layer

    if layer_chain(model) is None:
        return model
    folded = freeze(model)
    layers = folded.layers[1:]
    # The softmax is a layer of its own or the activation of the last dense one.
    head = 2 if type(layers[-1]).__name__ in ("Softmax", "Activation") else 1
    x = pixels = keras.Input(folded.input_shape[1:])
    for position, layer in enumerate(layers):
        last = position >= len(layers) - head
        x = inference_layer(layer, precision, last=last)(x)
    fast = keras.Model(pixels, x)
    fast.set_weights(folded.get_weights())
    return fast


def answering(teacher: Teacher, precision: Precision) -> Answer:
    """Return a function from uint8 (n, height, width, 3) to the logarithms of the scores.

    Args:
        teacher: who answers.
        precision: see `fast_model`.
    """
    import tensorflow as tf

    model = fast_teacher(teacher, precision)

    @tf.function(autograph=False, jit_compile=False, reduce_retracing=True)
    def log_scores(images: tf.Tensor) -> tf.Tensor:
        scores = model(tf.cast(images, tf.float32), training=False)
        return tf.math.log(tf.maximum(scores, LEAST_SCORE))

    return lambda images: np.asarray(log_scores(tf.constant(images)))


def cached_answers(
    teacher: Teacher, images: NDArray[np.uint8], *, folder: Path
) -> NDArray[np.float32]:
    """Let the teacher answer each picture and its mirror image, or map the answers of before.

    The file's name has the hashes of teacher and pictures, so answers to others are never taken.

    Args:
        teacher: who answers.
        images: uint8 (n, height, width, 3).
        folder: of the run.

    Returns:
        float32 (n, 2, classes), logarithms of the scores, mapped from the file.

    Raises:
        TrainingError: the file is damaged.
    """
    pictures = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
    path = folder / f"teacher-{teacher.sha256[:16]}-{pictures[:16]}.npy"
    shape = (len(images), 2, teacher.classes)
    if not path.exists():
        model = fast_teacher(teacher, "float32")
        answers = np.empty(shape, dtype=np.float32)
        batch = answered_at_once(*images.shape[1:3])
        for start in range(0, len(images), batch):
            part = images[start : start + batch].astype(np.float32)
            for view, pixels in enumerate((part, part[:, :, ::-1])):
                scores = np.asarray(model(pixels, training=False))
                answers[start : start + batch, view] = np.log(np.maximum(scores, LEAST_SCORE))
        buffer = io.BytesIO()
        np.save(buffer, answers)
        write_atomically(path, buffer.getvalue())
    try:
        mapped: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError(f"{path}: damaged, delete it: {error}") from None
    if mapped.shape != shape or mapped.dtype != np.float32:
        raise TrainingError(
            f"{path}: expected float32 {shape}, got {mapped.dtype} {mapped.shape}: delete it"
        )
    return mapped
