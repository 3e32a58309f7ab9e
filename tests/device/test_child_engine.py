"""Unverified models run in a process of their own: its crashes, hangs, forks and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from minivgg_edge import (
    Classifier,
    ModelFileError,
    RuntimeUnavailableError,
    Unverified,
    child_engine,
)
from minivgg_edge.child_engine import ChildEngine

# A runtime whose model is sure of class p, the first pixel, and to which some pictures are deadly.
RUNTIME = """
import os, sys, time
import numpy as np

class Interpreter:
    def __init__(self, **_):
        pass

    def allocate_tensors(self):
        print("native code has something to say")

    def get_input_details(self):
        parameters = {"scales": [1.0], "zero_points": [0]}
        return [{"shape": (1, 4, 4, 3), "dtype": np.uint8, "index": 0,
                 "quantization_parameters": parameters}]

    def get_output_details(self):
        parameters = {"scales": [np.float32(1 / 255)], "zero_points": [0]}
        return [{"shape": (1, 10), "dtype": np.uint8, "index": 1,
                 "quantization_parameters": parameters}]

    def set_tensor(self, _, picture):
        self.picture = picture

    def invoke(self):
        os.write(1, b"and again")
        if (self.picture == 201).all():
            os.kill(os.getpid(), 11)
        if (self.picture == 202).all():
            time.sleep(60)
        if (self.picture == 203).all():
            raise RuntimeError("node 3 failed")

    def get_tensor(self, _):
        scores = np.zeros((1, 10), np.uint8)
        scores[0, self.picture[0, 0, 0, 0] % 10] = 255
        return scores
"""
LABELS = tuple("abcdefghij")


def _picture(value: int) -> np.ndarray:
    return np.full((4, 4, 3), value, np.uint8)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file for the runtime above, which child processes find before the true one."""
    package = tmp_path / "site" / "ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '9.8.7'\n")
    (package / "interpreter.py").write_text(RUNTIME)
    monkeypatch.syspath_prepend(tmp_path / "site")
    path = tmp_path / "m.tflite"
    path.write_bytes(b"\0\0\0\0TFL3")
    return path


@pytest.fixture
def classifier(model: Path) -> Iterator[Classifier]:
    said = Unverified(labels=LABELS, activation="softmax")
    with Classifier(model, unverified=said) as loaded:
        yield loaded


def _label(classifier: Classifier, value: int) -> str:
    return classifier.classify(_picture(value))[0].label


def _process(classifier: Classifier) -> subprocess.Popen[bytes]:
    engine: Any = classifier._engine
    process: subprocess.Popen[bytes] = engine._process
    return process


NO_RUNTIME_HERE = """
import sys
import numpy as np
from minivgg_edge import Classifier, Unverified
sys.path.insert(0, sys.argv[1])
said = Unverified(labels=list("abcdefghij"), activation="softmax")
with Classifier(sys.argv[2], unverified=said) as classifier:
    label = classifier.classify(np.full((4, 4, 3), 5, np.uint8))[0].label
print(label, *{name.split(".")[0] for name in sys.modules} & {"ai_edge_litert", "tflite_runtime"})
"""


