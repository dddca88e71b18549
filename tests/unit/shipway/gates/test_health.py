from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from shipway.gates import health
from shipway.gates.health import health_probe
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from tests.support.gates import workload


def seen(state: str, restarts: int = 0) -> Health:
    keys: dict[str, Any] = {"state": state, "reason": f"it is {state}", "restarts": restarts}
    return Health(updated=1, available=1, desired_replicas=1, **keys)


@pytest.mark.parametrize(
    ("answers", "verdicts", "words"),
    [
        ([seen("healthy", 3), seen("healthy", 3)], ["pass", "pass"], "it is healthy"),
        ([seen("progressing"), seen("healthy")], ["inconclusive", "pass"], "it is healthy"),
        ([seen("failed")], ["fail"], "it is failed\nthe end of its log"),
        (
            [seen("healthy", 1), seen("healthy", 3)],
            ["pass", "fail"],
            "containers ended and were started again: 2",
        ),
    ],
)
async def test_what_the_pods_say(
    monkeypatch: pytest.MonkeyPatch,
    answers: list[Health],
    verdicts: list[str],
    words: str,
) -> None:
    following: Iterator[Health] = iter(answers)

    async def health_of(*_: object) -> Health:
        return next(following)

    async def last_words(*_: object) -> str:
        return "the end of its log"

    monkeypatch.setattr(health, "health_of", health_of)
    monkeypatch.setattr(health, "last_words", last_words)
    web = workload("Deployment", "web")
    probe = health_probe(cast("KubeClient", None), web, "shop", {}, 30)
    assert (probe.name, probe.inconclusive_timeout_seconds) == ("Deployment/web", 30)
    measurements = [await probe.measure() for _ in answers]
    assert [measurement.verdict for measurement in measurements] == verdicts
    assert measurements[-1].words == words
