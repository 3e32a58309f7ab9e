"""Classifier: a picture in, predictions out."""

from __future__ import annotations

import operator
import os
import weakref
from _thread import RLock, allocate_lock  # `threading` would be imported for this alone
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from minivgg_edge.catalog import load_model
from minivgg_edge.errors import ClosedError, PictureError
from minivgg_edge.interpreter import (
    Engine,
    check_minimum_runtime,
    check_num_threads,
    runtime_info,
)
from minivgg_edge.results import ModelInfo, Prediction
from minivgg_edge.scoring import Scorer, pixel_table
from minivgg_edge.tensors import check_tensor_specs

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt
    from PIL.Image import Image as PilImage

    from minivgg_edge.child_engine import ChildEngine
    from minivgg_edge.unverified import Unverified

Picture: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[np.uint8] | PilImage"
)
"""What `Classifier` takes for a picture: a path, a file's bytes, a PIL image, or uint8 pixels."""


_BATCH_NDIM = 4
_UINT8 = np.dtype(np.uint8)  # comparing with the type np.uint8 would convert it each time

_open_classifiers: weakref.WeakSet[Classifier] = weakref.WeakSet()

imports_lock = RLock()
"""A lock that a fork waits for; to be looked up each time, as the child of a fork has another one.

Only the forking thread goes on in the child. What another was importing for its first picture would
stay half imported there, behind a lock of Python's own that nobody releases: the child's next
import of it would never return. So these imports are made under this lock, and so is all that
changes a switch of the whole process. It is reentrant: a signal handler may fork inside. It lies
here because a start would be longer by a module of its own.
"""

# A thread may hold the lock and wait for one that the fork has taken already, of another module:
# then neither would ever go on. A fork that has waited for so long is made without it.
_FORK_WAITS_S = 5.0


