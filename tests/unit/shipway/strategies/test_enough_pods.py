from __future__ import annotations

import pytest

from shipway.kubernetes.autoscaler import Autoscaler
from shipway.strategies.enough_pods import with_enough_pods
from shipway.strategies.step import FieldRef, FieldValues
from shipway.strategies.variant import Variant

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
SWITCH = FieldRef(file="route.yaml", kind="field", name="/weight", title="HTTPRoute/shop")
BOUNDS = Autoscaler(title="HorizontalPodAutoscaler/a", minimum=2, maximum=9)


def variant(name: str, bounds: Autoscaler | None, live_pods: int | None = None) -> Variant:
    file = f"{name}.yaml"
    return Variant(
        name=name,
        workload=f"Deployment/{name}",
        images=(FieldRef(file=file, name="web"),),
        replicas=FieldRef(file=file, kind="field", name="/spec/replicas", title=name),
        autoscaler=bounds,
        live_pods=live_pods,
    )


PLAIN, SCALED = variant("green", None), variant("green", BOUNDS)
SERVING, SERVING_SCALED = variant("blue", None), variant("blue", BOUNDS, 7)


def git(image: str, pods: int, weight: int = 0) -> FieldValues:
    return {**PLAIN.on(image), PLAIN.replicas: pods, SWITCH: weight, SERVING.replicas: 3}


@pytest.mark.parametrize(
    ("serving", "coming", "current", "pods", "expected"),
    [
        (SERVING, PLAIN, git(OLD, 0), 20, 20),
        (SERVING, PLAIN, git(NEW, 4), 20, 20),
        (SERVING, SCALED, git(OLD, 0), 20, 9),
        (SERVING, SCALED, git(OLD, 0), 1, 2),
        (SERVING, SCALED, git(NEW, 4), 20, 4),
        (SERVING, SCALED, git(NEW, 0), 20, 9),
        (SERVING_SCALED, PLAIN, git(OLD, 0), 20, 20),
        (SERVING_SCALED, PLAIN, git(NEW, 4, 10), 20, 4),
        (SERVING_SCALED, PLAIN, git(NEW, 4, 1), 20, 20),
        (SERVING_SCALED, PLAIN, git(OLD, 4, 10), 20, 20),
        (SERVING_SCALED, SCALED, git(NEW, 4, 1), 20, 4),
        (SERVING_SCALED, SCALED, git(NEW, 4), 0, 0),
    ],
    ids=[
        "no autoscaler",
        "no autoscaler, and another number in Git",
        "its most",
        "its least",
        "up: its autoscaler has taken over",
        "not up yet",
        "only what serves is scaled",
        "a step that Git has",
        "a step that Git has not",
        "another image",
        "up, and the weight rises",
        "it goes",
    ],
)
def test_what_comes_up_gets_pods_once(
    serving: Variant, coming: Variant, current: FieldValues, pods: int, expected: int
) -> None:
    values = {**coming.on(NEW), SWITCH: 10, coming.replicas: pods}
    found = with_enough_pods(current, values, serving, coming)
    assert found == {**values, coming.replicas: expected}


def test_values_without_pods_stay_as_they_are() -> None:
    values = {SWITCH: 10}
    assert with_enough_pods(git(NEW, 4), values, SERVING_SCALED, SCALED) == values


@pytest.mark.parametrize(
    ("serving", "pods"),
    [
        (SERVING, 3),
        (SERVING_SCALED, 7),
        (variant("blue", BOUNDS), 3),
        (variant("blue", BOUNDS, 0), 3),
    ],
    ids=["Git's", "the cluster's", "Git's, where it was not asked", "none is no number for a load"],
)
def test_what_serves_has_as_many_pods_as_whoever_sets_them_says(
    serving: Variant, pods: int
) -> None:
    assert serving.pods(git(OLD, 0)) == pods


def test_what_an_autoscaler_scales_restarts_from_none_for_another_image() -> None:
    assert SCALED.must_restart(git(OLD, 4), NEW)
    assert not SCALED.must_restart(git(OLD, 0), NEW)
    assert not SCALED.must_restart(git(NEW, 4), NEW)
    assert not PLAIN.must_restart(git(OLD, 4), NEW)
