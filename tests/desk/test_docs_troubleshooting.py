"""Every message in docs/troubleshooting.md is one that is really printed.

Where it is cheap the message is provoked; the others have to stand in one string of the sources.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pip
import pytest
from guide_blocks import DOCS, read_blocks

from convert.int8.comparison import Comparison
from convert.int8.gate import judge
from minivgg_edge import Classifier, __version__, interpreter
from minivgg_edge.catalog import load_model
from minivgg_edge.cli import COMMANDS, main
from minivgg_edge.golden_answers import wrong_answers
from minivgg_edge.interpreter import RuntimeInfo, check_minimum_runtime, runtime_info
from minivgg_edge.model_file import parse_model_file

ROOT = Path(__file__).resolve().parents[2]
PAGE = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
LEFT_OUT = "…"
# Printed by pip, which is installed here as it is on a board.
OF_PIP = {
    "error: externally-managed-environment": "exceptions.py",
    "No matching distribution found for minivgg-edge": "index/package_finder.py",
    "No matching distribution found for ai-edge-litert": "index/package_finder.py",
    "No matching distribution found for tflite-runtime": "index/package_finder.py",
}


def matches(heading: str, text: str) -> bool:
    """Say whether a text has the heading's parts in their order, between them anything."""
    pattern = ".*".join(re.escape(part) for part in heading.split(LEFT_OUT))
    return re.search(pattern, " ".join(text.split())) is not None


# --- provoked -------------------------------------------------------------------------------------

Provoke = Callable[[Path, pytest.MonkeyPatch], str]
PROVOKED: dict[str, Provoke] = {}


def provokes(heading: str) -> Callable[[Provoke], Provoke]:
    def remember(provoke: Provoke) -> Provoke:
        assert heading not in PROVOKED
        PROVOKED[heading] = provoke
        return provoke

    return remember


def message_of(function: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the text is compared below
        function()
    return str(caught.value)


def complaint(*arguments: str) -> str:
    """What the command line prints on standard error, in a process of its own."""
    command = [sys.executable, "-m", "minivgg_edge", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2, run.stdout
    return run.stderr


@provokes("minivgg-edge: command not found")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    command = [bash, "-c", "minivgg-edge"]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(folder)}).stderr


@provokes("…; run: minivgg-edge doctor")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "numpy.py").write_text("raise ImportError('a library')\n")
    patch.setenv("PYTHONPATH", str(folder))
    return complaint("info")


def _without_litert(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "ai_edge_litert", None)
    patch.delitem(sys.modules, "ai_edge_litert.interpreter", raising=False)


@provokes("expected ai-edge-litert or tflite-runtime, got neither")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    _without_litert(patch)
    patch.setitem(sys.modules, "tflite_runtime", None)
    return message_of(runtime_info)


