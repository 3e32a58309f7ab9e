"""Whatever the facts are: findings, a status that fits them, and no exception."""

from __future__ import annotations

import argparse
import json

import pytest
from doctor_machines import SITE, SYSTEM_SITE
from hypothesis import given, settings
from hypothesis import strategies as st

from minivgg_edge.cli import doctor
from minivgg_edge.doctor import reading
from minivgg_edge.doctor.examination import examine
from minivgg_edge.doctor.facts import (
    Camera,
    Distribution,
    Facts,
    Inference,
    Python,
    System,
    Trial,
)
from minivgg_edge.doctor.findings import Status

NAMES = ["numpy", "ai-edge-litert", "tflite-runtime", "pillow", "simplejpeg", "tensorflow", "x"]
MODULES = ["numpy", *reading.RUNTIME_MODULES.values(), "PIL.Image", "simplejpeg", "x.y"]
PLATFORMS = ["any", "manylinux_2_27_aarch64", "manylinux2014_x86_64", "musllinux_1_2_aarch64"]
PLATFORMS += ["linux_", "linux_armv6l", "win_amd64", "macosx_12_0_arm64", "manylinux9_x", "ios_1_2"]
texts = st.text(max_size=20)
versions = st.sampled_from(["1.24.2", "2.0.0", "2.1.4", "2.14.0", "2.3.0", "", "dev", "9" * 30])
numbers = st.lists(st.integers(0, 50), max_size=3).map(tuple)
tags = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["cp311", "cp39.cp310", "py3", "pp39", "cp3", ""]),
    st.sampled_from(["cp311", "abi3", "none", "cp313t"]),
    st.sampled_from(PLATFORMS),
)
errors = st.one_of(
    texts,
    st.sampled_from(["GLIBC_2.38", "GLIBCXX_3", "libx.so.1: cannot open shared object file"]),
    st.sampled_from(["RuntimeUnavailableError", "ModelFileError", "signal 4 (SIGILL)"]),
)
systems = st.builds(
    System,
    name=st.sampled_from(["Linux", "Darwin", "Windows", "", "FreeBSD"]),
    machine=st.sampled_from(
        ["aarch64", "armv7l", "armv6l", "x86_64", "AMD64", "arm64", "", "s390x"]
    ),
    bits=st.sampled_from([32, 64]),
    libc=st.sampled_from(["glibc", "musl", ""]),
    libc_version=numbers,
    os_ids=st.lists(st.sampled_from(["debian", "alpine", "fedora", "x"])).map(tuple),
)
pythons = st.builds(Python, version=st.tuples(st.just(3), st.integers(6, 16), st.integers(0, 20)))
distributions = st.builds(
    Distribution,
    name=st.sampled_from(NAMES),
    version=versions,
    folder=st.sampled_from([SITE, SYSTEM_SITE]),
    tags=st.lists(st.one_of(tags, texts), max_size=3).map(tuple),
)
trials = st.builds(
    Trial,
    module=st.sampled_from(MODULES),
    version=st.one_of(st.none(), versions),
    missing=st.one_of(st.none(), st.sampled_from(["numpy", "ai_edge_litert", "PIL", "", "a.b"])),
    error=st.one_of(st.none(), errors),
)
facts = st.builds(
    Facts,
    system=systems,
    python=pythons,
    distributions=st.lists(distributions, max_size=6).map(tuple),
    trials=st.lists(trials, max_size=6).map(tuple),
    inference=st.one_of(
        st.none(), st.builds(Inference, error=st.one_of(st.none(), errors), version=versions)
    ),
    camera=st.builds(Camera),
    unreadable=st.lists(texts, max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(facts)
def test_any_facts(machine: Facts) -> None:
    diagnosis = examine(machine)
    assert (diagnosis.status is Status.PROBLEM) is not machine.runs
    assert diagnosis.status in {finding.status for finding in diagnosis.findings}
    commands = [finding.command for finding in diagnosis.findings]
    if diagnosis.status is not Status.OK:
        assert diagnosis.next_command is None or diagnosis.next_command in commands
    for finding in diagnosis.findings:
        assert finding.sentence
        assert finding.command is None or finding.command.strip()
        assert finding.status is not Status.OK or finding.command is None
    lines = list(doctor.render(machine, diagnosis))
    assert all(line.isprintable() for line in lines)
    assert lines[-1].startswith("models run here" if machine.runs else "models do not run here")


@settings(max_examples=30, deadline=None)
@given(facts)
def test_any_facts_as_json(machine: Facts) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr(reading, "read_facts", lambda: machine)
        patch.setattr(doctor, "say", said.append)
        code = doctor.run(argparse.Namespace(json=True))
    document = json.loads("".join(said))
    assert code == (0 if machine.runs else 1)
    assert document["status"] in ("ok", "warning", "problem")
    assert set(document) == {"status", "next", "findings", "facts"}
    assert {"topic", "status", "sentence", "command"} == set(document["findings"][0])
    assert document["facts"]["system"]["machine"] == machine.system.machine
