"""Test environments that a test asks a runner for by itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from shipway.runners.environment import EnvironmentSpec, Sidecar
from shipway.runners.process import ProcessEnvironment, ProcessRunner


def spec_of(
    *,
    run: str | None = None,
    code: Path = Path(),
    image: str | None = None,
    env: Mapping[str, str] | None = None,
    sidecars: Mapping[str, Sidecar] | None = None,
    timeout_seconds: float = 300,
) -> EnvironmentSpec:
    """An environment of a run of its own, if none is given."""
    run = run or str(uuid.uuid4())
    return EnvironmentSpec(
        run=run,
        name=f"test-{run[:8]}",
        code=code,
        image=image,
        env=dict(env or {}),
        sidecars=dict(sidecars or {}),
        timeout_seconds=timeout_seconds,
    )


def process_environment(
    code: Path, env: Mapping[str, str]
) -> AbstractAsyncContextManager[ProcessEnvironment]:
    """An environment on this machine, in a folder."""
    return ProcessRunner().environment(spec_of(code=code, env=env))
