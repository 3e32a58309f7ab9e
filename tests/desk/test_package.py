"""`python -m convert.package`: a wheel that pip can install and the catalog finds by name."""

from __future__ import annotations

import base64
import csv
import dataclasses
import email
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

import minivgg_edge
from convert.command import run_command
from convert.package import main
from convert.packaging.names import wheel_names
from convert.packaging.wheel import renamed
from minivgg_edge.archive import read_stored_zip, stored_zip
from minivgg_edge.catalog import load_model
from minivgg_edge.model_file import ModelFile, pack_model_file, read_model_file

BUNDLED = Path(minivgg_edge.__file__).parent / "models" / "minivgg.tflite"
# What a page would take for markup, a line, a cell or HTML, and letters of several scripts.
LABELS = (
    *("# head|<img src=x>", "[a](b)*_`", "Größe", "部品", "👩‍🔧", "\x1b[2J", "a"),
    *("https://a.example", "www.a.example", "a@b.example"),
)

Package = Callable[..., int]


@pytest.fixture(scope="module")
def bundled() -> ModelFile:
    return read_model_file(BUNDLED)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Run the command with its output in `tmp_path`."""

    def run(*arguments: object, model: Path = BUNDLED) -> int:
        words = [model, "--name", "my-parts", "--version", "1.0", "-o", tmp_path / "dist"]
        return run_command(main, [str(word) for word in (*words, *arguments)])

    return run


@pytest.fixture
def wheel(package: Package, tmp_path: Path) -> Path:
    assert package() == 0
    return tmp_path / "dist" / "my_parts-1.0-py3-none-any.whl"


@pytest.fixture
def labeled(bundled: ModelFile, tmp_path: Path) -> Path:
    """The bundled model with labels of all sorts."""
    manifest = dataclasses.replace(bundled.manifest, labels=LABELS, description="<b>x</b>\n# y")
    path = tmp_path / "labeled.tflite"
    path.write_bytes(pack_model_file(bundled.flatbuffer, manifest, golden=bundled.golden_vectors()))
    return path


def test_the_files_of_the_wheel(wheel: Path) -> None:
    name, version, build, tags = parse_wheel_filename(wheel.name)
    assert (name, str(version), build) == ("my-parts", "1.0", ())
    assert set(map(str, tags)) == {"py3-none-any"}
    archive = zipfile.ZipFile(wheel)
    assert archive.testzip() is None
    info = "my_parts-1.0.dist-info"
    package = "minivgg_edge_model_my_parts"
    assert set(archive.namelist()) == {
        f"{package}/__init__.py",
        f"{package}/my-parts.tflite",
        *(f"{info}/{file}" for file in ("METADATA", "WHEEL", "entry_points.txt", "RECORD")),
    }
    headers = email.message_from_bytes(archive.read(f"{info}/WHEEL"))
    assert dict(headers)["Wheel-Version"] == "1.0"
    assert dict(headers)["Root-Is-Purelib"] == "true"
    assert dict(headers)["Tag"] == "py3-none-any"


def test_the_record_has_every_file_with_its_hash(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    record = "my_parts-1.0.dist-info/RECORD"
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
    assert set(rows) == set(archive.namelist())
    assert rows.pop(record) == ["", ""]
    for name, (digest, size_bytes) in rows.items():
        data = archive.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        assert digest == f"sha256={expected}"
        assert int(size_bytes) == len(data)


def test_the_metadata(package: Package, tmp_path: Path) -> None:
    options = ("--description", "Größe ✓", "--author", "Jo", "--license", "cc-by-4.0")
    card = tmp_path / "card.md"
    assert package(*options, "--card", card) == 0
    (path,) = (tmp_path / "dist").glob("*.whl")
    raw = zipfile.ZipFile(path).read("my_parts-1.0.dist-info/METADATA")
    found = Metadata.from_email(raw, validate=True)
    assert (found.name, str(found.version), found.summary) == ("my-parts", "1.0", "Größe ✓")
    assert (found.author, found.license_expression) == ("Jo", "CC-BY-4.0")
    (needed,) = found.requires_dist or ()
    assert needed.name == "minivgg-edge"
    assert needed.specifier.contains(minivgg_edge.__version__)
    assert found.description_content_type == "text/markdown"
    assert found.description == card.read_text(encoding="utf-8")


def test_a_description_of_several_lines_in_the_model_is_no_obstacle(
    package: Package, labeled: Path, tmp_path: Path
) -> None:
    assert package(model=labeled) == 0
    (path,) = (tmp_path / "dist").glob("*.whl")
    raw = zipfile.ZipFile(path).read("my_parts-1.0.dist-info/METADATA")
    assert Metadata.from_email(raw, validate=True).summary == "<b>x</b> # y"


def test_the_catalog_finds_the_model_by_its_name(
    wheel: Path, bundled: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    model = load_model("my-parts")
    assert model.manifest.name == "my-parts"
    assert model.flatbuffer == bundled.flatbuffer
    assert dataclasses.replace(model.manifest, name="minivgg") == bundled.manifest


def test_the_same_model_gives_the_same_bytes(
    wheel: Path, package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    copy = tmp_path / "copy" / "other.tflite"
    copy.parent.mkdir()
    copy.write_bytes(BUNDLED.read_bytes())
    monkeypatch.chdir(copy.parent)
    assert package("-o", tmp_path / "again", model=Path("other.tflite")) == 0
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()
    for entry in zipfile.ZipFile(wheel).infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.compress_type == zipfile.ZIP_STORED


def test_without_a_name_the_model_keeps_its_own(
    package: Package, bundled: ModelFile, tmp_path: Path
) -> None:
    own = tmp_path / "own.tflite"
    own.write_bytes(renamed(BUNDLED.read_bytes(), "gears", source="x"))
    words = [own, "--version", "2", "-o", tmp_path / "dist"]
    assert run_command(main, list(map(str, words))) == 0
    archive = zipfile.ZipFile(tmp_path / "dist" / "gears-2-py3-none-any.whl")
    assert archive.read("minivgg_edge_model_gears/gears.tflite") == own.read_bytes()


def test_a_new_name_keeps_what_a_later_minor_version_added(bundled: ModelFile) -> None:
    data = BUNDLED.read_bytes()
    entries, start = read_stored_zip(data, where="x")
    document = json.loads(entries["manifest.json"]) | {"future": [1.5, {"é": None}]}
    document["schema"]["minor"] += 1
    entries["manifest.json"] = json.dumps(document).encode()
    later = renamed(stored_zip(entries, prefix=data[:start]), "gears", source="x")
    found = json.loads(read_stored_zip(later, where="x")[0]["manifest.json"])
    assert found == document | {"name": "gears"}


def test_labels_may_be_anything_and_the_card_shows_them_as_text(
    package: Package, labeled: Path, tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    assert package("--card", card, "--description", "**bold** <b>", model=labeled) == 0
    text = card.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "Größe, 部品, 👩‍🔧" in text
    # Every character that could start markup is escaped, where a label brought it.
    assert r"\# head\|\<img src=x\>, \[a\](b)\*\_\`" in text
    assert r"\*\*bold\*\* \<b\>" in text
    assert r"https\://a.example, www\.a.example, a\@b.example" in text
    headings = re.findall(r"^#+ .*$", text, re.M)
    assert headings[0] == "# my-parts"
    assert not any("head" in heading or heading[2:] == "y" for heading in headings)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("~~~", r"\~\~\~"),
        ("---", r"\---"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("23) a", r"23\) a"),
        ("1.5 mm", r"1\.5 mm"),
        ("a - b", "a - b"),
    ],
)
def test_a_description_begins_nothing_but_a_paragraph(
    given: str, shown: str, package: Package, tmp_path: Path
) -> None:
    assert package("--card", tmp_path / "card.md", f"--description={given}") == 0
    assert f"\n\n{shown}\n\n" in (tmp_path / "card.md").read_text(encoding="utf-8")


def test_the_card_has_the_figures_of_the_manifest(
    package: Package, bundled: ModelFile, tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    assert package("--card", card) == 0
    text = card.read_text(encoding="utf-8")
    for record in bundled.manifest.accuracy:
        assert f"| {record.dataset}, {record.split} | {record.count:,} | " in text
        assert f"{100 * record.target_top1:.2f} % (" in text
        assert f"{100 * record.float_top1:.2f} % (" in text
    assert "may have been trained on these pictures" not in text  # its record says on which
    assert bundled.manifest.flatbuffer.sha256 in text
    packed = renamed(BUNDLED.read_bytes(), "my-parts", source="x")
    assert hashlib.sha256(packed).hexdigest() in text
    assert "pip install --no-deps my_parts-1.0-py3-none-any.whl" in text
    assert "minivgg-edge classify --model my-parts photo.jpg" in text
    assert f"TensorFlow Lite {bundled.manifest.runtime.minimum_runtime} or newer" in text


def test_what_stands_there_is_replaced_only_by_force(
    wheel: Path, package: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    before = wheel.read_bytes()
    assert package() == 0
    assert "unchanged" in capsys.readouterr().out
    assert package("--description", "another") == 2
    assert "exists with other content" in capsys.readouterr().err
    assert wheel.read_bytes() == before
    assert package("--description", "another", "--force") == 0
    assert wheel.read_bytes() != before


def test_nothing_is_written_when_one_of_the_files_is_in_the_way(
    package: Package, tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    card.write_text("mine")
    assert package("--card", card) == 2
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "детали"], "for example --name my-parts"),
        (["--version", "one"], "version: expected one like 1.0"),
        (["--license", "my own"], "license"),
        (["--author", "a\nb"], "author: expected one line"),
        (["--description", "a\nb"], "summary"),
    ],
)
def test_bad_fields(
    arguments: list[str],
    message: str,
    package: Package,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert package(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    "card", ["dist/my_parts-1.0-py3-none-any.whl", "dist/../dist/my_parts-1.0-pi5.tar"]
)
def test_a_card_that_is_another_output(
    card: str, package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Said before anything is downloaded for the tar.
    assert package("--card", tmp_path / card, "--board", "pi5", "--force") == 2
    assert "--card: expected a file of its own" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("option", ["--license", "--author", "--description"])
def test_a_bad_field_is_said_before_a_model_is_run(
    option: str, package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(b"no model")
    assert package("--adopt", option, "a\nb", model=foreign) == 2
    captured = capsys.readouterr()
    assert option.lstrip("-")[:7] in captured.err.replace("summary", "description")
    assert "Checking" not in captured.out


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "flipped", "folder"])
def test_bad_models(
    damage: str, package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, data = tmp_path / "model.tflite", bytearray(BUNDLED.read_bytes())
    data[len(data) // 2] ^= 1
    content = {"empty": b"", "truncated": bytes(data[:-1000]), "flipped": bytes(data)}
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(content[damage])
    assert package(model=path) == 2
    assert str(path) in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("option", ["--labels", "--scale", "--offset", "--data", "--float"])
def test_options_of_adopting_need_it(
    option: str, package: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        package(option, "1")
    assert stop.value.code == 2
    assert f"{option} needs --adopt" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--split-file", "x.json"], ["--skip-broken"], ["--cache", "x"], ["--no-cache"]],
    ids=lambda words: words[0],
)
def test_options_of_pictures_need_them(
    words: list[str], package: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, missing in ((words, "--adopt"), ([*words, "--adopt"], "--data")):
        with pytest.raises(SystemExit) as stop:
            package(*given)
        assert stop.value.code == 2
        assert f"{words[0]} needs {missing}" in capsys.readouterr().err


def test_no_two_models_share_a_package() -> None:
    names = [wheel_names(name) for name in ("a-b", "ab", "a-b-2", "b")]
    assert len({name.package for name in names}) == len(names)
