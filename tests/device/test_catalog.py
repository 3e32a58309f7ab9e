"""Which model an argument means: the bundled one, a path, or a name that a model wheel offers."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from minivgg_edge import ModelFileError, ModelNotFoundError
from minivgg_edge.catalog import ENTRY_POINT_GROUP, installed_models, load_model
from minivgg_edge.model_file import ModelFile


def _write_distribution(
    folder: Path, data: bytes, *, model: str, package: str, distribution: str = "some-model"
) -> None:
    """Lay out an installed model wheel: a package with the model, and its entry point."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    (folder / package / f"{model}.tflite").write_bytes(data)
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{model} = {package}\n")


def test_none_is_the_bundled_model(bundled: ModelFile) -> None:
    assert load_model() == bundled
    assert load_model("minivgg") == bundled
    assert installed_models()["minivgg"] == "minivgg_edge"


def test_paths(tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named").write_bytes(bundled_bytes)
    (tmp_path / "suffixed.tflite").write_bytes(bundled_bytes)
    monkeypatch.chdir(tmp_path)
    for model in ("./named", str(tmp_path / "named"), Path("named"), "suffixed.tflite"):
        assert load_model(model).source == str(model)


def test_a_bare_string_is_a_name_even_if_a_file_is_called_so(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named").write_bytes(bundled_bytes)
    monkeypatch.chdir(tmp_path)
    message = (
        r"'named': expected the name of an installed model \(minivgg\), got another; .*'./named'"
    )
    with pytest.raises(ModelNotFoundError, match=message):
        load_model("named")


@pytest.mark.parametrize("model", ["", "..", "MINIVGG\n", "nul\0", "\ud800", "x" * 5000])
def test_odd_names(model: str) -> None:
    with pytest.raises(ModelNotFoundError, match=re.escape(repr(model))):
        load_model(model)


def test_missing_path(tmp_path: Path) -> None:
    for model in ("no.tflite", "./minivgg", tmp_path / "minivgg"):
        with pytest.raises(ModelNotFoundError, match="expected a model file, got no such file"):
            load_model(model)


class _BytesPath:
    def __fspath__(self) -> bytes:
        return b"m.tflite"


@pytest.mark.parametrize("model", [b"m.tflite", 1, ["minivgg"], _BytesPath()])
def test_other_types(model: Any) -> None:
    with pytest.raises(TypeError, match="model: expected"):
        load_model(model)


def test_model_wheel(
    tmp_path: Path, bundled_bytes: bytes, bundled: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_distribution(tmp_path, bundled_bytes, model="flowers", package="offered_flowers")
    monkeypatch.syspath_prepend(tmp_path)
    model = load_model("flowers")
    assert model.flatbuffer == bundled.flatbuffer
    assert model.source == str(tmp_path / "offered_flowers" / "flowers.tflite")
    assert installed_models()["flowers"] == "offered_flowers"
    with pytest.raises(ModelNotFoundError, match=r"installed model \(flowers, minivgg\), got"):
        load_model("flower")


def test_model_wheel_in_a_zip(
    tmp_path: Path, bundled_bytes: bytes, bundled: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "unpacked"
    _write_distribution(folder, bundled_bytes, model="zipped", package="offered_zipped")
    archive = tmp_path / "wheel.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in folder.rglob("*"):
            if path.is_file():
                target.write(path, path.relative_to(folder))
    monkeypatch.syspath_prepend(archive)
    assert load_model("zipped").sha256 == bundled.sha256


def test_model_wheel_without_its_file(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_distribution(tmp_path, bundled_bytes, model="empty", package="offered_empty")
    monkeypatch.syspath_prepend(tmp_path)
    model = tmp_path / "offered_empty" / "empty.tflite"
    model.write_bytes(b"")
    with pytest.raises(ModelFileError, match="got an empty file"):
        load_model("empty")
    model.unlink()
    with pytest.raises(ModelNotFoundError, match="got no such file"):
        load_model("empty")


def test_model_wheel_without_its_package(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_distribution(tmp_path, bundled_bytes, model="lost", package="offered_lost")
    (tmp_path / "offered_lost").rename(tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ModelNotFoundError, match="'lost': expected the installed package 'offered_"
    ):
        load_model("lost")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("this is no Python", "SyntaxError: invalid syntax"),
        ("raise RuntimeError('at\\nhome')", "RuntimeError: at home"),
    ],
)
def test_model_wheel_whose_package_fails(
    code: str,
    message: str,
    tmp_path: Path,
    bundled_bytes: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _write_distribution(tmp_path, bundled_bytes, model="failing", package="offered_failing")
    (tmp_path / "offered_failing" / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    expected = "'failing': expected an installed package 'offered_failing' that can be imported"
    with pytest.raises(ModelFileError, match=f"^{expected}, got {message}"):
        load_model("failing")


def test_model_wheel_in_a_damaged_zip(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "unpacked"
    _write_distribution(folder, bundled_bytes, model="torn", package="offered_torn")
    archive = tmp_path / "torn.zip"
    with zipfile.ZipFile(archive, "w") as target:  # stored as it is
        for path in folder.rglob("*"):
            target.write(path, path.relative_to(folder))
    data = bytearray(archive.read_bytes())
    data[data.index(bundled_bytes) + 1000] ^= 1
    archive.write_bytes(data)
    monkeypatch.syspath_prepend(archive)
    with pytest.raises(ModelFileError, match=r"torn\.tflite': .* a readable file, got BadZip"):
        load_model("torn")


def test_two_packages_with_one_name(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("offered_one", "offered_two"):
        _write_distribution(
            tmp_path, bundled_bytes, model="twice", package=package, distribution=package
        )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelNotFoundError, match="'twice': expected one package with this model"):
        load_model("twice")
