"""What the suites share: the two models, the pictures, and the results for the summary."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.host import Results
from benchmarks.summary import summary_lines
from convert.atomic import write_output
from convert.quiet import quiet
from convert.training.pause import trainings_paused
from minivgg_edge.catalog import DEFAULT_MODEL, load_model
from minivgg_edge.interpreter import runtime_info
from minivgg_edge.measure.card import Entry
from minivgg_edge.measure.cases import LoadedModel, Pictures, make_pictures
from minivgg_edge.measure.machine_state import take_snapshot
from minivgg_edge.measure.suite import (
    Surroundings,
    describe,
    hashes_of,
    model_hashes,
    warm_up,
)

if TYPE_CHECKING:
    from convert.data.pictures import PictureSet

_RESULTS = pytest.StashKey[Results]()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare a place for the results."""
    config.stash[_RESULTS] = Results()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name or path of the model of each precision; the float one is converted now."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from benchmarks.models import FLOAT_MODEL, float_model_file

    path = tmp_path_factory.mktemp("models") / f"{DEFAULT_MODEL}.float.tflite"
    path.write_bytes(float_model_file(FLOAT_MODEL, DEFAULT_MODEL))
    return {"int8": DEFAULT_MODEL, "float32": str(path)}


@pytest.fixture(scope="session")
def pictures(models: dict[str, str]) -> Pictures:
    """What is classified; without Pillow only arrays."""
    spec = load_model(models["int8"]).manifest.input
    return make_pictures(spec.height, spec.width)


@pytest.fixture(scope="session")
def loaded(models: dict[str, str]) -> Iterator[Callable[[str, int], LoadedModel]]:
    """A function that loads the model of a precision with a number of threads, once."""

    @functools.cache
    def load(precision: str, num_threads: int) -> LoadedModel:
        with quiet():
            return LoadedModel(models[precision], num_threads)

    yield load
    load.cache_clear()


@pytest.fixture(scope="session")
def test_pictures(pytestconfig: pytest.Config, models: dict[str, str]) -> tuple[str, PictureSet]:
    """Name of the data set and its test pictures: those of `--data`, else the embedded sample's."""
    from benchmarks.pictures import read_test_pictures

    return read_test_pictures(pytestconfig.option.data, load_model(models["int8"]))


@pytest.fixture(scope="session", autouse=True)
def results(
    pytestconfig: pytest.Config, models: dict[str, str], pictures: Pictures
) -> Iterator[Results]:
    """The results of this session, between two looks at the machine."""
    found = pytestconfig.stash[_RESULTS]
    runtime = runtime_info()
    files = {precision: load_model(model) for precision, model in models.items()}
    for precision, file in files.items():
        found.describe(precision, describe(file, runtime, is_reference=precision == "int8"))
    found.describe("keras", _keras_entry())
    paths = list(models.values())
    warm_up(paths, pictures, Surroundings(loading=_silenced))
    with trainings_paused():
        found.before = take_snapshot(models=hashes_of(files.values()))
        yield found
        found.after = take_snapshot(models=model_hashes(paths))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the summary, and write the card if a file was named and all came to its end."""
    command = " ".join(["pytest", *config.invocation_params.args])
    card = config.stash[_RESULTS].card(date=datetime.date.today().isoformat(), command=command)
    if card is None:
        return
    terminalreporter.section("minivgg-edge benchmarks")
    for line in summary_lines(card):
        terminalreporter.write_line(line)
    path: Path | None = config.option.benchmark_card
    if path is not None and exitstatus != pytest.ExitCode.OK:
        terminalreporter.write_line(f"{path}: not written, the run was broken off or failed")
    elif path is not None:
        document = json.dumps(card.to_json(), indent=1, allow_nan=False) + "\n"
        state = write_output(path, document.encode(), force=True)
        terminalreporter.write_line(f"{path}: {state}")


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    with quiet():
        yield


def _keras_entry() -> Entry:
    """The float model in Keras, of which only `predict` is timed."""
    import keras

    from benchmarks.models import FLOAT_MODEL

    data = FLOAT_MODEL.read_bytes()
    return Entry(
        model=DEFAULT_MODEL,
        precision="float32",
        engine="keras",
        engine_version=keras.__version__,
        is_reference=False,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )
