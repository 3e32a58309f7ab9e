"""`minivgg-edge models` lists everything that is installed, and no broken wheel stops it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minivgg_edge import ModelNotFoundError, __version__, cli
from minivgg_edge.catalog import ENTRY_POINT_GROUP, load_model
from minivgg_edge.manifest import AccuracyRecord
from minivgg_edge.measured import best_known, measurements_alone
from minivgg_edge.model_file import ModelFile

Install = Callable[..., Path]
Repack = Callable[..., Path]


@pytest.fixture
def install(
    tmp_path: Path, bundled_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    """A function that lays out an installed model wheel; returns the model file."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    installed = set()

    def write(
        model: str,
        *,
        package: str | None = None,
        distribution: str | None = None,
        data: bytes = bundled_bytes,
        points: bytes | None = None,
    ) -> Path:
        package = package or f"listed_{model.replace('-', '_')}"
        installed.add(package)
        folder = site / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        path = folder / f"{model}.tflite"
        path.write_bytes(data)
        info = site / f"{distribution or package}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution or package}\nVersion: 2.5\n"
        )
        point = f"[{ENTRY_POINT_GROUP}]\n{model} = {package}\n".encode()
        (info / "entry_points.txt").write_bytes(point if points is None else points)
        return path

    yield write
    for package in installed:  # the next test may use the name again
        sys.modules.pop(package, None)


def listed(capsys: pytest.CaptureFixture[str], *, code: int = 0) -> dict[str, dict[str, Any]]:
    """Return what `models --json` lists, by name; by distribution where a model has no name."""
    assert cli.main(["models", "--json"]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)["models"]
    return {entry["name"] or entry["distribution"]: entry for entry in found}


def test_the_bundled_model(bundled: ModelFile, capsys: pytest.CaptureFixture[str]) -> None:
    entry = listed(capsys)["minivgg"]
    spec = bundled.manifest.input
    (test,) = (r for r in bundled.manifest.accuracy if r.split == "test")
    assert entry == {
        "name": "minivgg",
        "distribution": "minivgg-edge",
        "version": __version__,
        "problem": None,
        "sha256": bundled.sha256,
        "size_bytes": bundled.size_bytes,
        "input": {"height": spec.height, "width": spec.width, "dtype": spec.dtype},
        "labels": len(bundled.labels),
        "accuracy": {
            "dataset": test.dataset,
            "split": "test",
            "count": test.count,
            "top1": test.target_top1,
        },
    }


def test_a_wheel_beside_it(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    path = install("flowers", distribution="some-flowers")
    entry = listed(capsys)["flowers"]
    assert (entry["distribution"], entry["version"]) == ("some-flowers", "2.5")
    assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["model", "flowers", "minivgg"]
    assert re.search(
        r"^flowers +some-flowers 2\.5 +32x32 uint8 +10 +\d+\.\d\d % of 10,000", lines[1]
    )
    assert lines[1].endswith(entry["sha256"])


def test_a_model_that_nobody_measured(
    install: Install, repack: Repack, capsys: pytest.CaptureFixture[str]
) -> None:
    install("bare", data=repack(accuracy=()).read_bytes())
    assert listed(capsys)["bare"]["accuracy"] is None
    assert cli.main(["models"]) == 0
    assert re.search(r"^bare .* not measured ", capsys.readouterr().out, re.M)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "flipped", "folder"])
