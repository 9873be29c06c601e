"""What a forked child must let go of: locks of files are shared with it, and would outlive its parent in its hands."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from typing import Final, Protocol


class Forked(Protocol):
    """Holds files that belong to the process that opened them."""

    def forget_parent(self) -> None:
        """Close, in a child, what is the parent's; the parent goes on."""


_holders: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


def tell_of_forks(holder: Forked) -> None:
    """Call *holder*'s ``forget_parent`` in every child that this process is forked into."""
    _holders.add(holder)


def _after_fork() -> None:
    for holder in list(_holders):
        with suppress(OSError):  # a thread of the parent was about to close the same: the others have to let go still
            holder.forget_parent()


os.register_at_fork(after_in_child=_after_fork)
