from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
from kubernetes_asyncio.client import ApiException

from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject
from shipway.rollout import look
from shipway.rollout.apply import Applied
from shipway.rollout.look import InGit, look_at, read_folder, with_applied
from shipway.rollout.status import AppStatus
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.colours import deployment, folder
from tests.support.origin import Origin
from tests.support.overlays import BLUE_GREEN, folder_of
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.statuses import NOW, deployed, status

OLD, NEW = (f"registry.example.org/shop@sha256:{digit * 64}" for digit in "12")


class TestGit:
    @pytest.fixture
    def shop(self, origin: Origin, tmp_path: Path) -> RollingEnvironment:
        return RollingEnvironment(origin, Origin(tmp_path / "app"))

    def read(self, shop: RollingEnvironment, before: AppStatus | None = None) -> InGit:
        (found,) = shop.ops.consult_each(
            lambda folder, history: read_folder(folder, history, before, NOW), app="shop"
        )
        return found

    def test_the_commit_that_asked_for_it_is_found_and_then_remembered(
        self, shop: RollingEnvironment
    ) -> None:
        released = shop.release(shop.newer, image(1)).commit
        other = Proposal(changes={"prod/cart/web.yaml": b"other"}, message="other")
        shop.ops.commit(AppEnvironment(app="cart", environment="prod"), lambda *_: other)
        found = self.read(shop)
        assert found.target is not None
        assert (found.status.commit, found.status.health) == (released, "unknown")
        known = found.status.model_copy(update={"commit": "remembered"})
        assert self.read(shop, known).status.commit == "remembered"
        shop.release(shop.newer, image(2))
        assert self.read(shop, known).status.commit == shop.origin.tip()

    def test_what_was_never_released_and_what_cannot_be_read_has_nothing_to_ask(
        self, shop: RollingEnvironment
    ) -> None:
        found = self.read(shop)
        assert (found.target, found.status.reason) == (None, "nothing was released yet")
        shop.origin.commit({"prod/shop/rollout.yaml": b"strategy: none\n"})
        found = self.read(shop)
        assert (found.target, found.status.deployed) == (None, None)
        assert found.status.reason.startswith("its folder cannot be read: ")

    def test_without_its_whole_history_the_commit_stays_unknown(
        self, shop: RollingEnvironment
    ) -> None:
        def refused() -> History:
            raise RefuseError("The ops repository is shallow.")

        shop.release(shop.newer, image(1))
        found = read_folder(shop.ops.fetch(SHOP), refused, None, NOW)
        assert (found.status.commit, found.target is None) == ("", False)


class TestCluster:
    """A blue/green app, whose colours run each its own version."""

    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What the cluster says of each workload; filled by the test."""
        seen: dict[str, Any] = {}

        async def health_of(
            client: object, workload: KubeObject, namespace: str, images: dict[str, str], *_: object
        ) -> Health:
            state = seen[workload.name.removeprefix("shop-")]
            if isinstance(state, Exception):
                raise state
            words = f"{state}, {images['web'][-1]}"
            return Health(state=state, updated=1, available=1, desired_replicas=1, reason=words)

        monkeypatch.setattr(look, "health_of", health_of)
        return seen

    async def look(self, green: str = NEW) -> AppStatus:
        return await self.look_in(
            folder(blue_yaml=deployment("blue", 2, OLD), green_yaml=deployment("green", 2, green))
        )

    async def look_in(self, files: dict[str, bytes]) -> AppStatus:
        staging = AppEnvironment(app="shop", environment="staging")
        target = target_of(OpsFolder(app_environment=staging, commit="0" * 40, files=files))
        asked = status(deployed(), health="unknown")
        return await look_at(cast("KubeClient", None), asked, target)

    @pytest.mark.parametrize(
        ("blue", "green", "health", "reason"),
        [
            (
                "healthy",
                "healthy",
                "healthy",
                "Deployment/shop-blue: healthy, 1; Deployment/shop-green: ",
            ),
            ("healthy", "progressing", "progressing", "Deployment/shop-green: progressing, 2"),
            ("failed", "progressing", "failed", "Deployment/shop-blue: failed, 1"),
            ("failed", "blocked", "failed", "Deployment/shop-blue: failed, 1"),
            ("healthy", ApiException(reason="Forbidden"), "unknown", "the cluster says nothing: "),
            ("healthy", RefuseError("No such kind."), "unknown", "No such kind."),
        ],
    )
    async def test_the_worst_of_the_workloads_counts_each_by_its_own_image(
        self, seen: dict[str, Any], blue: str, green: object, health: str, reason: str
    ) -> None:
        seen |= {"blue": blue, "green": green}
        found = await self.look()
        assert found.health == health
        assert found.reason.startswith(reason)

    async def test_a_workload_that_nothing_was_released_to_is_left_out(
        self, seen: dict[str, Any]
    ) -> None:
        seen |= {"blue": "healthy"}
        assert (await self.look("shop:unreleased")).health == "healthy"

    async def test_of_an_overlay_the_kustomization_has_the_images(
        self, seen: dict[str, Any]
    ) -> None:
        seen |= {"blue": "healthy", "green": "progressing"}
        files, digests = folder_of(BLUE_GREEN).files, iter((OLD, NEW))
        text = files["kustomization.yaml"].decode()
        name = OLD.partition("@")[0]
        text = text.replace("newName: shop,", f"newName: {name},")
        text = re.sub("''", lambda _: next(digests).partition("@")[2], text)
        found = await self.look_in({**files, "kustomization.yaml": text.encode()})
        assert found.reason == "Deployment/shop-green: progressing, 2"


def test_what_was_not_applied_is_not_healthy_and_drift_is_told() -> None:
    seen = status(deployed())
    failed = with_applied(seen, FailError("The API server refuses it."))
    assert (failed.health, failed.reason) == ("not applied", "The API server refuses it.")
    changes = (
        Change(title="Deployment/web", action="updated", drift=True),
        Change(title="Service/web", action="updated"),
    )
    applied = Applied(folder="staging/shop", commit="0" * 40, changes=changes)
    assert with_applied(seen, applied).drift == ("Deployment/web",)
    assert with_applied(seen, None) == seen
