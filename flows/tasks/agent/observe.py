"""Environments that another agent applies: looked at, and never changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect import get_client
from prefect.exceptions import ObjectNotFound

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.load_manifests import load_manifests
from flows.runtime.run_link import id_in
from flows.tasks.agent.external_agent import said_of
from shipway.agents.verdict import Verdict
from shipway.errors import ShipwayError
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.client import NO_ANSWER, KubeClient
from shipway.kubernetes.compare import Comparison, compare
from shipway.rollout.look import look_at
from shipway.rollout.observation import LastChange, Observation, RunEnd
from shipway.rollout.observe import (
    News,
    as_heard,
    can_be_rendered,
    commit_to_apply,
    drift_in,
    is_overdue,
    is_settled,
    is_stopped,
    observed,
    with_verdict,
    without_hooks,
)
from shipway.rollout.status import AppStatus
from shipway.rollout.target import Target

# How long a cluster may take to answer, before it is said that it does not.
ANSWER_SECONDS = 20.0


async def observe(
    client: KubeClient,
    status: AppStatus,
    target: Target,
    folder: OpsFolder,
    change: LastChange,
    before: AppStatus | None,
) -> tuple[AppStatus, list[News]]:
    """See how an environment is that another agent applies.

    Args:
        client: The cluster.
        status: What Git says.
        target: The same, as the cluster is asked about it.
        folder: The folder.
        change: The commit that changed it last.
        before: What was known.

    Returns:
        What was seen, and what of it the team has not heard yet.

    Raises:
        TimeoutError: The cluster does not answer.
    """
    overdue = is_overdue(target, change, datetime.now(UTC))
    # The agent first: what it says to have applied, the cluster has by then.
    verdict, words = await _verdict(target, change)
    async with asyncio.timeout(ANSWER_SECONDS):
        seen = await look_at(client, status, target)
    seen = with_verdict(seen, verdict, overdue=overdue)
    found = Observation(
        change=change,
        agent=words,
        is_stopped=is_stopped(verdict),
        run=await end_of_run(seen.deployed.run if seen.deployed else ""),
    )
    settled = seen.is_applied and seen.health != "unknown"
    if settled and is_settled(verdict, overdue=overdue):
        comparison = await _compared(client, target, folder)
        found = found.model_copy(
            update={"is_compared": True, "not_compared": comparison.not_compared}
        )
        drift = drift_in(comparison, target, verdict)
    else:
        drift = ()
    if (drift or seen.health == "not applied") and await _has_moved_on(target, folder):
        reason = "Git has changed a moment ago"
        moved = status.model_copy(update={"health": "progressing", "reason": reason})
        return as_heard(moved, before), []
    return observed(seen, found, before, drift)


async def _verdict(target: Target, change: LastChange) -> tuple[Verdict | None, str]:
    """What the agent says, if rollout.yaml names one that can be asked; and that in words."""
    external = target.rollout.external_agent
    if external is None:
        return None, ""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            verdict = await said_of(target, external.settings, commit_to_apply(target, change))
    except ShipwayError as error:
        return None, f"{error.what} {error.facts['got'] or ''}".strip()
    except TimeoutError:
        return None, "The cluster does not answer about its agent."
    return verdict, "; ".join([verdict.words, *verdict.warnings])


async def _compared(client: KubeClient, target: Target, folder: OpsFolder) -> Comparison:
    """What differs from Git, as far as what the agent applies is known here."""
    if not can_be_rendered(target, folder):
        words = "no `render` in rollout.yaml says how the agent makes its objects"
        return Comparison(not_compared=(words,))
    ops = await load_block(OpsRepository)
    try:
        manifests = await load_manifests(ops, target, folder)
        objects = without_hooks(manifests.objects)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await compare(client, target.rollout.namespace, objects)
    except ShipwayError as error:
        return Comparison(not_compared=(f"{error.what} {error.facts['got'] or ''}".strip(),))
    except NO_ANSWER as error:
        return Comparison(not_compared=(f"the cluster says nothing: {error!r}",))


async def _has_moved_on(target: Target, folder: OpsFolder) -> bool:
    """Whether Git may say another thing than what the cluster was compared with."""
    ops, rendering = await load_block(OpsRepository), target.rollout.render
    tip = await asyncio.to_thread(ops.fetch, folder.app_environment)
    if rendering is not None and rendering.folders:
        return tip.commit != folder.commit
    return tip.fingerprint != folder.fingerprint


@external_task("see whether a run goes on")
async def end_of_run(link: str) -> RunEnd:
    """What became of the run that committed what Git says."""
    run = id_in(link)
    if run is None:
        return "unknown"
    async with get_client() as client:
        try:
            state = (await client.read_flow_run(run)).state
        except ObjectNotFound:
            return "unknown"
    if state is None or not state.is_final():
        return "goes on"
    return "completed" if state.is_completed() else "gave up"
