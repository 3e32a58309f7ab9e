"""`python -m convert.train` as a user runs it: results, resume after a kill, refusals."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from convert.command import run_command
from convert.folder_lock import locked
from convert.int8.float_model import load_float_model
from convert.quiet import quiet
from convert.train import main

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = [
    *("--blocks", "8|8", "--dense-units", "16", "--batch-size", "16", "--epochs", "4"),
    *("--block-dropout", "0", "--head-dropout", "0.1", "--ema-decay", "0.9"),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A folder of images in two classes that differ in color."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for channel, name in ((0, "red things"), (2, "blue things")):
        (folder / name).mkdir()
        for number in range(120):
            pixels = generator.integers(0, 120, (20, 20, 3), dtype=np.uint8)
            pixels[:, :, channel] += 100
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def command(photos: Path, out: Path, *more: str) -> list[str]:
    program = [sys.executable, "-m", "convert.train", "--data", str(photos), "-o", str(out)]
    # Not the lock of the checkout: whoever measures times there would stop the tests.
    lock = ["--lock", str(out.with_name("lock"))]
    return [*program, "--size", "16", *lock, *SMALL, *more]


def record_of(out: Path) -> dict[str, object]:
    return json.loads((out / "training.json").read_text())


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory) -> tuple[Path, str]:
    """An uninterrupted run and what it printed."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    run = subprocess.run(command(photos, out), cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return out, run.stdout


