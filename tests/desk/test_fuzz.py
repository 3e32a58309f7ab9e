"""The fuzzing itself: its cases, and that it notices what it is there to notice."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks.reliability.fuzz import damage
from benchmarks.reliability.fuzz.__main__ import main
from benchmarks.reliability.fuzz.containers import rearranged_pieces
from benchmarks.reliability.fuzz.environments import Target
from benchmarks.reliability.fuzz.kinds import KINDS, Material, counts, find_kind, make_case
from benchmarks.reliability.fuzz.pictures import picture_files
from benchmarks.reliability.fuzz.process import WORKER_FILE, Worker
from benchmarks.reliability.fuzz.results import outcome_table, total_table
from benchmarks.reliability.fuzz.session import (
    ANSWERED,
    CRASH,
    HANG,
    REFUSED,
    WRONG,
    Session,
    save_failure,
)
from benchmarks.reliability.fuzz.structure import outside, place_in
from benchmarks.reliability.runtimes import WorkerError
from benchmarks.result import read_result
from convert.command import run_command
from minivgg_edge.catalog import load_model
from minivgg_edge.decode import decode

TARGET = Target("litert", Path(sys.executable))
# Answers by the case's content.
ACTOR = """
import json, os, signal, sys, time
print(json.dumps({"runtime": "none 1", "pillow": None, "package": ""}), flush=True)
for line in sys.stdin:
    act = open(json.loads(line)["path"]).read()
    if act == "segfault":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "sleep":
        time.sleep(60)
    if act == "exit":
        os._exit(3)
    print(json.dumps({"outcome": "answered", "pid": os.getpid()}), flush=True)
