"""The download, against a server on this machine: whole, resumed, wrong, cut off, unreachable."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import resource
import socket
import tarfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from convert.command import run_command
from convert.data import cifar10, download
from convert.data.download import Checksums, download_cifar10
from convert.data.unpack import unpack
from convert.errors import DataError

# No proxy between the test and its server, whatever the environment says.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
FILES = (*cifar10.TRAIN_FILES, cifar10.TEST_FILE)


def records(seed: int) -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (4, cifar10.RECORD_BYTES), dtype=np.uint8)
    values[:, 0] %= 10
    return values.tobytes()


def make_archive(change: Callable[[tarfile.TarFile], None] | None = None, skip: str = "") -> bytes:
    """An archive like the official one, with 4 records per file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        add(tar, "cifar-10-batches-bin/readme.html", b"<html>")
        for seed, name in enumerate(FILES):
            if name != skip:
                add(tar, f"cifar-10-batches-bin/{name}", records(seed))
        if change is not None:
            change(tar)
    return buffer.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@dataclass
class Server:
    """What the server sends, how it behaves, and what it was asked for."""

    content: bytes
    ranges: bool = True
    status: int = 200
    cut_at: int | None = None
    url: str = ""
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(make_archive())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and state.ranges else 0
            if state.status != 200:
                return self.send_error(state.status)
            if start >= len(state.content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                last = len(state.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(state.content)}")
            body = state.content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if state.cut_at is None else body[: state.cut_at])
            return None

        def log_message(self, *_: object) -> None:
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{http_server.server_port}/cifar-10-binary.tar.gz"
    yield state
    http_server.shutdown()
    thread.join()
    http_server.server_close()


