"""`python -m convert`: a folder becomes a wheel, and what is done is not done again."""

from __future__ import annotations

import json
import shlex
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from folder_runs import content, fill, run_convert
from markupsafe import escape
from tiny_model import Run

import convert.int8.compile_model
import convert.package
import convert.train
import convert.training.checkpoint
import convert.training.loop
from convert.command import run_command
from convert.int8.gate import Verdict
from convert.package import main as package_main
from convert.quantize import main as quantize_main
from minivgg_edge.model_file import read_model_file

# Keras's own, when it saves a model; a program that is run by itself does not show it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = ("scan", "train", "quantize", "package", "report")
WHEEL = "my_parts-1.0-py3-none-any.whl"


@dataclass(frozen=True)
class Done:
    """A finished run; tests that change something take a copy."""

    data: Path
    out: Path
    run: Run
    data_before: dict[str, bytes]

    def copy(self, folder: Path) -> Done:
        shutil.copytree(self.data, folder / "photos")
        shutil.copytree(self.out, folder / "run")
        return Done(folder / "photos", folder / "run", self.run, self.data_before)


@pytest.fixture(scope="module", autouse=True)
def determinism_ends_here() -> Iterator[None]:
    """A training makes this process deterministic: other tests draw numbers without a seed."""
    yield
    from tensorflow.python.framework.config import disable_op_determinism

    disable_op_determinism()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two classes with 30 photos each."""
    root = tmp_path_factory.mktemp("pipeline")
    data = fill(root / "photos", ("bolt", "nut"), 30)
    before = content(data)
    run = run_convert(data, root / "run")
    assert run.code in (0, 3), run.err
    return Done(data, root / "run", run, before)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(arguments: object) -> int:
        raise AssertionError("trained again")

    monkeypatch.setattr(convert.train, "main", main)


def commands(run: Run) -> dict[str, list[str]]:
    """The words of each command that a run printed, by step."""
    lines = run.out.splitlines()
    return {
        heading.removeprefix("== ").split()[1].rstrip(":"): shlex.split(command[2:])
        for heading, command in pairwise(lines)
        if heading.startswith("== ") and command.startswith("$ ")
    }


def roles(out: Path) -> dict[str, str]:
    pictures = json.loads((out / "split.json").read_bytes())["pictures"]
    return {name: entry["role"] for name, entry in pictures.items()}


def kill_behind_one_epoch(data: Path, out: Path, patch: pytest.MonkeyPatch) -> None:
    run_epoch = convert.training.loop.Trainer._run_epoch

    def killed(self: object, epoch: int, report: object) -> None:
        if epoch == 1:
            raise KeyboardInterrupt
        run_epoch(self, epoch, report)

    with patch.context() as inner:
        inner.setattr(convert.training.loop.Trainer, "_run_epoch", killed)
        assert run_convert(data, out).code == 130
    assert (out / "training" / "checkpoint.npz").is_file()


def test_a_folder_becomes_a_wheel(done: Done) -> None:
    assert tuple(commands(done.run)) == STEPS
    model = read_model_file(done.out / "my-parts.tflite")
    assert (model.manifest.name, model.labels) == ("my-parts", ("bolt", "nut"))
    # Without it a split file that is lost could not be made again.
    assert model.manifest.training["grouping"] == {"kind": "looks", "pattern": None}
    archive = zipfile.ZipFile(done.out / "dist" / WHEEL)
    packed = archive.read("minivgg_edge_model_my_parts/my-parts.tflite")
    assert packed == (done.out / "my-parts.tflite").read_bytes()
    for line in (
        f"scp {done.out / 'dist' / WHEEL} ",
        f"pip install --no-deps ./{WHEEL}",
        "minivgg-edge classify --model my-parts photo.jpg",
        f"Report:  {done.out / 'report.html'}",
    ):
        assert line in done.run.out


def test_the_pictures_are_only_read(done: Done) -> None:
    assert content(done.data) == done.data_before
    assert set(roles(done.out)) == set(done.data_before)


def test_too_few_pictures_do_not_stop_it(done: Done) -> None:
    verdict = json.loads((done.out / "quantization.json").read_bytes())["verdict"]
    # 30 photos of a class leave a handful to validate on: that cannot prove half a point.
    assert verdict["status"] == "not-enough"
    assert done.run.code == 3
    assert "NOT ENOUGH PICTURES to be sure" in done.run.out


def test_what_is_done_is_not_done_again(done: Done, no_training: None) -> None:
    before = content(done.out)
    run = run_convert(done.data, done.out)
    assert run.code == done.run.code
    for number, step in enumerate(STEPS, 1):
        assert f"{number}/5 {step}: done before" in run.out
    assert commands(run) == {}
    assert content(done.out) == before
    assert "pip install --no-deps ./" in run.out


def test_dates_and_places_do_not_count(done: Done, tmp_path: Path, no_training: None) -> None:
    copy = done.copy(tmp_path)
    for path in copy.data.rglob("*.jpg"):
        path.touch()
    run = run_convert(copy.data, copy.out)
    assert run.code == done.run.code
    # The page shows the commands, which have other places in them.
    assert set(commands(run)) <= {"report"}


def test_the_printed_commands_do_the_same_alone(done: Done) -> None:
    printed = commands(done.run)
    before = content(done.out)
    steps = json.loads(before["state.json"])["steps"]
    for step, main in (("quantize", quantize_main), ("package", package_main)):
        words = printed[step]
        assert words[:3] == ["python", "-m", f"convert.{step}"]
        assert run_command(main, words[3:]) == steps[step]["exit_code"]
    assert content(done.out) == before


def test_added_pictures_leave_the_others_in_their_part(done: Done, tmp_path: Path) -> None:
    copy = done.copy(tmp_path)
    fill(copy.data, ("bolt", "nut"), 6, first=500)
    run = run_convert(copy.data, copy.out)
    assert run.code in (0, 3), run.err
    assert "2/5 train: again, another: pictures" in run.out
    old, new = roles(done.out), roles(copy.out)
    assert len(new) == len(old) + 12
    assert {name: new[name] for name in old} == old
    model = read_model_file(copy.out / "my-parts.tflite")
    assert model.sha256 != read_model_file(done.out / "my-parts.tflite").sha256


def test_a_step_is_repeated_when_its_result_was_changed(
    done: Done, tmp_path: Path, no_training: None
) -> None:
    copy = done.copy(tmp_path)
    (copy.out / "my-parts.tflite").write_bytes(b"damaged")
    (copy.out / "dist" / WHEEL).unlink()
    run = run_convert(copy.data, copy.out)
    assert run.code == done.run.code, run.err
    assert "3/5 quantize: again, not as it was left: my-parts.tflite" in run.out
    assert f"4/5 package: again, not as it was left: dist/{WHEEL}" in run.out
    for name in ("my-parts.tflite", f"dist/{WHEEL}"):
        assert (copy.out / name).read_bytes() == (done.out / name).read_bytes()


def test_options_repeat_the_steps_that_depend_on_them(
    done: Done, tmp_path: Path, no_training: None
) -> None:
    copy = done.copy(tmp_path)
    run = run_convert(copy.data, copy.out, "--version", "1.1", "--description", "-- Größe ✓")
    assert run.code == done.run.code, run.err
    assert set(commands(run)) == {"package", "report"}
    # A new version must not lose an option of the one before without a word.
    assert "4/5 package: again, another: options (before: --name my-parts --version 1.0)" in run.out
    assert (copy.out / "dist" / WHEEL.replace("1.0", "1.1")).is_file()
    assert "-- Größe ✓" in (copy.out / "model-card.md").read_text(encoding="utf-8")


def test_a_killed_training_goes_on(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_epoch = convert.training.loop.Trainer._run_epoch

    def killed(self: object, epoch: int, report: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt
        run_epoch(self, epoch, report)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(convert.training.loop.Trainer, "_run_epoch", killed)
        assert run_convert(done.data, out).code == 130
    run = run_convert(done.data, out)
    assert run.code == done.run.code, run.err
    assert "1/5 scan: done before" in run.out
    assert "--resume" in commands(run)["train"]
    assert (out / "split.json").read_bytes() == (done.out / "split.json").read_bytes()
    # Keras writes the time into its file, and the compiled model's manifest names that file.
    models = [read_model_file(folder / "my-parts.tflite") for folder in (out, done.out)]
    assert models[0].flatbuffer == models[1].flatbuffer


def test_a_killed_training_of_other_pictures_does_not_go_on(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with the old checkpoint nor with the old model: both are of other pictures."""
    copy = done.copy(tmp_path)
    fill(copy.data, ("bolt", "nut"), 3, first=500)

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convert.training.loop.Trainer, "_run_epoch", killed)
        assert run_convert(copy.data, copy.out).code == 130
    run = run_convert(copy.data, copy.out)
    assert run.code in (0, 3), run.err
    assert "--force" in commands(run)["train"]
    record = json.loads((copy.out / "training" / "training.json").read_bytes())
    assert sum(part["count"] for part in record["data"]["splits"].values()) == 66


