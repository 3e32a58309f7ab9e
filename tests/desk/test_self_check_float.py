"""The self-test of a float32 model, whose outputs have no quantization steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minivgg_edge import self_test
from minivgg_edge.catalog import load_model
from minivgg_edge.golden import GoldenVectors
from minivgg_edge.golden_answers import FLOAT_TOLERANCE
from minivgg_edge.interpreter import Engine, runtime_info
from minivgg_edge.manifest import InputSpec, Manifest, OutputSpec, RuntimeSpec
from minivgg_edge.model_file import pack_model_file


@pytest.mark.parametrize(("share", "passes"), [(0.5, True), (2.0, False)])
def test_float_outputs_are_held_to_a_fixed_tolerance(
    share: float, passes: bool, shared_dir: Path, tmp_path: Path
) -> None:
    model = shared_dir / "peers" / "mlperf-tiny" / "pretrainedResnet.tflite"
    flatbuffer = model.read_bytes()
    bundled = load_model()
    inputs = bundled.golden_vectors().inputs
    engine = Engine(flatbuffer)
    outputs = np.stack([engine.run(picture.astype(np.float32)) for picture in inputs])
    outputs[0, outputs[0].argmin()] += np.float32(share * FLOAT_TOLERANCE)
    manifest = Manifest(
        name="float",
        description="",
        input=InputSpec(height=32, width=32, dtype="float32", scale=None, zero_point=None),
        output=OutputSpec(classes=10, dtype="float32", scale=None, zero_point=None),
        labels=bundled.labels,
        # Steps do not count here.
        runtime=RuntimeSpec((), "2.3.0", {runtime_info().name: 255}),
    )
    path = tmp_path / "float.tflite"
    path.write_bytes(pack_model_file(flatbuffer, manifest, golden=GoldenVectors(inputs, outputs)))
    report = self_test(path)
    assert report.passed == passes, report
    assert report.tolerance == FLOAT_TOLERANCE
    assert report.largest_difference == pytest.approx(share * FLOAT_TOLERANCE, rel=0.05)
    assert "steps" not in report.checks[-1].detail
