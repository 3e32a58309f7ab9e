"""Each pain of installing: what the doctor says and what it tells to type."""

from __future__ import annotations

import dataclasses
import re

import pytest
from doctor_machines import (
    LITERT,
    NEW_ENVIRONMENT,
    NOTHING,
    NUMPY,
    PILLOW,
    PYTHON,
    SITE,
    SYSTEM_SITE,
    TFLITE_RUNTIME,
    broken,
    copy,
    diagnose,
    machine,
    managed_python,
    missing,
    python,
    system,
    works,
)

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.examination import examine
from minivgg_edge.doctor.facts import Camera, Facts, Inference, Python
from minivgg_edge.doctor.findings import Status

PIP = f"{PYTHON} -m pip install"
OPEN = "/usr/bin/python3 -m venv --system-site-packages /home/pi/env"
PACKAGE = '"minivgg-edge[pictures]"'
TFLITE_WORDS = '"tflite-runtime>=2.14,<3" "numpy>=1.24,<2"'
FRESH = "python3.12 -m venv ~/minivgg"
REINSTALL = f"{PIP} --force-reinstall --no-cache-dir --no-deps"
PI_3_32_BIT = system(machine="armv7l", bits=32, hard_float=True)
ON_TFLITE = (missing(LITERT), works(TFLITE_RUNTIME, "2.14.0"))


def check(
    facts: Facts, topic: str, status: str, sentence: str, command: str | None, *, first: bool = True
) -> None:
    """Expect a finding, and by default that its command is the one to type next."""
    diagnosis, finding = diagnose(facts, topic)
    assert re.search(sentence, finding.sentence), finding.sentence
    assert finding.status.value == status
    assert finding.command == command
    if first:
        assert diagnosis.next_command == command


def test_all_is_well() -> None:
    diagnosis = examine(machine())
    assert diagnosis.status is Status.OK
    assert {finding.status for finding in diagnosis.findings} == {Status.OK}
    assert diagnosis.next_command == f"{PYTHON} -m minivgg_edge self-test"
    (machine_finding,) = [f for f in diagnosis.findings if f.topic == "machine"]
    assert machine_finding.sentence == (
        "ai-edge-litert 2.1.6 to 2.3.0 has a wheel for Linux aarch64, Python 3.11, glibc 2.36"
    )


# The machine and its Python


def test_armv6_has_no_runtime_and_nothing_to_type() -> None:
    facts = machine(*NOTHING, system=system(machine="armv6l", bits=32, hard_float=True))
    check(facts, "machine", "problem", r"armv6l \(Raspberry Pi 1 or Zero\)", None)


def test_32_bit_system_on_a_32_bit_kernel() -> None:
    facts = machine(*NOTHING, system=PI_3_32_BIT, packages=())
    check(
        facts,
        "machine",
        "ok",
        r"^tflite-runtime 2.14.0 has a wheel for Linux armv7l",
        None,
        first=False,
    )
    expected = f"sudo apt install python3-numpy python3-pil && {PIP} {TFLITE_WORDS}"
    check(facts, "numpy", "problem", "numpy is not installed", expected)
    isolated = dataclasses.replace(facts, python=python(sees_system=False))
    check(isolated, "numpy", "problem", "not", expected.replace(" && ", f" && {OPEN} && "))
    outside = dataclasses.replace(facts, python=managed_python())
    _, finding = diagnose(outside, "numpy")
    assert finding.command == (
        f"sudo apt install python3-numpy python3-pil && {NEW_ENVIRONMENT} "
        '"tflite-runtime>=2.14,<3" "numpy>=1.24,<2"'
    )


def test_pillow_of_a_32_bit_system_comes_from_apt() -> None:
    facts = machine(*ON_TFLITE, missing(PILLOW), system=PI_3_32_BIT)
    check(facts, "pillow", "warning", "not installed", "sudo apt install python3-pil")