def test_a_run_leaves_model_record_log_and_curves(finished):
    out, printed = finished
    record = record_of(out)
    assert record["labels"] == ["blue things", "red things"]
    assert record["results"]["validation"]["accuracy"] > 0.9
    assert [entry["epoch"] for entry in record["history"]] == [1, 2, 3, 4]
    assert record["recipe"]["seed"] == 1
    trained = record["data"]["splits"]["train"]["count"]
    assert trained > 100
    assert len(base64.b64decode(record["trained_on"])) == 6 * trained
    assert {"keras", "numpy", "python"} <= set(record["versions"])
    assert record["machine"].endswith((" core", " cores"))
    with (out / "log.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]
    assert b"<svg" in (out / "curves.svg").read_bytes()
    assert list((out / "tensorboard").iterdir())
    assert not (out / "checkpoint.npz").exists()
    assert "The split is kept in " in printed
    assert "epoch 4/4: loss" in printed
    assert "left" in printed


def test_the_saved_model_is_the_judged_one(finished):
    import keras

    from convert.training.record import weights_sha256

    out, _ = finished
    model = keras.saving.load_model(out / "model.keras", compile=False)
    assert weights_sha256(model) == record_of(out)["weights_sha256"]


def test_a_killed_run_resumes_to_the_same_bits(photos, finished, tmp_path):
    out = tmp_path / "killed"
    arguments = command(photos, out, "--quiet")
    victim = subprocess.Popen(arguments, cwd=ROOT)
    deadline = time.monotonic() + 120
    # The first checkpoint stands: the run is somewhere behind its first epoch.
    while not (out / "checkpoint.npz").exists() and victim.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (out / "model.keras").exists(), "the run ended before the kill"
    resumed = subprocess.run([*arguments, "--resume"], cwd=ROOT, capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == ""
    whole, again = record_of(finished[0]), record_of(out)
    assert again["weights_sha256"] == whole["weights_sha256"]
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        assert [e[name] for e in again["history"]] == [e[name] for e in whole["history"]]


def test_teachers_branches_and_a_part_of_the_pictures(photos, finished, tmp_path):
    teacher = finished[0] / "model.keras"
    options = ["--teacher", str(teacher), "--teacher-views", "cached", "--branches", "rep"]
    options += [
        "--train-count",
        "96",
        "--precision",
        "bfloat16",
        "--mixup",
        "0.2",
        "--name",
        "pupil",
    ]
    run = subprocess.run(
        command(photos, tmp_path / "out", *options), cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    record = record_of(tmp_path / "out")
    assert record["name"] == "pupil"
    assert record["data"]["splits"]["train"]["count"] == 96
    assert record["recipe"]["distillation"] == {
        "teacher_sha256": hashlib.sha256(teacher.read_bytes()).hexdigest(),
        "weight": 0.5,
        "temperature": 4.0,
        "views": "cached",
        "rounds": 16,
        "sees": "same",
    }
    assert (record["recipe"]["branches"], record["recipe"]["precision"]) == ("rep", "bfloat16")
    assert 0.0 <= record["fusion_difference"] < 1e-4
    assert len(list((tmp_path / "out").glob("teacher-*.npy"))) == 1
    config = zipfile.ZipFile(tmp_path / "out" / "model.keras").read("config.json").decode()
    assert "FusedNormalization" not in config
    assert "bfloat16" not in config

    both = [str(teacher), str(tmp_path / "out" / "model.keras")]
    # Photos are shown in changed light unless an option says otherwise.
    clear = ["--clear-epochs", "1", "--clear-share", "0.5"]
    # Nearly nothing of what the run changes is kept: the saved model is nearly its start.
    start = ["--init", both[0], "--init-share", "0.0001", "--patience", "0"]
    options = ["--teacher", *both, "--epochs", "2", *clear, *start]
    run = subprocess.run(
        command(photos, tmp_path / "taught", *options), cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "The mean of the teachers is right on " in run.stdout
    record = record_of(tmp_path / "taught")
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in both]
    members = record["choices"]["teacher"]["members"]
    assert [member["sha256"] for member in members] == digests
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    assert record["recipe"]["distillation"]["teacher_sha256"] == joined
    assert (record["recipe"]["clear_epochs"], record["recipe"]["clear_share"]) == (1, 0.5)
    page = (tmp_path / "taught" / "report.html").read_text()
    assert (
        "0.0001 of the way from the start to what the run came to: 0.5 of the way from the average "
        "behind epoch 1 to the average of the weights behind epoch 2"
    ) in page
    assert "The saved model keeps 0.0001 of what the run changes" in run.stdout
    assert record["choices"]["init_share"] == 0.0001
    # Epochs are judged by what the run came to, the saved model is another.
    saved = tmp_path / "taught" / "model.keras"
    with quiet():
        begun, kept = (load_float_model(path).get_weights() for path in (teacher, saved))
    for mine, first in zip(kept, begun, strict=True):
        np.testing.assert_allclose(mine, first, atol=1e-3)
    assert any((mine != first).any() for mine, first in zip(kept, begun, strict=True))


def test_a_lock_stops_the_steps(photos, tmp_path):
    lock, out = tmp_path / "lock", tmp_path / "out"
    lock.touch()
    run = subprocess.Popen(command(photos, out), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(run.stdout.readline, "")
        assert any(line.startswith("Waiting while ") for line in lines)
        time.sleep(1.0)
        assert not (out / "log.csv").exists()
        lock.unlink()
        assert any(line.startswith("Going on after ") for line in lines)
    finally:
        run.kill()
        run.communicate()


@pytest.mark.slow
@pytest.mark.timeout(3600)  # five epochs of two minutes where the processor has AVX2 alone
def test_cifar10_killed_inside_an_epoch_resumes_to_the_same_bits(shared_dir, tmp_path):
    data = shared_dir / "data" / "cifar-10-batches-bin"
    program = [
        sys.executable,
        "-m",
        "convert.train",
        "--data",
        str(data),
        "--epochs",
        "2",
        "--quiet",
    ]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*program, "-o", str(whole)], cwd=ROOT, check=True)
    victim = subprocess.Popen([*program, "-o", str(killed)], cwd=ROOT)
    while not (killed / "checkpoint.npz").exists():
        assert victim.poll() is None
        time.sleep(0.1)
    time.sleep(5)
    victim.kill()
    victim.wait()
    assert not (killed / "model.keras").exists(), "the run ended before the kill"
    subprocess.run([*program, "-o", str(killed), "--resume"], cwd=ROOT, check=True)
    assert record_of(killed)["weights_sha256"] == record_of(whole)["weights_sha256"]


def refused(capsys, *arguments: str) -> str:
    """Run the command in this process; it must end with exit code 2 and one line."""
    assert run_command(main, list(arguments)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_finished_run_is_not_overwritten(photos, finished, capsys):
    message = refused(capsys, "--data", str(photos), "-o", str(finished[0]))
    assert "holds a finished run: name another --out or add --force" in message


def test_an_unfinished_run_is_not_overwritten(photos, tmp_path, capsys):
    (tmp_path / "checkpoint.npz").write_bytes(b"x")
    message = refused(capsys, "--data", str(photos), "-o", str(tmp_path))
    assert "holds an unfinished run: add --resume, or --force" in message


def test_one_run_at_a_time_in_a_folder(photos, tmp_path, capsys):
    with locked(tmp_path):
        message = refused(capsys, "--data", str(photos), "-o", str(tmp_path), "--force")
    assert f"{tmp_path}: expected no other run at work there, got one" in message
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_tensorflow_cannot_name(photos, tmp_path, capsys):
    message = refused(capsys, "--data", str(photos), "-o", str(tmp_path / "a \udce9"))
    assert "expected a folder whose path is valid UTF-8" in message
    assert list(tmp_path.iterdir()) == []


def test_missing_data(tmp_path, capsys):
    message = refused(capsys, "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out"))
    assert "nowhere: expected a folder with a data set" in message


def test_a_broken_picture_is_named(photos, tmp_path, capsys):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(photos, data)
    (data / "red things" / "broken.png").write_bytes(b"no picture")
    message = refused(capsys, "--data", str(data), "-o", str(tmp_path / "out"))
    assert "broken.png" in message


def test_an_empty_class_folder_is_named(photos, tmp_path, capsys):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(photos, data)
    (data / "green things").mkdir()
    message = refused(capsys, "--data", str(data), "-o", str(tmp_path / "out"))
    assert "green things" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "expected at least 1 epoch, got 0"),
        (["--cutout", "2"], "expected cutout_fraction in 0..1, got 2.0"),
        (["--size", "2"], "expected at least 4x4 pixels, got 2x2"),
        (["--learning-rate", "0"], "expected a positive learning rate, got 0.0"),
        (["--learning-rate", "nan"], "expected a positive learning rate, got nan"),
        (["--seed", "-1"], "expected a seed from 0 to 4294967295, got -1"),
        (["--mixup", "-1"], "expected mixup in 0..100, got -1.0"),
        (["--blur", "17"], "expected blur in 0..16 pixels, got 17.0"),
        (["--jitter", "2"], "expected jitter in 0..1, got 2.0"),
        (["--teacher", "none.keras"], "none.keras: expected a teacher, got no such file"),
        (["--init", "none.keras"], "none.keras: expected a model to start from, got no such file"),
        (["--teacher", "t.keras", "--temperature", "0"], "expected a positive temperature, got 0"),
        (["--train-count", "100000"], "pictures to train on, got 100000"),
        (["--branches", "rep", "--order", "conv-relu-bn"], "expected the order conv-bn-relu with"),
    ],
)
def test_bad_values(photos, tmp_path, capsys, arguments, message):
    line = refused(capsys, "--data", str(photos), "-o", str(tmp_path / "out"), *arguments)
    assert message in line


