"""What a rollout calls, replaced wherever it is called."""

from __future__ import annotations

from typing import Any

import pytest

from flows import rollout
from flows.steps import run_jobs, run_steps, take_step

_PARTS = (rollout, run_steps, take_step, run_jobs)


def replace(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    """Have each part of a rollout that calls something by this name call something else."""
    callers = [part for part in _PARTS if hasattr(part, name)]
    assert callers, name
    for part in callers:
        monkeypatch.setattr(part, name, value)