def test_32_bit_system_on_a_64_bit_kernel() -> None:
    mixed = system(bits=32, hard_float=True)
    facts = machine(NOTHING[1], works(NUMPY, "1.24.2"), system=mixed, packages=())
    expected = f'{PIP} "tflite-runtime>=2.14,<3" "numpy>=1.24,<2"'
    check(
        facts, "machine", "warning", r"32-bit on a 64-bit kernel \(aarch64\).*--no-deps", expected
    )
    managed = dataclasses.replace(facts, python=managed_python())
    _, finding = diagnose(managed, "runtime")
    assert finding.command == (
        "/usr/bin/python3 -m venv --system-site-packages ~/minivgg && "
        '~/minivgg/bin/pip install --no-deps "minivgg-edge" && '
        '~/minivgg/bin/pip install "tflite-runtime>=2.14,<3" "numpy>=1.24,<2"'
    )
    running = machine(*ON_TFLITE, system=mixed)
    check(running, "machine", "warning", "64-bit system runs", commands.OTHER_SYSTEM)


def test_32_bit_system_with_a_python_too_new_for_its_runtime() -> None:
    facts = machine(*NOTHING, system=PI_3_32_BIT, python=python((3, 13)))
    sentence = (
        "ai-edge-litert's wheels are for .*this is Linux armv7l; tflite-runtime's wheels are "
        "for Python 3.8 to 3.11, this is 3.13; write a 64-bit system"
    )
    check(facts, "machine", "problem", sentence, commands.OTHER_SYSTEM)


def test_soft_float_system() -> None:
    facts = machine(*NOTHING, system=system(machine="armv7l", bits=32, hard_float=False))
    check(facts, "machine", "problem", "hard-float", commands.OTHER_SYSTEM)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [((3, 15), "for Python 3.10 to 3.14, this is 3.15"), ((3, 9), "this is 3.9")],
)
def test_python_that_no_runtime_is_built_for(version: tuple[int, int], sentence: str) -> None:
    other = f"{FRESH} && ~/minivgg/bin/pip install {PACKAGE}"
    old_libc = system(libc_version=(2, 31))  # so that tflite-runtime does not fit 3.9 either
    facts = machine(*NOTHING, python=python(version), system=old_libc)
    check(facts, "machine", "problem", sentence, other)


def test_python_too_old_for_this_package() -> None:
    facts = machine(*NOTHING, python=python((3, 9)))
    _, finding = diagnose(facts, "python")
    assert finding.status is Status.PROBLEM
    assert finding.sentence == "expected Python 3.10 or newer, got 3.9.2"
    assert finding.command is not None
    assert finding.command.startswith("python3.12 -m venv")


@pytest.mark.parametrize(
    ("here", "kind"),
    [
        (python(implementation="PyPy"), "this is PyPy"),
        (python((3, 13), free_threaded=True), "this is free-threaded CPython"),
    ],
)
def test_another_kind_of_python(here: Python, kind: str) -> None:
    diagnosis, finding = diagnose(machine(*NOTHING, python=here), "machine")
    assert kind in finding.sentence
    assert diagnosis.next_command == finding.command
    assert "python3.12 -m venv" in str(finding.command)


def test_musl() -> None:
    alpine = system(libc="musl", libc_version=(), os_ids=("alpine",), board=None)
    facts = machine(*NOTHING, system=alpine)
    check(facts, "machine", "problem", "for glibc, this is musl;.*Debian", commands.CONTAINER)


def test_glibc_too_old() -> None:
    facts = machine(*NOTHING, system=system(libc_version=(2, 24)))
    sentence = "for glibc 2.34 or newer.*, this is 2.24"
    check(facts, "machine", "problem", sentence, commands.OTHER_SYSTEM)


