"""Deploy, by another agent: it is asked before a commit, told of it, and heard while it applies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.opened_run import opened_run_log
from shipway.agents.agent import AgentSettings
from shipway.agents.verdict import Verdict, judge
from shipway.errors import ShipwayError
from shipway.kubernetes.client import KubeClient
from shipway.rollout.agent import AgentFailure, Trouble
from shipway.rollout.appliers import other_agents
from shipway.rollout.external_agent import AgentWatch, before_commit, nudge, read_objects
from shipway.rollout.target import Target
from shipway.rollout.writers import check_only_source
from shipway.strategies.step import Step

# The commits that an agent names, and which of them contain the one that it is asked about.
Known = dict[frozenset[str], frozenset[str]]


async def ask_agent(target: Target, step: Step, *, way_back: bool) -> str | None:
    """See that another agent would apply a step; no way back waits for what it says.

    Args:
        target: The environment.
        step: The step.
        way_back: Whether it leads back to an earlier version.

    Returns:
        What the agent says; None where the step changes nothing, or rollout.yaml names no agent.

    Raises:
        RefuseError: It is suspended or failing, or may not be asked.
        RetryError: It has failed on an earlier commit, or waits for what may pass.
    """
    external = target.rollout.external_agent
    if external is None or not step.edits:
        return None
    try:
        said = await ask(target, external.settings)
    except ShipwayError as error:
        if not way_back:
            raise
        said = [f"{error.what} {error.facts['got'] or ''}".strip()]
        opened_run_log().warning("%s", said[0])
    return "; ".join([*said, *await see_other_agents(target, step)])


async def nudge_agent(target: Target) -> None:
    """Have another agent look at Git now instead of at its next turn, if rollout.yaml names one."""
    if target.rollout.external_agent is not None:
        await tell(target, target.rollout.external_agent.settings)


@external_task("ask the agent of {target.folder}")
async def ask(target: Target, settings: AgentSettings) -> list[str]:
    """What an agent says of the tip, where it may be given a commit.

    Raises:
        RefuseError: It is suspended or failing, has its images from elsewhere, or may not be asked.
        RetryError: It has failed on an earlier commit, or waits for what may pass.
    """
    async with _client(target, settings) as client:
        check_only_source(await read_objects(client, settings), target)
        verdict = await _look(client, settings, target.commit, {})
        if verdict.says in {"waits", "failed before"}:
            with suppress(ShipwayError):
                await nudge(client, settings)
    return [before_commit(target, verdict), *verdict.warnings]


@external_task("see who applies {target.folder}")
async def see_other_agents(target: Target, step: Step) -> list[str]:
    """Warn of others that have applied the same objects; nothing where no cluster can be asked."""
    try:
        async with _opened(target.cluster) as client:
            warnings = await other_agents(client, target, step)
    except ShipwayError:
        return []
    for warning in warnings:
        opened_run_log().warning("%s", warning)
    return warnings


@external_task("tell the agent of {target.folder} to look at Git", retry_seconds=())
async def tell(target: Target, settings: AgentSettings) -> None:
    """Nudge an agent; it may do without, at its next turn."""
    try:
        async with _client(target, settings) as client:
            await nudge(client, settings)
    except ShipwayError as error:
        opened_run_log().info(
            "The agent looks at Git at its next turn: %s %s", error.what, error.facts["got"] or ""
        )


@asynccontextmanager
async def hear_agent(
    target: Target, commit: str, tell: Callable[[str], None]
) -> AsyncGenerator[AgentFailure]:
    """What another agent says of a commit, for as long as one waits for it.

    Args:
        target: The environment. Where its rollout.yaml names no agent, nothing is ever said.
        commit: The commit.
        tell: Told what keeps the agent from applying.
    """
    async with AsyncExitStack() as stack:
        external, watch = target.rollout.external_agent, None
        if external is not None:
            try:
                client = await stack.enter_async_context(_client(target, external.settings))
                look = partial(_look, client, external.settings, commit, {})
                watch = AgentWatch(look, target.rollout.progress_deadline_seconds, tell)
            except ShipwayError as error:
                tell(f"the agent cannot be asked: {error.what}")
        yield watch.trouble if watch else _nothing


async def _nothing() -> Trouble | None:
    """What an agent says that is not asked."""
    return None


def _client(target: Target, settings: AgentSettings) -> AbstractAsyncContextManager[KubeClient]:
    """A client of the cluster that the agent's objects are in."""
    return _opened(settings.cluster or target.cluster)


@asynccontextmanager
async def _opened(name: str) -> AsyncGenerator[KubeClient]:
    cluster = await load_block(Cluster, name)
    async with cluster.client() as client:
        yield client


async def said_of(target: Target, settings: AgentSettings, commit: str) -> Verdict:
    """What another agent says of a commit now.

    Raises:
        RefuseError: Its objects are not there, or may not be read.
        RetryError: The cluster that it is in, or Git, does not answer.
    """
    async with _client(target, settings) as client:
        return await _look(client, settings, commit, {})


async def _look(client: KubeClient, settings: AgentSettings, commit: str, known: Known) -> Verdict:
    """What the agent says of a commit now.

    Args:
        client: The cluster that it is in.
        settings: The agent.
        commit: The commit.
        known: What Git has been asked before.
    """
    state = settings.state(await read_objects(client, settings))
    others = frozenset(state.commits - {commit})
    if not others:
        return judge(state, {commit})
    if others not in known:
        ops = await load_block(OpsRepository)
        known[others] = await asyncio.to_thread(ops.since, commit, others)
    return judge(state, known[others])
