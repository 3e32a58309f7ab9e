"""Classifier: every kind of picture, arguments, life cycle, threads, forks, and its cost."""

from __future__ import annotations

import copy
import dataclasses
import gc
import io
import itertools
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minivgg_edge import (
    Classifier,
    ClosedError,
    ModelFileError,
    ModelInfo,
    ModelVersionError,
    PictureError,
    Prediction,
)
from minivgg_edge import preprocess as preprocess_module
from minivgg_edge.interpreter import Engine
from minivgg_edge.model_file import ModelFile
from minivgg_edge.preprocess import preprocess


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    """The bundled model, loaded once."""
    with Classifier() as loaded:
        yield loaded


def _pictures(classifier: Classifier, count: int) -> np.ndarray:
    shape = (count, *classifier.input_shape)
    return np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


# --- answers --------------------------------------------------------------------------------------


def test_classify_agrees_with_scores(classifier: Classifier, picture: np.ndarray) -> None:
    scores = classifier.scores(picture)
    assert scores.dtype == np.float32
    assert scores.shape == (len(classifier.labels),)
    assert ((scores >= 0) & (scores <= 1)).all()
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    expected = [Prediction(classifier.labels[i], i, float(scores[i])) for i in order]
    assert classifier.classify(picture) == (expected[0],)
    assert classifier.classify(picture, top_k=3) == tuple(expected[:3])
    assert classifier.classify(picture, top_k=10_000) == tuple(expected)


def test_scores_are_the_dequantized_output(classifier: Classifier, bundled: ModelFile) -> None:
    golden, out = bundled.golden_vectors(), bundled.manifest.output
    if out.activation != "softmax" or out.scale is None or out.zero_point is None:
        pytest.skip("the bundled model has no quantized softmax")
    steps = bundled.manifest.runtime.tolerance_steps[classifier.model_info.runtime.name]
    for vector, output in zip(golden.inputs, golden.outputs, strict=True):
        expected = (output.astype(np.float64) - out.zero_point) * out.scale
        # A step more or less is the runtime's; half a step beyond would be ours.
        np.testing.assert_allclose(
            classifier.scores(vector), expected, rtol=0, atol=(steps + 0.5) * out.scale
        )


def test_threshold(classifier: Classifier, picture: np.ndarray) -> None:
    everything = classifier.classify(picture, top_k=10_000)
    kept = everything[1]
    assert classifier.classify(picture, top_k=10_000, threshold=kept.score) == tuple(
        p for p in everything if p.score >= kept.score
    )
    assert classifier.classify(picture, top_k=10_000, threshold=0) == everything
    best = everything[0].score
    assert classifier.classify(picture, threshold=np.float32(best)) == everything[:1]
    if best < 1:
        assert classifier.classify(picture, threshold=1.0) == ()


def test_the_model_s_own_threshold(
    repack: Callable[..., Path], bundled: ModelFile, classifier: Classifier, picture: np.ndarray
) -> None:
    everything = classifier.classify(picture, top_k=10_000)
    for stated in (everything[1].score, everything[0].score, 0.0, 1.0):
        output = dataclasses.replace(bundled.manifest.output, threshold=stated)
        with Classifier(repack(output=output)) as other:
            expected = classifier.classify(picture, top_k=10_000, threshold=stated)
            assert other.classify(picture, top_k=10_000, threshold="model") == expected
            batch = other.classify_batch([picture], top_k=10_000, threshold="model")
            assert [*batch] == [expected]
            assert other.classify(picture, top_k=10_000) == everything  # only where asked for


def test_model_with_logits(
    repack: Callable[..., Path], bundled: ModelFile, picture: np.ndarray
) -> None:
    # The bundled outputs taken for logits: any 8-bit output is a fair stand-in for them.
    output = dataclasses.replace(bundled.manifest.output, activation="logits", temperature=0.25)
    with Classifier() as plain, Classifier(repack(output=output)) as classifier:
        powers = np.exp(plain.scores(picture).astype(np.float64) / 0.25)
        scores = classifier.scores(picture)
        np.testing.assert_allclose(scores, powers / powers.sum(), rtol=1e-5)
        best = classifier.classify(picture, top_k=2)
        assert [p.index for p in best] == [p.index for p in plain.classify(picture, top_k=2)]
        assert best[0].score == pytest.approx(float(scores.max()))


# --- pictures -------------------------------------------------------------------------------------


