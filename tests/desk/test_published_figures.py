"""The figures in README and cards are those of the records in `models`."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import cards, family
from benchmarks.cards import accuracy_row
from benchmarks.published import published_models
from benchmarks.report import stored_results
from convert import package
from convert.command import run_command
from convert.int8.float_model import load_float_model
from convert.int8.inputs import check_weights
from convert.report.candidates import candidates
from convert.report.results import read_results
from convert.training.checkpoint import with_later_options

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "models" / "minivgg"
CARD = (MODEL / "README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def record(name: str) -> dict[str, object]:
    return json.loads((MODEL / name).read_bytes())


def comparison(report: dict[str, object], split: str) -> dict[str, object]:
    (found,) = [entry for entry in report["comparisons"] if entry["split"] == split]
    return found


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def drop(entry: dict[str, object]) -> str:
    low, high = entry["drop_interval"]
    return f"{100 * entry['drop']:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] points"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_accuracy_table(split):
    assert accuracy_row(published_models()[0].run, split) in README


def test_cards(capsys):
    assert run_command(cards.main, ["--check"]) == 0, capsys.readouterr().out


def test_the_family_in_the_readme(capsys):
    assert run_command(family.main, ["--check"]) == 0, capsys.readouterr().out


def test_a_stale_family_is_found_and_written(tmp_path, capsys):
    path = tmp_path / "README.md"
    path.write_text(README.replace("| residual |", "| plain |"), encoding="utf-8")
    words = ["--readme", str(path)]
    assert run_command(family.main, [*words, "--check"]) == 1
    assert "run `python -m benchmarks.family`" in capsys.readouterr().out
    assert run_command(family.main, words) == 0
    assert path.read_text(encoding="utf-8") == README


def test_the_family_says_nothing_of_other_files():
    """What was measured of an earlier compilation is not the present file's."""
    models, costs = published_models(), cards.stored_costs()
    document = json.loads(cards.ROBUSTNESS.read_bytes())
    table = family.family_table(models, costs, document)
    document["models"]["minivgg"] = "0" * 64
    row = "| [`minivgg`](models/minivgg/README.md) | "
    (before,), (behind,) = (
        [line for line in text.splitlines() if line.startswith(row)]
        for text in (table, family.family_table(models, costs, document))
    )
    assert before.count(" - ") == 0
    assert behind.count("| - | - |") == 1
    assert len(table.splitlines()) == 2 + len(models) + 1


def test_a_stale_card_is_found_and_written(tmp_path, capsys):
    shutil.copytree(MODEL, tmp_path / "minivgg", ignore=shutil.ignore_patterns("*.keras"))
    shutil.copytree(MODEL.parent / "teachers", tmp_path / "teachers")
    path = tmp_path / "minivgg" / "README.md"
    right = percent(comparison(record("quantization.json"), "test")["target_top1"])
    path.write_text(CARD.replace(right, "98.71 %"), encoding="utf-8")
    words = ["--models", str(tmp_path)]
    assert run_command(cards.main, [*words, "--check"]) == 1
    assert "run `python -m benchmarks.cards`" in capsys.readouterr().out
    assert run_command(cards.main, words) == 0
    assert path.read_text(encoding="utf-8").partition("## ")[0] == CARD.partition("## ")[0]
    path.write_text("# minivgg\n", encoding="utf-8")
    assert run_command(cards.main, words) == 2
    assert "expected <!-- card:begin --> and behind it" in capsys.readouterr().err
    # A model that has no card yet gets one.
    path.unlink()
    assert run_command(cards.main, words) == 0
    assert path.read_text(encoding="utf-8").startswith("# minivgg\n\n<!-- card:begin -->\n|")


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.name)
def test_the_compiled_file_is_the_reported_one(model):
    report = model.run.quantization
    assert model.file.sha256 == report["files"]["int8"]["sha256"]
    assert report["verdict"]["status"] == "pass"
    assert model.file.manifest.name == model.name


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.name)
def test_the_float_model_is_that_of_the_log(model):
    path = model.folder / "model.keras"
    loaded = load_float_model(path)
    check_weights(model.run.training, loaded, path)
    with (model.folder / "log.csv").open(encoding="utf-8") as log:
        rows = list(csv.DictReader(log))
    history = model.run.training["history"]
    assert [int(row["epoch"]) for row in rows] == [entry["epoch"] for entry in history]
    last = float(rows[-1]["validation_accuracy"])
    assert last == pytest.approx(history[-1]["validation_accuracy"])
    assert model.run.training["recipe"]["seed"] == 1


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.name)
def test_make_trains_it_again(model):
    """`make train NAME=...` is the command of the record; --resume changes nothing in a run."""
    words = ["train", f"NAME={model.name}", f"DATA={cards._DATA_FOLDER}"]
    program = ["make", "--dry-run", "--no-print-directory", *words]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    shown = run.stdout.splitlines()[-1]
    assert shown == f".venv/bin/{model.run.command} --resume"


