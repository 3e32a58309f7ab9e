"""``minivgg-edge doctor`` as a process, beside packages that are broken in every way."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import minivgg_edge
from minivgg_edge import cli

PACKAGE = Path(minivgg_edge.__file__).parent
KILLED = "import os; os.kill(os.getpid(), 4)"
# What the children inherit: the path, with the fake packages before all others.
MAIN = "import sys; from minivgg_edge.cli import main; sys.exit(main(sys.argv[1:]))"


def examine(*arguments: str, folder: Path | None = None, alone: bool = False) -> tuple[int, str]:
    """Run the command; nothing may be written to standard error.

    Args:
        arguments: Of the command.
        folder: With modules that are found before all others.
        alone: Whether the standard library and `folder` are all that is found.
    """
    path = [str(folder)] if folder else []
    if not alone:
        path.append(str(PACKAGE.parent))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    options = ["-S"] if alone else []
    run = subprocess.run(
        [sys.executable, *options, "-c", MAIN, "doctor", *arguments],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent if folder is None else folder,
        env=environment,
        timeout=300,
    )
    assert run.stderr == ""
    assert "Traceback" not in run.stdout
    return run.returncode, run.stdout


def fake(folder: Path, name: str, code: str) -> None:
    """Put a module before the real one."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
    if name in ("ai_edge_litert", "tflite_runtime"):
        (folder / name / "interpreter.py").write_text("")


def findings(text: str) -> dict[str, dict[str, Any]]:
    """The last finding about each topic."""
    return {finding["topic"]: finding for finding in json.loads(text)["findings"]}


def test_this_machine() -> None:
    code, text = examine()
    assert code == 0
    assert "the bundled model runs on" in " ".join(text.split())
    assert text.splitlines()[-1].startswith("models run here")


def test_json() -> None:
    code, text = examine("--json")
    document = json.loads(text)
    assert code == 0
    program = Path(document["facts"]["python"]["executable"])
    assert program.parent.samefile(Path(sys.executable).parent)
    assert document["facts"]["inference"]["operators"] > 0
    assert findings(text)["inference"]["status"] == "ok"


def test_nothing_is_installed(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name)
    code, text = examine("--json", folder=tmp_path, alone=True)
    found = findings(text)
    assert code == 1
    assert found["numpy"]["sentence"] == "numpy is not installed"
    assert found["runtime"]["sentence"].startswith("no runtime is installed")
    assert found["pillow"]["status"] == "warning"
    assert json.loads(text)["next"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('no numpy today')", "ImportError: no numpy today"),
        (KILLED, "signal 4 (SIGILL: the processor lacks an instruction"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_broken_numpy(code: str, words: str, tmp_path: Path) -> None:
    fake(tmp_path, "numpy", code)
    exit_code, text = examine("--json", folder=tmp_path)
    assert exit_code == 1
    assert words in findings(text)["numpy"]["sentence"]
    assert findings(text)["numpy"]["status"] == "problem"


def test_numpy_that_is_an_empty_folder(tmp_path: Path) -> None:
    fake(tmp_path, "numpy", "")
    exit_code, text = examine("--json", folder=tmp_path)
    assert exit_code == 1
    assert json.loads(text)["status"] == "problem"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('libc.so.6: version `GLIBC_2.99 not found')", "C library is older"),
        ("import a_module_that_is_not_there", "it needs the module a_module_that_is_not_there"),
        (KILLED, "signal 4 (SIGILL"),
        ("import os; os.abort()", "signal 6 (SIGABRT"),
    ],
)
def test_broken_runtime(code: str, words: str, tmp_path: Path) -> None:
    fake(tmp_path, "ai_edge_litert", code)
    exit_code, text = examine("--json", folder=tmp_path)
    finding = next(f for f in json.loads(text)["findings"] if f["topic"] == "runtime")
    assert exit_code == 1
    assert words in finding["sentence"]
    assert finding["status"] == "problem"
    assert finding["command"]


def test_both_runtimes_are_broken(tmp_path: Path) -> None:
    fake(tmp_path, "ai_edge_litert", KILLED)
    fake(tmp_path, "tflite_runtime", KILLED)
    exit_code, text = examine(folder=tmp_path)
    assert exit_code == 1
    assert text.count("SIGILL") >= 1
    assert text.splitlines()[-1].startswith("models do not run here; next: ")


def test_runtime_that_dies_at_the_first_inference(tmp_path: Path) -> None:
    fake(tmp_path, "ai_edge_litert", "__version__ = '2.3.0'")
    code = f"class Interpreter:\n    def __init__(self, **_):\n        {KILLED}\n"
    (tmp_path / "ai_edge_litert" / "interpreter.py").write_text(code)
    exit_code, text = examine("--json", folder=tmp_path)
    assert exit_code == 1
    assert "signal 4 (SIGILL" in findings(text)["inference"]["sentence"]


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "everything"]) == 2
    assert "unrecognized arguments" in capsys.readouterr().err
    assert cli.main(["doctor", "--help"]) == 0
    assert "exit codes: 0" in capsys.readouterr().out


def test_python_older_than_this_package_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(sys, "version", "3.9.2 (default)")
    assert cli.main(["doctor"]) == 1
    problem, command = capsys.readouterr().out.splitlines()
    assert problem == "problem  expected Python 3.10 or newer, got 3.9.2"
    assert command.startswith("$ python3.12 -m venv")


@pytest.mark.parametrize(
    "path", ["__init__", "__main__", "errors", "cli/__init__", "cli/terminal", "cli/doctor"]
)
def test_an_older_python_gets_as_far_as_that_sentence(path: str) -> None:
    ast.parse((PACKAGE / f"{path}.py").read_text(), feature_version=(3, 8))


def test_neither_numpy_nor_a_runtime_is_imported() -> None:
    program = (
        "import sys, io\nfrom minivgg_edge.cli import main\nmain(['doctor'])\n"
        "names = {'numpy', 'ai_edge_litert', 'tflite_runtime', 'PIL'} & set(sys.modules)\n"
        "sys.exit(f'imported: {names}' if names else 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr


def test_a_message_of_many_lines_stays_one_paragraph(tmp_path: Path) -> None:
    fake(tmp_path, "numpy", "raise ImportError('first\\n\\x1b[31msecond\\n\\nthird')")
    _, text = examine(folder=tmp_path)
    assert "\x1b" not in text
    assert "ImportError: first \\x1b[31msecond third" in " ".join(text.split())


def test_the_program_of_the_environment() -> None:
    program = Path(sysconfig.get_path("scripts"), "minivgg-edge")
    if not program.is_file():
        pytest.skip("the package is not installed here")
    run = subprocess.run([program, "doctor"], capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stderr) == (0, "")