def test_every_kind_of_picture(classifier: Classifier, tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    path = tmp_path / "a picture.png"
    image.save(path)
    data = path.read_bytes()
    expected = classifier.scores(pixels)
    height, width, _ = classifier.input_shape
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(classifier.scores(resized), expected)
    for picture in (path, str(path), data, bytearray(data), memoryview(data), image):
        np.testing.assert_array_equal(classifier.scores(picture), expected)
        assert classifier.classify(picture)[0].score == expected.max()


def test_max_pixels_holds_for_whatever_is_decoded(picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(picture).save(path)
    height, width = picture.shape[:2]
    with Classifier(max_pixels=height * width) as exact:
        assert exact.classify(path) == exact.classify(picture)
    with Classifier(max_pixels=height * width - 1) as strict:
        for decoded in (path, path.read_bytes(), Image.fromarray(picture)):
            with pytest.raises(PictureError, match=f"at most 1,023, got 1,024 .{width} x {height}"):
                strict.classify(decoded)
        strict.classify(picture)  # an array is there already


def test_grey_and_rgba_arrays(classifier: Classifier) -> None:
    grey = np.random.default_rng(3).integers(0, 256, (40, 40), dtype=np.uint8)
    expected = classifier.scores(np.stack([grey] * 3, axis=2))
    np.testing.assert_array_equal(classifier.scores(grey), expected)
    opaque = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=2)
    np.testing.assert_array_equal(classifier.scores(opaque), expected)


def test_views_and_read_only_arrays(classifier: Classifier, picture: np.ndarray) -> None:
    expected = classifier.scores(picture[::-1, ::-1].copy())
    view = picture[::-1, ::-1]
    view.flags.writeable = False
    np.testing.assert_array_equal(classifier.scores(view), expected)


def test_the_picture_is_not_changed(classifier: Classifier, picture: np.ndarray) -> None:
    before = picture.copy()
    classifier.classify(picture)
    np.testing.assert_array_equal(picture, before)


def test_crop_of_the_manifest_is_followed(repack: Callable[..., Path], bundled: ModelFile) -> None:
    wide = np.random.default_rng(4).integers(0, 256, (40, 100, 3), dtype=np.uint8)
    spec = dataclasses.replace(bundled.manifest.input, crop="center")
    cropped = preprocess(wide, height=spec.height, width=spec.width, crop="center")
    with Classifier(repack(input=spec)) as classifier:
        np.testing.assert_array_equal(classifier.scores(wide), classifier.scores(cropped))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((32, 32, 3), np.float32), "uint8.*float32"),
        (np.full((32, 32, 3), np.nan), "uint8.*float64"),
        (np.zeros((32, 32, 3), np.int8), "uint8.*int8"),
        (np.zeros((32, 32, 5), np.uint8), r"\(32, 32, 5\)"),
        (np.zeros((1, 32, 32, 3), np.uint8), r"\(1, 32, 32, 3\)"),
        (np.zeros((0, 32, 3), np.uint8), r"\(0, 32, 3\)"),
        (b"", "empty"),
        (b"text, no picture", "expected"),
        ("no such file.png", "no such file.png"),
    ],
)
def test_bad_pictures(classifier: Classifier, picture: Any, message: str) -> None:
    for use in (classifier.classify, classifier.scores):
        with pytest.raises(PictureError, match=message):
            use(picture)


@pytest.mark.parametrize("picture", [None, 3, [[0]], io.BytesIO(b"x"), object()])
def test_other_types_of_picture(classifier: Classifier, picture: Any) -> None:
    with pytest.raises(TypeError, match="picture: expected a path, bytes, a PIL image or a numpy"):
        classifier.classify(picture)


# --- batches --------------------------------------------------------------------------------------


