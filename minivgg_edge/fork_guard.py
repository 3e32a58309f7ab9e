"""A lock that a fork waits for: the child would find half done, for ever, what a thread was doing.

Only the forking thread goes on in the child. What another was importing stays half imported there,
behind a lock of Python's own that nobody releases: the child's next import of it would never
return. So imports that wait for the first picture are made under this lock, and so is all that
changes a switch of the whole process.
"""

from __future__ import annotations

import os

# `threading` would be imported for this alone. Reentrant: a signal handler may fork inside.
from _thread import RLock

lock = RLock()
"""To be looked up each time: the child of a fork has another one."""

# A thread may hold the lock and wait for one that the fork has taken already, of another module:
# then neither would ever go on. A fork that has waited for so long is made without it.
_PATIENCE_S = 5.0


def register() -> None:
    """Let forks take the lock, before those of all modules that have registered theirs.

    Python takes them in the reverse order: behind the import of a module that registers one, and
    that is used under this lock, the order has to be settled again.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=_take, after_in_parent=_release, after_in_child=_renew)


def _take() -> None:
    lock.acquire(timeout=_PATIENCE_S)


def _release() -> None:
    try:
        lock.release()
    except RuntimeError:  # never taken: another thread had it for too long
        return


def _renew() -> None:
    global lock  # the one from before the fork may be held by a thread that is not here
    lock = RLock()


register()
