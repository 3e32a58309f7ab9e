"""All checks in the order in which a reader wants them, and what follows from them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.environment_checks import (
    check_bytecode,
    check_camera,
    check_installing,
    check_reading,
)
from minivgg_edge.doctor.facts import Facts
from minivgg_edge.doctor.findings import Finding, Status
from minivgg_edge.doctor.machine_checks import check_machine, check_python
from minivgg_edge.doctor.package_checks import (
    check_camera_numpy,
    check_numpy,
    check_pillow,
    check_wheels,
)
from minivgg_edge.doctor.runtime_checks import check_inference, check_runtime

# Causes before effects: the first problem's command is what to type next.
_CHECKS = (
    check_machine,
    check_python,
    check_installing,
    check_wheels,
    check_numpy,
    check_runtime,
    check_inference,
    check_camera_numpy,
    check_pillow,
    check_camera,
    check_bytecode,
    check_reading,
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the checks found.

    Attributes:
        findings: In their order.
        status: The worst of them.
        next_command: What to type next; None if nothing can be done here.
    """

    findings: tuple[Finding, ...]
    status: Status
    next_command: str | None


def examine(facts: Facts) -> Diagnosis:
    """Run all checks; what keeps no model from running is no problem but a warning."""
    findings = [finding for check in _CHECKS for finding in check(facts)]
    if facts.runs:
        findings = [_softened(finding) for finding in findings]
    elif not any(finding.status is Status.PROBLEM for finding in findings):
        findings.append(
            Finding(
                "inference",
                Status.PROBLEM,
                "the bundled model was not run, and no check says why",
                commands.install(facts, commands.PACKAGE),
            )
        )
    by_status = {status: [f for f in findings if f.status is status] for status in Status}
    status = next(s for s in (Status.PROBLEM, Status.WARNING, Status.OK) if by_status[s])
    worst = by_status[status]
    if status is Status.OK:
        following: str | None = f"{commands.python(facts)} -m minivgg_edge self-test"
    elif any(f.topic == "machine" and f.command is None for f in worst):
        following = None  # installing anything would not help
    else:
        following = next((f.command for f in worst if f.command is not None), None)
    return Diagnosis(tuple(findings), status, following)


def _softened(finding: Finding) -> Finding:
    if finding.status is Status.PROBLEM:
        return dataclasses.replace(finding, status=Status.WARNING)
    return finding