def test_a_checkpoint_of_other_pictures_is_discarded(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "photos", tmp_path / "run"
    shutil.copytree(done.data, data)
    kill_behind_one_epoch(data, out, monkeypatch)
    fill(data, ("bolt", "nut"), 3, first=500)
    run = run_convert(data, out)
    assert run.code in (0, 3), run.err
    assert "--force" in commands(run)["train"]
    record = json.loads((out / "training" / "training.json").read_bytes())
    assert sum(part["count"] for part in record["data"]["splits"].values()) == 66


def test_a_second_kill_while_other_pictures_are_read(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint is that of the first run, whatever was begun since."""
    data, out = tmp_path / "photos", tmp_path / "run"
    shutil.copytree(done.data, data)
    kill_behind_one_epoch(data, out, monkeypatch)
    fill(data, ("bolt", "nut"), 3, first=500)

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convert.train, "read_data", killed)
        assert run_convert(data, out).code == 130
    run = run_convert(data, out)
    assert run.code in (0, 3), run.err
    assert "from the beginning" not in run.out
    record = json.loads((out / "training" / "training.json").read_bytes())
    assert sum(part["count"] for part in record["data"]["splits"].values()) == 66


def test_a_checkpoint_of_another_version_does_not_stop_it(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    kill_behind_one_epoch(done.data, out, monkeypatch)
    monkeypatch.setattr(convert.training.checkpoint, "FORMAT", 99)
    run = run_convert(done.data, out)
    assert run.code in (0, 3), run.err
    assert "2/5 train: from the beginning, " in run.out
    assert "expected a checkpoint of format 99, got 3" in run.out
    assert not {"--resume", "--force"} & set(commands(run)["train"])
    record = json.loads((out / "training" / "training.json").read_bytes())
    assert len(record["history"]) == 3


def test_a_tar_for_a_board_without_a_network(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_training: None
) -> None:
    copy = done.copy(tmp_path)
    tar = copy.out / "dist" / "my_parts-1.0-pi5.tar"
    monkeypatch.setattr(convert.package, "_bundle", lambda *given: b"all wheels")
    run = run_convert(copy.data, copy.out, "--board", "pi5")
    assert run.code == done.run.code, run.err
    assert set(commands(run)) == {"package", "report"}
    assert tar.read_bytes() == b"all wheels"
    for line in (f"scp {tar} ", f"tar xf {tar.name}", "--no-index --find-links my_parts-1.0-pi5 "):
        assert line in run.out
    tar.unlink()
    run = run_convert(copy.data, copy.out, "--board", "pi5")
    assert "4/5 package: again, not as it was left: dist/my_parts-1.0-pi5.tar" in run.out


def test_a_refused_model_is_not_packaged(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_training: None
) -> None:
    copy = done.copy(tmp_path)

    def judge(comparison: object, *, max_drop: float) -> Verdict:
        return Verdict("fail", max_drop, "it loses <i>9 points</i>")

    with monkeypatch.context() as patch:
        patch.setattr(convert.int8.compile_model, "judge", judge)
        earlier = run_convert(copy.data, copy.out, "--max-drop", "0.25")
        shutil.rmtree(copy.out / "dist")
        (copy.out / "my-parts.tflite").unlink()
        run = run_convert(copy.data, copy.out, "--max-drop", "0.25")
    assert (
        f"Of an earlier run, and left as they were: my-parts.tflite, dist/{WHEEL}." in earlier.err
    )
    assert run.code == 1
    assert "an earlier run" not in run.err
    assert "NOT PACKAGED: it loses <i>9 points</i>." in run.err
    assert "Let it look for a better quantization (--search), train longer" in run.err
    assert not (copy.out / "dist").exists()
    page = (copy.out / "report.html").read_text(encoding="utf-8")
    advice = json.loads((copy.out / "quantization.json").read_bytes())["advice"]
    assert advice.endswith(".")
    assert advice in run.err
    assert escape(advice) in page
    assert "REFUSED" in page
    assert "it loses &lt;i&gt;9 points&lt;/i&gt;" in page
    assert "pip install" not in page
    # The next run compiles again, whatever stands there.
    run = run_convert(copy.data, copy.out, "--max-drop", "0.25")
    assert run.code in (0, 3)
    assert (copy.out / "dist" / WHEEL).is_file()
    assert "REFUSED" not in (copy.out / "report.html").read_text(encoding="utf-8")


def test_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    """And one that is renamed while it trains: its pictures are the same."""
    data = fill(tmp_path / "photos \udce9", ("bolt", "nut"), 20)
    out = tmp_path / "my run"
    with pytest.MonkeyPatch.context() as patch:
        kill_behind_one_epoch(data, out, patch)
    renamed = data.rename(tmp_path / "other photos \udce9")
    run = run_convert(renamed, out)
    assert run.code in (0, 3), run.err
    assert "--resume" in commands(run)["train"]
    assert "the checkpoint belongs to another run" not in run.out + run.err
    command = json.loads((out / "training" / "training.json").read_bytes())["command"]
    assert shlex.split(command)[4] == str(renamed)
    model = read_model_file(out / "my-parts.tflite")
    assert model.manifest.accuracy[0].dataset == "other photos \ufffd"
    (scp,) = [line.strip() for line in run.out.splitlines() if line.strip().startswith("scp ")]
    assert len(shlex.split(scp)) == 3


def test_class_names_of_all_kinds_and_broken_files(tmp_path: Path) -> None:
    names = ("<b>big bolt & co", "🔩 nut", "винт", "螺絲")
    data = fill(tmp_path / "photos", names, 20)
    broken = [data / name / "p0007x.jpg" for name in names]
    for path in broken:  # one in twenty
        path.write_bytes(path.read_bytes()[:300])
    run = run_convert(data, tmp_path / "run", training=("--epochs", "2"))
    assert run.code in (0, 3), run.err
    model = read_model_file(tmp_path / "run" / "my-parts.tflite")
    assert model.labels == tuple(sorted(names))
    assert not {f"{path.parent.name}/{path.name}" for path in broken} & set(roles(tmp_path / "run"))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "4 of 80 pictures cannot be decoded" in page
    assert "&lt;b&gt;big bolt &amp; co" in page
    assert "<b>big" not in page
    assert "винт" in page


def test_the_page(done: Done) -> None:
    page = (done.out / "report.html").read_text(encoding="utf-8")
    report = json.loads((done.out / "quantization.json").read_bytes())
    for found in report["comparisons"]:
        assert f">{100 * found['target_top1']:.2f} %<" in page
        assert f">{100 * found['float_top1']:.2f} %<" in page
    model = read_model_file(done.out / "my-parts.tflite")
    for text in (
        model.sha256,
        "The split",
        "data:image/svg+xml;base64,",
        '<a href="quantization.html">',
        f"pip install --no-deps ./{WHEEL}",
    ):
        assert text in page
    assert "<h1>my-parts: float32 and int8</h1>" in (done.out / "quantization.html").read_text()
    for step in ("scan", "train", "quantize", "package", "pipeline.page"):
        assert f"python -m convert.{step} " in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    for file in done.out.rglob("*"):
        assert file.is_dir() or b"SECRET PLACE" not in file.read_bytes(), file


# What is refused


@pytest.mark.parametrize(
    ("words", "training", "message"),
    [
        (["--name", "детали"], [], "name: expected"),
        (["--version", "one"], [], "version: expected one like 1.0"),
        (["--license", "none of SPDX's"], [], "expected fields that a wheel can carry, got"),
        (["--description", "two\nlines"], [], "expected fields that a wheel can carry, got"),
        (["--author", "two\nlines"], [], "author: expected one line"),
        ([], ["--out", "elsewhere"], "train: expected no --out behind --"),
        ([], ["--resume"], "train: expected no --resume behind --"),
        (["-o", "photos/run"], [], "expected a folder outside of the pictures'"),
        (["-o", "foreign"], [], "expected a new folder or that of an earlier run"),
    ],
)
def test_it_is_refused_before_the_work(
    words: list[str],
    training: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(Path("photos"), ("bolt", "nut"), 2)
    Path("foreign").mkdir()
    Path("foreign", "mine.txt").touch()
    run = run_convert(Path("photos"), Path("new"), *words, training=training)
    assert run.code == 2
    assert message in run.err
    assert run.err.count("\n") == 1
    assert not Path("new").exists()
    assert [path.name for path in Path("foreign").iterdir()] == ["mine.txt"]


def test_a_misspelt_option_of_the_training_is_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        run_convert(tmp_path / "photos", tmp_path / "run", training=("--epoch-count", "3"))
    assert stop.value.code == 2


def test_a_run_of_another_name_is_not_taken_over(done: Done) -> None:
    run = run_convert(done.data, done.out, "--name", "other")
    assert run.code == 2
    assert "expected a new folder or that of 'other', got that of 'my-parts'" in run.err


def test_errors_name_the_step(tmp_path: Path, done: Done) -> None:
    run = run_convert(tmp_path / "nothing", tmp_path / "run")
    assert (run.code, run.err[:12]) == (2, "error: scan:")
    data = fill(tmp_path / "photos", ("bolt", "nut"), 5)
    for path in sorted((data / "nut").iterdir())[1:]:
        path.unlink()
    run = run_convert(data, tmp_path / "run")
    assert run.code == 2
    assert run.err.startswith("error: scan: training cannot work with this folder: classes with")
    copy = done.copy(tmp_path / "copy")
    split = json.loads((copy.out / "split.json").read_bytes())
    split["version"] = 99
    (copy.out / "split.json").write_text(json.dumps(split))
    run = run_convert(copy.data, copy.out)
    assert run.code == 2
    assert run.err.startswith("error: train: ")
    assert "split.json" in run.err


def test_a_damaged_state(done: Done, tmp_path: Path) -> None:
    copy = done.copy(tmp_path)
    (copy.out / "state.json").write_text("{}")
    run = run_convert(copy.data, copy.out)
    assert run.code == 2
    assert "state.json: expected the state of a run" in run.err
    assert "remove the file to do all steps again" in run.err
    (copy.out / "state.json").unlink()
    run = run_convert(copy.data, copy.out)
    assert run.code == done.run.code, run.err
    assert tuple(commands(run)) == STEPS
    assert (copy.out / "split.json").read_bytes() == (done.out / "split.json").read_bytes()


def test_quiet_prints_the_result_alone(done: Done) -> None:
    run = run_convert(done.data, done.out, "--quiet")
    assert run.code == done.run.code
    assert "done before" not in run.out
    assert "pip install --no-deps ./" in run.out


# Minutes


@pytest.mark.slow
def test_photos_of_12_megapixels(tmp_path: Path) -> None:
    data = fill(tmp_path / "photos", ("bolt", "nut"), 8, width=4000, height=3000)
    run = run_convert(data, tmp_path / "run")
    assert run.code in (0, 3), run.err
    assert "several megapixels" in run.out


@pytest.mark.slow
def test_120_classes(tmp_path: Path) -> None:
    names = [f"part {number}" for number in range(120)]
    data = fill(tmp_path / "photos", names, 10)
    run = run_convert(data, tmp_path / "run")
    assert run.code in (0, 1, 3), run.err
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert len(page) < 3_000_000
