"""Does the steps one after the other, and leaves out what is done already."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from convert.command import (
    EXIT_DONE,
    EXIT_GATE_FAILED,
    EXIT_NOT_ENOUGH_EVIDENCE,
    error_line,
)
from convert.errors import CheckpointError
from convert.folder_lock import locked
from convert.pipeline.errors import StepError
from convert.pipeline.folder_digest import folder_digest
from convert.pipeline.request import Request
from convert.pipeline.state import State, StepRecord, file_sha256, open_state
from convert.pipeline.steps import (
    TRAIN,
    MakeStep,
    Step,
    package_step,
    page_step,
    quantize_step,
    scan_step,
    train_step,
)
from convert.progress import shown_progress
from minivgg_edge.errors import MinivggEdgeError

_GOOD_CODES = (EXIT_DONE, EXIT_NOT_ENOUGH_EVIDENCE)


class Run:
    """One run: its request, and its state on the disk."""

    def __init__(self, request: Request, say: Callable[[str], None]) -> None:
        """Take up the run's folder.

        Args:
            request: what is wanted.
            say: gets lines for people.

        Raises:
            StateError: the folder belongs to something else.
        """
        self._request, self._say = request, say
        self._state = _opened(request)
        self._pictures = ""

    def run(self) -> int:
        """Do all steps that are not done.

        Returns:
            0; 1 if the gate refused the compiled model, which is not packaged then; 3 if there
            are too few pictures for the gate to tell.

        Raises:
            FolderInUseError: another run is at work in the folder.
            StepError: a step failed; the message begins with its name.
        """
        places = self._request.places
        try:
            with shown_progress("Checking pictures", quiet=self._request.quiet) as report:
                self._pictures = folder_digest(self._request.folder, report)
            places.out.mkdir(parents=True, exist_ok=True)
        except (MinivggEdgeError, OSError) as error:
            raise StepError(f"scan: {error_line(error)}") from error
        with locked(places.out):
            # Once more: what another run has done until now.
            self._state = _opened(self._request)
            return self._run_alone()

    def _run_alone(self) -> int:
        try:
            self._state.write(self._request.places.state)
        except OSError as error:
            raise StepError(f"scan: {error_line(error)}") from error
        self._do(scan_step, 1)
        self._refuse_hopeless()
        self._do(train_step, 2)
        code = self._do(quantize_step, 3, accepted=(*_GOOD_CODES, EXIT_GATE_FAILED))
        if code != EXIT_GATE_FAILED:
            self._do(package_step, 4)
        self._do(page_step, 5)
        return code

    def _do(self, make: MakeStep, number: int, accepted: Sequence[int] = _GOOD_CODES) -> int:
        step = make(self._request, self._state, self._pictures)
        heading = f"{number}/5 {step.name}"
        record = self._state.steps.get(step.name)
        reason = self._reason(step, record)
        if record is not None and reason == "":
            self._say(f"{heading}: done before")
            return record.exit_code
        self._say(f"{heading}{f': again, {reason}' if reason else ''}\n$ {step.command}")
        if step.name == TRAIN and "--force" in step.words:
            # Before it is kept that this training began: the next start takes a checkpoint for one
            # of it, and training itself discards the old one only when it has read the pictures.
            self._request.places.checkpoint.unlink(missing_ok=True)
        self._keep(self._state.with_begun(step.name, step.inputs))
        try:
            code = _execute(step)
        except StepError as error:
            if not isinstance(error.__cause__, CheckpointError):
                raise
            # The pipeline decides when to resume, so nobody could tell it to begin anew.
            self._request.places.checkpoint.unlink(missing_ok=True)
            step = make(self._request, self._state, self._pictures)
            self._say(f"{heading}: from the beginning, {error.__cause__}\n$ {step.command}")
            code = _execute(step)
        # A scan's 1 is an error of the folder, which is said with its finding.
        if code not in accepted and step.name != "scan":
            raise StepError(f"{step.name}: ended with exit code {code}: {step.command}")
        if code in _GOOD_CODES:
            outputs = {self._below(path): file_sha256(path) for path in step.outputs}
            done = StepRecord(
                step.inputs, {k: v for k, v in outputs.items() if v}, code, step.command
            )
            self._keep(self._state.with_done(step.name, done))
        return code

    def _reason(self, step: Step, record: StepRecord | None) -> str:
        """Say why a step that was done has to be done again; "" if it need not, or never was."""
        if record is None:
            return ""
        names = {*step.inputs, *record.inputs}
        changed = sorted(k for k in names if step.inputs.get(k) != record.inputs.get(k))
        if changed:
            before = record.inputs.get("options") or "none"
            told = [f"options (before: {before})" if k == "options" else k for k in changed]
            return f"another: {', '.join(told)}"
        out = self._request.places.out
        kept = record.outputs.items()
        lost = [name for name, digest in kept if file_sha256(out / name) != digest]
        return f"not as it was left: {', '.join(lost)}" if lost else ""

    def _refuse_hopeless(self) -> None:
        """End where the scan found that training cannot work."""
        scan = json.loads(self._request.places.scan.read_bytes())
        errors = [finding for finding in scan["findings"] if finding["severity"] == "error"]
        if errors:
            texts = [f"{error['sentence']} ({error['advice']})" for error in errors]
            raise StepError(f"scan: training cannot work with this folder: {'; '.join(texts)}")

    def _keep(self, state: State) -> None:
        self._state = state
        state.write(self._request.places.state)

    def _below(self, path: Path) -> str:
        return path.relative_to(self._request.places.out).as_posix()


def _opened(request: Request) -> State:
    places = request.places
    return open_state(places.state, name=places.name, version=request.version, board=request.board)


def _execute(step: Step) -> int:
    """Run a step's command in this process.

    Raises:
        StepError: it refused its input, or its command line.
    """
    try:
        code = importlib.import_module(step.module).main(step.words)
    except (MinivggEdgeError, OSError) as error:
        raise StepError(f"{step.name}: {error_line(error)}") from error
    except SystemExit as usage:  # argparse has said what is wrong
        if usage.code in (None, EXIT_DONE):
            raise
        raise StepError(f"{step.name}: {step.command}: ended by {usage.code}") from usage
    return int(code)
