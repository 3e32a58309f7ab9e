"""Did the machine stay the same from before a run until after it? If not, its times mean little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minivgg_edge.measure.machine_state import MachineState, Snapshot

# The firmware's bits, by Raspberry Pi's documentation of `vcgencmd get_throttled`: what is so now,
# and 16 places higher, what has been so since the start.
_THROTTLE_BITS = {
    0: "under-voltage",
    1: "capped frequency",
    2: "throttled",
    3: "soft temperature limit",
}
_SINCE_START = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the machine may move.

    Attributes:
        frequency_fall: Share by which the fastest core's clock may have fallen, 0-1.
        temperature_c: Highest temperature in degrees Celsius; a Raspberry Pi 4 or 5 begins to
            slow down at 80.
        others_share: Share of all cores' time that other programs may have taken, and the same
            for other machines of the hypervisor, 0-1.
    """

    frequency_fall: float = 0.10
    temperature_c: float = 80.0
    others_share: float = 0.10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run's times are to be trusted.

    Attributes:
        valid: No reason against it was found.
        reasons: Sentences about what moved.
        not_available: What this machine does not tell, e.g. "governor"; it is no reason.
    """

    valid: bool
    reasons: tuple[str, ...]
    not_available: tuple[str, ...]


_DEFAULT_LIMITS = Limits()


def judge(before: Snapshot, after: Snapshot, limits: Limits = _DEFAULT_LIMITS) -> Verdict:
    """Compare the machine before a run with the machine after it.

    Args:
        before: Taken when everything is loaded and the processor is warm.
        after: Taken right after the last timed call.
        limits: How far it may move.
    """
    reasons = (
        *_lost(before.state, after.state),
        *_governor(before.state, after.state),
        *_frequency(before.state, after.state, limits.frequency_fall),
        *_temperature(before.state, after.state, limits.temperature_c),
        *_throttling(before.state, after.state),
        *_others(before, after, limits.others_share),
        *_models(before, after),
    )
    return Verdict(not reasons, reasons, _not_available(before))


_READINGS = {
    "governor": "governor",
    "frequency": "frequency_mhz",
    "temperature": "temperature_c",
    "throttle bits": "throttled",
}


def _not_available(before: Snapshot) -> tuple[str, ...]:
    missing = [name for name, field in _READINGS.items() if getattr(before.state, field) is None]
    return (
        *missing,
        *_spells(before.state),
        *(["load of other programs"] if before.cpu is None else []),
    )


def _spells(before: MachineState) -> Iterator[str]:
    """What would leave no trace if it began and ended within the run: its bit is set already."""
    seen = int(before.throttled or "0", 16) >> _SINCE_START
    names = [name for bit, name in _THROTTLE_BITS.items() if seen >> bit & 1]
    if names:
        yield f"short spells of {' and '.join(names)} (seen since the start, a reboot clears it)"


def _lost(before: MachineState, after: MachineState) -> Iterator[str]:
    for name, field in _READINGS.items():
        if getattr(before, field) is not None and getattr(after, field) is None:
            yield f"{name}: read before the run, could not be read after it"


def _governor(before: MachineState, after: MachineState) -> Iterator[str]:
    if None not in (before.governor, after.governor) and before.governor != after.governor:
        yield f"governor changed from {before.governor} to {after.governor}"


def _frequency(before: MachineState, after: MachineState, fall: float) -> Iterator[str]:
    if before.frequency_mhz is None or after.frequency_mhz is None:
        return
    was, now = max(before.frequency_mhz), max(after.frequency_mhz)
    if now < (1 - fall) * was:
        yield f"frequency fell from {was:.0f} to {now:.0f} MHz, by more than {fall:.0%}"


def _temperature(before: MachineState, after: MachineState, limit: float) -> Iterator[str]:
    for moment, state in (("before", before), ("after", after)):
        if state.temperature_c is not None and state.temperature_c > limit:
            yield f"temperature {moment} the run was {state.temperature_c:.1f} C, over {limit:g} C"


def _throttling(before: MachineState, after: MachineState) -> Iterator[str]:
    if before.throttled is None or after.throttled is None:
        return
    was, now = int(before.throttled, 16), int(after.throttled, 16)
    bits = f"({before.throttled} before, {after.throttled} after)"
    for bit, name in _THROTTLE_BITS.items():
        if was >> bit & 1:
            yield f"throttle bits: {name} when the run began {bits}"
        elif now >> bit & 1 or (now & ~was) >> (bit + _SINCE_START) & 1:
            yield f"throttle bits: {name} during the run {bits}"


def _others(before: Snapshot, after: Snapshot, limit: float) -> Iterator[str]:
    if before.cpu is None or after.cpu is None:
        return
    capacity = (after.cpu.wall_s - before.cpu.wall_s) * before.state.cores
    if capacity <= 0:
        return
    own = after.cpu.own_s - before.cpu.own_s
    shares = {
        "other programs": (after.cpu.busy_s - before.cpu.busy_s - own) / capacity,
        "other machines of the hypervisor": (after.cpu.stolen_s - before.cpu.stolen_s) / capacity,
    }
    for who, share in shares.items():
        if share > limit:
            yield f"{who} took {share:.0%} of the cores' time, more than {limit:.0%}"


def _models(before: Snapshot, after: Snapshot) -> Iterator[str]:
    now = dict(after.models)
    for path, digest in before.models:
        if now.get(path) != digest:
            yield f"model file {path} changed during the run"
