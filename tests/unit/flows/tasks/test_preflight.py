"""What a release finds in Git before anything is built; Git is real, Prefect is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blocks.source_repository import SourceRepository
from flows.tasks.rollout import preflight as module
from shipway.errors import RefuseError
from shipway.release import Cause, Release
from shipway.rollout.frozen import FrozenError
from shipway.rollout.plan import fence_words
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.signers import Person

WAIT = "releases: wait, "


@pytest.fixture
def shop(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RollingEnvironment:
    shop = RollingEnvironment(origin, Origin(tmp_path / "app"))

    async def load_block(kind: type, _name: str = "default") -> Any:
        return shop.source if kind is SourceRepository else shop.ops

    monkeypatch.setattr(module, "load_block", load_block)
    monkeypatch.setattr(module, "run_context", lambda: shop.run)
    return shop


async def ask(shop: RollingEnvironment, *, waits: bool, why: str | None = None) -> module.Preflight:
    cause = Cause(override_freeze=why)
    release = Release(revision=shop.newer, image=image(1), cause=cause)
    return await module.preflight.fn(SHOP, release, waits=waits)


async def test_a_freeze_that_may_be_waited_for_is_no_refusal(shop: RollingEnvironment) -> None:
    shop.freeze(WAIT)
    found = await ask(shop, waits=True)
    assert found.frozen is not None
    words = fence_words(found.target, found.in_spite_of, found.frozen)
    assert words.endswith("; it waits, frozen until 2126-01-01 00:00 UTC by Ada: the holidays")
    overridden = await ask(shop, waits=True, why="it is down")
    assert (overridden.frozen, overridden.in_spite_of) == (None, {"Freeze-Override": "it is down"})


@pytest.mark.parametrize(("more", "waits"), [("", True), (WAIT, False)])
async def test_one_that_refuses_or_that_the_run_cannot_wait_for_is(
    shop: RollingEnvironment, more: str, *, waits: bool
) -> None:
    shop.freeze(more)
    with pytest.raises(FrozenError):
        await ask(shop, waits=waits)


APPROVERS = b"rolling: {approval: true}\napprovers: [ada@example.org, grace@example.org]\n"


@pytest.mark.parametrize("names", [[], ["bob@example.org"], ["ada@example.com"]])
async def test_where_nobody_can_approve_nothing_is_built(
    shop: RollingEnvironment, tmp_path: Path, names: list[str]
) -> None:
    files = {"prod/shop/rollout.yaml": ROLLOUT + APPROVERS}
    lines = "".join(Person(name, tmp_path).line() for name in names)
    shop.origin.commit({**files, "prod/allowed_signers": lines.encode()} if names else files)
    with pytest.raises(RefuseError, match="Nobody can approve") as caught:
        await ask(shop, waits=True)
    assert "ada@example.org ssh-ed25519" in str(caught.value.facts["expected"])
    # A way back asks nobody.
    back = Release(revision=shop.newer, image=image(1), cause=Cause(rollback_from="e" * 40))
    assert (await module.preflight.fn(SHOP, back)).unfinished is None


async def test_one_approver_with_a_key_is_enough(shop: RollingEnvironment, tmp_path: Path) -> None:
    grace = Person("grace@example.org", tmp_path)
    shop.origin.commit(
        {
            "prod/shop/rollout.yaml": ROLLOUT + APPROVERS,
            "prod/allowed_signers": grace.line().encode(),
        }
    )
    assert (await ask(shop, waits=True)).target.rollout.approvers is not None


async def test_an_image_that_somebody_else_writes_is_not_built(shop: RollingEnvironment) -> None:
    marked = WEB.replace(b"# then", b'# {"$imagepolicy": "flux-system:shop"}')
    shop.origin.commit({"prod/shop/web.yaml": marked})
    with pytest.raises(RefuseError, match="Flux's image automation says as well"):
        await ask(shop, waits=True)
    # A way back does not wait for anybody.
    back = Release(revision=shop.newer, image=image(1), cause=Cause(rollback_from="e" * 40))
    assert (await module.preflight.fn(SHOP, back)).unfinished is None
