"""`pytest --benchmark`: the suites in `benchmarks/` and nothing else; without it, never those.

The options stand here because pytest reads this file before it parses the command line. Which file
that is, it decides by the command line's words: a folder of its own word elsewhere on the disk
(`--data DIR`) would be taken for a place of tests, and this file not be found. So: `--data=DIR`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the literal flag, beside pytest-benchmark's own `--benchmark-...` options."""
    group = parser.getgroup("minivgg-edge")
    group.addoption(
        "--benchmark",
        action="store_true",
        dest="run_benchmarks",
        help="run the benchmarks, and no tests",
    )
    group.addoption(
        "--benchmark-card",
        type=Path,
        metavar="FILE",
        help="with --benchmark: write the results as JSON, for `python -m benchmarks.report`; "
        "in one word: --benchmark-card=FILE",
    )
    group.addoption(
        "--data",
        type=Path,
        metavar="DIR",
        help="with --benchmark: CIFAR-10's binary version, for all 10,000 test pictures "
        "(default: the embedded sample); in one word: --data=DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect `benchmarks/` where the command line names no files."""
    if config.option.run_benchmarks and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(_BENCHMARKS)]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what the flag excludes."""
    is_benchmark = collection_path.is_relative_to(_BENCHMARKS)
    if config.option.run_benchmarks:
        return None if is_benchmark or _BENCHMARKS.is_relative_to(collection_path) else True
    return True if is_benchmark else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out also what the flag excludes but the command line names: pytest collects that."""
    wanted, unwanted = [], []
    for item in items:
        is_benchmark = item.path.is_relative_to(_BENCHMARKS)
        chosen = is_benchmark == bool(config.option.run_benchmarks)
        (wanted if chosen else unwanted).append(item)
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = wanted
