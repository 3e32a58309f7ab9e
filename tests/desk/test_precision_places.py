"""Where a precision runs: what runtimes do with it, and what its file says before they see it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from precision_models import write_dense_model
from tiny_model import Tiny

pytest.importorskip("ai_edge_quantizer", reason="the extra second-engine is not installed")

from benchmarks.peers.environments import find_environment
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.precision.examination import Examination
from benchmarks.precision.places import Place, places
from benchmarks.precision.tables import failures, places_table
from benchmarks.precision.unmarked import NAME as UNMARKED
from benchmarks.precision.unmarked import unmarked_dynamic
from benchmarks.reliability.runtimes import Runtime
from convert.int8.audit import describe
from convert.int8.compilation import Pictures, Settings
from convert.int8.compile_model import compile_model
from convert.int8.conversion import convert_float
from convert.int8.float_model import load_float_model
from convert.int8.freeze import freeze
from convert.int8.inputs import load_identity
from convert.int8.predict import predict
from convert.int8.runtime_version import is_newer
from convert.int8.writing import read_model, write_model
from convert.precision.kinds import NAMES, Precision
from convert.second_engine.versions import with_versions
from minivgg_edge.model_file import parse_model_file

ROOT = Path(__file__).resolve().parents[2]
LITERT = Runtime("LiteRT", Path(sys.executable))
LAST_TFLITE_RUNTIME = "2.14.0"


@pytest.fixture(scope="module")
def found(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Examination:
    """All precisions of a small model, and what a converter leaves unmarked."""
    path = write_dense_model(tiny, tmp_path_factory.mktemp("dense"))
    model, parts = load_float_model(path), tiny.pictures
    pictures = Pictures("tiny", parts["train"], parts["validation"], None)
    identity = load_identity(path, name="tiny")
    compiled = {
        name: compile_model(
            model, pictures, identity, Settings(precision=name, max_drop=1.0), say=lambda _: None
        )
        for name in NAMES
    }
    bare = {
        name: parse_model_file(one.int8_file, source=name).flatbuffer
        for name, one in compiled.items()
    }
    bare[UNMARKED] = unmarked_dynamic(convert_float(freeze(model)))
    return Examination(compiled, bare, {}, 0, {}, {})


@pytest.fixture(scope="module")
def tflite_runtime() -> Runtime:
    """The environment that `make precision` makes."""
    try:
        python = find_environment(
            "tflite-runtime",
            ROOT / "out" / "reliability",
            requirements_folder=ROOT / "benchmarks" / "reliability",
        )
    except PeerUnavailableError as error:
        pytest.skip(str(error))
    if python is None:
        pytest.skip("there is no environment with tflite-runtime: `make precision` makes it")
    return Runtime("tflite-runtime", python)


def _places(found: Examination, runtime: Runtime, images: NDArray[np.uint8]) -> dict[str, Place]:
    files = {name: one.int8_file for name, one in found.compiled.items()}
    expected = {
        name: predict(model, images).argmax(axis=1) for name, model in found.flatbuffers.items()
    }
    return places([runtime], found.flatbuffers, files, images, expected)[runtime.title]


def test_litert_runs_them_all(found: Examination, tiny: Tiny) -> None:
    for name, place in _places(found, LITERT, tiny.pictures["test"].images).items():
        assert place.is_right, name
        assert place.compiled is None, name


def test_no_file_reaches_a_runtime_that_answers_wrongly(
    found: Examination, tiny: Tiny, tflite_runtime: Runtime
) -> None:
    of_runtime = _places(found, tflite_runtime, tiny.pictures["test"].images)
    for name in NAMES:
        place = of_runtime[name]
        assert place.is_right == (place.compiled is None), (name, place)
    refusals = {name: of_runtime[name].compiled for name in NAMES if of_runtime[name].compiled}
    assert refusals.keys() == {"int8-dense4", "dynamic"}
    for said in refusals.values():
        # By the manifest, and not by the runtime, which does not notice in every case.
        assert "expected a runtime with TensorFlow Lite" in str(said)


def test_what_a_converter_leaves_unmarked_is_wrong_without_a_word(
    found: Examination, tiny: Tiny, tflite_runtime: Runtime
) -> None:
    assert _places(found, tflite_runtime, tiny.pictures["test"].images)[UNMARKED].is_silently_wrong


def test_versions_are_read_from_dtypes_where_a_converter_left_them(found: Examination) -> None:
    unmarked = found.flatbuffers[UNMARKED]
    assert {op.version for op in describe(unmarked).operators} == {1}
    for flatbuffer in (unmarked, with_versions(unmarked)):
        assert is_newer(describe(flatbuffer).minimum_runtime, LAST_TFLITE_RUNTIME)


@pytest.mark.parametrize("name", NAMES)
def test_the_versions_are_those_that_tensorflow_writes(found: Examination, name: Precision) -> None:
    model = read_model(found.flatbuffers[name])
    for code in model.operatorCodes:
        code.version = 1
    restored = with_versions(write_model(model))
    assert describe(restored).operators == found.compiled[name].audit.operators
    assert describe(restored).minimum_runtime == found.compiled[name].audit.minimum_runtime


def test_marking_versions_changes_no_answer(found: Examination, tiny: Tiny) -> None:
    images = tiny.pictures["test"].images
    unmarked = found.flatbuffers[UNMARKED]
    np.testing.assert_array_equal(
        predict(with_versions(unmarked), images), predict(unmarked, images)
    )


RIGHT, REFUSED = Place(None, 1.0, None), Place("no kernel", None, "too old")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (RIGHT, ""),
        (REFUSED, ""),
        (Place(None, 0.1, None), "expected a refusal by its file"),
        (Place("no kernel", None, None), "expected a refusal by its file"),
        (Place(None, 1.0, "too old"), "it would run"),
    ],
)
def test_failures_are_found(found: Examination, place: Place, said: str) -> None:
    of_runtime = dict.fromkeys(found.flatbuffers, RIGHT) | {"dynamic": place}
    one = Examination(found.compiled, found.flatbuffers, {"a runtime": of_runtime}, 9, {}, {})
    sentences = [sentence for sentence in failures(one) if "a runtime" in sentence]
    assert [said in sentence for sentence in sentences] == ([True] if said else [])
    cells = {row[0]: row[1:] for row in places_table(one).rows}
    assert ("WRONG" in cells["dynamic"][0]) == place.is_silently_wrong
    assert ("refused" in cells["dynamic"][1]) == (place.compiled is not None)
