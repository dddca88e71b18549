"""What is due by the real Git server is promoted once, as the real Prefect server counts runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from git import Repo
from prefect.client.schemas.objects import State
from pydantic import SecretStr

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from examples import repositories
from flows import release_new as flow_module
from flows.release_new import release_new
from flows.tasks import find_promotable
from flows.tasks.release_new import find_followers, find_waiting, start_promotion
from shipway.app_environment import AppEnvironment
from shipway.errors import RetryError
from shipway.release import Cause, Release
from shipway.rollback.commit import Reason, commit_rollback
from shipway.rollout.commit import commit_release
from shipway.rollout.done import commit_done, is_awaited
from shipway.rollout.promotion import Promotable
from shipway.rollout.target import target_of
from tests.support.nobodys import deployment_of_nobody, runs_of
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import run_context
from tests.support.tagged import tag_line

SOURCES = {"canary": "", "eu": "canary", "us": "canary", "asia": "[eu, us]"}


@dataclass
class Group:
    """An app in three waves, in an ops repository of its own; the cluster finds all of it healthy.

    Attributes:
        ill: Where it does not answer.
    """

    app: str
    code: Repo
    ops: Repo
    source_block: SourceRepository
    ops_block: OpsRepository
    deployment: uuid.UUID
    ill: str = ""

    def where(self, environment: str) -> AppEnvironment:
        return AppEnvironment(app=self.app, environment=environment)

    def release(
        self, number: int, *environments: str, done: bool = True, downgrade: bool = False
    ) -> None:
        """Commit a release of a tag as a run does, and that it is done where that counts."""
        cause, run = Cause(downgrade=downgrade), run_context(number)
        revision = self.source_block.resolve(f"v{number}")
        release = Release(revision=revision, image=image(number), cause=cause)
        ops, source = self.ops_block, self.source_block
        for environment in environments:
            target = target_of(ops.fetch(self.where(environment)))
            for step in target.plan(release.image):
                commit_release(ops, source, target, step, release, {}, run)
            if done and is_awaited(ops, target):
                commit_done(ops, source, target, release, {"Gates": "errors: 0"}, run)

    def roll_back(self, environment: str) -> None:
        """Go back, as a run does whose gate is red."""
        target = target_of(self.ops_block.fetch(self.where(environment)))
        reason = Reason(why="red", by="Shipway")
        commit_rollback(self.ops_block, self.source_block, target, None, reason, run_context(9))

    def edit(self, environment: str, **replaced: str) -> None:
        """Change a rollout.yaml by hand."""
        self.ops.git.pull("--rebase", "origin", "main")
        file = Path(self.ops.working_dir, environment, self.app, "rollout.yaml")
        text = file.read_text()
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        repositories.commit(self.ops, "By hand", {str(file): text})

    async def started(self) -> list[str]:
        """The environments of the promotions, as they were started."""
        runs = await runs_of(self.deployment)
        assert all(run.parameters["app"] == self.app for run in runs)
        return [run.parameters["environment"] for run in runs]


@pytest.fixture
async def deployment(
    sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[uuid.UUID]:
    """A deployment of `promote` whose runs nobody takes."""
    async with deployment_of_nobody("promote") as (name, made):
        monkeypatch.setattr(start_promotion, "PROMOTE", name)
        yield made


@pytest.fixture
def group(
    sandbox: dict[str, str],
    deployment: uuid.UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Group:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    env = sandbox | {"SHIPWAY_STATE": str(tmp_path)}
    app = f"waves-{uuid.uuid4().hex[:8]}"
    for environment, source in SOURCES.items():
        folder = tmp_path / "ops" / environment / app
        folder.mkdir(parents=True)
        promotion = f"promotion: {{source: {source}, by_itself: true}}\n" if source else ""
        (folder / "rollout.yaml").write_bytes(ROLLOUT + promotion.encode())
        (folder / "web.yaml").write_bytes(WEB)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "README").write_text("an app\n")
    code = repositories.create(app, tmp_path / "app", {}, env)
    tag_line(Path(code.git_dir), range(1, 4))
    code.git.push("origin", "main", "--tags")
    ops = repositories.create(f"{app}-ops", tmp_path / "ops", {}, env)
    login: dict[str, Any] = {
        "username": sandbox["SHIPWAY_GIT_USERNAME"],
        "password": SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
    }
    source_block = SourceRepository(url=code.remote().url, **login)
    ops_block = OpsRepository(url=ops.remote().url, **login)
    made = Group(app, code, ops, source_block, ops_block, deployment)

    async def load(kind: type, _name: str = "default") -> object:
        blocks = {OpsRepository: ops_block, SourceRepository: source_block}
        return blocks.get(kind, SimpleNamespace(client=client))

    @asynccontextmanager
    async def client() -> AsyncGenerator[None]:
        yield None

    async def check_health(_client: None, found: Promotable, _promotion: object) -> None:
        if found.target.environment == made.ill:
            raise RetryError("The cluster does not answer.")

    for module in (flow_module, find_followers, find_waiting, find_promotable, start_promotion):
        monkeypatch.setattr(module, "load_block", load)
    monkeypatch.setattr(find_promotable, "check_health", check_health)
    return made


async def look() -> State[Any]:
    return await release_new(return_state=True)  # pyright: ignore


async def test_each_wave_is_started_once_and_the_last_waits_for_both_before(group: Group) -> None:
    group.release(1, "canary", done=False)
    assert (await look()).message == "nothing to start"
    group.release(1, "canary")
    first = await asyncio.gather(look(), look())
    assert sorted(await group.started()) == ["eu", "us"]
    assert "2 promotions started" in {state.message for state in first}
    # They are under way, or one has failed: nobody tries again.
    group.release(1, "eu")
    assert (await look()).message == "nothing to start"
    group.release(1, "us")
    assert (await look()).message == "1 promotion started"
    group.release(1, "asia")
    assert (await look()).message == "nothing to start"
    assert (await group.started())[2:] == ["asia"]


async def test_the_first_red_one_halts_all_that_have_not_begun(group: Group) -> None:
    for environment in SOURCES:
        group.release(1, environment)
    group.release(2, "canary")
    group.release(2, "eu", done=False)
    group.roll_back("eu")
    state = await look()
    assert await group.started() == []
    assert state.message == "2 environments left to people, see the log"


async def test_what_somebody_went_back_from_is_not_promoted_again(group: Group) -> None:
    for number in (1, 2):
        group.release(number, "canary", "eu", "us")
        group.release(number, "asia")
    group.release(1, "asia", downgrade=True)
    assert (await look()).message == "1 environment left to people, see the log"
    group.release(3, "canary", "eu", "us")
    assert (await look()).message == "1 promotion started"
    assert await group.started() == ["asia"]


async def test_what_does_not_follow_by_ancestry_is_left_to_people(group: Group) -> None:
    group.release(2, "canary", "eu", "us", "asia")
    group.code.git.checkout("-b", "side", "v1")
    group.code.git.commit("--allow-empty", "-m", "Beside")
    group.code.git.tag("-f", "v3")
    group.code.git.push("--force", "origin", "v3")
    group.release(3, "canary", downgrade=True)
    assert (await look()).message == "2 environments left to people, see the log"
    assert await group.started() == []


async def test_a_cluster_that_does_not_answer_keeps_no_other_waiting(group: Group) -> None:
    group.release(1, "canary")
    group.edit("us", canary="eu")
    group.release(1, "eu")
    group.edit("asia", **{"[eu, us]": "canary"})
    group.ill = "eu"
    state = await look()
    assert state.is_failed()
    assert "Of the others: 1 promotion started" in str(state.message)
    assert "us" in str(state.message)
    assert await group.started() == ["asia"]
    group.ill = ""
    assert (await look()).message == "1 promotion started"
