"""Runs one case after the other; a program of its own, for any environment with the package.

It takes requests as lines of JSON on stdin and answers each with a line on what was stdout when it
started: a crash or a silence belongs to the request that was sent last. It imports nothing of the
project but the device package, which has to be installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

import minivgg_edge
from minivgg_edge import Classifier, classifier
from minivgg_edge.catalog import load_model
from minivgg_edge.errors import MinivggEdgeError, ModelFileError, ModelVersionError, PictureError
from minivgg_edge.interpreter import Engine, runtime_info
from minivgg_edge.manifest import parse_manifest

_RANDOM_PICTURES = 3
_TOP_K = 3
_LONGEST_MESSAGE = 1000
_DEEPEST_JSON = 50
_SIDE = 32  # of what decoded pictures are resized to

Answer = dict[str, Any]


class _EngineCounter:
    """Stands in for `Engine` and counts how often native code got to see a model."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *arguments: Any, **named: Any) -> Engine:
        self.count += 1
        return Engine(*arguments, **named)


_engines = _EngineCounter()


def run_model(path: str) -> Answer:
    """Load a model through the public class; say what it answers, and whether it is consistent."""
    before = _engines.count
    try:
        with Classifier(path) as loaded:
            return {"outcome": "loaded", **_answers(loaded, path)}
    except MinivggEdgeError as error:
        return {**_refusal(error, MinivggEdgeError), "native": _engines.count > before}


def _answers(loaded: Classifier, path: str) -> Answer:
    generator = np.random.default_rng(1)
    shape = loaded.input_shape
    pictures = [generator.integers(0, 256, shape, dtype=np.uint8) for _ in range(_RANDOM_PICTURES)]
    digest = hashlib.sha256("\n".join(loaded.labels).encode())
    digest.update(loaded.model_info.manifest.to_json())
    problems = []
    try:
        golden = load_model(path).golden_vectors()
    except ModelFileError as error:
        problems.append(f"golden vectors: {error}")
    else:
        digest.update(golden.inputs.tobytes() + golden.outputs.tobytes())
        pictures += list(golden.inputs)
    for picture in pictures:
        scores = loaded.scores(picture)
        best = loaded.classify(picture, top_k=_TOP_K)
        digest.update(scores.tobytes() + repr(best).encode())
        problems += _contradictions(loaded, scores, best)
    return {"digest": digest.hexdigest(), "problems": problems}


def _contradictions(loaded: Classifier, scores: Any, best: Any) -> list[str]:
    """Say what of an answer does not agree with the labels, the scores or their range."""
    problems = []
    manifest = loaded.model_info.manifest
    if parse_manifest(manifest.to_json(), source="again") != manifest:
        problems.append("the manifest does not survive being written and read")
    if scores.shape != (len(loaded.labels),) or loaded.labels != manifest.labels:
        problems.append(f"{len(loaded.labels)} labels, {scores.shape} scores")
    # A probability may lie half an output step outside; see manifest.py.
    slack = (manifest.output.scale or 0.0) / 2 + 1e-6
    if not ((scores >= -slack) & (scores <= 1 + slack)).all():
        problems.append(f"scores outside 0-1: {scores.tolist()}")
    if any(
        p.label != loaded.labels[p.index] or p.score != float(scores[p.index]) for p in best
    ) or [p.score for p in best] != sorted((p.score for p in best), reverse=True):
        problems.append(f"predictions that contradict the scores: {best}")
    return problems


def run_picture(path: str) -> Answer:
    """Decode a picture from its bytes and from its file, and resize it."""
    from minivgg_edge.decode import decode
    from minivgg_edge.preprocess import preprocess

    data = Path(path).read_bytes()
    try:
        array = decode(data)
    except PictureError as error:
        answer = _refusal(error, PictureError)
        if isinstance(error.__cause__, MemoryError):
            answer["outcome"] = "memory"
        return answer
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        return {"outcome": "wrong", "message": f"decoded to {array.dtype} {array.shape}"}
    small = preprocess(array, height=_SIDE, width=_SIDE)
    if small.shape != (_SIDE, _SIDE, 3) or small.dtype != np.uint8:
        return {"outcome": "wrong", "message": f"resized to {small.dtype} {small.shape}"}
    return {"outcome": "answered"}


