"""What the desk does not let in: code in a `.keras` file, files beside it, pickles anywhere."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import Tiny

from convert.errors import FloatModelError
from convert.int8.float_model import load_float_model
from convert.int8.keras_archive import check_keras_file
from convert.quiet import quiet
from minivgg_edge.decode import DEFAULT_MAX_PIXELS

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = [
    path
    for name in ("convert", "benchmarks", "minivgg_edge")
    for path in (ROOT / name).rglob("*.py")
]
PICKLES = {"pickle", "_pickle", "shelve", "marshal", "dill", "cloudpickle", "joblib"}


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, entries: dict[str, bytes] | list[tuple[str, bytes]]) -> Path:
    pairs = entries.items() if isinstance(entries, dict) else entries
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in pairs:
            archive.writestr(name, data)
    return path


@pytest.fixture
def changed(tiny: Tiny, tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the tiny model with another configuration or other weights."""

    def change(
        config: Callable[[dict[str, Any]], None] | None = None, weights: bytes | None = None
    ) -> Path:
        entries = parts(tiny.path)
        if config is not None:
            document = json.loads(entries["config.json"])
            config(document)
            entries["config.json"] = json.dumps(document).encode()
        if weights is not None:
            entries["model.weights.h5"] = weights
        return write(tmp_path / "model.keras", entries)

    return change


def refused(path: Path, message: str) -> None:
    """Both the check alone and the loader refuse; so Keras has nothing to say about it."""
    for load in (check_keras_file, load_float_model):
        with pytest.raises(FloatModelError, match=message):
            load(path)


# Code


def lambda_in(wrap: Callable[[Any, Any], Any], path: Path) -> Path:
    with quiet():
        import keras

        layer = keras.layers.Lambda(lambda t: t * 2.0, name="doubled")
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Flatten()(wrap(keras, layer)(inputs))
        keras.Model(inputs, keras.layers.Dense(2)(x)).save(path)
    return path


def functional(keras: Any, layer: Any) -> Any:
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, layer(inputs), name="inner")


WRAPS = {
    "a Functional": functional,
    "a Sequential": lambda keras, layer: keras.Sequential([keras.Input((8, 8, 3)), layer]),
    "a Functional in a Sequential": lambda keras, layer: keras.Sequential(
        [keras.Input((8, 8, 3)), functional(keras, layer)]
    ),
    "TimeDistributed": lambda keras, layer: keras.layers.TimeDistributed(layer),
    "TimeDistributed in TimeDistributed": lambda keras, layer: keras.layers.TimeDistributed(
        keras.layers.TimeDistributed(layer)
    ),
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_a_lambda_layer_is_found_at_any_depth(
    wrap: Callable[[Any, Any], Any], tmp_path: Path
) -> None:
    refused(lambda_in(wrap, tmp_path / "model.keras"), "layer 'doubled' is a Lambda, which can run")


def test_a_custom_layer_is_refused_before_its_module_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with quiet():
        import keras

        class Doubled(keras.layers.Layer):
            def call(self, inputs: Any) -> Any:
                return inputs * 2.0

        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Flatten()(Doubled(name="mine")(inputs))
        keras.Model(inputs, keras.layers.Dense(2)(x)).save(path)
    refused(path, r"layer 'mine' is a Doubled of module .*, registered as .*: expected only layers")


NODES: dict[str, dict[str, Any]] = {
    "a module of the standard library": {"module": "os", "class_name": "System", "config": {}},
    "a function of it": {"module": "os", "class_name": "function", "config": "system"},
    "a function of nothing": {"module": "builtins", "class_name": "function", "config": "eval"},
    "a function without a module": {"class_name": "function", "config": "eval"},
    "a registered name": {
        "module": "keras.layers", "class_name": "Dense", "config": {},
        "registered_name": "Custom>Dense",
    },
    "a name like Keras": {"module": "keras_backdoor", "class_name": "Dense", "config": {}},
    "a download": {"module": "keras.utils", "class_name": "function", "config": "get_file"},
    "a download as a class": {"module": "keras.utils", "class_name": "get_file", "config": {}},
    "the switch of the safe mode": {
        "module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {},
    },
    "loading another model": {"module": "keras.models", "class_name": "load_model", "config": {}},
    "the same, inside": {
        "module": "keras.src.saving", "class_name": "Load", "config": {}, "registered_name": "Load",
    },
    "a lambda": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    "a SavedModel": {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}},
    "a vocabulary": {"module": "keras.layers", "class_name": "StringLookup", "config": {}},
    "a vocabulary, by its own module": {
        "module": "keras.src.layers.preprocessing.string_lookup", "class_name": "StringLookup",
        "config": {"vocabulary": "/etc/passwd"}, "registered_name": "StringLookup",
    },
}  # fmt: skip


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
@pytest.mark.parametrize("place", ["layers", "activation", "build_config"])
def test_what_a_configuration_must_not_name(
    node: dict[str, Any], place: str, changed: Callable[..., Path]
) -> None:
    def insert(config: dict[str, Any]) -> None:
        if place == "layers":
            config["config"]["layers"].append(node)
        elif place == "activation":
            config["config"]["layers"][-1]["config"]["activation"] = node
        else:
            config["build_config"] = {"deep": [[{"er": node}]]}

    refused(changed(insert), "which can run foreign code|expected only layers and functions")


