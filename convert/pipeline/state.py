"""What a run has done: `state.json`, by hashes of content and never by dates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from convert.pipeline.errors import StateError
from convert.pipeline.places import Places
from minivgg_edge.atomic import write_atomically

_FORMAT = "minivgg-edge-run"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step.

    Attributes:
        inputs: what it depended on: a hash or the words of a command line, by what it is.
        outputs: SHA-256 (hex) of each file that it left, by its path below the run's folder.
        exit_code: of its command.
        command: its command line.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    exit_code: int
    command: str


@dataclass(frozen=True, slots=True)
class State:
    """A run so far.

    Attributes:
        name: of the model.
        version: of the model.
        board: that a tar is made for; None: none.
        steps: the finished ones, by name.
        begun: the inputs of those that were begun and not finished, by name.
    """

    name: str
    version: str
    board: str | None = None
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    begun: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def with_begun(self, step: str, inputs: Mapping[str, str]) -> State:
        """Return the state with a step begun; an earlier end of it no longer counts."""
        steps = {name: record for name, record in self.steps.items() if name != step}
        return replace(self, steps=steps, begun={**self.begun, step: dict(inputs)})

    def with_done(self, step: str, record: StepRecord) -> State:
        """Return the state with a step finished."""
        begun = {name: inputs for name, inputs in self.begun.items() if name != step}
        return replace(self, steps={**self.steps, step: record}, begun=begun)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        document = {"format": _FORMAT, "format_version": _VERSION, **asdict(self)}
        # ASCII: a file name that is not valid UTF-8 survives as an escaped surrogate.
        write_atomically(path, json.dumps(document, indent=1).encode("ascii") + b"\n")


def read_state(path: Path) -> State | None:
    """Read the state of a run; None where none was begun.

    Raises:
        StateError: the file cannot be read or is none of this version.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if (document["format"], document["format_version"]) != (_FORMAT, _VERSION):
            raise ValueError(f"{document['format']!r} of version {document['format_version']!r}")
        return State(
            name=document["name"],
            version=document["version"],
            board=document["board"],
            steps={name: StepRecord(**record) for name, record in document["steps"].items()},
            begun={name: dict(inputs) for name, inputs in document["begun"].items()},
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateError(f"{path}: expected the state of a run, got: {error.strerror}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{path}: expected the state of a run ({_FORMAT!r} of version {_VERSION}), got "
            f"{type(error).__name__}: {error}; remove the file to do all steps again"
        ) from error


def open_state(path: Path, *, name: str, version: str, board: str | None) -> State:
    """Take up the run of a folder, or begin one; nothing is written.

    A folder with nothing but files of a run of this name is taken up as well: its state was
    removed, and all steps are done again.

    Raises:
        StateError: the folder belongs to another model or to another program, or its state is
            damaged.
    """
    state = read_state(path)
    if state is not None:
        if state.name != name:
            raise StateError(
                f"{path.parent}: expected a new folder or that of {name!r}, got that of "
                f"{state.name!r}: name another --out"
            )
        return replace(state, version=version, board=board)
    foreign = _foreign(path, name)
    if foreign:
        raise StateError(
            f"{path.parent}: expected a new folder or that of an earlier run ({path.name} in it), "
            f"got {foreign}: name another --out"
        )
    return State(name, version, board)


def _foreign(path: Path, name: str) -> str:
    """Say what speaks against a run in a folder without a state; "" if nothing does.

    A run whose state was removed goes on with its split and does all steps again.
    """
    if not path.parent.exists():
        return ""
    if not path.parent.is_dir():
        return "a file"
    own = Places(path.parent, name).own_names()
    # A hidden one may be what a kill left of a file that was being written.
    found = (entry.name for entry in path.parent.iterdir() if not entry.name.startswith("."))
    others = sorted(set(found) - own)
    return f"something else: {others[0]!r}" if others else ""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file (hex); "" if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