def test_cxx_library_too_old() -> None:
    facts = machine(*NOTHING, system=system(glibcxx=(3, 4, 29)))
    sentence = "a C[+][+] library with GLIBCXX 3.4.30, this has 3.4.29.*newer release"
    check(facts, "machine", "ok", "^tflite-runtime", None, first=False)  # linked into its code
    too_new = dataclasses.replace(facts, python=python((3, 13)))
    check(too_new, "machine", "problem", sentence, commands.OTHER_SYSTEM)
    enough = machine(*NOTHING, system=system(glibcxx=(3, 4, 30)))
    assert diagnose(enough, "machine")[1].sentence.startswith("ai-edge-litert")


def test_litert_on_arm_needs_a_newer_glibc_than_its_tag_says() -> None:
    facts = machine(*NOTHING, system=system(libc_version=(2, 31)))
    sentence = (
        r"ai-edge-litert's wheels are for glibc 2.34 or newer \(whatever their tag, 2.27, says\)"
    )
    check(facts, "machine", "problem", sentence, commands.OTHER_SYSTEM)


def test_32_bit_python_on_x86() -> None:
    facts = machine(*NOTHING, system=system(machine="x86_64", bits=32, board=None))
    check(facts, "machine", "problem", "a 64-bit system and Python are needed", None)


def test_another_machine() -> None:
    facts = machine(*NOTHING, system=system(machine="riscv64"))
    check(facts, "machine", "problem", "this is Linux riscv64.*another machine", None)


def test_what_runs_is_no_problem() -> None:
    facts = machine(system=system(libc="musl", libc_version=()))
    diagnosis, finding = diagnose(facts, "machine")
    assert finding.status is Status.WARNING
    assert diagnosis.status is Status.WARNING


# Where to install


def test_externally_managed_environment() -> None:
    facts = machine(*NOTHING, python=managed_python(), packages=())
    check(facts, "pip", "warning", "externally managed environment", NEW_ENVIRONMENT, first=False)
    check(facts, "numpy", "problem", "not installed", NEW_ENVIRONMENT)
    check(facts, "runtime", "problem", "neither", NEW_ENVIRONMENT)
    without_venv = dataclasses.replace(facts, python=managed_python(has_ensurepip=False))
    expected = f"sudo apt install python3-venv && {NEW_ENVIRONMENT}"
    check(without_venv, "numpy", "problem", "not", expected)
    for finding in examine(facts).findings:
        assert "--user" not in (finding.command or "")
        assert "--break-system-packages" not in (finding.command or "")


def test_who_has_everything_need_not_care_about_pip() -> None:
    diagnosis = examine(machine(python=managed_python(has_pip=False)))
    assert diagnosis.status is Status.OK


def test_folder_that_may_not_be_written() -> None:
    here = python(in_environment=False, prefix="/usr", writable=False)
    facts = machine(*NOTHING, python=here)
    check(facts, "pip", "warning", "may not write", NEW_ENVIRONMENT, first=False)


@pytest.mark.parametrize(
    ("has_ensurepip", "ids", "expected"),
    [
        (True, ("debian",), f"{PYTHON} -m ensurepip --upgrade"),
        (False, ("debian",), "sudo apt install python3-pip"),
        (False, ("fedora",), "sudo dnf install python3-pip"),
        (False, ("alpine",), "apk add py3-pip"),
    ],
)
def test_pip_is_missing(has_ensurepip: bool, ids: tuple[str, ...], expected: str) -> None:
    here = python(has_pip=False, has_ensurepip=has_ensurepip)
    facts = machine(*NOTHING, python=here, system=system(os_ids=ids), packages=())
    command = f'{expected} && {PIP} "numpy>=1.24" "ai-edge-litert>=2.1.6"'
    check(facts, "numpy", "problem", "not installed", command)
    check(
        facts,
        "pip",
        "warning",
        "pip is not installed",
        f'{expected} && {PIP} "minivgg-edge[pictures]"',
        first=False,
    )


# numpy


