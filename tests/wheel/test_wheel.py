"""What a user gets from `pip install`: the wheel alone, numpy and one runtime."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

PICTURE = Path(__file__).resolve().parent.parent.parent / "convert/sample/pictures/ship.png"

# Classifies arrays of the model's size and larger, grey and with alpha; no Pillow is installed.
CLASSIFY_ARRAYS = """
import json, sys
import numpy as np
from minivgg_edge import Classifier
generator = np.random.default_rng(5)
shapes = [(32, 32, 3), (100, 75, 3), (48, 64), (20, 30, 4)]
pictures = [generator.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
with Classifier() as classifier:
    answers = [[p.score for p in classifier.classify(picture, top_k=3)] for picture in pictures]
    runtime = classifier.model_info.runtime.name
others = {"PIL", "tensorflow", "keras", "convert"} & {name.split(".")[0] for name in sys.modules}
print(json.dumps({"answers": answers, "runtime": runtime, "others": sorted(others)}))
"""

# The same picture three ways: as the upright file, as a phone writes it, and through numpy alone.
CLASSIFY_FILES = """
import json, sys
import numpy as np
from PIL import Image
from minivgg_edge import Classifier
from minivgg_edge.preprocess import preprocess
png, jpeg = sys.argv[1:]
with Classifier() as classifier:
    height, width, _ = classifier.input_shape
    upright = np.asarray(Image.open(jpeg).transpose(Image.Transpose.ROTATE_270).convert("RGB"))
    by_numpy = preprocess(upright, height=height, width=width, engine="numpy")
    print(json.dumps({
        "png": classifier.scores(png).tolist(),
        "png_array": classifier.scores(np.asarray(Image.open(png))).tolist(),
        "jpeg": classifier.scores(jpeg).tolist(),
        "jpeg_by_numpy": classifier.scores(by_numpy).tolist(),
        "label": classifier.classify(png)[0].label,
    }))
"""


@pytest.fixture(scope="module")
def phone_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 12-megapixel JPEG that lies on its side and says so in its EXIF block."""
    from PIL import Image

    with Image.open(PICTURE) as picture:
        large = picture.resize((3000, 4000), Image.Resampling.BICUBIC)
    lying = large.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to see it upright
    path = tmp_path_factory.mktemp("photo") / "IMG_0001.JPG"
    lying.save(path, quality=90, exif=exif)
    return path


def test_the_wheel_holds_the_device_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert {name.split("/")[0].split("-")[0] for name in names} == {"minivgg_edge"}
    assert "minivgg_edge/models/minivgg.tflite" in names
    assert "minivgg_edge/py.typed" in names
    licenses = {Path(name).name for name in names if "/licenses/" in name}
    assert licenses == {"LICENSE", "NOTICE"}


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime"])
def test_numpy_and_a_runtime_classify_arrays(runtime, request):
    environment = request.getfixturevalue(runtime)
    result = json.loads(environment.run(CLASSIFY_ARRAYS))
    assert (
        result["runtime"]
        == {"litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime"}[runtime]
    )
    assert result["others"] == []
    for scores in result["answers"]:
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)


def test_without_pillow_a_file_is_refused_with_the_command_to_type(litert, tmp_path):
    program = """
import sys
from minivgg_edge import Classifier, PictureError
try:
    Classifier().classify(sys.argv[1])
except PictureError as error:
    print(error)
"""
    if (
        litert.run("import importlib.util; print(importlib.util.find_spec('PIL'))").strip()
        != "None"
    ):
        pytest.skip("another test has installed Pillow already")
    assert 'run: pip install "pillow>=9.4"' in litert.run(program, PICTURE)


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime"])
def test_with_pillow_files_answer_as_arrays_do(runtime, request, phone_photo):
    environment = request.getfixturevalue(runtime)
    environment.install("pillow")
    result = json.loads(environment.run(CLASSIFY_FILES, PICTURE, phone_photo))
    assert result["png"] == result["png_array"]
    assert result["jpeg"] == result["jpeg_by_numpy"]
    # The phone's photo is the PNG, enlarged and compressed: nearly the same scores.
    assert np.argmax(result["jpeg"]) == np.argmax(result["png"])


def test_the_command_is_installed(litert):
    command = litert.python.parent / "minivgg-edge"
    assert command.is_file()
    printed = litert.run(
        "import subprocess, sys; print(subprocess.run(sys.argv[1:], capture_output=True,"
        " text=True, check=True).stdout)",
        command,
        "info",
    )
    assert "minivgg" in printed
    assert "airplane" in printed
