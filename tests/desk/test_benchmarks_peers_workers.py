"""Engines in processes of their own: `engines`, `worker`, `worker_process`, `environments`."""

from __future__ import annotations

import ast
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import Tiny, TinyCompiled

from benchmarks.peers import engines, environments
from benchmarks.peers.environments import ensure_environment, failure_reason, find_python
from benchmarks.peers.errors import PeerUnavailableError
from benchmarks.peers.worker_process import WORKER_FILE, WorkerProcess
from minivgg_edge.model_file import read_model_file

HERE = Path(sys.executable)


class FakeInterpreter:
    """A "model" whose output is the first pixels of its input."""

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        self.dtype, self.scale, self.zero_point = model_content.decode().split()
        self.invoked = 0

    def allocate_tensors(self) -> None:
        pass

    def _details(self, index: int, shape: tuple[int, ...]) -> list[dict[str, Any]]:
        parameters = {
            "scales": np.array([float(self.scale)] if self.scale != "-" else []),
            "zero_points": np.array([int(self.zero_point)] if self.zero_point != "-" else []),
        }
        dtype = np.dtype(self.dtype)
        details = {"index": index, "dtype": dtype, "quantization_parameters": parameters}
        return [{**details, "shape": np.array(shape)}]

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._details(0, (1, 1, 1, 3))

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._details(1, (1, 3))

    def set_tensor(self, index: int, tensor: NDArray[Any]) -> None:
        assert (index, tensor.dtype, tensor.shape) == (0, np.dtype(self.dtype), (1, 1, 1, 3))
        self.tensor = tensor

    def invoke(self) -> None:
        self.invoked += 1

    def get_tensor(self, index: int) -> NDArray[Any]:
        assert index == 1
        return self.tensor[:, 0, 0]


@pytest.mark.parametrize(
    ("quantization", "codes", "scores"),
    [
        ("uint8 1.0 0", [0, 100, 255], [0, 100, 255]),
        ("int8 1.0 -128", [-128, -28, 127], [0, 100, 255]),
        # 100 / 3 = 33.3 and 255 / 3 = 85.
        ("int8 3.0 -128", [-128, -95, -43], [0, 99, 255]),
        # Saturates: 100 / 0.5 - 128 = 72, 255 / 0.5 - 128 = 382.
        ("int8 0.5 -128", [-128, 72, 127], [0, 100, 127.5]),
        ("float32 - -", [0.0, 100.0, 255.0], [0, 100, 255]),
    ],
)
def test_tflite_quantizes_by_the_tensors_own_parameters(
    tmp_path: Path, quantization: str, codes: list[float], scores: list[float]
) -> None:
    path = tmp_path / "model"
    path.write_text(quantization)
    engine = engines.Tflite(SimpleNamespace(Interpreter=FakeInterpreter), "1", path, 1)
    answer = engine.run(np.array([[[0, 100, 255]]], dtype=np.uint8))
    assert engine._interpreter.tensor.ravel().tolist() == codes
    assert (answer.dtype, answer.tolist()) == (np.float32, scores)
    engine.invoke()
    assert engine._interpreter.invoked == 2
    assert engine._interpreter.tensor.ravel().tolist() == codes, "the last input once more"


@pytest.mark.parametrize("name", ["engines.py", "worker.py"])
def test_what_a_worker_runs_stands_alone(name: str) -> None:
    tree = ast.parse(WORKER_FILE.with_name(name).read_text(encoding="utf-8"))
    imported = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    foreign = imported - sys.stdlib_module_names
    assert foreign <= {"numpy", "engines"}
    assert "numpy" in foreign


def test_worker_answers_as_the_runtime_does(
    tiny: Tiny, tiny_compiled: TinyCompiled, tmp_path: Path
) -> None:
    pictures, scores = tmp_path / "pictures.npy", tmp_path / "scores.npy"
    test = tiny.pictures["test"]
    np.save(pictures, test.images)
    with WorkerProcess(HERE) as worker:
        loaded = worker.ask(
            "load",
            engine="ai-edge-litert",
            path=str(tiny_compiled.path),
            num_threads=1,
            picture=str(pictures),
        )
        times = worker.ask("invoke", count=7, warmup=2)["ns"]
        memory = worker.ask("memory")
        assert worker.ask("classify", pictures=str(pictures), scores=str(scores)) == {"count": 60}
    from importlib.metadata import version

    from convert.int8.predict import predict

    assert loaded["version"] == version("ai-edge-litert")
    assert loaded["load_ms"] > 0 < loaded["first_ms"]
    assert len(times) == 7
    assert min(times) > 0
    assert 0 < worker.hello["baseline_rss_bytes"] < memory["steady_rss_bytes"]
    assert memory["steady_rss_bytes"] <= memory["peak_rss_bytes"]
    output = read_model_file(tiny_compiled.path).manifest.output
    assert output.scale is not None
    assert output.zero_point is not None
    codes = predict(read_model_file(tiny_compiled.path).flatbuffer, test.images)
    expected = (codes.astype(np.float32) - output.zero_point) * np.float32(output.scale)
    assert np.array_equal(np.load(scores), expected)


