"""The same weights for other engines: `chain`, `onnx_graph`, `ncnn_graph`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_model import Tiny, randomize_normalization

from benchmarks.peers.chain import Chain, Convolution, Dense, MaxPooling, input_ranges, read_chain
from benchmarks.peers.environments import find_environment
from benchmarks.peers.ncnn_graph import build_ncnn, quantize_weights
from benchmarks.peers.worker_process import WorkerProcess
from convert.errors import FloatModelError
from convert.int8.arguments import DEFAULT_MODEL
from convert.int8.conversion import convert_float
from convert.int8.float_model import load_float_model
from convert.int8.freeze import freeze
from convert.int8.predict import predict
from convert.quiet import quiet

# Of one float32 graph and another: sums in another order; the scores are 0-1.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def odd_model() -> object:
    """A dense head behind a picture that is not square: a wrong flattening order shows."""
    with quiet():
        from convert.architecture import build_minivgg

        model = build_minivgg(
            classes=4, height=10, width=7, blocks=((5, 6), (3,)), dense_units=9, head_dropout=0.0
        )
        randomize_normalization(model, seed=5)
    return model


@pytest.fixture(scope="module")
def odd_pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (20, 10, 7, 3), dtype=np.uint8)


def onnx_scores(model: bytes, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra: peers")
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"pixels": p[np.newaxis]})[0] for p in pictures])


def float_onnx(model: object) -> object:
    pytest.importorskip("onnx", reason="needs the extra: peers")
    from benchmarks.peers.onnx_graph import build_onnx

    return build_onnx(read_chain(model))


def test_onnx_answers_as_the_float_model_does(
    odd_model: object, odd_pictures: NDArray[np.uint8]
) -> None:
    scores = onnx_scores(float_onnx(odd_model).SerializeToString(), odd_pictures)
    expected = predict(convert_float(freeze(odd_model)), odd_pictures)
    assert np.ptp(expected, axis=0).min() > 100 * TOLERANCE, "the pictures have to differ"
    assert np.abs(scores - expected).max() < TOLERANCE


def test_onnx_of_a_pooled_head_answers_as_the_float_model_does(tiny: Tiny) -> None:
    pictures = tiny.pictures["test"].images
    scores = onnx_scores(float_onnx(tiny.model).SerializeToString(), pictures)
    assert np.abs(scores - predict(convert_float(freeze(tiny.model)), pictures)).max() < TOLERANCE


def test_onnx_of_the_bundled_model_answers_as_its_float_model_does() -> None:
    from convert.data.sample import load_sample

    model = load_float_model(DEFAULT_MODEL)
    pictures = load_sample().test.images[:50]
    scores = onnx_scores(float_onnx(model).SerializeToString(), pictures)
    assert np.abs(scores - predict(convert_float(freeze(model)), pictures)).max() < TOLERANCE


def test_onnx_int8_is_int8_and_nearly_as_good(tiny: Tiny) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra: peers")
    from benchmarks.peers.onnx_graph import quantize_onnx

    graph = float_onnx(tiny.model)
    before = graph.SerializeToString()
    with quiet():
        int8 = quantize_onnx(graph, tiny.pictures["train"].images)
    assert graph.SerializeToString() == before, "the float model must not change"
    weights = {w.name: w for w in onnx.load_from_string(int8).graph.initializer}
    kernels = [w for name, w in weights.items() if name.endswith("kernel_quantized")]
    assert [w.data_type for w in kernels] == [onnx.TensorProto.INT8] * 3
    scales = [w for name, w in weights.items() if name.endswith("kernel_scale")]
    assert [list(w.dims) for w in scales] == [[8], [8], [3]], "one scale per channel"
    test = tiny.pictures["test"]
    right = onnx_scores(int8, test.images).argmax(axis=1) == test.labels
    reference = onnx_scores(before, test.images).argmax(axis=1) == test.labels
    # 60 pictures: three more wrong answers are 5 points; a wrong scale costs far more.
    assert right.sum() >= reference.sum() - 3


def test_chain_describes_the_network(tiny: Tiny) -> None:
    chain = read_chain(tiny.model)
    assert (chain.height, chain.width, chain.classes) == (16, 16, 3)
    names = [layer.name for layer in chain.layers]
    assert names == ["conv1_1", "pool1", "conv2_1", "pool2", "gap", "logits"]
    first, last = chain.layers[0], chain.layers[-1]
    assert isinstance(first, Convolution)
    assert isinstance(last, Dense)
    assert (first.kernel.shape, first.relu) == ((8, 3, 3, 3), True)
    assert (last.kernel.shape, last.relu) == ((3, 8), False)


def test_chain_refuses_what_it_cannot_describe() -> None:
    import keras

    def model(*layers: keras.Layer) -> keras.Model:
        pixels = x = keras.Input((8, 8, 3))
        for layer in (*layers, keras.layers.Flatten(), keras.layers.Dense(2)):
            x = layer(x)
        return keras.Model(pixels, keras.layers.Softmax()(x), name="other")

    conv = keras.layers.Conv2D
    with pytest.raises(FloatModelError, match="expected a chain of layers that ends in a softmax"):
        read_chain(model(keras.layers.AveragePooling2D(2)))
    with pytest.raises(FloatModelError, match="'wide': expected an odd kernel, stride 1"):
        read_chain(model(conv(4, 3, strides=2, padding="same", name="wide")))
    with pytest.raises(FloatModelError, match="'bent': expected its activation as a layer behind"):
        read_chain(model(conv(4, 3, padding="same", activation="relu", name="bent")))
    with pytest.raises(FloatModelError, match="'thirds': cannot translate a MaxPooling2D"):
        read_chain(model(keras.layers.MaxPooling2D(3, name="thirds")))
    with pytest.raises(FloatModelError, match="'alone': cannot translate a ReLU"):
        read_chain(model(keras.layers.ReLU(name="alone")))


def test_input_ranges_are_the_largest_values(tiny: Tiny) -> None:
    pictures = tiny.pictures["train"].images[:5]
    ranges = input_ranges(tiny.model, pictures)
    assert list(ranges) == ["conv1_1", "conv2_1", "logits"]
    assert ranges["conv1_1"] == pictures.max() == 255
    import keras

    layer = tiny.model.get_layer("pool1")
    values = np.asarray(keras.Model(tiny.model.inputs, layer.output)([pictures.astype(np.float32)]))
    assert ranges["conv2_1"] == pytest.approx(float(np.abs(values).max()), rel=1e-4)


def test_weights_are_quantized_symmetrically_per_channel() -> None:
    kernel = np.array([[0.5, -1.0, 0.25], [0.0, 0.0, 0.0], [12.7, 0.06, -12.7]], dtype=np.float32)
    codes, steps = quantize_weights(kernel)
    # 0.5 * 127 = 63.5 and 31.75; ties go to the even number.
    assert codes.tolist() == [[64, -127, 32], [0, 0, 0], [127, 1, -127]]
    assert steps == pytest.approx([127.0, 1.0, 10.0])


@pytest.fixture
def small_chain() -> Chain:
    one = np.ones((2, 3, 1, 1), dtype=np.float32)
    square = np.full((1, 2, 3, 3), -0.5, dtype=np.float32)
    dense = np.array([[1.0] * 4, [2.0] * 4], dtype=np.float32)
    layers = (
        Convolution("a", one, np.array([1.0, 2.0], dtype=np.float32), relu=True),
        Convolution("b", square, np.array([3.0], dtype=np.float32), relu=True),
        MaxPooling("p"),
        Dense("d", dense, np.array([4.0, 5.0], dtype=np.float32), relu=False),
    )
    return Chain(4, 4, 2, layers)


def test_ncnn_text_names_every_layer(small_chain: Chain) -> None:
    assert build_ncnn(small_chain).param.decode().splitlines() == [
        "7767517",
        "7 7",
        "Input pixels 0 1 pixels",
        "Convolution a 1 1 pixels a 0=2 1=1 11=1 4=0 14=0 5=1 6=6 8=0 9=1",
        "Convolution b 1 1 a b 0=1 1=3 11=3 4=1 14=1 5=1 6=18 8=0 9=1",
        "Pooling p 1 1 b p 0=0 1=2 2=2 5=1",
        "Flatten flat 1 1 p flat",
        "InnerProduct d 1 1 flat d 0=2 1=1 2=8 8=0 9=0",
        "Softmax scores 1 1 d scores 0=0 1=1",
    ]
    assert len(build_ncnn(small_chain).weights) == 4 * (1 + 6 + 2 + 1 + 18 + 1 + 1 + 8 + 2)


def test_ncnn_int8_layers_carry_their_scales(small_chain: Chain) -> None:
    model = build_ncnn(small_chain, {"a": 254.0, "b": 63.5, "d": 12.7})
    lines = model.param.decode().splitlines()
    terms = [line.split(" 8=")[1].split()[0] for line in lines if " 8=" in line]
    assert terms == ["102", "2", "2"], "the first convolution's result stays int8"
    # Six codes and two bytes of padding, then float32: two biases, two weight scales, the scale of
    # the input and of the result.
    assert model.weights[:4] == bytes((0x38, 0x4B, 0x0D, 0x00))
    assert model.weights[4:12] == bytes((127,) * 6 + (0, 0))
    floats = np.frombuffer(model.weights[12:36], dtype=np.float32)
    assert floats == pytest.approx([1.0, 2.0, 127.0, 127.0, 0.5, 2.0])
    # The second has no next convolution: bias, one weight scale, the scale of its input.
    assert model.weights[40:58] == np.full(18, -127, dtype=np.int8).tobytes()
    floats = np.frombuffer(model.weights[60:72], dtype=np.float32)
    assert floats == pytest.approx([3.0, 254.0, 2.0])


@pytest.fixture(scope="module")
def ncnn_python() -> Path:
    """The environment that `make peers` has left; nothing is installed for a test."""
    folder = Path(__file__).resolve().parents[2] / "out" / "peers"
    python = find_environment("ncnn", folder)
    if python is None:
        pytest.skip("needs the environment that `make peers` makes: out/peers/venv-ncnn")
    return python


@pytest.mark.parametrize("int8", [False, True])
def test_ncnn_answers_as_the_float_model_does(
    ncnn_python: Path,
    odd_model: object,
    odd_pictures: NDArray[np.uint8],
    tmp_path: Path,
    int8: bool,
) -> None:
    model = build_ncnn(
        read_chain(odd_model), input_ranges(odd_model, odd_pictures) if int8 else None
    )
    (tmp_path / "m.param").write_bytes(model.param)
    (tmp_path / "m.bin").write_bytes(model.weights)
    pictures, scores = tmp_path / "pictures.npy", tmp_path / "scores.npy"
    np.save(pictures, odd_pictures)
    with WorkerProcess(ncnn_python) as worker:
        path = str(tmp_path / "m.param")
        worker.ask("load", engine="ncnn", path=path, num_threads=1, picture=str(pictures))
        worker.ask("classify", pictures=str(pictures), scores=str(scores))
    expected = predict(convert_float(freeze(odd_model)), odd_pictures)
    difference = np.abs(np.load(scores) - expected).max()
    if int8:
        # Two scores apart by less than that are one answer; a wrong scale gives others altogether.
        assert TOLERANCE < difference < 0.15
    else:
        assert difference < TOLERANCE