def test_numpy_is_missing_beside_a_runtime() -> None:
    waiting = missing(LITERT, "numpy")
    facts = machine(missing(NUMPY), waiting, packages=(copy("ai-edge-litert", "2.3.0"),))
    check(facts, "numpy", "problem", "numpy is not installed", f'{PIP} "numpy>=1.24"')
    check(
        facts, "runtime", "problem", "ai-edge-litert 2.3.0 waits for numpy", f'{PIP} "numpy>=1.24"'
    )
    waiting = missing(TFLITE_RUNTIME, "numpy")
    old = machine(
        missing(NUMPY), missing(LITERT), waiting, packages=(copy("tflite-runtime", "2.14.0"),)
    )
    check(old, "numpy", "problem", "numpy is not installed", f'{PIP} "numpy>=1.24,<2"')


def test_numpy_is_too_old() -> None:
    facts = machine(works(NUMPY, "1.19.5"))
    check(
        facts,
        "numpy",
        "warning",
        "expected numpy 1.24 or newer, got 1.19.5",
        f'{PIP} "numpy>=1.24"',
    )


def test_numpy_is_broken() -> None:
    error = "ImportError: libopenblas.so.0: cannot open shared object file: No such file"
    check(
        machine(broken(NUMPY, error)),
        "numpy",
        "problem",
        "the system lacks libopenblas.so.0",
        "sudo apt install libopenblas0",
    )
    crash = "the process was ended by signal 4 (SIGILL: the processor lacks an instruction)"
    check(
        machine(broken(NUMPY, crash)),
        "numpy",
        "problem",
        r"numpy 1.26.4 cannot be imported: .*SIGILL.*this processor",
        f"{REINSTALL} numpy",
    )
    on_32_bit = machine(broken(NUMPY, crash), system=PI_3_32_BIT)
    check(on_32_bit, "numpy", "problem", "SIGILL", "sudo apt install python3-numpy python3-pil")


def test_broken_numpy_before_the_system_s() -> None:
    packages = (copy("numpy", "2.3.5"), copy("numpy", "1.24.2", SYSTEM_SITE))
    for error in ("ImportError: x", "the process was ended by signal 4 (SIGILL)"):
        facts = machine(broken(NUMPY, error), packages=packages, system=PI_3_32_BIT)
        check(facts, "numpy", "problem", error[-3:-1], f"{PYTHON} -m pip uninstall -y numpy")


def test_numpy_2_with_tflite_runtime() -> None:
    trials = (works(NUMPY, "2.1.0"), *ON_TFLITE)
    packages = (copy("numpy", "2.1.0"), copy("tflite-runtime", "2.14.0"))
    sentence = "tflite-runtime 2.14.0: expected numpy below 2, got 2.1.0"
    failed = Inference(None, None, None, None, None, None, f"RuntimeUnavailableError: {sentence}")
    facts = machine(*trials, packages=packages, inference=failed)
    check(facts, "runtime", "problem", sentence, f'{PIP} "ai-edge-litert>=2.1.6"')
    on_32_bit = dataclasses.replace(facts, system=PI_3_32_BIT)
    check(on_32_bit, "runtime", "problem", sentence, f'{PIP} "numpy>=1.24,<2"')
    hiding = (copy("numpy", "2.1.0"), copy("numpy", "1.24.2", SYSTEM_SITE), packages[1])
    hidden = dataclasses.replace(on_32_bit, distributions=hiding)
    check(hidden, "runtime", "problem", sentence, f"{PYTHON} -m pip uninstall -y numpy")
    assert not any(f.topic == "inference" for f in examine(facts).findings)


def test_newer_numpy_hides_that_of_the_camera_packages() -> None:
    packages = (
        copy("numpy", "2.1.0"),
        copy("numpy", "1.24.2", SYSTEM_SITE),
        copy("picamera2", "0.3.12", SYSTEM_SITE),
        copy("simplejpeg", "1.6.4", SYSTEM_SITE),
        copy("ai-edge-litert", "2.3.0"),
    )
    facts = machine(works(NUMPY, "2.1.0"), packages=packages)
    sentence = f"numpy 2.1.0 in {SITE} hides the system's numpy 1.24.2, .*picamera2 and simplejpeg"
    check(facts, "numpy", "warning", sentence, f"{PYTHON} -m pip uninstall -y numpy")
    outside = dataclasses.replace(facts, python=managed_python())
    expected = "sudo /usr/bin/python3 -m pip uninstall -y --break-system-packages numpy"
    check(outside, "numpy", "warning", "hides", expected)


