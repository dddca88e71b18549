from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shipway.git.ops_folder import OpsFolder
from shipway.rollout.in_force import seconds_in_force
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Edit, Step
from tests.support import canary_folder, colours
from tests.support.app_environments import SHOP
from tests.support.kube_objects import NOW, Object
from tests.support.managed import REPLICAS, held
from tests.support.memory_cluster import NAMESPACED, MemoryCluster

LONG_AGO = datetime.now(UTC) - timedelta(days=1)
SELECTOR: Object = {"f:spec": {"f:selector": {}}}
RULES: Object = {"f:spec": {"f:rules": {}}}
PARENTS: Object = {"f:status": {"f:parents": {}}}
SERVICE: Object = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}}
ROUTE: Object = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "shop"},
}
GREEN: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop-green"}}


class Told(MemoryCluster):
    """A cluster with a clock of its own, which may be any time off from this machine's."""

    def __init__(self, *objects: Object, ahead: timedelta = timedelta()) -> None:
        super().__init__("shop")
        self.served["gateway.networking.k8s.io/v1"] = {"HTTPRoute": NAMESPACED}
        self._date = format_datetime(NOW + ahead)
        for each in objects:
            self.put(each)


def target(files: dict[str, bytes]) -> Target:
    return target_of(OpsFolder(app_environment=SHOP, commit="0" * 40, files=files))


def sets(where: Target, *titles: str) -> Step:
    """A step that sets fields of some objects, and waits for no workload."""
    edits = (Edit(field=at, value=value) for at, value in where.current.items())
    fields = tuple(
        edit for edit in edits if edit.field.title in titles and edit.field.kind == "field"
    )
    assert fields
    return Step(name="2/3 switch", expects=fields)


async def seconds(
    cluster: MemoryCluster, *titles: str, files: dict[str, bytes], committed: datetime = LONG_AGO
) -> float:
    where = target(files)
    return await seconds_in_force(cluster, where, sets(where, *titles), committed)


async def switched(cluster: MemoryCluster, committed: datetime = LONG_AGO) -> float:
    return await seconds(cluster, "Service/shop", files=colours.folder(), committed=committed)


async def test_a_step_is_in_force_since_its_fields_were_written() -> None:
    assert await switched(Told(held(SERVICE, 30, SELECTOR))) == 29


async def test_the_last_of_its_fields_counts() -> None:
    cluster = Told(held(SERVICE, 30, SELECTOR), held(GREEN, 20, REPLICAS))
    titles = ("Service/shop", "Deployment/shop-green")
    assert await seconds(cluster, *titles, files=colours.folder()) == 19


@pytest.mark.parametrize("minutes", [-90, 90])
async def test_the_clusters_times_are_held_against_its_own_clock(minutes: float) -> None:
    ahead = timedelta(minutes=minutes)
    behind_it = 30 - ahead.total_seconds()
    assert await switched(Told(held(SERVICE, behind_it, SELECTOR), ahead=ahead)) == 29


async def test_a_step_is_never_in_force_for_longer_than_it_is_committed() -> None:
    cluster = Told(held(SERVICE, 3000, SELECTOR))
    committed = datetime.now(UTC) - timedelta(minutes=10)
    assert 600 <= await switched(cluster, committed) < 3000
    # The clock of whoever committed it may be ahead.
    assert await switched(cluster, datetime.now(UTC) + timedelta(minutes=10)) == 0


async def test_a_clock_in_the_cluster_that_is_ahead_makes_no_pause_longer_than_itself() -> None:
    assert await switched(Told(held(SERVICE, -300, SELECTOR))) == 0


async def test_what_does_not_tell_counts_anew() -> None:
    titles = ("Service/shop", "Deployment/shop-green")
    for cluster in (Told(), Told(SERVICE), Told(SERVICE, held(GREEN, 20, REPLICAS))):
        assert await seconds(cluster, *titles, files=colours.folder()) == 0


async def test_pods_that_an_autoscaler_made_restart_nothing() -> None:
    scaled = held(GREEN, 1, REPLICAS, "kube-controller-manager", "scale")
    cluster = Told(held(SERVICE, 30, SELECTOR), scaled)
    titles = ("Service/shop", "Deployment/shop-green")
    assert await seconds(cluster, *titles, files=colours.folder()) == 29


async def test_a_route_is_in_force_since_its_gateway_last_said_so() -> None:
    written = held(ROUTE, 30, RULES)
    files = canary_folder.folder()
    told = held(written, 10, PARENTS, "traefik", "status")
    assert await seconds(Told(told), "HTTPRoute/shop", files=files) == 9
    assert await seconds(Told(written), "HTTPRoute/shop", files=files) == 0
