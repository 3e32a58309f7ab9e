"""Silence for libraries that print below Python: TensorFlow, its converter, absl."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


class Captured:
    """What was printed while a `quiet` block ran; complete once it has ended."""

    text: str = ""


@contextlib.contextmanager
def quiet() -> Iterator[Captured]:
    """Keep everything that is printed inside the block, by Python or native code, off the screen.

    File descriptors 1 and 2 belong to the whole process: other threads are silenced too. Python
    warnings raised inside the block are dropped. Exceptions pass through.

    Yields:
        Holds the captured text after the block.
    """
    captured = Captured()
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        saved = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
        text_sink = os.fdopen(os.dup(sink.fileno()), "w", encoding="utf-8", errors="replace")
        try:
            for descriptor, _ in saved:
                os.dup2(sink.fileno(), descriptor)
            with (
                text_sink,
                contextlib.redirect_stdout(text_sink),
                contextlib.redirect_stderr(text_sink),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")
                yield captured
        finally:
            for descriptor, copy in saved:
                os.dup2(copy, descriptor)
                os.close(copy)
            sink.seek(0)
            captured.text = sink.read().decode("utf-8", errors="replace")
