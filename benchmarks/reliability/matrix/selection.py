"""Which of the device tests an emulated board runs, where a second is twenty."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.reliability.matrix.device_tests import QUICK_PROFILE, Selection

EMULATION_ENVIRONMENT: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1"}

EMULATION_LEFT_OUT = (
    "Emulated boards: 5 examples for a test that hypothesis feeds, unless it asks for more, and "
    "none for the manifest and for doctor's facts, which are the same everywhere. Not run there: "
    "`minivgg-edge bench`, whose times mean nothing under emulation; bounds of memory, to which "
    "the emulator adds its own; a fork of a process with four native threads, which QEMU's user "
    "mode does not survive; three tests that the board's Python (a script that starts the "
    "emulator) and its /proc/cpuinfo (a plain file) contradict."
)

EMULATION = Selection(
    left_out=(
        "test_cli_bench.py",
        "test_classifier.py::test_classify_costs_little_more_than_the_bare_interpreter",
        "test_classifier.py::test_fork[4]",
        "test_doctor_random_facts.py",
        "test_doctor_reading.py::test_elf_of_this_python",
        "test_doctor_reading.py::test_no_process_can_be_started",
        "test_hostile_pictures.py::test_a_bomb_costs_little_and_starts_nothing",
        "test_hostile_pictures.py::test_memory_of_a_picture_by_its_format",
        "test_model_reading.py::test_a_file_of_the_kernel_which_has_no_size[/proc/cpuinfo]",
        "test_properties_manifest.py",
    ),
    profile=QUICK_PROFILE,
    timeout_s=7_200.0,
)
