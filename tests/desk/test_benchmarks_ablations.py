"""Ablations: what is run, what is taken up, and the figures from it; no training."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.ablations import changed as changed_module
from benchmarks.ablations import document
from benchmarks.ablations import runs as module
from benchmarks.ablations.__main__ import main
from benchmarks.ablations.changed import JUDGED, changed_accuracies
from benchmarks.ablations.runs import AblationError, Run, run_training
from benchmarks.ablations.table import ablation_table, rows
from benchmarks.ablations.variants import BASE, VARIANTS
from benchmarks.result import read_result
from convert.architecture import build_minivgg
from convert.command import run_command
from convert.int8.float_model import load_float_model
from convert.quiet import quiet
from convert.training.arguments import architecture_of, parse_arguments, recipe_of
from convert.training.kept import predict
from convert.training.teacher import joint_digest

# By the options that make the difference; seed 2 is worse throughout.
ACCURACY = {"": 0.80, "--mixup": 0.83, "--branches": 0.79}


class Trainings:
    """Stands in for `python -m convert.train`: writes the record of a run."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.code = 0

    def __call__(self, program, **_):
        self.commands.append(program[3:])
        words = program[3:]
        if self.code == 0:
            folder = Path(words[words.index("-o") + 1])
            folder.mkdir(parents=True)
            accuracy = next((v for k, v in ACCURACY.items() if k and k in words), ACCURACY[""])
            if words[words.index("--seed") + 1] == "2":
                accuracy -= 0.02 if "--mixup" in words else 0.01
            given = [word for word in words if word != "--resume"]
            record = {
                "command": module.shlex.join(["python", "-m", "convert.train", *given]),
                "results": {
                    "validation": {"accuracy": accuracy, "count": 500},
                    "test": {"accuracy": 0.123456, "count": 500},
                },
                "history": [{"train_s": 3.0}, {"train_s": 5.0}, {"train_s": 4.0}],
                "data": {"splits": {"train": {"count": 1000}}},
                "recipe": self.recipe(given),
                "versions": {"python": "3.9.1"},
            }
            (folder / "training.json").write_text(json.dumps(record))
            (folder / "model.keras").touch()
        return subprocess.CompletedProcess(program, self.code, None, "error: a reason\n")

    def recipe(self, words: list[str]) -> dict[str, object]:
        options = parse_arguments(None, words)
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in options.teacher or ()]
        taught = joint_digest(digests) if digests else None
        return recipe_of(options, teacher_sha256=taught, folder_count=1000).to_json()

    def changed(self, arguments, folder):
        accuracy = json.loads((folder / "training.json").read_bytes())["results"]["validation"]
        assert str(folder) in arguments
        return {"dark": accuracy["accuracy"] / 2, "blurred": 0.25}


@pytest.fixture
def trainings(monkeypatch) -> Trainings:
    stand_in = Trainings()
    monkeypatch.setattr(module.subprocess, "run", stand_in)
    monkeypatch.setattr(module, "changed_accuracies", stand_in.changed)
    return stand_in


def ablate(tmp_path, *words):
    return run_command(
        main,
        [
            *("--data", "photos", "--folder", str(tmp_path / "runs"), "--epochs", "3"),
            *("--out", str(tmp_path / "out"), "--variants", "base,mixup,rep", *words),
        ],
    )


def test_mean_spread_and_gain_by_hand(trainings, tmp_path, capsys):
    assert ablate(tmp_path, "--seeds", "2", "--options=--precision bfloat16") == 0
    result = read_result(tmp_path / "out" / "ablations.json")
    table, changed = result.tables
    assert table.caption == "minivgg-nano, 3 epochs"
    assert "1,000 training pictures, 500 validation pictures" in table.note
    assert "options of all: --precision bfloat16" in table.note
    # 83 and 81 %: standard deviation 2 / sqrt(2) points; gains of 3 and 2 points.
    assert table.rows[1] == (*("mixup", "--mixup 0.2", "82.00 % ± 1.41", "+2.50 ± 0.71", "2", "4"),)
    assert table.rows[0][:4] == ("base", "none", "79.50 % ± 0.71", "+0.00 ± 0.00")
    assert table.rows[2][3] == "-1.00 ± 0.00"
    assert changed.columns == ("variant", "as they are", "dark", "blurred")
    assert changed.rows[1] == ("mixup", "82.00 % ± 1.41", "41.00 % ± 0.71", "25.00 % ± 0.00")
    assert "0.123456" not in (tmp_path / "out" / "ablations.json").read_text()
    assert "82.00 % ± 1.41" in capsys.readouterr().out
    # All variants of a seed before the next seed.
    seeds = [words[words.index("--seed") + 1] for words in trainings.commands]
    assert seeds == ["1"] * 3 + ["2"] * 3
    assert all("bfloat16" in words and "--resume" in words for words in trainings.commands)