def test_too_little_memory_to_resize(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(preprocess_module, "resize_with_pillow", no_memory)
    monkeypatch.setattr(preprocess_module.resample, "resize", no_memory)
    pixels = np.zeros((50, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    reason = r"not enough memory to resize it from shape \(50, 40, 3\)"
    with pytest.raises(PictureError, match=rf"^'.*a\.png': {reason}$"):
        classifier.classify(tmp_path / "a.png")
    with pytest.raises(PictureError, match=f"^picture: {reason}$"):
        classifier.classify(pixels)


def test_batch(classifier: Classifier) -> None:
    pictures = _pictures(classifier, 5)
    expected = [classifier.classify(p, top_k=2, threshold=0.05) for p in pictures]
    for batch in (pictures, list(pictures), iter(pictures)):
        assert [*classifier.classify_batch(batch, top_k=2, threshold=0.05)] == expected


def test_batch_is_lazy(classifier: Classifier, picture: np.ndarray) -> None:
    results = classifier.classify_batch(itertools.repeat(picture))
    assert next(results) == next(results) == classifier.classify(picture)
    assert [*classifier.classify_batch([])] == []


def test_batch_ends_at_a_bad_picture(classifier: Classifier, picture: np.ndarray) -> None:
    results = classifier.classify_batch([picture, b"", picture])
    next(results)
    with pytest.raises(PictureError):
        next(results)
    assert [*results] == []


@pytest.mark.parametrize("pictures", ["cat.png", b"cat", Path("cat.png"), bytearray(b"cat")])
def test_one_picture_is_no_batch(classifier: Classifier, pictures: Any) -> None:
    with pytest.raises(TypeError, match="pictures: expected an iterable of pictures, got one"):
        classifier.classify_batch(pictures)


def test_other_batches(classifier: Classifier, picture: np.ndarray) -> None:
    with pytest.raises(PictureError, match=r"pictures array: expected shape \(N, H, W, 3\), got"):
        classifier.classify_batch(picture)
    with pytest.raises(TypeError, match="not iterable"):
        classifier.classify_batch(7)  # type: ignore[arg-type]


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["classify", "classify_batch"])
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"top_k": 0}, ValueError, "top_k: expected at least 1, got 0"),
        ({"top_k": -1}, ValueError, "top_k: expected at least 1, got -1"),
        ({"top_k": 1.5}, TypeError, "float"),
        ({"top_k": "3"}, TypeError, "str"),
        ({"threshold": -0.1}, ValueError, "threshold: expected a number from 0 to 1, got -0.1"),
        ({"threshold": 1.1}, ValueError, "threshold: expected a number from 0 to 1, got 1.1"),
        ({"threshold": float("nan")}, ValueError, "threshold: .*, got nan"),
        ({"threshold": "0.5"}, TypeError, "threshold: expected a number or .model., got '0.5'"),
        (
            {"threshold": b"model"},
            TypeError,
            "threshold: expected a number or .model., got b'model",
        ),
        ({"threshold": [0.5]}, TypeError, "list"),
    ],
)
def test_bad_arguments(
    classifier: Classifier, method: str, arguments: Any, kind: type[Exception], message: str
) -> None:
    # Batches too complain at once, not when the first result is asked for.
    with pytest.raises(kind, match=message):
        getattr(classifier, method)([], **arguments)


@pytest.mark.parametrize("method", ["classify", "classify_batch"])
def test_a_model_without_a_threshold(without_threshold: Path, method: str) -> None:
    with (
        Classifier(without_threshold) as classifier,
        pytest.raises(ValueError, match=r"threshold: .*minivgg states no threshold"),
    ):
        getattr(classifier, method)([], threshold="model")