"""


@pytest.fixture(scope="module")
def material() -> Material:
    return Material(Path(load_model().source))


def _sabotaged(folder: Path, sabotage: str) -> Path:
    """The worker, with something broken in the package before it starts."""
    program = folder / "sabotaged.py"
    program.write_text(
        f"import runpy\n{sabotage}\nrunpy.run_path({str(WORKER_FILE)!r}, run_name='__main__')\n"
    )
    return program


# --- cases ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=[kind.slug for kind in KINDS])
def test_cases_follow_from_seed_and_number_alone(kind, material):
    cases = [make_case(kind, material, 1, number) for number in range(6)]
    assert cases == [make_case(kind, material, 1, number) for number in range(6)]
    assert cases != [make_case(kind, material, 2, number) for number in range(6)]
    assert len(set(cases)) > 3
    sound = material.of(kind.group)
    if kind.group == "models":
        assert sound.data not in cases


def test_structure_has_no_weights_in_it_and_all_headers(material):
    model = material.of("models")
    places = {name: getattr(model.structure, name) for name in ("flatbuffer", "archive")}
    in_flatbuffer = b"".join(model.data[start:end] for start, end in places["flatbuffer"])
    assert len(in_flatbuffer) < len(model.flatbuffer) / 20
    assert in_flatbuffer[4:8] == b"TFL3"
    in_archive = b"".join(model.data[start:end] for start, end in places["archive"])
    assert [in_archive.count(b"PK" + kind) for kind in (b"\3\4", b"\1\2", b"\5\6")] == [3, 3, 1]
    ((start, end),) = model.structure.manifest
    assert model.data[start:end] == model.entries["manifest.json"]


def test_spans():
    assert outside([(2, 4), (3, 6), (8, 9)], (0, 9)) == ((0, 2), (6, 8))
    assert outside([], (3, 5)) == ((3, 5),)
    assert [place_in(((0, 2), (6, 8)), number) for number in range(6)] == [0, 1, 6, 7, 0, 1]


def test_damages_of_few_bytes():
    for change in damage.ANY:
        for data in (b"", b"a", b"ab" * 300):
            results = [change(data, Random(number)) for number in range(30)]
            assert all(type(result) is bytes for result in results)
            assert len(data) < 2 or any(result != data for result in results)


def test_the_corpus_is_sound_and_of_all_formats():
    files = picture_files()
    refused = {name for name, data in files.items() if not _is_picture(data)}
    # Of no defined range, of 32 bits, and of no format that is read.
    assert refused <= {"tiff F", "tiff I", "pfm", "pam"}
    formats = {name.split()[0] for name in files}
    assert {"jpeg", "png", "gif", "apng", "webp", "tiff", "bmp", "ppm"} <= formats


def _is_picture(data: bytes) -> bool:
    from minivgg_edge import PictureError

    try:
        return decode(data).shape[2] == 3
    except PictureError:
        return False


def test_rearranged_pieces_pass_their_check_sums():
    files = picture_files()
    decoded = {"jpeg": 0, "png": 0, "webp": 0}
    for name, data in files.items():
        kind = name.split()[0]
        if kind in decoded:
            for number in range(20):
                decoded[kind] += _is_picture(rearranged_pieces(data, Random(number)))
    assert min(decoded.values()) > 10


def test_counts():
    assert counts(KINDS, None)["model-flip"] == 500
    assert sum(counts(KINDS, None).values()) > 2500  # on each of two runtimes
    few = counts(KINDS, 150)
    assert abs(sum(few.values()) - 150) <= len(KINDS)
    assert min(few.values()) == 1


# --- the worker -----------------------------------------------------------------------------------


def test_crashes_and_silence_belong_to_their_case(tmp_path):
    program, case = tmp_path / "actor.py", tmp_path / "case"
    program.write_text(ACTOR)

    def act(worker, text):
        case.write_text(text)
        return worker.run("any", case)

    with Worker(Path(sys.executable), timeout_s=20, program=program) as worker:
        first = act(worker, "")
        assert act(worker, "")["pid"] == first["pid"]
        crash = act(worker, "segfault")
        assert crash["outcome"] == CRASH
        assert crash["message"].startswith("the worker was ended by signal 11 (SIGSEGV: ")
        assert crash["message"].endswith("): last words")
        assert act(worker, "")["pid"] != first["pid"]
        assert act(worker, "exit")["message"].startswith("the worker ended with exit code 3")
        assert act(worker, "")["outcome"] == ANSWERED
        assert worker.starts == 3
    with Worker(Path(sys.executable), timeout_s=1, program=program) as worker:
        assert act(worker, "sleep") == {"outcome": HANG, "message": "no answer within 1 s"}
        assert act(worker, "")["outcome"] == ANSWERED


def test_a_worker_that_does_not_start(tmp_path):
    program = tmp_path / "broken.py"
    program.write_text("raise SystemExit('no package here')")
    with pytest.raises(WorkerError, match=r"does not start: .*exit code 1: no package here"):
        Worker(Path(sys.executable), timeout_s=20, program=program)


def test_memory_beyond_the_limit_is_told_from_a_bad_picture(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((3000, 3000, 3), np.uint8)).save(stream, "PNG")
    path = tmp_path / "large.png"
    path.write_bytes(stream.getvalue())
    with Worker(Path(sys.executable), timeout_s=60, memory_bytes=2**24) as worker:
        assert worker.run("picture", path)["outcome"] == "memory"
        path.write_bytes(b"no picture")
        assert worker.run("picture", path)["outcome"] == "refused"


# --- what it is there to notice -------------------------------------------------------------------


def test_a_sound_package_passes(material):
    with Session(TARGET, material) as session:
        tallies = [session.run_kind(kind, seed=7, count=2)[0] for kind in KINDS]
        title = session.title
    assert title.startswith("ai-edge-litert ")
    assert sum(t.outcomes[REFUSED] + t.outcomes[ANSWERED] for t in tallies) == 2 * len(KINDS)
    *_, everything = total_table(tallies).rows
    assert everything[:2] == ("all", str(2 * len(KINDS)))
    assert everything[4:] == ("0", "0", "0")
    assert len(outcome_table(tallies, {"litert": title}).rows) == len(KINDS)


@pytest.mark.parametrize(
    ("slug", "sabotage", "count", "outcomes"),
    [
        (
            "model-structure",
            "from minivgg_edge import model_file; model_file._check_digest = lambda *_: None",
            12,
            {WRONG, CRASH},
        ),
        (
            "model-manifest",
            "from minivgg_edge import archive\n"
            "class Any(int):\n    __ne__ = lambda *_: False\n"
            "archive.crc32 = lambda _: Any()",
            60,
            {WRONG},
        ),
        (
            "manifest-value",
            "from minivgg_edge import json_fields\n"
            "json_fields.Fields.choice = lambda self, key, options: self.text(key)",
            300,
            {WRONG},
        ),
        (
            "model-repacked",
            "from minivgg_edge import scoring\n"
            "scoring.Scorer.best = lambda self, raw, k: [(0, 0.5)]",
            10,
            {WRONG},
        ),
        (
            "vectors",
            "from minivgg_edge import golden\n"
            "golden.GoldenVectors.__init__ = lambda self, *_: 1 / 0",
            200,
            {WRONG},
        ),
        (
            "picture-flip",
            "import minivgg_edge.decode as d; d.DECODER_ERRORS = ()",
            40,
            {WRONG},
        ),
        (
            "json-text",
            "import minivgg_edge.plain_json as p; p._is_number = lambda _: True",
            120,
            {WRONG},
        ),
        (
            "model-flip",
            "import minivgg_edge.model_file as m\n"
            "def broken(*_, **__): raise KeyError('x')\n"
            "m._check_digest = broken",
            1,
            {WRONG},
        ),
    ],
)
def test_sabotage_is_noticed(slug, sabotage, count, outcomes, material, tmp_path):
    kind = find_kind(slug)
    program = _sabotaged(tmp_path, sabotage)
    with Session(TARGET, material, program=program, timeout_s=30) as session:
        tally, failures = session.run_kind(kind, seed=1, count=count)
    assert failures
    assert {failure.outcome for failure in failures} <= outcomes
    assert tally.outcomes.total() == count


def test_a_refusal_by_native_code_alone_is_wrong(material, tmp_path):
    sabotage = (
        "from minivgg_edge import ModelFileError, model_file, classifier\n"
        "model_file._check_digest = lambda *_: None\n"
        "def late(*_, **__): raise ModelFileError('only now')\n"
        "classifier.check_tensor_specs = late"
    )
    with Session(TARGET, material, program=_sabotaged(tmp_path, sabotage)) as session:
        kind = find_kind("model-archive")
        outcomes = [
            session.run_case(kind, material.of("models").data),
            session.run_case(find_kind("model-repacked"), material.of("models").data),
        ]
    assert [outcome for outcome, _ in outcomes] == [WRONG, REFUSED]
    assert outcomes[0][1]["message"] == "only native code refused: only now"


# --- the command ----------------------------------------------------------------------------------


def test_the_command_writes_its_result(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--runtimes", "litert", "--only", "json,manifest-value", "--cases", "12"]
    assert run_command(main, arguments) == 0
    assert "| all |" in capsys.readouterr().out
    result = read_result(tmp_path / "out" / "reliability" / "fuzz.json")
    assert result.failures == ()
    assert result.command == f"python -m benchmarks.reliability.fuzz {' '.join(arguments)}"
    assert {table.caption for table in result.tables} >= {"Fuzzing", "Fuzzing by kind and runtime"}


def test_a_kept_input_is_run_again(material, tmp_path, capsys):
    program = _sabotaged(
        tmp_path, "import minivgg_edge.model_file as m; m._check_digest = lambda *_: None"
    )
    kind = find_kind("model-structure")
    with Session(TARGET, material, program=program) as session:
        _, failures = session.run_kind(kind, seed=1, count=12)
    sentence = save_failure(failures[0], tmp_path / "failures")
    path = tmp_path / "failures" / failures[0].name
    assert str(path) in sentence
    assert run_command(main, ["--runtimes", "litert", "--replay", str(path)]) == 0
    assert "refused" in capsys.readouterr().out
    assert path.name.startswith("model-structure.1.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "models,sound"], "expected some of models, .*, got 'sound'"),
        (["--runtimes", "litert,torch"], "expected some of litert,tflite-runtime, got 'torch'"),
        (["--cases", "0"], "expected an integer of at least 1, got '0'"),
    ],
)
def test_usage_errors(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert re.search(message, capsys.readouterr().err)


def test_an_input_of_no_kind(tmp_path, capsys):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"")
    assert run_command(main, ["--runtimes", "litert", "--replay", str(path)]) == 2
    assert "a kept input's name starts with its kind" in capsys.readouterr().err
