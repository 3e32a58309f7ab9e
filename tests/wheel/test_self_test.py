"""What a machine is asked after `pip install`: the self-test, and models of any origin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minivgg_edge.catalog import load_model

SELF_TEST = """
import json, sys
from minivgg_edge import self_test
report = self_test(num_threads=2)
others = {"PIL", "tensorflow", "keras", "convert"} & {name.split(".")[0] for name in sys.modules}
print(json.dumps({
    "passed": report.passed,
    "runtime": report.runtime.name,
    "delegates": report.delegates,
    "checks": [check.detail for check in report.checks],
    "others": sorted(others),
}))
"""

UNVERIFIED = """
import json, sys
import numpy as np
from minivgg_edge import Classifier, ModelError, Unverified
path, *labels = sys.argv[1:]
said = Unverified(labels=labels, activation="softmax")
picture = np.random.RandomState(1).randint(0, 256, (32, 32, 3)).astype(np.uint8)
with Classifier() as verified, Classifier(path, unverified=said) as classifier:
    same = classifier.classify(picture, top_k=10) == verified.classify(picture, top_k=10)
sound = open(path, "rb").read()
problems = []
for size in range(100, len(sound), len(sound) // 8):
    with open(path, "wb") as file:
        file.write(sound[:size])
    try:
        Classifier(path, unverified=said)
    except ModelError as error:
        problems.append(str(error))
print(json.dumps({"same": same, "problems": problems}))
"""


@pytest.mark.parametrize(
    ("environment", "name", "delegated"),
    [("litert", "ai-edge-litert", True), ("tflite_runtime", "tflite-runtime", False)],
)
def test_the_bundled_model_passes(environment, name, delegated, request):
    report = json.loads(request.getfixturevalue(environment).run(SELF_TEST))
    assert report["passed"], report
    assert report["runtime"] == name
    assert (report["delegates"] > 0) == delegated
    assert "2 threads" in report["checks"][2]
    assert report["others"] == []


@pytest.mark.parametrize("environment", ["litert", "tflite_runtime"])
def test_a_model_without_a_manifest(environment, request, tmp_path: Path):
    model = load_model()
    path = tmp_path / "foreign.tflite"
    path.write_bytes(model.flatbuffer)
    run = request.getfixturevalue(environment).run
    result = json.loads(run(UNVERIFIED, path, *model.labels))
    assert result["same"]
    # Cut off, it is refused; where the runtime crashes on it, that stays in the child process.
    assert len(result["problems"]) == 8
    crashed = [problem for problem in result["problems"] if "SIGSEGV" in problem]
    assert bool(crashed) == (environment == "tflite_runtime")


def test_the_command_is_installed(litert):
    command = litert.python.parent / "minivgg-edge"
    printed = litert.run(
        "import subprocess, sys; print(subprocess.run(sys.argv[1:], capture_output=True,"
        " text=True, check=True).stdout)",
        command,
        "self-test",
    )
    assert "passed in " in printed
