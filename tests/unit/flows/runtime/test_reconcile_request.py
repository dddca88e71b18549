from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.runtime.reconcile_request import takes_requests
from tests.support.app_environments import SHOP

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(start: datetime | None = START, **parameters: Any) -> FlowRun:
    return FlowRun(id=uuid4(), flow_id=uuid4(), start_time=start, parameters=parameters)


@pytest.mark.parametrize(
    ("parameters", "seconds", "taken"),
    [
        ({"stay_seconds": 70}, 0, True),
        ({"stay_seconds": 70}, 69, True),
        ({"stay_seconds": 70}, 71, False),
        ({"stay_seconds": 0}, 0, False),
        ({}, 0, False),
        ({"stay_seconds": 70, "environment": "prod", "app": "shop"}, 1, True),
        ({"stay_seconds": 70, "environment": "prod"}, 1, True),
        ({"stay_seconds": 70, "environment": "staging"}, 1, False),
        ({"stay_seconds": 70, "app": "blog"}, 1, False),
    ],
)
def test_a_run_takes_requests_for_its_folders_while_it_stays(
    parameters: dict[str, Any], seconds: float, taken: bool
) -> None:
    now = START + timedelta(seconds=seconds)
    assert takes_requests(run(**parameters), SHOP, now) == taken


def test_a_run_that_has_not_started_takes_none() -> None:
    assert not takes_requests(run(start=None, stay_seconds=70), SHOP, START)