def test_a_loss_of_its_own_does_not_matter(tiny: Tiny, changed: Callable[..., Path]) -> None:
    loss = {"module": "builtins", "class_name": "function", "config": "my_loss"}
    path = changed(lambda config: config.update(compile_config={"loss": loss}))
    pictures = tiny.pictures["test"].images[:2].astype(np.float32)
    loaded = load_float_model(path)
    np.testing.assert_array_equal(np.asarray(loaded(pictures)), np.asarray(tiny.model(pictures)))


def test_what_keras_makes_models_of_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with quiet():
        import keras
        from keras import layers

        inner = keras.Sequential(
            [
                keras.Input((8, 8, 4)),
                layers.SeparableConv2D(4, 3, activation=keras.activations.gelu),
            ]
        )
        inputs = keras.Input((8, 8, 3))
        x = layers.Normalization(mean=127.0, variance=9.0)(inputs)
        x = layers.Conv2D(
            4,
            1,
            activation="relu6",
            kernel_constraint="max_norm",
            kernel_initializer=keras.initializers.HeNormal(),
            kernel_regularizer=keras.regularizers.L2(0.1),
        )(layers.RandomFlip()(x))
        x = keras.ops.clip(inner(x) * 2.0 + 1.0, 0, 9) + layers.Activation(keras.ops.tanh)(inner(x))
        x = layers.TimeDistributed(layers.Dense(4))(x)
        model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
        model.compile("adam", keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
        model.save(path)
    pictures = np.random.default_rng(2).uniform(0, 255, (3, 8, 8, 3)).astype(np.float32)
    answers = [m(pictures, training=False) for m in (load_float_model(path), model)]
    np.testing.assert_allclose(*map(np.asarray, answers), rtol=1e-5)


@pytest.mark.parametrize("config", [b"[1, 2]", b'"text"', b"[" * 100_000, b"{", b"\xff\xfe"])
def test_a_configuration_that_is_none(config: bytes, tiny: Tiny, tmp_path: Path) -> None:
    path = write(tmp_path / "model.keras", {**parts(tiny.path), "config.json": config})
    refused(path, r"model\.keras: (config\.json: expected an object|damaged \.keras file)")


def test_other_formats_that_run_code(tiny: Tiny, tmp_path: Path) -> None:
    weights = parts(tiny.path)["model.weights.h5"]
    for name in ("model.h5", "model.hdf5", "saved_model.pb", "model.pkl", "model.weights.h5"):
        (tmp_path / name).write_bytes(weights)
        refused(tmp_path / name, "expected a .keras file, got '.*older formats can run code")
    (tmp_path / "model.keras").write_bytes(weights)  # HDF5 under another name
    refused(tmp_path / "model.keras", r"expected a \.keras file \(a zip\), got other bytes")
    folder = tmp_path / "saved.keras"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")
    refused(folder, "expected a .keras file, got a folder")


# The zip


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/outside",
        "assets/../../outside",
        "assets/vocabulary.txt",
        "a.py",
        "assets/",
    ],
)
def test_other_entries(name: str, tiny: Tiny, tmp_path: Path) -> None:
    path = write(tmp_path / "model.keras", {**parts(tiny.path), name: b"import os"})
    refused(path, "once each and alone, got also")
    assert not list(tmp_path.parent.rglob("outside"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name(tiny: Tiny, tmp_path: Path) -> None:
    entries = list(parts(tiny.path).items())
    path = write(tmp_path / "model.keras", [*entries, ("config.json", b"{}")])
    refused(path, "got also a second one of the same name")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_zip_bomb(name: str, tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in {**parts(tiny.path), name: bytes(64 << 20)}.items():
            archive.writestr(entry, data)
    assert path.stat().st_size < 1 << 20
    refused(path, "the .keras file unpacks to 67,.* expected at most 16,777,216, 32 times")


# The weights


def weights_with(build: Callable[[Any], None]) -> bytes:
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        build(file)
    return stream.getvalue()


def external_link(file: Any) -> None:
    import h5py

    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/secret.h5", "/key")


def soft_link(file: Any) -> None:
    import h5py

    file["layers/dense/vars/0"] = h5py.SoftLink("/nowhere")


def external_data(file: Any) -> None:
    place = [("/etc/passwd", 0, 64)]
    file.create_dataset("layers/dense/vars/0", (16,), "f4", external=place)


def virtual_data(file: Any) -> None:
    import h5py

    layout = h5py.VirtualLayout((16,), "f4")
    layout[:] = h5py.VirtualSource("/etc/secret.h5", "key", shape=(16,))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (external_link, r"/layers/dense/vars/0 is a link \(ExternalLink\)"),
        (soft_link, r"/layers/dense/vars/0 is a link \(SoftLink\)"),
        (external_data, "/layers/dense/vars/0 has its data in another file"),
        (virtual_data, "/layers/dense/vars/0 has its data in another file"),
    ],
)
def test_weights_in_other_files(
    build: Callable[[Any], None], message: str, changed: Callable[..., Path]
) -> None:
    refused(changed(weights=weights_with(build)), message)


def test_weights_that_unpack_to_far_more(changed: Callable[..., Path]) -> None:
    def build(file: Any) -> None:  # never written: HDF5 stores nothing, and reads zeros
        file.create_dataset("layers/dense/vars/0", (1 << 34,), "f4", chunks=(1 << 20,))

    refused(
        changed(weights=weights_with(build)), "model.weights.h5 unpacks to 68,719,476,736 bytes"
    )


def test_groups_in_a_circle_end(changed: Callable[..., Path]) -> None:
    def build(file: Any) -> None:
        file.create_group("layers")["again"] = file["/"]

    path = changed(weights=weights_with(build))
    check_keras_file(path)
    with pytest.raises(FloatModelError, match="Keras cannot load it"):
        load_float_model(path)


@pytest.mark.parametrize("weights", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + bytes(99)])
def test_weights_that_are_none(weights: bytes, changed: Callable[..., Path]) -> None:
    refused(changed(weights=weights), r"model\.weights\.h5: damaged")


