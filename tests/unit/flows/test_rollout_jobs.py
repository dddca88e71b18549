"""When a rollout runs jobs, and what follows; Git is in memory, the tasks run without Prefect."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

import pytest

from flows.rollout import gone_back_if_bad
from flows.steps.run_steps import run_steps
from shipway.config.jobs import ReleaseJob
from shipway.errors import BadVersionError, FailError, HaltError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import record_in
from shipway.kubernetes.job import JobEnd
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollout.commit import commit_jobs, commit_release
from shipway.rollout.done import commit_done
from shipway.rollout.jobs import jobs_left
from shipway.rollout.release_job import RanJob, job_object
from shipway.rollout.releases import Releases
from shipway.rollout.result import RolloutResult, StepCommit
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step
from tests.support.app_environments import SHOP
from tests.support.jobs import SOURCE, ShopWithJobs
from tests.support.rollout_parts import replace
from tests.support.run_contexts import run_context

DONE, RED = JobEnd(exit_code=0, words="all\ndone"), JobEnd(exit_code=3, words="no column")
UNKNOWN = JobEnd(exit_code=None, words="DeadlineExceeded: too late")


class Acts:
    """What a rollout does, in its order, up to where the run is killed.

    Attributes:
        ends: How the jobs end that do not end well.
        killed_after: What the run does not live to go on from.
        awaited: Whether another environment takes its versions from there by itself.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = ShopWithJobs()
        self.did: list[str] = []
        self.ends: dict[str, JobEnd] = {}
        self.killed_after = ""
        self.awaited = False
        self.page = Timeline("shop")
        self.run = run_context(1)
        for name in (
            "find_jobs_left",
            "run_job",
            "commit_step",
            "commit_jobs_after",
            "is_awaited",
            "commit_done",
            "apply_and_watch",
            "judge_step",
            "go_back_from",
            "at_live_pods",
            "unless_overtaken",
            "dry_run",
        ):
            replace(monkeypatch, name, getattr(self, name))
        for name in ("record", "do_beside", "let_jobs_go", "look_after_waiting"):
            replace(monkeypatch, name, lambda *_, **__: None)
        replace(monkeypatch, "opened_run_log", lambda: logging.getLogger("test"))

    async def release(self, number: int = 1, **cause: Any) -> RolloutResult:
        release = self.shop.release_of(number)
        release = release.model_copy(update={"cause": release.cause.model_copy(update=cause)})
        target = self.shop.target()
        plan = target.plan(release.image, rollback=release.cause.is_rollback)
        async with gone_back_if_bad(target, release, self.page):
            return await run_steps(target, plan, release, self.page)

    def do(self, what: str) -> None:
        self.did.append(what)
        if what == self.killed_after:
            self.killed_after = ""
            raise KeyboardInterrupt

    async def find_jobs_left(self, _: Target, release: Release, when: str) -> list[ReleaseJob]:
        def look(folder: OpsFolder, history: History) -> Any:
            target = target_of(folder)
            return jobs_left(target, Releases(folder, target, history), release)

        return getattr(self.shop.ops.consult(SHOP, look), when)

    async def run_job(self, target: Target, release: Release, job: ReleaseJob, _: Any) -> RanJob:
        self.do(job.name)
        made = job_object(target, release, job)
        return RanJob(name=job.name, job=made, end=self.ends.get(job.name, DONE))

    async def commit_step(
        self, target: Target, step: Step, release: Release, notes: dict[str, str]
    ) -> StepCommit:
        made = commit_release(self.shop.ops, SOURCE, target, step, release, notes, self.run)
        if made.new:
            self.do(step.name)
        return made

    async def commit_jobs_after(
        self, target: Target, release: Release, notes: dict[str, str]
    ) -> StepCommit:
        made = commit_jobs(self.shop.ops, SOURCE, target, release, notes, self.run)
        self.do("record")
        return made

    async def is_awaited(self, _: Target) -> bool:
        return self.awaited

    async def commit_done(
        self, target: Target, release: Release, notes: dict[str, str]
    ) -> StepCommit:
        made = commit_done(self.shop.ops, SOURCE, target, release, notes, self.run)
        self.do("done")
        return made

    async def apply_and_watch(self, *_: Any) -> str:
        self.do("healthy")
        return "2 of 2 run the image"

    async def judge_step(self, *_: Any) -> dict[str, str]:
        return {"Gates": "errors: 0"}

    async def go_back_from(self, failure: FailError, *_: Any, **_more: Any) -> FailError:
        self.do("roll back")
        return failure

    async def at_live_pods(self, target: Target, step: Step, _: Release) -> tuple[Target, Step]:
        return target, step

    async def unless_overtaken(self, _: Any, __: Any, work: Awaitable[Any], **_more: Any) -> Any:
        return await work

    async def dry_run(self, *_: Any) -> bool:
        return True


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Acts:
    return Acts(monkeypatch)


