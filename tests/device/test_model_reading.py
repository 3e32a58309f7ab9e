"""Reading a model file: as a whole, once, and only what a file can be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import types
from pathlib import Path

import pytest

from minivgg_edge import ModelFileError, model_file
from minivgg_edge.model_file import read_model_file, read_regular_file


def _with_status(monkeypatch: pytest.MonkeyPatch, **changes: int) -> None:
    """Let what was opened have another status than the name had."""
    fstat = os.fstat

    def changed(descriptor: int) -> types.SimpleNamespace:
        status = fstat(descriptor)
        facts = {"st_mode": status.st_mode, "st_size": status.st_size}
        return types.SimpleNamespace(**{**facts, **changes})

    monkeypatch.setattr(model_file.os, "fstat", changed)


@pytest.mark.parametrize(("claimed", "got"), [(4, "more"), (9, "6")])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claimed: int, got: str
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"abcdef")
    _with_status(monkeypatch, st_size=claimed)
    with pytest.raises(ModelFileError, match=f"expected {claimed} bytes, got {got}: it changes"):
        read_regular_file(str(path))


def test_a_name_that_means_a_pipe_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"abcdef")
    _with_status(monkeypatch, st_mode=stat.S_IFIFO)
    with pytest.raises(ModelFileError, match="expected a regular file, got another meanwhile"):
        read_regular_file(str(path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, regular = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    regular.write_bytes(b"abcdef")
    status = regular.stat()
    monkeypatch.setattr(model_file.os, "stat", lambda _: status)
    with pytest.raises(ModelFileError, match="expected a regular file, got another meanwhile"):
        read_regular_file(str(pipe))


@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/cpuinfo"])
def test_a_file_of_the_kernel_which_has_no_size(name: str) -> None:
    if not Path(name).is_file():
        pytest.skip(f"there is no {name}")
    with pytest.raises(ModelFileError, match="expected 0 bytes, got more"):
        read_model_file(name)


def test_links_are_followed(tmp_path: Path, bundled_bytes: bytes) -> None:
    (tmp_path / "real.tflite").write_bytes(bundled_bytes)
    (tmp_path / "link.tflite").symlink_to("real.tflite")
    assert read_model_file(tmp_path / "link.tflite").source.endswith("link.tflite")
    (tmp_path / "loop.tflite").symlink_to("loop.tflite")
    with pytest.raises(ModelFileError, match="expected a readable file, got: "):
        read_model_file(tmp_path / "loop.tflite")


LIMITED = """
import resource, sys
from minivgg_edge.model_file import read_model_file
with open("/proc/self/statm") as statm:
    now = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 64 * 2**20,) * 2)
print(read_model_file(sys.argv[1]).size_bytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits an address space as Linux does")
def test_reading_takes_no_more_memory_than_the_file_has(
    tmp_path: Path, bundled_bytes: bytes
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(bundled_bytes)
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, path],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(model_file.__file__).parent.parent,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == len(bundled_bytes)
