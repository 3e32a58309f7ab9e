"""Published times of networks on boards, and how each is modelled here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("published.json")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One time that somebody measured on a board.

    Attributes:
        network: Its name, with the input's size where the name does not say it.
        precision: "int8" or "float32", of the network's file.
        board: A key of `benchmarks.arm.boards.BOARDS`.
        core: Arm's name of its core.
        clock_ghz: At which it ran.
        threads: How many.
        engine: What ran it.
        engine_version: "not stated" where the source says nothing.
        published_ms: Mean time of an inference.
        source: Title and address of the page.
        run_with: The wheel that is run here, pinned.
        note: What is not alike.
    """

    network: str
    precision: str
    board: str
    core: str
    clock_ghz: float
    threads: int
    engine: str
    engine_version: str
    published_ms: float
    source: str
    run_with: str
    note: str

    @property
    def run_engine(self) -> str:
        """Name of the engine that is run here."""
        return self.run_with.partition("==")[0]


def read(path: Path = FILE) -> tuple[Measurement, ...]:
    """Read the measurements in the order of the file.

    Raises:
        KeyError: One names a source that the file does not have.
        TypeError: One has other fields.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    sources = {
        key: f"{source['title']}, {source['url']}" for key, source in stored["sources"].items()
    }
    return tuple(
        Measurement(**{**entry, "source": sources[entry["source"]]})
        for entry in stored["measurements"]
    )