def test_worker_that_fails_says_why(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures.npy"
    np.save(pictures, np.zeros((1, 4, 4, 3), dtype=np.uint8))
    request = {"path": str(tmp_path / "none.tflite"), "num_threads": 1, "picture": str(pictures)}
    with (
        WorkerProcess(HERE) as worker,
        pytest.raises(PeerUnavailableError, match=r"FileNotFoundError.*none\.tflite"),
    ):
        worker.ask("load", engine="ai-edge-litert", **request)
    with (
        WorkerProcess(HERE) as worker,
        pytest.raises(PeerUnavailableError, match="KeyError: 'no-engine'"),
    ):
        worker.ask("load", engine="no-engine", **request)


def test_worker_that_hangs_or_crashes_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from benchmarks.peers import worker_process

    silent = tmp_path / "silent.py"
    silent.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(worker_process, "WORKER_FILE", silent)
    with pytest.raises(PeerUnavailableError, match=r"it gave no answer within 0\.5 s"):
        WorkerProcess(HERE, timeout_s=0.5)
    silent.write_text("import os\nos._exit(3)\n")
    with pytest.raises(PeerUnavailableError, match="its process ended with exit code 3"):
        WorkerProcess(HERE)


def test_worker_sees_neither_the_project_nor_the_parents_python_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from benchmarks.peers import worker_process

    probe = tmp_path / "probe.py"
    probe.write_text(
        "import json, os, sys\n"
        "found = {'path': sys.path[0], 'found': 'PYTHONPATH' in os.environ}\n"
        "print(json.dumps(found), flush=True)\n"
    )
    monkeypatch.setattr(worker_process, "WORKER_FILE", probe)
    monkeypatch.setenv("PYTHONPATH", os.fspath(Path(__file__).resolve().parents[2]))
    with WorkerProcess(HERE) as worker:
        assert worker.hello == {"path": os.fspath(tmp_path), "found": False}


def test_python_is_the_running_one_unless_the_wheels_end_earlier(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert find_python("openvino", running=(3, 14)) == sys.executable
    assert find_python("tflite-runtime", running=(3, 11)) == sys.executable
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(PeerUnavailableError, match=r"wheels end with Python 3\.11, this is 3\.13"):
        find_python("tflite-runtime", running=(3, 13))
    older = tmp_path / "python3.10"
    older.write_text("#!/bin/sh\n")
    older.chmod(0o755)
    assert find_python("tflite-runtime", running=(3, 13)) == os.fspath(older)


def test_installers_last_error_is_the_reason() -> None:
    text = (
        "Looking in indexes: somewhere\nERROR: Could not find a version of x==1\n"
        "ERROR: No matching distribution found for x==1\n\nsome notice\n"
    )
    assert failure_reason("x", text) == "No matching distribution found for x==1"
    assert failure_reason("x", "no space left\n") == "no space left"
    assert failure_reason("x", "") == "x: the installer failed without a word"


@pytest.mark.slow
def test_environment_is_made_once_and_again_for_other_requirements(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements-none.txt"
    requirements.write_text("# nothing\n")
    python = ensure_environment("none", tmp_path / "e", requirements_folder=tmp_path)
    mark = tmp_path / "e" / "venv-none" / "mark"
    mark.touch()
    assert ensure_environment("none", tmp_path / "e", requirements_folder=tmp_path) == python
    assert mark.exists()
    requirements.write_text("./nothing-here.whl\n")
    with pytest.raises(PeerUnavailableError, match=r"not installed: .*nothing-here\.whl"):
        ensure_environment("none", tmp_path / "e", requirements_folder=tmp_path)
    assert not mark.exists()
    requirements.write_text("# nothing\n")
    ensure_environment("none", tmp_path / "e", requirements_folder=tmp_path)
    assert python.exists(), "a failed attempt must not count as installed"


def test_two_commands_that_need_one_environment_make_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements-none.txt").write_text("# nothing\n")
    made: list[str] = []

    def run(name: str, command: list[str]) -> None:
        made.append(command[2])
        time.sleep(0.2)  # as long as the other takes to come
        python = tmp_path / "e" / "venv-none" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(environments, "_run", run)
    with ThreadPoolExecutor() as pool:
        calls = [
            pool.submit(ensure_environment, "none", tmp_path / "e", requirements_folder=tmp_path)
            for _ in range(2)
        ]
        first, second = (call.result() for call in calls)
    assert first == second
    assert made == ["venv", "pip"]


def test_every_engine_is_pinned() -> None:
    for name in engines.ENGINES:
        if name == "ai-edge-litert":  # the project's own requirement
            continue
        text = (environments.REQUIREMENTS_FOLDER / f"requirements-{name}.txt").read_text()
        assert any(line.startswith(f"{name}==") for line in text.splitlines())
