"""Every command of `benchmarks` starts: its imports and its options hold."""

from __future__ import annotations

import importlib
import shlex
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# Scripts that other Pythons run by their path, without options.
_WORKERS = ("worker", "workloads")


def _commands() -> list[str]:
    found = []
    for path in sorted((_ROOT / "benchmarks").rglob("*.py")):
        module = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        if "sys.exit(run_command(main))" in text and not any(word in module for word in _WORKERS):
            found.append(module)
    return found


COMMANDS = _commands()


def test_they_are_found() -> None:
    assert {"benchmarks.cards", "benchmarks.precision.__main__"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(name)
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {name.removesuffix('.__main__')}")


@pytest.mark.parametrize("target", ["peers", "arm", "quantization", "precision", "robustness"])
def test_make_calls_them_with_options_that_they_have(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No variable of one target is another's."""
    words = ["--dry-run", "--no-print-directory", target, "DATA=tests"]
    run = subprocess.run(["make", *words], cwd=_ROOT, capture_output=True, text=True, check=True)
    called = [shlex.split(line) for line in run.stdout.splitlines() if "-m benchmarks." in line]
    assert called
    for _, _, name, *options in called:
        assert [word for word in options if not word.startswith("-")] in ([], ["tests"])
        module = f"{name}.__main__" if f"{name}.__main__" in COMMANDS else name
        with pytest.raises(SystemExit) as ended:  # options are checked before --help ends it
            importlib.import_module(module).main([*options, "--help"])
        assert ended.value.code == 0
    capsys.readouterr()
