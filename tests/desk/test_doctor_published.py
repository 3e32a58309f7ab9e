"""The table of published wheels against what pip finds."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minivgg_edge.doctor.published import RUNTIMES, TABLE, Target, Wheels
from minivgg_edge.doctor.system import read_version
from minivgg_edge.doctor.wheel_tags import dotted, wheel_machine

PLATFORMS = [
    (re.compile(r"manylinux_(\d+)_(\d+)_(\w+)"), "Linux", "glibc"),
    (re.compile(r"musllinux_(\d+)_(\d+)_(\w+)"), "Linux", "musl"),
    (re.compile(r"macosx_(\d+)_(\d+)_(\w+)"), "Darwin", ""),
    (re.compile(r"win()()_(\w+)"), "Windows", ""),
]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, ...]]]:
    """Every wheel that the package index lists: version, Python, platforms; by distribution."""
    found = {}
    for name in sorted({wheels.distribution for wheels in TABLE}):
        # No wheel is for this platform, so that pip says of each why it is none.
        target = str(tmp_path_factory.mktemp(name))
        options = ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary", ":all:"]
        options += ["--platform", "manylinux_2_99_nothing", "--python-version", "3.11"]
        run = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-vvv", *options, "--target", target, name],
            capture_output=True,
            text=True,
            timeout=300,
        )
        file = re.compile(rf"{name.replace('-', '_')}-([\w.]+)-([\w.]+)-[\w.]+-([\w.]+)\.whl")
        found[name] = set(file.findall(run.stdout + run.stderr))
        if not found[name]:
            pytest.skip(f"pip lists no wheels of {name}: no network?")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("wheels", TABLE, ids=lambda w: f"{w.distribution}-{w.newest}")
def test_table(wheels: Wheels, listed: dict[str, set[tuple[str, ...]]]) -> None:
    for version in (wheels.oldest, wheels.newest):
        files = [file for file in listed[wheels.distribution] if file[0] == version]
        for target in wheels.targets:
            minimum: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
            for _, tag, platforms in files:
                numbers = re.fullmatch(r"cp(\d)(\d+)", tag)
                for platform in platforms.replace("manylinux2014", "manylinux_2_17").split("."):
                    for pattern, system, libc in PLATFORMS:
                        match = pattern.fullmatch(platform)
                        if match is None or numbers is None:
                            continue
                        major, minor, machine = match.groups()
                        key = (system, libc, wheel_machine(machine, 64))
                        if key == (target.system, target.libc, target.machine):
                            python = (int(numbers.group(1)), int(numbers.group(2)))
                            oldest = (int(major), int(minor)) if major else ()
                            minimum.setdefault(python, set()).add(oldest)
            assert (min(minimum), max(minimum)) == wheels.pythons, (version, target)
            assert {min(found) for found in minimum.values()} == {target.minimum}, (version, target)


TARGETS = [
    pytest.param(wheels, target, id=f"{wheels.distribution}-{target.machine}")
    for wheels in RUNTIMES
    for target in wheels.targets
    if target.libc
]


@pytest.mark.slow
@pytest.mark.parametrize(("wheels", "target"), TARGETS)
def test_what_the_code_needs_of_the_system(wheels: Wheels, target: Target, tmp_path: Path) -> None:
    options = ["--no-deps", "--only-binary", ":all:", "--python-version", dotted(wheels.pythons[1])]
    options += ["--platform", f"manylinux_{target.minimum[0]}_{target.minimum[1]}_{target.machine}"]
    options += ["--platform", f"manylinux2014_{target.machine}", "--dest", str(tmp_path)]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            *options,
            f"{wheels.distribution}=={wheels.newest}",
        ],
        capture_output=True,
        timeout=300,
    )
    if run.returncode != 0:
        pytest.skip("pip downloads nothing: no network?")
    (file,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        libraries = [archive.read(name) for name in archive.namelist() if ".so" in name]
    newest: dict[bytes, tuple[int, ...]] = {}
    for library in libraries:
        for kind, version in re.findall(rb"(GLIBC|GLIBCXX)_([\d.]+)\0", library):
            found = read_version(version.decode())
            newest[kind] = max(found, newest.get(kind, ()))
    assert newest[b"GLIBC"] == target.needed
    assert newest.get(b"GLIBCXX", ()) == target.glibcxx


@pytest.mark.slow
def test_no_runtime_is_newer_than_the_table(listed: dict[str, set[tuple[str, ...]]]) -> None:
    for wheels in RUNTIMES:
        releases = {v for v, _, _ in listed[wheels.distribution] if not re.search("[a-z]", v)}
        assert max(releases, key=read_version) == wheels.newest


def test_the_tests_know_every_kind_of_target() -> None:
    kinds = {(system, libc) for _, system, libc in PLATFORMS}
    assert {(t.system, t.libc) for wheels in TABLE for t in wheels.targets} <= kinds
