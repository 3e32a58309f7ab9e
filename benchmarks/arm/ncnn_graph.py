"""Graphs of ncnn with zero weights, written layer by layer as ncnn's `.param` files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

_MAGIC = "7767517"


@dataclass(frozen=True, slots=True)
class Blob:
    """A tensor between layers: name and size."""

    name: str
    size: int
    channels: int


@dataclass(slots=True)
class _Layer:
    kind: str
    inputs: list[Blob]
    output: Blob
    parameters: dict[int, int]
    weights: int = 0


@dataclass(slots=True)
class Graph:
    """A graph that is being written; layers are appended in order of execution.

    Attributes:
        int8: Whether convolutions and dense layers are int8.
    """

    int8: bool
    _layers: list[_Layer] = field(default_factory=list)

    def input(self, size: int) -> Blob:
        """An RGB picture of `size` pixels a side."""
        return self._add("Input", [], size, 3, {0: size, 1: size, 2: 3})

    def convolution(
        self,
        x: Blob,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        padding: int = 0,
        relu: bool = True,
        depthwise: bool = False,
    ) -> Blob:
        """A convolution with bias, with the activation inside."""
        size = (x.size + 2 * padding - kernel) // stride + 1
        inputs = 1 if depthwise else x.channels
        weights = kernel * kernel * inputs * channels
        parameters = {0: channels, 1: kernel, 3: stride, 4: padding, 5: 1, 6: weights}
        if depthwise:
            parameters[7] = channels
        parameters[9] = int(relu)
        kind = "ConvolutionDepthWise" if depthwise else "Convolution"
        return self._add(kind, [x], size, channels, parameters, weights)

    def max_pool(self, x: Blob, kernel: int, stride: int) -> Blob:
        """Maximum pooling; a window that hangs over the edge counts."""
        size = ceil((x.size - kernel) / stride) + 1
        return self._add("Pooling", [x], size, x.channels, {0: 0, 1: kernel, 2: stride})

    def average(self, x: Blob) -> Blob:
        """Global average."""
        return self._add("Pooling", [x], 1, x.channels, {0: 1, 4: 1})

    def dense(self, x: Blob, units: int) -> Blob:
        """A dense layer with bias."""
        weights = x.channels * units
        return self._add("InnerProduct", [x], 1, units, {0: units, 1: 1, 2: weights}, weights)

    def add(self, x: Blob, y: Blob, *, relu: bool) -> Blob:
        """A sum, with the activation behind it as a layer of its own."""
        total = self._add("Eltwise", [x, y], x.size, x.channels, {0: 1})
        return self._add("ReLU", [total], x.size, x.channels, {}) if relu else total

    def concatenate(self, x: Blob, y: Blob) -> Blob:
        """Channels of both."""
        return self._add("Concat", [x, y], x.size, x.channels + y.channels, {})

    def softmax(self, x: Blob) -> Blob:
        """Scores."""
        return self._add("Softmax", [x], 1, x.channels, {})

    @property
    def weights(self) -> int:
        """How many there are, without biases."""
        return sum(layer.weights for layer in self._layers)

    @property
    def size(self) -> int:
        """Pixels of the input's edge."""
        return self._layers[0].output.size

    def text(self) -> str:
        """The graph as a `.param` file; a blob with several readers goes through a Split."""
        readers: dict[str, list[_Layer]] = {}
        for layer in self._layers:
            for blob in layer.inputs:
                readers.setdefault(blob.name, []).append(layer)
        taken: dict[str, int] = {}
        lines, blobs = [], 0
        for layer in self._layers:
            names = []
            for blob in layer.inputs:
                index = taken.get(blob.name, 0)
                taken[blob.name] = index + 1
                several = len(readers[blob.name]) > 1
                names.append(f"{blob.name}_{index}" if several else blob.name)
            name = layer.output.name
            parameters = self._parameters(layer, readers.get(name, []))
            lines.append(_line(layer.kind, name, names, [name], layer.output, parameters))
            blobs += 1
            copies = [f"{name}_{index}" for index in range(len(readers.get(name, [])))]
            if len(copies) > 1:
                lines.append(_line("Split", f"split_{name}", [name], copies, layer.output, {}))
                blobs += len(copies)
        return "\n".join([_MAGIC, f"{len(lines)} {blobs}", *lines]) + "\n"

    def _parameters(self, layer: _Layer, readers: list[_Layer]) -> dict[int, int]:
        """With the code of the int8 scales: above 100 where the output stays int8."""
        if not self.int8 or not layer.weights or layer.kind == "InnerProduct":
            return layer.parameters
        stays = all(reader.kind.startswith("Convolution") for reader in readers)
        code = 1 if layer.kind == "ConvolutionDepthWise" else 2
        return {**layer.parameters, 8: code + 100 * stays}

    def _add(
        self,
        kind: str,
        inputs: list[Blob],
        size: int,
        channels: int,
        parameters: dict[int, int],
        weights: int = 0,
    ) -> Blob:
        output = Blob(f"{kind.lower()}{len(self._layers)}", size, channels)
        self._layers.append(_Layer(kind, inputs, output, parameters, weights))
        return output


def _line(
    kind: str,
    name: str,
    inputs: list[str],
    outputs: list[str],
    blob: Blob,
    parameters: Mapping[int, int],
) -> str:
    # ncnn chooses its kernels by the shapes of the outputs: dimensions, width, height, channels.
    flat = kind in ("InnerProduct", "Softmax") or (kind == "Pooling" and parameters.get(4))
    shape = (1, blob.channels, 1, 1) if flat else (3, blob.size, blob.size, blob.channels)
    hints = ",".join(str(number) for number in (4 * len(outputs), *shape * len(outputs)))
    values = " ".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    names = " ".join((*inputs, *outputs))
    return f"{kind} {name} {len(inputs)} {len(outputs)} {names} -23330={hints} {values}".rstrip()