def test_a_result_has_a_name_of_its_own(trainings, tmp_path):
    """The page has a section for CIFAR-10 and one for photos."""
    assert ablate(tmp_path, "--seeds", "1", "--name", "photos") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photos.json"]
    assert read_result(tmp_path / "out" / "photos.json").name == "photos"


def test_one_seed_has_no_spread():
    found = rows([Run(BASE, 1, 0.8, 4.0, ""), Run("rep", 2, 0.9, 4.0, "")])
    assert [row.spread for row in found] == [None, None]
    assert found[1].gain is None  # no base of the same seed
    table = ablation_table(found, caption="", note="")
    assert table.rows[1] == ("rep", "--branches rep", "90.00 %", "-", "1", "4")
    taught = ablation_table(rows([Run("distill", 1, 0.9, 4.0, "")]), caption="", note="")
    assert taught.rows[0][1] == "--teacher FILE"


def test_the_page_says_what_the_stored_results_say(capsys):
    page = Path(__file__).parents[2] / document.PAGE.path
    code = run_command(document.main, ["--check", "--page", str(page)])
    assert code == 0, capsys.readouterr()


def test_finished_runs_are_taken_up(trainings, tmp_path):
    assert ablate(tmp_path, "--seeds", "1") == 0
    assert ablate(tmp_path, "--seeds", "2") == 0
    assert len(trainings.commands) == 6
    # Another base stands elsewhere.
    assert ablate(tmp_path, "--seeds", "1", "--train-count", "100") == 0
    assert len(trainings.commands) == 9


def test_the_split_of_a_folder_stands_beside_its_runs(trainings, tmp_path):
    """Nothing is left among the pictures, and a split that is there holds out the same ones."""
    photos, runs = tmp_path / "photos", tmp_path / "runs"
    photos.mkdir()
    (photos / "split.json").write_bytes(b"an earlier training's")
    run_training("base", [], data=photos, seed=1, folder=runs / "base-1")
    (photos / "split.json").write_bytes(b"another's, later")
    run_training("base", [], data=photos, seed=2, folder=runs / "base-2")
    run_training("base", [], data=tmp_path / "new", seed=1, folder=tmp_path / "other" / "base-1")
    named = [words[words.index("--split-file") + 1] for words in trainings.commands]
    assert named == [str(runs / "split.json")] * 2 + [str(tmp_path / "other" / "split.json")]
    assert (runs / "split.json").read_bytes() == b"an earlier training's"
    assert not (tmp_path / "other" / "split.json").exists()
    # A run of before the split moved is the same run.
    record = json.loads((runs / "base-2" / "training.json").read_text())
    record["command"] = record["command"].replace(f"--split-file {runs / 'split.json'} ", "")
    assert "--split-file" not in record["command"]
    (runs / "base-2" / "training.json").write_text(json.dumps(record))
    run_training("base", [], data=photos, seed=2, folder=runs / "base-2")
    assert len(trainings.commands) == 3
    cifar = tmp_path / "cifar"
    cifar.mkdir()
    (cifar / "test_batch.bin").touch()
    assert module._split_words(cifar, tmp_path / "fixed") == []


def test_a_folder_with_another_run_is_refused(trainings, tmp_path):
    run_training("base", ["--epochs", "3"], data=Path("a"), seed=1, folder=tmp_path / "run")
    with pytest.raises(AblationError, match=r"run: expected the run of '.*--epochs 4 .*, got that"):
        run_training("base", ["--epochs", "4"], data=Path("a"), seed=1, folder=tmp_path / "run")


def test_a_run_of_other_defaults_is_refused(trainings, tmp_path):
    """The command says nothing of them: its words may have meant other values."""
    words, folder = ["--epochs", "3"], tmp_path / "run"
    run_training("base", words, data=Path("a"), seed=1, folder=folder)
    record = json.loads((folder / "training.json").read_text())
    del record["recipe"]["progressive"]  # an option that came later: it was off
    (folder / "training.json").write_text(json.dumps(record))
    run_training("base", words, data=Path("a"), seed=1, folder=folder)
    record["recipe"]["weight_decay"] /= 2
    (folder / "training.json").write_text(json.dumps(record))
    with pytest.raises(AblationError, match="meant other values when it ran: delete the folder"):
        run_training("base", words, data=Path("a"), seed=1, folder=folder)
    assert len(trainings.commands) == 1


