"""Every precision: converted, described, packed, and answering on the device's side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from precision_models import write_dense_model
from tiny_model import RunQuantize, Tiny

from convert.errors import ConversionError
from convert.int8.conversion import convert_float
from convert.int8.freeze import freeze
from convert.int8.graph import read_graph
from convert.int8.predict import predict
from convert.precision.contents import read_contents
from convert.precision.conversion import convert_precision
from convert.precision.kinds import KINDS, NAMES, Precision
from convert.precision.options import default_output
from minivgg_edge import Classifier, ModelVersionError
from minivgg_edge.golden_answers import tolerance_of
from minivgg_edge.interpreter import RuntimeInfo, check_minimum_runtime
from minivgg_edge.model_file import read_model_file

pytest.importorskip("ai_edge_quantizer", reason="the extra second-engine is not installed")

OTHERS = [name for name in NAMES if name != "int8"]
LITERT = RuntimeInfo("ai-edge-litert", "2.3.0", "2.22.0")
TFLITE_RUNTIME = RuntimeInfo("tflite-runtime", "2.14.0", "2.14.0")
# What tflite-runtime 2.14 has kernels for; benchmarks.precision asks the runtime itself.
PORTABLE = {"int8", "float16", "float32"}


@pytest.fixture(scope="module")
def dense(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dense_model(tiny, tmp_path_factory.mktemp("dense"))


@pytest.fixture(scope="module")
def flatbuffers(tiny: Tiny, dense: Path) -> dict[Precision, bytes]:
    from convert.int8.float_model import load_float_model

    frozen = freeze(load_float_model(dense))
    images = tiny.pictures["train"].images[:20]
    return {name: convert_precision(frozen, name, images) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_answers_stay_close_to_the_float_model(
    tiny: Tiny, flatbuffers: dict[Precision, bytes], name: Precision
) -> None:
    images = tiny.pictures["test"].images
    expected = predict(flatbuffers["float32"], images)
    got = predict(flatbuffers[name], images)
    scores = got if got.dtype == np.float32 else got / 256.0
    # A broken kernel or scale would give an error of the size of the scores, a third on average.
    # Few and random hidden units: 4 bits cost this model more than a trained one.
    limit = {"float16": 1e-3, "int8-dense4": 0.15}.get(name, 0.05)
    assert np.abs(scores - expected).mean() < limit
    agreement = (got.argmax(axis=1) == expected.argmax(axis=1)).mean()
    assert agreement > 0.8


def test_only_int8_says_that_it_is_int8(flatbuffers: dict[Precision, bytes]) -> None:
    contents = {name: read_contents(flatbuffer) for name, flatbuffer in flatbuffers.items()}
    assert [name for name, found in contents.items() if found.is_int8] == ["int8"]
    for name in OTHERS:
        assert contents[name].sentence.startswith("Not an int8 model")


@pytest.mark.parametrize(
    ("name", "stored", "computed"),
    [
        ("int8-dense4", {"int8", "int4"}, {"int8"}),
        ("float16", {"float16"}, {"float32"}),
        ("float32", {"float32"}, {"float32"}),
    ],
)
def test_the_contents_are_read_from_the_graph(
    flatbuffers: dict[Precision, bytes], name: Precision, stored: set[str], computed: set[str]
) -> None:
    contents = read_contents(flatbuffers[name])
    assert {dtype for dtype, *_ in contents.weights} == stored
    assert {dtype for dtype, _ in contents.activations} == computed


def test_dynamic_has_int8_weights_and_float_activations(
    flatbuffers: dict[Precision, bytes],
) -> None:
    contents = read_contents(flatbuffers["dynamic"])
    assert "int8" in {dtype for dtype, *_ in contents.weights}
    assert {dtype for dtype, _ in contents.activations} == {"float32"}


def test_the_layer_of_the_scores_keeps_8_bits(flatbuffers: dict[Precision, bytes]) -> None:
    graph = read_graph(flatbuffers["int8-dense4"])
    dense = [op for op in graph.operations if op.name == "FULLY_CONNECTED"]
    assert [graph.tensors[op.inputs[1]].dtype for op in dense] == ["int4", "int8"]


def test_files_get_smaller_as_promised(flatbuffers: dict[Precision, bytes]) -> None:
    sizes = {name: len(flatbuffer) for name, flatbuffer in flatbuffers.items()}
    assert sizes["int8-dense4"] < sizes["int8"] < sizes["float16"] < sizes["float32"]


def test_four_bits_need_a_hidden_dense_layer(tiny: Tiny) -> None:
    with pytest.raises(ConversionError, match="choose int8"):
        convert_precision(freeze(tiny.model), "int8-dense4", tiny.pictures["train"].images[:2])


def test_float32_is_the_reference_itself(dense: Path, flatbuffers: dict[Precision, bytes]) -> None:
    from convert.int8.float_model import load_float_model

    assert flatbuffers["float32"] == convert_float(freeze(load_float_model(dense)))


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_refuses_where_no_kernel_is(
    dense: Path, tiny: Tiny, run_quantize: RunQuantize, tmp_path: Path, name: Precision
) -> None:
    out = tmp_path / "model.tflite"
    run = run_quantize(
        *(dense, "--data", tiny.data, "-o", out, "--max-drop", 100, "--precision", name)
    )
    assert run.code == 0, run.err
    file = read_model_file(out)
    assert KINDS[name].summary in file.manifest.description
    assert ("Not an int8 model" in run.err) == (name != "int8")
    if name in PORTABLE:
        check_minimum_runtime(file.manifest, TFLITE_RUNTIME, source=str(out))
    else:
        assert "tflite-runtime" in run.err
        with pytest.raises(ModelVersionError, match="tflite-runtime"):
            check_minimum_runtime(file.manifest, TFLITE_RUNTIME, source=str(out))
    images = tiny.pictures["test"].images[:10]
    with Classifier(out) as classifier:
        answers = [classifier.classify(picture)[0].index for picture in images]
    assert answers == predict(file.flatbuffer, images).argmax(axis=1).tolist()
    # What a self-test on a board compares besides the best classes.
    tolerance = tolerance_of(file.manifest, LITERT)
    assert (tolerance is None) == (name == "dynamic")
    report = json.loads(out.with_suffix(".report.json").read_text())
    assert name in report["files"]
    assert bool(report["calibration"]) == KINDS[name].calibrated


def test_another_precision_never_takes_the_int8_models_place() -> None:
    outputs = {name: default_output(Path("out/x.tflite"), name) for name in NAMES}
    assert outputs["int8"] == Path("out/x.tflite")
    assert len(set(outputs.values())) == len(NAMES)
    for name in OTHERS:
        assert outputs[name].stem == f"x-{name}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--precision", "dynamic", "--search"], "for int8"),
        (["--precision", "int8-dense4", "--equalize"], "for int8"),
        (["--precision", "float16", "--io", "int8"], "float32"),
        (["--precision", "dynamic", "--calibration-count", "500"], "which measures no ranges"),
        (
            ["--precision", "float32", "--calibration-seed", "1"],
            "--calibration-seed: expected it without --precision float32",
        ),
        (["--precision", "int4"], "int8-dense4"),
    ],
)
def test_options_that_contradict_a_precision_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from convert.quantize import main

    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
