"""self_test: right answers pass, wrong ones and every way of crashing fail, as sentences."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minivgg_edge
from minivgg_edge import (
    ModelFileError,
    ModelNotFoundError,
    SelfTestReport,
    cli,
    self_check,
    self_test,
    trial,
)
from minivgg_edge.child_answers import answer_line
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.golden_answers import (
    FLOAT_TOLERANCE,
    differences,
    wrong_answers,
)
from minivgg_edge.interpreter import Engine, runtime_info
from minivgg_edge.manifest import RuntimeSpec
from minivgg_edge.model_file import ModelFile, pack_model_file

Repack = Callable[..., Path]

# Steps that the bundled model's outputs may be off on a runtime.
ALLOWED = {"ai-edge-litert": 1, "tflite-runtime": 8}


def _detail(report: SelfTestReport, name: str) -> str:
    (check,) = (check for check in report.checks if check.name == name)
    return check.detail


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes as long as the rest and is tried elsewhere."""
    monkeypatch.setattr(self_check, "_check_pictures", lambda _timeout_s: iter(()))


# --- the bundled model ----------------------------------------------------------------------------


def test_the_bundled_model_passes(bundled: ModelFile) -> None:
    report = minivgg_edge.self_test()
    assert report.passed, report
    assert [check.name for check in report.checks] == [
        "resampling",
        "decoding",
        "runtime",
        "answers",
    ]
    assert report.sha256 == bundled.sha256
    assert report.runtime == runtime_info()
    assert report.vectors == len(bundled.golden_vectors().inputs)
    assert report.tolerance == ALLOWED[runtime_info().name]
    assert report.largest_difference is not None
    assert report.largest_difference <= report.tolerance
    assert report.time_ms > 0


def test_threads(no_pictures: None) -> None:
    report = self_test(num_threads=2)
    assert report.passed, report
    assert report.num_threads == 2
    assert "2 threads" in _detail(report, "runtime")
    with pytest.raises(ValueError, match="num_threads: expected 1 to 256, got 0"):
        self_test(num_threads=0)


def test_the_time_is_in_milliseconds(no_pictures: None) -> None:
    start = time.perf_counter()
    report = self_test()
    passed_ms = 1000 * (time.perf_counter() - start)
    assert passed_ms / 2 < report.time_ms <= passed_ms


def test_a_bad_file_is_an_error_and_no_report(tmp_path: Path, bundled_bytes: bytes) -> None:
    with pytest.raises(ModelNotFoundError):
        self_test(tmp_path / "none.tflite")
    (tmp_path / "cut.tflite").write_bytes(bundled_bytes[:-1])
    with pytest.raises(ModelFileError):
        self_test(tmp_path / "cut.tflite")


# --- other golden vectors -------------------------------------------------------------------------


@pytest.fixture
def with_golden(bundled: ModelFile, tmp_path: Path, no_pictures: None) -> Callable[..., Path]:
    """A function that packs the bundled model with golden vectors of this very runtime, changed.

    Its argument changes the uint8 outputs (k, classes) in place.
    """

    def write(change: Callable[[np.ndarray], None], **manifest: Any) -> Path:
        inputs = bundled.golden_vectors().inputs
        engine = Engine(bundled.flatbuffer)
        outputs = np.stack([engine.run(picture) for picture in inputs])
        change(outputs)
        packed = pack_model_file(
            bundled.flatbuffer,
            dataclasses.replace(bundled.manifest, **manifest),
            golden=GoldenVectors(inputs, outputs),
        )
        path = tmp_path / "changed.tflite"
        path.write_bytes(packed)
        return path

    return write


def _raise_a_low_output(steps: int) -> Callable[[np.ndarray], None]:
    def change(outputs: np.ndarray) -> None:
        outputs[1, outputs[1].argmin()] += steps

    return change


def test_off_by_the_tolerance_passes_and_by_one_step_more_fails(
    with_golden: Callable[..., Path],
) -> None:
    tolerance = ALLOWED[runtime_info().name]
    report = self_test(with_golden(_raise_a_low_output(tolerance)))
    assert report.passed, report
    assert report.largest_difference == tolerance
    report = self_test(with_golden(_raise_a_low_output(tolerance + 1)))
    assert not report.passed
    assert report.largest_difference == tolerance + 1
    expected = f"golden vector 1: expected outputs at most {tolerance} off, got {tolerance + 1}"
    assert _detail(report, "answers") == expected


def test_another_best_label_fails_within_any_tolerance(
    with_golden: Callable[..., Path], bundled: ModelFile
) -> None:
    def swap(outputs: np.ndarray) -> None:
        second, best = outputs[2].argsort(kind="stable")[-2:]
        outputs[2, [second, best]] = outputs[2, [best, second]]

    runtime = dataclasses.replace(
        bundled.manifest.runtime, tolerance_steps={runtime_info().name: 255}
    )
    report = self_test(with_golden(swap, runtime=runtime))
    assert not report.passed
    assert _detail(report, "answers").startswith("golden vector 2: expected '")