def test_a_teacher_that_moved_is_the_same_and_another_is_not(trainings, tmp_path):
    first, moved, other = (tmp_path / name for name in ("a.keras", "b.keras", "c.keras"))
    for path, content in ((first, b"x"), (moved, b"x"), (other, b"y")):
        path.write_bytes(content)

    def run(*teachers):
        words = ["--epochs", "3", "--teacher", *map(str, teachers)]
        return run_training("distill", words, data=Path("a"), seed=1, folder=tmp_path / "run")

    run(first)
    assert run(moved).command.count(str(moved)) == 1
    for teachers in ((other,), (moved, other)):
        with pytest.raises(AblationError, match="meant other values when it ran"):
            run(*teachers)
    assert len(trainings.commands) == 1


def test_a_training_that_fails_is_named(trainings, tmp_path, capsys):
    trainings.code = 2
    assert ablate(tmp_path) == 2
    assert "base, seed 1: the training ended with exit code 2: error: a reason" in (
        capsys.readouterr().err
    )


def test_runs_are_judged_on_changed_validation_pictures_once(tmp_path, monkeypatch):
    photos, folder = tmp_path / "photos", tmp_path / "run"
    generator = np.random.default_rng(0)
    for name in ("bolt", "nut"):
        (photos / name).mkdir(parents=True)
        for number in range(30):
            pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(photos / name / f"{number}.png")
    folder.mkdir()
    with quiet():
        untrained = build_minivgg(classes=2, height=16, width=16, blocks=((4,),), head="gap")
        untrained.save(folder / "model.keras")
    arguments = ["--data", str(photos), "-o", str(folder), "--size", "16"]
    found = changed_accuracies(arguments, folder)
    assert set(found) == {change.title for change in JUDGED}
    assert all(0.0 <= accuracy <= 1.0 for accuracy in found.values())
    model = load_float_model(folder / "model.keras")
    pictures = changed_module._validation(arguments)
    listed = json.loads((photos / "split.json").read_bytes())["pictures"].values()
    assert len(pictures) == [picture["role"] for picture in listed].count("validation") > 0
    dark = np.rint(pictures.images * 0.25).astype(np.uint8)
    expected = (predict(model, dark).argmax(axis=1) == pictures.labels).mean()
    assert found["a quarter as bright"] == pytest.approx(expected)
    # The second time they are read, unless the model is another.
    monkeypatch.setattr(changed_module, "_judge", lambda *_: {"judged": 1.0})
    assert changed_accuracies(arguments, folder) == found
    with (folder / "model.keras").open("ab") as file:
        file.write(b" ")
    assert changed_accuracies(arguments, folder) == {"judged": 1.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variants", "distill", "--data", "x"], "'distill' needs --teacher"),
        (["--variants", "magic"], "expected some of base,"),
        ([], "the following arguments are required: --data"),
        (["--data", "x", "--name", "photos2"], "expected letters a-z and dashes between"),
    ],
)
def test_usage_errors(capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_variant_is_a_valid_recipe_of_its_own(name):
    assert "," not in name  # it parts the names behind --variants
    words = VARIANTS[name].words([Path("teacher.keras")])
    options = parse_arguments(None, ["--data", "photos", *words])
    assert (options.teacher is not None) == VARIANTS[name].teacher
    recipe = recipe_of(options, teacher_sha256="ab" if VARIANTS[name].teacher else None)
    base = recipe_of(parse_arguments(None, ["--data", "photos"]))
    assert (recipe == base) == (name in (BASE, "float32"))


def test_no_two_variants_train_alike():
    trained: dict[object, str] = {}
    for name in VARIANTS.keys() - {"float32"}:  # the base, unless --options say otherwise
        words = VARIANTS[name].words([Path("teacher.keras")])
        options = parse_arguments(None, ["--data", "photos", *words])
        recipe = recipe_of(options, teacher_sha256="ab" if VARIANTS[name].teacher else None)
        key = recipe, architecture_of(options, 32)
        assert key not in trained, f"{name} is {trained.get(key)}"
        trained[key] = name
