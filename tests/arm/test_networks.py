"""The networks that stand for published ones: their sizes are known from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.arm import efficientdet, ncnn_networks, networks
from benchmarks.arm.efficientdet import LITE0, LITE1, Scaling
from benchmarks.arm.published import read


# Parameters of torchvision's squeezenet1_1 and resnet18 without biases and normalization; ncnn's
# ResNet-18 has a convolution of 64 x 64 beside its first block. MobileNet: the paper's 4.2 and
# 3.4 million; ncnn's MobileNetV2 has an expansion of 32 x 32 in its first block.
@pytest.mark.parametrize(
    ("network", "expected", "tolerance"),
    [
        ("SqueezeNet 1.1 227", 1_235_496 - 3_944, 0),
        ("ResNet-18 224", 11_689_512 - 9_600 - 1_000 + 64 * 64, 0),
        ("ResNet-50 224", 25_557_032 - 53_120 - 1_000, 0),
        ("MobileNet V1 1.0 224", 4_200_000, 50_000),
        ("MobileNet V2 1.0 224", 3_400_000, 80_000),
    ],
)
def test_weights(network: str, expected: int, tolerance: int) -> None:
    graph = ncnn_networks.build(network, int8=False)
    assert abs(graph.weights - expected) <= tolerance


def test_every_line_of_an_ncnn_graph_counts() -> None:
    lines = ncnn_networks.build("ResNet-18 224", int8=True).text().splitlines()
    layers, blobs = map(int, lines[1].split())
    assert layers == len(lines) - 2
    assert blobs == sum(int(line.split()[3]) for line in lines[2:])


def test_each_blob_is_read_once_behind_its_layer() -> None:
    for line in ncnn_networks.build("SqueezeNet 1.1 227", int8=False).text().splitlines()[2:3]:
        assert line.startswith("Input")
    written: set[str] = set()
    for line in ncnn_networks.build("SqueezeNet 1.1 227", int8=False).text().splitlines()[2:]:
        _, _, inputs, outputs, *names = line.split()
        for name in names[: int(inputs)]:
            written.remove(name)
        written.update(names[int(inputs) : int(inputs) + int(outputs)])
    assert len(written) == 1


# google/automl, efficientdet/README.md: 3.2 and 4.2 million parameters.
@pytest.mark.parametrize(("scaling", "millions"), [(LITE0, 3.2), (LITE1, 4.2)])
def test_efficientdet_has_the_published_parameters(scaling: Scaling, millions: float) -> None:
    pytest.importorskip("keras")
    model = efficientdet.build(scaling)
    assert model.count_params() == pytest.approx(millions * 1e6, rel=0.03)
    # Nine boxes at each place of levels 3 to 7.
    places = sum((-(-scaling.size // 2**level)) ** 2 for level in range(3, 8))
    assert [output.shape for output in model.outputs] == [(1, 9 * places, 90), (1, 9 * places, 4)]


def test_every_published_network_can_be_built() -> None:
    known = {*ncnn_networks.NETWORKS, "EfficientDet-Lite0", "EfficientDet-Lite1"}
    assert {entry.network for entry in read()} <= known


def test_an_ncnn_network_is_two_files(tmp_path: Path) -> None:
    found = networks.build("SqueezeNet 1.1 227", "int8", networks.NCNN, folder=tmp_path / "new")
    assert found.path.read_text().startswith("7767517\n")
    assert found.size == 227
    assert found.weights is not None
    assert found.weights.stat().st_size > 4 * 1_231_552


@pytest.mark.parametrize("engine", [networks.NCNN, "ai-edge-litert"])
def test_another_network_is_refused(tmp_path: Path, engine: str) -> None:
    with pytest.raises(ValueError, match="got 'LeNet'"):
        networks.build("LeNet", "int8", engine, folder=tmp_path)


def test_another_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected float32 or int8, got 'int4'"):
        networks.build("SqueezeNet 1.1 227", "int4", networks.NCNN, folder=tmp_path)
