"""Facts are read from files and metadata: whole, cut off, or missing."""

from __future__ import annotations

import importlib.util
import platform
import py_compile
import struct
import sys
import sysconfig
from pathlib import Path

import pytest

from minivgg_edge.child_process import ChildRun
from minivgg_edge.doctor import reading, system, trials
from minivgg_edge.doctor.distributions import read_distributions, read_elf_machine
from minivgg_edge.doctor.examination import examine
from minivgg_edge.doctor.facts import Trial
from minivgg_edge.doctor.trials import count_delegated, try_import, try_inference
from minivgg_edge.doctor.wheel_tags import wheel_machine


def write(path: Path, content: str | bytes = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def elf(machine: int, order: str = "<") -> bytes:
    """The first 20 bytes of an ELF file."""
    data = 1 if order == "<" else 2
    return b"\x7fELF" + bytes([2, data]) + bytes(10) + struct.pack(f"{order}HH", 3, machine)


# The machine


def test_board(tmp_path: Path) -> None:
    write(
        tmp_path / "etc/os-release",
        'PRETTY_NAME="Raspbian 12"\nID=raspbian\nID_LIKE="debian x"\n#\nBAD="\n',
    )
    write(tmp_path / "proc/device-tree/model", "Raspberry Pi 3\0")
    write(tmp_path / "proc/cpuinfo", "Features : asimd\nCPU implementer : 0x41\nCPU part : 0xd03\n")
    found = system.read_system(tmp_path)
    assert found.os_name == "Raspbian 12"
    assert found.os_ids == ("raspbian", "debian", "x")
    assert found.is_debian
    assert (found.board, found.cpu) == ("Raspberry Pi 3", "Cortex-A53")
    assert found.cpu_features == ("asimd",)
    assert found.bits == 8 * struct.calcsize("P")
    assert (found.machine, found.name) == (platform.machine(), platform.system())


def test_nothing_below_the_root(tmp_path: Path) -> None:
    found = system.read_system(tmp_path)
    assert (found.os_name, found.os_ids, found.board, found.cpu) == (None, (), None, None)
    assert found.glibcxx is None


def test_glibcxx_takes_the_highest_number(tmp_path: Path) -> None:
    library = tmp_path / "usr/lib/arm-linux-gnueabihf/libstdc++.so.6"
    write(library, b"\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4\0")
    assert system.read_glibcxx(tmp_path, "arm-linux-gnueabihf") == (3, 4, 30)
    write(library, b"nothing")
    assert system.read_glibcxx(tmp_path, "arm-linux-gnueabihf") is None


def test_musl_and_soft_float_by_the_name_of_python_s_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"MULTIARCH": "x86_64-linux-musl"}
    monkeypatch.setattr(sysconfig, "get_config_var", names.get)
    found = system.read_system(tmp_path)
    assert (found.libc, found.libc_version, found.hard_float) == ("musl", (), None)
    names["MULTIARCH"] = "arm-linux-gnueabi"
    assert system.read_system(tmp_path).hard_float is False
    names["MULTIARCH"] = "arm-linux-gnueabihf"
    assert system.read_system(tmp_path).hard_float is True


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.36", (2, 36)),
        ("2.3.0rc1", (2, 3, 0)),
        ("", ()),
        ("dev", ()),
        ("2.", (2,)),
        ("9" * 50, (999_999_999,)),
    ],
)
def test_read_version(text: str, version: tuple[int, ...]) -> None:
    assert system.read_version(text) == version


# Python


def test_python() -> None:
    found = system.read_python()
    assert found.version == sys.version_info[:3]
    assert found.executable == sys.executable
    assert found.in_environment is (sys.prefix != sys.base_prefix)


def test_externally_managed_only_outside_of_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "EXTERNALLY-MANAGED")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert system.read_python().externally_managed is True
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert system.read_python().externally_managed is False
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    (tmp_path / "EXTERNALLY-MANAGED").unlink()
    assert system.read_python().externally_managed is False


