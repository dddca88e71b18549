from __future__ import annotations

from typing import Any

import pytest

from shipway.gates.job import verdict_of
from shipway.kubernetes import job
from shipway.kubernetes.job import JobEnd
from tests.support.gates import context, gate


@pytest.mark.parametrize(("code", "verdict"), [(0, "pass"), (1, "fail"), (None, "inconclusive")])
def test_what_a_command_says(code: int | None, verdict: str) -> None:
    assert verdict_of(JobEnd(exit_code=code, words="the end of its log")).verdict == verdict


@pytest.mark.parametrize(("code", "verdict"), [(0, "pass"), (1, "fail"), (None, "inconclusive")])
async def test_a_command_runs_once_and_what_it_came_to_stands(
    monkeypatch: pytest.MonkeyPatch, code: int | None, verdict: str
) -> None:
    runs: list[dict[str, Any]] = []

    async def run_job(client: object, namespace: str, **keys: Any) -> JobEnd:
        runs.append({"namespace": namespace, **keys})
        if len(runs) == 1:
            raise ConnectionRefusedError("refused")
        return JobEnd(exit_code=code, words="")

    monkeypatch.setattr(job, "run_job", run_job)
    smoke = gate(job={"command": ["true"], "timeout_seconds": 4}, consecutive_failures=3)
    probe = smoke.settings.probe(smoke, context())
    assert probe.consecutive_failures == 1
    with pytest.raises(ConnectionRefusedError):
        await probe.measure()
    assert [(await probe.measure()).verdict for _ in range(3)] == [verdict] * 3
    assert len(runs) == 2
    assert runs[-1] == {
        "namespace": "shop",
        "name": "errors",
        "image": "shop@sha256:new",
        "command": ["true"],
        "env": {},
        "timeout_seconds": 4,
    }
