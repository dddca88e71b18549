"""Whose CPU seconds are whose, by processes that say how many they took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.production.cpu import REST, RUNS, WORKERS, cpu_seconds

SECONDS = 0.3
BURN = f"import time\nwhile time.process_time() < {SECONDS}: pass\n"
# As a worker: what it has started forks a process, waits for its end, and stays.
PARENT = f"""
import os, sys
if os.fork() == 0:
    exec({BURN!r})
    os._exit(0)
os.wait()
print('over', flush=True)
sys.stdin.read()
"""
WORKER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PARENT!r}])"


def test_what_a_fork_took_is_a_runs_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path))
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"over\n"
        seconds = cpu_seconds([worker.pid])
        worker.communicate()

    assert seconds[RUNS] >= SECONDS - 0.02
    assert seconds[WORKERS] > 0
    assert seconds[REST] > 0
    assert seconds["API servers"] == 0
