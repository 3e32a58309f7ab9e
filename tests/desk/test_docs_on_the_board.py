"""The programs of docs/on-the-board.md, with stand-ins for the cameras; names and links."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from guide_blocks import DOCS, blocks_for, read_blocks
from PIL import Image

from convert.pipeline.arguments import parse_request
from convert.scanning.facts import Facts, Header
from convert.scanning.series import find_series
from convert.scores.threshold import choose_threshold
from minivgg_edge.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PATH = DOCS / "on-the-board.md"
PAGE = PATH.read_text(encoding="utf-8")
PICTURES = 6
# A camera ends the program when it has given its pictures.
STAND_INS = {
    "picamera2": f"""
import numpy
from PIL import Image

class Picamera2:
    left = {PICTURES}
    def create_preview_configuration(self, main):
        return main
    def configure(self, main):
        red_first = numpy.asarray(Image.open("ship.png").convert("RGB").resize(main["size"]))
        step = {{"BGR888": 1, "RGB888": -1}}[main["format"]]
        self.array, self.started = red_first[:, :, ::step].copy(), False
    def start(self):
        self.started = True
    def capture_array(self):
        assert self.started
        self.left -= 1
        if self.left < 0:
            raise SystemExit
        return self.array
""",
    "cv2": f"""
import numpy
from PIL import Image

class VideoCapture:
    left = {PICTURES}
    def __init__(self, number):
        assert number == 0
        self.array = numpy.asarray(Image.open("ship.png").convert("RGB"))[:, :, ::-1].copy()
    def read(self):
        self.left -= 1
        return (True, self.array) if self.left >= 0 else (False, None)
""",
    # What the classifier is given is kept.
    "minivgg_edge": """
import minivgg_edge
import numpy

class Classifier(minivgg_edge.Classifier):
    def classify(self, picture, **more):
        numpy.save("given.npy", picture)
        return super().classify(picture, **more)
""",
    "time": """
from time import *

def sleep(seconds):
    assert 0 < seconds <= 1
""",
}


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    for name, text in STAND_INS.items():
        # Under another name: some are built in or imported by the stand-in itself.
        (folder / f"{name}_stand_in.py").write_text(text)
        program = re.sub(
            rf"^import {name}$", f"import {name}_stand_in as {name}", program, flags=re.M
        )
        program = re.sub(
            rf"^from {name} import", f"from {name}_stand_in import", program, flags=re.M
        )
    (folder / "program.py").write_text(program)
    shutil.copy(ROOT / "convert" / "sample" / "pictures" / "ship.png", folder)
    command = [sys.executable, "-W", "error", "program.py", "bolt"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def given_right(folder: Path) -> bool:
    """Say whether the last picture that was classified had red first."""
    given = np.load(folder / "given.npy")
    with Image.open(folder / "ship.png") as ship:
        expected = np.asarray(ship.convert("RGB").resize(given.shape[1::-1]))
    assert not np.array_equal(expected, expected[:, :, ::-1])
    return np.array_equal(given, expected)


def test_the_camera_of_a_raspberry_pi(tmp_path: Path) -> None:
    (watch, printed), (collect, _) = blocks_for("picamera2", PATH)
    watching = run(watch, tmp_path)
    assert (watching.returncode, watching.stdout) == (0, printed), watching.stderr
    assert given_right(tmp_path)
    run(watch.replace("BGR888", "RGB888"), tmp_path)
    assert not given_right(tmp_path)
    collecting = run(collect, tmp_path)
    assert collecting.returncode == 0, collecting.stderr
    photos = sorted(path.name for path in (tmp_path / "photos" / "bolt").iterdir())
    assert len(photos) == PICTURES
    (expression,) = re.findall(r"--group-by '([^']+)'", PAGE)
    sessions = [re.search(expression, f"bolt/{name}")[1] for name in photos]  # type: ignore[index]
    assert len(set(sessions)) == 1
    facts = [Facts(f"bolt/{name}", 0, 1, name, Header()) for name in photos]  # all look alike
    assert find_series(facts).bursts == (tuple(range(PICTURES)),)


def test_a_usb_camera(tmp_path: Path) -> None:
    ((program, printed),) = blocks_for("usb", PATH)
    ran = run(program, tmp_path)
    assert set(ran.stdout.splitlines()) == set(printed.splitlines()), ran.stderr
    assert ran.stderr.endswith("the camera gives no picture\n")
    assert given_right(tmp_path)


def test_the_service_is_complete() -> None:
    (text,) = [block.text for block in read_blocks(PAGE) if block.language == "ini"]
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    python, program = unit["Service"]["ExecStart"].split()
    home = f"/home/{unit['Service']['User']}"
    assert python == f"{home}/minivgg/bin/python"
    assert program == f"{home}/watch.py"
    assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize(("count", "found"), [(101, False), (102, True)])
def test_how_many_pictures_a_threshold_takes(count: int, found: bool) -> None:
    assert "at least 102 validation pictures" in " ".join(PAGE.split())
    right = np.ones(count, np.bool_)
    chosen = choose_threshold(np.full(count, 0.9), right, accept_accuracy=0.95)
    assert (chosen.value is not None) == found


def test_commands_and_options_exist() -> None:
    commands = set(re.findall(r"minivgg-edge ([a-z-]+)", PAGE))
    assert commands <= set(COMMANDS)
    lines = re.findall(r"^python -m convert (.*)$", PAGE, re.MULTILINE)
    assert lines
    for line in lines:
        parse_request(None, line.split())
    assert "python -m convert.scan photos" in PAGE


def test_links() -> None:
    for page, place in re.findall(r"\]\(([\w./-]*)#?([^)]*)\)", PAGE):
        path = (DOCS / page) if page else PATH
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        }
        assert not place or place in headings, (page, place)
