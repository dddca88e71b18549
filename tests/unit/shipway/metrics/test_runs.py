from __future__ import annotations

import importlib
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from shipway.app_environment import AppEnvironment
from shipway.metrics.queue import Queue, Queued
from shipway.metrics.runs import FLOWS, RELEASES, EndedRun, Runs
from tests.support.app_environments import SHOP
from tests.support.project import HOME

THERE = {SHOP}


def ended(**more: Any) -> EndedRun:
    said: dict[str, Any] = {
        "flow": "release",
        "app_environment": SHOP,
        "outcome": "done",
        "queued_seconds": 2.0,
        "stages": {"build": 40.0},
    }
    return EndedRun(**said | more)


def counted(*runs: EndedRun) -> CollectorRegistry:
    made, registry = Runs(), CollectorRegistry()
    made.expect(THERE)
    for run in runs:
        made.count(run, THERE)
    made.register(registry)
    return registry


def releases(registry: CollectorRegistry, **more: str) -> float | None:
    said = {"flow": "release", "app": SHOP.app, "environment": SHOP.environment, "outcome": "done"}
    return registry.get_sample_value("shipway_releases_total", said | more)


def test_each_outcome_begins_at_0_for_what_is_there() -> None:
    registry = counted()
    assert {releases(registry, flow=flow, outcome="halted") for flow in RELEASES} == {0}
    assert releases(registry, app="unheard-of") is None
    assert registry.get_sample_value("shipway_run_queue_seconds_count", {"flow": "plan"}) == 0


def test_a_run_counts_by_what_it_came_to() -> None:
    registry = counted(ended(), ended(), ended(outcome="failed"), ended(flow="promote"))
    assert releases(registry) == 2
    assert releases(registry, outcome="failed") == 1
    assert releases(registry, flow="promote") == 1
    stage = {"app": SHOP.app, "environment": SHOP.environment, "stage": "build"}
    assert registry.get_sample_value("shipway_stage_seconds_sum", stage) == 160


def test_whatever_people_ask_for_makes_no_new_labels() -> None:
    apps = [AppEnvironment(app=f"app{n}", environment="x") for n in range(100)]
    registry = counted(*(ended(app_environment=one) for one in (*apps, None)))
    assert releases(registry, app="other", environment="other") == 101
    assert releases(registry, app="app1", environment="x") is None


def test_what_leads_no_environment_anywhere_counts_in_the_queue_alone() -> None:
    registry = counted(ended(flow="reconcile"), ended(queued_seconds=None))
    queue = "shipway_run_queue_seconds_count"
    assert registry.get_sample_value(queue, {"flow": "reconcile"}) == 1
    assert registry.get_sample_value(queue, {"flow": "release"}) == 0
    assert releases(registry, flow="reconcile") is None


def test_the_flows_are_those_that_are_deployed() -> None:
    deployments = yaml.safe_load((HOME / "prefect.yaml").read_text("utf-8"))["deployments"]
    entrypoints = {one["entrypoint"].rpartition(".") for one in deployments}
    flows = {getattr(importlib.import_module(where), what).name for where, _, what in entrypoints}
    assert flows == set(FLOWS)


def test_what_waits_is_told_while_it_is_known() -> None:
    queue, registry = Queue(), CollectorRegistry()
    registry.register(queue)
    queue.show({"release": Queued(3, 120.5), "plan": Queued(0, 0)})
    names = ("shipway_queued_runs", "shipway_queued_oldest_seconds")
    for flow, values in (("release", [3, 120.5]), ("plan", [0, 0])):
        assert [registry.get_sample_value(name, {"flow": flow}) for name in names] == values
    queue.forget()
    assert [*registry.collect()] == []
