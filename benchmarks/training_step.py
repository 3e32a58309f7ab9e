"""How long one training step takes, by Keras backend and precision.

`KERAS_BACKEND=torch python -m benchmarks.training_step` measures another backend (which has to be
installed), `--precision mixed_bfloat16` another precision. The figure behind the choice of plain
TensorFlow in float32; see docs/training.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence

from convert.options import positive_integer
from convert.training.processor import prefer_onednn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
prefer_onednn()


def measure(*, batch_size: int, precision: str, steps: int, warmup: int = 5) -> list[float]:
    """Time steps of the bundled architecture on random pictures.

    Returns:
        Seconds per step, the warm-up left out.
    """
    import keras
    import numpy as np

    from convert.architecture import build_minivgg

    keras.mixed_precision.set_global_policy(precision)
    model = build_minivgg()
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(),
        jit_compile=False,
    )
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (batch_size, 32, 32, 3)).astype(np.float32)
    labels = generator.integers(0, 10, batch_size)
    seconds = []
    for _ in range(warmup + steps):
        started = time.perf_counter()
        float(np.asarray(model.train_on_batch(images, labels)).ravel()[0])
        seconds.append(time.perf_counter() - started)
    return seconds[warmup:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line, and one for everything that disturbed it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_step", description=__doc__)
    parser.add_argument("--batch-size", type=positive_integer, default=128)
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16"))
    parser.add_argument("--steps", type=positive_integer, default=30)
    options = parser.parse_args(arguments)
    from benchmarks.watch import watched

    with watched() as watch:
        seconds = measure(
            batch_size=options.batch_size, precision=options.precision, steps=options.steps
        )
    import keras

    median_ms = 1000 * statistics.median(seconds)
    print(
        f"keras {keras.__version__} on {keras.backend.backend()}, {options.precision}, "
        f"batch {options.batch_size}: {median_ms:.0f} ms a step (median of {options.steps}), "
        f"{median_ms * 128 / options.batch_size:.0f} ms per 128 pictures, "
        f"{os.cpu_count()} cores"
    )
    for reason in watch.reasons:
        print(f"invalid: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
