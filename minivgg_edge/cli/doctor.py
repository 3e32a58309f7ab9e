"""``minivgg-edge doctor``: does this machine fit, what is broken, and what to type next.

Neither numpy nor a runtime is needed for it: their absence is what it reports.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from minivgg_edge.cli.terminal import printable, say, table

if TYPE_CHECKING:
    from minivgg_edge.doctor.examination import Diagnosis
    from minivgg_edge.doctor.facts import Facts

_DESCRIPTION = """\
Say what is installed, which runtime and delegate really run, whether this machine, Python and C
library have a wheel, and what to type next. Nothing is changed, and nothing is looked up in a
network. What may crash runs in child processes."""

_EPILOG = """\
exit codes: 0 models run here (there may be warnings); 1 a problem keeps them from it; 2 bad usage

--json prints one JSON object:
  status    "ok", "warning" or "problem", the worst of the findings
  next      the command to type next, null if there is none
  findings  list of {topic, status, sentence, command}
  facts     everything that was read from the machine
"""

_TEXT_COLUMNS = 78
_OLDEST_PYTHON = (3, 10)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to its parser."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below")


def run(arguments: argparse.Namespace) -> int:
    """Examine this machine."""
    if sys.version_info[:2] < _OLDEST_PYTHON:  # which could not even import the rest
        say(f"problem  expected Python 3.10 or newer, got {sys.version.split()[0]}")
        say('$ python3.12 -m venv ~/minivgg && ~/minivgg/bin/pip install "minivgg-edge"')
        return 1
    from minivgg_edge.doctor.examination import examine
    from minivgg_edge.doctor.findings import Status
    from minivgg_edge.doctor.reading import read_facts

    facts = read_facts()
    diagnosis = examine(facts)
    if arguments.json:
        say(_document(facts, diagnosis))
    else:
        for line in render(facts, diagnosis):
            say(line)
    return 1 if diagnosis.status is Status.PROBLEM else 0


def _document(facts: Facts, diagnosis: Diagnosis) -> str:
    import dataclasses

    document = {
        "status": diagnosis.status.value,
        "next": diagnosis.next_command,
        "findings": [dataclasses.asdict(finding) for finding in diagnosis.findings],
        "facts": dataclasses.asdict(facts),
    }
    return json.dumps(document, indent=2, allow_nan=False)


def render(facts: Facts, diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines for a person."""
    system = facts.system
    board = system.board or system.cpu or system.machine
    about = [
        ("package", f"minivgg-edge {facts.package_version} in {facts.package_folder}"),
        ("board", f"{board}, {system.machine}, {system.bits}-bit Python"),
        ("system", f"{system.os_name or system.name}, kernel {system.kernel}"),
    ]
    yield from table([(name, printable(text)) for name, text in about], "ll")
    yield ""
    width = max(len(finding.topic) for finding in diagnosis.findings)
    for finding in diagnosis.findings:
        start = f"{finding.status.value:<7}  {finding.topic:<{width}}  "
        indent = " " * len(start)
        # Messages of imports may have several lines.
        sentence = printable(" ".join(finding.sentence.split()))
        yield from textwrap.wrap(
            sentence,
            max(_TEXT_COLUMNS, len(start) + 30),
            initial_indent=start,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        )
        if finding.command is not None:
            yield f"{indent}$ {printable(finding.command)}"
    yield ""
    yield _conclusion(diagnosis)


def _conclusion(diagnosis: Diagnosis) -> str:
    outcome = {
        "ok": "models run here",
        "warning": "models run here; see the warnings",
        "problem": "models do not run here",
    }[diagnosis.status.value]
    if diagnosis.next_command is None:
        return outcome
    return f"{outcome}; next: {printable(diagnosis.next_command)}"
