from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.runtime.run_name import run_name


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "release →"),
        ({"environment": "prod", "app": "shop", "revision": None}, "release shop → prod"),
        ({"environment": "prod", "app": "shop", "revision": ""}, "release shop → prod"),
        ({"environment": "prod", "app": "shop", "revision": "v1"}, "release shop v1 → prod"),
        ({"environment": None, "app": 0, "other": "x"}, "release 0 →"),
    ],
)
def test_a_run_is_named_by_the_parameters_that_were_given(
    parameters: dict[str, Any], name: str
) -> None:
    run = FlowRun(flow_id=UUID(int=1))
    with FlowRunContext.model_construct(flow_run=run, parameters=parameters):
        assert run_name("release {app} {revision} → {environment}")() == name


def test_outside_of_a_run_the_name_is_the_flows() -> None:
    assert run_name("reconcile {environment}")() == "reconcile"