def test_a_runtime_without_a_tolerance_is_judged_by_the_labels(
    with_golden: Callable[..., Path], bundled: ModelFile
) -> None:
    spec = bundled.manifest.runtime
    runtime = RuntimeSpec(spec.ops, spec.minimum_runtime, {"another-runtime": 0})
    report = self_test(with_golden(_raise_a_low_output(40), runtime=runtime))
    assert report.passed, report
    assert report.tolerance is None
    assert report.largest_difference == 40
    assert "up to 40 steps off, the model states no tolerance" in _detail(report, "answers")


# --- comparing, by hand ---------------------------------------------------------------------------

LABELS = ("cat", "dog", "frog")


def _bytes(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def test_steps_do_not_wrap_around() -> None:
    assert differences(_bytes((0, 255)), _bytes((255, 254))).tolist() == [[255.0, 1.0]]
    signed = np.array([[-128, 127]], dtype=np.int8)
    assert differences(signed, signed[:, ::-1]).tolist() == [[255.0, 255.0]]


def test_floats_are_compared_with_the_largest_but_at_least_with_1() -> None:
    expected = np.array([[0.25, 0.5], [-8.0, 4.0]], dtype=np.float32)
    off = differences(expected + np.float32(0.25), expected)
    assert off.tolist() == [[0.25, 0.25], [0.25 / 8, 0.25 / 8]]


def test_of_equal_outputs_the_first_is_the_best() -> None:
    tie = _bytes((100, 100, 7))
    assert wrong_answers(tie, tie, LABELS, tolerance=1) == []
    # Within the tolerance, but the other one of two equals is ahead now: another answer.
    ahead = _bytes((100, 101, 7))
    assert wrong_answers(ahead, tie, LABELS, tolerance=1) == [
        "golden vector 0: expected 'cat', got 'dog'"
    ]
    assert wrong_answers(tie, ahead, LABELS, tolerance=1) == [
        "golden vector 0: expected 'dog', got 'cat'"
    ]


def test_nan_is_wrong() -> None:
    expected = np.array([[0.5, 0.25, 0.25]], dtype=np.float32)
    got = np.array([[0.5, np.nan, 0.25]], dtype=np.float32)
    assert len(wrong_answers(got, expected, LABELS, tolerance=FLOAT_TOLERANCE)) == 1
    # Where it is the best itself.
    got = np.array([[np.nan, 0.25, 0.25]], dtype=np.float32)
    assert len(wrong_answers(got, expected, LABELS, tolerance=FLOAT_TOLERANCE)) == 1


def test_many_problems_are_counted() -> None:
    expected, got = _bytes(*[(9, 0, 0)] * 10), _bytes(*[(0, 9, 0)] * 10)
    problems = wrong_answers(got, expected, LABELS, tolerance=1)
    assert len(problems) == 4
    assert problems[-1] == "and 7 more"


# --- a runtime that is broken ---------------------------------------------------------------------

_STUB = "import os, signal, time\n"
_INTERPRETER = """
class Interpreter:
    def __init__(self, **_):
        {body}
"""


@pytest.fixture
def runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> Callable[[str], None]:
    """A function that puts a runtime with this source in front of the installed ones."""

    def write(source: str) -> None:
        package = tmp_path / "site" / "ai_edge_litert"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("__version__ = '9.8.7'\n")
        (package / "interpreter.py").write_text(_STUB + source)
        monkeypatch.syspath_prepend(tmp_path / "site")

    return write


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "os.kill(os.getpid(), signal.SIGILL)",
            "importing the runtime: the child process was ended by signal 4 (SIGILL: the processor "
            "lacks an instruction that the library was compiled for)",
        ),
        (
            _INTERPRETER.format(body="os.kill(os.getpid(), signal.SIGSEGV)"),
            "loading the model: the child process was ended by signal 11 (SIGSEGV: ",
        ),
        ("raise ImportError('no GLIBC_9')", "ai-edge-litert is installed but cannot be imported"),
        (
            _INTERPRETER.format(body="raise ValueError('op 99')"),
            "expected a model that ai-edge-litert 9.8.7 can load, got: op 99",
        ),
        ("os._exit(0)", "importing the runtime: the child process ended without an answer"),
        ("raise KeyError('x')", "ended with exit code 1: KeyError: 'x'"),
    ],
)
def test_a_broken_runtime_is_a_failed_check(
    runtime: Callable[[str], None], source: str, sentence: str
) -> None:
    runtime(source)
    report = self_test()
    assert not report.passed
    assert sentence in _detail(report, "runtime")
    assert report.largest_difference is None
    assert report.tolerance is None


