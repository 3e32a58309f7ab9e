"""`--adopt`: foreign models that answer as before, from pixels; and those that are refused."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_models import changed, convert_foreign, with_external_buffer, with_metadata
from numpy.typing import NDArray
from tiny_model import TINY_CLASSES, Tiny

from convert.command import run_command
from convert.package import main
from convert.packaging import probe
from convert.packaging.adoption import adopt
from convert.packaging.errors import AdoptionError
from convert.packaging.normalization import Normalization
from convert.quiet import quiet
from minivgg_edge import Classifier, MinivggEdgeError, self_test
from minivgg_edge.child_process import ChildRun, run_python
from minivgg_edge.golden_answers import tolerance_of
from minivgg_edge.interpreter import RuntimeInfo
from minivgg_edge.model_file import parse_model_file, read_model_file

BYTES = "1/255", "0"
SYMMETRIC = "1/127.5", "-1"
PER_CHANNEL = "0.017,0.0175,0.0174", "-2.1,-2.0,-1.8"
CIFAR_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

Make = Callable[..., bytes]
Adopt = Callable[..., tuple[int, Path]]


def _numbers(text: str) -> tuple[float, ...]:
    values = tuple(float(eval(part)) for part in text.split(","))
    return values * 3 if len(values) == 1 else values


@pytest.fixture(scope="session")
def make_foreign(tiny: Tiny) -> Make:
    """A function that converts the tiny model for another normalization; each is made once."""
    made: dict[tuple[str, str, str], bytes] = {}

    def make(scale: str, offset: str, dtype: str) -> bytes:
        if (scale, offset, dtype) not in made:
            made[scale, offset, dtype] = convert_foreign(
                tiny.model,
                tiny.pictures["train"].images,
                scale=_numbers(scale),
                offset=_numbers(offset),
                dtype=dtype,
            )
        return made[scale, offset, dtype]

    return make


@pytest.fixture(scope="session")
def foreign(make_foreign: Make) -> bytes:
    """An int8 model of pixels / 255."""
    return make_foreign(*BYTES, "int8")


@pytest.fixture
def run_adopt(tmp_path: Path) -> Adopt:
    """Write a model and its labels, run the command; return its exit code and the new file."""

    def run(data: bytes, *arguments: object, labels: Any = TINY_CLASSES) -> tuple[int, Path]:
        path, dist = tmp_path / "foreign.tflite", tmp_path / "dist"
        path.write_bytes(data)
        words = ["--adopt", path, "--name", "theirs", "--version", "1", "-o", dist]
        if labels is not None:
            text = tmp_path / "labels.txt"
            text.write_text("\n".join(labels) + "\n", encoding="utf-8")
            words += ["--labels", text]
        return run_command(main, [str(word) for word in (*words, *arguments)]), dist

    return run


def _outputs(data: bytes, feeds: NDArray[Any]) -> NDArray[Any]:
    """What LiteRT answers, without a line of this project."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for feed in feeds:
        interpreter.set_tensor(source["index"], feed[np.newaxis].astype(source["dtype"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"])[0])
    return np.stack(outputs)


def _fed(data: bytes, images: NDArray[np.uint8], scale: str, offset: str) -> NDArray[Any]:
    """Pictures as the foreign model wants them, by the textbook's formula."""
    from ai_edge_litert.interpreter import Interpreter

    (source,) = Interpreter(model_content=data).get_input_details()
    real = images * np.array(_numbers(scale)) + np.array(_numbers(offset))
    step, zero_point = source["quantization"]
    if not step:
        return real.astype(np.float32)
    codes = np.iinfo(source["dtype"])
    return np.clip(np.round(real / step + zero_point), codes.min, codes.max)


@pytest.mark.parametrize(
    ("normalization", "dtype"),
    [
        (("1", "0"), "uint8"),
        (BYTES, "int8"),
        (SYMMETRIC, "uint8"),
        (BYTES, "float32"),
        (SYMMETRIC, "float32"),
        (PER_CHANNEL, "float32"),
    ],
)
def test_the_adopted_model_answers_pixels_as_the_foreign_one_its_own_numbers(
    normalization: tuple[str, str],
    dtype: str,
    make_foreign: Make,
    tiny: Tiny,
    run_adopt: Adopt,
) -> None:
    scale, offset = normalization
    data = make_foreign(scale, offset, dtype)
    code, dist = run_adopt(data, "--scale", scale, f"--offset={offset}")
    assert code == 0
    path = dist / "theirs.tflite"
    pictures = tiny.pictures["validation"]
    expected = _outputs(data, _fed(data, pictures.images, scale, offset))
    with Classifier(path) as classifier:
        found = np.stack([classifier.scores(image) for image in pictures.images])
    manifest = read_model_file(path).manifest
    scores = expected.astype(np.float64)
    if manifest.output.scale is not None:
        scores = (scores - manifest.output.zero_point) * manifest.output.scale
    # Black need not fall on a whole code: half a step of every pixel, which moves the best score
    # by a few steps of 1/256 and no sure answer.
    tolerance = 1e-4 if dtype == "float32" else (0.06 if normalization is SYMMETRIC else 0.0)
    assert np.abs(found - scores).max() <= tolerance
    right = found.argmax(axis=1) == pictures.labels
    keras_right = np.asarray(tiny.model(pictures.images.astype(np.float32))).argmax(axis=1)
    assert abs(right.mean() - (keras_right == pictures.labels).mean()) <= 0.02


def test_other_tools_find_pixels_and_one_partition(
    foreign: bytes, run_adopt: Adopt, tiny: Tiny
) -> None:
    """The changed graph runs in LiteRT alone, fed with codes of pixels."""
    code, dist = run_adopt(foreign, "--scale", "1/255")
    assert code == 0
    model = read_model_file(dist / "theirs.tflite")
    spec = model.manifest.input
    assert (spec.scale, spec.zero_point) == (1.0, -128)
    images = tiny.pictures["validation"].images[:30]
    by_litert = _outputs(model.flatbuffer, images.astype(np.int16) - 128)
    assert np.array_equal(by_litert, _outputs(foreign, _fed(foreign, images, *BYTES)))


def test_the_wheel_holds_the_file_that_lies_beside_it(foreign: bytes, run_adopt: Adopt) -> None:
    code, dist = run_adopt(foreign, "--scale", "1/255")
    assert code == 0
    archive = zipfile.ZipFile(dist / "theirs-1-py3-none-any.whl")
    beside = (dist / "theirs.tflite").read_bytes()
    assert archive.read("minivgg_edge_model_theirs/theirs.tflite") == beside
    manifest = parse_model_file(beside, source="x").manifest
    assert manifest.accuracy == ()
    assert manifest.training["adopted"]["size_bytes"] == len(foreign)
    assert set(manifest.tools) == {"minivgg-edge", "ai-edge-litert"}
    code, _ = run_adopt(foreign, "--scale", "1/255")
    assert code == 0  # unchanged


def test_metadata_states_labels_and_normalization(
    make_foreign: Make, run_adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = make_foreign(*SYMMETRIC, "float32")
    data = with_metadata(bare, mean=127.5, std=127.5, labels=TINY_CLASSES)
    code, dist = run_adopt(data, labels=None)
    assert code == 0
    manifest = read_model_file(dist / "theirs.tflite").manifest
    assert manifest.labels == TINY_CLASSES
    adopted = manifest.training["adopted"]["normalization"]
    assert adopted["origin"] == "metadata"
    assert np.allclose([*adopted["scale"], *adopted["offset"]], [1 / 127.5] * 3 + [-1.0] * 3)
    ours = (dist / "theirs.tflite").read_bytes()
    by_hand = run_adopt(
        bare, "--scale", "1/127.5", "--offset=-1", "-o", dist / "2", labels=TINY_CLASSES
    )
    assert by_hand[0] == 0
    other = read_model_file(dist / "2" / "theirs.tflite")
    assert other.manifest.input == parse_model_file(ours, source="x").manifest.input
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "labels", "message"),
    [
        (["--scale", "1/255"], None, "expected the normalization that the file's metadata states"),
        ([], ["a", "b", "c"], "leave --labels out"),
    ],
)
def test_what_contradicts_the_metadata_is_refused(
    arguments: list[str],
    labels: Any,
    message: str,
    make_foreign: Make,
    run_adopt: Adopt,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare = make_foreign(*SYMMETRIC, "float32")
    data = with_metadata(bare, mean=127.5, std=127.5, labels=TINY_CLASSES)
    code, dist = run_adopt(data, *arguments, labels=labels)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not dist.exists()


def test_a_byte_order_mark_in_the_file_is_no_part_of_a_label(
    make_foreign: Make, run_adopt: Adopt
) -> None:
    bare = make_foreign(*BYTES, "float32")
    first, *others = TINY_CLASSES
    data = with_metadata(bare, mean=0, std=255, labels=["\ufeff" + first, *others])
    code, dist = run_adopt(data, labels=None)
    assert code == 0
    assert read_model_file(dist / "theirs.tflite").labels == TINY_CLASSES


def test_labels_in_the_file_that_are_none_give_way_to_the_users(
    make_foreign: Make, run_adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = make_foreign(*BYTES, "float32")
    data = with_metadata(bare, mean=0, std=255, labels=["crane", "crane", "x"])
    code, _ = run_adopt(data, labels=None)
    assert code == 2
    assert "use --labels" in capsys.readouterr().err
    code, dist = run_adopt(data)
    assert code == 0
    assert read_model_file(dist / "theirs.tflite").labels == TINY_CLASSES


@pytest.mark.parametrize(
    ("dtype", "arguments", "message"),
    [
        ("int8", [], r"reaches from 0 to 1, which suggests --scale 1/255$"),
        ("float32", [], r"expected --scale and --offset.*usual are --scale 1 \(0 to 255\)"),
        ("int8", ["--scale", "1"], r"expected a normalization that fits.*suggests --scale 1/255$"),
        ("int8", ["--scale", "1/65025"], "expected a normalization that fits"),
        ("int8", ["--scale=-1/255"], "expected a positive scale"),
        ("int8", ["--scale", "1/255,1/255,1/128"], "the same for R, G and B"),
        ("int8", ["--scale", "1/255", "--offset=-3"], "expected black to lie among the codes"),
        ("float32", ["--scale", "1,2"], "--scale: expected one number, or one each for R, G"),
    ],
)
def test_pixels_that_nobody_explains_or_that_do_not_fit(
    dtype: str,
    arguments: list[str],
    message: str,
    make_foreign: Make,
    run_adopt: Adopt,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, dist = run_adopt(make_foreign(*BYTES, dtype), *arguments)
    assert code == 2
    assert re.search(message, capsys.readouterr().err.strip())
    assert not dist.exists()


def test_the_number_of_labels_is_that_of_the_classes(
    foreign: bytes, run_adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = run_adopt(foreign, "--scale", "1/255", labels=CIFAR_CLASSES)
    assert code == 2
    assert "the model has 3 classes: expected as many labels, got 10" in capsys.readouterr().err
    code, _ = run_adopt(foreign, "--scale", "1/255", labels=None)
    assert code == 2
    assert "expected --labels FILE" in capsys.readouterr().err


def _flex(model: Any) -> None:
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = 32  # CUSTOM
    code.customCode = b"FlexErf"


def _open_size(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = [1, -1, -1, 3]


def _variable(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].isVariable = True


def _two_outputs(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]


def _scale(value: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.outputs[0]].quantization.scale = [value]

    return change


def _zero_point(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].quantization.zeroPoint = [300]


def _future(model: Any) -> None:
    for code in model.operatorCodes:
        code.version = 99


def _no_scale(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].quantization = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_flex, r"expected built-in operators only, got custom ones \(FlexErf\)"),
        (_open_size, r"expected static sizes \(but for the batch\), got \(1, -1, -1, 3\)"),
        (_variable, "expected a model without state, got a variable"),
        (_two_outputs, "expected one output, got 2"),
        (_scale(0.0), "expected a positive scale, got 0"),
        (_scale(float("nan")), "expected a positive scale, got nan"),
        (_scale(float("inf")), "expected a positive scale, got inf"),
        (_zero_point, "expected a zero point of -128 to 127 for int8, got 300"),
        (_future, "Didn't find op for builtin opcode"),
        (_no_scale, "expected 1 scale for int8, got 0"),
    ],
)
def test_models_of_another_kind(
    change: Callable[[Any], None], message: str, foreign: bytes
) -> None:
    with pytest.raises(AdoptionError, match=message):
        adopt(
            changed(foreign, change),
            source="model.tflite",
            name="x",
            labels=TINY_CLASSES,
            normalization=Normalization((1 / 255,) * 3, (0.0,) * 3, "option"),
        )


def test_weights_outside_the_flatbuffer(foreign: bytes) -> None:
    with pytest.raises(AdoptionError, match="expected it inside the flatbuffer, got one at byte"):
        adopt(with_external_buffer(foreign), source="x", name="x", labels=TINY_CLASSES)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "TFL3"), (b"not a model", "TFL3"), (bytes(4) + b"TFL3" + bytes(100), "x: ")],
)
def test_files_that_are_no_models(data: bytes, message: str) -> None:
    with pytest.raises(AdoptionError, match=message):
        adopt(data, source="x", name="x", labels=TINY_CLASSES)


def test_a_compiled_model_is_not_adopted_again(foreign: bytes, run_adopt: Adopt) -> None:
    code, dist = run_adopt(foreign, "--scale", "1/255")
    assert code == 0
    with pytest.raises(AdoptionError, match="it is compiled already, package it without --adopt"):
        adopt((dist / "theirs.tflite").read_bytes(), source="x", name="x", labels=TINY_CLASSES)


@pytest.mark.parametrize("which", [1, 2])
def test_a_crash_of_the_runtime_is_a_sentence(
    which: int,
    foreign: bytes,
    run_adopt: Adopt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = []

    def crash(code: str, *arguments: str, timeout_s: float) -> ChildRun:
        calls.append(code)
        if len(calls) == which:
            code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
        return run_python(code, *arguments, timeout_s=timeout_s)

    monkeypatch.setattr(probe, "run_python", crash)
    code, dist = run_adopt(foreign, "--scale", "1/255")
    assert code == 2
    assert "SIGSEGV" in capsys.readouterr().err
    assert not dist.exists()


def test_a_change_that_alters_answers_is_noticed(
    foreign: bytes, make_foreign: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_foreign(*BYTES, "uint8")

    def compared(original: bytes, adopted: bytes, *rest: Any, **named: Any) -> probe.Answers:
        found = answers(original, adopted, *rest, **named)
        return replace(found, adopted=found.adopted[::-1])

    answers = probe.answers
    monkeypatch.setattr("convert.packaging.adoption.answers", compared)
    with pytest.raises(AdoptionError, match="expected the adopted model to answer as the foreign"):
        adopt(
            other,
            source="x",
            name="x",
            labels=TINY_CLASSES,
            normalization=Normalization((1 / 255,) * 3, (0.0,) * 3, "option"),
        )


def test_the_tolerance_is_as_wide_as_two_sets_of_kernels_are_apart(
    foreign: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, others = 7, []

    def run(*arguments: Any, **named: Any) -> probe.Answers:
        found = answers(*arguments, **named)
        kernels = found.adopted.copy()
        best = (np.arange(len(kernels)), kernels.argmax(axis=1))
        kernels[best] -= apart
        others.append(found)
        # To every second picture the other kernels give another label: none of these is golden.
        kernels[::2] = np.roll(found.adopted[::2], 1, axis=1)
        return replace(found, other_kernels=kernels)

    answers = probe.answers
    monkeypatch.setattr("convert.packaging.adoption.answers", run)
    normalization = Normalization((1 / 255,) * 3, (0.0,) * 3, "option")
    adopted = adopt(foreign, source="x", name="x", labels=TINY_CLASSES, normalization=normalization)
    assert adopted.tolerance_steps == {"ai-edge-litert": apart, "tflite-runtime": apart}
    manifest = parse_model_file(adopted.pack(), source="x").manifest
    assert manifest.runtime.tolerance_steps == adopted.tolerance_steps
    monkeypatch.setattr("convert.packaging.adoption.answers", answers)
    usual = adopt(foreign, source="x", name="x", labels=TINY_CLASSES, normalization=normalization)
    (found,) = others
    chosen = usual.golden.inputs
    spread = 0
    for picture, output in zip(chosen, usual.golden.outputs, strict=True):
        (index,) = np.flatnonzero((found.pictures == picture).all(axis=(1, 2, 3)))[:1]
        other = found.other_kernels[index].astype(int)
        assert other.argmax() == output.argmax()
        spread = max(spread, int(np.abs(other - output).max()))
    assert usual.tolerance_steps == {
        "ai-edge-litert": max(1, spread),
        "tflite-runtime": max(2, spread),
    }


@pytest.mark.parametrize("output", ["float32", "uint8"])
@pytest.mark.parametrize("dtype", ["inside", "uint8"])
@pytest.mark.parametrize("ending", ["scores", "logits"])
def test_integers_inside_and_floats_at_an_end(
    dtype: str, output: str, ending: str, tiny: Tiny, run_adopt: Adopt
) -> None:
    """What TFLite's converter makes by default; its scores are a softmax of int8 inside."""
    images = tiny.pictures["train"].images
    with quiet():
        import keras

        end = tiny.model.output if ending == "scores" else tiny.model.layers[-1].input
        model = keras.Model(tiny.model.input, end)
        kinds = {"scale": (1 / 255,) * 3, "offset": (0.0,) * 3, "dtype": dtype, "output": output}
        data = convert_foreign(model, images, **kinds)
    code, dist = run_adopt(data, "--scale", "1/255")
    assert code == 0
    file = read_model_file(dist / "theirs.tflite")
    assert file.manifest.output.activation == ("softmax" if ending == "scores" else "logits")
    expected = _outputs(data, _fed(data, images[:40], *BYTES))
    with Classifier(dist / "theirs.tflite") as classifier:
        got = [classifier.classify(image)[0].label for image in images[:40]]
    assert got == [TINY_CLASSES[index] for index in expected.argmax(axis=1)]
    # A step inside is more than float32's rounding, and how much more nobody says.
    litert = RuntimeInfo("ai-edge-litert", "2.3.0", "2.20.0")
    if output == "float32":
        assert tolerance_of(file.manifest, litert) is None
    else:
        assert tolerance_of(file.manifest, litert) == 1
    assert self_test(dist / "theirs.tflite").passed


def test_a_scale_of_zero_is_refused(make_foreign: Make, run_adopt: Adopt, capsys: Any) -> None:
    code, dist = run_adopt(make_foreign(*BYTES, "float32"), "--scale", "1,0,1")
    assert code == 2
    assert "scale: expected numbers other than 0, got [1.0, 0.0, 1.0]" in capsys.readouterr().err
    assert not dist.exists()


def test_of_a_zip_only_the_labels_are_unpacked(make_foreign: Make, run_adopt: Adopt) -> None:
    """However many small files there are, and however they are stored."""
    data = with_metadata(make_foreign(*BYTES, "float32"), mean=0, std=255, labels=TINY_CLASSES)
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("other.txt", b"\0" * 1000)
    whole = bytearray(stream.getvalue())
    start = whole.index(b"other.txt") + len(b"other.txt")
    whole[start + 12] ^= 0xFF
    assert run_adopt(bytes(whole), labels=None)[0] == 0


def test_labels_that_are_stored_in_an_unusual_way(
    make_foreign: Make, run_adopt: Adopt, capsys: Any
) -> None:
    data = with_metadata(make_foreign(*BYTES, "float32"), mean=0, std=255, labels=None)
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("labels.txt", "\n".join(TINY_CLASSES))
    assert run_adopt(stream.getvalue(), labels=None)[0] == 2
    assert "labels.txt: compressed by method 14" in capsys.readouterr().err


def test_scores_without_a_softmax_at_the_end_are_not_taken_for_logits(tiny: Tiny) -> None:
    """The mean of two models' scores: the device would take the softmax of these."""
    with quiet():
        import keras

        pixels = keras.Input(tiny.model.inputs[0].shape[1:])
        scores = keras.layers.Softmax()(tiny.model(pixels))
        mean = keras.Model(pixels, keras.layers.Average()([scores, scores]))
        images = tiny.pictures["train"].images
        ensemble = convert_foreign(
            mean, images, scale=(1 / 255,) * 3, offset=(0.0,) * 3, dtype="float32"
        )
    with pytest.raises(AdoptionError, match="expected logits, got scores from 0 to 1 whose sum"):
        adopt(
            ensemble,
            source="x",
            name="x",
            labels=TINY_CLASSES,
            normalization=Normalization((1 / 255,) * 3, (0.0,) * 3, "option"),
        )


def test_labels_in_another_order_are_noticed_where_there_are_pictures(
    foreign: bytes,
    run_adopt: Adopt,
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scale = ("--scale", "1/255", "--data", tiny.data)
    assert run_adopt(foreign, *scale)[0] == 0
    said = capsys.readouterr()
    assert f"of {len(tiny.pictures['test'])} pictures" in said.out + said.err
    assert "in the right order" not in said.out + said.err
    turned = (*TINY_CLASSES[1:], TINY_CLASSES[0])
    assert run_adopt(foreign, *scale, "-o", tmp_path / "2", labels=turned)[0] == 0
    said = capsys.readouterr()
    assert "pictures: are its labels in the right order, and does it" in said.out + said.err


def test_measured_on_pictures_with_and_without_the_float_model(
    foreign: bytes, make_foreign: Make, run_adopt: Adopt, tiny: Tiny, tmp_path: Path
) -> None:
    scale = ("--scale", "1/255", "--data", tiny.data)
    code, dist = run_adopt(foreign, *scale)
    assert code == 0
    pictures = tiny.pictures["test"]
    with Classifier(dist / "theirs.tflite") as classifier:
        answers = [p[0].index for p in classifier.classify_batch(pictures.images)]
        (alone,) = classifier.model_info.manifest.training["adopted"]["measured"]
    top1 = float(np.mean(np.array(answers) == pictures.labels))
    assert (alone["split"], alone["count"], alone["top1"]) == ("test", len(pictures), top1)
    reference = tmp_path / "float.tflite"
    reference.write_bytes(make_foreign(*BYTES, "float32"))
    card = tmp_path / "card.md"
    code, dist = run_adopt(
        foreign, *scale, "--float", reference, "-o", tmp_path / "2", "--card", card
    )
    assert code == 0
    (record,) = read_model_file(tmp_path / "2" / "theirs.tflite").manifest.accuracy
    assert (record.split, record.count, record.target_top1) == ("test", len(pictures), top1)
    by_keras = np.asarray(tiny.model(pictures.images.astype(np.float32))).argmax(axis=1)
    assert record.float_top1 == pytest.approx(np.mean(by_keras == pictures.labels))
    assert "it may have been trained on these pictures" in card.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def mlperf(shared_dir: Path) -> Path:
    folder = shared_dir / "peers" / "mlperf-tiny"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_mlperf_tinys_resnet_is_as_good_as_published(
    dtype: str, mlperf: Path, run_adopt: Adopt
) -> None:
    from convert.data.sample import load_sample

    file = {"int8": "pretrainedResnet_quant.tflite", "float32": "pretrainedResnet.tflite"}[dtype]
    # The int8 input says itself that it takes 0 to 255; a float32 input cannot.
    arguments = [] if dtype == "int8" else ["--scale", "1"]
    code, dist = run_adopt((mlperf / file).read_bytes(), *arguments, labels=CIFAR_CLASSES)
    assert code == 0
    test = load_sample().test
    pictures = test.subset(range(400))
    with Classifier(dist / "theirs.tflite") as classifier:
        answers = [p[0].label for p in classifier.classify_batch(pictures.images)]
    truth = [test.class_names[label] for label in pictures.labels]
    # Published: 87 % of CIFAR-10; four standard deviations of 400 pictures are 7 points.
    assert np.mean([a == t for a, t in zip(answers, truth, strict=True)]) >= 0.80


def _damaged(data: bytes, count: int) -> list[bytes]:
    """Cut off at `count // 10` places, and one random bit flipped in the rest, more in front."""
    random = np.random.default_rng(4)
    cuts = random.integers(1, len(data), count // 10)
    cases = [data[:cut] for cut in cuts]
    for number in range(count - len(cases)):
        # Structure stands at both ends, weights between them.
        place = int(random.integers(0, 2000 if number % 2 else len(data)))
        case = bytearray(data)
        case[place if number % 4 < 2 else -1 - place] ^= 1 << int(random.integers(0, 8))
        cases.append(bytes(case))
    return cases


def _adopted_or_refused(data: bytes, folder: Path) -> bool:
    """Adopt a damaged model; True if it was, and then it answers on a device."""
    try:
        packed = adopt(
            data,
            source="damaged.tflite",
            name="damaged",
            labels=tuple(CIFAR_CLASSES),
            normalization=Normalization((1.0,) * 3, (0.0,) * 3, "option"),
        ).pack()
    except MinivggEdgeError:
        return False
    path = folder / "damaged.tflite"
    path.write_bytes(packed)
    manifest = parse_model_file(packed, source="x").manifest
    assert len(manifest.labels) == manifest.output.classes == len(CIFAR_CLASSES)
    program = (
        "import sys\nimport numpy as np\nfrom minivgg_edge import Classifier\n"
        "with Classifier(sys.argv[1]) as c:\n"
        "    print(c.classify(np.zeros((32, 32, 3), np.uint8))[0].label)"
    )
    run = run_python(program, str(path))
    assert run.problem is None
    assert run.stdout.strip() in CIFAR_CLASSES
    return True


def test_a_few_damaged_models(mlperf: Path, tmp_path: Path) -> None:
    data = (mlperf / "pretrainedResnet_quant.tflite").read_bytes()
    for case in _damaged(data, 6):
        _adopted_or_refused(case, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_damaged_models(mlperf: Path, tmp_path: Path) -> None:
    data = (mlperf / "pretrainedResnet_quant.tflite").read_bytes()
    outcomes = [_adopted_or_refused(case, tmp_path) for case in _damaged(data, 200)]
    print(f"{sum(outcomes)} of {len(outcomes)} damaged models adopted, the others refused")
    assert not all(outcomes)


def test_no_temporary_files_stay(
    foreign: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.suppress(AdoptionError):
        adopt(foreign, source="x", name="x", labels=TINY_CLASSES)
    assert not list(tmp_path.iterdir())
