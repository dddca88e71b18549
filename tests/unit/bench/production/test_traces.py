"""What counts as lost and as twice; what releases leave on real servers is a system test's."""

from __future__ import annotations

from collections import Counter
from typing import cast
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient

from bench.production import traces
from bench.production.calls import Called
from bench.production.traces import Counted, unlike

ALONE = Counter({"event": 2, "commit": 1})
CLIENT = cast("PrefectClient", None)
SHOP, BLOG = (
    Called(UUID(int=number), app, "c0ffee") for number, app in enumerate(("shop", "blog"))
)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Counter[str]]]:
    """What is there of each app, one look after the other; the last look stays."""
    looks = dict[str, list[Counter[str]]]()

    async def look(_client: PrefectClient, release: Called) -> Counter[str]:
        of_app = looks[release.app]
        return of_app.pop(0) if len(of_app) > 1 else of_app[0]

    monkeypatch.setattr(traces, "traces_of", look)
    monkeypatch.setattr(traces, "LOOK_SECONDS", 0)
    return looks


async def test_nothing_is_lost_or_twice_where_all_is_as_of_one_alone(
    seen: dict[str, list[Counter[str]]],
) -> None:
    seen |= {"shop": [ALONE], "blog": [ALONE]}
    assert await unlike(CLIENT, [SHOP, BLOG], ALONE) == Counted([], [], [])


async def test_what_is_missing_is_lost_and_what_is_there_too_often_is_twice(
    seen: dict[str, list[Counter[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "LATEST_SECONDS", 0)
    seen |= {
        "shop": [Counter({"event": 1, "commit": 1})],
        "blog": [Counter({"event": 2, "commit": 2, "another": 1})],
    }
    counted = await unlike(CLIENT, [SHOP, BLOG], ALONE)
    assert counted == Counted(["shop: event"], ["blog: commit", "blog: another"], [])


async def test_what_comes_late_is_not_lost(seen: dict[str, list[Counter[str]]]) -> None:
    seen |= {"shop": [Counter({"commit": 1}), Counter({"event": 1, "commit": 1}), ALONE]}
    assert await unlike(CLIENT, [SHOP], ALONE) == Counted([], [], [])


async def test_a_task_run_whose_end_prefect_lost_is_told_apart(
    seen: dict[str, list[Counter[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "LATEST_SECONDS", 0)
    end, completed, running = (
        "event prefect.task-run.Completed of push",
        "task run push, Completed",
        "task run push, Running",
    )
    alone = ALONE + Counter({end: 1, completed: 1})
    seen |= {"shop": [ALONE + Counter({running: 1})], "blog": [alone + Counter({completed: 1})]}
    counted = await unlike(CLIENT, [SHOP, BLOG], alone)
    assert counted == Counted([], [f"blog: {completed}"], [f"shop: {end}", f"shop: {completed}"])
