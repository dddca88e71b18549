from __future__ import annotations

from typing import Literal

import pytest

from shipway.errors import BadVersionError, HaltError
from shipway.kubernetes.health import Health
from shipway.rollout.agent import Trouble, not_applied
from shipway.rollout.wait_for_field import value_in
from shipway.rollout.watch import _red
from tests.support.watched import WORKLOAD, target


@pytest.mark.parametrize(
    ("agent", "remedy"),
    [
        (
            "reconcile",
            "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker",
        ),
        ("external", "look at Argo CD or Flux, whichever follows the ops repository"),
    ],
)
def test_a_commit_that_no_agent_applied_names_the_agent_to_look_at(
    agent: Literal["reconcile", "external"], remedy: str
) -> None:
    assert str(not_applied(target(agent), WORKLOAD, Trouble("no progress for 300 s"))) == (
        "The cluster's agent did not apply the release of shop to prod.\n"
        "  where:     Deployment/web in namespace apps\n"
        "  expected:  the agent to apply what the ops repository says\n"
        "  got:       no progress for 300 s\n"
        "  untouched: the cluster; the commit stands in the ops repository and is applied later\n"
        f"  remedy:    {remedy}"
    )


def health(pod: str | None = None) -> Health:
    return Health(
        state="failed", updated=1, available=1, desired_replicas=2, reason="has timed out", pod=pod
    )


@pytest.mark.parametrize(
    ("words", "got"),
    [("", "has timed out"), ("no database", "has timed out\n             no database")],
)
def test_a_rollout_that_fails_shows_pod_reason_and_last_words(words: str, got: str) -> None:
    error = _red(target(), WORKLOAD, health("web-1"), words)
    assert isinstance(error, BadVersionError)
    assert str(error) == (
        "The rollout of shop to prod fails.\n"
        "  where:     Deployment/web in namespace apps pod web-1\n"
        "  expected:  2 pods that run the image and are ready\n"
        f"  got:       {got}\n"
        "  untouched: the pods of the version before, which go on serving\n"
        "  remedy:    release a revision that starts, or "
        '`shipway rollback shop prod --reason "it fails"`'
    )


def test_a_rollout_that_no_pod_is_to_blame_for_waits_for_a_person() -> None:
    error = _red(target(), WORKLOAD, health(), "no progress for 300 s")
    assert isinstance(error, HaltError)
    assert str(error) == (
        "The rollout of shop to prod cannot go on.\n"
        "  where:     Deployment/web in namespace apps\n"
        "  expected:  2 pods that run the image and are ready\n"
        "  got:       has timed out\n"
        "             no progress for 300 s\n"
        "  untouched: the pods of the version before, which go on serving; the image is not on "
        "hold\n"
        "  remedy:    mend what stands in the way, then start the release again: it goes on from "
        'here; or `shipway rollback shop prod --reason "it fails"`'
    )


def test_a_workload_with_a_namespace_of_its_own_is_named_by_it() -> None:
    workload = WORKLOAD.model_copy(update={"namespace": "edge"})
    for error in (
        not_applied(target(), workload, Trouble("x")),
        _red(target(), workload, health(), ""),
    ):
        assert error.facts["where"] == "Deployment/web in namespace edge"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/spec/replicas", 3),
        ("/spec/selector/example.org~1colour", "blue"),
        ("/spec/rules/1/weight", 10),
        ("/spec/rules/2/weight", None),
        ("/spec/rules/x", None),
        ("/spec/replicas/x", None),
        ("/none/at/all", None),
    ],
)
def test_a_pointer_leads_to_a_value_or_nowhere(pointer: str, value: object) -> None:
    rules = [{"weight": 90}, {"weight": 10}]
    selector = {"example.org/colour": "blue"}
    body = {"spec": {"replicas": 3, "selector": selector, "rules": rules}}
    assert value_in(body, pointer) == value
    assert value_in(None, pointer) is None
