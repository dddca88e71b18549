"""What is told of environments now: only what is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from shipway.metrics.environments import Environments
from shipway.rollout.deployed import Deployed
from shipway.rollout.frozen import Frozen
from shipway.rollout.observation import LastChange, Observation
from shipway.rollout.status import KNOWN_FOR, AppStatus, WhatRuns
from tests.support.statuses import NOW, deployed, status

MADE = NOW - timedelta(minutes=3)
LABELS = {"app": "shop", "environment": "staging"}
SEEN = {"change": LastChange(fingerprint="f", commit="c", at=MADE), "is_compared": True}


def asked(digest: str = "a", **more: Any) -> Deployed:
    return deployed(digest, **{"since": MADE, **more})


def value(
    one: Deployed, *seen: AppStatus, name: str, after: timedelta = timedelta(), **labels: str
) -> float | None:
    """What is told of an environment, with what was seen of it, some time later."""
    environments, registry = Environments(), CollectorRegistry()
    registry.register(environments)
    environments.show([one], 0, WhatRuns(statuses=seen), NOW + after)
    return registry.get_sample_value(f"shipway_{name}", LABELS | labels)


def test_git_alone_says_what_is_held_frozen_and_under_way() -> None:
    frozen = Frozen(file="freeze.yaml", until=NOW, by="Ada", reason="audit")
    for one, told in (
        (asked(), (0, 0, 0)),
        (asked(held=("b", "c"), frozen=frozen, step="1/3 canary 10%"), (2, 1, 1)),
    ):
        names = ("held_images", "frozen", "rollout_under_way")
        assert tuple(value(one, name=name) for name in names) == told


def test_health_is_one_of_several_and_unknown_where_nobody_has_looked() -> None:
    one = asked()
    for seen, health in (
        ([status(one)], "healthy"),
        ([status(one, health="failed")], "failed"),
        ([status(asked("b"))], "unknown"),
        ([], "unknown"),
    ):
        assert value(one, *seen, name="health", health=health) == 1
        assert value(one, *seen, name="health", health="blocked") == 0
    late = KNOWN_FOR + timedelta(seconds=1)
    assert value(one, status(one), name="health", after=late, health="healthy") == 0


def test_drift_is_told_where_all_was_compared_a_moment_ago() -> None:
    one = asked()
    drifted = status(one, drift=("Deployment/shop", "Service/shop"))
    assert value(one, drifted, name="drifted_objects") == 2
    assert value(one, status(one), name="drifted_objects") == 0
    late = KNOWN_FOR + timedelta(seconds=1)
    assert value(one, drifted, name="drifted_objects", after=late) is None
    assert value(one, status(one, health="unknown"), name="drifted_objects") is None


@pytest.mark.parametrize(
    ("more", "told"),
    [({}, 0), ({"is_compared": False}, None), ({"not_compared": ("no CRD",)}, None)],
)
def test_drift_below_another_agent_is_told_once_it_was_compared(
    more: dict[str, Any], told: float | None
) -> None:
    seen = status(asked(), observed=Observation.model_validate(SEEN | more))
    assert value(asked(), seen, name="drifted_objects") == told


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([], 180),
        ([status(asked("b"))], 180),
        ([status(asked(), health="not applied")], 180),
        ([status(asked(), health="progressing", is_applied=False)], 180),
        ([status(asked(), health="progressing")], 0),
        ([status(asked(), health="failed")], 0),
        ([status(asked(), health="unknown")], None),
        ([status(asked(frozen=Frozen(file="f", until=NOW, by="a", reason="b")))], 0),
    ],
)
def test_what_the_cluster_does_not_have_yet_is_as_old_as_its_commit(
    seen: list[AppStatus], told: float | None
) -> None:
    assert value(asked(), *seen, name="unapplied_seconds") == told


def test_a_commit_of_unknown_age_is_not_told_to_be_late() -> None:
    assert value(asked(since=None), name="unapplied_seconds") is None


def test_a_placeholder_has_neither_health_nor_lag() -> None:
    one = asked(image="shop:0")
    names = ("drifted_objects", "unapplied_seconds")
    assert [value(one, name=name) for name in names] == [None, None]
    assert value(one, name="health", health="unknown") is None
    assert value(one, name="held_images") == 0


def test_what_was_true_a_while_ago_is_not_told() -> None:
    environments, registry = Environments(), CollectorRegistry()
    registry.register(environments)
    environments.show([asked()], 3, WhatRuns(), NOW)
    assert registry.get_sample_value("shipway_unreadable_folders") == 3
    environments.forget()
    assert [*registry.collect()] == []
