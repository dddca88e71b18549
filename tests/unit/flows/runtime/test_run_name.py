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
        ({}, "reconcile"),
        ({"environment": None, "app": None}, "reconcile"),
        ({"environment": "prod", "app": None}, "reconcile prod"),
        ({"environment": None, "app": "shop"}, "reconcile shop"),
        ({"app": "shop", "environment": "prod", "other": "x"}, "reconcile prod shop"),
        ({"environment": "", "app": 0}, "reconcile  0"),
    ],
)
def test_a_run_is_named_by_the_parameters_that_were_given(
    parameters: dict[str, Any], name: str
) -> None:
    run = FlowRun(flow_id=UUID(int=1))
    with FlowRunContext.model_construct(flow_run=run, parameters=parameters):
        assert run_name("reconcile", "environment", "app")() == name


def test_outside_of_a_run_the_name_is_the_flows() -> None:
    assert run_name("reconcile", "environment")() == "reconcile"
