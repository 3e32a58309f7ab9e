"""A model wheel beside the built wheel: installed, found by name, listed, and gone again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import minivgg_edge
from convert.command import run_command
from convert.package import main
from convert.packaging.wheel import renamed

BUNDLED = Path(minivgg_edge.__file__).parent / "models" / "minivgg.tflite"

# The model is the bundled one under another name: it has to answer alike.
CLASSIFY = """
import json
import numpy as np
from minivgg_edge import Classifier
picture = np.random.default_rng(5).integers(0, 256, (100, 75, 3), dtype=np.uint8)
found = {}
for name in ("My.Parts", "minivgg"):
    with Classifier(name) as classifier:
        found[name] = {"sha256": classifier.model_info.sha256, "name": classifier.model_info.name}
        found[name]["scores"] = classifier.scores(picture).tolist()
print(json.dumps(found))
"""
LIST = """
import subprocess, sys
run = subprocess.run([*sys.argv[1:], "models", "--json"], capture_output=True, text=True)
print(run.stdout if run.returncode == 0 else run)
"""
FILES = """
import json, pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path("purelib"))
print(json.dumps(sorted(str(p.relative_to(site)) for p in site.rglob("*") if "parts" in str(p))))
"""


@pytest.fixture(scope="module")
def model_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as the command writes it."""
    folder = tmp_path_factory.mktemp("models")
    words = [BUNDLED, "--name", "My.Parts", "--version", "1.0", "-o", folder]
    assert run_command(main, list(map(str, words))) == 0
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def installed(request: pytest.FixtureRequest, model_wheel: Path) -> Iterator:
    environment = request.getfixturevalue(request.param)
    # What it asks for is there already, so nothing else may come; in the other environment LiteRT
    # is missing on purpose.
    only = ["--no-index"] if request.param == "litert" else ["--no-index", "--no-deps"]
    environment.install(*only, str(model_wheel))
    yield environment
    uninstall(environment)


def uninstall(environment) -> None:
    environment.run(
        "import subprocess, sys; subprocess.run("
        "[sys.executable, '-m', 'pip', 'uninstall', '--yes', '--quiet', 'my-parts'], check=True)"
    )


@pytest.mark.parametrize("installed", ["litert", "tflite_runtime"], indirect=True)
def test_the_model_answers_by_its_name(installed) -> None:
    found = json.loads(installed.run(CLASSIFY))
    packed = renamed(BUNDLED.read_bytes(), "My.Parts", source="x")
    assert found["My.Parts"]["sha256"] == hashlib.sha256(packed).hexdigest()
    assert found["My.Parts"]["name"] == "My.Parts"
    assert found["My.Parts"]["scores"] == found["minivgg"]["scores"]


@pytest.mark.parametrize("installed", ["litert"], indirect=True)
def test_it_is_listed_and_leaves_nothing_behind(installed) -> None:
    command = installed.python.parent / "minivgg-edge"
    listed = json.loads(installed.run(LIST, command))["models"]
    assert [(m["name"], m["distribution"], m["version"], m["problem"]) for m in listed] == [
        ("My.Parts", "my-parts", "1.0", None),
        ("minivgg", "minivgg-edge", minivgg_edge.__version__, None),
    ]
    assert json.loads(installed.run(FILES)) != []
    uninstall(installed)
    assert json.loads(installed.run(FILES)) == []
    listed = json.loads(installed.run(LIST, command))["models"]
    assert [m["name"] for m in listed] == ["minivgg"]
