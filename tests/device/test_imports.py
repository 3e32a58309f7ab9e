"""The device package's directions: what it imports, statically and while it classifies."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minivgg_edge

PACKAGE = Path(minivgg_edge.__file__).parent
RUNTIMES = {"ai_edge_litert", "tflite_runtime"}
ALLOWED = {"numpy", "minivgg_edge", *sys.stdlib_module_names}


def _imported(path: Path) -> set[str]:
    """The top-level packages that a file imports anywhere, but for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING":
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports only"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_file_imports_only_what_the_device_has(path: Path) -> None:
    extra = {"interpreter.py": RUNTIMES, "decode.py": {"PIL"}}
    allowed = ALLOWED | extra.get(str(path.relative_to(PACKAGE)), set())
    assert _imported(path) <= allowed


SCRIPT = """
import socket, sys, warnings
warnings.simplefilter("error")

def refuse(*args, **kwargs):
    raise AssertionError("the device package opened a socket")

for name in ("socket", "create_connection", "socketpair", "getaddrinfo"):
    setattr(socket, name, refuse)
before = set(sys.modules)

import minivgg_edge
assert "numpy" not in sys.modules
from minivgg_edge import Classifier, Prediction
assert not any(n.split(".")[0] in ("ai_edge_litert", "tflite_runtime") for n in sys.modules)

import numpy as np
with minivgg_edge.Classifier() as classifier:
    picture = np.zeros(classifier.input_shape, np.uint8)
    assert len(classifier.classify(picture, top_k=3)) == 3
    assert len(classifier.scores(picture)) == len(classifier.labels)
# A module without a file is one that compiled code makes in memory, as numpy's Cython does.
new = [n for n in set(sys.modules) - before if getattr(sys.modules[n], "__file__", None)]
print(*sorted({n.split(".")[0] for n in new}))
"""


def test_classifying_an_array_imports_numpy_and_a_runtime_only() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    third_party = {name for name in run.stdout.split() if name not in sys.stdlib_module_names}
    assert third_party & RUNTIMES
    assert third_party - RUNTIMES <= {"minivgg_edge", "numpy"}


# The standard library's modules that a start may add to those of numpy and the runtime. Each other
# one costs instructions, most of them more than checking the manifest does.
START_MODULES = {"__future__", "_blake2", "_hashlib", "hashlib", "zlib"}

START_SCRIPT = """
import sys
import numpy as np
try:
    import ai_edge_litert.interpreter
except ModuleNotFoundError:
    import tflite_runtime.interpreter
# What the environment or numpy may have imported, of all that must not be needed.
for name in ("dataclasses", "inspect", "json", "pathlib", "shutil", "threading", "zipfile"):
    sys.modules.pop(name, None)
before = set(sys.modules)
from minivgg_edge import Classifier
classifier = Classifier()
classifier.classify(np.zeros(classifier.input_shape, np.uint8), top_k=3)
print(*sorted(set(sys.modules) - before))
"""


def test_a_start_imports_no_more_than_it_needs() -> None:
    run = subprocess.run(
        [sys.executable, "-c", START_SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    new = set(run.stdout.split())
    ours = {name for name in new if name.split(".")[0] == "minivgg_edge"}
    assert new - ours <= START_MODULES
    assert "minivgg_edge.classifier" in ours
    for name in ("dataclass_twin", "decode", "golden", "preprocess", "resample", "strict_json"):
        assert f"minivgg_edge.{name}" not in ours


def test_the_program_s_help_needs_no_numpy() -> None:
    script = (
        "import sys\n"
        "from minivgg_edge.cli import main\n"
        "codes = [main(['--version']), main(['--help']), main(['dance'])]\n"
        "sys.exit(f'{codes} with numpy' if 'numpy' in sys.modules else codes != [0, 0, 2])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def test_public_names() -> None:
    for name in minivgg_edge.__all__:
        assert hasattr(minivgg_edge, name)
        assert name in dir(minivgg_edge)
    with pytest.raises(AttributeError, match="module 'minivgg_edge' has no attribute 'Clasifier'"):
        minivgg_edge.Clasifier  # type: ignore[attr-defined]  # noqa: B018
    for name in ("ModelNotFoundError", "ModelFileError", "ModelVersionError"):
        assert issubclass(getattr(minivgg_edge, name), minivgg_edge.ModelError)
    for name in ("ModelError", "PictureError", "RuntimeUnavailableError", "ClosedError"):
        assert issubclass(getattr(minivgg_edge, name), minivgg_edge.MinivggEdgeError)
