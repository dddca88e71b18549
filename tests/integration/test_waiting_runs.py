"""Runs that wait without a process, on the real Prefect server: who ends them, and what is told."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from git import Repo
from prefect import flow, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Running, Suspended

from blocks.source_repository import SourceRepository
from flows.runtime import commit_status, question
from flows.runtime.question import Asked, Question
from flows.runtime.tag_run import tags_of
from flows.tasks import waiting
from flows.tasks.waiting import look_after_waiting
from shipway.app_environment import AppEnvironment
from shipway.git.signature import AllowedSigners
from shipway.release import Release
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.approvers import Approvers
from shipway.rollout.frozen import Frozen, frozen_now
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, RollingEnvironment, image
from tests.support.run_contexts import LINK, run_context
from tests.support.signers import Person
from tests.support.team import Team, team


@pytest.fixture
async def hears(sandbox: dict[str, str]) -> AsyncIterator[Team]:
    async with team() as hears:
        yield hears


@pytest.fixture
def environment(
    origin: Origin, tmp_path: Path, hears: Team, monkeypatch: pytest.MonkeyPatch
) -> RollingEnvironment:
    """An environment whose repositories are no blocks, and whose runs no agent looks after."""
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    rollout = ROLLOUT + f"notify: [{hears.block}]\n".encode()
    environment.origin.commit({"prod/shop/rollout.yaml": rollout})

    async def load_block(kind: type, _name: str = "default") -> Any:
        return environment.source if kind is SourceRepository else environment.ops

    for module in (waiting, commit_status):
        monkeypatch.setattr(module, "load_block", load_block)
    monkeypatch.setattr(question, "WAITS_FOR", "waits-in-a-test")
    return environment


@pytest.fixture
async def deployment(sandbox: dict[str, str]) -> AsyncIterator[uuid.UUID]:
    """A deployment whose runs nobody takes; they are gone afterwards."""
    name = f"waits-{uuid.uuid4().hex[:8]}"
    async with get_client() as client:
        made = await client.create_deployment(await client.create_flow_from_name(name), name)
        yield made
        only = DeploymentFilter(id=DeploymentFilterId(any_=[made]))
        for run in await client.read_flow_runs(deployment_filter=only):
            await client.delete_flow_run(run.id)
        await client.delete_deployment(made)


async def waits(
    environment: RollingEnvironment,
    deployment: uuid.UUID,
    seconds: float = 3600,
    frozen: Frozen | None = None,
    signed: ApprovalCommit | None = None,
    looked_at: str = "",
) -> FlowRun:
    """A run that waits for an approval of the older revision, or for the end of a freeze."""
    key = uuid.uuid4().hex
    asks = Question(
        signed=signed,
        looked_at=looked_at,
        app_environment=SHOP,
        release=Release(revision=environment.older, image=image(1)),
        step="1/1 rolling",
        fingerprint=environment.ops.fetch(SHOP).fingerprint,
        timeout_seconds=3600,
        form="",
        frozen=frozen,
    )
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    async with get_client() as client:
        tags = tags_of(SHOP.app, SHOP.environment)
        run = await client.create_flow_run_from_deployment(deployment, tags=tags)
        await client.set_flow_run_state(run.id, Running())
        await Asked(question=asks, key=key, until=until, report=None).keep(run.id)
        suspended: State[Any] = Suspended(timeout_seconds=7200, pause_key=key)
        await client.set_flow_run_state(run.id, suspended)
    return run


async def look(where: AppEnvironment | None = SHOP) -> None:
    @flow
    async def looks() -> None:
        await look_after_waiting(where)

    await looks()


async def state_of(run: FlowRun) -> State[Any]:
    async with get_client() as client:
        state = (await client.read_flow_run(run.id)).state
    assert state is not None
    return state


def told(hears: Team) -> list[str]:
    return [subject.partition(": ")[2] for subject in hears.subjects]


async def test_one_that_may_go_on_goes_on_waiting(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment)
    await look()
    assert (await state_of(run)).name == "Suspended"
    assert told(hears) == []


async def test_one_that_is_overtaken_ends_and_says_who_won(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment)
    environment.run = run_context(2)
    environment.release(environment.newer, image(2))
    await look(AppEnvironment(app="cart", environment=SHOP.environment))
    assert (await state_of(run)).name == "Suspended"
    await look()
    state = await state_of(run)
    assert state.is_failed()
    assert f"{environment.newer.short} won, at " in str(state.message)
    assert f"{LINK}2" in str(state.message)
    # The team hears it of the run that waited.
    assert told(hears) == ["release.failure"]
    assert str(run.id) in hears.bodies[0]


async def test_one_that_nobody_answers_in_time_halts(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment, seconds=-1)
    await look(None)
    state = await state_of(run)
    assert state.is_failed()
    assert str(state.message).startswith("Nobody approved '1/1 rolling'.")
    assert told(hears) == ["release.halt"]


async def test_what_another_version_has_written_is_left_alone(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment, seconds=-1)
    async with get_client() as client:
        await client.create_flow_run_input(run.id, f"{question.WAITS_FOR}-z", '{"asks": 1}')
    await look()
    assert (await state_of(run)).name == "Suspended"
    assert told(hears) == []


async def test_while_git_does_not_answer_nothing_ends(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment, seconds=-1)
    environment.ops = environment.ops.model_copy(update={"url": f"{environment.ops.url}-gone"})
    await look()
    assert (await state_of(run)).name == "Suspended"
    assert told(hears) == []


WAIT = "releases: wait, "


def freeze(environment: RollingEnvironment, more: str = WAIT) -> Frozen:
    """Freeze the environment."""
    environment.freeze(more)
    found = frozen_now(environment.ops.fetch(SHOP))
    assert found is not None
    return found


async def test_one_that_waits_for_the_end_of_a_freeze_goes_on_by_itself_after_it(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    # The file says how long it is; what the run knew when it began to wait counts for nothing.
    run = await waits(environment, deployment, seconds=-1, frozen=freeze(environment))
    await look()
    assert (await state_of(run)).name == "Suspended"
    environment.origin.commit({"prod/freeze.yaml": b"freezes: []\n"})
    await look()
    state = await state_of(run)
    assert state.is_scheduled(), state
    # A second look in the same moment does nothing.
    await look()
    assert (await state_of(run)).id == state.id
    assert told(hears) == []


async def test_one_that_is_overtaken_in_a_freeze_ends(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment, frozen=freeze(environment))
    environment.run = run_context(2)
    environment.release(environment.newer, image(2), override_freeze="it is down")
    await look()
    state = await state_of(run)
    assert state.is_failed()
    assert f"{environment.newer.short} won, at " in str(state.message)
    assert told(hears) == ["release.failure"]


async def test_a_freeze_that_comes_to_refuse_releases_ends_what_waits(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment, frozen=freeze(environment))
    freeze(environment, "")
    await look()
    state = await state_of(run)
    assert state.is_failed()
    assert str(state.message).startswith("shop in prod is frozen.")


async def test_an_approval_may_be_given_in_a_freeze_that_releases_wait_for(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team
) -> None:
    run = await waits(environment, deployment)
    freeze(environment)
    await look()
    assert (await state_of(run)).name == "Suspended"
    late = await waits(environment, deployment, seconds=-1)
    await look()
    assert str((await state_of(late)).message).startswith("Nobody approved '1/1 rolling'.")


async def test_one_that_waits_for_a_signature_looks_at_each_commit_once(
    environment: RollingEnvironment, deployment: uuid.UUID, hears: Team, tmp_path: Path
) -> None:
    ada, clone = Person("ada@example.org", tmp_path), tmp_path / "clone"
    signers = AllowedSigners(file="prod/allowed_signers", text=ada.line())
    signed = ApprovalCommit(
        app_environment=SHOP,
        release=Release(revision=environment.older, image=image(1)),
        step="1/1 rolling",
        fingerprint=environment.ops.fetch(SHOP).fingerprint,
        approvers=Approvers(names=(ada.name,), signers=signers),
    )
    run = await waits(environment, deployment, signed=signed)
    await look()
    assert (await state_of(run)).name == "Suspended"
    Repo.clone_from(environment.origin.url, clone)
    ada.paste(signed.command, clone)
    # It approves nothing, as that run has found.
    tip = environment.origin.tip(signed.branch)
    other = await waits(environment, deployment, signed=signed, looked_at=tip)
    await look()
    assert (await state_of(run)).is_scheduled()
    assert (await state_of(other)).name == "Suspended"
    assert told(hears) == []
