"""Every error Shipway raises on purpose, classified by what happens next.

The class answers the only question a caller has: try again (`RetryError`), tell whoever gave the
input (`RefuseError`), accept a red result (`FailError`), or wait for a person (`HaltError`).
Classifying by consequence rather than by origin is an idea of kopf's (PermanentError,
TemporaryError).
"""

from __future__ import annotations


class ShipwayError(Exception):
    """A failure with the facts that a person needs to act on it.

    Args:
        what: What went wrong, in one sentence.
        where: The file and line, URL, or object it went wrong at.
        expected: What would have been right.
        got: What was there instead; a program's own last words belong here.
        untouched: What was left as it was.
        remedy: What to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        untouched: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.facts = {
            "where": where,
            "expected": expected,
            "got": got,
            "untouched": untouched,
            "remedy": remedy,
        }
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        for name, fact in self.facts.items():
            if fact:
                first, *rest = fact.splitlines() or [""]
                lines.append(f"  {name + ':':<11}{first}")
                lines.extend(f"  {'':<11}{line}" for line in rest)
        return "\n".join(lines)

    def __repr__(self) -> str:
        # Prefect writes the repr into logs and state messages, where people read it.
        return str(self)

    def __reduce__(self) -> tuple[object, ...]:
        # All that a subclass adds is in `__dict__`; its `__init__` may ask for it by other names.
        return (_rebuild, (type(self), self.args), self.__dict__)


def _rebuild(kind: type[ShipwayError], args: tuple[object, ...]) -> ShipwayError:
    return kind.__new__(kind, *args)


class RetryError(ShipwayError):
    """The outside world is not ready; the same call may succeed later."""


class RefuseError(ShipwayError):
    """The input is wrong or forbidden; the same call will fail until somebody changes it."""


class FailError(ShipwayError):
    """The work was done and its result is red: a test, a build, a rollout."""


class BadVersionError(FailError):
    """The new version itself is at fault, so that the version before it is the way out."""


class HaltError(ShipwayError):
    """Neither going on nor going back is safe without a person."""