WHOLE = ["migrate", "1/1 rolling", "healthy", "contract", "record"]


async def test_jobs_run_around_the_steps_and_the_second_time_not(acts: Acts) -> None:
    result = await acts.release()
    assert acts.did == WHOLE
    assert [commit.new for commit in result.commits] == [True, True]
    said = record_in(acts.shop.memory.files)
    assert (said["Jobs"], said["Gates"]) == ("contract: exit code 0", "errors: 0")
    log = "  ```text\n  all\n  done\n  ```"
    assert f"job migrate: exit code 0\n\n{log}" in acts.page.render()
    acts.did.clear()
    result = await acts.release()
    assert acts.did == ["healthy"]
    assert [commit.new for commit in result.commits] == [False]


@pytest.mark.parametrize("killed_after", WHOLE)
async def test_a_run_that_was_killed_anywhere_is_gone_on_with(
    acts: Acts, killed_after: str
) -> None:
    acts.killed_after = killed_after
    with pytest.raises(KeyboardInterrupt):
        await acts.release()
    acts.run = run_context(2)
    await acts.release()
    # The cluster has the Job that a run did not live to record: it is asked for, and not made.
    others = [name for name in acts.did if name not in {killed_after, "healthy"}]
    assert others == [name for name in WHOLE if name not in {killed_after, "healthy"}]
    assert acts.shop.left(1) == []


async def test_a_red_job_before_leaves_git_as_it_was(acts: Acts) -> None:
    acts.ends["migrate"] = RED
    tip = acts.shop.memory.tip
    with pytest.raises(FailError, match="'migrate' is red") as caught:
        await acts.release()
    assert not isinstance(caught.value, BadVersionError)
    assert (acts.did, acts.shop.memory.tip) == (["migrate"], tip)


async def test_a_red_job_after_leads_back(acts: Acts) -> None:
    acts.ends["contract"] = RED
    with pytest.raises(BadVersionError, match="'contract' is red"):
        await acts.release()
    assert acts.did == [*WHOLE[:4], "roll back"]
    assert "no column" in acts.page.render()


async def test_a_red_job_after_halts_where_rollout_yaml_says_so(acts: Acts) -> None:
    rollout = acts.shop.memory.files["rollout.yaml"] + b"on_failure: halt\n"
    acts.shop.memory.edit({"rollout.yaml": rollout})
    acts.ends["contract"] = RED
    with pytest.raises(BadVersionError):
        await acts.release()
    assert acts.did == WHOLE[:4]


@pytest.mark.parametrize("name", ["migrate", "contract"])
async def test_a_job_without_an_answer_halts_and_nothing_goes_back(acts: Acts, name: str) -> None:
    acts.ends[name] = UNKNOWN
    with pytest.raises(HaltError, match=f"'{name}' has no answer"):
        await acts.release()
    assert acts.did == WHOLE[: WHOLE.index(name) + 1]


async def test_a_rollback_runs_none(acts: Acts) -> None:
    acts.shop.commit(1)
    acts.shop.commit(2)
    acts.shop.run = run_context(3)
    await acts.release(1, rollback_from=acts.shop.roll_back().target.from_revision)
    assert acts.did == ["healthy"]


async def test_what_is_awaited_is_done_once_its_gates_and_jobs_are_green(acts: Acts) -> None:
    acts.awaited, acts.ends["contract"] = True, RED
    with pytest.raises(BadVersionError):
        await acts.release()
    assert record_in(acts.shop.memory.files)["Step"] == "1/1 rolling"
    acts.ends.clear()
    acts.did.clear()
    acts.run = run_context(2)
    result = await acts.release()
    assert acts.did == ["healthy", "contract", "record", "done"]
    said = record_in(acts.shop.memory.files)
    assert (said["Step"], said["Gates"]) == ("done", "errors: 0")
    assert result.commits[-1].commit == acts.shop.memory.tip
    again = await acts.release()
    assert [commit.new for commit in again.commits] == [False, False]


async def test_what_was_gone_back_to_is_never_done(acts: Acts) -> None:
    acts.awaited = True
    acts.shop.commit(1)
    acts.shop.commit(2)
    acts.shop.run = run_context(3)
    await acts.release(1, rollback_from=acts.shop.roll_back().target.from_revision)
    assert acts.did == ["healthy"]
