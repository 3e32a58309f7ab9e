"""A file from the network to the disk, going on where an earlier attempt ended."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from convert.errors import DataError

_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 18

# Called with the bytes that have come and the bytes there are, if known.
Progress = Callable[[int, "int | None"], None]


def fetch(url: str, part: Path, opener: urllib.request.OpenerDirector, progress: Progress) -> None:
    """Bring `part` to the whole content of `url`, going on from what it has.

    Args:
        url: an https:// or http:// address.
        part: a file that does not exist or holds the beginning. A broken connection leaves it.
        opener: how to open the address.
        progress: called as the content comes.

    Raises:
        DataError: the address is of another kind, the server cannot be reached or refuses, or the
            connection broke.
        OSError: `part` cannot be written.
    """
    if not url.startswith(("https://", "http://")):
        raise DataError(f"{url}: expected an address with https:// or http://")
    offset = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(  # noqa: S310  # checked above
        url, headers={"Accept-Encoding": "identity"}
    )
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    try:
        response = opener.open(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and offset:  # nothing behind the offset: this is another archive
            part.unlink()
            return fetch(url, part, opener, progress)
        raise DataError(_advice(url, f"HTTP status {error.code} {error.reason}")) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(_advice(url, str(reason))) from error
    with response:
        resumed = response.status == 206 and _start(response) == offset
        if response.status != 200 and not resumed:
            raise DataError(_advice(url, f"HTTP status {response.status}, not the archive"))
        # A server that knows no ranges answers 200 and sends all of it: start again.
        offset = offset if resumed else 0
        try:
            with part.open("ab" if resumed else "wb") as file:
                _receive(response, file, offset, url, progress)
        except OSError as error:  # a full disk; the error of a write does not know its file
            raise OSError(error.errno, error.strerror, str(part)) from error


def _receive(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    offset: int,
    url: str,
    progress: Progress,
) -> None:
    total = None if response.length is None else offset + response.length
    received = offset
    while True:
        try:
            chunk = response.read(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise DataError(_cut_off(url, received, total, str(error))) from error
        if not chunk:
            break
        file.write(chunk)
        received += len(chunk)
        progress(received, total)
    if total is not None and received != total:
        raise DataError(_cut_off(url, received, total, "the connection ended"))


def _start(response: http.client.HTTPResponse) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _advice(url: str, reason: str) -> str:
    return (
        f"{url}: expected the CIFAR-10 archive, got: {reason}. Without a network, fetch the "
        "archive on another machine, unpack it, and name its folder with `--data DIR`"
    )


def _cut_off(url: str, received: int, total: int | None, reason: str) -> str:
    return (
        f"{url}: expected {'more' if total is None else total} bytes, got {received}: {reason}. "
        "Run the same command again to go on from there"
    )