def test_a_broken_file_is_a_line_and_the_others_are_listed(
    damage: str, install: Install, bundled_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    install("sound")
    path = install("broken")
    data = bytearray(bundled_bytes)
    data[len(data) // 2] ^= 1
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        content = {"empty": b"", "truncated": bytes(data[:-1000]), "flipped": bytes(data)}
        path.write_bytes(content[damage])
    found = listed(capsys, code=1)
    assert found["sound"]["problem"] is None
    assert str(path) in found["broken"]["problem"]
    assert found["broken"].keys() == found["sound"].keys()
    assert {name for name, value in found["broken"].items() if value is None} == {
        "sha256",
        "size_bytes",
        "input",
        "labels",
        "accuracy",
    }
    assert cli.main(["models"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert re.search(r"^broken +listed_broken 2\.5 +broken ", captured.out, re.M)
    assert re.search(r"^broken: .*expected", captured.out, re.M)


@pytest.mark.parametrize("code", ["raise RuntimeError('at home')", "this is no Python"])
def test_a_package_whose_code_fails(
    code: str, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    path = install("failing")
    (path.parent / "__init__.py").write_text(code)
    problem = listed(capsys, code=1)["failing"]["problem"]
    assert problem.startswith("'failing': expected an installed package 'listed_failing' that can")


@pytest.mark.parametrize(
    "points",
    [b"\xff\xfe\x00", f"[{ENTRY_POINT_GROUP}]\nnoted\n".encode()],
    ids=["no text", "no value"],
)
def test_entry_points_that_cannot_be_read(
    points: bytes, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("noted", distribution="unreadable", points=points)
    install("sound")
    found = listed(capsys, code=1)
    assert found["sound"]["problem"] is None
    assert found["unreadable"]["problem"].startswith("entry_points.txt: expected")
    assert load_model("sound").sha256 == found["sound"]["sha256"]


@pytest.mark.parametrize("package", ["no package", ".x", "1x", "gone"])
def test_entry_points_that_lead_nowhere(
    package: str, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    points = f"[{ENTRY_POINT_GROUP}]\nlost = {package}\n".encode()
    install("lost", points=points)
    install("sound")
    found = listed(capsys, code=1)
    assert repr(package) in found["lost"]["problem"]
    assert load_model("sound").sha256 == found["sound"]["sha256"]


@pytest.mark.parametrize("metadata", [None, b"", b"\xff\xfe\n"])
def test_a_wheel_that_does_not_say_its_name(
    metadata: bytes | None, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    path = install("nameless")
    (file,) = path.parents[1].glob("*.dist-info/METADATA")
    if metadata is None:
        file.unlink()
    else:
        file.write_bytes(metadata)
    entry = listed(capsys)["nameless"]
    assert (entry["distribution"], entry["version"]) == ("", "")
    assert entry["problem"] is None


def test_two_wheels_with_one_name_are_both_listed_and_spoil_no_other(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("twice", package="listed_first")
    install("twice", package="listed_second")
    install("sound")
    assert cli.main(["models", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["models"]
    twice = [entry for entry in found if entry["name"] == "twice"]
    assert {entry["distribution"] for entry in twice} == {"listed_first", "listed_second"}
    assert all("expected one package with this model" in entry["problem"] for entry in twice)
    assert load_model("sound").manifest.name == "minivgg"
    with pytest.raises(ModelNotFoundError, match="'none': expected the name of an installed model"):
        load_model("none")


def test_a_wheel_that_the_bundled_model_hides(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("minivgg", package="listed_hidden")
    assert cli.main(["models", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["models"]
    assert [entry["problem"] is None for entry in found] == [False, True]
    assert "which hides it" in found[0]["problem"]


def test_names_cannot_move_the_cursor(
    install: Install, repack: Repack, bundled: ModelFile, capsys: pytest.CaptureFixture[str]
) -> None:
    record = dataclasses.replace(bundled.manifest.accuracy[0], dataset="\x1b[2J", split="test")
    install("odd", data=repack(accuracy=(record,)).read_bytes())
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2J test" in out


def _record(split: str, top1: float) -> AccuracyRecord:
    return AccuracyRecord("d", split, 10, 0.5, top1, 0.0, 0.0, 0.0, 1.0)  # type: ignore[arg-type]


def test_test_pictures_count_before_validation_pictures(bundled: ModelFile) -> None:
    records = (_record("validation", 0.1), _record("test", 0.2))
    for accuracy in (records, records[::-1]):
        known = best_known(dataclasses.replace(bundled.manifest, accuracy=accuracy))
        assert known is not None
        assert known.top1 == 0.2
    only = best_known(dataclasses.replace(bundled.manifest, accuracy=records[:1]))
    assert only is not None
    assert only.top1 == 0.1


@pytest.mark.parametrize(
    "training",
    [
        {"adopted": 1},
        {"adopted": {"measured": "much"}},
        {
            "adopted": {
                "measured": [1, {}, {"dataset": "d", "split": "test", "count": 0, "top1": 1.0}]
            }
        },
        {"adopted": {"measured": [{"dataset": "d", "split": "train", "count": 9, "top1": 1.0}]}},
        {"adopted": {"measured": [{"dataset": "d", "split": "test", "count": 9, "top1": 1.5}]}},
    ],
)
def test_other_things_in_the_free_object_are_passed_over(
    training: dict[str, Any], bundled: ModelFile
) -> None:
    manifest = dataclasses.replace(bundled.manifest, training=training, accuracy=())
    assert measurements_alone(manifest) == ()
    assert best_known(manifest) is None


def test_an_adopted_model_measured_alone(
    install: Install, repack: Repack, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"dataset": "mine", "split": "test", "count": 40, "top1": 0.9}
    data = repack(accuracy=(), training={"adopted": {"measured": [figures]}}).read_bytes()
    install("adopted", data=data)
    assert listed(capsys)["adopted"]["accuracy"] == figures
