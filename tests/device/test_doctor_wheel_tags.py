"""Tags of wheels against machines, by the tables of the tags' specification."""

from __future__ import annotations

import pytest
from doctor_machines import python, system

from minivgg_edge.doctor.facts import System
from minivgg_edge.doctor.published import LITERT, TFLITE_RUNTIME, reason_for_none
from minivgg_edge.doctor.wheel_tags import Misfit, dotted, find_mismatch, wheel_machine


@pytest.mark.parametrize(
    ("machine", "bits", "expected"),
    [
        ("aarch64", 64, "aarch64"),
        ("aarch64", 32, "armv7l"),
        ("armv8l", 32, "armv7l"),
        ("armv7l", 32, "armv7l"),
        ("armv6l", 32, "armv6l"),
        ("x86_64", 64, "x86_64"),
        ("x86_64", 32, "i686"),
        ("AMD64", 64, "x86_64"),
        ("arm64", 64, "aarch64"),
    ],
)
def test_wheel_machine(machine: str, bits: int, expected: str) -> None:
    assert wheel_machine(machine, bits) == expected


PI = system()
PI_32_BIT = system(machine="armv7l", bits=32, hard_float=True)
MAC = system(name="Darwin", machine="arm64", libc="", libc_version=())
WINDOWS = system(name="Windows", machine="AMD64", libc="", libc_version=())


@pytest.mark.parametrize(
    ("tags", "machine"),
    [
        ((), PI),
        (("py3-none-any",), PI),
        (("cp311-cp311-manylinux_2_27_aarch64",), PI),
        (("cp311-cp311-manylinux_2_36_aarch64",), PI),
        (("cp311-cp311-manylinux2014_aarch64",), PI),
        (("cp311-cp311-linux_aarch64",), PI),
        (("cp37-abi3-manylinux2014_aarch64",), PI),
        (("cp310.cp311-none-manylinux_2_99_aarch64.manylinux_2_17_aarch64",), PI),
        (("cp311-cp311-manylinux_2_99_aarch64", "cp311-cp311-manylinux_2_28_aarch64"), PI),
        (("cp311-cp311-linux_armv6l",), PI_32_BIT),
        (("cp311-cp311-manylinux_2_34_armv7l",), PI_32_BIT),
        (("cp311-cp311-manylinux_2_34_armv7l",), system(machine="aarch64", bits=32)),
        (("cp311-cp311-manylinux_2_27_aarch64",), system(libc="", libc_version=())),
        (("cp311-cp311-musllinux_1_2_aarch64",), system(libc="musl", libc_version=())),
        (("cp311-cp311-macosx_12_0_arm64",), MAC),
        (("cp311-cp311-macosx_10_9_universal2",), MAC),
        (("cp311-cp311-win_amd64",), WINDOWS),
        (("some tag from the future",), PI),
        (("cp311-cp311-ios_13_0_arm64_iphoneos",), PI),
    ],
)
def test_tags_that_fit(tags: tuple[str, ...], machine: System) -> None:
    assert find_mismatch(tags, machine, python()) is None


@pytest.mark.parametrize(
    ("tag", "machine", "misfit"),
    [
        ("cp311-cp311-manylinux_2_27_x86_64", PI, Misfit.MACHINE),
        ("cp311-cp311-manylinux_2_27_aarch64", PI_32_BIT, Misfit.MACHINE),
        ("cp311-cp311-linux_armv7l", PI, Misfit.MACHINE),
        ("cp311-cp311-win_amd64", PI, Misfit.MACHINE),
        ("cp311-cp311-macosx_12_0_arm64", PI, Misfit.MACHINE),
        ("cp311-cp311-manylinux_2_27_aarch64", MAC, Misfit.MACHINE),
        ("cp311-cp311-macosx_12_0_x86_64", MAC, Misfit.MACHINE),
        ("cp311-cp311-win32", WINDOWS, Misfit.MACHINE),
        ("cp311-cp311-manylinux_2_37_aarch64", PI, Misfit.LIBC),
        ("cp311-cp311-manylinux2014_aarch64", system(libc_version=(2, 16)), Misfit.LIBC),
        ("cp311-cp311-musllinux_1_1_aarch64", PI, Misfit.LIBC),
        ("cp311-cp311-manylinux2014_aarch64", system(libc="musl", libc_version=()), Misfit.LIBC),
        ("cp310-cp310-manylinux_2_27_aarch64", PI, Misfit.PYTHON),
        ("cp312-abi3-manylinux_2_27_aarch64", PI, Misfit.PYTHON),
    ],
)
def test_tags_that_do_not_fit(tag: str, machine: System, misfit: Misfit) -> None:
    mismatch = find_mismatch((tag,), machine, python())
    assert mismatch is not None
    assert mismatch.misfit is misfit


def test_cpython_s_wheels_are_not_for_pypy() -> None:
    pypy = python(implementation="PyPy")
    mismatch = find_mismatch(("cp311-cp311-manylinux_2_27_aarch64",), PI, pypy)
    assert mismatch is not None
    assert (mismatch.built_for, mismatch.here) == ("Python 3.11", "PyPy 3.11")


def test_dotted() -> None:
    assert (dotted((2, 27)), dotted(())) == ("2.27", "")


@pytest.mark.parametrize("version", LITERT.pythons)
def test_published_for_the_first_and_last_python(version: tuple[int, int]) -> None:
    assert reason_for_none(LITERT, PI, python(version)) is None
    major, minor = version
    beyond = minor - 1 if version == LITERT.pythons[0] else minor + 1
    assert reason_for_none(LITERT, PI, python((major, beyond))) is not None


def test_published_for_the_oldest_c_library() -> None:
    assert reason_for_none(TFLITE_RUNTIME, system(libc_version=(2, 34)), python()) is None
    reason = reason_for_none(TFLITE_RUNTIME, system(libc_version=(2, 33)), python())
    assert reason == "for glibc 2.34 or newer, this is 2.33"
    # x86-64's tag says 2.17, but its code does not run there.
    pc = system(machine="x86_64", libc_version=(2, 28))
    assert "2.29 or newer (whatever their tag, 2.17," in str(
        reason_for_none(TFLITE_RUNTIME, pc, python())
    )
    # An unknown version is no reason against it.
    assert reason_for_none(TFLITE_RUNTIME, system(libc_version=()), python()) is None


def test_published_elsewhere() -> None:
    assert reason_for_none(LITERT, MAC, python()) is None
    assert reason_for_none(LITERT, WINDOWS, python()) is None
    assert reason_for_none(TFLITE_RUNTIME, WINDOWS, python()) is not None
