"""The releases of a soak: mostly changes, some red, some of a commit that is released already."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.common.apps import App, only_tests, prepare, remove
from bench.common.deployed import RELEASE, call
from bench.release.cases import Case, commit

APPS, AT_ONCE = 4, 2
TESTS = {
    "test_pricing.py": "from shop import pricing\n\n\ndef test_there():\n    assert pricing\n",
}
# Of ten releases of an app, two are others.
CASES: Mapping[int, Case] = {8: "again", 9: "red"}
ROUND = 10


@contextmanager
def soaked_apps() -> Generator[list[App]]:
    """Apps with unit tests alone; their folders in the ops repository are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        apps: list[App] = []
        try:
            for number in range(APPS):
                state = Path(folder, str(number))
                state.mkdir()
                apps.append(prepare("shipway", state))
                only_tests(apps[-1], TESTS, {})
            yield apps
        finally:
            remove(*(app.name for app in apps))


async def release(apps: Sequence[App], numbers: range) -> None:
    """Release these of all, some at once; end where one does not come out as it must.

    Args:
        apps: All apps, in turn.
        numbers: Which of the soak's releases.
    """
    for first in numbers[::AT_ONCE]:
        both = range(first, min(first + AT_ONCE, numbers.stop))
        await asyncio.gather(*(_release(apps[number % APPS], number) for number in both))


async def _release(app: App, number: int) -> None:
    case = CASES.get(number // APPS % ROUND, "change")
    revision = commit(app.code, case, f"release {number}")
    parameters = {"app": app.name, "revision": revision, "until": "commit"}
    called = await call(RELEASE, parameters)
    expected = "Failed" if case == "red" else "Completed"
    if called.state != expected:
        sys.exit(
            f"✗ release {number}, {case}: expected {expected}, got {called.state}: {called.message}"
        )