def test_bad_constructor_arguments() -> None:
    with pytest.raises(ValueError, match="num_threads: expected 1 to 256, got 0"):
        Classifier(num_threads=0)
    with pytest.raises(TypeError):
        Classifier(num_threads="2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="model: expected a str, PathLike or None, got int"):
        Classifier(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Classifier(None, 2)  # type: ignore[misc]


def test_manifest_that_contradicts_the_model(
    repack: Callable[..., Path], bundled: ModelFile
) -> None:
    spec = bundled.manifest.input
    wrong = dataclasses.replace(spec, scale=None if spec.scale is None else spec.scale * 2)
    with pytest.raises(
        ModelFileError, match=r"changed.tflite': input tensor: expected, by the man"
    ):
        Classifier(repack(input=wrong))


def test_model_for_a_newer_runtime(repack: Callable[..., Path], bundled: ModelFile) -> None:
    newer = dataclasses.replace(bundled.manifest.runtime, minimum_runtime="99.0.0")
    with pytest.raises(ModelVersionError, match=r"expected a runtime with .* 99.0.0 or newer, got"):
        Classifier(repack(runtime=newer))


# --- facts and life cycle -------------------------------------------------------------------------


def test_facts(classifier: Classifier, bundled: ModelFile) -> None:
    spec, info = bundled.manifest.input, classifier.model_info
    assert classifier.labels == bundled.labels
    assert classifier.input_shape == (spec.height, spec.width, 3)
    assert isinstance(info, ModelInfo)
    assert (info.name, info.sha256, info.size_bytes) == (
        "minivgg",
        bundled.sha256,
        bundled.size_bytes,
    )
    assert info.manifest == bundled.manifest
    assert info.num_threads == 1
    assert repr(classifier) == (
        f"<Classifier minivgg: {spec.width}x{spec.height} pixels, {len(bundled.labels)} labels, "
        f"{info.runtime.name} {info.runtime.version}, num_threads=1>"
    )
    for name in ("labels", "input_shape", "model_info"):
        with pytest.raises(AttributeError):
            setattr(classifier, name, None)


def test_close(picture: np.ndarray) -> None:
    with Classifier() as classifier:
        classifier.classify(picture)
        results = classifier.classify_batch([picture, picture])
        next(results)
    classifier.close()  # a second time
    for use in (classifier.classify, classifier.scores):
        with pytest.raises(
            ClosedError, match=r"<Classifier minivgg: .*, closed>: expected an open"
        ):
            use(picture)
    with pytest.raises(ClosedError):
        next(results)
    assert classifier.labels


def test_a_classifier_cannot_be_copied(classifier: Classifier) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"<Classifier .*>: a classifier can be shared by"):
            attempt(classifier)
    assert pickle.loads(pickle.dumps(classifier.model_info)) == classifier.model_info


def test_the_file_may_vanish_after_loading(
    tmp_path: Path, bundled_bytes: bytes, picture: np.ndarray, classifier: Classifier
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(bundled_bytes)
    with Classifier(path) as other:
        path.write_bytes(b"")  # a runtime that had mapped the file would die of SIGBUS
        path.unlink()
        assert other.classify(picture) == classifier.classify(picture)


# --- threads and forks ----------------------------------------------------------------------------


def test_threads_share_a_classifier(classifier: Classifier) -> None:
    pictures = _pictures(classifier, 40)
    expected = [classifier.scores(p).tolist() for p in pictures]
    start = threading.Barrier(4)

    def work(_: int) -> list[list[float]]:
        start.wait(timeout=60)
        return [classifier.scores(p).tolist() for p in [*pictures, *pictures]]

    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(work, range(4)):
            assert answers == expected * 2


def _in_child(action: Callable[[], object]) -> int:
    """Run `action` in a forked child and return its exit code; a child that hangs is ended."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            signal.alarm(60)
            code = int(bool(action()))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Python 3.12 warns of a fork in a process with threads: that is what these tests are about.
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@needs_fork
@ignores_fork_warning
@pytest.mark.parametrize("num_threads", [1, 4])
def test_fork(picture: np.ndarray, num_threads: int) -> None:
    with Classifier(num_threads=num_threads) as classifier:
        expected = classifier.classify(picture, top_k=5)

        def answers_alike() -> bool:
            return all(classifier.classify(picture, top_k=5) == expected for _ in range(3))

        assert _in_child(answers_alike) == 1
        assert _in_child(lambda: _in_child(answers_alike) == 1) == 1  # also in a grandchild
        assert answers_alike()


@needs_fork
@ignores_fork_warning
def test_a_fork_keeps_the_number_of_threads(
    picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def engine(flatbuffer: bytes, *, num_threads: int = 1, source: str = "") -> Engine:
        asked.append(num_threads)
        return Engine(flatbuffer, num_threads=num_threads, source=source)

    with Classifier(num_threads=3) as classifier:
        monkeypatch.setattr(classifier, "_engine_type", engine)

        def asks_for_three() -> bool:
            classifier.classify(picture)
            return asked == [3]

        assert _in_child(asks_for_three) == 1


@needs_fork
@ignores_fork_warning
def test_the_child_may_drop_what_it_inherited(picture: np.ndarray) -> None:
    # Destroying a native thread pool whose threads were not copied crashes or hangs.
    classifiers = [Classifier(num_threads=4)]
    classifiers[0].classify(picture)

    def drop() -> bool:
        classifiers.clear()
        gc.collect()
        return True

    assert _in_child(drop) == 1
    assert _in_child(lambda: classifiers[0].close() is None) == 1
    classifiers[0].close()
    with pytest.raises(ClosedError):
        classifiers[0].classify(picture)


@needs_fork
@ignores_fork_warning
def test_fork_while_another_thread_holds_the_lock(picture: np.ndarray) -> None:
    with Classifier() as classifier:
        expected = classifier.classify(picture)
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                classifier.classify(picture)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            for _ in range(5):
                assert _in_child(lambda: classifier.classify(picture) == expected) == 1
        finally:
            stop.set()
            thread.join()


@needs_fork
@pytest.mark.parametrize("delay_ms", [0, 3, 10, 30])
def test_fork_while_another_thread_classifies_its_first_picture(
    tmp_path: Path, delay_ms: int
) -> None:
    """What it imports then would stay half imported in the child, behind a lock of Python's."""
    image_module = pytest.importorskip("PIL.Image")
    image_module.new("RGB", (40, 30), (90, 20, 70)).save(tmp_path / "picture.png")
    program = f"""
import os, signal, sys, threading, time, warnings
from minivgg_edge import Classifier
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
data = open({str(tmp_path / "picture.png")!r}, "rb").read()
classifier = Classifier()
thread = threading.Thread(target=classifier.classify, args=(data,))
thread.start()
time.sleep({delay_ms} / 1000)
child = os.fork()
if not child:
    signal.alarm(30)
    classifier.classify(data)
    os._exit(0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=120, capture_output=True)
    assert done.returncode == 0, done.stderr


@needs_fork
@ignores_fork_warning
def test_a_child_without_ctypes(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that was built without libffi."""
    with Classifier(num_threads=4) as first, Classifier() as second:
        expected = first.classify(picture)
        # None makes the import fail, in the child as well.
        monkeypatch.setitem(sys.modules, "ctypes", None)
        assert _in_child(lambda: first.classify(picture) == expected) == 1
        assert _in_child(lambda: second.classify(picture) == expected) == 1


@needs_fork
@ignores_fork_warning
def test_a_closed_classifier_stays_closed_in_the_child(picture: np.ndarray) -> None:
    with Classifier() as classifier:
        pass

    def is_closed() -> bool:
        try:
            classifier.classify(picture)
        except ClosedError:
            return True
        return False

    assert _in_child(is_closed) == 1


@needs_fork
@ignores_fork_warning
def test_fork_while_another_thread_imports_what_forks_wait_for(tmp_path: Path) -> None:
    """Behind logging's registration, which forks call, and before its end, which needs its lock."""
    image_module = pytest.importorskip("PIL.Image")
    image_module.new("RGB", (40, 30), (90, 20, 70)).save(tmp_path / "picture.png")
    program = f"""
import os, signal, sys, threading, time, warnings
registered, register = threading.Event(), os.register_at_fork
def slowly(**hooks):
    register(**hooks)
    registered.set()
    time.sleep(0.5)
from minivgg_edge import Classifier
assert "logging" not in sys.modules
os.register_at_fork = slowly
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
data = open({str(tmp_path / "picture.png")!r}, "rb").read()
classifier = Classifier()
thread = threading.Thread(target=classifier.classify, args=(data,))
thread.start()
registered.wait()
start = time.monotonic()
child = os.fork()
if not child:
    signal.alarm(30)
    classifier.classify(data)
    os._exit(0)
took_s = time.monotonic() - start
thread.join()
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert took_s < 4, took_s  # it waits for 5 s where the two wait for each other
import logging
logging.getLogger().warning("and it can be logged")
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=120, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"Exception ignored" not in done.stderr


# --- cost -----------------------------------------------------------------------------------------

MAX_OVERHEAD = 1.05
"""How much longer than a bare loop `classify` may take with a model-size array."""


def _overhead(classifier: Classifier, picture: np.ndarray, rounds: int) -> float:
    """The ratio of the median times of `classify` and of a bare loop, taken alternately."""
    # The classifier's own interpreter: another one's weights would lie elsewhere in memory, and the
    # two would push each other out of the caches.
    engine = classifier._engine
    assert engine is not None
    interpreter = engine._interpreter
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]
    batch = picture[np.newaxis]
    bare, wrapped = [], []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        interpreter.set_tensor(input_index, batch)
        interpreter.invoke()
        interpreter.get_tensor(output_index)
        middle = time.perf_counter_ns()
        classifier.classify(picture)
        bare.append(middle - start)
        wrapped.append(time.perf_counter_ns() - middle)
    return median(wrapped) / median(bare)


@pytest.mark.timing
def test_classify_costs_little_more_than_the_bare_interpreter(
    classifier: Classifier, picture: np.ndarray
) -> None:
    if classifier.model_info.manifest.input.dtype != "uint8":
        pytest.skip("a model of another input type quantizes the picture first")
    _overhead(classifier, picture, 50)  # warms caches and branch predictors
    # Other programs on this machine can only add to the difference of two alternating medians, so
    # the best of a few tries is the fair one; a wrapper that is too slow fails all of them.
    tries = []
    for _ in range(30):
        tries.append(_overhead(classifier, picture, 300))
        if tries[-1] <= MAX_OVERHEAD:
            print(f"classify: {tries[-1]:.3f} of a bare loop's time, try {len(tries)}")
            return
    pytest.fail(f"classify: expected at most {MAX_OVERHEAD} of a bare loop, got {tries}")