@pytest.mark.parametrize("error", [None, "ValueError: numpy.dtype size changed"])
def test_numpy_of_the_same_major_version_hides_nothing_unless_it_breaks(error: str | None) -> None:
    packages = (
        copy("numpy", "1.26.4"),
        copy("numpy", "1.24.2", SYSTEM_SITE),
        copy("simplejpeg", "1.6.4", SYSTEM_SITE),
    )
    facts = machine(
        dataclasses.replace(works("simplejpeg", "1.6.4"), error=error), packages=packages
    )
    _, finding = diagnose(facts, "numpy")
    assert finding.status is (Status.OK if error is None else Status.WARNING)


def test_simplejpeg_is_broken_otherwise() -> None:
    error = "ImportError: libjpeg.so.62: cannot open shared object file"
    expected = "sudo apt install libjpeg62-turbo"
    check(machine(broken("simplejpeg", error)), "camera", "warning", "picamera2 needs", expected)


# Runtimes


def test_both_runtimes() -> None:
    facts = machine(works(TFLITE_RUNTIME, "2.14.0"))
    check(
        facts,
        "runtime",
        "warning",
        "both installed: ai-edge-litert is used",
        f"{PYTHON} -m pip uninstall -y tflite-runtime",
    )


def test_broken_runtime_before_one_that_works() -> None:
    facts = machine(broken(LITERT, "OSError: x"), works(TFLITE_RUNTIME, "2.14.0"), inference=None)
    expected = f"{PYTHON} -m pip uninstall -y ai-edge-litert"
    check(facts, "runtime", "problem", "x; .*tflite-runtime works, but is not used", expected)


def test_no_runtime() -> None:
    facts = machine(missing(LITERT), packages=(copy("tensorflow", "2.21.0"),))
    check(
        facts,
        "runtime",
        "problem",
        r"neither .*TensorFlow 2.21.0",
        f'{PIP} "ai-edge-litert>=2.1.6"',
    )


def test_litert_without_a_verifier() -> None:
    facts = machine(works(LITERT, "2.1.4"))
    check(
        facts,
        "runtime",
        "warning",
        "expected ai-edge-litert 2.1.6 or newer, got 2.1.4",
        f'{PIP} "ai-edge-litert>=2.1.6"',
    )


@pytest.mark.parametrize(
    ("error", "cause", "command"),
    [
        (
            "ImportError: libc.so.6: version `GLIBC_2.38' not found",
            "C library is older",
            commands.OTHER_SYSTEM,
        ),
        (
            "ImportError: libstdc++.so.6: version `GLIBCXX_3.4.32' not found",
            r"C\+\+ library is older",
            "sudo apt update && sudo apt install --only-upgrade libstdc++6",
        ),
        (
            "ImportError: libstdc++.so.6: cannot open shared object file: No such file",
            r"lacks libstdc\+\+.so.6",
            "sudo apt install libstdc++6",
        ),
        (
            "ImportError: libfoo.so.3: cannot open shared object file: No such file",
            "lacks libfoo.so.3",
            "sudo apt install apt-file && sudo apt-file update && apt-file search libfoo.so.3",
        ),
        (
            "ImportError: x.so: wrong ELF class: ELFCLASS64",
            "another machine",
            f'{REINSTALL} "ai-edge-litert>=2.1.6"',
        ),
        (
            f"OSError: {SITE}/ai_edge_litert/libLiteRt.so: cannot open shared object file: No such",
            "its own libLiteRt.so is missing or for another machine",
            f'{REINSTALL} "ai-edge-litert>=2.1.6"',
        ),
        (
            "ImportError: ld-linux-armhf.so.3: cannot open shared object file",
            "another",
            f'{REINSTALL} "ai-edge-litert>=2.1.6"',
        ),
        ("ImportError: x.so: failed to map segment from shared object", "noexec", NEW_ENVIRONMENT),
        (
            "the process was ended by signal 4 (SIGILL)",
            "does not run on this processor",
            f'{REINSTALL} "ai-edge-litert>=2.1.6"',
        ),
        (
            "ImportError: undefined symbol: _Zfoo",
            "may be damaged",
            f'{REINSTALL} "ai-edge-litert>=2.1.6"',
        ),
    ],
)
def test_runtime_that_cannot_be_imported(error: str, cause: str, command: str) -> None:
    facts = machine(broken(LITERT, error))
    start = re.escape(f"ai-edge-litert 2.3.0 is installed but cannot be imported: {error}; ")
    check(facts, "runtime", "problem", f"{start}.*{cause}", command)


