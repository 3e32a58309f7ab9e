"""The runtime adapter: which runtime is taken, what it says when there is none, and the engine."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minivgg_edge import ModelFileError, ModelVersionError, RuntimeUnavailableError, interpreter
from minivgg_edge.interpreter import (
    Engine,
    RuntimeInfo,
    check_minimum_runtime,
    check_num_threads,
    runtime_info,
)
from minivgg_edge.model_file import ModelFile
from minivgg_edge.runtime_advice import advice
from minivgg_edge.scoring import pixel_table
from minivgg_edge.tensors import TensorSpec, check_tensor_specs, read_tensor_spec

# --- which runtime --------------------------------------------------------------------------------


def test_runtime_info_names_an_installed_distribution() -> None:
    from importlib.metadata import version

    info = runtime_info()
    assert info.name in ("ai-edge-litert", "tflite-runtime")
    assert info.version == version(info.name)
    assert info.tflite_version is not None


@pytest.fixture
def fake_runtimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in front of the path in which tests put packages; installed runtimes are hidden."""

    class HideInstalled:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            package = name.split(".")[0]
            if (
                package in ("ai_edge_litert", "tflite_runtime")
                and not (tmp_path / package).exists()
            ):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    loaded = [n for n in sys.modules if n.split(".")[0] in ("ai_edge_litert", "tflite_runtime")]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [HideInstalled(), *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [*sys.modules]:
        if name.split(".")[0] in ("ai_edge_litert", "tflite_runtime"):
            del sys.modules[name]


def _write_package(folder: Path, name: str, version: str, interpreter_source: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
    (folder / name / "interpreter.py").write_text(interpreter_source)


def test_litert_is_preferred(fake_runtimes: Path) -> None:
    _write_package(fake_runtimes, "ai_edge_litert", "2.1.6", "")
    _write_package(fake_runtimes, "tflite_runtime", "2.14.0", "")
    assert runtime_info() == RuntimeInfo("ai-edge-litert", "2.1.6", "2.22.0")


def test_of_an_older_litert_the_tflite_version_is_not_known(fake_runtimes: Path) -> None:
    _write_package(fake_runtimes, "ai_edge_litert", "1.0.1", "")
    assert runtime_info() == RuntimeInfo("ai-edge-litert", "1.0.1", None)


def test_tflite_runtime_is_the_fallback(
    fake_runtimes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_package(fake_runtimes, "tflite_runtime", "2.14.0", "")
    monkeypatch.setattr(np, "__version__", "1.24.2")
    assert runtime_info() == RuntimeInfo("tflite-runtime", "2.14.0", "2.14.0")


def test_no_runtime(fake_runtimes: Path) -> None:
    message = "expected ai-edge-litert or tflite-runtime, got neither; .*pip install"
    with pytest.raises(RuntimeUnavailableError, match=message):
        runtime_info()


def test_tflite_runtime_beside_numpy_2(
    fake_runtimes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_package(fake_runtimes, "tflite_runtime", "2.14.0", "raise SystemError")
    monkeypatch.setattr(np, "__version__", "2.1.0")
    message = r'tflite-runtime 2.14.0: expected numpy below 2, got 2.1.0; run `pip install "numpy<2'
    with pytest.raises(RuntimeUnavailableError, match=message):
        runtime_info()


@pytest.mark.parametrize("package", ["ai_edge_litert", "tflite_runtime"])
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "raise ImportError('libc.so.6: version `GLIBC_2.34 not found')",
            "cannot be imported: libc.so.6: version `GLIBC_2.34 not found .the system's C or C",
        ),
        ("import no_such_dependency", "cannot be imported: No module named 'no_such_dependency'"),
        ("raise OSError('wrong ELF class')", "cannot be imported: wrong ELF class; .*pip install"),
        ("import os; os.no_such_name", "cannot be imported: module 'os' has no attribute"),
        ("no_such_name", "cannot be imported: name 'no_such_name' is not defined; .*pip install"),
        ("raise ImportError('\\nREAD\\n\\n  THIS')", "cannot be imported: READ THIS; .*install"),
        ("raise ImportError('x' * 999)", "cannot be imported: x{297}\\.\\.\\.; .*pip install"),
    ],
)
def test_broken_runtime(
    fake_runtimes: Path, monkeypatch: pytest.MonkeyPatch, package: str, source: str, message: str
) -> None:
    monkeypatch.setattr(np, "__version__", "1.26.0")
    _write_package(fake_runtimes, package, "2.3.0", source)
    name = package.replace("_", "-")
    with pytest.raises(RuntimeUnavailableError, match=f"{name} is installed but {message}"):
        runtime_info()


@pytest.mark.parametrize("package", ["ai_edge_litert", "tflite_runtime"])
def test_a_runtime_without_a_version(fake_runtimes: Path, package: str) -> None:
    _write_package(fake_runtimes, package, "2.3.0", "")
    (fake_runtimes / package / "__init__.py").write_text("")
    message = "cannot be imported: module '.*' has no attribute '__version__'; .*pip install"
    with pytest.raises(RuntimeUnavailableError, match=message):
        runtime_info()


def test_armv6_is_refused_before_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_MACHINE", "armv6l")
    with pytest.raises(RuntimeUnavailableError, match=r"got armv6l \(Raspberry Pi 1 or Zero\)"):
        runtime_info()


@pytest.mark.parametrize(
    ("is_64_bit", "python", "message"),
    [
        (True, (3, 13), 'run `pip install "ai-edge-litert>=2.1.6"`'),
        (
            False,
            (3, 11),
            'on a 32-bit system (armv7l) run `pip install tflite-runtime "numpy<2"`',
        ),
        (
            False,
            (3, 13),
            "for a 32-bit system (armv7l) with Python 3.13 no runtime is published: take a 64-bit "
            "system, or Python 3.11 (Raspberry Pi OS Bookworm) and there run "
            '`pip install tflite-runtime "numpy<2"`',
        ),
    ],
)
def test_advice(is_64_bit: bool, python: tuple[int, int], message: str) -> None:
    assert advice("armv7l", is_64_bit=is_64_bit, python=python) == message


def test_minimum_runtime(bundled: ModelFile) -> None:
    def check(minimum: str, got: str | None) -> None:
        runtime = dataclasses.replace(bundled.manifest.runtime, minimum_runtime=minimum)
        manifest = dataclasses.replace(bundled.manifest, runtime=runtime)
        info = RuntimeInfo("tflite-runtime", "2.5.0.post1", got)
        check_minimum_runtime(manifest, info, source="m")

    check("2.5.0", "2.5.0.post1")
    check("2.9.0", "2.14.0")  # numbers, not text
    check("9.9.9", None)
    with pytest.raises(
        ModelVersionError, match=r"'m': expected .* Lite 2.14.0 or newer, got tflite"
    ):
        check("2.14.0", "2.9.0")


# --- the engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, -1, 257, 10**30])
def test_num_threads_out_of_range(threads: int) -> None:
    with pytest.raises(ValueError, match="num_threads: expected 1 to 256, got"):
        check_num_threads(threads)


@pytest.mark.parametrize("threads", [1.0, "1", None])
def test_num_threads_of_another_type(threads: Any) -> None:
    with pytest.raises(TypeError):
        check_num_threads(threads)


def test_golden_vectors(bundled: ModelFile) -> None:
    engine = Engine(bundled.flatbuffer)
    golden = bundled.golden_vectors()
    table = pixel_table(engine.input)
    steps = bundled.manifest.runtime.tolerance_steps[engine.runtime.name]
    for picture, expected in zip(golden.inputs, golden.outputs, strict=True):
        got = engine.run(picture if table is None else table[picture])
        assert got.dtype == expected.dtype
        assert np.abs(got.astype(int) - expected.astype(int)).max() <= steps
        assert got.argmax() == expected.argmax()


def test_tensors_are_read_from_the_flatbuffer(bundled: ModelFile) -> None:
    engine = Engine(bundled.flatbuffer)
    spec, out = bundled.manifest.input, bundled.manifest.output
    assert engine.input.shape == (1, spec.height, spec.width, 3)
    assert engine.output.shape == (1, out.classes)
    assert engine.output.scale == pytest.approx(out.scale)
    assert engine.output.zero_point == out.zero_point
    check_tensor_specs(bundled.manifest, engine.input, engine.output, source="m")


def test_outputs_are_copies(bundled: ModelFile, picture: np.ndarray) -> None:
    engine = Engine(bundled.flatbuffer)
    first = engine.run(picture)
    kept = first.copy()
    engine.run(255 - picture)
    np.testing.assert_array_equal(first, kept)


def test_more_threads_answer_the_same(bundled: ModelFile, picture: np.ndarray) -> None:
    one, two = Engine(bundled.flatbuffer), Engine(bundled.flatbuffer, num_threads=2)
    np.testing.assert_array_equal(one.run(picture), two.run(picture))


def test_a_view_with_gaps_is_read_right(bundled: ModelFile, picture: np.ndarray) -> None:
    engine = Engine(bundled.flatbuffer)
    expected = engine.run(np.ascontiguousarray(picture[:, ::-1]))
    np.testing.assert_array_equal(engine.run(picture[:, ::-1]), expected)


def test_wrong_arrays(bundled: ModelFile, picture: np.ndarray) -> None:
    engine = Engine(bundled.flatbuffer)
    with pytest.raises(ValueError, match="Cannot set tensor"):
        engine.run(picture[1:])
    with pytest.raises(ValueError, match="Cannot set tensor"):
        engine.run(picture.astype(np.float32))


class _Refusing:
    """An interpreter module that fails as the native ones do."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def Interpreter(self, **_: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("Didn't find op for builtin opcode 'X' version '12'."), ModelVersionError),
        (ValueError("The model is not a valid Flatbuffer"), ModelFileError),
        (RuntimeError("failed to prepare"), ModelFileError),
    ],
)
def test_a_refusal_of_the_runtime_is_typed(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    info = RuntimeInfo("ai-edge-litert", "2.3.0", "2.22.0")
    monkeypatch.setattr(interpreter, "_load_runtime", lambda: (info, _Refusing(error)))
    with pytest.raises(
        kind, match=r"'m': expected a model that ai-edge-litert 2.3.0 can load, got"
    ):
        Engine(b"", source="m")


def test_the_native_kernels_get_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        @staticmethod
        def Interpreter(**options: object) -> None:
            raise ValueError(f"asked for {options['num_threads']} threads")

    info = RuntimeInfo("ai-edge-litert", "2.3.0", "2.22.0")
    monkeypatch.setattr(interpreter, "_load_runtime", lambda: (info, Module))
    with pytest.raises(ModelFileError, match="asked for 3 threads"):
        Engine(b"", num_threads=3)


def _details(shape: tuple[int, ...], scales: list[float]) -> list[dict[str, Any]]:
    parameters = {
        "scales": np.array(scales, np.float32),
        "zero_points": np.array([3] * len(scales)),
    }
    return [{"shape": np.array(shape), "dtype": np.uint8, "quantization_parameters": parameters}]


def test_read_tensor_spec() -> None:
    details = _details((1, 8, 9, 3), [0.5])
    assert read_tensor_spec("input", details, source="m") == TensorSpec(
        (1, 8, 9, 3), "uint8", 0.5, 3
    )
    details = _details((1, 5), [])
    assert read_tensor_spec("output", details, source="m") == TensorSpec(
        (1, 5), "uint8", None, None
    )


@pytest.mark.parametrize(
    ("role", "details", "message"),
    [
        ("input", [], "expected one input tensor, got 0"),
        ("output", _details((1, 5), [1.0]) * 2, "expected one output tensor, got 2"),
        (
            "input",
            _details((1, 8, 8, 1), [1.0]),
            r"input tensor: expected shape \(1, H, W, 3\), got",
        ),
        ("input", _details((1, 3, 3), [1.0]), r"input tensor: expected shape \(1, H, W, 3\), got"),
        ("output", _details((1,), [1.0]), r"output tensor: expected shape \(1, classes\), got"),
        ("output", _details((1, 1, 5), [1.0]), r"output tensor: expected shape \(1, classes\)"),
        ("output", _details((1, 2), [1.0, 2.0]), "output tensor: expected one scale, got 2"),
    ],
)
def test_models_of_another_form(role: str, details: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ModelFileError, match=f"^'m': {message}"):
        read_tensor_spec(role, details, source="m")


def test_a_scale_with_more_digits_than_float32_has(bundled: ModelFile) -> None:
    engine = Engine(bundled.flatbuffer)
    spec = dataclasses.replace(bundled.manifest.output, scale=0.1)
    tensor = dataclasses.replace(engine.output, scale=0.100000001490116119384765625)  # the float32
    manifest = dataclasses.replace(bundled.manifest, output=spec)
    check_tensor_specs(manifest, engine.input, tensor, source="m")


@pytest.mark.parametrize(
    ("tensor", "change"),
    [
        ("input", {"shape": (1, 31, 32, 3)}),
        ("input", {"dtype": "float32"}),
        ("output", {"scale": 0.5}),
        ("output", {"zero_point": 77}),
    ],
)
def test_manifest_that_contradicts_the_model(
    bundled: ModelFile, tensor: str, change: dict[str, Any]
) -> None:
    engine = Engine(bundled.flatbuffer)
    specs = {"input": engine.input, "output": engine.output}
    specs[tensor] = dataclasses.replace(specs[tensor], **change)
    with pytest.raises(ModelFileError, match=f"^'m': {tensor} tensor: expected, by the manifest,"):
        check_tensor_specs(bundled.manifest, specs["input"], specs["output"], source="m")


@pytest.mark.parametrize(
    ("name", "largest", "advice"),
    [
        ("ai-edge-litert", 2**63 - 1, "; run `pip install --upgrade ai-edge-litert`"),
        ("tflite-runtime", 2**63 - 1, '; run `pip install "ai-edge-litert>=2.1.6"`'),
        (
            "tflite-runtime",
            2**31 - 1,
            "take a 64-bit system, or compile the model with --precision",
        ),
    ],
)
def test_how_to_get_a_newer_runtime(
    name: str, largest: int, advice: str, bundled: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On 32-bit systems there is none, and what is installed need not be installed again."""
    monkeypatch.setattr(sys, "maxsize", largest)
    needed = dataclasses.replace(bundled.manifest.runtime, minimum_runtime="2.99.0")
    manifest = dataclasses.replace(bundled.manifest, runtime=needed)
    with pytest.raises(ModelVersionError, match=re.escape(advice)):
        check_minimum_runtime(manifest, RuntimeInfo(name, "2.14.0", "2.14.0"), source="m")
