"""A model file that changes under a running program, and systems where nothing can be written."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivgg_edge import Classifier, ModelFileError, ModelNotFoundError
from minivgg_edge.model_file import ModelFile, pack_model_file


@pytest.fixture
def model(tmp_path: Path, bundled_bytes: bytes) -> Path:
    """A copy of the bundled model that a test may destroy."""
    path = tmp_path / "model.tflite"
    path.write_bytes(bundled_bytes)
    return path


@pytest.fixture
def running(model: Path, picture: np.ndarray) -> Iterator[Callable[[], None]]:
    """A classifier that has the file open, as a check that it answers as it did before."""
    with Classifier(model) as classifier:
        expected = classifier.scores(picture).tobytes()

        def check() -> None:
            assert classifier.scores(picture).tobytes() == expected

        yield check


def test_renaming_another_model_over_it(
    model: Path, running: Callable[[], None], bundled: ModelFile
) -> None:
    other = model.with_name("other.tflite")
    manifest = dataclasses.replace(bundled.manifest, name="another")
    other.write_bytes(
        pack_model_file(bundled.flatbuffer, manifest, golden=bundled.golden_vectors())
    )
    other.replace(model)
    running()
    with Classifier(model) as new:
        assert new.model_info.name == "another"
    running()


def test_cutting_it_off(model: Path, running: Callable[[], None], bundled_bytes: bytes) -> None:
    # A runtime that had mapped the file would be killed by SIGBUS.
    for length in (len(bundled_bytes) - 1, len(bundled_bytes) // 2, 4096, 8, 1, 0):
        os.truncate(model, length)
        running()
        with pytest.raises(ModelFileError, match=r"model\.tflite"):
            Classifier(model)


def test_overwriting_it_in_place(
    model: Path, running: Callable[[], None], bundled_bytes: bytes
) -> None:
    with model.open("r+b") as file:
        for part in range(4):  # a copy that is under way
            file.seek(part * len(bundled_bytes) // 4)
            file.write(b"\xa5" * (len(bundled_bytes) // 4))
            file.flush()
            running()
            with pytest.raises(ModelFileError, match=r"model\.tflite"):
                Classifier(model)


def test_deleting_it(model: Path, running: Callable[[], None]) -> None:
    model.unlink()
    running()
    with pytest.raises(ModelNotFoundError, match=r"model\.tflite"):
        Classifier(model)


def test_a_folder_in_its_place(model: Path, running: Callable[[], None]) -> None:
    model.unlink()
    model.mkdir()
    running()
    with pytest.raises(ModelFileError, match="got a directory"):
        Classifier(model)


# --- nothing can be written -----------------------------------------------------------------------

READ_ONLY = """\
import os, sys, tempfile
for folder in ("/", "/tmp", os.path.dirname(sys.argv[1])):
    try:
        open(os.path.join(folder, "minivgg-edge-probe"), "w")
    except OSError:
        pass
    else:
        print(f"{folder} cannot be made read-only here")
        sys.exit(77)
import numpy as np
import minivgg_edge
from minivgg_edge import Classifier
from minivgg_edge.cli import main
with Classifier() as classifier:
    array = np.zeros(classifier.input_shape, np.uint8)
    print(len(classifier.classify(array)), len(classifier.classify(sys.argv[1])))
sys.exit(main(["classify", sys.argv[1]]))
"""


def _mounts_of_its_own(command: str) -> list[str]:
    """Return a command line that runs shell words as root of a mount namespace, or skip."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed: no file system can be made read-only for a test")
    program = [unshare, "--mount", "--map-root-user", "sh", "-euc"]
    # What cannot be changed, such as a mount with a blank in its name, the program finds out.
    mount = (
        "mount --make-rprivate /; while read -r _ folder _; do "
        'mount -o remount,bind,ro "$folder" 2>/dev/null || true; done < /proc/mounts'
    )
    probe = subprocess.run([*program, mount], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"no file system can be made read-only here: {probe.stderr.strip()}")
    return [*program, f"{mount}; {command}"]


def test_everything_is_read_only(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(picture).resize((50, 40)).save(path)
    command = _mounts_of_its_own('cd /; exec "$0" -c "$1" "$2"')
    environment = {**os.environ, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    run = subprocess.run(
        [*command, sys.executable, READ_ONLY, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if run.returncode == 77:
        pytest.skip(run.stdout)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("1 1\n")
    assert str(path) in run.stdout


# There `import numpy` alone ends in a SystemError.
@pytest.mark.skipif(sys.version_info[:3] == (3, 13, 0), reason="a fault of Python 3.13.0")
def test_no_home_and_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, sys; os.rmdir(os.getcwd()); from minivgg_edge import Classifier; "
        "import numpy as np; c = Classifier(); "
        "print(len(c.classify(np.zeros(c.input_shape, np.uint8))))"
    )
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=gone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "1\n"
