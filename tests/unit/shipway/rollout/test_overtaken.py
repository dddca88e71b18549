"""A release that waits, and what others commit meanwhile, in real repositories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from blocks.ops_repository import OpsRepository
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, RefuseError, RetryError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.release import Release
from shipway.rollout.fence import check_committed, check_release
from shipway.rollout.overtaken import until_overtaken
from tests.support.app_environments import SHOP
from tests.support.mistakes import tell_of_error
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.run_contexts import LINK, run_context

LOOK_SECONDS = 0.01


class PassedError(Exception):
    """Nothing refuses the release."""


@pytest.fixture
def environment(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


async def outcome(
    environment: RollingEnvironment, meanwhile: Callable[[], object], *, committed: bool = True
) -> RefuseError:
    """What ends the older revision's release while somebody does something else."""
    release = Release(revision=environment.older, image=image(1))
    check = partial(
        check_committed if committed else check_release, environment.source, release=release
    )
    waiting = asyncio.create_task(until_overtaken(environment.ops, SHOP, check, LOOK_SECONDS))
    await asyncio.sleep(0)
    environment.run = run_context(2)
    await asyncio.to_thread(meanwhile)
    with pytest.raises(RefuseError) as caught:
        await waiting
    return caught.value


@pytest.mark.mistake
@pytest.mark.parametrize("committed", [False, True])
async def test_a_newer_revision_ends_the_wait_and_is_named_with_its_run(
    environment: RollingEnvironment, *, committed: bool
) -> None:
    if committed:
        environment.release(environment.older, image(1))
    newer = partial(environment.release, environment.newer, image(2))
    error = await outcome(environment, newer, committed=committed)
    assert f"{environment.newer.short} won, at " in str(error)
    assert f"{LINK}2" in str(error)
    assert f"nothing, if {environment.newer.short} is meant to be there" in str(error)
    await tell_of_error("a release that a newer one overtakes", error)


async def test_where_any_order_goes_the_one_that_is_there_is_named(
    environment: RollingEnvironment,
) -> None:
    environment.origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"order: any\n"})
    environment.release(environment.older, image(1))
    said = await outcome(environment, partial(environment.release, environment.beside, image(2)))
    assert said.what == "The environment was changed during the rollout."
    assert f"{environment.beside.short} won: {LINK}2" in str(said)


@pytest.mark.mistake
async def test_a_rollback_from_it_ends_the_wait(environment: RollingEnvironment) -> None:
    environment.release(environment.older, image(3))
    environment.release(environment.older, image(1))
    said = await outcome(environment, environment.roll_back)
    assert said.what == "This image was rolled back here and is on hold."
    await tell_of_error("a version that is on hold", said)


@pytest.mark.mistake
async def test_a_person_who_sets_another_image_ends_the_wait(
    environment: RollingEnvironment,
) -> None:
    environment.release(environment.older, image(1))
    by_hand = partial(environment.origin.commit, {"prod/shop/web.yaml": WEB})
    error = await outcome(environment, by_hand)
    assert str(error).count("by hand") == 1
    await tell_of_error("an image that is set by hand during a rollout", error)


async def test_a_look_that_fails_says_nothing(
    environment: RollingEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(environment.newer, image(2))
    fetch, failures = OpsRepository.fetch, [FailError("Git failed."), RetryError("No answer.")]

    def fails_at_first(ops: OpsRepository, app_environment: AppEnvironment) -> OpsFolder:
        if failures:
            raise failures.pop()
        return fetch(ops, app_environment)

    monkeypatch.setattr(OpsRepository, "fetch", fails_at_first)
    said = await outcome(environment, lambda: None, committed=False)
    assert f"{environment.newer.short} won" in str(said)
    assert failures == []


async def test_what_others_change_beside_it_does_not(environment: RollingEnvironment) -> None:
    environment.release(environment.older, image(1))
    release = Release(revision=environment.older, image=image(1))

    def passes(folder: OpsFolder, history: History) -> None:
        check_committed(environment.source, folder, history, release)
        raise PassedError

    environment.origin.commit({"prod/shop/web.yaml": environment.web() + b"# by hand\n"})
    with pytest.raises(PassedError):
        await until_overtaken(environment.ops, SHOP, passes, LOOK_SECONDS)
