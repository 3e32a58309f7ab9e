"""What the device package never does: network, foreign code, pickles, files of its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import minivgg_edge
from minivgg_edge.cli import COMMANDS

PACKAGE = Path(minivgg_edge.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

NETWORK = {
    "asyncio", "ftplib", "http", "imaplib", "multiprocessing", "nntplib", "poplib", "smtplib",
    "socket", "socketserver", "ssl", "telnetlib", "urllib", "webbrowser", "wsgiref", "xmlrpc",
}  # fmt: skip
FOREIGN_CODE = {
    "_pickle", "code", "codeop", "copyreg", "ctypes", "dbm", "imp", "importlib", "marshal",
    "pickle", "pickletools", "runpy", "shelve", "zipimport",
}  # fmt: skip
PROCESSES = {"pty", "subprocess", "_posixsubprocess"}
TEMPORARY = {"tempfile"}

# Who may, and for what.
ALLOWED = {
    "catalog.py": {"importlib"},  # importlib.metadata and .resources: which models are installed
    "child_engine.py": {"subprocess"},  # a model that nobody has verified
    "child_process.py": {"subprocess"},  # a child process whose crash becomes words
    "cli/__init__.py": {"importlib"},  # the module of the command that was called
    "doctor/distributions.py": {"importlib"},  # what is installed
    "doctor/system.py": {"importlib"},  # the bytecode file of a module
    "installed.py": {"importlib"},  # importlib.metadata: wheels with models
    "interpreter.py": {"ctypes"},  # Py_IncRef of an interpreter in the child of a fork
    "measure/fresh_process.py": {"subprocess"},  # the cold start is that of a new process
    "measure/machine_state.py": {"subprocess"},  # vcgencmd of the Raspberry Pi
    "measure/probe.py": {"__import__"},  # the runtime, by the name that its parent gives
    "picture_check.py": {"importlib"},  # is Pillow installed
}
CALLS = {
    "eval", "exec", "compile", "__import__", "breakpoint",
    "os.system", "os.popen", "os.startfile", "os.posix_spawn", "os.posix_spawnp", "os.forkpty",
    *(f"os.exec{end}" for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(f"os.spawn{end}" for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
}  # fmt: skip


def dotted(node: ast.expr) -> str:
    """The name that a call names: `os.system`, `eval`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def uses(source: str) -> Iterator[str]:
    """Yield what a module imports, as top-level names, and the calls and arguments that count."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).split(".")[0]
        elif isinstance(node, ast.Call):
            if dotted(node.func) in CALLS:
                yield dotted(node.func)
            for keyword in node.keywords:
                constant = getattr(keyword.value, "value", "not a constant")
                if keyword.arg in ("allow_pickle", "shell") and constant is not False:
                    yield str(keyword.arg)


def forbidden(source: str) -> set[str]:
    watched = NETWORK | FOREIGN_CODE | PROCESSES | TEMPORARY | CALLS | {"allow_pickle", "shell"}
    return set(uses(source)) & watched


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_holds_nothing_that_loads_code_or_talks(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    assert forbidden(path.read_text(encoding="utf-8")) <= ALLOWED.get(name, set())


def test_every_exception_is_still_needed() -> None:
    for name, allowed in ALLOWED.items():
        assert forbidden((PACKAGE / name).read_text(encoding="utf-8")) == allowed, name


@pytest.mark.parametrize(
    "source",
    [
        "import urllib.request", "from http import client", "def f():\n    import ssl",
        "eval('1')", "import os\nos.system('true')", "np.load(p, allow_pickle=True)",
        "np.load(p, allow_pickle=flag)", "run('true', shell=True)", "from pickle import loads",
        "import tempfile", "exec(code)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_is_for(source: str) -> None:
    assert forbidden(source)
    assert not forbidden("import os, json\nnp.load(p, allow_pickle=False)\nre.compile('a')")


# While it runs

CHILD = """
import json, os, sys
sys.dont_write_bytecode = True
told = []

def listen(event, arguments):
    if event.startswith(("socket.", "urllib.", "ftplib.", "http.", "smtplib.", "pickle.",
                         "os.system", "webbrowser.", "tempfile.", "syslog.")):
        told.append(event)
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
                   "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.move"):
        told.append(f"{event} {arguments[0]!r}")
    elif event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path, mode, flags = arguments
        if (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and path != os.devnull:
            told.append(f"write {path!r}")

import numpy, PIL.Image  # what others do while they are imported is theirs
PIL.Image.init()
sys.addaudithook(listen)
from minivgg_edge.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(json.dumps({"code": code, "told": told}), file=sys.stderr)
"""

API = """
import io, numpy as np
from PIL import Image
from minivgg_edge import Classifier
with Classifier() as classifier:
    picture = np.zeros(classifier.input_shape, np.uint8)
    classifier.classify(picture)
    classifier.classify(Image.fromarray(picture).resize((90, 50)))
    classifier.classify("PICTURE")
    list(classifier.classify_batch([open("PICTURE", "rb").read()], top_k=3))
    classifier.scores(picture)
    classifier.model_info.manifest
def main(arguments):
    return 0
"""

# A command without an entry runs without arguments: a new one is covered the day it appears.
ARGUMENTS = {
    "classify": ["PICTURE", "--top-k", "3", "--json"],
    "evaluate": ["FOLDER", "--allow-missing"],
    "bench": ["--rounds", "3", "--processes", "1"],
}


def listened(program: str, arguments: list[str], folder: Path) -> dict[str, object]:
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert run.returncode == 0, run.stderr
    answer: dict[str, object] = json.loads(run.stderr.splitlines()[-1])
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image", reason="pictures are files here")
    with minivgg_edge.Classifier() as classifier:
        place = tmp_path / "data" / classifier.labels[0]
    place.mkdir(parents=True)
    picture = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    image.fromarray(picture).save(place / "picture.jpg")
    image.fromarray(picture).save(place / "picture.tif", compression="tiff_lzw")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_opens_no_socket_loads_no_pickle_and_writes_nothing(
    command: str, folder: Path
) -> None:
    places = {"PICTURE": str(next(folder.rglob("picture.jpg"))), "FOLDER": str(folder / "data")}
    arguments = [places.get(word, word) for word in ARGUMENTS.get(command, [])]
    before = sorted(folder.rglob("*"))
    answer = listened(CHILD, [command, *arguments], folder)
    assert answer["told"] == []
    assert answer["code"] in (0, 1)
    assert sorted(folder.rglob("*")) == before


def test_the_api_opens_no_socket_loads_no_pickle_and_writes_nothing(folder: Path) -> None:
    call = API.replace("PICTURE", str(next(folder.rglob("picture.jpg"))))
    program = CHILD.replace("from minivgg_edge.cli import main\n", call)
    assert listened(program, [], folder) == {"code": 0, "told": []}


def test_the_listener_hears_what_it_is_for(tmp_path: Path) -> None:
    program = CHILD.replace(
        "from minivgg_edge.cli import main\n",
        "import pickle, socket\n"
        "def main(arguments):\n"
        "    socket.socket().close()\n"
        "    pickle.loads(pickle.dumps(print))\n"
        "    open('made', 'w').close()\n"
        "    os.remove('made')\n"
        "    return 0\n",
    )
    told = str(listened(program, [], tmp_path)["told"])
    assert all(word in told for word in ("socket.__new__", "pickle.find_class", "write", "remove"))
