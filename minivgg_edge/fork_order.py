"""Forks take the lock of imports before the locks of what is imported under it.

Only decoding needs it, and so only decoding imports it: a start without pictures is cheaper.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from minivgg_edge import classifier

_are_ordered = False


def order_forks() -> None:
    """Settle the order, once, also where the application imported Pillow first.

    Called under `classifier.imports_lock`, before Pillow is imported.
    """
    global _are_ordered
    if _are_ordered:
        return
    # Pillow's plugins use it, and it has a lock that forks take.
    if "logging" in sys.modules:
        classifier.register_at_fork()
    else:
        with _registering_together():
            import logging  # noqa: F401
    _are_ordered = True


@contextlib.contextmanager
def _registering_together() -> Iterator[None]:
    """Let forks take `imports_lock` before the locks that modules register inside.

    At once, and not behind their import: a fork in between would take theirs, and wait for ours,
    while the import waits for theirs.
    """
    if not hasattr(os, "register_at_fork"):  # Windows
        yield
        return
    original = os.register_at_fork

    def register(**hooks: Any) -> None:
        original(**(_behind_ours(**hooks) if "before" in hooks else hooks))

    os.register_at_fork = register
    try:
        yield
    finally:
        os.register_at_fork = original


def _behind_ours(**theirs: Any) -> dict[str, Any]:
    """Return hooks of a fork that take `imports_lock` around what a module does there."""
    ours: dict[str, Any] = classifier.FORK_HOOKS
    taken: list[bool] = []

    def before() -> None:
        ours["before"]()
        theirs["before"]()
        taken.append(True)

    def after_in_parent() -> None:
        if taken:  # else the fork had begun before these hooks were there
            taken.pop()
            theirs.get("after_in_parent", bool)()
            ours["after_in_parent"]()

    def after_in_child() -> None:
        taken.clear()
        theirs.get("after_in_child", bool)()
        ours["after_in_child"]()

    return {"before": before, "after_in_parent": after_in_parent, "after_in_child": after_in_child}