@pytest.fixture(scope="module")
def digests(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("records")
    for seed, name in enumerate(FILES):
        (folder / name).write_bytes(records(seed))
    return cifar10.read_training(folder).digest, cifar10.read_test(folder).digest


@pytest.fixture
def checksums(server: Server, digests: tuple[str, str]) -> Checksums:
    return Checksums(hashlib.md5(server.content).hexdigest(), *digests)


@pytest.fixture
def fetch(server: Server, checksums: Checksums, tmp_path: Path) -> Callable[..., bool]:
    def run(target: Path = tmp_path / "cifar", **changes: object) -> bool:
        options = {"url": server.url, "opener": DIRECT, "checksums": checksums, **changes}
        return download_cifar10(target, **options)

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fresh(fetch: Callable[..., bool], server: Server, tmp_path: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    assert fetch(progress=lambda *call: calls.append(call))
    assert names(tmp_path) == ["cifar"]
    assert names(tmp_path / "cifar") == sorted(FILES)
    assert (tmp_path / "cifar" / cifar10.TEST_FILE).read_bytes() == records(5)
    assert server.asked == [None]
    assert calls[-1] == (len(server.content), len(server.content))


def test_there_already(fetch: Callable[..., bool], server: Server, tmp_path: Path) -> None:
    fetch()
    assert not fetch()
    assert len(server.asked) == 1
    (tmp_path / "cifar" / cifar10.TEST_FILE).write_bytes(records(8))
    with pytest.raises(
        DataError, match=r"cifar: expected CIFAR-10's test records with digest .* got"
    ):
        fetch()
    assert (tmp_path / "cifar" / cifar10.TEST_FILE).read_bytes() == records(8)


def test_into_an_empty_folder(fetch: Callable[..., bool], tmp_path: Path) -> None:
    (tmp_path / "cifar").mkdir()
    assert fetch()
    assert names(tmp_path / "cifar") == sorted(FILES)


def test_another_folder_is_left_alone(
    fetch: Callable[..., bool], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "letters.txt").write_bytes(b"dear")
    with pytest.raises(DataError, match=r"data_batch_1\.bin: expected a CIFAR-10 binary file"):
        fetch()
    (tmp_path / "file").write_bytes(b"-")
    with pytest.raises(DataError, match="file: expected a folder to download into, got a file"):
        fetch(tmp_path / "file")
    assert server.asked == []
    assert names(tmp_path / "cifar") == ["letters.txt"]


def test_resumed(fetch: Callable[..., bool], server: Server, tmp_path: Path) -> None:
    server.cut_at = 10_000
    with pytest.raises(
        DataError, match=rf"expected {len(server.content)} bytes, got 10000: .*again"
    ):
        fetch()
    assert (tmp_path / "cifar.part").read_bytes() == server.content[:10_000]
    assert not (tmp_path / "cifar").exists()
    server.cut_at = None
    assert fetch()
    assert server.asked == [None, "bytes=10000-"]
    assert names(tmp_path) == ["cifar"]


def test_cut_off_while_resuming(fetch: Callable[..., bool], server: Server, tmp_path: Path) -> None:
    server.cut_at = 5_000
    for received in (5_000, 10_000):
        with pytest.raises(DataError, match=f"expected {len(server.content)} .* got {received}:"):
            fetch()
    assert (tmp_path / "cifar.part").read_bytes() == server.content[:10_000]


def test_a_server_without_ranges(
    fetch: Callable[..., bool], server: Server, tmp_path: Path
) -> None:
    server.ranges = False
    (tmp_path / "cifar.part").write_bytes(b"x" * 10_000)
    assert fetch()
    assert server.asked == ["bytes=10000-"]


def test_a_part_that_is_longer_than_the_archive(
    fetch: Callable[..., bool], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "cifar.part").write_bytes(server.content + b"more")
    assert fetch()
    assert server.asked == [f"bytes={len(server.content) + 4}-", None]


def test_a_whole_part_is_not_fetched_again(
    fetch: Callable[..., bool], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "cifar.part").write_bytes(server.content)
    assert fetch()
    assert server.asked == []


def test_wrong_checksum(fetch: Callable[..., bool], server: Server, tmp_path: Path) -> None:
    (tmp_path / "cifar.part").write_bytes(b"of another archive")
    with pytest.raises(DataError, match=r"cifar\.part: expected an archive with MD5 .* removed"):
        fetch()
    assert names(tmp_path) == []
    assert fetch()


def test_right_archive_of_other_records(
    fetch: Callable[..., bool], checksums: Checksums, tmp_path: Path
) -> None:
    other = Checksums(checksums.archive_md5, "0" * 64, checksums.test)
    with pytest.raises(DataError, match="expected CIFAR-10's training records with digest 000"):
        fetch(checksums=other)
    assert names(tmp_path) == []


@contextlib.contextmanager
def small_files(largest: int) -> Iterator[None]:
    """No file may grow beyond `largest` bytes: writing fails like on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_while_downloading(fetch: Callable[..., bool], tmp_path: Path) -> None:
    with small_files(20_000), pytest.raises(OSError, match=r"File too large: '.*cifar\.part'"):
        fetch()
    assert names(tmp_path) == ["cifar.part"]
    assert fetch()


def test_full_disk_while_unpacking(
    fetch: Callable[..., bool], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "cifar.part").write_bytes(server.content)
    with (
        small_files(10_000),
        pytest.raises(OSError, match=r"File too large: '.*data_batch_1\.bin'"),
    ):
        fetch()
    assert names(tmp_path) == ["cifar.part"]
    assert fetch()
    assert server.asked == []


def test_what_a_killed_run_left_is_replaced(fetch: Callable[..., bool], tmp_path: Path) -> None:
    (tmp_path / "cifar.unpacking").mkdir()
    (tmp_path / "cifar.unpacking" / "half").write_bytes(b"-")
    assert fetch()
    assert names(tmp_path) == ["cifar"]


@pytest.mark.parametrize("status", [404, 500])
def test_server_error(fetch: Callable[..., bool], server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(DataError, match=f"gz: expected .* got: HTTP status {status} .*--data DIR"):
        fetch()


def test_refused_connection(fetch: Callable[..., bool], tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x.tar.gz"
        with pytest.raises(DataError, match=r"x\.tar\.gz: .* refused.*unpack it, and .*--data DIR"):
            fetch(url=url)
    assert names(tmp_path) == []


def test_no_other_kind_of_address(fetch: Callable[..., bool], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="file:///etc/hosts: expected an address with https://"):
        fetch(url="file:///etc/hosts")


def test_published_values() -> None:
    assert download.URL == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert Checksums() == Checksums(
        "c32a1d4ab5d03f1284b67883e8d87530", cifar10.TRAIN_DIGEST, cifar10.TEST_DIGEST
    )


def link(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/hosts"
    tar.addfile(member)


def huge(tar: tarfile.TarFile) -> None:
    add(tar, "cifar-10-batches-bin/test_batch.bin", bytes(10_000 * cifar10.RECORD_BYTES + 1))


@pytest.mark.parametrize(
    ("change", "skip", "message"),
    [
        (None, "test_batch.bin", r"expected \['cifar-10-batches-bin/test_batch\.bin'\] in it"),
        (link, "test_batch.bin", r"test_batch\.bin as a regular file .* type b'2'"),
        (huge, "test_batch.bin", r"of at most 30730000 bytes, got type b'0' of 30730001 bytes"),
        (huge, "", r"expected each record file once, got .*test_batch\.bin"),
    ],
)
def test_hostile_archives(
    tmp_path: Path, change: Callable[[tarfile.TarFile], None] | None, skip: str, message: str
) -> None:
    (tmp_path / "a.tar.gz").write_bytes(make_archive(change, skip))
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=rf"a\.tar\.gz: .*{message}"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_members_elsewhere_are_not_written(tmp_path: Path) -> None:
    def climb(tar: tarfile.TarFile) -> None:
        add(tar, "../evil.bin", b"-")
        add(tar, "/tmp/evil.bin", b"-")
        add(tar, "cifar-10-batches-bin/extra.txt", b"-")

    (tmp_path / "a.tar.gz").write_bytes(make_archive(climb))
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert names(tmp_path / "out") == sorted(FILES)
    assert names(tmp_path) == ["a.tar.gz", "out"]


@pytest.mark.parametrize("content", [b"", b"no archive", make_archive()[:-2000]])
def test_damaged_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=r"a\.tar\.gz: expected a whole tar\.gz archive"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_command_line(
    server: Server,
    checksums: Checksums,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    arguments = [str(tmp_path / "cifar"), "--url", server.url]
    # The published MD5 is not that of the test's archive.
    assert run_command(download.main, arguments) == 2
    assert "error: " in (err := capsys.readouterr().err)
    assert "MD5 c32a1d4ab5d03f1284b67883e8d87530" in err
    whole = download.download_cifar10
    monkeypatch.setattr(
        download, "download_cifar10", lambda *a, **k: whole(*a, **k, checksums=checksums)
    )
    assert run_command(download.main, arguments) == 0
    assert "downloaded and checked; use it with --data" in capsys.readouterr().out
    assert run_command(download.main, arguments) == 0
    assert "was there already, checked" in capsys.readouterr().out
