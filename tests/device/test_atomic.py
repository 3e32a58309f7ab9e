"""A file is written completely or not at all, and an error names the final file."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from minivgg_edge.atomic import write_atomically

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


def test_writes_the_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "result.csv"
    write_atomically(target, b"a,b\n\x00\r\n")
    assert target.read_bytes() == b"a,b\n\x00\r\n"
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


def test_replaces_an_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "result.csv"
    target.write_bytes(b"a much longer old content")
    write_atomically(str(target), b"new")
    assert target.read_bytes() == b"new"


def test_name_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("plain", b"x")
    assert (tmp_path / "plain").read_bytes() == b"x"


def test_longest_possible_name(tmp_path: Path) -> None:
    # 255 bytes is NAME_MAX of every usual file system: the temporary name may not be longer.
    target = tmp_path / ("n" * 255)
    write_atomically(target, b"x")
    assert target.read_bytes() == b"x"


@POSIX
def test_umask_decides_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "result"
    old = os.umask(0o027)
    try:
        write_atomically(target, b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_permissions_of_a_replaced_file_stay(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "result"
    target.write_bytes(b"old")
    target.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == mode


@POSIX
def test_refused_permissions_do_not_lose_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    target = tmp_path / "result"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "fchmod", refuse)
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"


@POSIX
def test_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real"
    real.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_full_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    target = tmp_path / "result.csv"
    target.write_bytes(b"old")

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "write":
        real_fdopen = os.fdopen

        class FullDisk:
            def __init__(self, descriptor: int, mode: str) -> None:
                self.file = real_fdopen(descriptor, mode)

            def __enter__(self) -> FullDisk:
                return self

            def __exit__(self, *_arguments: object) -> None:
                self.file.close()

            def write(self, data: bytes) -> None:
                self.file.write(data[:1])
                fail()

        monkeypatch.setattr(os, "fdopen", FullDisk)
    else:
        monkeypatch.setattr(Path if call == "replace" else os, call, fail)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(target, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


def test_interrupt_removes_the_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "result.csv", b"new")
    assert [path.name for path in tmp_path.iterdir()] == []


def test_error_without_number_still_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the card went away")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the card went away") as caught:
        write_atomically(tmp_path / "result.csv", b"new")
    assert caught.value.filename == str(tmp_path / "result.csv")


@POSIX
def test_size_limit_of_the_process_is_a_real_failure_half_way(tmp_path: Path) -> None:
    # The kernel accepts 4,096 bytes and refuses the rest, as a disk that fills up does.
    target = tmp_path / "result.csv"
    target.write_bytes(b"old")
    script = (
        "import resource, sys\n"
        "from minivgg_edge.atomic import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_atomically(sys.argv[1], bytes(100_000))\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert child.stdout.split() == [str(errno.EFBIG), str(target)]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


@POSIX
def test_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # A private mount namespace: the tiny disk vanishes with the child, whatever happens.
    script = (
        'mount -t tmpfs -o size=64k tmpfs "$1" || exit 77\n'
        'exec "$2" - "$1" <<"END"\n'
        "import os, sys\n"
        "from minivgg_edge.atomic import write_atomically\n"
        "target = sys.argv[1] + '/result.csv'\n"
        "write_atomically(target, b'old')\n"
        "try:\n"
        "    write_atomically(target, bytes(1_000_000))\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename == target, open(target, 'rb').read(),\n"
        "          os.listdir(sys.argv[1]))\n"
        "END\n"
    )
    try:
        child = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", str(disk), sys.executable],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if child.returncode in (1, 77) and not child.stdout:
        pytest.skip(f"may not mount a file system here: {child.stderr.strip()}")
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() == f"{errno.ENOSPC} True b'old' ['result.csv']"


def test_missing_folder(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "result.csv"
    with pytest.raises(FileNotFoundError, match="No such file or directory") as caught:
        write_atomically(target, b"x")
    assert caught.value.filename == str(target)


def test_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="Is a directory") as caught:
        write_atomically(tmp_path, b"x")
    assert caught.value.filename == str(tmp_path)


@POSIX
def test_device_is_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="Not a regular file") as caught:
        write_atomically(fifo, b"x")
    assert caught.value.filename == str(fifo)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["fifo"]
