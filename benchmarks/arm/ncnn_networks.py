"""The classification networks of ncnn's benchmark, written as ncnn graphs with zero weights.

ncnn publishes single-threaded times of these networks on every Raspberry Pi; its benchmark loads
zeros as weights too (`benchmark/benchncnn.cpp`). Architectures: MobileNet (arXiv 1704.04861),
MobileNetV2 (1801.04381), SqueezeNet 1.1 (1602.07360), ResNet (1512.03385) with the stride in the
first convolution of a block, all with ReLU as in the benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.arm.ncnn_graph import Graph


def mobilenet_v1(graph: Graph) -> None:
    """MobileNet 1.0, 224 pixels."""
    x = graph.convolution(graph.input(224), 32, 3, 2, padding=1)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for channels, stride in [*plan, *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        x = graph.convolution(x, x.channels, 3, stride, padding=1, depthwise=True)
        x = graph.convolution(x, channels)
    graph.softmax(graph.dense(graph.average(x), 1000))


def mobilenet_v2(graph: Graph) -> None:
    """MobileNetV2 1.0, 224 pixels."""
    x = graph.convolution(graph.input(224), 32, 3, 2, padding=1)
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    for expansion, channels, repeats, stride in [
        *plan,
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for repeat in range(repeats):
            shortcut, step = x, stride if repeat == 0 else 1
            # The benchmark's graph has an expansion in its first block too.
            x = graph.convolution(x, x.channels * expansion)
            x = graph.convolution(x, x.channels, 3, step, padding=1, depthwise=True)
            x = graph.convolution(x, channels, relu=False)
            if step == 1 and shortcut.channels == channels:
                x = graph.add(shortcut, x, relu=False)
    x = graph.convolution(x, 1280)
    graph.softmax(graph.dense(graph.average(x), 1000))


def squeezenet(graph: Graph) -> None:
    """SqueezeNet 1.1, 227 pixels."""
    x = graph.max_pool(graph.convolution(graph.input(227), 64, 3, 2), 3, 2)
    for number, channels in enumerate((64, 64, 128, 128, 192, 192, 256, 256), start=2):
        x = graph.convolution(x, channels // 4)
        x = graph.concatenate(
            graph.convolution(x, channels), graph.convolution(x, channels, 3, padding=1)
        )
        if number in (3, 5):
            x = graph.max_pool(x, 3, 2)
    graph.softmax(graph.average(graph.convolution(x, 1000, padding=1)))


def resnet18(graph: Graph) -> None:
    """ResNet-18, 224 pixels."""
    x = graph.max_pool(graph.convolution(graph.input(224), 64, 7, 2, padding=3), 3, 2)
    for channels in (64, 128, 256, 512):
        for repeat in range(2):
            stride = 2 if repeat == 0 and channels > 64 else 1
            shortcut = x
            if repeat == 0:
                shortcut = graph.convolution(x, channels, 1, stride, relu=False)
            y = graph.convolution(x, channels, 3, stride, padding=1)
            y = graph.convolution(y, channels, 3, padding=1, relu=False)
            x = graph.add(shortcut, y, relu=True)
    graph.softmax(graph.dense(graph.average(x), 1000))


def resnet50(graph: Graph) -> None:
    """ResNet-50, 224 pixels."""
    x = graph.max_pool(graph.convolution(graph.input(224), 64, 7, 2, padding=3), 3, 2)
    for channels, repeats in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for repeat in range(repeats):
            stride = 2 if repeat == 0 and channels > 64 else 1
            shortcut = x
            if repeat == 0:
                shortcut = graph.convolution(x, 4 * channels, 1, stride, relu=False)
            y = graph.convolution(x, channels, 1, stride)
            y = graph.convolution(y, channels, 3, padding=1)
            y = graph.convolution(y, 4 * channels, relu=False)
            x = graph.add(shortcut, y, relu=True)
    graph.softmax(graph.dense(graph.average(x), 1000))


NETWORKS: Mapping[str, Callable[[Graph], None]] = {
    "MobileNet V1 1.0 224": mobilenet_v1,
    "MobileNet V2 1.0 224": mobilenet_v2,
    "SqueezeNet 1.1 227": squeezenet,
    "ResNet-18 224": resnet18,
    "ResNet-50 224": resnet50,
}


def build(network: str, *, int8: bool) -> Graph:
    """Return the graph of one of `NETWORKS`.

    Raises:
        KeyError: There is no such network.
    """
    graph = Graph(int8=int8)
    NETWORKS[network](graph)
    return graph