def test_runtime_compiled_against_another_numpy() -> None:
    error = "ImportError: numpy.core.multiarray failed to import"
    facts = machine(
        missing(LITERT), broken(TFLITE_RUNTIME, error), packages=(copy("tflite-runtime", "2.15.0"),)
    )
    check(facts, "runtime", "problem", "another numpy", f'{PIP} "numpy>=1.24,<2"')


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("flatbuffers", "flatbuffers"),
        ("backports", '"backports.strenum"'),
        ("typing_extensions", "typing-extensions"),
    ],
)
def test_dependency_that_the_wheel_does_not_name(module: str, distribution: str) -> None:
    facts = machine(missing(LITERT, module))
    expected = f'{PIP} {distribution} "ai-edge-litert>=2.1.6"'
    check(facts, "runtime", "problem", f"it needs the module {module}", expected)


def test_part_of_the_runtime_is_missing() -> None:
    facts = machine(missing(LITERT, "ai_edge_litert._wrapper"))
    check(facts, "runtime", "problem", "its own part", f'{REINSTALL} "ai-edge-litert>=2.1.6"')


@pytest.mark.parametrize(
    ("tag", "built_for", "here"),
    [
        ("cp311-cp311-manylinux_2_27_x86_64", "x86_64", "aarch64"),
        ("cp311-cp311-manylinux_2_38_aarch64", "glibc 2.38 or newer", "glibc 2.36"),
        ("cp311-cp311-musllinux_1_2_aarch64", "musl 1.2 or newer", "glibc 2.36"),
    ],
)
def test_wheel_for_something_else(tag: str, built_for: str, here: str) -> None:
    packages = (copy("numpy", "1.26.4"), copy("ai-edge-litert", "2.3.0", tags=(tag,)))
    facts = machine(broken(LITERT, "ImportError: x"), packages=packages)
    sentence = f"ai-edge-litert 2.3.0 in {SITE} was built for {built_for}, this is {here}"
    check(facts, "wheel", "problem", sentence, f'{REINSTALL} "ai-edge-litert>=2.1.6"')


def test_wheel_for_the_python_before_an_upgrade() -> None:
    packages = (copy("numpy", "1.26.4", tags=("cp39-cp39-manylinux_2_17_aarch64",)),)
    facts = machine(broken(NUMPY, "ImportError: x"), packages=packages)
    check(facts, "wheel", "problem", "built for Python 3.9, this is CPython 3.11", NEW_ENVIRONMENT)


def test_native_code_for_another_machine_without_a_tag() -> None:
    packages = (copy("numpy", "1.26.4", library_machine="x86_64"),)
    facts = machine(broken(NUMPY, "ImportError: x"), packages=packages)
    check(facts, "wheel", "problem", "built for x86_64, this is aarch64", f"{REINSTALL} numpy")