def run_manifest(path: str) -> Answer:
    """Read a manifest: refused by type, or one that survives being written and read again."""
    data = Path(path).read_bytes()
    try:
        manifest = parse_manifest(data, source="m")
    except (ModelFileError, ModelVersionError) as error:
        return _refusal(error, MinivggEdgeError)
    if parse_manifest(manifest.to_json(), source="m") != manifest:
        return {"outcome": "wrong", "message": "does not survive being written and read"}
    return {"outcome": "answered"}


def run_vectors(path: str) -> Answer:
    """Read golden vectors against the manifest of the bundled model."""
    from minivgg_edge.golden import parse_golden_vectors

    manifest = load_model().manifest
    try:
        golden = parse_golden_vectors(Path(path).read_bytes(), manifest, source="m")
    except ModelFileError as error:
        return _refusal(error, ModelFileError)
    spec, count = manifest.input, len(golden.inputs)
    shapes = {
        "inputs": (count, spec.height, spec.width, 3),
        "outputs": (count, len(manifest.labels)),
    }
    got = {"inputs": golden.inputs.shape, "outputs": golden.outputs.shape}
    dtypes = (golden.inputs.dtype.name, golden.outputs.dtype.name)
    if got != shapes or dtypes != ("uint8", manifest.output.dtype):
        return {"outcome": "wrong", "message": f"expected {shapes}, got {dtypes} {got}"}
    return {"outcome": "answered"}


def run_json(path: str) -> Answer:
    """Read JSON by the plain reader, with Python's own as the judge of what it accepts."""
    from minivgg_edge.plain_json import NotPlainError, read_plain_json
    from minivgg_edge.strict_json import read_strict_json

    text = Path(path).read_bytes().decode("utf-8", errors="surrogateescape")
    try:
        expected = repr(read_strict_json(text, deepest=_DEEPEST_JSON))
    except ValueError as error:
        expected = f"refusal: {error}"
    try:
        got = repr(read_plain_json(text, deepest=_DEEPEST_JSON))
    except NotPlainError:
        return {"outcome": "refused", "error": "NotPlainError", "message": "left to json"}
    # As text: 1, 1.0 and True, or 0.0 and -0.0, are equal and yet not the same.
    if got != expected:
        return {"outcome": "wrong", "message": f"expected {expected[:200]}, got {got[:200]}"}
    return {"outcome": "answered"}


def _refusal(error: Exception, family: type[Exception]) -> Answer:
    """Return how an error is reported; of another kind, or not as one short line, it is wrong."""
    name, message = type(error).__name__, str(error)
    is_typed = isinstance(error, family) and 0 < len(message) <= _LONGEST_MESSAGE
    is_shown = message.isprintable()  # on one line of any terminal, and in any log
    outcome = "refused" if is_typed and is_shown else "wrong"
    return {"outcome": outcome, "error": name, "message": message[:_LONGEST_MESSAGE]}


_TASKS = {
    "model": run_model,
    "picture": run_picture,
    "manifest": run_manifest,
    "vectors": run_vectors,
    "json": run_json,
}


def run(task: str, path: str) -> Answer:
    """Run one case; whatever it raises that no task expects is its outcome."""
    try:
        return _TASKS[task](path)
    except Exception as error:  # which ones there are is the question
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{error} ({Path(place.filename).name}:{place.lineno})"
        return {"outcome": "raised", "error": type(error).__name__, "message": message}


def _limit_memory(more_bytes: int) -> None:
    """Allow the process that much address space beyond what it has now."""
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    now = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more_bytes, now + more_bytes))


def _pillow_version() -> str | None:
    try:
        import PIL
        import PIL.Image
    except ImportError:
        return None
    PIL.Image.init()  # all plugins, before the memory is limited
    return str(PIL.__version__)


def main() -> None:
    """Answer requests until there are no more; the argument is the memory limit, 0 for none."""
    # Native code may print: what it prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    vars(classifier)["Engine"] = _engines  # where `Classifier` finds it
    runtime = runtime_info()
    hello = {"runtime": f"{runtime.name} {runtime.version}", "pillow": _pillow_version()}
    hello["package"] = os.fspath(Path(minivgg_edge.__file__).parent)
    more_bytes = int(sys.argv[1])
    if more_bytes:
        _limit_memory(more_bytes)
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(run(request["task"], request["path"])), file=answers, flush=True)


if __name__ == "__main__":
    main()
