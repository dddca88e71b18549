"""A container without a probe counts as ready once it has stayed up, not when it is seen up.

Without a `readinessProbe`, Kubernetes calls a container ready the moment that its process starts.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

import pytest

from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.startup import NO_TOLERANCE, Startup
from shipway.kubernetes.workloads import health_of
from tests.support.kube_objects import (
    IMAGE,
    NOW,
    PROBE,
    Object,
    ago,
    deployment,
    judged,
    judged_set,
    pod,
    replica_set,
)

REVISIONS = [replica_set(2)]


def up(seconds: float, name: str = "web", ended: float | None = None) -> Object:
    """The status of a container that is up, after a run that ended at once, if any."""
    last = {"startedAt": ago(ended), "finishedAt": ago(ended)} if ended is not None else None
    return {
        "name": name,
        "restartCount": 0 if last is None else 1,
        "state": {"running": {"startedAt": ago(seconds)}},
        "lastState": {"terminated": last} if last else {},
    }


def with_probes(one: Object, *probes: Object) -> Object:
    """The pod, whose containers have these probes."""
    names = [status["name"] for status in one["status"]["containerStatuses"]]
    containers = zip(names, probes, strict=True)
    one["spec"] = {"containers": [{"name": name, **probe} for name, probe in containers]}
    return one


def unprobed(status: Object, owner: str = "rs2") -> Object:
    labels = {"controller-revision-hash": "web-2"}
    return with_probes(pod("a", owner, labels=labels, containerStatuses=[status]), {})


def state(one: Object, startup: Startup | None = None) -> str:
    return judged(deployment(replicas=1), REVISIONS, [one], startup=startup).state


@pytest.mark.parametrize("seconds", [0, 1, 2, 5, 9])
def test_a_container_that_is_seen_up_for_a_moment_is_not_healthy_yet(seconds: float) -> None:
    found = judged(deployment(replicas=1), REVISIONS, [unprobed(up(seconds))])
    assert found.state == "progressing"
    assert found.reason == (
        "0 of 1 ready, 0 of the version before still run; web must stay up for 10 s, as it has no "
        "readinessProbe"
    )


def test_of_several_pods_the_first_words_are_told() -> None:
    pods = [with_probes(pod(name, containerStatuses=[up(1, name)]), {}) for name in "ba"]
    assert judged(deployment(), REVISIONS, pods).reason == (
        "0 of 2 ready, 0 of the version before still run; a must stay up for 10 s, as it has no "
        "readinessProbe"
    )


@pytest.mark.parametrize("seconds", [10, 60, 86400])
def test_a_container_that_has_stayed_up_is_healthy(seconds: float) -> None:
    assert state(unprobed(up(seconds))) == "healthy"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_of_the_other_kinds_too(kind: str) -> None:
    found = judged_set(kind, [unprobed(up(seconds), "web") for seconds in (2, 60)])
    assert (found.state, found.reason.partition(",")[0]) == ("progressing", "1 of 2 ready")


@pytest.mark.parametrize("probe", ["readinessProbe", "startupProbe"])
def test_what_a_probe_has_seen_is_believed(probe: str) -> None:
    one = with_probes(pod("a", containerStatuses=[up(0)]), {probe: PROBE})
    assert state(one) == "healthy"


@pytest.mark.parametrize("probe", ["livenessProbe", "lifecycle"])
def test_what_tells_nothing_of_a_start_is_not(probe: str) -> None:
    one = with_probes(pod("a", containerStatuses=[up(0)]), {probe: PROBE})
    assert state(one) == "progressing"


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        pytest.param(({"readinessProbe": PROBE}, {"readinessProbe": PROBE}), "healthy", id="both"),
        pytest.param(({"readinessProbe": PROBE}, {}), "progressing", id="not the one beside"),
        pytest.param(({}, {"readinessProbe": PROBE}), "progressing", id="only the one beside"),
    ],
)
def test_each_container_counts(probes: tuple[Object, Object], expected: str) -> None:
    one = with_probes(pod("a", containerStatuses=[up(1), up(1, "log")]), *probes)
    assert state(one) == expected


def test_a_container_whose_start_nobody_told_is_not_up() -> None:
    one = unprobed({"name": "web", "state": {"running": {}}})
    assert state(one) == "progressing"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [pytest.param(3, "progressing", id="longer than its last"), pytest.param(10, "healthy")],
)
def test_an_end_before_does_not_shorten_it(seconds: float, expected: str) -> None:
    assert state(unprobed(up(seconds, ended=60))) == expected


def test_rollout_yaml_sets_for_how_long() -> None:
    one = unprobed(up(20))
    assert state(one) == "healthy"
    assert state(one, Startup(min_ready_seconds=21)) == "progressing"
    assert state(unprobed(up(0)), NO_TOLERANCE) == "healthy"


class DatedApi:
    """An API server with one Deployment and its pod, whose answers bear a date.

    Args:
        date: In HTTP's words.
        one: The pod.
    """

    def __init__(self, date: str | None, one: Object) -> None:
        web = deployment(replicas=1)
        web["spec"]["selector"] = {"matchLabels": {"app": "web"}}
        names = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods"}
        served = [{"kind": kind, "name": names[kind], "namespaced": True} for kind in names]
        apps, core = "/apis/apps/v1", "/api/v1"
        self.headers = {"Date": date} if date else {}
        self.answers: dict[str, Object] = {
            apps: {"resources": served},
            core: {"resources": served},
            f"{apps}/namespaces/shop/deployments/web": web,
            f"{apps}/namespaces/shop/replicasets": {"items": REVISIONS},
            f"{core}/namespaces/shop/pods": {"items": [one]},
        }

    async def call_api(self, path: str, *_: Any, **__: Any) -> tuple[Object, int, dict[str, str]]:
        return self.answers[path], 200, self.headers


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        # The worker's own clock is days ahead of this one.
        pytest.param(format_datetime(NOW, usegmt=True), "progressing", id="the worker's is ahead"),
        pytest.param("Tue, 24 Nov 2037 12:00:00 GMT", "healthy", id="the worker's is behind"),
        pytest.param(None, "healthy", id="no date: the worker's own"),
    ],
)
async def test_the_api_servers_clock_counts(date: str | None, expected: str) -> None:
    names = {"file": "", "kind": "Deployment", "name": "web", "namespace": "shop"}
    web = KubeObject.model_validate({**names, "api_version": "apps/v1", "body": {}})
    api: Any = DatedApi(date, unprobed(up(1)))
    found = await health_of(KubeClient(api), web, "shop", {"web": IMAGE})
    assert found.state == expected
