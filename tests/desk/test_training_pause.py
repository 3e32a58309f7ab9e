"""The lock that makes trainings wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from convert.errors import TrainingError
from convert.training.pause import Pause, holding, trainings_paused


def test_without_a_lock_nothing_is_waited_for(tmp_path):
    said = []
    assert Pause(tmp_path / "pause", said.append).wait() == 0.0
    assert said == []


def test_waits_until_the_file_is_gone(tmp_path):
    lock, said = tmp_path / "pause", []
    lock.touch()
    timer = threading.Timer(0.4, lock.unlink)
    timer.start()
    started = time.perf_counter()
    waited_s = Pause(lock, said.append).wait()
    assert 0.3 < waited_s <= time.perf_counter() - started
    assert said[0] == f"Waiting while {lock} exists"
    assert said[1].startswith("Going on after ")
    timer.join()


def test_a_holder_is_waited_for_and_cleans_up(tmp_path):
    lock = tmp_path / "new" / "pause"
    with holding(lock, settle_s=0.0):
        assert lock.read_text() == str(os.getpid())
        with pytest.raises(TrainingError, match="pause: expected no lock, got one that is held"):
            holding(lock, settle_s=0.0).__enter__()
    assert not lock.exists()


def test_a_lock_never_looks_as_if_made_by_hand(tmp_path, monkeypatch):
    """One that were there before its owner's number is would let a second measurement begin."""
    from convert.training import pause

    lock, seen = tmp_path / "pause", []
    link = os.link

    def watched(source, target):
        link(source, target)
        seen.append(lock.read_text())

    monkeypatch.setattr(pause.os, "link", watched)
    with holding(lock, settle_s=0.0):
        assert seen == [str(os.getpid())]
        assert list(tmp_path.iterdir()) == [lock]


def test_two_measurements_take_turns(tmp_path):
    """The second waits for the first, whose end must not let trainings go on beside it."""
    lock = tmp_path / "pause"
    program = (
        "import sys, time, pathlib\n"
        "from convert.training.pause import trainings_paused\n"
        f"with trainings_paused(pathlib.Path({str(lock)!r}), settle_s=0.0):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(1.0)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "held\n"
    with trainings_paused(lock, settle_s=0.0):
        first.stdout.read()  # until it has ended
        assert lock.read_text() == str(os.getpid())
        with trainings_paused(lock, settle_s=0.0):
            pass  # our own
        assert lock.exists()
    assert first.wait() == 0
    first.stdout.close()
    assert not lock.exists()


def test_the_environment_names_the_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVGG_PAUSE", str(tmp_path / "other"))
    with trainings_paused(settle_s=0.0):
        assert (tmp_path / "other").read_text() == str(os.getpid())


def test_measurements_pause_the_trainings_of_this_folder(tmp_path):
    lock = tmp_path / "runs" / "pause"
    with trainings_paused(lock, settle_s=0.0):
        assert not lock.exists()  # there are none
    lock.parent.mkdir()
    with trainings_paused(lock, settle_s=0.0):
        assert lock.read_text() == str(os.getpid())
    assert not lock.exists()
    lock.touch()  # somebody said so by hand
    with trainings_paused(lock, settle_s=0.0):
        assert lock.read_text() == ""
    assert lock.exists()


def test_the_lock_of_a_dead_process_is_none(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    (tmp_path / "pause").write_bytes(child.stdout)
    assert Pause(tmp_path / "pause", print).wait() == 0.0
    with holding(tmp_path / "pause", settle_s=0.0):
        pass
