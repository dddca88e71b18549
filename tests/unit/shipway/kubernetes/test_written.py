from __future__ import annotations

from datetime import timedelta

import pytest

from shipway.kubernetes.written import is_scaled, written_at
from tests.support.kube_objects import NOW, Object
from tests.support.managed import REPLICAS, held

BARE: Object = {"metadata": {"name": "a"}}
SELECTOR = ("spec", "selector", "example.org/colour")
WEIGHT = ("spec", "rules", "0", "backendRefs", "1", "weight")


def spec(**fields: Object) -> Object:
    return {"f:spec": {f"f:{name}": of for name, of in fields.items()}}


@pytest.mark.parametrize(
    ("fields", "path", "is_held"),
    [
        (spec(replicas={}), ("spec", "replicas"), True),
        (spec(replicas={}), ("spec",), True),
        (spec(replicas={}), ("spec", "template"), False),
        (spec(replicas={}), ("status",), False),
        # A map or a list that has one holder as a whole.
        (spec(selector={}), SELECTOR, True),
        (spec(rules={}), WEIGHT, True),
        (spec(selector={"f:example.org/colour": {}}), SELECTOR, True),
        (spec(selector={"f:app": {}}), SELECTOR, False),
        # Whoever holds the map alone holds none of its keys.
        (spec(selector={".": {}}), SELECTOR, False),
        # An item of a list is not known by its position: any of them counts.
        (spec(rules={'k:{"name":"x"}': {"f:backendRefs": {}}}), WEIGHT, True),
        (spec(rules={'k:{"name":"x"}': {"f:matches": {}}}), WEIGHT, False),
        (spec(rules={".": {}}), WEIGHT, False),
        (spec(selector={'k:{"name":"x"}': {}}), SELECTOR, False),
    ],
)
def test_a_field_was_written_by_who_holds_it_or_what_is_in_it(
    fields: Object, path: tuple[str, ...], is_held: bool
) -> None:
    written = written_at(held(BARE, 30, fields), path)
    assert written == (NOW - timedelta(seconds=30) if is_held else None)


def test_the_last_of_several_writers_counts() -> None:
    body = held(held(held(BARE, 90, spec(a={})), 30, spec(a={}), "argocd"), 60, spec(a={}), "helm")
    assert written_at(body, ("spec", "a")) == NOW - timedelta(seconds=30)
    assert written_at(body, ("spec", "b")) is None


def test_what_nobody_holds_was_written_at_no_time() -> None:
    undated = held(BARE, None, spec(a={}))
    for body in (BARE, {"metadata": {"managedFields": None}}, {}, undated):
        assert written_at(body, ("spec", "a")) is None
        assert not is_scaled(body)


def test_what_an_autoscaler_writes_does_not_count() -> None:
    scaled = held(held(BARE, 90, spec(template={})), 5, REPLICAS, "hpa", "scale")
    assert is_scaled(scaled)
    assert written_at(scaled, ("spec",)) == NOW - timedelta(seconds=90)
    assert written_at(scaled, ("spec", "replicas")) is None
    by_its_controller = held(BARE, 5, {"f:status": {"f:replicas": {}}}, "kcm", "status")
    assert not is_scaled(by_its_controller)
    assert not is_scaled(held(BARE, 5, REPLICAS))
