"""What is counted of a history, however often and from wherever it is looked at."""

from __future__ import annotations

from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.metrics.deployments import Deployments
from tests.support.app_environments import SHOP
from tests.support.memory_ops import MemoryShop
from tests.support.rolling_environment import ROLLOUT, WEB, image

LABELS = {"app": SHOP.app, "environment": SHOP.environment}


class Counted:
    """An exporter's counts, and how often it has read the history."""

    def __init__(self) -> None:
        self.deployments, self.registry, self.read = Deployments(), CollectorRegistry(), 0
        self.deployments.register(self.registry)

    def look(self, shop: MemoryShop) -> None:
        def count(folder: OpsFolder, history: History) -> None:
            def read() -> History:
                self.read += 1
                return history

            self.deployments.count(folder, read)

        shop.ops.consult(SHOP, count)

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"shipway_{name}", LABELS)

    @property
    def values(self) -> tuple[float | None, ...]:
        names = ("deployments_total", "rollbacks_total", "lead_time_seconds_count")
        return tuple(map(self.value, names))


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop({"rollout.yaml": ROLLOUT, "web.yaml": WEB})


def test_an_app_that_was_never_released_begins_at_0(shop: MemoryShop) -> None:
    counted = Counted()
    assert counted.values == (None, None, None)
    counted.look(shop)
    assert counted.values == (0, 0, 0)


def test_each_deployment_and_rollback_counts_once_however_often_somebody_looks(
    shop: MemoryShop,
) -> None:
    counted = Counted()
    shop.release(1)
    counted.look(shop)
    counted.look(shop)
    assert (counted.values, counted.read) == ((1, 0, 1), 1)
    shop.release(2)
    shop.roll_back()
    shop.memory.edit({"rollout.yaml": ROLLOUT + b"order: any\n"})
    for _ in range(2):
        counted.look(shop)
    assert (counted.values, counted.read) == ((2, 1, 2), 2)


def test_who_begins_anew_comes_to_the_same_counts(shop: MemoryShop) -> None:
    first, second = Counted(), Counted()
    for number in (1, 2, 3):
        shop.release(number)
        first.look(shop)
    shop.roll_back()
    shop.clear_hold("3")
    first.look(shop)
    second.look(shop)
    assert first.values == second.values == (3, 1, 3)
    assert first.value("lead_time_seconds_sum") == second.value("lead_time_seconds_sum")


def test_the_lead_time_is_from_the_revisions_commit_to_the_last_steps(shop: MemoryShop) -> None:
    counted = Counted()
    shop.release(1)
    counted.look(shop)
    # The memory's first release is made nine days and a minute after its revision.
    assert counted.value("lead_time_seconds_sum") == 9 * 86400 + 60


def test_a_deployment_by_hand_or_from_the_future_has_no_lead_time(shop: MemoryShop) -> None:
    counted = Counted()
    shop.memory.edit({"web.yaml": WEB.replace(b"shop:0", str(image(4)).encode())})
    counted.look(shop)
    assert counted.values == (1, 0, 0)
    # Its revision is of a day after its release.
    shop.step(5, "1/1 rolling", of=12)
    counted.look(shop)
    assert counted.values == (2, 0, 0)


def test_a_history_that_cannot_be_read_counts_once_it_can(shop: MemoryShop) -> None:
    shop.release(1, 2)
    counted = Counted()

    def fails() -> History:
        raise OSError

    folder = shop.memory.fetch(SHOP)
    with pytest.raises(OSError):  # noqa: PT011
        counted.deployments.count(cast("OpsFolder", folder), fails)
    assert counted.values == (0, 0, 0)
    counted.look(shop)
    assert counted.values == (2, 0, 2)