@pytest.mark.parametrize(("value", "sees"), [("true", True), ("True", True), ("false", False)])
def test_environment_sees_the_system(tmp_path: Path, value: str, sees: bool) -> None:
    write(tmp_path / "pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = {value}\n")
    assert system.sees_system(tmp_path) is sees


def test_environment_without_its_file(tmp_path: Path) -> None:
    assert system.sees_system(tmp_path) is False


def test_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.read_camera(tmp_path).system_libcamera is False
    write(tmp_path / "usr/lib/python3/dist-packages/libcamera/__init__.py")
    write(tmp_path / "site/picamera2/__init__.py", "raise RuntimeError")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    camera = system.read_camera(tmp_path)
    assert (camera.picamera2, camera.libcamera, camera.system_libcamera) == (True, False, True)


# Packages


def install(folder: Path, name: str, version: str, *tags: str) -> Path:
    """Install a package of two Python files and a library; return its module's folder."""
    info = folder / f"{name}-{version}.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    write(info / "WHEEL", "Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    module = folder / name
    write(module / "__init__.py")
    write(module / "core/a.py")
    write(module / "tests/test_a.py")
    return module


def test_copies_in_the_order_of_the_path(tmp_path: Path) -> None:
    first, second = tmp_path / "site-packages", tmp_path / "usr/lib/python3/dist-packages"
    tag = "cp311-cp311-manylinux_2_27_aarch64"
    module = install(first, "numpy", "2.1.0", tag, "x-y-z")
    write(module / "core/_a.so", elf(183))
    py_compile.compile(str(module / "core/a.py"))
    install(second, "numpy", "1.24.2")
    install(first, "unrelated", "1")
    path = [str(first), str(tmp_path / "absent"), str(second), str(first)]
    new, old = read_distributions(path)
    assert (new.name, new.version, new.folder, new.from_system) == (
        "numpy",
        "2.1.0",
        str(first),
        False,
    )
    assert new.tags == (tag, "x-y-z")
    assert new.library_machine == "aarch64"
    assert (new.module_folder, new.sources, new.uncompiled) == (str(module), 2, 1)
    assert new.writable is True
    assert (old.version, old.from_system, old.library_machine) == ("1.24.2", True, None)
    assert old.uncompiled == old.sources == 2


def test_packages_that_pip_put_beside_debian_s_are_not_the_system_s(tmp_path: Path) -> None:
    folder = tmp_path / "usr/local/lib/python3.11/dist-packages"
    install(folder, "numpy", "2.1.0")
    (found,) = read_distributions([str(folder)])
    assert found.from_system is False


def test_metadata_that_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path / "numpy-1.0.dist-info/METADATA", "")
    write(tmp_path / "ai_edge_litert-1.0.dist-info/METADATA", "Name: AI_Edge.LiteRT\n")
    write(tmp_path / "broken.dist-info/RECORD", b"\xff\xfe")
    write(tmp_path / "foreign-1.0.dist-info/METADATA", b"Name: f\xff\xfe\nVersion: 1\n")
    write(tmp_path / "no-archive.zip", b"PK")
    (found,) = read_distributions([str(tmp_path), str(tmp_path / "no-archive.zip")])
    assert (found.name, found.version, found.module_folder) == ("ai-edge-litert", "unknown", None)


def test_python_that_keeps_no_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> str:
        raise NotImplementedError

    install(tmp_path, "numpy", "1.26.4")
    monkeypatch.setattr(importlib.util, "cache_from_source", refuse)
    (found,) = read_distributions([str(tmp_path)])
    assert found.uncompiled == 0


@pytest.mark.parametrize(
    ("content", "machine"),
    [
        (elf(62), "x86_64"),
        (elf(40), "armv7l"),
        (elf(183, ">"), "aarch64"),
        (elf(999), None),
        (elf(62)[:19], None),
        (b"MZ" + bytes(30), None),
    ],
)
def test_elf(tmp_path: Path, content: bytes, machine: str | None) -> None:
    assert read_elf_machine(write(tmp_path / "x.so", content)) == machine