def test_bad_blocks_are_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--data", "x", "--blocks", "32;32"])
    assert ended.value.code == 2
    assert "expected widths such as '32,32|64,64', got '32;32'" in capsys.readouterr().err


def test_a_share_without_clear_epochs_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--data", "x", "--clear-share", "0.5"])
    assert ended.value.code == 2
    assert "--clear-share needs --clear-epochs" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["0", "1.5", "nan"])
def test_an_init_share_out_of_range_is_refused(photos, tmp_path, capsys, share):
    arguments = ["--data", str(photos), "-o", str(tmp_path / "out"), "--init-share", share]
    assert "expected an init share in 0..1 (0 excluded)" in refused(capsys, *arguments)


@pytest.mark.parametrize(("init", "got"), [("none", "none"), ("published", "8 layers of minivgg/")])
def test_a_share_of_what_did_not_begin_whole_is_refused(photos, tmp_path, capsys, init, got):
    arguments = ["--data", str(photos), "-o", str(tmp_path / "out"), "--init", init]
    line = refused(capsys, *arguments, "--init-share", "0.5")
    assert "--init-share needs an --init FILE with the same classes and layers" in line
    assert f"got {got}" in line


def test_a_size_of_nothing_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--data", "x", "--size", "0"])
    assert ended.value.code == 2
    assert "--size: expected an integer of at least 1, got '0'" in capsys.readouterr().err


def test_a_folder_that_tensorboard_cannot_write_is_one_line(photos, tmp_path):
    (tmp_path / "tensorboard").touch()
    run = subprocess.run(command(photos, tmp_path), cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2, run.stderr
    assert f"{tmp_path / 'tensorboard'}: cannot be written: " in run.stderr
    assert "Traceback" not in run.stderr


def test_a_full_disk_is_one_line(photos, tmp_path):
    """A file-size limit stands for the full disk: writing the first checkpoint fails."""
    limited = "import resource,runpy,sys,signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    limited += "sys.argv = sys.argv[1:]; runpy.run_module('convert.train', run_name='__main__')"
    out = tmp_path / "out"
    _, _, _, *arguments = command(photos, out, "--dense-units", "512")
    run = subprocess.run(
        [sys.executable, "-c", limited, "train", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2, run.stderr
    assert "File too large" in run.stderr
    assert "checkpoint.npz" in run.stderr
    assert "Traceback" not in run.stderr
    assert not [*out.glob("*.npz"), *out.glob("*.tmp")]


def test_force_keeps_the_checkpoint_until_the_data_is_found_good(tmp_path, capsys):
    (tmp_path / "checkpoint.npz").write_bytes(b"hours of work")
    data = str(tmp_path / "misspelt")
    assert "misspelt" in refused(capsys, "--data", data, "-o", str(tmp_path), "--force")
    assert (tmp_path / "checkpoint.npz").read_bytes() == b"hours of work"