@pytest.mark.parametrize("difference", [float("nan"), float("inf")])
def test_a_difference_that_json_cannot_say_is_null(
    difference: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = SelfTestReport(
        model="m",
        source="m.tflite",
        sha256="0" * 64,
        runtime=None,
        delegates=None,
        num_threads=1,
        vectors=1,
        largest_difference=difference,
        tolerance=FLOAT_TOLERANCE,
        checks=(),
        time_ms=1.0,
    )
    monkeypatch.setattr("minivgg_edge.cli.self_test.self_test", lambda *_, **__: report)
    cli.main(["self-test", "--json"])
    assert json.loads(capsys.readouterr().out)["largest_difference"] is None


def test_the_child_process_gets_the_number_of_threads(runtime: Callable[[str], None]) -> None:
    runtime(_INTERPRETER.format(body="raise ValueError(f\"asked for {_['num_threads']} threads\")"))
    assert "got: asked for 3 threads" in _detail(self_test(num_threads=3), "runtime")


def test_command_with_a_broken_runtime(
    runtime: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    runtime("os.kill(os.getpid(), signal.SIGILL)")
    assert cli.main(["self-test"]) == 1
    printed = capsys.readouterr()
    assert "SIGILL" in printed.out
    assert "FAILED in " in printed.out
    assert printed.err == ""


def test_the_runtime_is_named_even_if_it_crashes_later(runtime: Callable[[str], None]) -> None:
    runtime(_INTERPRETER.format(body="os.abort()"))
    report = self_test()
    assert "SIGABRT" in _detail(report, "runtime")
    assert report.runtime is not None
    assert report.runtime.version == "9.8.7"


def test_a_runtime_that_hangs(runtime: Callable[[str], None]) -> None:
    runtime("time.sleep(60)")
    report = self_test(timeout_s=3.0)
    # On a slow board the time may be over before the child says that it imports the runtime.
    assert "the child process gave no answer within 3 s" in _detail(report, "runtime")


def test_a_model_for_a_newer_runtime_fails(
    repack: Repack, bundled: ModelFile, no_pictures: None
) -> None:
    newer = dataclasses.replace(bundled.manifest.runtime, minimum_runtime="99.0.0")
    report = self_test(repack(runtime=newer))
    assert not report.passed
    assert "expected a runtime with TensorFlow Lite 99.0.0" in _detail(report, "runtime")
    assert report.runtime == runtime_info()


def test_a_manifest_that_contradicts_the_model_fails(
    repack: Repack, bundled: ModelFile, no_pictures: None
) -> None:
    spec = bundled.manifest.input
    assert spec.scale is not None
    report = self_test(repack(input=dataclasses.replace(spec, scale=2 * spec.scale)))
    assert not report.passed
    assert "input tensor: expected, by the manifest, " in _detail(report, "runtime")


def test_no_child_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("minivgg_edge.child_process.subprocess.run", refuse)
    report = self_test()
    assert not report.passed
    assert "no child process can be started" in _detail(report, "resampling")
    assert "no child process can be started" in _detail(report, "runtime")


def test_a_crash_while_pictures_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "import os; os.abort()"
    monkeypatch.setattr(self_check, "_PICTURE_CHILD", crash)
    report = self_test()
    assert not report.passed
    assert "the child process was ended by signal 6 (SIGABRT" in _detail(report, "resampling")
    # After the first check has answered, it is the second one's.
    said = answer_line(name="resampling", problems=[], sentence="fine")
    monkeypatch.setattr(self_check, "_PICTURE_CHILD", f"print({said!r}, flush=True); {crash}")
    report = self_test()
    assert _detail(report, "resampling") == "fine"
    assert "SIGABRT" in _detail(report, "decoding")


@pytest.mark.parametrize("said", [(), ("resampling",)])
def test_a_silent_end_while_pictures_are_checked(
    said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [answer_line(name=name, problems=[], sentence="fine") for name in said]
    monkeypatch.setattr(self_check, "_PICTURE_CHILD", f"print({''.join(lines)!r}, flush=True)")
    report = self_test()
    assert not report.passed
    (failed,) = (check for check in report.checks if not check.passed)
    assert failed.name == ("resampling", "decoding")[len(said)]
    assert failed.detail == "the child process ended without an answer"


def test_what_else_is_printed_in_the_child_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    greeting = "print('{}\\nfrom a sitecustomize', end='', flush=True); "
    for module, name in ((self_check, "_PICTURE_CHILD"), (trial, "_CHILD")):
        monkeypatch.setattr(module, name, greeting + getattr(module, name))
    report = self_test()
    assert report.passed, report
    assert len(report.checks) == 4


# --- the command ----------------------------------------------------------------------------------


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["self-test"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("minivgg (")
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["resampling", "ok"],
        ["decoding", "ok"],
        ["runtime", "ok"],
        ["answers", "ok"],
    ]
    assert lines[-1].startswith("passed in ")


def test_command_as_json(
    with_golden: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = with_golden(_raise_a_low_output(90))
    assert cli.main(["self-test", "--model", str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    assert document["largest_difference"] == 90
    assert document["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document["runtime"]["name"] == runtime_info().name
    assert [check["passed"] for check in document["checks"]] == [True, False]


def test_command_with_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["self-test", "--model", str(tmp_path / "none.tflite")]) == 2
    assert "no such file" in capsys.readouterr().err