def test_elf_of_this_python() -> None:
    if platform.system() != "Linux":
        pytest.skip("not ELF")
    machine = read_elf_machine(Path(sys.executable))
    here = wheel_machine(platform.machine(), 8 * struct.calcsize("P"))
    assert machine == here.replace("armv6l", "armv7l")  # ELF does not tell these two apart
    assert read_elf_machine(Path("absent")) is None


# Trials


def test_import_that_works() -> None:
    trial = try_import("json")
    assert trial == Trial("json", "2.0.9", None, None)


def test_import_of_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert try_import("no_such_module.part") == Trial(
        "no_such_module.part", None, "no_such_module", "No module named 'no_such_module'"
    )
    write(tmp_path / "needy.py", "import no_such_dependency")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert try_import("needy").missing == "no_such_dependency"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ImportError('no good')", "ImportError: no good"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("print('minivgg-edge doctor: not yet'); 1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os._exit(0)", "the process ended without a word"),
        ("import os; os._exit(3)", "the process ended with exit code 3: no message"),
        (
            "import os; os.kill(os.getpid(), 4)",
            "the process was ended by signal 4 (SIGILL: the processor lacks an instruction that "
            "the library was compiled for)",
        ),
        (
            "import atexit, os; atexit.register(os.kill, os.getpid(), 11)",
            "the process was ended by signal 11 (SIGSEGV: native code touched memory that is not "
            "its own)",
        ),
    ],
)
def test_import_that_fails(
    code: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "fragile.py", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert try_import("fragile").error == error


def test_import_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = ChildRun("", "", "gave no answer within 300 s")
    monkeypatch.setattr(trials, "run_python", lambda *args, **options: hung)
    assert try_import("x").error == "the process gave no answer within 300 s"


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert "does not know its own program" in str(try_import("json").error)
    monkeypatch.setattr(sys, "executable", "/absent/python")
    assert "no process can be started" in str(try_import("json").error)


def test_inference() -> None:
    found = try_inference()
    assert found.error is None
    assert found.operators is not None
    assert found.delegated is not None
    # LiteRT gives int8 models to XNNPACK, tflite-runtime 2.14 never does.
    if found.runtime == "ai-edge-litert":
        assert found.delegate == "XNNPACK"
        assert 0 < found.delegated < found.operators
        assert found.partitions == 1
    else:
        assert (found.delegate, found.delegated, found.partitions) == (None, 0, 0)


def test_delegated_operators() -> None:
    chain = [("A", [0], [1]), ("B", [1, 9], [2]), ("C", [2], [3]), ("D", [3], [4])]
    assert count_delegated(chain) == (0, 0)
    assert count_delegated([*chain, ("DELEGATE", [1, 9], [3])]) == (2, 1)
    assert count_delegated([*chain, ("DELEGATE", [0, 9], [4])]) == (4, 1)
    two = [("DELEGATE", [0], [1]), ("DELEGATE", [2], [4])]
    assert count_delegated([*chain, *two]) == (3, 2)
    # Both outputs of a branch, one of them inside.
    branch = [("A", [0], [1]), ("B", [1], [2]), ("C", [1], [3]), ("DELEGATE", [0], [2, 1])]
    assert count_delegated(branch) == (2, 1)


# All of it


def test_facts_of_this_machine() -> None:
    facts = reading.read_facts()
    assert facts.unreadable == ()
    assert facts.runs
    assert facts.installed("numpy") is not None


def test_what_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no luck")

    readers = ("read_system", "read_python", "read_distributions", "read_camera", "try_import")
    for reader in readers:
        monkeypatch.setattr(reading, reader, fail)
    facts = reading.read_facts()
    assert len(facts.unreadable) == len(readers)
    assert facts.unreadable[0] == "the machine: RuntimeError: no luck"
    said = [finding.sentence for finding in examine(facts).findings]
    assert all(any(what in sentence for sentence in said) for what in facts.unreadable)