class Classifier:
    """A compiled model, ready to classify pictures.

    One instance may be shared by threads: preprocessing runs in parallel, a lock guards the
    interpreter. It also works in the child of a fork, where it rebuilds its interpreter at the
    first call. `close()`, or leaving a ``with`` block, frees the memory.

    Example:
        >>> with Classifier() as classifier:
        ...     classifier.classify("cat.jpg")[0].label
        'cat'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        num_threads: int = 1,
        max_pixels: int | None = None,
        unverified: Unverified | None = None,
    ) -> None:
        """Read, verify and load a model.

        Args:
            model: None is the bundled CIFAR-10 model. A PathLike, or a string that has a path
                separator or ends in ``.tflite``, is a path. Any other string is the name of an
                installed model.
            num_threads: Threads of the native kernels, 1 to 256.
            max_pixels: Largest width x height of a picture that has to be decoded; a larger one is
                refused before its pixels are. None is 67,108,864 (`decode.DEFAULT_MAX_PIXELS`). It
                does not hold for arrays, whose memory the caller has given already.
            unverified: Takes a path to a TFLite model without a manifest, of which nothing is
                verified: see `Unverified`. None takes compiled models only.

        Raises:
            ModelNotFoundError: There is no such file or no installed model of this name.
            ModelFileError: The file is unreadable, damaged, not a compiled model, or contradicts
                its manifest.
            ModelVersionError: The file needs another version of this package or of the runtime.
            RuntimeUnavailableError: There is no runtime.
            TypeError: An argument has an unsupported type.
            ValueError: `num_threads` or `max_pixels` is out of range.
        """
        self._num_threads = check_num_threads(num_threads)
        self._max_pixels = None if max_pixels is None else _check_count("max_pixels", max_pixels)
        self._engine_type: type[Engine] | type[ChildEngine] = Engine
        if unverified is None:
            file = load_model(model)
            check_minimum_runtime(file.manifest, runtime_info(), source=file.source)
        else:
            from minivgg_edge.child_engine import ChildEngine  # rare
            from minivgg_edge.unverified import load_unverified_model

            file = load_unverified_model(model, unverified, num_threads=self._num_threads)
            self._engine_type = ChildEngine
        manifest, source = file.manifest, file.source
        self._flatbuffer = file.flatbuffer
        engine = self._engine_type(file.flatbuffer, num_threads=self._num_threads, source=source)
        check_tensor_specs(manifest, engine.input, engine.output, source=source)
        self._engine: Engine | ChildEngine | None = engine
        self._closed = False
        self._lock = allocate_lock()
        spec = manifest.input
        self._labels = manifest.labels
        self._shape = (spec.height, spec.width, 3)
        table_of = pixel_table if unverified is None else unverified.pixel_table
        self._table = table_of(engine.input)
        self._scorer = Scorer(engine.output, manifest.output, source=source)
        self._info = ModelInfo(
            name=manifest.name,
            source=source,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            manifest=manifest,
            runtime=engine.runtime,
            num_threads=self._num_threads,
            unverified=unverified,
        )
        _open_classifiers.add(self)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the scores."""
        return self._labels

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the model's input; a picture may have any size."""
        return self._shape

    @property
    def model_info(self) -> ModelInfo:
        """What is loaded, from where, and what runs it."""
        return self._info

    def classify(
        self,
        picture: Picture,
        *,
        top_k: int = 1,
        threshold: float | Literal["model"] | None = None,
    ) -> tuple[Prediction, ...]:
        """Return the best labels of a picture, best first.

        Args:
            picture: A path; the bytes of a picture file; a PIL image; or a uint8 array (H, W, 3)
                RGB, (H, W) grey or (H, W, 4) RGBA, values 0-255, of any size.
            top_k: How many labels, at least 1; more than the model has means all.
            threshold: Labels that score lower are left out; 0 to 1, or "model" for the threshold
                that the model states. None leaves nothing out.

        Returns:
            At most `top_k` predictions, in the order of the model's outputs; of equal outputs the
            lower index comes first. None at all means "none of these" as far as scores can tell: a
            picture of something else may well score high.

        Raises:
            PictureError: The picture is missing, corrupt or too large, or an array of another dtype
                or shape.
            ClosedError: The classifier is closed.
            ModelFileError: An unverified model crashed or hung, or a float32 model answered with
                NaN or infinity.
            TypeError: An argument has an unsupported type.
            ValueError: `top_k` or `threshold` is out of range, or the model states no threshold.
        """
        count = _check_count("top_k", top_k)
        minimum = None if threshold is None else self._minimum(threshold)
        return self._predict(picture, count, minimum)

    def classify_batch(
        self,
        pictures: Iterable[Picture],
        *,
        top_k: int = 1,
        threshold: float | Literal["model"] | None = None,
    ) -> Iterator[tuple[Prediction, ...]]:
        """Classify pictures one after the other, each when the iterator is asked for it.

        Args:
            pictures: Any iterable of pictures, also an endless one, or a uint8 array (N, H, W, 3).
            top_k: As for `classify`.
            threshold: As for `classify`.

        Returns:
            An iterator of what `classify` returns. It ends at the first picture that cannot be
            classified, with the error of `classify`.

        Raises:
            PictureError: `pictures` is an array, but not of four dimensions.
            TypeError: `pictures` is a single picture or not iterable, or another argument has an
                unsupported type.
            ValueError: `top_k` or `threshold` is out of range, or the model states no threshold.
        """
        count = _check_count("top_k", top_k)
        minimum = None if threshold is None else self._minimum(threshold)
        # Each of these is iterable too, and its items would be classified without complaint.
        if isinstance(pictures, str | bytes | bytearray | memoryview | os.PathLike):
            raise TypeError(
                f"pictures: expected an iterable of pictures, got one {type(pictures).__name__}; "
                "use classify, or a list of one"
            )
        if isinstance(pictures, np.ndarray) and pictures.ndim != _BATCH_NDIM:
            raise PictureError(
                f"pictures array: expected shape (N, H, W, 3), got {pictures.shape}; "
                "for one picture use classify, or a list of one"
            )
        return (self._predict(picture, count, minimum) for picture in iter(pictures))

    def scores(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return the score of every label.

        Args:
            picture: As for `classify`.

        Returns:
            float32 (classes,), each from 0 to 1, in the order of `labels`.

        Raises:
            PictureError: As for `classify`.
            ClosedError: The classifier is closed.
            TypeError: `picture` has an unsupported type.
        """
        return self._scorer.scores(self._run(picture))

    def close(self) -> None:
        """Free the model's memory; more than one call is allowed.

        Waits for calls that are running; in a signal handler it might wait for the call that the
        signal interrupted, that is, forever: raise there, and let ``with`` close. `labels`,
        `input_shape` and `model_info` stay available.
        """
        with self._lock:
            self._closed = True
            self._engine = None
            self._flatbuffer = b""
        _open_classifiers.discard(self)

    def __enter__(self) -> Classifier:
        """Return the classifier itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the classifier."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse `copy` and `pickle`: two objects would share one interpreter, past its lock.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            f"{self!r}: a classifier can be shared by threads and by the child of a fork, but not "
            "copied or pickled; create one in each process"
        )

    def __repr__(self) -> str:
        """Return name, input, number of labels, runtime and state."""
        info = self._info
        height, width, _ = self._shape
        state = "" if info.is_verified else ", unverified"
        state += ", closed" if self._closed else ""
        return (
            f"<Classifier {info.name}: {width}x{height} pixels, {len(self.labels)} labels, "
            f"{info.runtime.name} {info.runtime.version}, num_threads={info.num_threads}{state}>"
        )

    def _minimum(self, threshold: float | str) -> float:
        with imports_lock:
            from minivgg_edge.threshold import lowest_score  # not for a start

        return lowest_score(threshold, self._info)

    def _predict(
        self, picture: Picture, top_k: int, threshold: float | None
    ) -> tuple[Prediction, ...]:
        predictions = []
        for index, score in self._scorer.best(self._run(picture), top_k):
            if threshold is None or score >= threshold:
                predictions.append(Prediction(self._labels[index], index, score))
        return tuple(predictions)

    def _run(self, picture: Picture) -> npt.NDArray[Any]:
        """Return the raw output of the model for a picture."""
        if self._closed:
            raise ClosedError(f"{self!r}: expected an open classifier")
        tensor = self._pixels(picture)
        if self._table is not None:
            tensor = self._table[tensor]
        with self._lock:
            engine = self._engine
            if engine is None:
                if self._closed:  # by another thread, since the check above
                    raise ClosedError(f"{self!r}: expected an open classifier")
                # After a fork.
                engine = self._engine = self._engine_type(
                    self._flatbuffer, num_threads=self._num_threads, source=self._info.source
                )
            return engine.run(tensor)

    def _pixels(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """Return a picture of any kind as uint8 (height, width, 3) of the model's size."""
        if isinstance(picture, np.ndarray):
            if picture.shape == self._shape and picture.dtype == _UINT8:
                return picture
            pixels = picture
        else:
            pixels = _decoded(picture, self._max_pixels)
        with imports_lock:
            from minivgg_edge.preprocess import preprocess  # not for an array of the model's size

        height, width, _ = self._shape
        crop = self._info.manifest.input.crop
        try:
            return preprocess(pixels, height=height, width=width, crop=crop)
        except MemoryError as error:
            name = "picture"
            if isinstance(picture, str | os.PathLike):
                name = repr(os.fsdecode(picture))
            raise PictureError(
                f"{name}: not enough memory to resize it from shape {pixels.shape}"
            ) from error

    def _renew_after_fork(self) -> None:
        # Another thread of the parent may have held the lock; nobody is left to release it here.
        self._lock = allocate_lock()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.abandon()


def _take_lock() -> None:
    imports_lock.acquire(timeout=_FORK_WAITS_S)


def _release_lock() -> None:
    try:
        imports_lock.release()
    except RuntimeError:  # never taken: another thread had it for too long
        return


def _renew() -> None:
    global imports_lock  # the one from before the fork may be held by a thread that is not here
    imports_lock = RLock()
    for classifier in list(_open_classifiers):
        classifier._renew_after_fork()


FORK_HOOKS = {"before": _take_lock, "after_in_parent": _release_lock, "after_in_child": _renew}


def register_at_fork() -> None:
    """Let forks take `imports_lock`, before those of all modules that have registered theirs.

    Python takes them in the reverse order: behind the import of a module that registers one, and
    that is used under this lock, the order has to be settled again.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(**FORK_HOOKS)


register_at_fork()


def _decoded(
    picture: str | os.PathLike[str] | bytes | bytearray | memoryview | PilImage,
    max_pixels: int | None,
) -> npt.NDArray[np.uint8]:
    with imports_lock:
        from minivgg_edge.decode import (  # not for an array
            DEFAULT_MAX_PIXELS,
            decode,
            from_pil,
            is_pil_image,
        )

    limit = DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels
    if isinstance(picture, str | os.PathLike | bytes | bytearray | memoryview):
        return decode(picture, max_pixels=limit)
    if is_pil_image(picture):
        return from_pil(picture, max_pixels=limit)
    raise TypeError(
        "picture: expected a path, bytes, a PIL image or a numpy array, "
        f"got {type(picture).__name__}"
    )


def _check_count(name: str, value: int) -> int:
    count = operator.index(value)
    if count < 1:
        raise ValueError(f"{name}: expected at least 1, got {count}")
    return count