# Our own code


def calls(tree: ast.AST) -> Iterator[str]:
    """Yield pickle modules that are imported, `allow_pickle`, `shell` and unsafe loading."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & PICKLES
        elif isinstance(node, ast.ImportFrom):
            yield from {str(node.module).split(".")[0]} & PICKLES
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            arguments = {k.arg: getattr(k.value, "value", "not a constant") for k in node.keywords}
            for argument in ("allow_pickle", "shell"):
                if arguments.get(argument, False) is not False:
                    yield argument
            if name in ("eval", "exec") and isinstance(node.func, ast.Name):
                yield name
            of = getattr(node.func, "value", None)  # `keras.models` of `keras.models.load_model`
            is_keras = getattr(of, "attr", getattr(of, "id", "")) in ("keras", "models", "saving")
            if name == "load_model" and is_keras and arguments.get("safe_mode") is not True:
                yield "load_model without safe_mode"
            if name in ("enable_unsafe_deserialization", "extractall"):
                yield name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_pickle_no_shell_and_only_safe_loading(path: Path) -> None:
    assert not set(calls(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "np.load(p, allow_pickle=True)",
        "run(c, shell=True)", "keras.models.load_model(p)", "tar.extractall(p)", "exec(text)",
        "keras.models.load_model(p, safe_mode=False)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_is_for(source: str) -> None:
    assert set(calls(ast.parse(source)))


# SECURITY.md


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", text)
    assert len(named) > 20
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in defined, f"{file}::{test}"
    tables = [line for line in text.splitlines() if line.startswith("| ") and "promise" not in line]
    promises = [line for line in tables if not re.search(r"\d[–.\d]* \||format \|", line)]
    assert all("`tests/" in line or "the same" in line for line in promises)


def test_the_limits_that_are_promised_are_those_of_the_code() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert f"`max_pixels` ({DEFAULT_MAX_PIXELS:,})" in text
    assert f"({4 * DEFAULT_MAX_PIXELS >> 20} MiB; never below 16 MiB)" in text
