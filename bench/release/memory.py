"""What a worker's processes keep in memory: idle, and while runs go on."""

from __future__ import annotations

import asyncio

from bench.common.apps import App, only_tests
from bench.common.deployed import RELEASE, call
from bench.common.memory import forks_of, mebibytes, processes_with
from bench.common.quiet import Quiet
from bench.common.section import Cell, Section
from bench.release.part import Part
from bench.release.ways import apps_of, released

AT_ONCE = (1, 4)
TEST_SECONDS = 20
SUITE = {"test_slow.py": f"import time\n\ndef test_slow():\n    time.sleep({TEST_SECONDS})\n"}
WORKER = b"worker\0start"


def memory(_: Quiet) -> Part:
    """Look at the worker, at what it forks from, and at releases that wait for a test."""
    with apps_of("worker") as apps:
        app = apps["worker"]
        # What is forked from is there by then, and the image.
        released("worker", app, app.code.head.commit.hexsha)
        rows: list[dict[str, Cell]] = [_row("no run")]
        for count in AT_ONCE:
            revision = only_tests(app, SUITE, {})
            rows.append(asyncio.run(_while_running(app, revision, count)))
    section = Section(
        title="Memory of a worker",
        about="In MiB. What processes share is counted once, in equal parts (the kernel's "
        "proportional set size). The worker's own forks are its runs.",
        rows=tuple(rows),
        promises={},
    )
    return Part([section], {})


async def _while_running(app: App, revision: str, count: int) -> dict[str, Cell]:
    """Start releases, and look while their tests sleep."""
    parameters = {"app": app.name, "revision": revision, "until": "commit"}
    runs = [asyncio.create_task(call(RELEASE, parameters)) for _ in range(count)]
    await asyncio.sleep(TEST_SECONDS / 2)
    row = _row(f"{count} running")
    await asyncio.gather(*runs)
    return row


def _row(name: str) -> dict[str, Cell]:
    (worker,) = processes_with(WORKER)
    parents = forks_of([worker])
    runs = forks_of(parents)
    parts = {"Worker": [worker], "What runs are forked from": parents, "Runs": runs}
    sums = {part: sum(map(mebibytes, processes)) for part, processes in parts.items()}
    return {
        "": name,
        **{part: f"{size:.0f}" for part, size in sums.items()},
        "All": f"{sum(sums.values()):.0f}",
        "Each run": f"{sums['Runs'] / len(runs):.0f}" if runs else "",
    }
