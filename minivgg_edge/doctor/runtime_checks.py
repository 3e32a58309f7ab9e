"""Does a runtime run, which one, and what runs the operators."""

from __future__ import annotations

from collections.abc import Iterator

from minivgg_edge.doctor import commands
from minivgg_edge.doctor.facts import Facts, Trial
from minivgg_edge.doctor.findings import Finding, ok, problem, warning
from minivgg_edge.doctor.import_errors import explain, missing_dependency
from minivgg_edge.doctor.published import LITERT
from minivgg_edge.doctor.reading import RUNTIME_MODULES
from minivgg_edge.doctor.system import read_version
from minivgg_edge.measure.processor import is_arm

_LAST_FOR_NUMPY_1 = (2, 14, 0)


def check_runtime(facts: Facts) -> Iterator[Finding]:
    """One runtime is installed and can be imported."""
    present = [
        (name, trial)
        for name, module in RUNTIME_MODULES.items()
        if (trial := facts.trial(module)) is not None and not _is_missing(trial)
    ]
    if not present:
        if facts.system.machine != "armv6l" and facts.trial("numpy") is not None:
            yield _no_runtime(facts)
        return
    used, trial = present[0]  # a broken LiteRT is not passed over for the other
    judged = _judge(facts, used, trial)
    if len(present) == 1:
        yield judged
        return
    other, works = present[1][0], present[1][1].error is None
    if trial.error is not None and works:
        yield problem(
            "runtime",
            f"{judged.sentence}; {other} works, but is not used while {used} is installed",
            commands.uninstall(facts, used),
        )
        return
    yield judged
    yield warning(
        "runtime",
        f"{used} and {other} are both installed: {used} is used, {other} only takes room",
        commands.uninstall(facts, other),
    )


def _is_missing(trial: Trial) -> bool:
    return trial.missing == trial.module.partition(".")[0]


def _no_runtime(facts: Facts) -> Finding:
    sentence = "no runtime is installed: neither ai-edge-litert nor tflite-runtime"
    tensorflow = facts.installed("tensorflow")
    if tensorflow is not None:
        sentence += f" (TensorFlow {tensorflow.version} is, but its own is not used)"
    return problem("runtime", sentence, commands.install_runtime(facts))


def _judge(facts: Facts, name: str, trial: Trial) -> Finding:
    installed = facts.installed(name)
    version = trial.version or (installed.version if installed else "of unknown version")
    numpy = facts.trial("numpy")
    numpy_version = (numpy.version if numpy else None) or ""
    old = () < read_version(version) <= _LAST_FOR_NUMPY_1 or trial.error is not None
    if name == "tflite-runtime" and old and read_version(numpy_version) >= (2,):
        # It was compiled against numpy 1, and its error does not say so.
        return _needs_numpy_1(facts, version, numpy_version)
    if trial.error is not None:
        if trial.missing == "numpy" and numpy is not None and numpy.error is not None:
            waits = f"{name} {version} waits for numpy"
            return problem("runtime", waits, commands.install_numpy(facts))
        if trial.missing is not None:
            why = missing_dependency(facts, name, trial.missing)
        else:
            why = explain(facts, name, trial.error)
        sentence = f"{name} {version} is installed but cannot be imported: {trial.error}"
        return problem("runtime", f"{sentence}; {why.cause}", why.command)
    if name == "ai-edge-litert" and () < read_version(version) < read_version(LITERT.oldest):
        return warning(
            "runtime",
            f"expected ai-edge-litert {LITERT.oldest} or newer, got {version}: older ones do not "
            "verify a model, so that a damaged one may kill the process",
            commands.install(facts, commands.LITERT_REQUIREMENT),
        )
    return ok("runtime", f"{name} {version}")


def _needs_numpy_1(facts: Facts, version: str, numpy_version: str) -> Finding:
    sentence = f"tflite-runtime {version}: expected numpy below 2, got {numpy_version}"
    fitting = commands.fitting_runtime(facts)
    if fitting is LITERT:
        sentence += "; ai-edge-litert has a wheel here and runs with both"
        return problem("runtime", sentence, commands.install(facts, commands.LITERT_REQUIREMENT))
    copies = facts.copies("numpy")
    if len(copies) > 1 and copies[1].from_system and read_version(copies[1].version) < (2,):
        return problem("runtime", sentence, commands.uninstall(facts, "numpy"))
    return problem("runtime", sentence, commands.install(facts, commands.NUMPY_1))


def check_inference(facts: Facts) -> Iterator[Finding]:
    """The bundled model runs, and by what."""
    run = facts.inference
    if run is None or "RuntimeUnavailableError" in (run.error or ""):
        return  # what it needs failed, which is a finding already
    if run.error is not None:
        command = commands.install_runtime(facts)
        if run.runtime is None and "ModelFileError" in run.error:
            command = commands.reinstall(facts, "minivgg-edge")
        yield problem("inference", f"the bundled model does not run: {run.error}", command)
        return
    runtime = f"{run.runtime} {run.version}"
    yield ok("inference", f"the bundled model runs on {runtime}; {_operators(facts)}")


def _operators(facts: Facts) -> str:
    run = facts.inference
    if run is None or run.operators is None or run.delegated is None:
        return "what runs its operators is not known"
    if not run.partitions:
        return f"no delegate: the runtime's own kernels run all {run.operators} operators"
    pieces = "1 piece" if run.partitions == 1 else f"{run.partitions} pieces"
    own = run.operators - run.delegated
    sentence = f"the delegate {run.delegate} runs {run.delegated} of {run.operators} operators in "
    sentence += f"{pieces}, the runtime's own kernels run {own}"
    if is_arm(facts.system.machine):
        has = "has" if "asimddp" in facts.system.cpu_features else "lacks"
        sentence += f"; the processor {has} the int8 dot product (asimddp)"
    return sentence
