"""`kill -9` of a release in the middle of its tests: what is left, and what runs again."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml
from docker import DockerClient

from bench.common.apps import App, only_tests
from bench.common.command import run
from bench.common.section import Section
from bench.pyramid.record import Record, recorder
from bench.pyramid.traces import traces, watching

SHARDS, TESTS, TEST_SECONDS = 2, 60, 0.4
KILLED_AFTER, TIMEOUT_SECONDS = 24, 240
# What is green is kept twice a second, and then it must reach the ledger.
KEPT_SECONDS = 1.5
SUITE = f"""
import sys, time
import pytest

@pytest.mark.parametrize("number", range({TESTS}))
def test_quick(number):
    time.sleep({TEST_SECONDS})
    # One write, so that no other line gets in between.
    sys.__stdout__.write(f"\\nran {{number}} {{time.time()}}\\n")
    sys.__stdout__.flush()
"""


def killed(app: App, client: DockerClient) -> Section:
    """Kill the process of a release in mid-shard; then start the release again."""
    pipeline = yaml.safe_load(Path(app.code.working_dir, "pipeline.yaml").read_text())
    services = pipeline["tests"]["layers"]["integration"]["services"]
    tests = ["pytest", "-q", "-s", "-p", "no:cacheprovider", "tests/unit"]
    layer = {"shards": SHARDS, "services": services, "command": tests}
    command = [*app.command, only_tests(app, {"test_quick.py": SUITE}, layer)]
    with recorder(client, app.name) as record:
        end = _kill(command, app.env, record)
        left = traces(client, app.name)
        begin = time.monotonic()
        with watching(client, app.name) as looks:
            again = run(command, app.env)
    after = traces(client, app.name)
    # Its containers went on after it, with nobody to hear them: those tests are not green.
    green = {test.number: test.at for test in record.ended() if test.at < end}
    in_ledger = {number for number, at in green.items() if at < end - KEPT_SECONDS}
    rerun = Counter(test.number for test in record.ended() if test.container not in left.containers)
    gone = next((look.at for look in looks if not left.shares_with(look)), None)
    facts = {
        "Tests": TESTS,
        "Over before the kill": len(green),
        f"of them {KEPT_SECONDS} s before": len(in_ledger),
        "Left by the kill": str(left),
        "Gone after the next start": "never" if gone is None else f"{gone - begin:.1f} s",
        "Left after the next run": str(after),
        "Ran again": len(rerun),
        "of these, over before the kill": len(rerun.keys() & green.keys()),
    }
    return Section(
        title=f"kill -9 of a release in mid-shard: {SHARDS} shards, each with a database",
        about="The record of what ran is what the containers printed, as the engine has it. A test "
        f"that ended less than {KEPT_SECONDS} s before the kill may not be in the ledger yet.",
        rows=tuple({"": name, "Found": value} for name, value in facts.items()),
        promises={
            "the kill leaves something, and the next start nothing of it": (
                len(left.containers) > SHARDS and not left.shares_with(after) and gone is not None
            ),
            "nothing is left after the next run": after.none,
            "the next run is green": again.status == 0,
            "every test that was not green runs again, once": (
                rerun.keys() >= set(range(TESTS)) - green.keys() and set(rerun.values()) == {1}
            ),
            f"no test that was over {KEPT_SECONDS} s before the kill runs again": bool(in_ledger)
            and not rerun.keys() & in_ledger,
        },
    )


def _kill(command: list[str], env: dict[str, str], record: Record) -> float:
    """Start a release, and kill its process once some of its tests are over; return when."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            give_up = time.monotonic() + TIMEOUT_SECONDS
            while len(record.ended()) < KILLED_AFTER:
                if process.poll() is not None or time.monotonic() > give_up:
                    output.seek(0)
                    raise SystemExit(
                        f"✗ the release to kill ran no tests:\n{output.read()[-3000:]}"
                    )
                time.sleep(0.05)
        finally:
            end = time.time()
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    return end