TEACHERS = sorted(path.parent for path in (ROOT / "models" / "teachers").glob("*/model.keras"))


@pytest.mark.parametrize("folder", TEACHERS, ids=lambda folder: folder.name)
def test_a_teacher_is_kept_with_its_record(folder):
    training = json.loads((folder / "training.json").read_bytes())
    check_weights(training, load_float_model(folder / "model.keras"), folder / "model.keras")
    described = (folder.parent / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in described.splitlines() if line.startswith(f"| `{folder.name}` |")]
    assert percent(training["results"]["validation"]["accuracy"]) in row


def test_commands_name_the_teachers_where_they_lie(tmp_path):
    """A file that taught may move: the record's digest says which it was."""
    model = shutil.copytree(MODEL, tmp_path / "minivgg", ignore=shutil.ignore_patterns("*.keras"))
    record = json.loads((model / "training.json").read_bytes())
    typed = "--teacher a.keras b.keras --teacher-views"
    command = re.sub("--teacher .* --teacher-views", typed, record["command"])
    files = [tmp_path / place for place in ("teachers/first/model.keras", "best/model.keras")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(file.parent.name.encode())
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    members = [{"sha256": digest} for digest in digests]

    def told(choices: dict[str, object], teacher: str) -> str:
        record["recipe"]["distillation"]["teacher_sha256"] = teacher
        document = {**record, "command": command, "choices": choices}
        (model / "training.json").write_text(json.dumps(document))
        return published_models(tmp_path)[0].run.command

    now = "--teacher models/teachers/first/model.keras models/best/model.keras --teacher-views"
    assert told({"teacher": {"members": members}}, "0" * 64) == command.replace(typed, now)
    # What is not there keeps its name; of one teacher the recipe has the digest.
    assert told({}, "0" * 64) == command
    now = "--teacher models/best/model.keras b.keras --teacher-views"
    assert told({}, digests[1]) == command.replace(typed, now)


@pytest.mark.parametrize(("folder", "kept"), [("runs/minivgg", False), ("elsewhere", True)])
def test_commands_leave_out_the_folder_that_is_taken_anyway(tmp_path, folder, kept):
    model = shutil.copytree(MODEL, tmp_path / "minivgg", ignore=shutil.ignore_patterns("*.keras"))
    record = json.loads((model / "training.json").read_bytes())
    command = record["command"]
    document = {**record, "command": f"{command} --out {folder}"}
    (model / "training.json").write_text(json.dumps(document))
    told = published_models(tmp_path)[0].run.command
    assert told == (f"{command} --out {folder}" if kept else command)


SEEDS = [(model, other) for model in published_models() for other in model.others]


@pytest.mark.parametrize(
    ("model", "other"), SEEDS, ids=[f"{model.name}-{other.seed}" for model, other in SEEDS]
)
def test_another_seed_differs_in_nothing_else(model, other):
    seed = other.seed
    recipes = [with_later_options(run.training)["recipe"] for run in (other, model.run)]
    assert {**recipes[0], "seed": model.run.seed} == recipes[1]
    assert other.training["architecture"] == model.run.training["architecture"]
    assert other.training["data"] == model.run.training["data"]
    assert other.training["weights_sha256"] != model.run.training["weights_sha256"]
    for split, found in other.training["results"].items():
        # Folding the normalization may turn a picture whose two best classes are as good as equal.
        accuracy = pytest.approx(found["accuracy"], abs=0.001)
        assert other.comparison(split)["float_top1"] == accuracy
    words = ["seed", f"NAME={model.name}", f"SEED={seed}", f"DATA={cards._DATA_FOLDER}"]
    program = ["make", "--dry-run", "--no-print-directory", *words]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f".venv/bin/{other.command} --resume" in run.stdout.splitlines()


def orders(name: str) -> list[dict[str, object]]:
    """The records of the shipped order and of the textbook's, trained alike."""
    return [record(f"orders/{order}/{name}") for order in ("conv-bn-relu", "conv-relu-bn")]


def test_orders():
    reports = orders("quantization.json")
    for split in ("validation", "test"):
        shipped, textbook = (comparison(report, split) for report in reports)
        for name, key in (("float32", "float_top1"), ("int8", "target_top1")):
            assert (
                f"| {name}, {split} | {percent(shipped[key])} | {percent(textbook[key])} |" in CARD
            )
    shipped, textbook = (comparison(report, "validation") for report in reports)
    assert f"| drop, validation | {drop(shipped)} | {drop(textbook)} |" in CARD
    counts = [sum(op["count"] for op in report["audit"]["operators"]) for report in reports]
    assert f"| operators | {counts[0]} | {counts[1]}:" in CARD


def test_the_two_orders_differ_in_nothing_else():
    shipped, textbook = orders("training.json")
    assert shipped["recipe"] == textbook["recipe"]
    assert shipped["data"] == textbook["data"]
    assert {**shipped["architecture"], "order": "conv-relu-bn"} == textbook["architecture"]


@pytest.mark.parametrize("model", published_models()[1:], ids=lambda model: model.name)
def test_a_wheel_of_it_can_be_installed(model, tmp_path):
    source = model.folder / f"{model.name}.tflite"
    words = [str(source), "--version", "1.0", "--out", str(tmp_path), "--quiet"]
    assert run_command(package.main, words) == 0
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"{model.name.replace('-', '_')}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".tflite")]
        assert archive.read(name) == source.read_bytes()


def test_a_card_has_no_figures_of_another_file():
    """Costs and robustness are those of a compilation, not of whatever bears the name."""
    model = published_models()[1]
    document = json.loads(cards.ROBUSTNESS.read_bytes())
    assert cards._robustness(model, document)
    assert "M instructions a picture" in (model.folder / "README.md").read_text(encoding="utf-8")
    document["models"][model.name] = "0" * 64
    assert cards._robustness(model, document) == ""
    foreign = replace(model, file=published_models()[0].file)
    arm = [result for result in stored_results() if result.name == "arm.json"]
    (cost,) = [
        candidate
        for candidate in candidates(read_results(arm))
        if (candidate.key.model, candidate.key.engine) == (model.name, "ai-edge-litert")
    ]
    assert len(list(cards._cost_rows(model, cost))) == 2
    assert list(cards._cost_rows(foreign, cost)) == []


def test_other_seeds_stand_beside_the_published_one():
    model = published_models()[1]
    training = {**model.run.training, "recipe": {**model.run.training["recipe"], "seed": 2}}
    other = replace(model.run, training=training)
    text = cards._seeds(replace(model, others=(other,)))
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines] == ["| seed", "| :--", "| 1 (published)", "| 2"]
    assert lines[2].split(" | ")[1:] == lines[3].split(" | ")[1:]
    assert cards._seeds(replace(model, others=())) == ""
