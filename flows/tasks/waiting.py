"""Runs that wait have no process: others see what becomes of them, and have them go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.input import RunInput
from prefect.logging import get_run_logger
from prefect.states import Failed

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.approval import nobody_answered
from flows.runtime.beside import do_if_possible
from flows.runtime.commit_status import NOT_TOLD, RunStatus
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.notify import announce
from flows.runtime.question import Approval, Asked, FreezeOverride, Question, asked_by
from flows.runtime.run_link import known_root_run
from flows.runtime.tag_run import tags_of
from shipway.app_environment import AppEnvironment
from shipway.errors import HaltError, RefuseError, ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout import fence
from shipway.rollout.frozen import FrozenError
from shipway.rollout.target import target_of

NOT_LOOKED_AFTER = "Runs that wait were not looked after"


@external_task("see who waits for an approval, or for the end of a freeze")
async def look_after_waiting(app_environment: AppEnvironment | None = None) -> None:
    """End each run that waits for what cannot come any more, and say why; have others go on.

    Git lets its release no longer go on, or the time for an answer is over. A run goes on that has
    waited for a freeze which is over, or for a signed approval where somebody has pushed one. While
    Git does not answer, nothing is known, and nothing ends.

    Args:
        app_environment: Those that wait there; all of them if None.
    """
    for run in await _suspended(app_environment):
        asked = await asked_by(run.id)
        if asked is None:
            continue
        with known_root_run(str(run.id)):
            try:
                await _look_after(run, asked)
            except ShipwayError as error:
                get_run_logger().warning("%s was not looked after: %s", run.name, error)


async def _look_after(run: FlowRun, asked: Asked) -> None:
    question = asked.question
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, question.app_environment.app)
    refusal = partial(_refusal, source, question)
    error = await asyncio.to_thread(ops.consult, question.app_environment, refusal)
    is_frozen = isinstance(error, FrozenError) and error.frozen.waits
    if error is not None and not is_frozen:
        await _end(run, question, error, ops)
    elif question.frozen is not None:
        if not is_frozen:
            await _go_on(run, FreezeOverride())
    elif datetime.now(UTC) > asked.until:
        await _end(run, question, nobody_answered(question), ops)
    elif commit := await asyncio.to_thread(_newly_pushed, ops, question):
        await _go_on(run, Approval(approve=True, who=commit))


def _newly_pushed(ops: OpsRepository, question: Question) -> str | None:
    """A commit in the place of a signed approval; the run itself judges it, once."""
    tip = ops.branch_tip(question.signed.branch) if question.signed else None
    return tip.commit if tip and tip.commit != question.looked_at else None


async def _go_on(run: FlowRun, form: RunInput) -> None:
    """Have a run go on; it begins anew, and asks once more what could refuse it."""
    # The server does nothing where somebody has had it go on, or cancelled it, a moment ago.
    async with get_client() as client:
        await client.resume_flow_run(run.id, run_input=form.model_dump())


def _refusal(
    source: SourceRepository, question: Question, folder: OpsFolder, history: History
) -> RefuseError | HaltError | None:
    """Why Git lets the release no longer go on; what keeps Git from answering is raised."""
    check = fence.check_committed if question.commits else fence.check_release
    try:
        check(source, folder, history, question.release)
    except RefuseError as error:
        return error
    return None


async def _end(
    run: FlowRun, question: Question, error: RefuseError | HaltError, ops: OpsRepository
) -> None:
    """End a run that waits; whoever looks at it, and the team, hear what its process would say."""
    async with get_client() as client:
        state = (await client.read_flow_run(run.id)).state
        if state is None or not state.is_paused():
            # Somebody has answered, or cancelled it, a moment ago.
            return
        await client.set_flow_run_state(run.id, Failed(message=str(error)))
    release, where = question.release, question.app_environment
    shown = RunStatus(where).show(release.revision.commit, "failure", error.what)
    await do_if_possible(shown, NOT_TOLD)
    target = target_of(await asyncio.to_thread(ops.fetch, where))
    what = "halt" if isinstance(error, HaltError) else "failure"
    await announce(target, release, what, str(error))


async def _suspended(app_environment: AppEnvironment | None) -> list[FlowRun]:
    wanted: dict[str, Any] = {"state": {"name": {"any_": ["Suspended"]}}}
    if app_environment is not None:
        tags = tags_of(app_environment.app, app_environment.environment)
        wanted["tags"] = {"all_": tags}
    async with get_client() as client:
        return await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))