def test_wheel_of_a_runtime_that_is_not_for_this_machine_at_all() -> None:
    packages = (copy("ai-edge-litert", "2.3.0", library_machine="aarch64"),)
    facts = machine(broken(LITERT, "ImportError: x"), packages=packages, system=PI_3_32_BIT)
    expected = f"{PYTHON} -m pip uninstall -y ai-edge-litert && {PIP} {TFLITE_WORDS}"
    check(facts, "wheel", "problem", "built for aarch64, this is armv7l", expected)


def test_inference() -> None:
    _, finding = diagnose(machine(system=system(cpu_features=("asimddp",))), "inference")
    assert finding.sentence == (
        "the bundled model runs on ai-edge-litert 2.3.0; the delegate XNNPACK runs 9 of 12 "
        "operators in 1 piece, the runtime's own kernels run 3; the processor has the int8 dot "
        "product (asimddp)"
    )
    own = Inference("tflite-runtime", "2.14.0", 12, 0, 0, None, None)
    _, finding = diagnose(machine(inference=own), "inference")
    assert finding.sentence.endswith("no delegate: the runtime's own kernels run all 12 operators")
    unknown = Inference("ai-edge-litert", "9.0", None, None, None, None, None)
    _, finding = diagnose(machine(inference=unknown), "inference")
    assert finding.sentence.endswith("what runs its operators is not known")


@pytest.mark.parametrize(
    ("runtime", "error", "command"),
    [
        (None, "ModelFileError: damaged", f"{REINSTALL} minivgg-edge"),
        (
            "ai-edge-litert",
            "the process was ended by signal 11 (SIGSEGV)",
            f'{PIP} "ai-edge-litert>=2.1.6"',
        ),
    ],
)
def test_inference_that_fails(runtime: str | None, error: str, command: str) -> None:
    failed = Inference(runtime, None, None, None, None, None, error)
    check(machine(inference=failed), "inference", "problem", re.escape(error), command)


def test_a_model_that_was_not_run_is_never_passed_over() -> None:
    diagnosis, finding = diagnose(machine(inference=None), "inference")
    assert diagnosis.status is Status.PROBLEM
    assert finding.command == f'{PIP} "minivgg-edge[pictures]"'


# Pictures, camera, start


def test_pillow() -> None:
    facts = machine(missing(PILLOW))
    check(
        facts,
        "pillow",
        "warning",
        "uint8 arrays of any size still work, files and bytes",
        f'{PIP} "pillow>=9.4"',
    )
    error = "ImportError: libjpeg.so.62: cannot open shared object file"
    check(
        machine(broken(PILLOW, error)),
        "pillow",
        "warning",
        "libjpeg.*still work",
        "sudo apt install libjpeg62-turbo",
    )


def test_camera() -> None:
    _, finding = diagnose(machine(camera=Camera(True, True, True)), "camera")
    assert finding.status is Status.OK
    isolated = machine(camera=Camera(True, False, True), python=python(sees_system=False))
    check(isolated, "camera", "warning", "does not see the system's libcamera", OPEN)
    from_pip = machine(camera=Camera(True, False, False))
    check(from_pip, "camera", "warning", "pip has none", "sudo apt install python3-picamera2")


def test_missing_bytecode() -> None:
    numpy = copy("numpy", "1.26.4", uncompiled=98)
    here = machine(packages=(numpy, copy("ai-edge-litert", "2.3.0")))
    check(
        here,
        "bytecode",
        "warning",
        r"numpy \(98 of 100 files\); the first start",
        f"{PYTHON} -m compileall -q {SITE}/numpy",
    )
    system_numpy = copy("numpy", "1.24.2", SYSTEM_SITE, uncompiled=98)
    elsewhere = machine(packages=(system_numpy,))
    expected = f"sudo {PYTHON} -m compileall -q {SYSTEM_SITE}/numpy"
    check(elsewhere, "bytecode", "warning", "every start", expected)


def test_what_could_not_be_read_is_said() -> None:
    facts = machine(unreadable=("the machine: OSError: x",))
    check(facts, "doctor", "warning", "the machine: OSError: x", None)