@provokes("tflite-runtime …: expected numpy below 2, got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    _without_litert(patch)
    (folder / "tflite_runtime.py").write_text("__version__ = '2.14.0'\n")
    patch.syspath_prepend(folder)
    patch.delitem(sys.modules, "tflite_runtime", raising=False)
    return message_of(runtime_info)


@provokes("… is installed but cannot be imported: …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "ai_edge_litert").mkdir()
    (folder / "ai_edge_litert" / "__init__.py").write_text("raise OSError('a library')\n")
    for name in [name for name in sys.modules if name.split(".")[0] == "ai_edge_litert"]:
        patch.delitem(sys.modules, name)
    patch.syspath_prepend(folder)
    return message_of(runtime_info)


@provokes("expected a CPU with the ARMv7 instruction set or newer, got armv6l")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(interpreter, "_MACHINE", "armv6l")
    return message_of(runtime_info)


@provokes("expected the name of an installed model (…), got another")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return message_of(lambda: load_model("my-parts"))


@provokes("expected a model file, got no such file")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return message_of(lambda: load_model(folder / "none.tflite"))


def _parse(data: bytes) -> str:
    return message_of(lambda: parse_model_file(data, source="x.tflite"))


@functools.cache
def _bundled() -> bytes:
    return Path(load_model().source).read_bytes()


@provokes("expected a zip with manifest.json after the model, got none")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _parse(load_model().flatbuffer)


@provokes("expected a TFLite model with b'TFL3' at bytes 4 to 7")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _parse(b"<!DOCTYPE html><html>")


@provokes("expected SHA-256 …, got …: damaged")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    data = bytearray(_bundled())
    data[len(load_model().flatbuffer) // 2] ^= 1
    return _parse(bytes(data))


@provokes("made for a newer minivgg-edge")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    from minivgg_edge.manifest import parse_manifest

    data = load_model().manifest.to_json().replace(b'"major": 1', b'"major": 2')
    return message_of(lambda: parse_manifest(data, source="x.tflite"))


@provokes("expected a runtime with TensorFlow Lite … or newer, got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    manifest = load_model().manifest
    new = dataclasses.replace(manifest.runtime, minimum_runtime="99.0.0")
    manifest = dataclasses.replace(manifest, runtime=new)
    old = RuntimeInfo("tflite-runtime", "2.14.0", "2.14.0")
    return message_of(lambda: check_minimum_runtime(manifest, old, source="x.tflite"))


@provokes("golden vector …: expected …, got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    expected = np.array([[200, 50]], np.uint8)
    problems = wrong_answers(expected[:, ::-1], expected, ("a", "b"), tolerance=1)
    return "; ".join(problems)


@provokes("needs Pillow, which cannot be imported (…)")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setitem(sys.modules, "PIL", None)
    patch.setitem(sys.modules, "PIL.Image", None)
    from minivgg_edge.decode import decode

    return message_of(lambda: decode(b"any bytes"))


@provokes("expected a picture, got an empty file (0 bytes)")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "empty.jpg").touch()
    return complaint("classify", str(folder / "empty.jpg"))


@provokes("not a picture, or its header is damaged: expected …, got a file that starts with …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "text.jpg").write_text("a text")
    return complaint("classify", str(folder / "text.jpg"))


@provokes("HEIC, which Pillow cannot read here: convert it to JPEG, or …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    return complaint("classify", str(folder / "phone.jpg"))


@provokes("too many pixels: expected at most …, got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    picture = ROOT / "convert" / "sample" / "pictures" / "ship.png"
    return complaint("classify", "--max-pixels", "10", str(picture))


def _classify_array(shape: tuple[int, ...], dtype: str) -> str:
    with Classifier() as classifier:
        return message_of(lambda: classifier.classify(np.zeros(shape, dtype)))


@provokes("picture array: expected dtype uint8, values 0-255, got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _classify_array((32, 32, 3), "float32")


@provokes("picture array: expected shape (H, W, 3), (H, W), (H, W, 1) or (H, W, 4), got …")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _classify_array((1, 32, 32, 3), "uint8")


@provokes("expected an open classifier")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    classifier = Classifier()
    classifier.close()
    return message_of(lambda: classifier.classify(np.zeros((32, 32, 3), np.uint8)))


@provokes("no label of the model has this name")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "unicorn").mkdir()
    return complaint("evaluate", str(folder))


def _verdict(losses: int, count: int) -> str:
    """What the gate says of a model that loses a number of pictures and gains none."""
    true = np.arange(count) % 5
    target = true.copy()
    target[:losses] = (true[:losses] + 1) % 5
    return judge(Comparison("set", "validation", tuple("abcde"), true, true, target)).reason


@provokes("the compiled model loses …, more than the … allowed")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _verdict(20, 1000)


@provokes("validation pictures would tell")
def _(folder: Path, patch: pytest.MonkeyPatch) -> str:
    return _verdict(0, 100)


# --- in the sources -------------------------------------------------------------------------------


def strings(path: Path) -> Iterator[str]:
    """Yield every string of a Python file; an f-string with the sign for what is left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else LEFT_OUT
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@functools.cache
def all_strings() -> tuple[str, ...]:
    sources = [*ROOT.glob("minivgg_edge/**/*.py"), *ROOT.glob("convert/**/*.py")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return (makefile, *(text for path in sorted(sources) for text in strings(path)))


@pytest.mark.parametrize("heading", HEADINGS)
def test_message_is_printed(heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if heading in PROVOKED:
        printed = PROVOKED[heading](tmp_path, monkeypatch)
        assert matches(heading, printed), printed
    elif heading in OF_PIP:
        source = Path(pip.__file__).parent / "_internal" / OF_PIP[heading]
        words = re.sub(r"^error: | for .*$", "", heading)
        assert words in source.read_text(encoding="utf-8")
    else:
        assert any(matches(heading, text) for text in all_strings())


def test_nothing_is_provoked_in_vain() -> None:
    assert set(PROVOKED) | set(OF_PIP) <= set(HEADINGS)
    assert len(set(HEADINGS)) == len(HEADINGS)


def test_a_message_that_nobody_prints_is_found() -> None:
    assert not any(matches("expected a frobnicated flux, got …", text) for text in all_strings())
    assert not matches("expected …, got …: damaged", "got 1, expected 2: damaged")
    assert matches("expected …, got …: damaged", "x: expected SHA-256 0,\n  got 1: damaged")


# --- what doctor and the links say ---------------------------------------------------------------


def test_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for block in read_blocks(PAGE) for line in block.text.splitlines()]
    lines += re.findall(r"(?<!# )`([^`\n]+)`", PAGE)
    called = [line.split() for line in lines if line.startswith("minivgg-edge ")]
    assert {words[1] for words in called} <= set(COMMANDS)
    for words in called:
        assert main([words[1], "--help"]) == 0
        helped = capsys.readouterr().out
        assert all(word in helped for word in words if word.startswith("--"))
    text = "\n".join(lines)
    for module in re.findall(r"python -m (convert\.\w+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


def test_the_wheel_is_called_by_its_name() -> None:
    named = set(re.findall(r"minivgg_edge-[\w.-]+\.whl", PAGE))
    assert named == {f"minivgg_edge-{__version__}-py3-none-any.whl"}


@pytest.mark.parametrize("channels", [3, 4])
def test_blue_before_red_is_turned_around(channels: int) -> None:
    blue_green_red = np.array([[[1, 2, 3, 255]]], np.uint8)[:, :, :channels]
    (turned,) = re.findall(r"`(array\[[^`]*)` turns", PAGE)
    assert eval(turned, {"array": blue_green_red}).tolist() == [[[3, 2, 1]]]


def test_links() -> None:
    for page, place in re.findall(r"\]\(([\w.-]*)#([^)]+)\)", PAGE):
        text = (DOCS / page).read_text(encoding="utf-8") if page else PAGE
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert place in headings
