"""What is new on the real Git server is released once, as the real Prefect server counts runs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from git import Repo
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from pydantic import SecretStr

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from examples import repositories
from flows import release_new as flow_module
from flows.release_new import release_new
from flows.tasks.release_new import find_followers, find_waiting, look_ahead, start_release
from shipway.app_environment import AppEnvironment
from shipway.release import Cause, Release
from shipway.rollout.commit import commit_release
from shipway.rollout.target import target_of
from tests.support.nobodys import deployment_of_nobody, runs_of
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import run_context
from tests.support.tagged import tag_line

ENVIRONMENTS = ("production", "staging")


@dataclass(frozen=True)
class Shop:
    """An app with two environments that take its tags, in an ops repository of their own."""

    app: str
    code: Repo
    ops: Repo
    source_block: SourceRepository
    ops_block: OpsRepository
    deployment: uuid.UUID

    def push(self, *numbers: int) -> str:
        """Push a commit and a tag for each number, all at once; return the last commit."""
        tag_line(Path(self.code.git_dir), numbers)
        self.code.git.push("origin", "main", "--tags")
        return self.code.commit(f"v{numbers[-1]}").hexsha

    def release(self, number: int, *, downgrade: bool = False) -> None:
        """Commit a release of a tag to staging, as a run of it does that somebody starts."""
        where = AppEnvironment(app=self.app, environment="staging")
        target = target_of(self.ops_block.fetch(where))
        release = Release(
            revision=self.source_block.resolve(f"v{number}"),
            image=image(number),
            cause=Cause(downgrade=downgrade),
        )
        (step,) = target.plan(release.image)
        run = run_context(number)
        commit_release(self.ops_block, self.source_block, target, step, release, {}, run)

    async def runs(self) -> list[tuple[str, str]]:
        """Environment and revision of each release, as they were started."""
        runs = await runs_of(self.deployment)
        assert {run.parameters["app"] for run in runs} == {self.app}
        return [(run.parameters["environment"], run.parameters["revision"]) for run in runs]


@pytest.fixture
async def deployment(
    sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[uuid.UUID]:
    """A deployment of `release` whose runs nobody takes."""
    async with deployment_of_nobody("release") as (name, made):
        monkeypatch.setattr(start_release, "RELEASE", name)
        yield made


@pytest.fixture
def shop(
    sandbox: dict[str, str],
    deployment: uuid.UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    env = sandbox | {"SHIPWAY_STATE": str(tmp_path)}
    app = f"new-{uuid.uuid4().hex[:8]}"
    for environment in (*ENVIRONMENTS, "by-hand"):
        folder = tmp_path / "ops" / environment / app
        folder.mkdir(parents=True)
        rule = b"" if environment == "by-hand" else b"releases: {}\n"
        (folder / "rollout.yaml").write_bytes(ROLLOUT + rule)
        (folder / "web.yaml").write_bytes(WEB)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "README").write_text("an app\n")
    code = repositories.create(app, tmp_path / "app", {}, env)
    ops = repositories.create(f"{app}-ops", tmp_path / "ops", {}, env)
    login = {
        "username": sandbox["SHIPWAY_GIT_USERNAME"],
        "password": SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
    }

    source_block = SourceRepository(url=code.remote().url, **login)
    ops_block = OpsRepository(url=ops.remote().url, **login)

    async def load(kind: type, name: str = "default") -> object:
        if kind is OpsRepository:
            return ops_block
        # The repository of no other app is there.
        gone = {"url": f"{source_block.url}-{name}"}
        return source_block if name == app else source_block.model_copy(update=gone)

    for module in (flow_module, find_followers, find_waiting, look_ahead, start_release):
        monkeypatch.setattr(module, "load_block", load)
    return Shop(app, code, ops, source_block, ops_block, deployment)


async def look() -> State[Any]:
    return await release_new(return_state=True)  # pyright: ignore


async def rows(state: State[Any]) -> list[dict[str, str]]:
    """What a look tells of what was new."""
    of_run = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    async with get_client() as client:
        artifacts = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=of_run))
    return [row for one in artifacts for row in json.loads(one.data)]


async def test_of_100_tags_that_nobody_saw_the_last_is_released_once(shop: Shop) -> None:
    tip = shop.push(*range(1, 101))
    first = await asyncio.gather(look(), look())
    started = [(environment, tip) for environment in ENVIRONMENTS]
    assert sorted(await shop.runs()) == started
    assert "2 releases started, 198 superseded" in {state.message for state in first}
    told = max([await rows(state) for state in first], key=len)
    whats = [row["what"] for row in told if row["environment"] == "production"]
    assert whats[:-1] == ["superseded by v100"] * 99
    assert whats[-1].startswith("[released](http")
    assert [row["revision"] for row in told[:100]] == [f"v{number}" for number in range(1, 101)]

    again = await look()
    assert again.message == "nothing to start"
    assert sorted(await shop.runs()) == started


async def test_tags_that_come_one_after_the_other_are_each_released_in_order(shop: Shop) -> None:
    expected = list[str]()
    for number in range(1, 4):
        expected.append(shop.push(number))
        # What is still under way is not said to be superseded.
        assert (await look()).message == "2 releases started"
    runs = await shop.runs()
    for environment in ENVIRONMENTS:
        assert [revision for where, revision in runs if where == environment] == expected


async def test_a_tag_that_moved_on_is_released_again(shop: Shop) -> None:
    before = shop.push(1)
    await look()
    after = shop.push(2)
    shop.code.git.push("origin", "--delete", "v2")
    shop.code.git.push("--force", "origin", f"{after}:refs/tags/v1")
    await look()
    runs = await shop.runs()
    assert [revision for where, revision in runs if where == "staging"] == [before, after]


async def test_what_somebody_went_back_from_does_not_come_back(shop: Shop) -> None:
    tip = shop.push(1, 2)
    shop.release(1)
    shop.release(2)
    shop.release(1, downgrade=True)
    await look()
    assert await shop.runs() == [("production", tip)]
    later = shop.push(3)
    await look()
    assert ("staging", later) in await shop.runs()


async def test_a_repository_that_is_not_there_keeps_no_other_waiting(shop: Shop) -> None:
    tip = shop.push(1)
    folder = f"staging/{shop.app}-gone"
    text = (ROLLOUT + b"releases: {}\n").decode()
    files = {f"{folder}/rollout.yaml": text, f"{folder}/web.yaml": WEB.decode()}
    repositories.commit(shop.ops, "Another app", files)
    state = await look()
    assert state.is_failed()
    assert state.message is not None
    assert "Of the others: 2 releases started." in state.message
    assert f"{shop.app}-gone" in state.message
    assert sorted(await shop.runs()) == [(environment, tip) for environment in ENVIRONMENTS]
