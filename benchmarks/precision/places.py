"""Where models run: on each runtime bare, and as compiled files that state what they need."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.reliability.runtimes import Runtime, run_worker

_WORKER = "benchmarks.precision.worker"
_TIMEOUT_S = 600.0
# Kernels round differently: an undecided picture may get another label. Wrong kernels guess.
LEAST_AGREEMENT = 0.98


@dataclass(frozen=True, slots=True)
class Place:
    """A model on a runtime.

    Attributes:
        bare: what the runtime said when it refused the bare flatbuffer; None if it ran.
        agreement: share of pictures with the label that it has at the desk; None if it did not run.
        compiled: what was said when the compiled file was refused; None if it ran or there is none.
    """

    bare: str | None
    agreement: float | None
    compiled: str | None

    @property
    def is_right(self) -> bool:
        """Whether it runs and answers as at the desk."""
        return self.agreement is not None and self.agreement >= LEAST_AGREEMENT

    @property
    def is_silently_wrong(self) -> bool:
        """Whether it runs, without a word, and answers something else."""
        return self.bare is None and not self.is_right


def places(
    runtimes: Sequence[Runtime],
    models: Mapping[str, bytes],
    compiled: Mapping[str, bytes],
    pictures: NDArray[np.uint8],
    expected: Mapping[str, NDArray[np.int64]],
) -> dict[str, dict[str, Place]]:
    """Run models on runtimes; return what came of it by runtime's title and model's name.

    Args:
        runtimes: on which.
        models: flatbuffers by name.
        compiled: compiled files by name; not every model needs one.
        pictures: uint8 (n, H, W, 3), of the models' size.
        expected: labels (n,) at the desk, by name.

    Raises:
        WorkerError: a runtime crashed or hung.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "pictures.npy", pictures)
        options = {
            "models": _written(folder, "bare", models),
            "compiled": _written(folder, "compiled", compiled),
            "pictures": str(folder / "pictures.npy"),
        }
        found = {}
        for number, runtime in enumerate(runtimes):
            answers = folder / f"answers-{number}"
            answers.mkdir()
            said = run_worker(
                runtime, _WORKER, {**options, "answers": str(answers)}, timeout_s=_TIMEOUT_S
            )
            found[runtime.title] = {
                model: Place(
                    said["bare"][model],
                    _agreement(answers / f"{model}.npy", expected[model]),
                    said["compiled"].get(model),
                )
                for model in models
            }
    return found


def _written(folder: Path, kind: str, models: Mapping[str, bytes]) -> dict[str, str]:
    paths = {}
    for number, (name, data) in enumerate(models.items()):
        path = folder / f"{kind}-{number}.tflite"
        path.write_bytes(data)
        paths[name] = str(path)
    return paths


def _agreement(path: Path, expected: NDArray[np.int64]) -> float | None:
    if not path.is_file():
        return None
    return float((np.load(path).argmax(axis=1) == expected).mean())
