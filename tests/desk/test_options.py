"""Options that say nothing about the data at hand are refused by every command that has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from convert import evaluate, package, quantize, train
from convert.command import run_command
from convert.layer_error.__main__ import main as layer_error

Main = Callable[[Sequence[str] | None], int]
OF_A_FOLDER = [["--split-file", "mine.json"], ["--skip-broken"], ["--cache", "kept"]]


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    """By its file's name CIFAR-10, with nothing that could be read."""
    (tmp_path / "test_batch.bin").touch()
    return tmp_path


@pytest.mark.parametrize("words", OF_A_FOLDER, ids=lambda words: words[0])
@pytest.mark.parametrize("main", [quantize.main, evaluate.main, layer_error])
def test_what_is_for_folders_is_not_for_cifar10(
    main: Main, words: list[str], cifar10: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = f"{words[0]} is for folders of images, not CIFAR-10\n"
    assert run_command(main, ["--data", str(cifar10), *words]) == 2
    assert capsys.readouterr().err == f"error: {cifar10}: {sentence}"
    assert run_command(main, words) == 2
    assert capsys.readouterr().err == f"error: without --data: {sentence}"


def test_nor_where_a_model_is_adopted(cifar10: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["theirs.tflite", "--version", "1", "--adopt", "--data", str(cifar10)]
    assert run_command(package.main, [*arguments, "--skip-broken"]) == 2
    assert capsys.readouterr().err == (
        f"error: {cifar10}: --skip-broken is for folders of images, not CIFAR-10\n"
    )


@pytest.mark.parametrize(
    "words",
    [*OF_A_FOLDER, ["--group-by", "none"], ["--crop", "center"]],
    ids=lambda words: words[0],
)
def test_nor_in_a_training(
    words: list[str], cifar10: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(cifar10), "--out", str(tmp_path / "run"), "--quiet", *words]
    assert run_command(train.main, arguments) == 2
    assert capsys.readouterr().err == (
        f"error: {cifar10}: {words[0]} is for folders of images, not CIFAR-10\n"
    )
