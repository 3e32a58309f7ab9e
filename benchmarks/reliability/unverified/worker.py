"""Load damaged models without a manifest, each from a file, in this one process.

Takes one JSON object: `model` (path of a sound one), `damages` ([[kind, offset, bit]]: "cut" keeps
the bytes before the offset, "flip" flips a bit of the byte there) and `work` (a folder). Prints one
JSON object: `outcomes`, one word per damage, and `untyped`, a sentence for each other exception.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from minivgg_edge import Classifier, ModelError, Unverified

_LABELS = tuple(f"class {index}" for index in range(10))
_SIGNAL = re.compile(r"the child process( that runs it)? (was ended by|gave no answer)")


def main() -> None:
    """Run the cases."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    sound = Path(options["model"]).read_bytes()
    path = Path(options["work"]) / "damaged.tflite"
    said = Unverified(labels=_LABELS, activation="softmax")
    pictures = np.random.RandomState(5).randint(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    path.write_bytes(sound)
    expected = _scores(path, said, pictures)
    outcomes, untyped = [], []
    for number, (kind, offset, bit) in enumerate(options["damages"]):
        path.write_bytes(_damaged(sound, kind, offset, bit))
        try:
            same = _scores(path, said, pictures) == expected
        except ModelError as error:
            crashed = _SIGNAL.search(str(error)) is not None
            outcomes.append("child crashed" if crashed else "refused")
            continue
        except Exception as error:  # what the promise rules out is what is looked for
            untyped.append(f"case {number} ({kind} at {offset}): {error!r}")
            outcomes.append("untyped")
            continue
        outcomes.append("same answers" if same else "other answers")
    print(json.dumps({"outcomes": outcomes, "untyped": untyped}))


def _damaged(sound: bytes, kind: str, offset: int, bit: int) -> bytes:
    if kind == "cut":
        return sound[:offset]
    return sound[:offset] + bytes([sound[offset] ^ (1 << bit)]) + sound[offset + 1 :]


def _scores(path: Path, said: Unverified, pictures: np.ndarray) -> bytes:
    with Classifier(path, unverified=said) as classifier:
        return b"".join(classifier.scores(picture).tobytes() for picture in pictures)


if __name__ == "__main__":
    main()
