"""Run models on the runtime of this Python, bare and as compiled files.

Takes one JSON object: `models` (by name the path of a flatbuffer, without a manifest that could
refuse it), `compiled` (by name the path of a compiled model file), `pictures` (a .npy file, uint8
(n, H, W, 3)) and `answers` (a folder: outputs go to ``NAME.npy`` in it). Prints one JSON object:
`bare` and `compiled`, for each name null, or what was said by whoever refused it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from minivgg_edge import Classifier, ModelError
from minivgg_edge.interpreter import Engine
from minivgg_edge.scoring import pixel_table


def main() -> None:
    """Run the models one after the other."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    pictures = np.load(options["pictures"], allow_pickle=False)
    refusals: dict[str, dict[str, str | None]] = {"bare": {}, "compiled": {}}
    for name, path in options["models"].items():
        answers = Path(options["answers"]) / f"{name}.npy"
        refusals["bare"][name] = _run_bare(Path(path), pictures, answers)
    for name, path in options["compiled"].items():
        refusals["compiled"][name] = _run_compiled(Path(path), pictures)
    print(json.dumps(refusals))


def _run_bare(path: Path, pictures: np.ndarray, answers: Path) -> str | None:
    try:
        engine = Engine(path.read_bytes(), source=path.name)
    except ModelError as error:
        return str(error)
    table = pixel_table(engine.input)
    inputs = pictures if table is None else table[pictures]
    np.save(answers, np.stack([engine.run(picture) for picture in inputs]))
    return None


def _run_compiled(path: Path, pictures: np.ndarray) -> str | None:
    try:
        with Classifier(path) as classifier:
            classifier.classify(pictures[0])
    except ModelError as error:
        return str(error)
    return None


if __name__ == "__main__":
    main()
