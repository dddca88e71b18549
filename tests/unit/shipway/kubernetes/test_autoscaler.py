from __future__ import annotations

from typing import Any

import pytest

from shipway.kubernetes.autoscaler import Autoscaler, ScaleTarget, autoscaler_of, scale_target
from shipway.kubernetes.objects import KubeObject, read_objects
from tests.support.autoscaled import autoscaler
from tests.support.colours import deployment

BLUE, SCALER = read_objects(
    {"blue.yaml": deployment("blue", 1), "hpa.yaml": autoscaler("shop-blue", 2, 9)}, "prod/shop"
)[::-1]


def with_spec(spec: Any) -> KubeObject:
    return SCALER.model_copy(update={"body": {**SCALER.body, "spec": spec}})


def test_the_bounds_are_those_of_the_autoscaler_that_scales_the_workload() -> None:
    title = "HorizontalPodAutoscaler/shop-blue"
    expected = Autoscaler(title=title, minimum=2, maximum=9)
    assert autoscaler_of(BLUE, [BLUE, SCALER], "shop") == expected
    assert autoscaler_of(BLUE, [BLUE], "shop") is None
    target = SCALER.body["spec"]["scaleTargetRef"]
    assert autoscaler_of(BLUE, [with_spec({"scaleTargetRef": target})], "shop") == Autoscaler(
        title=title
    )


@pytest.mark.parametrize(("pods", "bounded"), [(0, 2), (1, 2), (2, 2), (7, 7), (10, 9)])
def test_a_number_is_brought_within_the_bounds(pods: int, bounded: int) -> None:
    assert Autoscaler(title="a", minimum=2, maximum=9).bounded(pods) == bounded


def test_without_bounds_there_is_one_pod_at_least() -> None:
    assert [Autoscaler(title="a").bounded(pods) for pods in (0, 1, 99)] == [1, 1, 99]


@pytest.mark.parametrize("spec", [None, [], {}, {"scaleTargetRef": None}])
def test_an_autoscaler_that_says_nothing_scales_nothing(spec: Any) -> None:
    assert scale_target(with_spec(spec)) == ScaleTarget("", "", "")
    assert autoscaler_of(BLUE, [with_spec(spec)], "shop") is None
