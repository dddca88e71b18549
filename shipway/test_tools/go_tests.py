"""Go's running tests as a tree: who holds whom follows from the order of events, not from names.

`t.Run("a/b")` in `TestX` and `t.Run("b")` in its subtest `a` have names of one form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class GoTest:
    """A test that has begun.

    Attributes:
        name: Package and name, as in `example.org/shop/cart::TestTotal/empty`.
        parent: The test that has started it.
        paused: It waits for its turn to run beside others.
        holds: It has started tests of its own.
        holds_failure: One of them has failed.
    """

    name: str
    parent: GoTest | None
    paused: bool = False
    holds: bool = False
    holds_failure: bool = False

    @property
    def outermost(self) -> GoTest:
        """The test function that it runs in."""
        return self.parent.outermost if self.parent else self


class GoTests:
    """The tests that have begun and are not over."""

    def __init__(self) -> None:
        self._open: dict[str, GoTest] = {}

    def begin(self, name: str) -> None:
        """A test begins, in the innermost test around it that is able to start one."""
        parent = next((test for test in self._around(name) if not test.paused), None)
        if parent:
            parent.holds = True
        self._open[name] = GoTest(name, parent)

    def pause(self, name: str, *, paused: bool) -> None:
        """A test waits for its turn, or goes on."""
        if name in self._open:
            self._open[name].paused = paused

    def end(self, name: str, *, failed: bool) -> GoTest:
        """A test is over."""
        if name not in self._open:
            self.begin(name)
        test = self._open.pop(name)
        if test.parent:
            test.parent.holds_failure |= failed
        return test

    def left(self, package: str) -> list[GoTest]:
        """The tests of a package that is over which never ended, the innermost first."""
        names = [name for name in self._open if name.startswith(f"{package}::")]
        return [self._open[name] for name in reversed(names)]

    def _around(self, name: str) -> Iterator[GoTest]:
        """The open tests whose name begins this one, the innermost first."""
        while "/" in name.partition("::")[2]:
            name = name.rpartition("/")[0]
            if name in self._open:
                yield self._open[name]
