"""The runtime's "INFO:" lines are dropped, everything else that it says is not."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from minivgg_edge.cli.native_log import without_info_lines

LINUX = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs a file in memory")


@LINUX
def test_only_info_lines_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with without_info_lines():
        os.write(2, b"INFO: Created a delegate.\nERROR: no such op\nWARNING: INFO: \n")
        os.write(2, b"no line end")
    os.write(2, b"\nINFO: after the block\n")
    assert capfd.readouterr().err == (
        "ERROR: no such op\nWARNING: INFO: \nno line end\nINFO: after the block\n"
    )


@LINUX
def test_an_error_passes_and_standard_error_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_info_lines():
            os.write(2, b"ERROR: first\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"second\n")
    assert capfd.readouterr().err == "ERROR: first\nsecond\n"


@LINUX
def test_a_system_that_refuses_files_in_memory(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As `sysctl vm.memfd_noexec=2` does. What would be left out is said."""

    def refuse(name: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "memfd_create", refuse)
    with without_info_lines():
        os.write(2, b"INFO: Created a delegate.\n")
    assert capfd.readouterr().err == "INFO: Created a delegate.\n"


@LINUX
def test_no_descriptor_is_left_open() -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    with without_info_lines():
        pass
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX descriptors")
def test_closed_standard_error_is_no_error() -> None:
    script = (
        "import os\n"
        "from minivgg_edge.cli.native_log import without_info_lines\n"
        "os.close(2)\n"
        "with without_info_lines():\n"
        "    print('done')\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert child.stdout == "done\n"


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX descriptors")
def test_a_file_that_has_the_number_of_a_closed_standard_error_stays_its_own(
    tmp_path: Path,
) -> None:
    script = (
        "import os, sys\n"
        "from minivgg_edge.cli.native_log import without_native_lines\n"
        f"number = os.open({str(tmp_path / 'mine')!r}, os.O_WRONLY | os.O_CREAT)\n"
        "assert (number, sys.__stderr__) == (2, None)\n"
        "with without_native_lines():\n"
        "    os.write(number, b'to my file')\n"
    )
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)} 2>&-"
    subprocess.run(["/bin/sh", "-c", command], timeout=60, check=True)
    assert (tmp_path / "mine").read_bytes() == b"to my file"


@LINUX
def test_loading_the_bundled_model_is_silent() -> None:
    # The picture is missing, so that the test needs no Pillow; the model is loaded before.
    child = subprocess.run(
        [sys.executable, "-m", "minivgg_edge", "classify", "missing.png"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 2
    assert "'missing.png'" in child.stderr
    assert child.stderr.count("\n") == 1