def test_this_process_does_not_even_import_the_runtime(model: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", NO_RUNTIME_HERE, model.parent / "site", model],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(child_engine.__file__).parent.parent,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["f"]


def test_what_else_is_printed_in_the_child(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    greeting = "print('{}\\nfrom a sitecustomize', end='', flush=True); "
    monkeypatch.setattr(child_engine, "_CHILD", greeting + child_engine._CHILD)
    said = Unverified(labels=LABELS, activation="softmax")
    with Classifier(model, unverified=said) as classifier:
        assert _label(classifier, 2) == "c"


def test_each_picture_gets_its_own_answer(classifier: Classifier) -> None:
    process = _process(classifier)
    for value in range(200):
        assert _label(classifier, value) == LABELS[value % 10]
    assert _process(classifier) is process


def test_after_a_crash_the_next_picture_is_answered(classifier: Classifier) -> None:
    message = (
        r"m.tflite': expected a sound model, got: the child process that runs it was ended by "
        r"signal 11 \(SIGSEGV"
    )
    for _ in range(2):
        with pytest.raises(ModelFileError, match=message):
            classifier.classify(_picture(201))
        assert _label(classifier, 4) == "e"


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no such signal")
def test_a_child_that_died_since_ends_no_program_behind_a_pipe(model: Path) -> None:
    program = """
import signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
import numpy as np
from minivgg_edge import Classifier, ModelFileError, Unverified
sys.path.insert(0, sys.argv[1])
said = Unverified(labels=list("abcdefghij"), activation="softmax")
loaded = Classifier(sys.argv[2], unverified=said)
picture = np.full((4, 4, 3), 1, np.uint8)
loaded.classify(picture)
loaded._engine._process.kill()
loaded._engine._process.wait()
try:
    loaded.classify(picture)
except ModelFileError as error:
    print("refused:", error)
print("goes on:", loaded.classify(picture)[0].label)
"""
    command = [sys.executable, "-c", program, os.fspath(model.parent / "site"), os.fspath(model)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, (run.returncode, run.stderr)
    refused, goes_on = run.stdout.splitlines()
    assert refused.startswith("refused: ")
    assert "SIGKILL" in refused
    assert goes_on == "goes on: b"


def test_an_exception_of_the_runtime(classifier: Classifier) -> None:
    with pytest.raises(ModelFileError, match="that runs it ended with exit code 1"):
        classifier.classify(_picture(203))
    assert _label(classifier, 5) == "f"


def test_a_picture_that_hangs(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_engine, "_TIMEOUT_S", 0.5)
    with pytest.raises(ModelFileError, match=r"that runs it gave no answer within 0\.5 s"):
        classifier.classify(_picture(202))
    monkeypatch.undo()


def test_a_child_that_takes_nothing(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a pipe holds, for a child that was stopped: the way there has a limit as well."""
    engine = classifier._engine
    assert isinstance(engine, child_engine.ChildEngine)
    process = _process(classifier)
    os.kill(process.pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(child_engine, "_TIMEOUT_S", 0.5)
        with pytest.raises(ModelFileError, match=r"that runs it gave no answer within 0\.5 s"):
            engine._ask(bytes(1 << 20), 1)
    assert process.poll() is not None
    assert _label(classifier, 2) == "c"


def test_the_answer_to_an_interrupted_call_is_not_taken_for_another_s(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ready = child_engine._is_ready

    def interrupt(pipe: IO[bytes], *, writing: bool = False) -> bool:
        if writing:
            return is_ready(pipe, writing=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(child_engine, "_is_ready", interrupt)
        with pytest.raises(KeyboardInterrupt):
            classifier.classify(_picture(3))
    assert _label(classifier, 6) == "g"


def test_the_child_is_out_of_reach_of_the_terminal_s_ctrl_c(classifier: Classifier) -> None:
    process = _process(classifier)
    # The terminal's driver signals the foreground's group: termios(3), INTR.
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)


def test_the_child_ends_with_the_classifier(model: Path) -> None:
    classifier = Classifier(model, unverified=Unverified(labels=LABELS, activation="softmax"))
    process = _process(classifier)
    assert process.poll() is None
    classifier.close()
    assert process.poll() is not None


@pytest.mark.parametrize("hangs", [False, True])
def test_the_child_ends_with_this_process(model: Path, hangs: bool) -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:  # ends without any tidying up, as after SIGKILL
        try:
            said = Unverified(labels=LABELS, activation="softmax")
            loaded = Classifier(model, unverified=said)
            process = _process(loaded)
            if hangs:
                assert process.stdin is not None
                process.stdin.write(_picture(202).tobytes())
                time.sleep(0.2)  # until it is taken
            os.write(writer, str(process.pid).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(parent, 0)
    with os.fdopen(reader, "rb") as pipe:
        grandchild = int(pipe.read())
    for _ in range(100):
        try:
            # As a zombie that nobody waits for, where init does not: it has no command line left.
            if not Path(f"/proc/{grandchild}/cmdline").read_bytes():
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.05)
    pytest.fail(f"process {grandchild} is still there")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_fork(classifier: Classifier) -> None:
    process = _process(classifier)
    for value in (1, 2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if _label(classifier, 7) == "h" and _label(classifier, 8) == "i" else 2
                classifier.close()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert _label(classifier, value) == LABELS[value]
    assert _process(classifier) is process


def test_what_an_engine_takes(model: Path) -> None:
    engine = ChildEngine(model.read_bytes(), source="m")
    assert engine.runtime.version == "9.8.7"
    assert engine.run(_picture(9)).tolist() == [0] * 9 + [255]
    for other in (_picture(9)[:3], _picture(9).astype(np.int8)):
        with pytest.raises(ValueError, match=r"picture: expected uint8 \(4, 4, 3\), got "):
            engine.run(other)


def test_no_process_can_be_started(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(child_engine.subprocess, "Popen", refuse)
    message = "no child process can be started: Resource temporarily unavailable"
    with pytest.raises(RuntimeUnavailableError, match=message):
        ChildEngine(model.read_bytes(), source="m")
