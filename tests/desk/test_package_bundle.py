"""The tar for boards without a network: complete for the board's Python, and always the same."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

import minivgg_edge
from convert.command import run_command
from convert.package import main
from convert.packaging import bundle
from convert.packaging.boards import BOARDS, Board
from convert.packaging.bundle import board_wheels, install_text, missing, pack_bundle
from convert.packaging.errors import PackagingError
from minivgg_edge.archive import stored_zip

BUNDLED = Path(minivgg_edge.__file__).parent / "models" / "minivgg.tflite"
OURS = (
    "numpy>=1.24",
    "numpy<2; platform_machine == 'armv7l'",
    "ai-edge-litert>=2.1.6; platform_machine == 'aarch64' or platform_machine == 'x86_64'",
    "tflite-runtime>=2.14; platform_machine == 'armv7l' and python_version < '3.12'",
    "pillow>=9.4; extra == 'pictures'",
    "tensorflow-cpu>=2.20; extra == 'desk'",
)


def wheel(name: str, needs: Iterable[str] = ()) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    return stored_zip({f"{name}-1.dist-info/METADATA": ("\n".join(lines) + "\n").encode()})


def named(wheels: dict[str, Iterable[str]]) -> dict[str, bytes]:
    return {f"{name}-1-py3-none-any.whl": wheel(name, needs) for name, needs in wheels.items()}


@pytest.mark.parametrize(
    ("board", "python", "expected"),
    [
        ("pi5", "3.13", ("ai-edge-litert>=2.1.6", "numpy>=1.24", "pillow>=9.4")),
        ("pi3-32bit", "3.11", ("tflite-runtime>=2.14",)),
        ("pi3-32bit", "3.13", ()),
    ],
)
def test_what_the_boards_python_needs_decides(
    board: str, python: str, expected: tuple[str, ...]
) -> None:
    assert missing(named({"minivgg_edge": OURS}), BOARDS[board], python) == expected


def test_nothing_is_missing_whose_name_is_spelled_otherwise() -> None:
    wheels = named({"minivgg_edge": ["AI.Edge-LiteRT", "x_y"], "ai_edge_litert": [], "X.y": []})
    assert missing(wheels, BOARDS["pi5"], "3.13") == ()


def test_what_only_the_boards_python_needs_is_fetched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip asks for what the desk's Python needs; a board's Python may need more."""
    monkeypatch.setattr(bundle, "_own_wheel", lambda: named({"minivgg_edge": OURS}))
    market = {
        "ai-edge-litert": [
            "old-part; python_version < '3.12'",
            "new-part; python_version > '3.12'",
        ],
        "old-part": ["deep-part"],
        "new-part": [],
        "deep-part": [],
        "numpy": [],
        "pillow": [],
    }

    def download(wanted: tuple[str, ...], board: Board, python: str) -> dict[str, bytes]:
        names = [word.split(">")[0] for word in wanted]
        return named({name.replace("-", "_"): market[name] for name in names})

    got = {name.split("-")[0] for name in board_wheels(BOARDS["pi4"], download)}
    assert got == {"minivgg_edge", *(name.replace("-", "_") for name in market)}

    def nothing(wanted: tuple[str, ...], board: Board, python: str) -> dict[str, bytes]:
        return {}

    with pytest.raises(PackagingError, match="still missing"):
        board_wheels(BOARDS["pi4"], nothing)


def test_a_failure_of_pip_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.stderr.write('WARNING: x\\nERROR: no such wheel\\n'); sys.exit(1)"
    monkeypatch.setattr(bundle, "_PIP", (sys.executable, "-c", program))
    with pytest.raises(PackagingError, match=r"^pip failed: ERROR: no such wheel$"):
        board_wheels(BOARDS["pi5"])


def test_the_tar_is_always_the_same_and_names_nobody() -> None:
    wheels = {"b.whl": b"2", "a.whl": b"1"}
    data = pack_bundle("x-1-pi5", wheels, "type this\n")
    assert data == pack_bundle("x-1-pi5", dict(reversed(wheels.items())), "type this\n")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == [f"x-1-pi5/{n}" for n in ("INSTALL.txt", "a.whl", "b.whl")]
        for entry in archive:
            assert (entry.uid, entry.gid, entry.uname, entry.mtime) == (0, 0, "", 0)
            assert entry.mode == 0o644


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_the_instructions_name_folder_model_and_what_the_system_has_to_give(name: str) -> None:
    board = BOARDS[name]
    text = install_text(board, "p-1-pi", distribution="my-parts", model="My.Parts")
    assert "tar xf p-1-pi.tar" in text
    # pip's markers would ask a 32-bit system on a 64-bit kernel for LiteRT.
    resolved = '--no-index --find-links p-1-pi my-parts "minivgg-edge[pictures]"'
    assert (resolved in text) != bool(board.from_system)
    assert ("--no-index --no-deps p-1-pi/*.whl" in text) == bool(board.from_system)
    assert "classify --model My.Parts photo.jpg" in text
    assert ("--system-site-packages" in text) == bool(board.from_system)
    assert all(package in text for package in board.from_system)


def test_the_command_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheels = named({"minivgg_edge": OURS, "numpy": []})
    monkeypatch.setattr(bundle, "board_wheels", lambda board: dict(wheels))
    words = [BUNDLED, "--name", "my-parts", "--version", "1.0", "-o", tmp_path, "--board", "pi5"]
    assert run_command(main, list(map(str, words))) == 0
    with tarfile.open(tmp_path / "my_parts-1.0-pi5.tar") as archive:
        found = {Path(name).name for name in archive.getnames()}
        wheel_name = "my_parts-1.0-py3-none-any.whl"
        inside = archive.extractfile(f"my_parts-1.0-pi5/{wheel_name}")
        assert inside is not None
        assert inside.read() == (tmp_path / wheel_name).read_bytes()
    assert found == {*wheels, wheel_name, "INSTALL.txt"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pi5", "pi3-32bit"])
def test_pip_finds_all_that_it_needs_in_the_real_tar(name: str, tmp_path: Path) -> None:
    words = [BUNDLED, "--name", "my-parts", "--version", "1.0", "-o", tmp_path, "--board", name]
    assert run_command(main, list(map(str, words))) == 0
    folder = f"my_parts-1.0-{name}"
    with tarfile.open(tmp_path / f"{folder}.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    board = BOARDS[name]
    for python in board.pythons:
        where = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
        where += [word for tag in board.platforms for word in ("--platform", tag)]
        where += ["--no-index", "--find-links", str(tmp_path / folder)]
        # pip evaluates markers for this machine: on a 32-bit board they ask for other wheels.
        where += ["--no-deps"] if board.from_system else []
        wanted = ["my-parts", "minivgg-edge[pictures]"]
        if board.from_system:
            wanted.append("tflite-runtime")
        command = [sys.executable, "-m", "pip", "install", *where, *wanted]
        target = tmp_path / f"site-{python}"
        run = subprocess.run([*command, "--target", target], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert (target / "minivgg_edge_model_my_parts" / "my-parts.tflite").is_file()
